"""Where a plume starts: the upwind end of its ridge, with a confidence; and the known sites about it.

Source: specs/plumes.md 6.6 (defect D21: HyperGas leaves the source to people's markers).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.sphere import great_circle_km
from levelworks.plumes.detection.plume_pieces import principal_direction
from levelworks.plumes.sites import NamedSite

HALF = 0.5
"""The source lies where the profile along the axis has risen to this part of what it has further on."""

HEAD = 4
"""Pixels along the axis over which the plume's start is looked at."""


@dataclass(frozen=True)
class SourcePoint:
    """The start of a plume: row and column (fractions of pixels), confidence, and the downwind axis in the grid.

    ``confidence`` runs from 0 to 1; ``axis`` is a unit vector (rows, columns), ``elongation`` the ratio of axes.
    """

    row: float
    column: float
    confidence: float
    axis: tuple[float, float]
    elongation: float


def grid_wind(
    east: float, north: float, longitude: np.ndarray, latitude: np.ndarray, row: int, column: int
) -> tuple[float, float] | None:
    """Return the direction to which the wind blows as a unit vector (rows, columns) of the sensor's grid at a pixel.

    Parameters
    ----------
    east, north : float
        Components of the wind (m s-1).
    longitude, latitude : ndarray, shape (rows, columns)
        Degrees; not a number where a pixel has no place.

    Returns
    -------
    tuple of float or None
        None without wind, or where the neighbours of the pixel have no place.
    """
    rows, columns = longitude.shape
    top, bottom = max(row - 2, 0), min(row + 2, rows - 1)
    left, right = max(column - 2, 0), min(column + 2, columns - 1)
    if top == bottom or left == right or np.hypot(east, north) == 0:
        return None
    shrink = np.cos(np.radians(latitude[row, column]))
    along = [
        (
            _turn(longitude[bottom, column] - longitude[top, column]) * shrink,
            latitude[bottom, column] - latitude[top, column],
        ),
        (_turn(longitude[row, right] - longitude[row, left]) * shrink, latitude[row, right] - latitude[row, left]),
    ]
    steps = np.array(along) / np.array([[bottom - top], [right - left]])
    if not np.isfinite(steps).all() or abs(np.linalg.det(steps)) == 0:
        return None
    direction = np.linalg.solve(steps.T, np.array([east, north]))
    unit = direction / np.hypot(*direction)
    return float(unit[0]), float(unit[1])


def _turn(degrees: float) -> float:
    """Return a difference of longitudes in -180..180."""
    return float((degrees + 180) % 360 - 180)


def find_source(
    enhancement: np.ndarray, mask: np.ndarray, wind: tuple[float, float] | None = None, peak_snr: float = 10.0
) -> SourcePoint:
    """Return the upwind end of a plume's ridge.

    The axis is the plume's own where it is elongated, else the wind's. Its sense is the wind's where there is one and
    it is not across; else the plume starts where it is narrow and strong. Along the axis the enhancement summed across
    rises at the source to what the plume carries: the source is where half of that is reached, in the middle of the
    ridge.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    mask : ndarray of bool, shape (rows, columns)
        The plume; at least one pixel.
    wind : tuple of float, optional
        Unit vector (rows, columns) to which the wind blows.
    peak_snr : float
        Signal-to-noise of the plume's peak, for the confidence.
    """
    pixels = np.argwhere(mask)
    values = np.nan_to_num(enhancement[mask].astype(np.float64))
    weights = np.maximum(values, 0)
    if not weights.sum() > 0:
        weights = np.ones(len(pixels))
    angle, elongation = principal_direction(pixels, weights)
    axis = np.array([np.sin(angle), np.cos(angle)])
    elongated = float(np.clip((elongation - 1) / 1.5, 0, 1))
    blown = np.array(wind) if wind is not None else None
    if blown is not None and elongated < 0.3:
        axis = blown
    along = float(axis @ blown) if blown is not None else 0.0
    lead = _narrow_end(pixels, weights, axis)
    if blown is not None and abs(along) > 0.3:
        axis = axis if along > 0 else -axis
        agreed = 1.0 if lead * along > 0 else 0.6
        sense = agreed * abs(along)
    else:
        axis = axis if lead >= 0 else -axis
        sense = 0.8 * min(abs(lead), 1.0)
    row, column = _start(pixels, weights, axis)
    strength = float(np.clip((peak_snr - 3) / 7, 0.1, 1))
    confidence = strength * sense * (0.4 + 0.6 * elongated)
    return SourcePoint(row, column, float(np.clip(confidence, 0, 1)), (float(axis[0]), float(axis[1])), elongation)


