"""What mbatchd answers to a command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Reply:
    """The output of a command, its exit code, and what the client has to do around them."""

    out: str = ""
    err: str = ""
    code: int = 0
    delay: float = 0.0
    wants_stdin: bool = False
    wait: int | None = None
