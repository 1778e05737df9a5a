"""The area of pixels on the ground, from the positions of their centres."""

from __future__ import annotations

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.earth import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS

STRAIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def geocentric(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return points of WGS 84's ellipsoid (degrees) as Earth-centred coordinates (m), shape (..., 3).

    Neither the antimeridian nor a pole is a special place there.
    """
    east, north = np.radians(np.asarray(longitude, np.float64)), np.radians(np.asarray(latitude, np.float64))
    sine, cosine = np.sin(north), np.cos(north)
    radius = SEMI_MAJOR_AXIS / np.sqrt(1 - ECCENTRICITY_SQUARED * sine**2)
    points = np.empty((*np.broadcast_shapes(east.shape, north.shape), 3))
    points[..., 0] = radius * cosine * np.cos(east)
    points[..., 1] = radius * cosine * np.sin(east)
    points[..., 2] = radius * (1 - ECCENTRICITY_SQUARED) * sine
    return points


def corner_lattice(centres: np.ndarray) -> np.ndarray:
    """Return the corners that neighbouring pixels share: means of the four centres around each.

    Outside the scene, and where a centre is missing, the line of two neighbours is carried on. An affine scene
    gets its exact corners.

    Parameters
    ----------
    centres : ndarray, shape (rows, columns, axes)
        Coordinates in which neighbours are near each other; not a number where a pixel has no place.

    Returns
    -------
    ndarray, shape (rows + 1, columns + 1, axes)
        Not a number where too few neighbours have a place.

    Raises
    ------
    InvalidInput
        Where the scene is not two pixels wide and high.
    """
    rows, columns, axes = centres.shape
    if rows < 2 or columns < 2:
        raise InvalidInput(f"a scene of {rows} rows and {columns} columns has no pixel corners: it needs two of each")
    padded = np.full((rows + 4, columns + 4, axes), np.nan)
    padded[2:-2, 2:-2] = centres
    _carry_on(padded)
    around = padded[1:-1, 1:-1]
    falling = around[:-1, :-1] + around[1:, 1:]
    rising = around[:-1, 1:] + around[1:, :-1]
    # Each diagonal's middle is the corner of a parallelogram: one will do where a centre of the other is missing.
    corners = 0.25 * (falling + rising)
    for pair in (falling, rising):
        alone = np.isnan(corners) & ~np.isnan(pair)
        corners[alone] = 0.5 * pair[alone]
    return corners


def quadrilateral_area(corners: np.ndarray) -> np.ndarray:
    """Return the area of each cell of a lattice of corners, in the square of its unit.

    Half the cross product of the diagonals, which is exact in a plane; the lattice has the shape
    (rows + 1, columns + 1, 2 or 3).
    """
    falling = corners[1:, 1:] - corners[:-1, :-1]
    rising = corners[:-1, 1:] - corners[1:, :-1]
    if corners.shape[-1] == 2:
        return 0.5 * np.abs(falling[..., 0] * rising[..., 1] - falling[..., 1] * rising[..., 0])
    return 0.5 * np.linalg.norm(np.cross(falling, rising), axis=-1)


def pixel_area(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Compute the area that each pixel stands for on WGS 84's ellipsoid.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (rows, columns)
        Of pixel centres, degrees; not a number where a pixel has no place.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In m2. Pixels tile the scene: the areas add up to its own. Not a number where a pixel or too many of its
        neighbours have no place.
    """
    area = quadrilateral_area(corner_lattice(geocentric(longitude, latitude)))
    area[~(np.isfinite(longitude) & np.isfinite(latitude))] = np.nan
    return area.astype(np.float32)


def pixel_size(area: np.ndarray) -> float:
    """Return the side of a square (m) as large as the median pixel; not a number where no pixel has an area."""
    known = area[np.isfinite(area)]
    return float(np.sqrt(np.median(known))) if known.size else float("nan")


def _carry_on(padded: np.ndarray) -> None:
    """Fill missing centres beside known ones in place, by the lines of two that lead there."""
    missing = np.isnan(padded).any(axis=-1)
    padded[missing] = np.nan
    missing[:1] = missing[-1:] = False
    missing[:, :1] = missing[:, -1:] = False
    row, column = np.nonzero(missing)
    known = padded.copy() if row.size > 0 else padded
    total, count = np.zeros((row.size, padded.shape[-1])), np.zeros(row.size)
    for steps in (STRAIGHT, DIAGONAL):
        open_ = count == 0
        for down, right in steps:
            near = known[row + down, column + right]
            far_row = np.clip(row + 2 * down, 0, padded.shape[0] - 1)
            far_column = np.clip(column + 2 * right, 0, padded.shape[1] - 1)
            led = 2 * near - known[far_row, far_column]
            usable = open_ & ~np.isnan(led).any(axis=-1)
            # Clipped at the outermost ring, which has no place: such a line is never usable.
            total[usable] += led[usable]
            count[usable] += 1
    filled = count > 0
    padded[row[filled], column[filled]] = total[filled] / count[filled, np.newaxis]
