"""One plume and its surroundings, cut out of a scene in sensor geometry: what all methods measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from levelworks.plumes.emission.quantify_plane import Plane, fit_plane

WATER = 4
"""Flag of the quality layer."""


@dataclass(frozen=True)
class Crop:
    """A plume's piece of a scene; every array (rows, columns).

    Parameters
    ----------
    gas, sensor : str
    number : int
        Of the plume; its pixels in ``labels``.
    source : tuple of float
        Longitude and latitude, degrees.
    first : tuple of int
        Row and column of the scene that the piece begins at.
    enhancement, noise : ndarray
        mol m-2; noise is 1 sigma of the retrieval, not a number where unknown.
    labels : ndarray of int
        Plumes of this gas: 0 none.
    usable : ndarray of bool
        Pixels that may be background.
    area, longitude, latitude, elevation : ndarray
        m2, degrees, m.
    plane : Plane
        Of this piece.
    """

    gas: str
    sensor: str
    number: int
    source: tuple[float, float]
    first: tuple[int, int]
    enhancement: np.ndarray
    noise: np.ndarray
    labels: np.ndarray
    usable: np.ndarray
    area: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    elevation: np.ndarray
    plane: Plane
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def mask(self) -> np.ndarray:
        """Return the plume's pixels."""
        return np.asarray(self.labels == self.number)

    @property
    def valid(self) -> np.ndarray:
        """Return the pixels with an enhancement that are of no other plume."""
        return np.asarray(np.isfinite(self.enhancement) & ((self.labels == 0) | (self.labels == self.number)))

    @property
    def source_metres(self) -> tuple[float, float]:
        """Return east and north of the source in the plane."""
        east, north = self.plane.project(*self.source)
        return float(east), float(north)

    def from_source(self) -> tuple[np.ndarray, np.ndarray]:
        """Return metres east and north of the source of every pixel."""
        rows, columns = np.mgrid[: self.labels.shape[0], : self.labels.shape[1]]
        east, north = self.plane.metres(rows, columns)
        origin = self.source_metres
        return east - origin[0], north - origin[1]

    def rows_and_columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns, in the scene, of the plume's pixels."""
        rows, columns = np.nonzero(self.mask)
        return rows + self.first[0], columns + self.first[1]

    @property
    def touches_edge(self) -> bool:
        """Tell whether the plume reaches the edge of the scene or pixels without an enhancement beside it."""
        from scipy.ndimage import binary_dilation

        mask = self.mask
        around = binary_dilation(np.pad(mask, 1), np.ones((3, 3)))
        inner = around[1:-1, 1:-1]
        outside = int(around.sum()) > int(inner.sum())
        return outside or bool((inner & ~np.isfinite(self.enhancement)).any())


def cut(
    layers: dict[str, np.ndarray],
    labels: np.ndarray,
    number: int,
    source: tuple[float, float] | None,
    *,
    gas: str,
    sensor: str,
    margin: float,
    attributes: dict[str, Any] | None = None,
) -> Crop:
    """Cut a plume out of a scene.

    Parameters
    ----------
    layers : dict of str to ndarray
        enhancement, noise, usable, pixel_area, longitude, latitude, elevation of the scene.
    labels : ndarray, shape (rows, columns)
        Plumes of the gas.
    source : tuple of float, optional
        Longitude and latitude; the strongest pixel where there is none.
    margin : float
        m to keep on each side.

    Raises
    ------
    InvalidInput
        Where the plume's pixels have no place.
    """
    rows, columns = np.nonzero(labels == number)
    area = layers["pixel_area"][rows, columns]
    side = float(np.sqrt(np.median(area[np.isfinite(area)]))) if np.isfinite(area).any() else 30.0
    pixels = int(np.ceil(margin / side))
    top, bottom = max(int(rows.min()) - pixels, 0), min(int(rows.max()) + pixels + 1, labels.shape[0])
    left, right = max(int(columns.min()) - pixels, 0), min(int(columns.max()) + pixels + 1, labels.shape[1])
    here = np.s_[top:bottom, left:right]
    piece = {name: values[here] for name, values in layers.items()}
    if source is None or not np.isfinite(source).all():
        strength = np.where(
            np.isfinite(layers["enhancement"][rows, columns]), layers["enhancement"][rows, columns], -np.inf
        )
        strongest = int(np.argmax(strength))
        place = rows[strongest], columns[strongest]
        source = float(layers["longitude"][place]), float(layers["latitude"][place])
    return Crop(
        gas,
        sensor,
        number,
        source,
        (top, left),
        piece["enhancement"],
        piece["noise"],
        labels[here],
        piece["usable"],
        piece["pixel_area"],
        piece["longitude"],
        piece["latitude"],
        piece["elevation"],
        fit_plane(piece["longitude"], piece["latitude"]),
        attributes or {},
    )
