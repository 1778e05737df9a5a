"""What the closure of triplets says, as files: tables, repairs, and a raster of errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.network.closure import Closure
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.network.repair import Repair

LAYOUT = 1
TRIPLETS, BAD, REPAIRS, ERRORS = "triplets.csv", "bad.csv", "repairs.json", "n_loop_err"
FIGURES = ("pixels", "median_rad", "cycles", "rms_rad", "noise_rad", "bad_share", "chi_square", "verdict")
STAGES = ("before", "after")


@dataclass(frozen=True)
class Measured:
    """A closure, and the mean of its square over what noise explains."""

    closure: Closure
    chi_square: float


@dataclass(frozen=True)
class Judged:
    """What is said of a pair: whether this batch decides it, the verdict, its triplets and those that fail, and why."""

    pair: str
    decided: bool
    verdict: str
    triplets: int
    failed: int
    reason: str


def write_triplets(folder: Path, found: Iterable[tuple[Measured, Measured]]) -> None:
    """Write a row for each triplet, with its figures before and after the repair."""
    names = [f"{name}_{stage}" for stage in STAGES for name in FIGURES]
    rows = [[str(both[0].closure.triplet), *(cell for one in both for cell in _figures(one))] for both in found]
    _write_table(folder / TRIPLETS, ["triplet", *names], rows)


def write_verdicts(folder: Path, judged: Iterable[Judged]) -> None:
    """Write a row for each pair."""
    rows = [
        [one.pair, "yes" if one.decided else "no", one.verdict, one.triplets, one.failed, one.reason] for one in judged
    ]
    _write_table(folder / BAD, ["pair", "decided", "verdict", "triplets", "failed", "reason"], rows)


def write_repairs(folder: Path, repair: Repair) -> None:
    """Write the cycles to add to components of pairs, and the components that are undecided."""
    pairs: dict[str, dict[str, int]] = {}
    for (pair, component), cycles in sorted(repair.cycles.items()):
        pairs.setdefault(str(pair), {})[str(component)] = cycles
    undecided = [[str(pair), component] for pair, component in repair.undecided]
    content = {"layout": LAYOUT, "pairs": pairs, "undecided": undecided}
    (folder / REPAIRS).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_repairs(folder: Path) -> Repair:
    """Read what `write_repairs` wrote.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    path = folder / REPAIRS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["layout"] != LAYOUT:
            raise ValueError(f"layout {content['layout']}")
        cycles = {
            (parse_pair(pair), int(component)): int(count)
            for pair, components in content["pairs"].items()
            for component, count in components.items()
        }
        return Repair(cycles, tuple((parse_pair(pair), int(component)) for pair, component in content["undecided"]))
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run check-closure again") from None


def read_verdicts(folder: Path) -> dict[Pair, str]:
    """Read the verdict on each pair.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    path = folder / BAD
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {parse_pair(row["pair"]): row["verdict"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run check-closure again") from None


def write_errors(folder: Path, counts: np.ndarray, grid: tuple[float, float, float] | None) -> None:
    """Write how many triplets have whole cycles at each cell: a GeoTIFF, or HDF5 on the radar's grid."""
    values = np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16)
    if grid is None:
        with h5py.File(folder / f"{ERRORS}.h5", "w", track_order=True) as file:
            file.create_dataset(ERRORS, data=values, shuffle=True, compression="gzip", compression_opts=1, chunks=True)
        return
    import rasterio
    from rasterio.transform import from_origin

    step, west, north = grid
    with rasterio.open(
        folder / f"{ERRORS}.tif", "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
        dtype="uint16", crs="EPSG:4326", transform=from_origin(west, north, step, step), compress="deflate",
        predictor=2,
    ) as file:  # fmt: skip
        file.write(values, 1)


def _figures(one: Measured) -> list[object]:
    closure = one.closure
    numbers = (closure.rms, closure.noise, closure.bad, one.chi_square)
    verdict = "empty" if not closure.pixels else "bad" if closure.fails else "good"
    return [closure.pixels, _number(closure.median), closure.cycles, *(_number(value) for value in numbers), verdict]


def _number(value: float) -> str:
    return f"{value:.5f}" if np.isfinite(value) else ""


def _write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
