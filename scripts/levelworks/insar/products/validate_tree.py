"""Validate a published tree: all that LiCSBAS reads is there, on one grid, consistent, and the network is connected."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from levelworks.core.checksum import checksum
from levelworks.core.outcome import LevelworksError
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.products.frame_metadata import read_baselines, read_metadata
from levelworks.insar.products.network_table import find_gaps
from levelworks.insar.products.tree_rules import (
    Lattice,
    Violation,
    check_directions,
    check_pair_values,
    check_raster,
    check_same_cells,
    lattice_of,
    relative,
)

RASTER = re.compile(r"(?P<owner>[0-9A-Za-z_]+)\.geo\.(?P<kind>.+)\.tif")
OF_A_DATE = re.compile(r"(?P<owner>[0-9A-Za-z_]+)\.(?P<kind>sltd|tide)\.geo\.tif")
DERIVED = ("unw_corrected", "atm")
"""Of the unwrapped phase, with data where it has."""
LIKE_A_PAIR = re.compile(r"\d{8}_\d{8}")
KEYS = ("center_time", "heading", "master", "avg_incidence_angle", "centre_range_m")
LISTED = 20
MANIFEST = "manifest.tsv"
MANIFEST_COLUMNS = ("path", "size", "sha256")


class InvalidTree(LevelworksError):
    """A tree that readers would fail on, or misread."""

    exit_code = 64


def refuse_invalid(violations: list[Violation], tree: Path) -> None:
    """Raise InvalidTree with the list where a violation is fatal."""
    fatal = [one for one in violations if one.fatal]
    if fatal:
        more = f"\n  and {len(fatal) - LISTED} more" if len(fatal) > LISTED else ""
        lines = "\n".join(f"  {one}" for one in fatal[:LISTED])
        raise InvalidTree(f"{tree} breaks {len(fatal)} rules of a published tree:\n{lines}{more}")


def validate_tree(tree: Path) -> list[Violation]:
    """Check a published tree, or a folder GEOC in which the same files stand side by side.

    Parameters
    ----------
    tree : Path
        With ``interferograms``, ``metadata`` and ``epochs``; a folder without the first is taken for GEOC.

    Returns
    -------
    list of Violation
        In the order of metadata, pairs, network; empty where all is well.
    """
    flat = not (tree / "interferograms").is_dir()
    pairs, metadata = (tree, tree) if flat else (tree / "interferograms", tree / "metadata")
    found: list[Violation] = []
    grid = _check_geometry(tree, metadata, found)
    names = _check_pairs(tree, pairs, grid, found)
    if not flat:
        _check_epochs(tree, grid, found)
    _check_metadata(tree, metadata / "metadata.txt", found)
    _check_baselines(tree, metadata / "baselines", names, found)
    dates = sorted({date for pair in names for date in (pair.first, pair.second)})
    where = relative(pairs, tree)
    found += [Violation("network", where, f"no pair spans {gap}", fatal=False) for gap in find_gaps(dates, names)]
    if (tree / MANIFEST).is_file():
        _check_manifest(tree, found)
    return found


def _check_geometry(tree: Path, metadata: Path, found: list[Violation]) -> Lattice | None:
    """Check the rasters of the frame; return the grid of its heights."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted(metadata.glob("*.geo.*.tif")):
        match = RASTER.fullmatch(path.name)
        if match:
            kinds.setdefault(match["kind"], []).append(path)
    for kind in ("E", "N", "U", "hgt", "mli"):
        where = f"{relative(metadata, tree)}/*.geo.{kind}.tif"
        if kind not in kinds:
            found.append(Violation("geometry", where, "is not there", fatal=kind != "mli"))
        elif len(kinds[kind]) > 1:
            found.append(Violation("geometry", where, f"{len(kinds[kind])} files match, readers take any of them"))
    with ExitStack() as stack:
        opened = {kind: _opened(stack, paths[0], tree, found) for kind, paths in kinds.items()}
        grid = lattice_of(opened["hgt"]) if opened.get("hgt") else None
        for kind, file in opened.items():
            if file is not None:
                found.extend(check_raster(file, relative(kinds[kind][0], tree), kind, grid))
        east, north, up = (opened.get(kind) for kind in ("E", "N", "U"))
        if east and north and up and east.shape == north.shape == up.shape:
            found.extend(check_directions(east, north, up, relative(kinds["U"][0], tree)))
    return grid


def _check_pairs(tree: Path, folder: Path, grid: Lattice | None, found: list[Violation]) -> list[Pair]:
    """Check the pairs; return those that readers find."""
    pairs = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        where = relative(inner, tree)
        if folder == tree and not LIKE_A_PAIR.fullmatch(inner.name):
            continue
        try:
            pair = parse_pair(inner.name)
        except ValueError as error:
            found.append(Violation("pair-name", where, str(error)))
            continue
        pairs.append(pair)
        found.extend(_check_pair(tree, inner, grid))
    if not pairs:
        found.append(Violation("pairs", relative(folder, tree), "has no pair"))
    return pairs


