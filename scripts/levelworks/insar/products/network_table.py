"""The network of a frame as a table: each pair, what it is worth, and what the closure of triplets says of it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidInput, NothingToProduce, Status
from levelworks.core.record import described_product, read_record
from levelworks.insar.degraded import is_degraded
from levelworks.insar.drawing.geo_rasters import with_gaps
from levelworks.insar.network.closure import Verdict
from levelworks.insar.network.closure_files import read_verdicts
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.network.select_pairs import Gap

COLUMNS = (
    "pair", "first", "second", "days", "bperp_difference_m", "mean_coherence", "unwrapped_fraction", "closure",
    "degraded",
)  # fmt: skip
STRIP = 1024
"""Rows that are read at once."""


@dataclass(frozen=True)
class PairFacts:
    """A pair of a frame.

    ``baseline_difference`` in m, ``coherence`` the mean over its data, ``unwrapped`` the share of its data that has
    an unwrapped phase; both NaN without data. ``degraded`` where a stage of the pair, or the verification of one of its
    dates, says so.
    """

    pair: Pair
    baseline_difference: float
    coherence: float
    unwrapped: float
    verdict: str
    degraded: bool


def pair_facts(
    folder: Path,
    baselines: Mapping[dt.date, float],
    verdicts: Mapping[Pair, str],
    unsure: Collection[str] = (),
) -> PairFacts:
    """Gather what is known of a pair.

    Parameters
    ----------
    folder : Path
        Of `geocode`, named by the pair.
    baselines : mapping of date to float
        Perpendicular, to the frame's reference, m.
    verdicts : mapping of Pair to str
        Of the closure; a pair that is not in it is untested.
    unsure : collection of str
        Dates whose coregistration is degraded or not verified.

    Raises
    ------
    InvalidInput
        Where a date has no baseline: its acquisition is not among the frame's.
    """
    pair = pair_of(folder)
    absent = [date for date in (pair.first, pair.second) if date not in baselines]
    if absent:
        raise InvalidInput(f"{folder} is of {absent[0]:%Y%m%d}, of which the frame has no acquisition")
    coherence, unwrapped = _shares(folder, str(pair))
    record = read_record(folder) or {}
    before = record.get("quality", {}).get("degraded")
    return PairFacts(
        pair,
        baselines[pair.second] - baselines[pair.first],
        coherence,
        unwrapped,
        verdicts.get(pair, Verdict.UNTESTED.value),
        bool(before) or is_degraded(record) or not set(unsure).isdisjoint(str(pair).split("_")),
    )


def unsure_dates(residuals: Iterable[Path]) -> set[str]:
    """Return the dates (YYYYMMDD) whose coregistration is degraded or not verified, by records of its verification."""
    records = {path.stem: read_record(path) for path in residuals}
    return {date for date, one in records.items() if one and (one["outcome"] != Status.DONE or is_degraded(one))}


def pair_of(folder: Path) -> Pair:
    """Return the pair that a folder is named by.

    Raises
    ------
    InvalidInput
        Where it is named otherwise.
    """
    try:
        return parse_pair(folder.name)
    except ValueError as error:
        raise InvalidInput(f"{folder}: {error}") from None


def _shares(folder: Path, name: str) -> tuple[float, float]:
    """Return the mean coherence, and the share of cells with coherence that have an unwrapped phase."""
    import rasterio
    from rasterio.errors import RasterioIOError
    from rasterio.windows import Window

    total, cells, known = 0.0, 0, 0
    paths = [folder / f"{name}.geo.{kind}.tif" for kind in ("cc", "unw")]
    try:
        with rasterio.open(paths[0]) as coherence, rasterio.open(paths[1]) as unwrapped:
            scale = 255.0 if coherence.dtypes[0] == "uint8" else 1.0
            for start in range(0, coherence.height, STRIP):
                window = Window(0, start, coherence.width, min(STRIP, coherence.height - start))
                values = with_gaps(coherence.read(1, window=window), coherence.nodata)
                phase = with_gaps(unwrapped.read(1, window=window), unwrapped.nodata)
                data = np.isfinite(values)
                total += float(values[data].sum(dtype=np.float64)) / scale
                cells += int(np.count_nonzero(data))
                known += int(np.count_nonzero(data & np.isfinite(phase) & (phase != 0)))
    except RasterioIOError as error:
        raise InvalidInput(f"{folder} lacks coherence or unwrapped phase ({error}): run geocode again") from None
    return (total / cells, known / cells) if cells else (np.nan, np.nan)


def merged_verdicts(folders: Iterable[Path]) -> dict[Pair, str]:
    """Read the verdicts of all batches of `check-closure`; each knows only its own triplets.

    A pair is bad where each batch that tested it says so, suspect where some do. Batches without a product are
    passed over.
    """
    said: dict[Pair, set[str]] = {}
    for path in folders:
        folder = described_product(path)
        try:
            refuse_flagged(folder)
        except (InvalidInput, NothingToProduce):
            continue
        for pair, verdict in read_verdicts(folder).items():
            said.setdefault(pair, set()).add(verdict)
    return {pair: _merged(verdicts) for pair, verdicts in said.items()}


def _merged(verdicts: set[str]) -> str:
    tested = verdicts & {Verdict.GOOD, Verdict.SUSPECT, Verdict.BAD}
    if not tested:
        return Verdict.UNTESTED.value
    return str(next(iter(tested))) if len(tested) == 1 else Verdict.SUSPECT.value


def find_gaps(dates: Sequence[dt.date], pairs: Iterable[Pair]) -> list[Gap]:
    """Return where consecutive dates are in different parts of a network."""
    ordered = sorted(dates)
    place = {date: number for number, date in enumerate(ordered)}
    ends = np.array([(place[pair.first], place[pair.second]) for pair in pairs], np.int64).reshape(-1, 2)
    size = len(ordered)
    _, part = connected_components(coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (size, size)), False)
    return [Gap(one, two) for one, two in pairwise(ordered) if part[place[one]] != part[place[two]]]


def write_network(path: Path, facts: Iterable[PairFacts]) -> None:
    """Write a row for each pair, in the order of dates."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in sorted(facts, key=lambda one: one.pair):
            figures = (f"{value:.{digits}f}" if np.isfinite(value) else "" for value, digits in (
                (one.baseline_difference, 2), (one.coherence, 4), (one.unwrapped, 4)
            ))  # fmt: skip
            dates = one.pair.first.isoformat(), one.pair.second.isoformat()
            ends = one.verdict, "yes" if one.degraded else "no"
            writer.writerow([str(one.pair), *dates, one.pair.days, *figures, *ends])
