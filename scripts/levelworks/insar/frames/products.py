"""Which products belong to a frame, from their manifests alone: planning opens no annotation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from levelworks.insar.frames.frame import Frame
from levelworks.insar.safe.burst_ids import burst_id
from levelworks.insar.safe.manifest import Pass, read_manifest
from levelworks.insar.safe.names import parse_product_name
from levelworks.insar.safe.package import open_package

DAY = 86400.0


@dataclass(frozen=True)
class Product:
    """A product as planning needs it; ``burst_ids`` are the least and the greatest that its time may hold."""

    id: str
    path: Path
    mission: str
    data_take: int
    pass_direction: Pass
    start: dt.datetime
    stop: dt.datetime
    polarisations: tuple[str, ...]
    burst_ids: tuple[int, int]


@dataclass(frozen=True)
class PlannedAcquisition:
    """The products of one pass that may hold bursts of a frame; named by the UTC day on which the first begins."""

    date: str
    mission: str
    products: tuple[Product, ...]


def read_product(path: Path) -> Product:
    """Read what a product's manifest says.

    Raises
    ------
    InvalidInput
        Where the name is not the agency's, or the product can't be opened.
    """
    name = parse_product_name(path.name)
    manifest = read_manifest(open_package(path))
    first_orbit, track = manifest.relative_orbits
    first, last = (
        burst_id("IW1", (time - manifest.ascending_node_time).total_seconds(), track, crosses_node=first_orbit != track)
        for time in (manifest.start, manifest.stop)
    )
    return Product(
        name.id,
        path,
        manifest.mission,
        manifest.data_take,
        manifest.pass_direction,
        manifest.start,
        manifest.stop,
        manifest.polarisations,
        (first - 1, last + 1),
    )


def plan_acquisitions(
    frame: Frame, products: Iterable[Product], missions: Sequence[str] = ()
) -> list[PlannedAcquisition]:
    """Group the products that may hold bursts of a frame by passes, in the order of time.

    Ids alone tell whether: across the ascending node the slices of one pass are of two tracks.

    Two slices of a pass on two calendar days are one acquisition: passes are told apart by their data take.

    Parameters
    ----------
    frame : Frame
    products : iterable of Product
    missions : sequence of str
        Those to take (``S1A``, ...); all where none are given.
    """
    least, greatest = frame.burst_ids
    mine = [
        product
        for product in products
        if product.pass_direction == frame.pass_direction
        and frame.polarisation in product.polarisations
        and product.burst_ids[0] <= greatest
        and product.burst_ids[1] >= least
        and (not missions or product.mission in missions)
    ]
    mine.sort(key=lambda product: (product.mission, product.data_take, product.start, product.id))
    passes = [tuple(found) for _, found in groupby(mine, key=lambda product: (product.mission, product.data_take))]
    return sorted(
        (PlannedAcquisition(f"{found[0].start:%Y%m%d}", found[0].mission, found) for found in passes),
        key=lambda acquisition: (acquisition.products[0].start, acquisition.mission),
    )


def choose_passes(
    frame: Frame, passes: Iterable[PlannedAcquisition]
) -> tuple[dict[str, PlannedAcquisition], list[tuple[PlannedAcquisition, PlannedAcquisition]]]:
    """Choose one pass a day: that which may hold more of the frame's bursts, then the nearer to the reference's time.

    Parameters
    ----------
    frame : Frame
    passes : iterable of PlannedAcquisition

    Returns
    -------
    chosen : dict of str to PlannedAcquisition
        By date, in order.
    others : list of tuple of PlannedAcquisition
        Each that was passed over, and the one that was taken instead.
    """
    days: dict[str, list[PlannedAcquisition]] = {}
    for one in passes:
        days.setdefault(one.date, []).append(one)
    reference = f"{frame.reference:%Y%m%d}"
    ordered = {day: sorted(found, key=lambda one: -_covered(frame, one)) for day, found in days.items()}
    if reference in ordered:
        time = ordered[reference][0].products[0].start
        for day, found in ordered.items():
            ordered[day] = sorted(found, key=lambda one: (-_covered(frame, one), _time_apart(one, time)))
    chosen = {day: found[0] for day, found in sorted(ordered.items())}
    return chosen, [(one, chosen[day]) for day, found in sorted(ordered.items()) for one in found[1:]]


def _covered(frame: Frame, one: PlannedAcquisition) -> int:
    """Return how many of a frame's ids the products of a pass may hold."""
    least, greatest = frame.burst_ids
    ranges = (range(max(low, least), min(high, greatest) + 1) for low, high in (p.burst_ids for p in one.products))
    return len({identifier for ids in ranges for identifier in ids})


def _time_apart(one: PlannedAcquisition, time: dt.datetime) -> float:
    """Return the seconds between times of day."""
    apart = (one.products[0].start - time).total_seconds() % DAY
    return min(apart, DAY - apart)
