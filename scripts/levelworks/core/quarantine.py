"""Granules that a person has put aside: a table in a campaign's working folder, which every stage heeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidOptions
from levelworks.core.record import described_product, read_record, record_path

TABLE = Path("quarantined.tsv")
"""In the working folder: a granule's id and the reason, one a line."""
HEADING = "granule\treason\n"
BY_HAND = "was put aside by hand: "
"""In the reason of every job that has nothing to work on because of a person's decision, whoever hands it on."""


def read_quarantine(folder: Path = Path()) -> dict[str, str]:
    """Return the reasons by the ids of granules that were put aside."""
    try:
        lines = (folder / TABLE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    rows = (line.partition("\t") for line in lines if line.strip() and line != HEADING.rstrip("\n"))
    return {granule.strip(): reason.strip() for granule, _, reason in rows}


def write_quarantine(folder: Path, reasons: Mapping[str, str]) -> None:
    """Write the table; an empty one is removed.

    Raises
    ------
    InvalidOptions
        Where an id could be no file's name, or a reason is missing.
    """
    for granule, reason in reasons.items():
        if not granule or any(mark in granule for mark in "/\t\n"):
            raise InvalidOptions(f"{granule!r} is no granule's id: give the name of its file, without folders")
        if not reason.strip():
            raise InvalidOptions(f"{granule}: a reason is required")
    if not reasons:
        (folder / TABLE).unlink(missing_ok=True)
        return
    rows = (f"{granule}\t{' '.join(reason.split())}\n" for granule, reason in sorted(reasons.items()))
    with atomic_outputs({"table": folder / TABLE}) as temporary:
        temporary["table"].write_text(HEADING + "".join(rows), encoding="utf-8")


def put_aside(path: Path, reasons: Mapping[str, str]) -> str | None:
    """Return the id by which an input was put aside; None where it was not, or is a product of ours.

    An id is the name of a file or folder on the input's path, whole or up to its first dot.
    """
    names = (name for part in reversed(path.parts) for name in (part, part.split(".")[0]))
    found = next((name for name in names if name in reasons), None)
    return None if found is None or _is_ours(path) else found


def _is_ours(path: Path) -> bool:
    """Return whether a file is a product, or the record that is handed on for one."""
    return record_path(path).exists() or (path.suffix == ".json" and read_record(described_product(path)) is not None)


def told(name: str, reason: str) -> str:
    """Say that a person put an input aside, in the words by which `is_by_hand` knows it."""
    return f"{name} {BY_HAND}{reason}"


def is_by_hand(reason: str) -> bool:
    """Return whether a job was quarantined because a person put its input, or what that was made of, aside."""
    return BY_HAND in reason


def sort_out(
    files: Mapping[str, Sequence[Path]], reasons: Mapping[str, str]
) -> tuple[dict[str, list[Path]], dict[Path, str]]:
    """Return the inputs that are left, and of those put aside the reasons."""
    left: dict[str, list[Path]] = {}
    aside: dict[Path, str] = {}
    for name, paths in files.items():
        left[name] = []
        for path in paths:
            if granule := put_aside(path, reasons):
                aside[path] = reasons[granule]
            else:
                left[name].append(path)
    return left, aside
