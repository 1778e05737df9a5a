"""Lines across a plume: a smooth centre line from the source down the ridge of the enhancement, and its normals.

Source: specs/plumes.md 1.12, 6.7. All coordinates are metres in a plane, so that pixels and headings don't matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

SPACING = 2.5
"""Pixels of arc length between lines."""
RIDGE = 0.1
"""Penalty of the bending terms, of coordinates in pixels."""
STRONG = 0.1
"""Share of the strongest enhancement above which a pixel says where the plume is."""
REACH = 1.5
"""Half width of a line in HyperGas, in the largest distance of a strong pixel from the centre line."""
POINTS = 400
"""Of the densely drawn centre line."""


@dataclass(frozen=True)
class Lines:
    """Lines normal to a centre line.

    Parameters
    ----------
    east, north : ndarray, shape (lines,)
        Where they cross the centre line, m.
    across : ndarray, shape (lines, 2)
        Unit vectors (east, north) along the lines.
    half_width : ndarray, shape (lines,)
        m from the centre line to the edge of the plume's mask, or of HyperGas' lines to their end.
    length : float
        Of the centre line, m.
    curve : ndarray, shape (points, 2)
        East and north of the centre line, m.
    """

    east: np.ndarray
    north: np.ndarray
    across: np.ndarray
    half_width: np.ndarray
    length: float
    curve: np.ndarray


def lines_across(
    east: np.ndarray,
    north: np.ndarray,
    enhancement: np.ndarray,
    source: tuple[float, float],
    pixel_size: float,
    *,
    ends: bool = False,
) -> Lines:
    """Draw lines across a plume.

    Parameters
    ----------
    east, north, enhancement : ndarray, shape (n,)
        The pixels of its mask: m, and any unit.
    source : tuple of float
        East and north, m.
    ends : bool
        Lines at both ends of the centre line too, all of one width, as HyperGas draws them.

    Returns
    -------
    Lines
        None where the plume is a single pixel or has no positive enhancement.
    """
    nothing = Lines(np.zeros(0), np.zeros(0), np.zeros((0, 2)), np.zeros(0), 0.0, np.zeros((0, 2)))
    weights = np.clip(np.nan_to_num(enhancement), 0.0, None)
    if east.size < 2 or weights.max(initial=0.0) <= 0:
        return nothing
    weights = weights / weights.max()
    x, y = east - source[0], north - source[1]
    along = _direction(x, y, weights, pixel_size)
    distance, aside = x * along[0] + y * along[1], y * along[0] - x * along[1]
    strong = weights > STRONG
    length = float(distance[strong].max())
    if length <= 0:
        return nothing
    bends = _fit(distance / length, aside / pixel_size, weights)
    fraction = np.linspace(0.0, 1.0, POINTS)
    s, n = length * fraction, pixel_size * _polynomial(bends, fraction)
    slope = pixel_size * _slope(bends, fraction) / length
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(s), np.diff(n)))])
    stations = _stations(float(arc[-1]), SPACING * pixel_size, ends=ends)
    at_s, at_n, at_slope = (np.interp(stations, arc, values) for values in (s, n, slope))
    norm = np.sqrt(1 + at_slope**2)
    # Rotated back: along is the first axis of the frame, its left the second.
    normal = np.stack([-at_slope * along[0] - along[1], -at_slope * along[1] + along[0]], axis=1) / norm[:, None]
    off, nearest = cKDTree(np.stack([s, n], axis=1)).query(np.stack([distance, aside], axis=1))
    if ends:
        widths = np.full(stations.size, REACH * float(off[strong].max()))
    else:
        widths = _mask_widths(stations, arc[nearest], off, SPACING * pixel_size)
    widths = np.maximum(widths, pixel_size)
    return Lines(
        source[0] + at_s * along[0] - at_n * along[1],
        source[1] + at_s * along[1] + at_n * along[0],
        normal,
        widths,
        float(arc[-1]),
        np.array(source) + np.stack([s * along[0] - n * along[1], s * along[1] + n * along[0]], axis=1),
    )


def _direction(x: np.ndarray, y: np.ndarray, weights: np.ndarray, pixel_size: float) -> np.ndarray:
    """Return the unit vector from the source to the weighted centroid, or of the longest axis where they agree."""
    centroid = np.array([np.sum(weights * x), np.sum(weights * y)]) / weights.sum()
    distance = float(np.hypot(*centroid))
    if distance > 0.1 * pixel_size:
        return np.asarray(centroid / distance)
    spread = np.cov(np.stack([x, y]), aweights=weights + 1e-12, bias=True)
    axis = np.linalg.eigh(spread)[1][:, 1]
    return np.asarray(axis if axis @ centroid >= 0 else -axis)


def _fit(fraction: np.ndarray, aside: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the coefficients of a cubic through the source; its bending is penalised (ridge regression)."""
    basis = np.stack([fraction, fraction**2, fraction**3], axis=1)
    normal = (basis * weights[:, None]).T @ basis + np.diag([1e-9, RIDGE, RIDGE])
    return np.linalg.solve(normal, (basis * weights[:, None]).T @ aside)


def _polynomial(bends: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    return fraction * (bends[0] + fraction * (bends[1] + fraction * bends[2]))


def _slope(bends: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    return bends[0] + fraction * (2 * bends[1] + 3 * fraction * bends[2])


def _stations(length: float, spacing: float, *, ends: bool) -> np.ndarray:
    if ends:
        return np.linspace(0.0, length, max(2, int(length / spacing) + 1))
    count = int(length / spacing + 1e-9)
    return spacing * np.arange(1, count + 1) if count else np.array([length / 2])


def _mask_widths(stations: np.ndarray, arc: np.ndarray, off: np.ndarray, spacing: float) -> np.ndarray:
    """Return the largest distance from the centre line of the mask's pixels up to each station.

    A plume widens with distance, while a mask closes where the enhancement falls to its threshold: widths don't fall.
    """
    near = np.abs(arc[None, :] - stations[:, None]) <= spacing / 2
    return np.maximum.accumulate(np.where(near, off[None, :], 0.0).max(axis=1))
