"""The azimuth carrier of a TOPS burst: the antenna's sweep makes Doppler rise along it (specs/insar.md 4.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.geometry.carrier_kernels import carrier_cycles, turn_by_carrier
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.burst import Burst


@dataclass(frozen=True)
class Carrier:
    """The carrier ``phi(t, tau) = pi kt (t - t_ref)^2 + 2 pi f_dc (t - t_ref)`` of one burst.

    Parameters
    ----------
    tables : ndarray, shape (3, samples), float64
        At whole samples: rate ``kt`` (Hz/s), Doppler centroid ``f_dc`` (Hz), reference time ``t_ref`` (s).
    middle : float
        Line of azimuth time 0.
    interval : float
        s from line to line.
    steering : float
        Doppler rate of the antenna's sweep ``ks``, Hz/s.
    """

    tables: np.ndarray
    middle: float
    interval: float
    steering: float

    @property
    def rate(self) -> np.ndarray:
        """Return the carrier's rate ``kt`` at whole samples, Hz/s."""
        return np.asarray(self.tables[0])

    def cycles(self, lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return the phase (cycles, float64) at lines and samples, whole or not, broadcast against each other."""
        line, sample = np.broadcast_arrays(np.asarray(lines, np.float64), np.asarray(samples, np.float64))
        result = np.empty(line.size)
        carrier_cycles(line.ravel(), sample.ravel(), self.tables, self.middle, self.interval, result)
        return result.reshape(line.shape)

    def frequency(self, lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return the Doppler frequency ``kt (t - t_ref) + f_dc`` (Hz) at lines and samples, as `cycles` takes them."""
        rate, centroid, reference = (np.interp(samples, np.arange(row.size), row) for row in self.tables)
        time = (np.asarray(lines, np.float64) - self.middle) * self.interval - reference
        return np.asarray(rate * time + centroid)

    def remove(self, pixels: np.ndarray, first_line: int = 0) -> None:
        """Take the carrier off whole lines (complex64), in place; ``first_line`` is the burst's line they begin at."""
        turn_by_carrier(pixels, first_line, self.tables, self.middle, self.interval, -1.0)

    def restore(self, pixels: np.ndarray, first_line: int = 0) -> None:
        """Put the carrier on whole lines (complex64), in place."""
        turn_by_carrier(pixels, first_line, self.tables, self.middle, self.interval, 1.0)


def carrier(burst: Burst, arc: OrbitArc) -> Carrier:
    """Compute the carrier of a burst.

    Parameters
    ----------
    burst : Burst
    arc : OrbitArc
        Of its satellite, at its middle.

    Notes
    -----
    ``ks = 2 |V| k_psi / lambda`` of the sweep ``k_psi``; ``kt = ka ks / (ka - ks)`` of the Doppler rate ``ka(tau)``
    of targets; ``t_c = -f_dc / ka`` and ``t_ref(tau) = t_c(tau) - t_c(tau of sample 0)`` (specs/insar.md 4.7).
    """
    tau = burst.range_time_of(np.arange(burst.samples))
    speed = float(np.linalg.norm(arc.at(burst.middle_time)[1]))
    steering = 2 * speed * burst.steering_rate / burst.wavelength
    rate, centroid = burst.fm_rate.at(tau), burst.doppler.at(tau)
    centre = -centroid / rate
    tables = np.stack([rate * steering / (rate - steering), centroid, centre - centre[0]])
    return Carrier(np.ascontiguousarray(tables), float(burst.lines // 2), burst.azimuth_time_interval, steering)
