"""The ancestry of a product: what it was made from, job by job, down to Level 1, as the records say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidOptions
from levelworks.core.record import described_product
from levelworks.core.survey import Standing, beside

LEVEL_1 = {
    "coronagraph": ("frame", "frames"),
    "plumes": ("radiance", "observations"),
    "xco2": ("granule", "granules"),
    "ard": ("image",),
    "insar": ("products",),
}
"""By line, the inputs of its stages through which Level 1 comes in; other files that no job made are references."""


class Kind(StrEnum):
    """What a file is in an ancestry."""

    PRODUCT = "product"
    LEVEL_1 = "Level 1"
    REFERENCE = "reference"


@dataclass(frozen=True)
class Link:
    """An input of a job.

    Attributes
    ----------
    port : str
        The input's name in the stage.
    path : Path
        Of the ancestor that it leads to.
    checksum : str
        As the job's record has it, of the file that the job was given.
    by_record : bool
        Whether that file is the record of the ancestor, rather than the ancestor itself.
    """

    port: str
    path: Path
    checksum: str
    by_record: bool = False


@dataclass
class Ancestor:
    """A file or a folder: a product with the job that made it, or a leaf.

    Attributes
    ----------
    path : Path
        Absolute.
    checksum : str
        Of a product as its own record has it, of a leaf as the first job that read it has it; empty where unknown.
    record : Path or None
        None of a leaf.
    job : dict
        Line, stage, version, outcome and reason; empty of a leaf.
    """

    path: Path
    kind: Kind
    checksum: str = ""
    record: Path | None = None
    job: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Ancestry:
    """A product and everything that it goes back to, each file once, in the order in which it is met."""

    root: Path
    files: dict[Path, Ancestor]

    @property
    def product(self) -> Ancestor:
        """Return the product itself."""
        return self.files[self.root]


def trace(product: Path) -> Ancestry:
    """Follow the records from a product to Level 1 and references.

    Parameters
    ----------
    product : Path
        A product, its record, or a file in a product that is a folder.

    Raises
    ------
    InvalidOptions
        Where no record stands beside it.
    """
    standing, _ = find_record(product)
    if standing is None:
        raise InvalidOptions(f"{product}: no record stands beside it, so that nothing says where it came from")
    files: dict[Path, Ancestor] = {}
    waiting = [standing]
    while waiting:
        standing = waiting.pop()
        if standing.product in files:
            continue
        ancestor = _of_record(standing)
        files[standing.product] = ancestor
        links, follow = [], []
        for port, entry in _inputs(standing):
            path, expected = _normal(standing.resolve(entry["path"])), str(entry.get("checksum", ""))
            found, by_record = find_record(path, inside=False)
            if found is not None:
                links.append(Link(port, found.product, expected, by_record))
                follow.append(found)
                continue
            links.append(Link(port, path, expected))
            kind = Kind.LEVEL_1 if port in LEVEL_1.get(ancestor.job["line"], ()) else Kind.REFERENCE
            # What was a product of ours when it was read has lost its record.
            kind = Kind.PRODUCT if expected.startswith("xxh3:") else kind
            files.setdefault(path, Ancestor(path, kind, expected))
        ancestor.inputs = tuple(links)
        waiting.extend(reversed(follow))
    root = next(iter(files))
    return Ancestry(root, files)


def find_record(path: Path, *, inside: bool = True) -> tuple[Standing | None, bool]:
    """Return the record of a file, and whether the file is that record itself; None where there is none.

    Parameters
    ----------
    inside : bool
        Whether a file in a folder product counts as that product.
    """
    path = _normal(path)
    found = beside(path)
    if found.content is not None:
        return found, False
    if path.suffix == ".json":
        described = beside(described_product(path))
        if described.content is not None:
            return described, True
    if inside:
        for folder in path.parents[:-1]:
            found = beside(folder)
            if found.content is not None and found.product.is_dir() and found.own_output is not None:
                return found, False
    return None, False


def _of_record(standing: Standing) -> Ancestor:
    content = standing.content or {}
    job = {name: content.get(name, "") for name in ("line", "stage", "version", "outcome", "reason", "started")}
    own = standing.own_output or {}
    return Ancestor(standing.product, Kind.PRODUCT, str(own.get("checksum", "")), standing.path, job)


def _inputs(standing: Standing) -> list[tuple[str, dict[str, Any]]]:
    """Return the inputs of a job with their names; what a damaged record has in their place is left out."""
    groups = (standing.content or {}).get("inputs")
    return [
        (port, entry)
        for port, entries in (groups.items() if isinstance(groups, dict) else ())
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("path"), str)
    ]


def _normal(path: Path) -> Path:
    """Return one name for a path; symbolic links stay, as records stand beside them."""
    return Path(os.path.normpath(path.absolute()))
