"""Making and checking targets from captures: boxes, distances from the centre, and counts inside and outside.

What the box tools of OCO3-data-transformer do, as functions of captures and targets; distances are great circles.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import EARTH_RADIUS_KM, great_circle_km, unwrap_longitude
from levelworks.core.sphere import wrap_longitude as wrap
from levelworks.xco2.captures import Capture
from levelworks.xco2.geography import Box, bounding_box
from levelworks.xco2.granule import Granule
from levelworks.xco2.target_ids import rows_of_centres
from levelworks.xco2.targets import Target, parse_point

PERCENTILES = (90, 95, 99)


class Centre(NamedTuple):
    """A site before it has a box; ``position`` is longitude and latitude (degrees)."""

    id: str
    name: str
    position: tuple[float, float]


class Distances(NamedTuple):
    """Distances of soundings from a target's centre, in km and in degrees, shape (N,)."""

    km: NDArray[np.float64]
    degrees: NDArray[np.float64]


class BoxCounts(NamedTuple):
    """Numbers of footprints wholly inside a box, across its edge, and wholly outside."""

    inside: int
    on: int
    outside: int


def capture_box(granule: Granule, capture: Capture, used: NDArray[np.bool_] | None = None) -> Box | None:
    """Return the bounding box of a capture's footprints, from their corners; None without any.

    Parameters
    ----------
    granule : Granule
    capture : Capture
    used : ndarray of bool, optional
        Which of the capture's soundings count, as `screening.usable` gives it; those with a position by default.
    """
    chosen = capture.indices[granule.located[capture.indices] if used is None else used]
    if chosen.size == 0:
        return None
    return bounding_box(granule.vertex_longitude[chosen].ravel(), granule.vertex_latitude[chosen].ravel())


def union_boxes(boxes: Iterable[tuple[str, Box]]) -> dict[str, Box]:
    """Return for each target the union of its captures' boxes, sorted by id.

    Parameters
    ----------
    boxes : iterable of (target id, Box)
        One for each capture.
    """
    by_target: dict[str, list[Box]] = {}
    for name, box in boxes:
        by_target.setdefault(name, []).append(box)
    return {name: reduce(Box.union, found) for name, found in sorted(by_target.items())}


def distances_from_centre(
    longitude: ArrayLike, latitude: ArrayLike, centre: tuple[float, float], method: Literal["latlon", "abs"] = "latlon"
) -> Distances:
    """Measure how far soundings lie from a centre.

    Parameters
    ----------
    longitude, latitude : array_like, shape (N,)
        Degrees.
    centre : tuple of float
        Longitude and latitude (degrees).
    method : {"latlon", "abs"}
        ``latlon`` is the greater of the distances along the meridian and along the parallel, half the side of the
        square that just holds the sounding; ``abs`` the distance itself.
    """
    lat = np.asarray(latitude, np.float64)
    lon = unwrap_longitude(longitude, centre[0])
    east, north = np.abs(lon - centre[0]), np.abs(lat - centre[1])
    if method == "abs":
        return Distances(great_circle_km(lon, lat, *centre), np.hypot(east, north))
    along_meridian = great_circle_km(lon, lat, lon, centre[1])
    along_parallel = great_circle_km(lon, lat, centre[0], lat)
    return Distances(np.maximum(along_meridian, along_parallel), np.maximum(east, north))


def summarise(values: ArrayLike) -> dict[str, float]:
    """Return number, min, max, mean, standard deviation and the 90th, 95th and 99th percentile of finite values."""
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    if found.size == 0:
        return {"n": 0}
    figures = {"n": found.size, "min": found.min(), "max": found.max(), "mean": found.mean(), "std": found.std()}
    figures |= {f"p{rank}": value for rank, value in zip(PERCENTILES, np.percentile(found, PERCENTILES), strict=True)}
    return {name: int(value) if name == "n" else float(value) for name, value in figures.items()}


def read_centres(path: Path) -> list[Centre]:
    """Read sites from a CSV of the OCO-3 (``Site Center WKT``) or OCO-2 project (``Center_WKT``).

    Raises
    ------
    InvalidOptions
        Where the file can't be read, lacks the columns, or a centre is no point.
    """
    return [
        Centre(name, title, parse_point(point, f"{path} line {line}: {column}"))
        for name, title, point, column, line in rows_of_centres(path)
    ]


