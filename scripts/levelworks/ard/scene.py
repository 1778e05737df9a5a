"""What every stage of an image shares: its grid, its field of coarse cells, its metadata, its angles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from levelworks.ard.readers.quality import Quality
from levelworks.ard.sensors import Sensor


@dataclass(frozen=True)
class ImageGrid:
    """A north-up grid of square pixels.

    Parameters
    ----------
    crs : str
        As WKT or ``EPSG:code``.
    west, north : float
        Outer corner of the upper-left pixel, in units of the projection.
    resolution : float
        Size of a pixel, in units of the projection.
    rows, columns : int
    """

    crs: str
    west: float
    north: float
    resolution: float
    rows: int
    columns: int

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Return the affine coefficients as rasterio has them: a, b, c, d, e, f."""
        return (self.resolution, 0.0, self.west, 0.0, -self.resolution, self.north)

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.rows, self.columns

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north."""
        return (
            self.west,
            self.north - self.rows * self.resolution,
            self.west + self.columns * self.resolution,
            self.north,
        )

    def coarser(self, factor: int) -> ImageGrid:
        """Return the grid of cells of `factor` by `factor` pixels; the last cells may reach over the edge."""
        return ImageGrid(
            self.crs,
            self.west,
            self.north,
            self.resolution * factor,
            math.ceil(self.rows / factor),
            math.ceil(self.columns / factor),
        )


FIELD_SPACING = 300.0
"""Metres between the cells of an image's field: on it live angles, elevation, gases, aerosol and background."""


def field_step(grid: ImageGrid) -> int:
    """Return the pixels along a side of a cell of the field: 10 of Landsat, 30 of Sentinel-2."""
    return max(1, round(FIELD_SPACING / grid.resolution))


@dataclass(frozen=True)
class Angles:
    """Sun and view at the centres of the field's cells, degrees; azimuths clockwise from north.

    Every array has the shape of the field. `view_zenith` and `view_azimuth` are means over the bands. NaN where the
    sensor did not look.
    """

    sun_zenith: np.ndarray
    sun_azimuth: np.ndarray
    view_zenith: np.ndarray
    view_azimuth: np.ndarray

    @property
    def relative_azimuth(self) -> np.ndarray:
        """Return the angle between the azimuths of view and sun, degrees, 0 to 180."""
        return np.abs((self.view_azimuth - self.sun_azimuth + 180.0) % 360.0 - 180.0)


@dataclass(frozen=True)
class Calibration:
    """How counts become what they stand for.

    ``multiplier * count + offset`` is the reflectance times the cosine of the sun's zenith (Landsat,
    ``over_cosine``), the reflectance itself (Sentinel-2), or radiance in W m-2 sr-1 um-1 where `k1` is set: then the
    temperature is ``k2 / ln(k1 / radiance + 1)`` kelvin.
    """

    multiplier: float
    offset: float
    over_cosine: bool = False
    k1: float | None = None
    k2: float | None = None


@dataclass(frozen=True)
class ImageMetadata:
    """What is known of an image before its pixels are read.

    Parameters
    ----------
    id : str
        The agency's identifier.
    time : datetime
        Acquisition at the centre, UTC.
    grid : ImageGrid
        Of the Level-2 product: 30 m of Landsat, 10 m of Sentinel-2.
    reference : str
        ``193024`` (path and row) or ``T33UUP``.
    tier : int
        1 or 2; 3 for real time.
    calibration : dict
        By the name of the band.
    files : dict
        Path of each band, by its name.
    earth_sun_distance : float
        Astronomical units.
    """

    id: str
    sensor: Sensor
    time: datetime
    grid: ImageGrid
    reference: str
    tier: int
    calibration: dict[str, Calibration]
    files: dict[str, Path]
    earth_sun_distance: float
    extras: dict[str, str] = field(default_factory=dict)


class Image(Protocol):
    """An opened Level-1 image."""

    metadata: ImageMetadata

    def grid_of(self, band: str) -> ImageGrid:
        """Return the grid of a band's own pixels."""

    def read(self, band: str, start: int, stop: int) -> np.ndarray:
        """Return counts of the rows start to stop of a band's own grid, shape (stop - start, columns); 0 is no data."""

    def read_quality(self, start: int, stop: int) -> Quality | None:
        """Return what the agency says of the pixels of rows of the Level-2 grid; None where it says nothing."""

    def angles(self) -> Angles:
        """Return the angles on the field of the Level-2 grid: shape of ``grid.coarser(field_step(grid))``."""

    def close(self) -> None:
        """Close the files."""
