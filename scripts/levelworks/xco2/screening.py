"""Soundings that would spoil a grid: impossible footprints, strays of the pointing mirror, mirrored captures.

The rules on strays and on centres at 0 or -999999 follow the OCO-3 team's own plots (robrnelson/OCO3_Tools); the
mirrored targets are those of OCO3-data-transformer's box tools.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.sphere import great_circle_km, unit_vectors, unwrap_longitude
from levelworks.xco2.captures import Capture, Dropped, Reason
from levelworks.xco2.granule import Granule

MAX_EDGE_KM = 10.0
MIN_EDGE_KM = 1e-3
MIN_COMPACTNESS = 1e-3  # 4 area / perimeter^2: 0.25 for a square, 0.03 for the most sheared footprints seen
LINKAGE_DEG = 1.0
KEPT_CLUSTER = 32
KM_PER_DEGREE = 111.195

EXCLUDED_TARGETS = ("fossil0240",)
MIRRORED_TARGETS = ("val001", "volcano0036")

Flags = NDArray[np.uint8]


class Screen(IntFlag):
    """Why a sounding is unfit; bits of one byte."""

    POSITION = 1  # missing or impossible centre or corner
    SHAPE = 2  # corners that make no simple quadrilateral, or one without area
    EDGE = 4  # an edge that is too long
    ISOLATED = 8  # far from the bulk of its capture
    SWATH_JUMP = 16  # in a swath that is offset against the one beside it; a remark, not a reason to leave it out


UNFIT = Screen.POSITION | Screen.SHAPE | Screen.EDGE | Screen.ISOLATED


def usable(flags: ArrayLike) -> NDArray[np.bool_]:
    """Return which soundings may be gridded: those with no flag but `Screen.SWATH_JUMP`."""
    return (np.asarray(flags) & np.uint8(UNFIT)) == 0


def screen_capture(granule: Granule, capture: Capture, *, max_edge_km: float = MAX_EDGE_KM) -> Flags:
    """Screen the soundings of a capture.

    Parameters
    ----------
    granule : Granule
    capture : Capture
    max_edge_km : float
        Longest edge of a footprint (km).

    Returns
    -------
    ndarray of uint8, shape (len(capture.indices),)
        Bits of `Screen`: positions, shapes and edges, and isolation among those that pass the first three.
    """
    chosen = capture.indices
    lat, lon = granule.latitude[chosen], granule.longitude[chosen]
    corners = granule.vertex_latitude[chosen], granule.vertex_longitude[chosen]
    flags = screen_footprints(lat, lon, *corners, max_edge_km=max_edge_km)
    fit = np.flatnonzero(flags == 0)
    flags[fit[isolated(lon[fit], lat[fit])]] |= np.uint8(Screen.ISOLATED)
    return flags


def screen_footprints(
    latitude: ArrayLike,
    longitude: ArrayLike,
    vertex_latitude: ArrayLike,
    vertex_longitude: ArrayLike,
    *,
    max_edge_km: float = MAX_EDGE_KM,
) -> Flags:
    """Screen footprints one by one.

    Parameters
    ----------
    latitude, longitude : array_like, shape (N,)
        Centres (degrees). A latitude of exactly 0 stands for a missing one.
    vertex_latitude, vertex_longitude : array_like, shape (N, 4)
        Corners in order around the footprint, either way (degrees).
    max_edge_km : float
        Longest edge of a footprint (km).

    Returns
    -------
    ndarray of uint8, shape (N,)
        `Screen.POSITION`, else `Screen.SHAPE` and `Screen.EDGE`, as bits.
    """
    lat, lon = np.asarray(latitude, np.float64), np.asarray(longitude, np.float64)
    lats, lons = np.asarray(vertex_latitude, np.float64), np.asarray(vertex_longitude, np.float64)
    placed = (np.abs(lat) <= 90) & (lat != 0) & (np.abs(lon) <= 360)
    placed &= ((np.abs(lats) <= 90) & (np.abs(lons) <= 360)).all(axis=-1)
    flags = np.where(placed, 0, Screen.POSITION).astype(np.uint8)
    lats, lons = lats[placed], lons[placed]
    edges = great_circle_km(lons, lats, np.roll(lons, -1, axis=-1), np.roll(lats, -1, axis=-1))
    found = np.where(_simple(lons, lats, edges), 0, Screen.SHAPE) | np.where(
        (edges > max_edge_km).any(axis=-1), Screen.EDGE, 0
    )
    flags[placed] |= found.astype(np.uint8)
    return flags


def _simple(lons: NDArray[np.float64], lats: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which quadrilaterals have an inside, on a plane about their first corner (km)."""
    east = unwrap_longitude(lons - lons[:, :1], 0.0) * np.cos(np.radians(lats.mean(axis=-1, keepdims=True)))
    x, y = KM_PER_DEGREE * east, KM_PER_DEGREE * (lats - lats[:, :1])
    crossed = _cross(x, y, 0, 1, 2, 3) | _cross(x, y, 1, 2, 3, 0)
    area = 0.5 * np.abs((x * np.roll(y, -1, axis=-1) - y * np.roll(x, -1, axis=-1)).sum(axis=-1))
    perimeter = edges.sum(axis=-1)
    return ~crossed & (4 * area > MIN_COMPACTNESS * perimeter**2) & (edges >= MIN_EDGE_KM).all(axis=-1)


