"""What every reader of the line gives: one Level-1 granule, its spectra read by blocks of detector columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import numpy as np


@dataclass(frozen=True)
class Rpc:
    """Rational polynomial coefficients, RPC00B order of terms: ground (longitude, latitude, height) to image.

    ``line = line_offset + line_scale * P1/P2`` and likewise samples, both 0 at the centre of the first pixel.
    """

    line_offset: float
    sample_offset: float
    latitude_offset: float
    longitude_offset: float
    height_offset: float
    line_scale: float
    sample_scale: float
    latitude_scale: float
    longitude_scale: float
    height_scale: float
    line_numerator: tuple[float, ...]
    line_denominator: tuple[float, ...]
    sample_numerator: tuple[float, ...]
    sample_denominator: tuple[float, ...]


@dataclass(frozen=True)
class LookupTable:
    """A geographic lookup table (GLT): sample and line (1-based; 0 none, negative filled by the nearest) of a grid.

    ``geotransform`` is GDAL's, degrees in WGS 84.
    """

    sample: np.ndarray
    line: np.ndarray
    geotransform: tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Geometry:
    """Where the pixels of a scene are and how they are seen; every array (rows, columns).

    Angles in degrees (azimuths clockwise from north), longitude and latitude of pixel centres in degrees (WGS 84),
    elevation in metres. Not a number where a pixel has no place.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    elevation: np.ndarray
    sun_zenith: np.ndarray
    sun_azimuth: np.ndarray
    view_zenith: np.ndarray
    view_azimuth: np.ndarray
    lookup: LookupTable | None = None
    rpc: Rpc | None = None


@dataclass(frozen=True)
class Spectral:
    """Centres and full widths at half maximum of the bands (nm), ascending.

    Both (columns, bands), or (1, bands) where all columns agree.
    """

    centres: np.ndarray
    widths: np.ndarray

    @property
    def bands(self) -> int:
        """Return the number of bands."""
        return self.centres.shape[1]

    @property
    def mean(self) -> np.ndarray:
        """Return the mean centre of each band (nm)."""
        return self.centres.mean(axis=0)

    def within(self, windows: Sequence[tuple[float, float]]) -> np.ndarray:
        """Return the indices of the bands whose mean centre lies in one of the windows (nm, bounds included)."""
        mean = self.mean
        inside = np.zeros(mean.shape, dtype=bool)
        for low, high in windows:
            inside |= (mean >= low) & (mean <= high)
        return np.flatnonzero(inside)

    def nearest(self, wavelength: float) -> int:
        """Return the index of the band nearest to a wavelength (nm)."""
        return int(np.argmin(np.abs(self.mean - wavelength)))


Sensor = Literal["EMIT", "EnMAP", "PRISMA"]

PLATFORMS: dict[str, tuple[str, str, str]] = {
    "EMIT": ("emi", "EMIT", "NASA-JPL"),
    "EnMAP": ("hsi", "EnMAP", "DLR"),
    "PRISMA": ("hsi", "PRISMA", "ASI"),
}
"""Instrument, platform and provider by sensor, as HyperGas names them (specs/plumes.md 1.14)."""


@dataclass
class Scene(ABC):
    """One opened Level-1 granule. Use as a context: ``with open_scene(path, obs, mask) as scene``.

    Parameters
    ----------
    name : str
        The agency's id.
    start, end : datetime
        In UTC.
    earth_sun : float
        Distance in astronomical units.
    masks : dict of str to (rows, columns) bool
        What the agency flags: any of cloud, cirrus, water, shadow, saturated, fill, bad.
    attributes : dict
        What the agency says of the scene as a whole, e.g. ``water_vapour`` (g cm-2).
    notes : list of str
        Sentences for a person: what was missing and what was taken in its place.
    """

    name: str
    sensor: Sensor
    start: datetime
    end: datetime
    rows: int
    columns: int
    spectral: Spectral
    geometry: Geometry
    earth_sun: float
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @abstractmethod
    def read(self, columns: range, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance of some columns and bands as (columns, rows, bands) float32, C order.

        In microwatt cm-2 sr-1 nm-1; not a number where the granule has none.
        """

    def read_pixels(self, rows: np.ndarray, columns: np.ndarray, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance of single pixels, (n, bands) float32; see `read`."""
        first = int(columns.min())
        spectra = self.read(range(first, int(columns.max()) + 1), bands)
        return np.asarray(spectra[columns - first, rows])

    @abstractmethod
    def close(self) -> None:
        """Close the granule's files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
