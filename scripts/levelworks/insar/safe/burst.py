"""One burst of one acquisition: all that processing needs of the annotation, and where its pixels lie."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from levelworks.insar.safe.annotation import RangePolynomial, SpectralWindow

SPEED_OF_LIGHT = 299792458.0
"""m/s."""


@dataclass(frozen=True)
class ValidWindow:
    """Lines and samples between which every pixel is valid, both ends included."""

    first_line: int
    last_line: int
    first_sample: int
    last_sample: int


@dataclass(frozen=True)
class BurstSource:
    """Where the pixels are: product (folder or zip), measurement file in it, and offset (bytes) of the first line."""

    product: str
    member: str
    byte_offset: int
    index: int


@dataclass(frozen=True)
class Burst:
    """A burst.

    Line 0 and sample 0 are the centre of the first pixel. Times are seconds since the epoch's midnight (UTC), range
    times two-way in s, frequencies in Hz, ``steering_rate`` in rad/s, ``chirp_rate`` in Hz/s.

    Parameters
    ----------
    id : int
        The agency's number of the burst's ground (specs/insar.md 4.2), shared by the three swaths.
    fm_rate, doppler : RangePolynomial
        Doppler rate of targets and Doppler centroid, the estimates nearest in time to the burst's middle.
    corners : tuple of (float, float)
        Longitude and latitude (degrees) of the burst's outline at the annotated heights.
    """

    id: int
    swath: str
    polarisation: str
    mission: str
    track: int
    epoch: dt.date
    azimuth_time: float
    sensing_time: float
    lines: int
    samples: int
    azimuth_time_interval: float
    slant_range_time: float
    range_sampling_rate: float
    radar_frequency: float
    steering_rate: float
    prf: float
    pri: float
    rank: int
    chirp_rate: float
    range_window: SpectralWindow
    azimuth_window: SpectralWindow
    valid: ValidWindow
    fm_rate: RangePolynomial
    doppler: RangePolynomial
    mean_height: float
    corners: tuple[tuple[float, float], ...]
    source: BurstSource

    @property
    def key(self) -> str:
        """Return swath and id as file names take them (``iw1_230132``)."""
        return f"{self.swath.lower()}_{self.id:06d}"

    @property
    def wavelength(self) -> float:
        """Return the radar wavelength, m."""
        return SPEED_OF_LIGHT / self.radar_frequency

    @property
    def range_spacing(self) -> float:
        """Return the slant range from sample to sample, m."""
        return SPEED_OF_LIGHT / (2 * self.range_sampling_rate)

    @property
    def starting_range(self) -> float:
        """Return the slant range of sample 0, m."""
        return SPEED_OF_LIGHT * self.slant_range_time / 2

    @property
    def duration(self) -> float:
        """Return the time from the first line to the last, s."""
        return (self.lines - 1) * self.azimuth_time_interval

    @property
    def middle_time(self) -> float:
        """Return the azimuth time of the line from which the steering is symmetric (line ``lines // 2``), s."""
        return self.azimuth_time + (self.lines // 2) * self.azimuth_time_interval

    def time_of(self, line: np.ndarray | float) -> np.ndarray:
        """Return the zero-Doppler time (s) of lines, whole or not."""
        return np.asarray(self.azimuth_time + np.asarray(line, np.float64) * self.azimuth_time_interval)

    def line_of(self, time: np.ndarray | float) -> np.ndarray:
        """Return the line at a zero-Doppler time (s)."""
        return np.asarray((np.asarray(time, np.float64) - self.azimuth_time) / self.azimuth_time_interval)

    def range_of(self, sample: np.ndarray | float) -> np.ndarray:
        """Return the slant range (m) of samples, whole or not."""
        return np.asarray(self.starting_range + np.asarray(sample, np.float64) * self.range_spacing)

    def sample_of(self, slant_range: np.ndarray | float) -> np.ndarray:
        """Return the sample at a slant range (m)."""
        return np.asarray((np.asarray(slant_range, np.float64) - self.starting_range) / self.range_spacing)

    def range_time_of(self, sample: np.ndarray | float) -> np.ndarray:
        """Return the two-way range time (s) of samples."""
        return np.asarray(self.slant_range_time + np.asarray(sample, np.float64) / self.range_sampling_rate)