def _cross(x: NDArray[np.float64], y: NDArray[np.float64], a: int, b: int, c: int, d: int) -> NDArray[np.bool_]:
    """Return where the segments ab and cd cross."""

    def side(p: int, q: int, r: int) -> NDArray[np.float64]:
        return np.sign((x[:, q] - x[:, p]) * (y[:, r] - y[:, p]) - (y[:, q] - y[:, p]) * (x[:, r] - x[:, p]))

    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)


def isolated(
    longitude: ArrayLike, latitude: ArrayLike, *, linkage_deg: float = LINKAGE_DEG, kept_cluster: int = KEPT_CLUSTER
) -> NDArray[np.bool_]:
    """Find the soundings outside the clusters of a capture.

    Clusters are those of single linkage. The largest stays (of equal ones the first), and every one with more than
    ``kept_cluster`` soundings.

    Parameters
    ----------
    longitude, latitude : array_like, shape (N,)
        Finite positions (degrees).
    linkage_deg : float
        Greatest great-circle distance of neighbours in one cluster (degrees).
    kept_cluster : int
        Clusters with more soundings than this stay whatever their place.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    labels = clusters(unit_vectors(longitude, latitude), 2 * np.sin(np.radians(linkage_deg) / 2))
    if labels.size == 0:
        return np.zeros(0, bool)
    sizes = np.bincount(labels)
    kept = sizes > kept_cluster
    kept[np.argmax(sizes)] = True
    return ~kept[labels]


def clusters(points: NDArray[np.float64], reach: float) -> NDArray[np.intp]:
    """Label single-linkage clusters, numbered by their first point.

    Points in one cube whose diagonal is the reach belong together, so that only the cubes' nearest points are compared
    and dense captures cost no more than thin ones.

    Parameters
    ----------
    points : ndarray, shape (N, 3)
        Cartesian coordinates.
    reach : float
        Greatest distance of neighbours, in the same unit.
    """
    if len(points) == 0:
        return np.zeros(0, np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    cubes, cube = np.unique(np.floor(points * (np.sqrt(3) / reach)).astype(np.int64), axis=0, return_inverse=True)
    cube = cube.reshape(-1)
    order = np.argsort(cube, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cube))[:-1])
    trees = [KDTree(points[one]) for one in members]
    pairs = KDTree(cubes.astype(np.float64)).query_pairs(2 * np.sqrt(3) + 1e-9, output_type="ndarray")
    near = [np.min(trees[a].query(points[members[b]])[0]) <= reach for a, b in pairs]
    links = pairs[np.array(near, bool)]
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(cubes), len(cubes)))
    labels = connected_components(graph, directed=False)[1][cube]
    _, first = np.unique(labels, return_index=True)
    return np.argsort(np.argsort(first))[labels]


def screen_captures(
    granule: Granule,
    captures: Sequence[Capture],
    *,
    excluded: Collection[str] = EXCLUDED_TARGETS,
    mirrored: Collection[str] = MIRRORED_TARGETS,
) -> tuple[list[Capture], list[Dropped]]:
    """Leave out captures of excluded targets, and those taken at the mirrored longitude of a target in the west.

    Parameters
    ----------
    granule : Granule
        What the captures were cut from.
    captures : sequence of Capture
    excluded : collection of str
        Targets whose captures all go.
    mirrored : collection of str
        Targets west of Greenwich that were at first entered with a longitude to the east; their captures go where
        the median longitude is above 0.

    Returns
    -------
    kept : list of Capture
    dropped : list of Dropped
    """
    kept, dropped = [], []
    for capture in captures:
        if capture.target_id in excluded:
            dropped.append(Dropped.of(capture, Reason.EXCLUDED_TARGET))
        elif capture.target_id in mirrored and _eastern(granule.longitude[capture.indices]):
            dropped.append(Dropped.of(capture, Reason.MIRRORED))
        else:
            kept.append(capture)
    return kept, dropped


def _eastern(longitude: NDArray[np.float64]) -> bool:
    valid = longitude[np.abs(longitude) <= 180]
    return bool(valid.size) and bool(np.median(valid) > 0)
