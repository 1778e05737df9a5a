"""The reference of commands and of the executor's settings."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields

from levelworks import commands
from levelworks.core.config import LINES
from levelworks_documentation.markdown import anchor, code, table, text
from levelworks_documentation.option_words import written
from snakemake_executor_plugin_jobarray.settings import ExecutorSettings

COLUMNS = "100"
"""Width in which help is written."""


def help_of(name: str, *words: str) -> str:
    """Return what a command of the house says of itself."""
    said = io.StringIO()
    with _columns(), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        commands.run(name, [*words, "--help"])
    return said.getvalue()


@contextlib.contextmanager
def _columns() -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def all_commands() -> list[tuple[str, ...]]:
    """Return the commands of the house, with those that each line has."""
    found: list[tuple[str, ...]] = []
    for name in commands.COMMANDS:
        lines: Sequence[str] = {"simulate": LINES, "clean": commands.CLEANED_LINES}.get(name, ())
        found += [(name,)] if name != "simulate" else []
        found += [(name, line) for line in lines]
    return found


def command_page() -> str:
    """Return the page of the house's own commands."""
    parts = [
        "# Commands\n",
        (
            "What each says with `--help`. Stages are commands too: [coronagraph](stages/coronagraph.md),"
            " [plumes](stages/plumes.md), [xco2](stages/xco2.md), [ard](stages/ard.md), [insar](stages/insar.md).\n"
        ),
    ]
    for words in all_commands():
        identifier = "-".join(words)
        parts.append(f"## levelworks {' '.join(words)} {{#{identifier}}}\n\n```\n{help_of(*words).rstrip()}\n```\n")
    return "\n".join(parts)


def executor_page() -> str:
    """Return the page of the executor's settings."""
    rows = []
    for one in fields(ExecutorSettings):
        flag = f"--jobarray-{one.name.replace('_', '-')}"
        choices = one.metadata.get("choices")
        default = "" if one.default in (None, MISSING) else written(one.default)
        meaning = str(one.metadata["help"]).replace("%%", "%")
        said = f" ({', '.join(choices)})" if choices and not all(choice in meaning for choice in choices) else ""
        rows.append((anchor(flag.removeprefix("--"), flag), code(default), text(meaning + said)))
    parts = [
        "# Settings of the executor\n",
        (
            "Options of Snakemake with `--executor jobarray`; without the leading `--` they are keys of a profile."
            " [On a cluster](../cluster.md) tells what the executor does.\n"
        ),
        table(("option", "default", "meaning"), rows),
    ]
    return "\n".join(parts)
