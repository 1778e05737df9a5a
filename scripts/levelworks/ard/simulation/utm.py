"""Zones of UTM, and the squares of the Military Grid that tiles of Sentinel-2 are named by.

Source: NGA.STND.0037 (Universal Grids); Sentinel-2 Products Specification Document (tiles of 109.8 km).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from levelworks.ard.scene import ImageGrid

BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
ROWS = "ABCDEFGHJKLMNPQRSTUV"
SQUARE = 100_000
CORNER_STEP = 60
"""Metres; corners of tiles stand on multiples of it, westward and northward of those of their squares."""


def zone_of(longitude: float) -> int:
    """Return the UTM zone, 1 to 60, without the exceptions of Norway and Svalbard."""
    return int(np.floor((longitude + 180) / 6)) % 60 + 1


@dataclass(frozen=True)
class Zone:
    """A zone of UTM.

    Parameters
    ----------
    number : int
    false_northing : bool
        Whether northings count from 10,000 km at the equator (Sentinel-2 in the south; Landsat never).
    """

    number: int
    false_northing: bool

    @property
    def crs(self) -> str:
        """Return the EPSG code."""
        return f"EPSG:{(32700 if self.false_northing else 32600) + self.number}"

    @cached_property
    def _projection(self) -> Any:
        from pyproj import Proj

        return Proj(proj="utm", zone=self.number, south=self.false_northing, ellps="WGS84")

    def project(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return easting and northing."""
        x, y = self._projection(longitude, latitude)
        return float(x), float(y)

    def geographic(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude (-180 to 180) and latitude, degrees."""
        longitude, latitude = self._projection(x, y, inverse=True)
        return np.asarray(longitude), np.asarray(latitude)

    def convergence(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return degrees from true north to the grid's north, clockwise."""
        factors = self._projection.get_factors(longitude, latitude)
        return np.asarray(factors.meridian_convergence)


def tile_name(zone: Zone, x: float, y: float) -> str:
    """Return the tile of the square that a place lies in, such as ``33UUP``."""
    latitude = float(zone.geographic(np.array(x), np.array(y))[1])
    band = BANDS[min(max(int((latitude + 80) // 8), 0), len(BANDS) - 1)]
    column = COLUMNS[(zone.number - 1) % 3][int(x // SQUARE) - 1]
    row = (int(y // SQUARE) + (0 if zone.number % 2 else 5)) % len(ROWS)
    return f"{zone.number:02d}{band}{column}{ROWS[row]}"


def tile_corner(zone: Zone, x: float, y: float) -> tuple[float, float]:
    """Return the upper-left corner of the tile of the square that a place lies in."""
    equator = 10_000_000 if zone.false_northing else 0
    west, north = x // SQUARE * SQUARE, (y // SQUARE + 1) * SQUARE - equator
    return west // CORNER_STEP * CORNER_STEP, -(-north // CORNER_STEP) * CORNER_STEP + equator


def corners(grid: ImageGrid, inset: float = 0.0) -> dict[str, tuple[float, float]]:
    """Return eastings and northings of the corners UL, UR, LL and LR, moved inward by some metres."""
    west, south, east, north = grid.bounds
    west, south, east, north = west + inset, south + inset, east - inset, north - inset
    return {"UL": (west, north), "UR": (east, north), "LL": (west, south), "LR": (east, south)}
