"""Removing products: only what a record beside it proves to be ours and unchanged, never an input.

A product goes with its record. Temporaries of attempts that are dead go too, and folders that this leaves empty. All
else stays, and what looks like ours but stays is listed with the reason. Symbolic links are neither followed nor
removed.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

import psutil

from levelworks.core.atomic import PREFIX
from levelworks.core.checksum import checksum
from levelworks.core.lock import lock_path
from levelworks.core.survey import MARK, Folder, Standing, beside, common_tail, walk

STALE_AFTER_DAYS = 7.0
"""Age from which temporaries of other hosts count as left behind; whether their process lives can't be seen here."""
DAY = 86400.0
GONE = "it is no longer there"

Kind = Literal["product", "record", "temporary"]


@dataclass(frozen=True)
class Removal:
    """One file, or folder product, that may be removed, and the state in which it was found."""

    path: Path
    kind: Kind
    size: int
    state: tuple[int, int, int]


@dataclass(frozen=True)
class Kept:
    """Something that looks like ours and stays."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Plan:
    """What can be removed below a results folder, in this order, and what is kept."""

    results: Path
    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]

    @property
    def size(self) -> int:
        """Return the bytes that the removal sets free."""
        return sum(removal.size for removal in self.removals)


@dataclass
class Cleaned:
    """What was removed (or would be, in a dry run), emptied folders too, and what was kept."""

    removed: list[Path] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


@dataclass
class _Inputs:
    """Inputs named in records that were not products of ours when they were read."""

    named_by: dict[tuple[int, int], str] = field(default_factory=dict)
    contents: dict[tuple[str, int], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def plan(results: Path, *, stale_after_days: float = STALE_AFTER_DAYS) -> Plan:
    """Find what can be removed below a results folder; removes nothing.

    Parameters
    ----------
    stale_after_days : float
        Age from which temporaries of other hosts are taken for left behind.
    """
    root = Path(os.path.realpath(results))
    folders = list(walk(root))
    inputs = _foreign_inputs(record for folder in folders for record in folder.records)
    removals: list[Removal] = []
    kept: list[Kept] = []
    for folder in folders:
        for record in folder.records:
            product, itself = record.product, record.path
            # The product first: a record without a product can be removed later, a product without one can't.
            wanted: list[tuple[Path, Kind]] = [(itself, "record")]
            if record.present:
                wanted.insert(0, (product, "product"))
            wanted += [(path, "temporary") for path in _companions(product)]
            _consider(wanted, _reason_to_keep(record, root, inputs), removals, kept)
        for path, reason in _temporaries(folder, stale_after_days):
            _consider([(path, "temporary")], reason, removals, kept)
    return Plan(root, tuple(removals), tuple(kept))


def plan_products(results: Path, products: Iterable[Path]) -> Plan:
    """Find which products of a list can be removed while their records stay; removes nothing."""
    root = Path(os.path.realpath(results))
    removals: list[Removal] = []
    kept: list[Kept] = []
    for product in products:
        standing = beside(Path(os.path.realpath(product.parent), product.name))
        mark = standing.product.with_name(standing.product.name + MARK)
        # The mark first: where only it is gone, the product is made again.
        wanted: list[tuple[Path, Kind]] = [(mark, "temporary")] if mark in _companions(standing.product) else []
        wanted.append((standing.product, "product"))
        _consider(wanted, _reason_to_keep(standing, root, _Inputs()), removals, kept)
    return Plan(root, tuple(removals), tuple(kept))


def _companions(product: Path) -> list[Path]:
    """Return the lock and the mark beside a product, where they are."""
    found = lock_path(product), product.with_name(product.name + MARK)
    return [path for path in found if path.is_file() and not path.is_symlink()]


def _consider(wanted: list[tuple[Path, Kind]], reason: str | None, removals: list[Removal], kept: list[Kept]) -> None:
    if reason:
        kept.append(Kept(wanted[0][0], reason))
        return
    try:
        removals += [_removal(path, kind) for path, kind in wanted]
    except FileNotFoundError as error:
        kept.append(Kept(Path(error.filename), GONE))


def remove(planned: Plan, *, dry_run: bool = True) -> Cleaned:
    """Remove what was planned and the folders that this leaves empty; what changed since the plan is kept.

    Parameters
    ----------
    dry_run : bool
        Only tell what would be removed.
    """
    cleaned = Cleaned(kept=list(planned.kept))
    held: set[Path] = set()
    for removal in planned.removals:
        record_of = removal.path.with_name(removal.path.name.removesuffix(".json"))
        reason = _changed(removal, planned.results)
        if removal.kind == "record" and record_of in held:
            continue
        if reason is None and not dry_run:
            reason = _delete(removal.path)
        if reason is None:
            cleaned.removed.append(removal.path)
        else:
            held.add(removal.path)
            cleaned.kept.append(Kept(removal.path, reason))
    if not dry_run:
        cleaned.removed += _remove_empty({path.parent for path in cleaned.removed}, planned.results)
    return cleaned


def _foreign_inputs(records: Iterable[Standing]) -> _Inputs:
    """Collect inputs by inode, which no link hides, or by name and content where a path leads nowhere now."""
    inputs = _Inputs()
    seen: set[Path] = set()
    for record in records:
        for entry in _entries(record.content, "inputs"):
            path, found = str(entry.get("path", "")), str(entry.get("checksum", ""))
            # Our own products come with the checksum of their record, XXH3; all else was summed up with SHA-256.
            if found.startswith("xxh3:") or not path:
                continue
            resolved = record.resolve(path)
            if resolved in seen:
                continue
            seen.add(resolved)
            try:
                status = resolved.stat()
            except OSError:
                inputs.contents[resolved.name, int(entry.get("size", -1))][found] = str(record.path)
                continue
            inputs.named_by[status.st_dev, status.st_ino] = str(record.path)
    return inputs


def _entries(content: dict[str, Any] | None, key: str) -> Iterator[dict[str, Any]]:
    groups = (content or {}).get(key)
    for group in groups.values() if isinstance(groups, dict) else ():
        for entry in group if isinstance(group, list) else [group]:
            if isinstance(entry, dict):
                yield entry


def _reason_to_keep(record: Standing, root: Path, inputs: _Inputs) -> str | None:
    """Say why a product and its record stay; None where the record proves that they are ours."""
    if record.content is None:
        return "the file beside it is no record that can be read"
    if not record.present and record.content.get("outputs") == {}:
        return None  # of a job that left its product out
    own = record.own_output
    product = record.product
    recorded = PurePath(own["path"] if own else "")
    below = len(product.relative_to(root).parts)
    if not own or common_tail(recorded, product) < min(below, len(recorded.parts)):
        return "the record beside it names another file"
    if not record.present:
        return None
    try:
        status = product.lstat()
    except FileNotFoundError:
        return GONE
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link"
    by = inputs.named_by.get((status.st_dev, status.st_ino)) or _same_content(product, status.st_size, inputs)
    if by:
        return f"it is an input of the job of {by}"
    # The time of a folder says nothing of the files in it: only their content does.
    same_file = stat.S_ISREG(status.st_mode) and status.st_size == own.get("size")
    if same_file and status.st_mtime_ns == own.get("mtime_ns"):
        return None
    if same_file or stat.S_ISDIR(status.st_mode):
        try:
            return None if checksum(product, "xxh3") == own.get("checksum") else "its content changed since its record"
        except OSError as error:
            return f"it can't be read ({error.strerror})"
    return "its size changed since its record"


def _same_content(product: Path, size: int, inputs: _Inputs) -> str | None:
    known = inputs.contents.get((product.name, size))
    return known.get(checksum(product)) if known else None


def _temporaries(folder: Folder, stale_after_days: float) -> Iterator[tuple[Path, str | None]]:
    """Yield our temporaries in a folder, each with why it stays, or None."""
    for name, entry in folder.entries.items():
        if not name.startswith(PREFIX) or entry.is_symlink():
            continue
        path = Path(entry.path)
        mine = f"{PREFIX}{socket.gethostname()}."
        process = name.removeprefix(mine).split(".", 1)[0]
        if name.startswith(mine) and process.isdigit():
            yield path, f"process {process} of this host still runs" if psutil.pid_exists(int(process)) else None
            continue
        if not any(part.isdigit() for part in name.split(".")[2:-1]):
            continue  # no host and process in its name: not one of ours
        age = (time.time() - path.lstat().st_mtime) / DAY
        recent = age < stale_after_days
        yield path, f"another host writes it, or did {age:.1f} days ago" if recent else None


def _removal(path: Path, kind: Kind) -> Removal:
    status = path.lstat()
    size = status.st_size
    if stat.S_ISDIR(status.st_mode):
        size = sum(inner.lstat().st_size for inner in path.rglob("*") if not inner.is_dir())
    return Removal(path, kind, size, _state(status))


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _changed(removal: Removal, results: Path) -> str | None:
    parent = os.path.realpath(removal.path.parent)
    if parent != str(removal.path.parent) or not Path(parent).is_relative_to(results):
        return "its folder is no longer below the results folder"
    try:
        status = removal.path.lstat()
    except OSError:
        return GONE
    return None if _state(status) == removal.state else "it changed since it was planned"


def _delete(path: Path) -> str | None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        return f"it can't be removed ({error.strerror})"
    return None


def _remove_empty(folders: set[Path], results: Path) -> list[Path]:
    """Remove folders that are empty now and their parents that this empties, but for the results folder."""
    removed = []
    for deepest in sorted(folders, reverse=True):
        for folder in (deepest, *deepest.parents):
            if folder == results or not folder.is_relative_to(results):
                break
            try:
                folder.rmdir()
            except OSError:
                break
            removed.append(folder)
    return removed
