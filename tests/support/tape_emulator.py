"""A tape library as a command: ``status FILE`` and ``request LIST LABEL`` on a state file (JSON).

The state file holds by file the states that it will go through once it was asked for, one a look (``turns``), the state
it is in now, and all requests. ``python tape_emulator.py STATE status FILE``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(state, command, *words):
    path = Path(state)
    tape = json.loads(path.read_text())
    if tape.get("broken"):
        print("the robot is stuck", file=sys.stderr)
        return 3
    if command == "status":
        file = tape["files"][words[0]]
        if file["asked"] and file["turns"]:
            file["state"] = file["turns"].pop(0)
        print(file["state"], "1 copy")
    else:
        names = Path(words[0]).read_text().split("\n")[:-1]
        tape["requests"].append({"label": words[1], "files": names})
        for name in names:
            tape["files"][name]["asked"] = True
    path.write_text(json.dumps(tape))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
