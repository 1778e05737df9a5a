"""Where jobs find the commands of this installation."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def put_own_commands_first() -> None:
    """Put the folder of this Python's commands first on the PATH of this process and all that it starts."""
    own = str(Path(sys.executable).parent)
    rest = os.environ.get("PATH", "")
    if rest.split(os.pathsep)[0] != own:
        os.environ["PATH"] = os.pathsep.join([own, rest]) if rest else own
