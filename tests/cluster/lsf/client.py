"""Every LSF command of the emulator: hand the words to mbatchd, print what it answers.

The grammar lives in the daemon, so that a command starts in a few hundredths of a second.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

DOWN = "LSF is down. Please wait ...\n"


def ask(folder: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to mbatchd and return its reply."""
    os.chdir(folder)  # a relative name, for the path of a socket may be no longer than 107 characters
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect("mbatchd.sock")
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        return json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))


def wait_for_job(folder: str, job: int) -> int:
    """Wait until a job has finished; return its exit code."""
    while True:
        reply = ask(folder, {"command": "emulator", "words": ["exit-code", str(job)]})
        if reply["out"]:
            return int(reply["out"])
        time.sleep(0.05)


def main(command: str, words: list[str]) -> int:
    """Run one command and return its exit code."""
    folder = os.environ.get("LSF_EMULATOR_DIR", "")
    try:
        cwd = str(Path.cwd())
    except FileNotFoundError:
        cwd = os.environ.get("PWD", "/")
    request: dict[str, Any] = {"command": command, "words": words, "cwd": cwd}
    if command == "bsub":
        request["environment"] = dict(os.environ)
    try:
        reply = ask(folder, request)
        if reply.get("wants_stdin"):
            reply = ask(folder, {**request, "stdin": sys.stdin.read()})
        time.sleep(reply["delay"])
        sys.stdout.write(reply["out"])
        sys.stdout.flush()
        sys.stderr.write(reply["err"])
        if reply.get("wait"):
            code = wait_for_job(folder, reply["wait"])
            sys.stderr.write("<<Job is finished>>\n")
            return code
    except (OSError, ValueError):
        sys.stderr.write(DOWN)
        return 255
    return int(reply["code"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
