"""Ground control points as QGIS's georeferencer saves them, and the transformation that they give.

The file (specs/plumes.md 1.1): ``#CRS:`` and the reference system of the map in the first line, then a table whose
columns mapX, mapY, sourceX, sourceY and enable are used. Sources are pixels of the unreferenced image counted from its
upper left corner; QGIS writes sourceY negative downwards.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from levelworks.core.outcome import InvalidReference

Order = Literal[1, 2, "thin-plate"]
NEEDED: dict[Order, int] = {1: 3, 2: 6, "thin-plate": 4}
"""Points that determine a transformation."""
SMALLEST_SINGULAR_VALUE = 1e-6
"""Of the normalised points over the largest, below which they lie on a line or in few places."""


@dataclass(frozen=True)
class GroundControl:
    """Enabled control points.

    Parameters
    ----------
    crs : str
        Reference system of the map, as WKT or a code.
    x, y : ndarray
        On the map, easting or longitude first.
    column, row : ndarray
        In the image, 0 at the centre of the first pixel.
    source : str
        Name of the file.
    """

    crs: str
    x: np.ndarray
    y: np.ndarray
    column: np.ndarray
    row: np.ndarray
    source: str = ""


@dataclass(frozen=True)
class Transformation:
    """A transformation from image to longitude and latitude, and what the points miss of it.

    Parameters
    ----------
    to_map : callable
        Column and row to easting and northing (m) of ``epsg``.
    epsg : int
        Projection in which it was fitted.
    residuals : ndarray, shape (points, 2)
        Fitted minus given easting and northing (m).
    """

    to_map: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    epsg: int
    residuals: np.ndarray

    @property
    def root_mean_square(self) -> float:
        """Return the root of the mean squared distance of the points from the fit (m)."""
        return float(np.sqrt((self.residuals**2).sum(axis=1).mean()))


def read_points(path: Path) -> GroundControl:
    """Read a .points file.

    Raises
    ------
    InvalidReference
        Where it is none, has no reference system, or no enabled point.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidReference(f"{path} can't be read as text ({error})") from None
    crs = next((line.partition(":")[2].strip() for line in lines if line.upper().startswith("#CRS:")), "")
    try:
        CRS.from_user_input(crs)
    except CRSError:
        raise InvalidReference(
            f"{path}: the first line must be '#CRS:' and the reference system of the map, as QGIS 3.26 and later write"
        ) from None
    table = csv.DictReader(line for line in lines if line.strip() and not line.startswith("#"))
    rows = []
    for number, record in enumerate(table, start=1):
        rows.append(_point(path, number, record))
    chosen = np.array([row[:4] for row in rows if row[4]], np.float64).reshape(-1, 4)
    if not len(chosen):
        raise InvalidReference(f"{path} has no enabled control point")
    x, y, column, row = chosen.T
    # Some versions of QGIS count downwards; an image has no pixels above its first row.
    down = row if (row >= 0).all() else -row
    return GroundControl(crs, x, y, column - 0.5, down - 0.5, path.name)


def _point(path: Path, number: int, record: dict[str, Any]) -> tuple[float, float, float, float, bool]:
    names = ("mapX", "mapY", "sourceX", "sourceY")
    old = {"sourceX": "pixelX", "sourceY": "pixelY"}
    try:
        values = [float(record[name] if name in record else record[old[name]]) for name in names]
        enabled = float(record.get("enable") or 1) != 0
    except (KeyError, TypeError, ValueError):
        raise InvalidReference(
            f"{path}: point {number} has no numbers in the columns {', '.join(names)} and enable"
        ) from None
    if not np.isfinite(values).all():
        raise InvalidReference(f"{path}: point {number} is not finite")
    return values[0], values[1], values[2], values[3], enabled


def fit_points(points: GroundControl, order: Order = 1) -> Transformation:
    """Fit the transformation from the image to the map, in the UTM zone of the points.

    Parameters
    ----------
    order : {1, 2, "thin-plate"}
        Degree of the polynomial (least squares), or a thin-plate spline through all points.

    Raises
    ------
    InvalidReference
        Where points are too few, or lie on a line or at few places, in the image or on the map.
    """
    from pyproj import Transformer

    from levelworks.plumes.mapping.utm import epsg_of, project, scene_centre

    needed = NEEDED[order]
    if len(points.x) < needed:
        raise InvalidReference(
            f"{points.source} has {len(points.x)} enabled points; order {order} needs {needed}, and more show errors"
        )
    to_degrees = Transformer.from_crs(points.crs, 4326, always_xy=True)
    longitude, latitude = (np.asarray(one, np.float64) for one in to_degrees.transform(points.x, points.y))
    if not (np.isfinite(longitude) & (np.abs(latitude) <= 90)).all():
        raise InvalidReference(f"{points.source}: points lie outside their reference system; is its #CRS line right?")
    epsg = epsg_of(*scene_centre(longitude, latitude))
    ground = np.stack(project(epsg, longitude, latitude), axis=-1)
    image = np.stack([points.column, points.row], axis=-1)
    middle, scale = image.mean(axis=0), max(float(np.ptp(image, axis=0).max()), 1.0)
    offset = ground.mean(axis=0)
    degree = 1 if order == "thin-plate" else order
    for what, given in (("in the image", image), ("on the map", ground)):
        _refuse_degenerate(given, degree, f"{points.source}: points {what}")
    normalised = (image - middle) / scale
    if order == "thin-plate":
        from scipy.interpolate import RBFInterpolator

        spline = RBFInterpolator(normalised, ground - offset, kernel="thin_plate_spline", degree=1)

        def evaluate(places: np.ndarray) -> np.ndarray:
            return np.asarray(spline(places))
    else:
        coefficients = np.linalg.lstsq(_powers(normalised, degree), ground - offset, rcond=None)[0]

        def evaluate(places: np.ndarray) -> np.ndarray:
            return np.asarray(_powers(places, degree) @ coefficients)

    def to_map(column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        column, row = np.broadcast_arrays(column, row)
        places = (np.stack([column.ravel(), row.ravel()], axis=-1) - middle) / scale
        fitted = evaluate(places) + offset
        return fitted[:, 0].reshape(column.shape), fitted[:, 1].reshape(column.shape)

    residuals = np.stack(to_map(points.column, points.row), axis=-1) - ground
    return Transformation(to_map, epsg, residuals)


def positions_of_pixels(transformation: Transformation, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude (degrees) of the centres of all pixels, each (rows, columns)."""
    from pyproj import Transformer

    column, row = np.meshgrid(np.arange(columns, dtype=np.float64), np.arange(rows, dtype=np.float64))
    inverse = Transformer.from_crs(transformation.epsg, 4326, always_xy=True)
    longitude, latitude = inverse.transform(*transformation.to_map(column, row))
    return longitude, latitude


def _powers(places: np.ndarray, degree: int) -> np.ndarray:
    x, y = places.T
    terms = [np.ones_like(x), x, y]
    if degree == 2:
        terms += [x * x, x * y, y * y]
    return np.stack(terms, axis=-1)


def _refuse_degenerate(places: np.ndarray, degree: int, what: str) -> None:
    centred = places - places.mean(axis=0)
    size = float(np.abs(centred).max())
    values = np.linalg.svd(_powers(centred / size, degree), compute_uv=False) if size > 0 else np.array([1.0, 0.0])
    if values[-1] < SMALLEST_SINGULAR_VALUE * values[0]:
        raise InvalidReference(f"{what} lie on a line or curve, or on too few places; spread them over the scene")
