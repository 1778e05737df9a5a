"""What a run of a campaign was told on its command line, as its ledger keeps it, and how to tell Snakemake again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from levelworks.core.outcome import InvalidOptions

if TYPE_CHECKING:
    from levelworks.campaign.standing import Run

CONFIGURATION = ("--configfile", "--configfiles")
PROFILE = ("--profile", "--workflow-profile")
DIRECTORY = ("--directory", "-d")
SETTINGS = ("--config", "-C")
SNAKEFILE = ("--snakefile", "-s")


def words_of(run: Run | None) -> list[str]:
    """Return the command line of a run; empty where there is none that can be read."""
    try:
        return shlex.split(run.words) if run else []
    except ValueError:
        return []


def values_of(words: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the values of an option: what follows it up to the next option, or after its equals sign."""
    found: list[str] = []
    taking = False
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            taking = name in names
            if taking and equals:
                found.append(value)
                taking = False
        elif taking:
            found.append(word)
    return found


def configuration_of(run: Run) -> tuple[str, ...]:
    """Return what a run was told of workflow, configuration and folders: what its products' names depend on."""
    words = words_of(run)
    told = (values_of(words, names) for names in (CONFIGURATION, SETTINGS, SNAKEFILE, DIRECTORY))
    return run.folder, *(" ".join(values) for values in told)


def words_again(run: Run | None, folder: Path) -> list[str]:
    """Return what a run was told but its targets, to be told again where it was started (see `where_started`).

    Parameters
    ----------
    folder : Path
        Working folder of the campaign, which the words name in full: where it was started may be elsewhere.

    Raises
    ------
    InvalidOptions
        Where no run is known whose command could be taken.
    """
    if run is None or not run.base:
        raise InvalidOptions("no run is known here: run snakemake with your profile and the products to make again")
    _program, *words = shlex.split(run.base)
    return [
        *_without_directory(words),
        "--directory",
        str(folder.resolve() if ".." in folder.parts else folder.absolute()),
    ]


def where_started(run: Run | None, folder: Path) -> Path:
    """Return where a run was started; the working folder where that is not known."""
    return Path(run.folder) if run is not None and run.folder else folder.absolute()


def told_in(folder: Path, command: str) -> str:
    """Return a command for people that is to be given in a folder: it goes there first where that is not here."""
    return command if _same(folder, Path.cwd()) else f"cd {shlex.quote(str(folder))} && {command}"


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _without_directory(words: Sequence[str]) -> Iterator[str]:
    left = iter(words)
    for word in left:
        if word in DIRECTORY:
            next(left, None)
        elif not word.startswith("--directory=") and not (word.startswith("-d") and len(word) > 2):
            yield word
