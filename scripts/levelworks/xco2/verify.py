"""Examining cubes: every chunk unpacks, coordinates and metadata hold what they promise, both quality sets agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.cube_attributes import axes_of
from levelworks.xco2.cubes import StandingCube
from levelworks.xco2.layers import COVERAGE, NUMBER
from levelworks.xco2.zarr_arrays import ArraySpec

REQUIRED_ATTRIBUTES = ("Conventions", "title", "source", "target_id", "quality_flag_filtered")
WITHOUT_UNITS = ("crs",)
ROUNDING = 1e-5
"""Of single precision, for shares and counts."""


def examine(cube: StandingCube, *, compliance: bool) -> Iterator[str]:
    """Yield what is wrong with a cube, one sentence each.

    Parameters
    ----------
    cube : StandingCube
    compliance : bool
        Check attributes against the CF conventions too.
    """
    yield from _examine_time(cube)
    yield from _examine_grid(cube)
    for name, spec in sorted(cube.store.arrays.items()):
        if len(spec.shape) == 3:
            yield from _examine_layer(cube, name, spec)
    if compliance:
        yield from _examine_attributes(cube)


def _examine_time(cube: StandingCube) -> Iterator[str]:
    time, bounds = cube.store.read("time"), cube.store.read("time_bnds")
    if np.any(np.diff(time) <= 0):
        yield "time does not increase strictly"
    if np.any(bounds[:, 0] > bounds[:, 1]) or np.any(np.abs(time - bounds[:, 0]) > 1):
        yield "time_bnds do not hold the times"
    identifiers = [(one.source.day, one.capture_id) for one in cube.slices]
    if len(set(identifiers)) != len(identifiers):
        yield "a capture stands there twice"


def _examine_grid(cube: StandingCube) -> Iterator[str]:
    for name, (_, values, _) in axes_of(cube.spec.grid).items():
        if name not in cube.store.arrays:
            yield f"the coordinate {name} is missing"
        elif not np.array_equal(cube.store.read(name), np.asarray(values, np.float64)):
            yield f"the coordinate {name} is not that of the grid"


def _examine_layer(cube: StandingCube, name: str, spec: ArraySpec) -> Iterator[str]:
    store = cube.store
    if spec.shape != (len(cube.slices), *cube.spec.grid.shape):
        yield f"{name} has the shape {spec.shape}, not that of time and grid"
        return
    if not (store.path / name).is_dir():
        yield f"{store.path / name}: missing"
        return
    limits = {NUMBER.lstrip("/"): (1, np.inf), COVERAGE.lstrip("/"): (0, 1 + ROUNDING)}.get(name)
    for block in range(spec.blocks[0]):
        for index in store.chunks_of(name, block):
            try:
                chunk = store.read_chunk(name, index)
            except InvalidInput as error:
                yield str(error)
                continue
            if chunk is None or limits is None:
                continue
            present = chunk[~np.isnan(chunk)] if chunk.dtype.kind == "f" else chunk[chunk != spec.fill]
            if present.size and not (limits[0] <= present.min() and present.max() <= limits[1]):
                yield f"{name}, chunk {index}: values from {present.min():g} to {present.max():g}"


def _examine_attributes(cube: StandingCube) -> Iterator[str]:
    store = cube.store
    for name in REQUIRED_ATTRIBUTES:
        if not store.attributes.get(name):
            yield f"the global attribute {name} is missing"
    for name, spec in sorted(store.arrays.items()):
        if not re.fullmatch(r"[A-Za-z]\w*", name.rpartition("/")[2]):
            yield f"{name} is no name by CF"
        known = spec.attributes
        # By CF what a group doesn't have is looked for in those that hold it.
        places = PurePosixPath(name).parents
        for attribute in ("ancillary_variables", "bounds", "coordinates", "grid_mapping"):
            for other in str(known.get(attribute, "")).split():
                if not any(str(place / other) in store.arrays for place in places):
                    yield f"{name} names {other} in {attribute}, which is not there"
        described = name.endswith("_bnds") or "long_name" in known or "standard_name" in known
        if not described and name.rpartition("/")[2] not in WITHOUT_UNITS:
            yield f"{name} has neither long_name nor standard_name"


def compare_sets(pre: StandingCube, post: StandingCube) -> Iterator[str]:
    """Yield what both quality sets of a target contradict each other in.

    Good soundings are some of all soundings: their captures are among those of the other set, at the same times.
    """
    times = {(one.source_file, one.capture_id): (one.start, one.end) for one in pre.slices}
    counts = {(one.source_file, one.capture_id): one.number_in_capture for one in pre.slices}
    for one in post.slices:
        key = one.source_file, one.capture_id
        if key not in times:
            yield f"capture {one.capture_id} of {one.source_file} is not in the set of all soundings"
        elif times[key] != (one.start, one.end):
            yield f"capture {one.capture_id} has other times in the set of all soundings"
        elif one.number_in_capture > counts[key]:
            yield f"capture {one.capture_id} has more good soundings than soundings"


def summarise(cube: StandingCube) -> dict[str, Any]:
    """Return the figures of a cube for its report."""
    return {
        "slices": len(cube.slices),
        "soundings": sum(one.number_in_capture for one in cube.slices),
        "variables": sorted(name for name, spec in cube.store.arrays.items() if len(spec.shape) == 3),
        "first_capture": cube.slices[0].capture_id if cube.slices else None,
        "last_capture": cube.slices[-1].capture_id if cube.slices else None,
    }
