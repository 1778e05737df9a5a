"""What the annotation of one swath says, as plain values (specs/insar.md 4.1).

Times are seconds since the midnight of ``epoch`` (UTC), float64.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from levelworks.insar.orbits.state_vectors import StateVectors


@dataclass(frozen=True)
class RangePolynomial:
    """A polynomial in two-way slant range time: ``sum c_k (tau - t0)^k``, estimated at an azimuth time.

    Parameters
    ----------
    time : float
        Azimuth time of the estimate, s since the epoch's midnight.
    t0 : float
        Two-way range time of the origin, s.
    coefficients : tuple of float
        Hz s^-k of a Doppler centroid, Hz s^-1-k of a Doppler rate; ascending order.
    """

    time: float
    t0: float
    coefficients: tuple[float, ...]

    def at(self, range_time: np.ndarray | float) -> np.ndarray:
        """Return values at two-way slant range times (s), float64."""
        x = np.asarray(range_time, np.float64) - self.t0
        return np.asarray(np.polynomial.polynomial.polyval(x, self.coefficients))


@dataclass(frozen=True)
class DopplerEstimate:
    """Doppler centroids at one azimuth time: from the data and from the geometry (Hz), and the fit's error (Hz)."""

    data: RangePolynomial
    geometry: RangePolynomial
    rms_error: float


@dataclass(frozen=True)
class SpectralWindow:
    """How the processor shaped a spectrum: bandwidth (Hz), kind and coefficient of the window."""

    bandwidth: float
    kind: str
    coefficient: float


@dataclass(frozen=True)
class BurstTiming:
    """One burst as the annotation lists it.

    Parameters
    ----------
    azimuth_time : float
        Zero-Doppler time of the first line, s since the epoch's midnight.
    node_time : float
        Of the same line, s since the ascending node.
    sensing_time : float
        When the first line was sensed, s since the epoch's midnight.
    byte_offset : int
        Of the first line in the measurement file.
    first_line, last_line, first_sample, last_sample : int
        The window, both ends included, in which every pixel is valid; lines are -1 where none is.
    annotated_id : int or None
        The agency's burst id, from version 3.40 of the processor on.
    """

    azimuth_time: float
    node_time: float
    sensing_time: float
    byte_offset: int
    first_line: int
    last_line: int
    first_sample: int
    last_sample: int
    annotated_id: int | None


@dataclass(frozen=True)
class GeolocationGrid:
    """Points at which the agency gives positions; arrays (points,), float64.

    Azimuth times (s since the epoch's midnight), two-way range times (s), lines and samples, degrees, metres.
    """

    azimuth_time: np.ndarray
    range_time: np.ndarray
    line: np.ndarray
    sample: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    height: np.ndarray
    incidence: np.ndarray


@dataclass(frozen=True)
class SwathAnnotation:
    """The annotation of one swath in one polarisation of one product.

    Frequencies in Hz, the steering rate in degrees per second, the chirp rate in Hz/s, heading and incidence in
    degrees, spacings in m, ``slant_range_time`` two-way in s.
    """

    mission: str
    swath: str
    polarisation: str
    epoch: dt.date
    start: float
    stop: float
    absolute_orbit: int
    pass_direction: str
    heading: float
    range_sampling_rate: float
    radar_frequency: float
    steering_rate: float
    prf: float
    pri: float
    rank: int
    chirp_rate: float
    slant_range_time: float
    azimuth_time_interval: float
    range_pixel_spacing: float
    azimuth_pixel_spacing: float
    ascending_node_time: float
    incidence_mid_swath: float
    range_window: SpectralWindow
    azimuth_window: SpectralWindow
    lines_per_burst: int
    samples_per_burst: int
    doppler_from_data: bool
    state_vectors: StateVectors
    fm_rates: tuple[RangePolynomial, ...]
    dopplers: tuple[DopplerEstimate, ...]
    bursts: tuple[BurstTiming, ...]
    grid: GeolocationGrid


def nearest(estimates: tuple[RangePolynomial, ...], time: float) -> RangePolynomial:
    """Return the estimate whose azimuth time is nearest; the earlier of two that are equally near."""
    return min(estimates, key=lambda estimate: (abs(estimate.time - time), estimate.time))
