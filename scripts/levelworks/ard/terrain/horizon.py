"""Horizons on a coarse grid: how much of the sky each place sees, and where other terrain hides the sun."""

from __future__ import annotations

import numpy as np

from levelworks.ard.terrain.horizon_kernels import UNIT, add_sky, highest_about, horizon_above_sun, tilt_of

COARSE_SPACING = 60.0
"""Metres between the cells on which horizons are looked for."""
DIRECTIONS = ((0, 1), (1, 2), (1, 1), (2, 1), (1, 0), (2, -1), (1, -1), (1, -2))
"""Eight directions, each looked to and back, in cells down and to the right: lines along them meet cells' centres."""


def coarse_factor(resolution: float) -> int:
    """Return the pixels along a side of a cell of the coarse grid: 2 of Landsat, 6 of Sentinel-2."""
    return max(1, round(COARSE_SPACING / resolution))


def sky_sums(heights: np.ndarray, spacing: float, directions: range) -> np.ndarray:
    """Return the part of the sky view that some of the directions give, in whole numbers: sums in any order agree.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        Elevation (m); voids hide nothing.
    spacing : float
        Metres between cells.
    directions : range
        Of `DIRECTIONS`.

    Returns
    -------
    ndarray, shape (rows, columns), int32
    """
    known = _without_voids(heights)
    total = np.zeros(heights.shape, np.int32)
    tilt = np.empty((3, *heights.shape), np.float32)
    tilt_of(known, spacing, tilt)
    bearings = np.array([np.arctan2(down, right) for down, right in DIRECTIONS])
    gaps = np.diff(bearings, append=np.pi)
    # Each direction stands for half of the gap to either side.
    sectors = 0.5 * (gaps + np.roll(gaps, 1)) / (2 * np.pi)
    for index in directions:
        down, right = DIRECTIONS[index]
        add_sky(known, tilt, spacing, down, right, sectors[index], _line_ends(heights.shape, down, right), total)
    return total


def sky_view_of(sums: np.ndarray) -> np.ndarray:
    """Return the sky view factor, 0 to 1, float32, from the sums of all directions."""
    return np.minimum(sums.astype(np.float32) / np.float32(UNIT), np.float32(1.0))


def sky_view_factor(heights: np.ndarray, spacing: float) -> np.ndarray:
    """Return the share of a sky of even light that each place sees (Dozier and Frew 1990), 1 on open level ground.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        Elevation (m).
    spacing : float
        Metres between cells.

    Returns
    -------
    ndarray, shape (rows, columns), float32
    """
    return sky_view_of(sky_sums(heights, spacing, range(len(DIRECTIONS))))


def shadow_margin(
    heights: np.ndarray, spacing: float, sun: np.ndarray, step: int, rows: range | None = None
) -> np.ndarray:
    """Return by how much the horizon towards the sun stands above it, as a difference of tangents.

    Parameters
    ----------
    heights : ndarray, shape (rows, columns), float32
        Elevation (m) on the coarse grid; beyond its edges nothing hides the sun.
    spacing : float
        Metres between cells.
    sun : ndarray, shape (3, field rows, field columns), float32
        Unit vector to the sun on the field: east, north, up.
    step : int
        Cells of the coarse grid along a side of a cell of the field.
    rows : range
        The rows to return; all of them by default.

    Returns
    -------
    ndarray, shape (len(rows), columns), float32
        Positive in shadow, within `horizon_kernels.REACH`.
    """
    rows = rows or range(heights.shape[0])
    known = _without_voids(heights)
    margin = np.empty((len(rows), heights.shape[1]), np.float32)
    horizon_above_sun(known, spacing, rows.start, sun, step, highest_about(known), margin)
    return margin


def _without_voids(heights: np.ndarray) -> np.ndarray:
    """Return heights whose voids are the lowest of all."""
    known = np.ascontiguousarray(heights, np.float32)
    void = np.isnan(known)
    if void.any():
        known = np.where(void, np.nanmin(known) if not void.all() else np.float32(0.0), known)
    return known


def _line_ends(shape: tuple[int, int], down: int, right: int) -> np.ndarray:
    """Return row and column of the cells from which one step in a direction leaves the grid."""
    row, column = np.indices(shape, np.int32, sparse=True)
    leaves = (row + down < 0) | (row + down >= shape[0]) | (column + right < 0) | (column + right >= shape[1])
    return np.argwhere(leaves)
