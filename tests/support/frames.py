"""Frames for tests: simulated or made by hand, in memory, as the readers would give them."""

from __future__ import annotations

import numpy as np

from levelworks.coronagraph.calibrate import References
from levelworks.coronagraph.geometry import Geometry
from levelworks.coronagraph.headers import Level1Header
from levelworks.coronagraph.readers import Level1Frame


def frame_of(raw: np.ndarray, geometry: Geometry, gain: float, exposure_time: float) -> Level1Frame:
    """Wrap raw counts (uint16, or float64 to spare the rounding) as a frame of the flight generation."""
    values = {"EMGAIN_C": gain, "EXPTIME": exposure_time, "DATALVL": "L1"}
    header = Level1Header({}, values, (), (), 0, raw.shape)
    stored = (raw ^ np.uint16(0x8000)).view(np.int16).astype(">i2") if raw.dtype == np.uint16 else raw
    return Level1Frame("frame", header, geometry, stored)


def references_of(shape: tuple[int, int], dark: np.ndarray | None = None, flat: np.ndarray | None = None, curve=None):
    """Return references with a dark that passed the register whole."""
    dark = np.zeros(shape) if dark is None else dark
    none = np.zeros(shape, dtype=np.float32)
    return References(dark, dark.astype(np.float32), none, flat, np.zeros(shape, dtype=np.uint16), curve)
