"""Interpolation between the centres of soundings, as OCO3-data-transformer grids them: nearest, linear, cubic.

Values are those of scipy's griddata, at the cells of a mask only and with one triangulation for all variables of a
set of soundings. These methods know nothing of footprints: area weighting is the better choice where sweeps overlap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CloughTocher2DInterpolator
from scipy.sparse import csr_array
from scipy.spatial import Delaunay, QhullError, cKDTree

from levelworks.core.outcome import InvalidInput, InvalidOptions

METHODS = ("nearest", "linear", "cubic")
METRICS = ("plane", "local")
FEWEST_TO_TRIANGULATE = 4
"""Soundings from which OCO3-data-transformer triangulates; with fewer it takes the nearest."""


class Interpolated(NamedTuple):
    """Values of variables at the targets.

    Attributes
    ----------
    values : ndarray, shape (variables, targets), float64
        NaN outside the convex hull (linear, cubic), and where a variable has no sounding.
    methods : tuple of str
        Method that each variable was interpolated with: ``nearest`` where there were too few soundings or they lie
        on a line, ``none`` where there was none.
    """

    values: np.ndarray
    methods: tuple[str, ...]


def metric_points(
    longitude: np.ndarray, latitude: np.ndarray, metric: str = "local", reference_latitude: float = 0.0
) -> np.ndarray:
    """Return points in the plane in which distances are taken.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (n,)
        Degrees, longitude continuous.
    metric : str
        ``plane``: longitude and latitude as they are, as griddata is commonly used. ``local``: longitude times the
        cosine of the reference latitude, so that triangles and neighbours are those on the ground.
    reference_latitude : float
        Degrees; the middle of the target.

    Returns
    -------
    ndarray, shape (n, 2), float64
    """
    if metric not in METRICS:
        raise InvalidOptions(f"metric is {metric!r}; it must be one of {', '.join(METRICS)}")
    factor = np.cos(np.deg2rad(reference_latitude)) if metric == "local" else 1.0
    return np.stack([np.asarray(longitude, np.float64) * factor, np.asarray(latitude, np.float64)], axis=-1)


def interpolate(points: np.ndarray, values: np.ndarray, targets: np.ndarray, method: str) -> Interpolated:
    """Interpolate variables from soundings to targets.

    Parameters
    ----------
    points : ndarray, shape (soundings, 2)
        Centres of the soundings, see `metric_points`; soundings whose centre is not finite are left out.
    values : ndarray, shape (variables, soundings)
        NaN values are left out of their own variable. Variables that miss the same soundings share a triangulation.
    targets : ndarray, shape (targets, 2)
        Centres of the cells of a mask.
    method : str
        ``nearest``, ``linear`` (barycentric on Delaunay triangles) or ``cubic`` (Clough and Tocher 1965).

    Returns
    -------
    Interpolated

    Raises
    ------
    InvalidOptions
        Where the method is unknown.
    InvalidInput
        Where shapes don't fit.
    """
    if method not in METHODS:
        raise InvalidOptions(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    points, targets = np.asarray(points, np.float64), np.asarray(targets, np.float64)
    values = np.atleast_2d(np.asarray(values, np.float64))
    if points.shape != (values.shape[1], 2) or targets.ndim != 2 or targets.shape[1] != 2:
        raise InvalidInput(f"can't interpolate values {values.shape} at points {points.shape} to {targets.shape}")
    present = np.isfinite(values) & np.isfinite(points).all(axis=1)
    result = np.full((values.shape[0], targets.shape[0]), np.nan)
    used = ["none"] * values.shape[0]
    sets, members = np.unique(present, axis=0, return_inverse=True)
    for index, chosen in enumerate(sets):
        variables = np.flatnonzero(members.ravel() == index)
        if not chosen.any():
            continue
        result[variables], name = _interpolate_complete(points[chosen], values[variables][:, chosen], targets, method)
        for variable in variables:
            used[variable] = name
    return Interpolated(result, tuple(used))


def barycentric_weights(triangulation: Delaunay, targets: np.ndarray) -> tuple[csr_array, np.ndarray]:
    """Compute the weights of linear interpolation.

    Parameters
    ----------
    triangulation : Delaunay
        Triangles of the soundings.
    targets : ndarray, shape (targets, 2)
        Points to interpolate to.

    Returns
    -------
    weights : csr_array, shape (targets, soundings)
        Three in a row; rows outside the hull are empty.
    inside : ndarray, shape (targets,), bool
        Targets inside the hull.
    """
    simplices = triangulation.find_simplex(targets)
    inside = simplices >= 0
    chosen = simplices[inside]
    transform = triangulation.transform[chosen]
    first = np.einsum("tij,tj->ti", transform[:, :2], targets[inside] - transform[:, 2])
    shares = np.concatenate([first, 1.0 - first.sum(axis=1, keepdims=True)], axis=1)
    starts = np.concatenate([[0], 3 * np.cumsum(inside)])
    shape = targets.shape[0], triangulation.points.shape[0]
    return csr_array((shares.ravel(), triangulation.simplices[chosen].ravel(), starts), shape=shape), inside


def _interpolate_complete(
    points: np.ndarray, values: np.ndarray, targets: np.ndarray, method: str
) -> tuple[np.ndarray, str]:
    """Interpolate variables that have a value at every point; return them and the method used."""
    triangulation = _triangulate(points) if method != "nearest" else None
    if triangulation is None:
        _, nearest = cKDTree(points).query(targets)
        return values[:, nearest], "nearest"
    if method == "cubic":
        return CloughTocher2DInterpolator(triangulation, values.T)(targets).T, method
    weights, inside = barycentric_weights(triangulation, targets)
    result = (weights @ values.T).T
    result[:, ~inside] = np.nan
    return result, method


def _triangulate(points: np.ndarray) -> Delaunay | None:
    """Return the triangles of points, or None where there are too few or they lie on a line."""
    if points.shape[0] < FEWEST_TO_TRIANGULATE:
        return None
    try:
        return Delaunay(points)
    except QhullError:
        return None
