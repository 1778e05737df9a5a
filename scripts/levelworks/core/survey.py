"""Every record below a results folder, with the product that it stands beside.

Symbolic links are not followed, hidden folders and products that are folders themselves (Zarr) not entered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from levelworks.core.record import FORMAT, record_path

SUFFIX = ".json"
MARK = ".there"
"""Of the empty file beside a product that may be removed while its record stays; it goes with the product."""
CRATE = "ro-crate-metadata.json"
"""Of a campaign as a whole: no record, and too large to be looked at for one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A record where it stands.

    Attributes
    ----------
    path, product : Path
        The record, and the product it stands beside.
    present : bool
        Whether that product is there.
    content : dict or None
        None where the file can't be read as a record, or is not there.
    """

    path: Path
    product: Path
    present: bool
    content: dict[str, Any] | None

    @property
    def own_output(self) -> dict[str, Any] | None:
        """Return the output that describes the product; None where the record names no such file.

        Products of one job may have the same name in different folders: the path with the longest common tail wins.
        """
        outputs = (self.content or {}).get("outputs")
        found = [
            output
            for output in (outputs.values() if isinstance(outputs, dict) else ())
            if isinstance(output, dict) and PurePath(str(output.get("path", ""))).name == self.product.name
        ]
        return max(found, key=lambda output: common_tail(PurePath(output["path"]), self.product), default=None)

    def resolve(self, recorded: str) -> Path:
        """Return the absolute path of a file that the record names, which may be relative to where the job ran.

        Where the job ran follows from the product's own path, recorded and real.
        """
        own = self.own_output
        parts = PurePath(own["path"]).parts if own else ()
        at_end = bool(parts) and self.product.parts[-len(parts) :] == parts
        base = Path(*self.product.parts[: -len(parts)]) if at_end else Path.cwd()
        return base / recorded


def common_tail(one: PurePath, other: PurePath) -> int:
    """Count the last parts in which two paths agree."""
    parts = zip(reversed(one.parts), reversed(other.parts), strict=False)
    length = 0
    for mine, yours in parts:
        if mine != yours:
            break
        length += 1
    return length


@dataclass(frozen=True)
class Folder:
    """One folder: its entries by name, and the records in it, by name."""

    path: str
    entries: dict[str, os.DirEntry[str]]
    records: tuple[Standing, ...]


def walk(results: Path) -> Iterator[Folder]:
    """Yield every folder below a results folder, and itself first; nothing where it does not exist.

    A file ``<name>.json`` counts as a record where its content is one, or where ``<name>`` is there too and the
    content can't be read as one.
    """
    if not results.is_dir():
        return
    waiting = [os.path.realpath(results)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = {entry.name: entry for entry in sorted(listing, key=lambda entry: entry.name)}
        except FileNotFoundError:
            continue  # a job that runs meanwhile removed it
        records = tuple(_records(here, entries))
        products = {record.product.name for record in records if record.content is not None}
        yield Folder(here, entries, records)
        inner = (
            entry.path
            for name, entry in entries.items()
            if not name.startswith(".") and name not in products and entry.is_dir(follow_symlinks=False)
        )
        waiting.extend(sorted(inner, reverse=True))


def beside(product: Path) -> Standing:
    """Return the record beside a product, without content where there is none."""
    path, record = product.absolute(), record_path(product.absolute())
    try:
        content = _parse(os.fspath(record))
    except FileNotFoundError:
        content = None
    return Standing(record, path, path.exists(), content)


def _records(here: str, entries: dict[str, os.DirEntry[str]]) -> Iterator[Standing]:
    for name, entry in entries.items():
        if (
            not name.endswith(SUFFIX)
            or name.startswith(".")
            or name == CRATE
            or not entry.is_file(follow_symlinks=False)
        ):
            continue
        product = name.removesuffix(SUFFIX)
        try:
            content = _parse(entry.path)
        except FileNotFoundError:
            continue
        present = product in entries
        if content is not None or present:
            yield Standing(Path(entry.path), Path(here, product), present, content)


def _parse(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read())
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("levelworks_record") == FORMAT else None
