"""Reading a shell command, to tell whether it may run in the warm process without a shell."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

SHELL_SIGNS = re.compile(r"[$`\\!#~*?\[\]{}()|&;<>\n\r]")
"""What a shell would act upon, where it stands outside of single quotes."""
QUOTED = re.compile(r"'[^']*'|\"([^\"]*)\"")
REDIRECTION = re.compile(r"(?<![0-9])>[ \t]*('[^']*'|[^\s'\"]+)[ \t]+2>&1[ \t\n]*\Z")
BLANKS = " \t\n"


@dataclass(frozen=True)
class StageCommand:
    """``levelworks LINE STAGE …``, and the file that takes both output streams, if any."""

    words: tuple[str, ...]
    log: str | None


def read_stage_command(command: str, lines: tuple[str, ...]) -> StageCommand | None:
    """Read ``levelworks LINE STAGE … [> LOG 2>&1]``; None where it is anything else, or needs a shell.

    Parameters
    ----------
    command : str
        A shell command as Snakemake would run it.
    lines : tuple of str
        Names of the product lines.
    """
    text = command.strip(BLANKS)
    log = None
    if found := REDIRECTION.search(text):
        if SHELL_SIGNS.search(_bare(found[1])):
            return None
        log = shlex.split(found[1])[0]
        text = text[: found.start()]
    if SHELL_SIGNS.search(_bare(text)):
        return None
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if len(words) < 3 or words[0] != "levelworks" or words[1] not in lines or words[2].startswith("-"):
        return None
    return StageCommand(tuple(words[1:]), log)


def _bare(text: str) -> str:
    """Drop what single quotes protect; what stands in double quotes remains, a shell looks into them."""
    return QUOTED.sub(lambda found: found[1] or "", text)
