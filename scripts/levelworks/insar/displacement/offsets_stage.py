"""The stage `estimate-azimuth-offsets`: range and azimuth offsets of a pair by amplitudes (specs/insar.md 1.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import Outcome, Status
from levelworks.core.record import described_product
from levelworks.insar.displacement.burst_offsets import burst_offsets
from levelworks.insar.displacement.coregistered_pair import CoregisteredPair, open_pair
from levelworks.insar.displacement.dense_offsets import LAYERS, DenseOffsets, PatchLayout
from levelworks.insar.displacement.ground_spacing import along_track_spacing, nearest_on_grid
from levelworks.insar.displacement.offsets_files import PairOffsetMap, geocode_offsets, write_offsets
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.displacement.outliers import agree_with_neighbours
from levelworks.insar.displacement.patch_grid import PatchGrid, patch_grid
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.mosaic.geometry_files import read_ground, read_mosaic
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_orbits import burst_arc

DRAWN = 0.005
"""Pixels by which the correlation of sampled amplitudes may draw a peak to half pixels."""


def estimate_azimuth_offsets(
    frame: Path,
    reference: Path,
    geometry: Path,
    lookup: Path,
    first: Path,
    second: Path,
    *,
    folder: Path,
    options: EstimateAzimuthOffsets,
) -> Outcome:
    """Measure range and azimuth offsets of two dates on a dense grid; bursts are shared among ranks.

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
        That is written: `offsets_files`, on the radar grid and on the geographic one.

    Raises
    ------
    NothingToProduce
        Where no burst is there on both dates.
    """
    defined = read_frame(frame)
    found, mosaic = read_reference(defined, reference), read_mosaic(geometry)
    pair = open_pair(first, second, mosaic)
    layout = PatchLayout(
        (options.azimuth_window, options.range_window), (options.azimuth_step, options.range_step), options.search
    )
    grid = patch_grid(mosaic, layout)
    least = options.least_correlation, options.least_ratio
    ranks = world()
    with together(ranks):
        own = [pair.common[k] for k in split(len(pair.common), ranks.size, ranks.rank)]
        mine = [_measure(place, found, geometry, pair, grid, least) for place in own]
    parts = ranks.gather(mine)
    if parts is None:
        return Outcome()
    layers, spacing = _assemble(pair, grid, [one for part in parts for one in part])
    measured = int(np.isfinite(layers["line"]).sum())
    apart = tuple(max(size // step // 2, 1) for size, step in zip(layout.window, layout.steps, strict=True))
    good = np.ones(grid.shape, bool)
    for name in ("line", "sample"):
        good &= agree_with_neighbours(layers[name], layers[f"{name}_sigma"], (apart[0], apart[1]), options.outlier)
    content = _in_metres({name: np.where(good, one, np.nan) for name, one in layers.items()}, spacing, mosaic)
    added = pair.added
    constant = added.sample * mosaic.range_spacing, added.line * float(np.nanmean(spacing))
    folder.mkdir()
    offsets = PairOffsetMap(pair.name, content, grid, constant)
    write_offsets(folder, offsets)
    coverage = geocode_offsets(folder, offsets, read_lookup(described_product(lookup)), mosaic, defined.grid)
    return _outcome(offsets, int(np.isfinite(layers["correlation"]).sum()), measured, coverage, options)


def _measure(
    place: Placement,
    reference: Acquisition,
    geometry: Path,
    pair: CoregisteredPair,
    grid: PatchGrid,
    least: tuple[float, float],
) -> tuple[DenseOffsets, np.ndarray]:
    """Return the offsets of a burst's patches, and metres along the flight per line at each."""
    burst = next(burst for burst in reference.bursts if burst.key == place.key)
    arc = burst_arc(reference, burst)
    offsets = burst_offsets(place, burst, carrier(burst, arc), pair.dates, grid, least)
    ground = read_ground(geometry, place.key)
    lines, samples = (
        grid.middles(axis, np.array(numbers)) - place.corner[axis] for axis, numbers in enumerate(grid.part_of(place))
    )
    return offsets, nearest_on_grid(along_track_spacing(burst, arc, ground), ground, lines, samples)


def _assemble(
    pair: CoregisteredPair, grid: PatchGrid, parts: list[tuple[DenseOffsets, np.ndarray]]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the layers of all bursts on the grid of the frame, and metres per line."""
    layers = {name: np.full(grid.shape, np.nan, np.float32) for name in LAYERS}
    spacing = np.full(grid.shape, np.nan)
    for place, (offsets, own) in zip(pair.common, parts, strict=True):
        rows, columns = grid.part_of(place)
        inner = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        spacing[inner] = own
        for name, layer in layers.items():
            layer[inner] = getattr(offsets, name)
    return layers, spacing


def _in_metres(layers: dict[str, np.ndarray], spacing: np.ndarray, mosaic: Mosaic) -> dict[str, np.ndarray]:
    """Return layers by the names they are published under."""
    sigmas = {name: np.hypot(layers[f"{name}_sigma"], DRAWN) for name in ("line", "sample")}
    content = {
        "rng": layers["sample"] * mosaic.range_spacing,
        "azi": layers["line"] * spacing,
        "rng_sigma": sigmas["sample"] * mosaic.range_spacing,
        "azi_sigma": sigmas["line"] * spacing,
        "tracking_corr": layers["correlation"],
        "ratio": layers["ratio"],
    }
    return {name: values.astype(np.float32) for name, values in content.items()}


def _outcome(
    offsets: PairOffsetMap, patches: int, measured: int, coverage: float, options: EstimateAzimuthOffsets
) -> Outcome:
    there = np.isfinite(offsets.layers["rng"])
    used = int(there.sum())
    share = used / max(patches, 1)
    quality: dict[str, Any] = {
        "state": "degraded" if share < options.least_share else "done",
        "patches": patches,
        "patches_correlated": measured,
        "patches_used": used,
        "coverage": coverage,
        "range_taken_out_m": offsets.constant[0],
        "azimuth_taken_out_m": offsets.constant[1],
    }
    for name in ("rng", "azi", "rng_sigma", "azi_sigma", "tracking_corr"):
        quality[f"median_{name}"] = float(np.median(offsets.layers[name][there])) if used else None
    few = f"only {used} of {patches} patches correlate and agree with their neighbours"
    return Outcome(Status.DONE, quality=quality, warnings=(few,) if share < options.least_share else ())