def _narrow_end(pixels: np.ndarray, weights: np.ndarray, axis: np.ndarray) -> float:
    """Return how much the plume widens and weakens along an axis: positive downwind, about -1 to 1."""
    position = pixels @ axis
    across = pixels @ np.array([-axis[1], axis[0]])
    middle = (position.min() + position.max()) / 2
    ends = []
    for inside in (position <= middle, position >= middle):
        total = weights[inside].sum()
        if total <= 0:
            ends.append((1.0, 0.0))
            continue
        centre = np.average(across[inside], weights=weights[inside])
        width = np.sqrt(np.average((across[inside] - centre) ** 2, weights=weights[inside]) + 1 / 12)
        strongest = np.sort(weights[inside])[-5:].mean()
        ends.append((float(width), float(strongest)))
    (near_width, near_peak), (far_width, far_peak) = ends
    wider = (far_width - near_width) / (far_width + near_width)
    weaker = (near_peak - far_peak) / max(near_peak + far_peak, 1e-30)
    return float(np.clip(1.5 * weaker + wider, -1, 1))


def _start(pixels: np.ndarray, weights: np.ndarray, axis: np.ndarray) -> tuple[float, float]:
    """Return where the profile along the axis has risen to half of what follows, in the middle of the ridge there."""
    position = pixels @ axis
    across = pixels @ np.array([-axis[1], axis[0]])
    first = int(np.floor(position.min()))
    step = np.floor(position).astype(int) - first
    share = position - first - step
    # Each pixel counts in the two nearest bins: else bins of an oblique axis hold now more, now fewer pixels.
    profile = np.bincount(step, weights * (1 - share), step.max() + 2) + np.bincount(step + 1, weights * share)
    ahead = np.array([profile[k : k + HEAD].mean() for k in range(len(profile))])
    risen = int(np.argmax(ahead >= HALF * np.quantile(ahead, 0.8)))
    level = HALF * profile[risen + 1 : risen + 1 + HEAD].mean() if risen + 1 < len(profile) else 0.0
    reached = risen + int(np.argmax(profile[risen:] >= level))
    before = profile[reached - 1] if reached else 0.0
    rise = (level - before) / max(profile[reached] - before, 1e-30)
    start = first + reached - 1 + float(np.clip(rise, 0, 1))
    near = (step >= reached) & (step < reached + HEAD) & (weights > 0)
    middle = float(np.average(across[near], weights=weights[near] ** 2)) if near.any() else float(across.mean())
    row, column = start * axis + middle * np.array([-axis[1], axis[0]])
    return float(row), float(column)


def ground_distance(
    longitude: np.ndarray | float, latitude: np.ndarray | float, to_longitude: float, to_latitude: float
) -> np.ndarray:
    """Return great-circle distances (m) from points to one point (degrees); not a number where a point has no place."""
    return np.asarray(1000 * great_circle_km(longitude, latitude, to_longitude, to_latitude))


def nearest_site(sites: list[NamedSite], longitude: float, latitude: float) -> tuple[str, float] | None:
    """Return the name of the site nearest to a point and its distance (m); None without sites."""
    if not sites:
        return None
    distances = [float(ground_distance(site.longitude, site.latitude, longitude, latitude)) for site in sites]
    best = int(np.argmin(distances))
    return sites[best].name, distances[best]
