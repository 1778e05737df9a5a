"""Orbits: state vectors, interpolated between nodes, and fitted over short arcs (specs/insar.md 4.3)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.orbits.hermite import NODES, interpolate
from levelworks.insar.orbits.orbit_names import OrbitKind

MIN_STEP = 5.0
"""s between state vectors of two lists."""
ROUNDING = 2.1e-6
"""s by which steps may differ from whole seconds where times are rounded."""
MAX_GAP = 35.0
"""s between state vectors beyond which the error of interpolation leaves the millimetre."""


@dataclass(frozen=True)
class StateVectors:
    """Earth-fixed states as they are listed: times (n,), positions (n, 3) in m, velocities (n, 3) in m/s; float64.

    Times are seconds since an epoch's midnight, UTC, ascending.
    """

    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray

    def within(self, start: float, stop: float) -> StateVectors:
        """Return the vectors of times from ``start`` to ``stop``."""
        keep = (self.times >= start) & (self.times <= stop)
        return StateVectors(self.times[keep], self.positions[keep], self.velocities[keep])

    def joined(self, other: StateVectors) -> StateVectors:
        """Return these vectors and those of another list that lie 5 s or more from each of them, in order of time.

        Vectors closer to each other would turn a difference of millimetres between two lists into a wrong velocity.
        """
        apart = np.array([np.abs(self.times - time).min(initial=np.inf) >= MIN_STEP for time in other.times], bool)
        times = np.concatenate([self.times, other.times[apart]])
        order = np.argsort(times, kind="stable")
        return StateVectors(
            times[order],
            np.concatenate([self.positions, other.positions[apart]])[order],
            np.concatenate([self.velocities, other.velocities[apart]])[order],
        )

    def evenly_timed(self) -> StateVectors:
        """Return the vectors at even times, where they are given at even ones rounded to the microsecond.

        At 7.6 km/s a microsecond is 7.6 mm: vectors of real annotations whose times are 9.999999 and 10.000001 s
        apart agree with each other to 0.03 mm at steps of 10 s, and to 8 mm as they stand.
        """
        steps = np.diff(self.times)
        if steps.size == 0:
            return self
        step = float(np.round(np.median(steps)))
        if np.abs(steps - step).max() > ROUNDING:
            return self
        even = step * np.arange(self.times.size)
        return StateVectors(even + float(np.mean(self.times - even)), self.positions, self.velocities)


@dataclass(frozen=True)
class OrbitArc:
    """Positions over a short time as polynomials, for kernels.

    ``S(t) = sum_k coefficients[:, k] ((t - middle) / half)^k`` in m, Earth fixed; its derivatives are the velocity
    and the acceleration. Coefficients (3, degree + 1), float64.
    """

    start: float
    stop: float
    middle: float
    half: float
    coefficients: np.ndarray

    def at(self, times: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return positions (m), velocities (m/s) and accelerations (m/s2), each (..., 3)."""
        u = (np.asarray(times, np.float64) - self.middle) / self.half
        states = []
        series = self.coefficients.T
        for order in range(3):
            value = np.polynomial.polynomial.polyval(u, series) / self.half**order
            states.append(np.moveaxis(value, 0, -1))
            series = np.polynomial.polynomial.polyder(series)
        return states[0], states[1], states[2]


@dataclass(frozen=True)
class Orbit:
    """The orbit of one acquisition.

    Parameters
    ----------
    epoch : date
        The day whose midnight times count from.
    vectors : StateVectors
        At least four, no gap between them beyond 35 s.
    kind : {"precise", "restituted", "annotated"}
    sources : tuple of str
        Names of the files the vectors are from.
    """

    epoch: dt.date
    vectors: StateVectors
    kind: OrbitKind
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        steps = np.diff(self.vectors.times)
        name = ", ".join(self.sources)
        if self.vectors.times.size < NODES:
            raise InvalidInput(f"{name}: {self.vectors.times.size} state vectors; interpolation takes {NODES}")
        if not (steps > 0).all() or (steps > MAX_GAP).any():
            raise InvalidInput(f"{name}: state vectors are not in order, or leave a gap of {steps.max():.0f} s")

    @property
    def span(self) -> tuple[float, float]:
        """Return the times (s) between which interpolation has two vectors on either side."""
        return float(self.vectors.times[1]), float(self.vectors.times[-2])

    def at(self, times: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions (m) and velocities (m/s) at times, each (..., 3) float64.

        Raises
        ------
        InvalidInput
            Where a time lies beyond the first or the last state vector.
        """
        times = np.asarray(times, np.float64)
        self._check(float(times.min()), float(times.max()))
        return interpolate(self.vectors.times, self.vectors.positions, self.vectors.velocities, times)

    def arc(self, start: float, stop: float, degree: int | None = None) -> OrbitArc:
        """Fit positions over a time by polynomials through Chebyshev nodes.

        Parameters
        ----------
        start, stop : float
            s since the epoch's midnight; the fit is meant for times between them.
        degree : int, optional
            Of the polynomials: 7 up to a minute, 11 beyond, where it isn't given.
        """
        self._check(start, stop)
        order = degree or (7 if stop - start <= 60.0 else 11)
        middle, half = (start + stop) / 2, max((stop - start) / 2, 1.0)
        nodes = np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1))
        times = np.clip(middle + half * nodes, self.vectors.times[0], self.vectors.times[-1])
        positions, _ = self.at(times)
        coefficients = np.linalg.solve(np.vander((times - middle) / half, increasing=True), positions).T
        return OrbitArc(start, stop, middle, half, np.ascontiguousarray(coefficients))

    def _check(self, start: float, stop: float) -> None:
        first, last = float(self.vectors.times[0]), float(self.vectors.times[-1])
        if start < first or stop > last:
            raise InvalidInput(
                f"{', '.join(self.sources)}: state vectors reach from {first:.1f} to {last:.1f} s of {self.epoch}, "
                f"times asked for from {start:.1f} to {stop:.1f} s"
            )
