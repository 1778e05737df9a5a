"""A plane of metres about a plume: the affine map between pixels of a scene and east and north.

Methods that need distances and directions work in it, so that neither the heading of the orbit nor oblong pixels show
in an emission rate (specs/plumes.md D8, D15).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.earth import curvature_radii


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a place, affine in rows and columns.

    Parameters
    ----------
    longitude, latitude : float
        Origin, degrees.
    matrix : ndarray, shape (2, 2)
        Metres (east, north) of a step in (row, column).
    offset : ndarray, shape (2,)
        Metres (east, north) of row 0, column 0.
    """

    longitude: float
    latitude: float
    matrix: np.ndarray
    offset: np.ndarray

    @property
    def pixel_size(self) -> float:
        """Return the side (m) of a square of the area of a pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def metres(self, row: np.ndarray | float, column: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of pixels."""
        east, north = (line[0] * np.asarray(row) + line[1] * np.asarray(column) for line in self.matrix)
        return east + self.offset[0], north + self.offset[1]

    def pixels(self, east: np.ndarray | float, north: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return fractional rows and columns of places."""
        inverse = np.linalg.inv(self.matrix)
        x, y = np.asarray(east) - self.offset[0], np.asarray(north) - self.offset[1]
        return inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y

    def project(self, longitude: np.ndarray | float, latitude: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of geographic places."""
        east, north = metres_per_degree(self.latitude)
        turned = (np.asarray(longitude) - self.longitude + 180) % 360 - 180
        return turned * east, (np.asarray(latitude) - self.latitude) * north

    def unproject(self, east: np.ndarray | float, north: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude (degrees) of places in the plane."""
        per_longitude, per_latitude = metres_per_degree(self.latitude)
        longitude = (self.longitude + np.asarray(east) / per_longitude + 180) % 360 - 180
        return longitude, self.latitude + np.asarray(north) / per_latitude


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Return metres of a degree of longitude and of latitude on WGS 84."""
    prime_vertical, meridian = curvature_radii(np.radians(latitude))
    degree = np.pi / 180
    return float(prime_vertical * np.cos(np.radians(latitude)) * degree), float(meridian * degree)


def fit_plane(longitude: np.ndarray, latitude: np.ndarray) -> Plane:
    """Fit the plane of a piece of a scene, (rows, columns) in degrees, by least squares.

    Raises
    ------
    InvalidInput
        Where fewer than three pixels that are not on one line have a place.
    """
    row, column = np.nonzero(np.isfinite(longitude) & np.isfinite(latitude))
    if row.size == 0:
        raise InvalidInput("no pixel about the plume has a longitude and a latitude")
    first = float(longitude[row[0], column[0]])
    turned = (longitude[row, column] - first + 180) % 360 - 180
    origin = (first + float(turned.mean()) + 180) % 360 - 180
    flat = Plane(origin, float(latitude[row, column].mean()), np.eye(2), np.zeros(2))
    east, north = flat.project(longitude[row, column], latitude[row, column])
    design = np.stack([row, column, np.ones(row.size)], axis=1).astype(float)
    solution, _, rank, _ = np.linalg.lstsq(design, np.stack([east, north], axis=1), rcond=None)
    if rank < 3 or abs(np.linalg.det(solution[:2].T)) < 1e-6:
        raise InvalidInput("the pixels about the plume lie on a line: the scene's longitudes or latitudes are wrong")
    return Plane(flat.longitude, flat.latitude, solution[:2].T, solution[2])