def _check_pair(tree: Path, inner: Path, grid: Lattice | None) -> Iterator[Violation]:
    problems: list[Violation] = []
    with ExitStack() as stack:
        opened = {}
        for path in sorted(inner.glob("*.geo.*.tif")):
            match = RASTER.fullmatch(path.name)
            if not match or match["owner"] != inner.name:
                yield Violation("file-name", relative(path, tree), f"is not named as {inner.name}.geo.*.tif")
                continue
            opened[match["kind"]] = file = _opened(stack, path, tree, problems)
            if file is not None:
                problems.extend(check_raster(file, relative(path, tree), match["kind"], grid))
        yield from problems
        for kind in ("unw", "cc"):
            if kind not in opened:
                yield Violation("pair-files", f"{relative(inner, tree)}/{inner.name}.geo.{kind}.tif", "is not there")
        coherence, unwrapped = opened.get("cc"), opened.get("unw")
        if coherence is not None and unwrapped is not None and coherence.shape == unwrapped.shape:
            where = relative(inner / f"{inner.name}.geo.unw.tif", tree)
            yield from check_pair_values(coherence, unwrapped, where)
        for kind in DERIVED:
            derived = opened.get(kind)
            if derived is not None and unwrapped is not None and derived.shape == unwrapped.shape:
                where = relative(inner / f"{inner.name}.geo.{kind}.tif", tree)
                yield from check_same_cells(unwrapped, derived, where)


def _check_epochs(tree: Path, grid: Lattice | None, found: list[Violation]) -> None:
    for path in sorted((tree / "epochs").glob("*/*.geo*.tif")):
        match = RASTER.fullmatch(path.name) or OF_A_DATE.fullmatch(path.name)
        if not match or match["owner"] != path.parent.name:
            found.append(Violation("file-name", relative(path, tree), f"is not named as {path.parent.name}.geo.*.tif"))
            continue
        with ExitStack() as stack:
            file = _opened(stack, path, tree, found)
            if file is not None:
                found.extend(check_raster(file, relative(path, tree), match["kind"], grid))


def _check_metadata(tree: Path, path: Path, found: list[Violation]) -> None:
    where = relative(path, tree)
    if not path.is_file():
        found.append(Violation("metadata", where, "is not there"))
        return
    values = read_metadata(path)
    found += [Violation("metadata", where, f"lacks {key}") for key in KEYS if key not in values]
    readers: dict[str, Callable[[str], object]] = {"center_time": dt.time.fromisoformat, "master": _date}
    for key in sorted(set(KEYS) & set(values)):
        try:
            readers.get(key, float)(values[key])
        except ValueError:
            found.append(Violation("metadata", where, f"{key} is {values[key]!r}"))


def _check_baselines(tree: Path, path: Path, pairs: list[Pair], found: list[Violation]) -> None:
    where = relative(path, tree)
    if not path.is_file():
        found.append(Violation("baselines", where, "is not there"))
        return
    try:
        known = read_baselines(path)
    except ValueError as error:
        found.append(Violation("baselines", where, f"a line is no reference, date, baseline and days ({error})"))
        return
    dates = {f"{date:%Y%m%d}" for pair in pairs for date in (pair.first, pair.second)}
    absent = sorted(dates - set(known))
    if absent:
        found.append(Violation("baselines", where, f"lacks {', '.join(absent[:5])}"))
    if len({reference for reference, _, _ in known.values()}) > 1:
        found.append(Violation("baselines", where, "has several references"))
    for date, (reference, _, days) in known.items():
        if (_date(date) - _date(reference)).days != days:
            found.append(Violation("baselines", where, f"{date} is not {days} days from {reference}"))


def _date(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()


def _check_manifest(tree: Path, found: list[Violation]) -> None:
    """Check that a tree has the files of its manifest, unchanged, and no others."""
    head, *rows = [line.split("\t") for line in (tree / MANIFEST).read_text(encoding="utf-8").splitlines()]
    if tuple(head) != MANIFEST_COLUMNS or any(len(row) != 3 for row in rows):
        found.append(Violation("manifest", MANIFEST, f"has other columns than {', '.join(MANIFEST_COLUMNS)}"))
        return
    there = {relative(path, tree) for path in tree.rglob("*") if path.is_file()} - {MANIFEST}
    for name, size, digest in rows:
        if name not in there:
            found.append(Violation("manifest", name, "is listed and not there"))
        elif (tree / name).stat().st_size != int(size) or checksum(tree / name) != f"sha256:{digest}":
            found.append(Violation("manifest", name, "is not as it was listed"))
    unlisted = sorted(there - {row[0] for row in rows})
    found += [Violation("manifest", name, "is there and not listed") for name in unlisted]


def _opened(stack: ExitStack, path: Path, tree: Path, found: list[Violation]) -> Any:
    """Open a raster; None, and a violation, where it can't be read."""
    import rasterio
    from rasterio.errors import RasterioIOError

    try:
        return stack.enter_context(rasterio.open(path))
    except RasterioIOError as error:
        found.append(Violation("readable", relative(path, tree), f"can't be read ({error})"))
        return None
