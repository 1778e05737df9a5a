"""Where the products of a line stand: what the layouts of all lines begin with."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from levelworks.core.survey import MARK


class LineLayout:
    """Paths of a line's products, with wildcards in braces.

    Parameters
    ----------
    results : Path
        Folder of all products.
    """

    line: ClassVar[str]

    def __init__(self, results: Path) -> None:
        self.root = results / self.line

    def product(self, stage: str, name: str) -> str:
        """Return the path of a product of a stage."""
        return str(self.root / stage / name)

    @staticmethod
    def record_of(path: str) -> str:
        """Return the record beside a product: the output of rules whose product is a folder, or is updated."""
        return f"{path}.json"

    @staticmethod
    def mark_of(path: str) -> str:
        """Return the mark beside a product that may be removed while its record stays: gone with it, made with it."""
        return f"{path}{MARK}"


def named(path: Path | None) -> str | list[str]:
    """Return a path as Snakemake takes an input: an empty list where there is none."""
    return str(path) if path is not None else []
