"""Layover and shadow of the terrain (specs/insar.md 4.15): where slant range or look angle does not grow outwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.lookup import cell_centres
from levelworks.insar.geocoding.terrain_mask_kernels import flag_lines
from levelworks.insar.geometry.elevation import Elevation, level
from levelworks.insar.geometry.geo2rdr import geo2rdr
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.mosaic.mosaic import Mosaic
from levelworks.insar.orbits.state_vectors import OrbitArc

METRES_PER_DEGREE = 111_320.0
STEPS = (16, 16)
"""Lines and samples between which places are interpolated: some hundred metres, that is within 0.1 m."""
SPEED = 6800.0
"""m/s, of the satellite's track on the ground."""
SINE = 0.48
"""Of the least angle of incidence of the mode."""
ROWS = 256
"""Of the geographic grid that are looked up at once."""


@dataclass(frozen=True)
class GroundLines:
    """Lines on the ground, each seen at one time, that a radar grid needs to know its layover and shadow.

    Places are named by where the radar would see them at height 0: times (lines,), s, and slant ranges (samples,), m.
    Lines reach as far beyond the radar grid as its terrain can fold in or cast a shadow.
    """

    times: np.ndarray
    ranges: np.ndarray


def ground_lines(mosaic: Mosaic, elevation: Elevation, step: float) -> GroundLines:
    """Lay lines over the ground of a radar grid, as fine along the look as the elevation model.

    Parameters
    ----------
    mosaic : Mosaic
    elevation : Elevation
    step : float
        Degrees, of the geographic grid; lines are half of it apart.
    """
    lowest, highest = elevation.bounds
    near, far = mosaic.ranges_of(np.array([-0.5, mosaic.shape[1] - 0.5]))
    begin, end = mosaic.times_of(np.array([-0.5, mosaic.shape[0] - 0.5]))
    fine = min(elevation.step_south, step) * METRES_PER_DEGREE
    near, far = near - (highest - lowest) - max(-lowest, 0.0), far + max(highest, 0.0)
    apart = step / 2 * METRES_PER_DEGREE / SPEED
    return GroundLines(
        begin + apart * np.arange(math.ceil((end - begin) / apart) + 1),
        near + SINE * fine * np.arange(math.ceil((far - near) / (SINE * fine)) + 1),
    )


def flag_ground(lines: GroundLines, share: range, elevation: Elevation, arc: OrbitArc) -> np.ndarray:
    """Find layover and shadow along a share of the lines.

    A place is in layover where a nearer place on its line has the same slant range or a larger one, or a farther place
    the same or a smaller one: the slopes that fold over, and what they fold on. It is in shadow where a nearer place
    is seen at the same look angle or a larger one.

    Parameters
    ----------
    lines : GroundLines
    share : range
        Consecutive.
    elevation : Elevation
    arc : OrbitArc
        Of the reference.

    Returns
    -------
    ndarray, shape (share, samples), uint8
        0 no height, 1 neither, 2 layover, 3 shadow, 4 both.
    """
    flags = np.zeros((len(share), lines.ranges.size), np.uint8)
    if not len(share):
        return flags
    begin = share.start // STEPS[0] * STEPS[0]
    times = _coarse(lines.times, begin, share.stop, STEPS[0])
    ranges = _coarse(lines.ranges, 0, lines.ranges.size, STEPS[1])
    latitude, longitude, _ = rdr2geo(arc, times, ranges, level(0.0))
    middle = elevation.west + elevation.step_east * elevation.heights.shape[1] / 2
    longitude -= 360.0 * np.round((longitude - middle) / 360.0)
    flag_lines(
        np.radians(latitude),
        np.radians(longitude),
        STEPS,
        share.start - begin,
        np.ascontiguousarray(arc.at(lines.times[share.start : share.stop])[0]),
        elevation.heights,
        elevation.grid,
        elevation.cubic,
        flags,
    )
    return flags


def mask_grid(lines: GroundLines, flags: np.ndarray, grid: FrameGrid, arc: OrbitArc) -> np.ndarray:
    """Return the flag next to each cell centre of a geographic grid, (rows, columns) uint8; 0 beyond the lines."""
    latitude, longitude = cell_centres(grid)
    mask = np.zeros(grid.shape, np.uint8)
    for top in range(0, grid.shape[0], ROWS):
        times, ranges = geo2rdr(arc, latitude[top : top + ROWS, None], longitude[None, :], 0.0)
        line, sample = _nearest(times, lines.times), _nearest(ranges, lines.ranges)
        inside = (line >= 0) & (line < flags.shape[0]) & (sample >= 0) & (sample < flags.shape[1])
        mask[top : top + ROWS][inside] = flags[line[inside], sample[inside]]
    return mask


def _coarse(values: np.ndarray, start: int, stop: int, step: int) -> np.ndarray:
    """Return evenly spaced values at every ``step``-th place from ``start`` to beyond ``stop``."""
    places = np.arange(start, stop + step, step)
    return np.asarray(values[0] + (values[1] - values[0]) * places)


def _nearest(values: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Return which of evenly spaced numbers is next to each value; -1 for NaN."""
    return np.nan_to_num(np.rint((values - axis[0]) / (axis[1] - axis[0])), nan=-1.0).astype(np.intp)
