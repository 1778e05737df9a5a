"""The coarse image of a scene's dark targets: counts and mean reflectance in the cells of its field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.ard.aerosol.coarse_kernels import (
    CLEAR,
    CLEAR_BIT,
    DARK_VEGETATION,
    KINDS,
    LAND_BIT,
    SCALE,
    VEGETATION,
    WATER,
    WATER_BIT,
    add_pixels,
)

__all__ = [
    "CLEAR",
    "CLEAR_BIT",
    "DARK_VEGETATION",
    "LAND_BIT",
    "VEGETATION",
    "WATER",
    "WATER_BIT",
    "CoarseScene",
    "accumulate",
    "aerosol_bands",
]

USED = ("ULTRABLUE", "BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2")
FLAT, FLATTER, HIGH = 5.0, 1.0, 1000.0
"""Slope of water below and above this elevation: degrees, degrees, metres (spec 13.2)."""


def aerosol_bands(names: Sequence[str]) -> tuple[str, ...]:
    """Return the bands of a sensor that the retrieval reads, in the order in which blocks have them."""
    return tuple(name for name in USED if name in names)


@dataclass(frozen=True)
class CoarseScene:
    """Sums over the cells of a field.

    Parameters
    ----------
    bands : tuple of str
    step : int
        Pixels along a side of a cell.
    counts : ndarray, shape (KINDS, rows, columns), int32
        Pixels of dark vegetation, other vegetation, water, and all clear pixels.
    sums : ndarray, shape (KINDS, bands, rows, columns), int32
        Reflectance at the top of the atmosphere, in millionths.
    water_slope : ndarray, shape (rows, columns), float32
        Largest slope that water has, degrees.
    """

    bands: tuple[str, ...]
    step: int
    counts: np.ndarray
    sums: np.ndarray
    water_slope: np.ndarray

    @classmethod
    def empty(
        cls, bands: Sequence[str], shape: tuple[int, int], step: int, elevation: np.ndarray | None = None
    ) -> CoarseScene:
        """Return a scene without pixels.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the field.
        elevation : ndarray, optional
            Of the field's cells, metres; sea level where None.
        """
        limit = np.full(shape, FLAT, np.float32)
        if elevation is not None:
            limit[np.asarray(elevation) > HIGH] = FLATTER
        return cls(
            tuple(bands),
            step,
            np.zeros((KINDS, *shape), np.int32),
            np.zeros((KINDS, len(bands), *shape), np.int32),
            limit,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the field."""
        return self.counts.shape[1], self.counts.shape[2]

    def merge(self, other: CoarseScene) -> None:
        """Add the pixels that another rank, or another pass over other rows, has counted."""
        if self.bands != other.bands or self.shape != other.shape or self.step != other.step:
            raise ValueError("coarse scenes of different bands or grids can't be merged")
        np.add(self.counts, other.counts, out=self.counts)
        np.add(self.sums, other.sums, out=self.sums)

    def mean(self, kind: int) -> np.ndarray:
        """Return the mean reflectance at the top of the atmosphere, (bands, rows, columns); NaN without pixels."""
        count = self.counts[kind]
        mean = np.full(self.sums.shape[1:], np.nan)
        np.divide(self.sums[kind], SCALE * count, out=mean, where=count > 0)
        return mean


def accumulate(
    scene: CoarseScene, start: int, toa: np.ndarray, mask: np.ndarray, slope: np.ndarray | None = None
) -> None:
    """Add a block of rows of an image to its coarse scene; blocks may be cut anywhere.

    Parameters
    ----------
    start : int
        Row of the image that is the block's first.
    toa : ndarray, shape (bands, rows, columns), float32
        Reflectance at the top of the atmosphere of the scene's bands.
    mask : ndarray, shape (rows, columns), uint8
        CLEAR_BIT where the pixel counts; WATER_BIT and LAND_BIT where it is known what it is.
    slope : ndarray, shape (rows, columns), float32, optional
        Degrees.
    """
    places = np.array([scene.bands.index(name) for name in ("BLUE", "GREEN", "RED", "NIR", "SWIR2")], np.int64)
    add_pixels(
        np.ascontiguousarray(toa, np.float32),
        np.ascontiguousarray(mask, np.uint8),
        np.empty((0, 0), np.float32) if slope is None else np.ascontiguousarray(slope, np.float32),
        scene.water_slope,
        places,
        start,
        scene.step,
        scene.counts,
        scene.sums,
    )
