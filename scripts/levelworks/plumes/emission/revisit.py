"""Sites that emit again: plumes of many scenes put together by place, how often they are seen, and their mean rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from levelworks.core.sphere import unit_vectors
from levelworks.plumes.earth import EARTH_RADIUS
from levelworks.plumes.sites import NamedSite


@dataclass(frozen=True)
class Sighting:
    """One plume: its id, gas, time (ISO), place (degrees), rate and uncertainty (kg h-1), not a number if unknown."""

    plume_id: str
    scene: str
    gas: str
    time: str
    longitude: float
    latitude: float
    rate: float
    uncertainty: float


@dataclass(frozen=True)
class MeanRate:
    """A mean over times a site was seen: kg h-1, its standard error, the spread of single rates, how many counted."""

    mean: float
    error: float
    spread: float
    count: int


def chord(distance: float) -> float:
    """Return the chord on the unit sphere of a distance on the ground (m)."""
    return float(2 * np.sin(min(distance / EARTH_RADIUS, np.pi) / 2))


def assign(
    longitude: np.ndarray, latitude: np.ndarray, sites: Sequence[NamedSite], radius: float, site_radius: float
) -> np.ndarray:
    """Assign places to sites.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (n,)
        Degrees.
    radius : float
        m; places that a chain of such steps joins are of one site.
    site_radius : float
        m; a place goes to the nearest named site within it, and to no cluster.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of the named site; clusters are numbered after them, in the order of their first place.
    """
    count = len(longitude)
    found = np.full(count, -1)
    if not count:
        return found
    places = unit_vectors(longitude, latitude)
    if sites:
        known = unit_vectors(np.array([s.longitude for s in sites]), np.array([s.latitude for s in sites]))
        distance, nearest = cKDTree(known).query(places)
        found = np.where(distance <= chord(site_radius), nearest, -1)
    free = np.flatnonzero(found < 0)
    if free.size:
        pairs = cKDTree(places[free]).query_pairs(chord(radius), output_type="ndarray")
        links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(free.size, free.size))
        labels = connected_components(links, directed=False)[1]
        _, first = np.unique(labels, return_index=True)
        order = np.empty(first.size, dtype=int)
        order[np.argsort(first)] = np.arange(first.size)
        found[free] = len(sites) + order[labels]
    return found


def mean_rate(rates: np.ndarray, uncertainties: np.ndarray) -> MeanRate:
    """Return the mean of the times a site was seen.

    The standard error holds what single rates are uncertain by and, from two on, how they scatter, whichever is more:
    a site's rate changes, so that rates are not weighted by their uncertainty, which grows with the rate.

    Parameters
    ----------
    rates, uncertainties : ndarray, shape (n,)
        kg h-1; rates that are not a number don't count.
    """
    known = np.isfinite(rates)
    count = int(known.sum())
    if not count:
        return MeanRate(np.nan, np.nan, np.nan, 0)
    values, errors = rates[known], np.nan_to_num(uncertainties[known])
    spread = float(values.std(ddof=1)) if count > 1 else np.nan
    own = float(np.sqrt(np.sum(errors**2))) / count
    scatter = spread / np.sqrt(count) if count > 1 else 0.0
    return MeanRate(float(values.mean()), max(own, float(scatter)), spread, count)


def inside(longitude: float, latitude: float, outline: Sequence[tuple[float, float]]) -> bool:
    """Tell whether a place lies in a scene's outline (longitude, latitude), also across the antimeridian."""
    corners = np.array(outline, dtype=float)
    x = (corners[:, 0] - longitude + 180) % 360 - 180
    y = corners[:, 1] - latitude
    if np.ptp(x) > 180:  # the outline lies about the other side of the Earth
        return False
    after_x, after_y = np.roll(x, -1), np.roll(y, -1)
    crossing = (y > 0) != (after_y > 0)
    rise = np.where(crossing, after_y - y, 1.0)
    east = x - y * (after_x - x) / rise > 0
    return bool(np.sum(crossing & east) % 2)
