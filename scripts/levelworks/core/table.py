"""Tables for people: coloured on a terminal, plain aligned text in a log or a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence

STYLES = {
    "ok": "green",
    "done": "green",
    "warning": "yellow",
    "skipped": "yellow",
    "failure": "bold red",
    "quarantined": "bold red",
}
"""Colours of cells that hold one of these words and nothing else."""


def on_terminal() -> bool:
    """Tell whether standard output is a terminal."""
    return sys.stdout.isatty()


def format_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[int] = (), terminal: bool = False
) -> str:
    """Format rows of text as a table, without a line end after the last row.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    numbers : collection of int
        Columns to align to the right.
    terminal : bool
        Colours and wrapped cells, in the width of the terminal; else one line a row, columns two blanks apart.
    """
    return _rich(columns, rows, numbers) if terminal else _plain([columns, *rows], numbers)


def _plain(rows: Sequence[Sequence[str]], numbers: Collection[int]) -> str:
    # A cell may hold a message of several lines; a row is one line.
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _rich(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int]) -> str:
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(columns):
        table.add_column(heading, justify="right" if number in numbers else "left", overflow="fold")
    for row in rows:
        # Text, not markup: reasons hold brackets.
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console = Console(file=StringIO(), force_terminal=True, width=shutil.get_terminal_size((120, 24)).columns)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")
