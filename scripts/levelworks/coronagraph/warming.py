"""Running every kernel of the line once, on small frames, so that its compiled code lies on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import levelworks.coronagraph
from levelworks.core.kernels import say_compiled
from levelworks.coronagraph import dataset_stages, frame_stage
from levelworks.coronagraph.calibrate import to_level2a
from levelworks.coronagraph.combine import combine_stripe
from levelworks.coronagraph.desmear import desmear_variance
from levelworks.coronagraph.geometry import Region, geometries
from levelworks.coronagraph.nonlinearity import curve_at_gain
from levelworks.coronagraph.options import CalibrateFrame, Combine
from levelworks.coronagraph.readers import read_level1, read_nonlinearity
from levelworks.coronagraph.references import ReferenceFiles
from levelworks.coronagraph.scenes import dark_scene
from levelworks.coronagraph.simulate import simulate_dataset

GAIN, EXPOSURE_TIME = 1000.0, 60.0
"""Of the small frames; so much of both that cosmic rays and their tails are there."""

VARIANTS: tuple[dict[str, Any], ...] = (
    {"precision": "float32", "desmear": "on"},
    {"precision": "float32", "desmear": "auto", "adaptive_tail": False},
    {"precision": "float64", "desmear": "on"},
    {"precision": "float64", "compat": "iit", "desmear": "on"},
)
"""Options of calibrate-frame between which kernels differ in their types."""


def warm() -> str:
    """Compile the kernels for every type of image that the stages work on, and say how many were new.

    Frames are simulated, written and read again by the stages' own code: arrays are then of the types and layouts that
    jobs meet.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        geometry = geometries()["TEST"]
        paths = simulate_dataset(
            directory, frames=2, gain=GAIN, exposure_time=EXPOSURE_TIME, geometry=geometry, scene=dark_scene(geometry)
        )
        table = directory / "references" / "nonlinearity.csv"
        full = ReferenceFiles(None, directory / "references" / "flat.fits", None, table)
        for number, variant in enumerate(VARIANTS):
            options = CalibrateFrame(**variant)
            for references in (full, ReferenceFiles()):
                level2b = [directory / f"{path.stem}_{number}.fits" for path in paths]
                for path, product in zip(paths, level2b, strict=True):
                    level2a = product.with_suffix(".l2a.fits")
                    frame_stage.calibrate_frame(path, references, level2a, product, (None,) * 4, options)
            mean, median = directory / "mean.fits", directory / "median.fits"
            dataset_stages.combine(level2b, mean, median, (None,) * 4, Combine())
        _sum_whole_frame(paths[0], table, geometry.shape)
    _combine_bare()
    desmear_variance(np.ones((8, 8)), EXPOSURE_TIME, CalibrateFrame().row_read_time)
    return say_compiled(levelworks.coronagraph)


def _sum_whole_frame(path: Path, table: Path, shape: tuple[int, int]) -> None:
    """Calibrate a whole frame as make-noise-maps does: streaks of cosmic rays wrap there."""
    curve = curve_at_gain(read_nonlinearity(table), GAIN)
    for used in (curve, None):
        to_level2a(read_level1(path), used, CalibrateFrame(), region=Region(*shape, 0, 0))


def _combine_bare() -> None:
    """Combine without errors and flags, and with a mask, as a caller of the library may."""
    for kind in (np.float32, np.float64):
        values = np.ones((2, 4, 4), dtype=kind)
        usable = np.ones(values.shape, dtype=bool)
        combine_stripe(values)
        combine_stripe(values, usable, errors=np.ones(values.shape), dq=np.zeros(values.shape, dtype=np.uint16))
