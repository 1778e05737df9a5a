"""Whether the files of an ancestry are what its records say: their checksums, computed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from levelworks.campaign.ancestry import Ancestor, Ancestry, Kind, Link
from levelworks.core.checksum import checksum
from levelworks.core.progress import track


class State(StrEnum):
    """Of a file against what records say of it."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True)
class Verdict:
    """The state of a file, and what is to be said of it where it does not verify."""

    state: State
    finding: str = ""


def verify(ancestry: Ancestry) -> dict[Path, Verdict]:
    """Compute every checksum of an ancestry again; returns the verdicts by file.

    A product must be what its own record says, and what each job that read it says; where a job was given the record
    in place of the product, the record must be unchanged.
    """
    readers: dict[Path, list[tuple[Ancestor, Link]]] = defaultdict(list)
    for ancestor in ancestry.files.values():
        for link in ancestor.inputs:
            readers[link.path].append((ancestor, link))
    files = track(ancestry.files.items(), len(ancestry.files), "files verified")
    return {path: _verdict(ancestor, readers[path]) for path, ancestor in files}


def _verdict(ancestor: Ancestor, readers: list[tuple[Ancestor, Link]]) -> Verdict:
    if ancestor.kind is Kind.PRODUCT and ancestor.record is None:
        gone = not ancestor.path.exists()
        return Verdict(
            State.MISSING, "and so is its record" if gone else "its record is: what it was made from is not known"
        )
    if not ancestor.path.exists():
        left_out = ancestor.record is not None and not ancestor.checksum
        return Verdict(State.UNCHANGED, "left out by its job") if left_out else Verdict(State.MISSING)
    try:
        findings = list(_findings(ancestor, readers))
    except OSError as error:
        return Verdict(State.MISSING, f"it can't be read ({error.strerror})")
    return Verdict(State.CHANGED, "; ".join(findings)) if findings else Verdict(State.UNCHANGED)


def _findings(ancestor: Ancestor, readers: list[tuple[Ancestor, Link]]) -> Iterator[str]:
    """Yield what differs: the content from the record, and either from what a job read."""
    if ancestor.record is not None:
        if not ancestor.checksum:
            yield "its record names no checksum of it"
        elif not _same(ancestor.path, ancestor.checksum):
            yield "its content is not what its record says"
    for reader, link in readers:
        read = ancestor.record if link.by_record else ancestor.path
        if read is not None and not _same(read, link.checksum):
            what = "its record" if link.by_record else "it"
            yield f"{what} is not what {reader.path.name} was made from"


def _same(path: Path, expected: str) -> bool:
    algorithm = expected.partition(":")[0]
    return algorithm in ("sha256", "xxh3") and checksum(path, algorithm) == expected
