"""Running every kernel of the line once, on a small frame, so that the compiled code lies on disk."""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import levelworks.coronagraph
from levelworks.coronagraph.calibrate import Level2a, Level2b, References, to_level2a, to_level2b
from levelworks.coronagraph.combine import combine_stripe
from levelworks.coronagraph.desmear import desmear_variance
from levelworks.coronagraph.fits_writer import Plane, write_planes
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.nonlinearity import NonlinearityCurve, curve_at_gain
from levelworks.coronagraph.options import CalibrateFrame
from levelworks.coronagraph.readers import Level1Frame, read_level1, read_nonlinearity
from levelworks.coronagraph.simulate import simulate_dataset

GAIN, EXPOSURE_TIME = 1000.0, 60.0
"""Of the small frames; so much gain and time that cosmic rays and their tails are there."""


def warm() -> str:
    """Compile the kernels for every type of image that the stages work on, and say how many were new.

    Frames are simulated, written and read again: arrays are then of the layout that the stages meet.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        geometry = geometries()["TEST"]
        paths = simulate_dataset(directory, frames=2, gain=GAIN, exposure_time=EXPOSURE_TIME, geometry=geometry)
        frames = [read_level1(path) for path in paths]
        curve = curve_at_gain(read_nonlinearity(directory / "references" / "nonlinearity.csv"), GAIN)
        for precision in ("float32", "float64"):
            calibrated = [_calibrate(frame, curve, precision) for frame in frames]
            _combine(calibrated, directory)
        desmear_variance(np.ones((8, 8)), EXPOSURE_TIME, CalibrateFrame().row_read_time)
    compiled = sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels())
    loaded = sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels())
    return f"{compiled} kernels compiled, {loaded} were there"


def kernels() -> Iterator[Any]:
    """Yield the compiled functions of the line."""
    seen: set[int] = set()
    for module in pkgutil.iter_modules(levelworks.coronagraph.__path__, f"{levelworks.coronagraph.__name__}."):
        for found in vars(importlib.import_module(module.name)).values():
            if hasattr(found, "py_func") and hasattr(found, "stats") and id(found) not in seen:
                seen.add(id(found))
                yield found


def _calibrate(frame: Level1Frame, curve: NonlinearityCurve, precision: str) -> tuple[Level2a, Level2b]:
    shape = frame.geometry.image.rows, frame.geometry.image.columns
    single = np.zeros(shape, dtype=np.float32)
    dark, dq = np.zeros(shape), np.zeros(shape, dtype=np.uint16)
    with_flat = References(dark, single, single, np.ones(shape), dq, curve)
    plain = References(dark, single, single, None, dq, None)
    for options, references in (
        (CalibrateFrame(precision=precision, flat_relative_error=0.01), with_flat),
        (CalibrateFrame(precision=precision, desmear="auto"), plain),
        (CalibrateFrame(precision=precision, compat="iit", desmear="on"), with_flat),
    ):
        level2a = to_level2a(frame, references.curve, options, precision=precision)
        level2b = to_level2b(level2a, references, options)
    # Noise maps and photon counting read the whole frame, streaks of cosmic rays wrap there.
    to_level2a(frame, curve, CalibrateFrame(), region=frame.geometry.imaging_area, precision=precision)
    return level2a, level2b


def _combine(calibrated: list[tuple[Level2a, Level2b]], directory: Path) -> None:
    values = np.stack([level2b.electrons for _, level2b in calibrated])
    errors = np.stack([level2b.errors.error for _, level2b in calibrated])
    dq = np.stack([level2b.dq for _, level2b in calibrated])
    combined = combine_stripe(values, errors=errors, dq=dq)
    combine_stripe(values, usable=dq == 0)
    combine_stripe(values, dq == 0, errors=errors, dq=dq)
    combine_stripe(values)
    planes = (combined.mean, combined.median, combined.dq, *calibrated[0][0:1][0].bias.level[None])
    write_planes(directory / "combined.fits", (), [Plane(f"P{i}", np.asarray(plane)) for i, plane in enumerate(planes)])