def targets_from_centres(centres: Iterable[Centre], offset: float, unit: Literal["deg", "km"] = "deg") -> list[Target]:
    """Make targets whose boxes reach an offset to the north, east, south and west of their centres.

    Parameters
    ----------
    centres : iterable of Centre
    offset : float
        Above 0, in ``unit``. Boxes end at the poles; one that reaches round a pole spans all longitudes.

    Raises
    ------
    InvalidOptions
        Where the offset is not above 0.
    """
    if not offset > 0:
        raise InvalidOptions(f"offset must be a number of {unit} above 0, not {offset!r}")
    return [Target(one.id, one.name, *_box_about(*one.position, offset, unit), centre=one.position) for one in centres]


def _box_about(lon: float, lat: float, offset: float, unit: Literal["deg", "km"]) -> Box:
    north = east = offset
    if unit == "km":
        angle = offset / EARTH_RADIUS_KM
        north = math.degrees(angle)
        east = math.degrees(math.atan2(math.sin(angle), math.cos(angle) * math.cos(math.radians(lat))))
    if east >= 180 or (unit == "km" and abs(lat) + north >= 90):
        return Box(-180.0, max(lat - north, -90.0), 180.0, min(lat + north, 90.0))
    return Box(wrap(lon - east), max(lat - north, -90.0), wrap(lon + east, east=True), min(lat + north, 90.0))


def count_in_box(vertex_longitude: ArrayLike, vertex_latitude: ArrayLike, box: Box) -> BoxCounts:
    """Count footprints inside, on and outside a box.

    Parameters
    ----------
    vertex_longitude, vertex_latitude : array_like, shape (N, 4)
        Corners of convex footprints, in order (degrees, finite).
    box : Box
    """
    bounds = box.unwrapped
    x = unwrap_longitude(vertex_longitude, bounds.min_lon + bounds.width / 2).reshape(-1, 4)
    y = np.asarray(vertex_latitude, np.float64).reshape(-1, 4)
    inside = box.contains(x, y).all(axis=-1)
    outside = _apart(x, y, bounds) & ~inside
    return BoxCounts(int(inside.sum()), int((~inside & ~outside).sum()), int(outside.sum()))


def _apart(x: NDArray[np.float64], y: NDArray[np.float64], bounds: Box) -> NDArray[np.bool_]:
    """Return which convex quadrilaterals have no point in common with a box: one of the edges parts them."""
    apart = (x.max(axis=-1) < bounds.min_lon) | (x.min(axis=-1) > bounds.max_lon)
    apart |= (y.max(axis=-1) < bounds.min_lat) | (y.min(axis=-1) > bounds.max_lat)
    corner_x = np.array([bounds.min_lon, bounds.max_lon, bounds.max_lon, bounds.min_lon])
    corner_y = np.array([bounds.min_lat, bounds.min_lat, bounds.max_lat, bounds.max_lat])
    for edge in range(4):
        normal_x = (y[:, (edge + 1) % 4] - y[:, edge])[:, None]
        normal_y = (x[:, edge] - x[:, (edge + 1) % 4])[:, None]
        footprint = normal_x * x + normal_y * y
        corners = normal_x * corner_x + normal_y * corner_y
        apart |= (footprint.max(axis=-1) < corners.min(axis=-1)) | (footprint.min(axis=-1) > corners.max(axis=-1))
    return apart


def count_capture(granule: Granule, capture: Capture, targets: Mapping[str, Target]) -> dict[str, BoxCounts]:
    """Count a capture's footprints against its target's box.

    Returns
    -------
    dict
        Under ``all`` every sounding with a position, under ``good`` those of good quality.
    """
    chosen = capture.indices[granule.located[capture.indices]]
    box = targets[capture.target_id].box
    counts = {}
    for name, indices in (("all", chosen), ("good", chosen[granule.good[chosen]])):
        counts[name] = count_in_box(granule.vertex_longitude[indices], granule.vertex_latitude[indices], box)
    return counts
