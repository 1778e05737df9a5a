"""The stage `measure-along-track`: motion along the flight in the overlaps of bursts (specs/insar.md 1.4, 4.9 b)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import NothingToProduce, Outcome, Status
from levelworks.core.record import described_product
from levelworks.insar.coregistration.rslc_files import read_rslc
from levelworks.insar.displacement.along_track_files import (
    MeasuredOverlap,
    geocode_along_track,
    table_name,
    write_table,
)
from levelworks.insar.displacement.along_track_options import MeasureAlongTrack
from levelworks.insar.displacement.coregistered_pair import CoregisteredPair, open_pair
from levelworks.insar.displacement.ground_spacing import along_track_spacing, nearest_on_grid
from levelworks.insar.displacement.overlap_motion import aligned_overlap, overlap_layers, overlap_motion
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.interferograms.equivalent_looks import equivalent_looks
from levelworks.insar.interferograms.look_sums import LookSums
from levelworks.insar.interferograms.seams import range_difference
from levelworks.insar.mosaic.geometry_files import read_ground, read_mosaic
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.mosaic.mosaic import Mosaic
from levelworks.insar.refinement.overlaps import Overlap, doppler_differences, find_overlaps, strip_sums
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_orbits import burst_arc


def measure_along_track(
    frame: Path,
    reference: Path,
    geometry: Path,
    lookup: Path,
    first: Path,
    second: Path,
    *,
    folder: Path,
    options: MeasureAlongTrack,
) -> Outcome:
    """Measure the motion of two dates along the flight in burst overlaps; overlaps are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference : Path
        Acquisition of the frame's reference date.
    geometry : Path
        Of `reference-geometry`.
    lookup : Path
        Folder of `geocode-geometry`, or the record beside it.
    first, second : Path
        Folders of `coregister` of the earlier and the later date, or the records beside them.
    folder : Path
        That is written: the table and the rasters of `along_track_files`.

    Raises
    ------
    NothingToProduce
        Where no two bursts that follow each other are there on both dates.
    """
    defined = read_frame(frame)
    found, mosaic = read_reference(defined, reference), read_mosaic(geometry)
    pair = open_pair(first, second, mosaic)
    overlaps = _overlaps(found, pair, mosaic)
    if not overlaps:
        raise NothingToProduce(
            f"no two bursts that follow each other are there on both dates of {pair.name}: "
            "along-track motion takes their overlap"
        )
    ranks = world()
    with together(ranks):
        mine = [
            _measure(*overlaps[k], found, geometry, pair, mosaic, options)
            for k in split(len(overlaps), ranks.size, ranks.rank)
        ]
    parts = ranks.gather(mine)
    if parts is None:
        return Outcome()
    measured = [one for part in parts for one in part]
    added = pair.added
    taken_out = added.line * float(np.mean([one.motion.spacing for one in measured]))
    folder.mkdir()
    write_table(folder / table_name(pair.name), measured, added)
    place = read_lookup(described_product(lookup))
    coverage = geocode_along_track(folder, pair.name, measured, mosaic.shape, place, defined.grid, taken_out)
    return _outcome(measured, taken_out, coverage, pair.missions)


def _overlaps(
    reference: Acquisition, pair: CoregisteredPair, mosaic: Mosaic
) -> list[tuple[Overlap, tuple[slice, slice]]]:
    """Return the overlaps that both dates have, cut to cells, with the cells."""
    places = {place.key: place for place in pair.common}
    cut = [
        aligned_overlap(overlap, places[overlap.first], mosaic)
        for overlap in find_overlaps(reference.bursts)
        if {overlap.first, overlap.second} <= set(places)
    ]
    return [one for one in cut if one is not None]


def _measure(
    overlap: Overlap,
    cells: tuple[slice, slice],
    reference: Acquisition,
    geometry: Path,
    pair: CoregisteredPair,
    mosaic: Mosaic,
    options: MeasureAlongTrack,
) -> MeasuredOverlap:
    """Return the mean motion of an overlap and its layers."""
    bursts = {burst.key: burst for burst in reference.bursts}
    keys = overlap.first, overlap.second
    arcs = [burst_arc(reference, bursts[key]) for key in keys]
    sums = []
    for which, key in enumerate(keys):
        lines, _ = overlap.part(which)
        one, two = (read_rslc(folder / f"{key}.h5", lines) for folder in (pair.dates.first, pair.dates.second))
        between = range_difference(pair.dates, key)
        sums.append(strip_sums(overlap, which, one, two, between, mosaic.wavelength, mosaic.looks))
    carriers = [carrier(bursts[key], arc) for key, arc in zip(keys, arcs, strict=True)]
    doppler = doppler_differences(overlap, (carriers[0], carriers[1]), mosaic.looks)
    ground = read_ground(geometry, overlap.first)
    places = [
        start + looks * np.arange(count) + (looks - 1) / 2
        for start, looks, count in zip((overlap.lines[0], overlap.samples[0]), mosaic.looks, doppler.shape, strict=True)
    ]
    spacing = nearest_on_grid(along_track_spacing(bursts[overlap.first], arcs[0], ground), ground, *places)
    both: tuple[LookSums, LookSums] = sums[0], sums[1]
    looks = equivalent_looks(bursts[overlap.first], mosaic.looks)
    metres_per_radian = spacing / (2 * np.pi * doppler * overlap.interval)
    least = options.least_cells, options.least_share, options.most_spread
    motion = overlap_motion(overlap, both, doppler, float(spacing.mean()), options.thresholds, least)
    centre = [
        float(nearest_on_grid(values, ground, *(place[place.size // 2 :][:1] for place in places))[0, 0])
        for values in (ground.latitude, ground.longitude)
    ]
    layers = overlap_layers(both, metres_per_radian, looks, options.window)
    return MeasuredOverlap(motion, layers, cells, (centre[0], centre[1]))


def _outcome(measured: list[MeasuredOverlap], taken_out: float, coverage: float, missions: tuple[str, ...]) -> Outcome:
    motions = [one.motion for one in measured]
    known = [one for one in motions if not one.degraded]
    weights = np.array([1 / one.sigma**2 for one in known])
    quality: dict[str, Any] = {
        "state": "done" if len(known) == len(motions) and len(missions) < 2 else "degraded",
        "overlaps": len(motions),
        "overlaps_degraded": len(motions) - len(known),
        "coverage": coverage,
        "taken_out_m": taken_out,
        "mean_along_track_m": float(np.average([one.metres for one in known], weights=weights)) if known else None,
        "mean_sigma_m": float(1 / np.sqrt(weights.sum())) if known else None,
        "period_m": [round(one.period, 4) for one in motions],
    }
    warnings = [f"{one.first}-{one.second}: {one.degraded}" for one in motions if one.degraded]
    if len(missions) > 1:
        warnings.append(
            f"the dates are of {' and '.join(missions)}: constant phases of bursts look like motion along the flight"
        )
    return Outcome(Status.DONE, quality=quality, warnings=tuple(warnings))
