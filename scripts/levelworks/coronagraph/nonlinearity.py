"""Detector nonlinearity: the table of relative gain by counts and EM gain, its checks, and its use.

A table gives, for a bias-subtracted count x (DN) and an EM gain G, the factor rel(x) by which the count is
multiplied to be linear. It is interpolated linearly between the two bracketing gain columns, then linearly
between counts; outside it is constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.dq import DQ

LOWEST_SANE, HIGHEST_SANE = 0.8, 1.25
"""Factors further from 1 than these are taken for faults of the table, not of the detector."""

MAX_COUNT = 1e6

OUT_OF_TABLE = np.uint16(DQ.OUT_OF_TABLE)
ABOVE_TABLE = np.uint16(DQ.OUT_OF_TABLE | DQ.NONLINEAR)


@dataclass(frozen=True)
class NonlinearityTable:
    """Relative gain by counts and EM gain.

    Attributes
    ----------
    counts : ndarray, shape (n,), float64
        Bias-subtracted counts in DN, strictly increasing.
    gains : ndarray, shape (m,), float64
        EM gains, strictly increasing.
    factors : ndarray, shape (n, m), float64
        Factor by which a count is multiplied.
    """

    counts: np.ndarray
    gains: np.ndarray
    factors: np.ndarray


@dataclass(frozen=True)
class NonlinearityCurve:
    """The table at one EM gain, and where it can't be trusted.

    Attributes
    ----------
    counts, factors : ndarray, shape (n,), float64
        Knots: counts in DN and the factor at each.
    findings : tuple of str
        What the check of the curve found, one sentence each.
    """

    counts: np.ndarray
    factors: np.ndarray
    findings: tuple[str, ...]

    @cached_property
    def pieces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return for each knot where its piece ends, its factor and its slope, and for each whole count its knot."""
        upper = np.append(self.counts[1:], np.inf)
        slopes = np.append(np.diff(self.factors) / np.diff(self.counts), 0.0)
        whole = np.arange(np.floor(self.counts[0]), np.floor(self.counts[-1]) + 1)
        # One count early: the difference to the start may round up, and a search only goes on to the right.
        first = np.maximum(np.searchsorted(self.counts, whole - 1, side="right") - 1, 0).astype(np.uint32)
        return upper, self.factors, slopes, first


@dataclass(frozen=True)
class Coverage:
    """Shares of an image's pixels that a table treats badly: below its counts, above them, by a strange factor."""

    below: float
    above: float
    strange: float


def parse_table(text: str, name: str = "nonlinearity table") -> NonlinearityTable:
    """Parse a table in CSV: ``nan`` in the corner, gains in the first row, counts in the first column.

    Raises
    ------
    InvalidReference
        Where the corner, the order, the size, a value, or the normalisation of a column is wrong.
    """
    rows = [line.split(",") for line in text.splitlines() if line.strip()]
    try:
        table = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:
        raise InvalidReference(f"{name}: not a table of numbers of equal row lengths ({error})") from error
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 3:
        raise InvalidReference(f"{name}: needs at least 2 counts and 2 gains, has shape {table.shape}")
    if not np.isnan(table[0, 0]):
        raise InvalidReference(f"{name}: the corner must be nan, is {table[0, 0]:g}")
    counts, gains, factors = table[1:, 0], table[0, 1:], table[1:, 1:]
    for what, axis in (("counts (first column)", counts), ("EM gains (first row)", gains)):
        if not np.all(np.isfinite(axis)) or np.any(np.diff(axis) <= 0):
            raise InvalidReference(f"{name}: {what} must be finite and strictly increasing")
    if np.abs(counts).max() > MAX_COUNT:
        raise InvalidReference(f"{name}: holds counts beyond {MAX_COUNT:g} DN, further than any converter reaches")
    if not np.all(np.isfinite(factors)):
        raise InvalidReference(f"{name}: holds factors that are not finite")
    low, high = factors.min(axis=0), factors.max(axis=0)
    off = np.flatnonzero((low > 1) | (high < 1))
    if off.size:
        raise InvalidReference(f"{name}: the column of gain {gains[off[0]]:g} neither contains nor straddles 1")
    return NonlinearityTable(counts, gains, factors)


def curve_at_gain(table: NonlinearityTable, gain: float) -> NonlinearityCurve:
    """Interpolate the table at one EM gain and check the curve.

    Linear between bracketing gain columns, constant outside. Findings name factors outside ``LOWEST_SANE`` to
    ``HIGHEST_SANE`` and counts where d(x rel)/dx <= 0, i.e. where the correction would not be monotone.
    """
    gains = table.gains
    if gain <= gains[0]:
        factors = table.factors[:, 0].copy()
    elif gain >= gains[-1]:
        factors = table.factors[:, -1].copy()
    else:
        upper = int(np.searchsorted(gains, gain, side="right"))
        below, above = table.factors[:, upper - 1], table.factors[:, upper]
        factors = (above - below) / (gains[upper] - gains[upper - 1]) * (gain - gains[upper - 1]) + below
    return NonlinearityCurve(table.counts, factors, _check(table.counts, factors))


def _check(counts: np.ndarray, factors: np.ndarray) -> tuple[str, ...]:
    findings = []
    strange = (factors < LOWEST_SANE) | (factors > HIGHEST_SANE)
    if strange.any():
        where, which = counts[strange], factors[strange]
        findings.append(
            f"{where.size} of {counts.size} factors lie outside {LOWEST_SANE:g}..{HIGHEST_SANE:g} "
            f"(from {which.min():g} to {which.max():g}, at {where.min():.0f}..{where.max():.0f} DN)"
        )
    falling = counts[:-1][np.diff(counts * factors) <= 0]
    if falling.size:
        findings.append(f"the corrected count falls with rising count at {falling.min():.0f}..{falling.max():.0f} DN")
    return tuple(findings)


@njit(cache=True, nogil=True)
def _interpolate(
    values: np.ndarray,
    counts: np.ndarray,
    upper: np.ndarray,
    factors: np.ndarray,
    slopes: np.ndarray,
    first: np.ndarray,
    out: np.ndarray,
) -> None:
    lowest, highest = counts[0], counts[counts.size - 1]
    start = np.floor(lowest)
    for i in range(values.size):
        # Clamping keeps the end factors exact outside (and not-a-number inside); the last piece has slope 0 and
        # ends at infinity. Unsigned indices spare the test for negative ones.
        value = np.float64(values[i])
        value = value if value > lowest else lowest  # noqa: FURB136 - max would pass not-a-number on
        inside = value if value < highest else highest  # noqa: FURB136
        knot = np.uint32(first[np.uint32(np.int32(inside - start))])
        while inside >= upper[knot]:
            knot = np.uint32(knot + np.uint32(1))
        out[i] = slopes[knot] * (inside - counts[knot]) + factors[knot]


@njit(cache=True, nogil=True)
def _count(values: np.ndarray, factors: np.ndarray, lowest: float, highest: float) -> Any:
    below = above = strange = np.uint32(0)
    for i in range(values.size):
        below += np.uint32(values[i] < lowest)
        above += np.uint32(values[i] > highest)
        strange += np.uint32((factors[i] < LOWEST_SANE) | (factors[i] > HIGHEST_SANE))
    return below, above, strange


@njit(cache=True, nogil=True)
def _flag(values: np.ndarray, factors: np.ndarray, lowest: float, highest: float, dq: np.ndarray) -> None:
    for i in range(values.size):
        strange = (values[i] < lowest) | (factors[i] < LOWEST_SANE) | (factors[i] > HIGHEST_SANE)
        flags = OUT_OF_TABLE if strange else np.uint16(0)
        dq[i] |= ABOVE_TABLE if values[i] > highest else flags


@njit(cache=True, nogil=True)
def _multiply(values: np.ndarray, factors: np.ndarray, out: np.ndarray) -> None:
    for i in range(values.size):
        out[i] = np.float64(values[i]) * factors[i]


STRETCH = 1 << 15
"""Pixels handled at a time: what is in between stays in the cache, and each step is a short loop that vectorises."""


def linearise(
    values: np.ndarray, curve: NonlinearityCurve, dq: np.ndarray, out: np.ndarray | None = None
) -> tuple[np.ndarray, Coverage]:
    """Multiply bias-subtracted counts by their relative gain and flag those that the table does not cover.

    The arithmetic is that of `numpy.interp`, to the bit, with the search for the knot replaced by a table of whole
    counts.

    Parameters
    ----------
    values : ndarray, any shape, C order, float64 or float32
        Counts in DN.
    dq : ndarray, same shape, uint16
        Flags; `DQ.OUT_OF_TABLE` and `DQ.NONLINEAR` are set in place.
    out : ndarray, same shape and type, optional
        Where to write; may be ``values`` itself.

    Returns
    -------
    linear : ndarray
        Linear counts in DN.
    coverage : Coverage
    """
    linear = np.empty_like(values) if out is None else out
    flat, flags, corrected = values.reshape(-1), dq.reshape(-1), linear.reshape(-1)
    relative = np.empty(min(STRETCH, flat.size))
    lowest, highest = curve.counts[0], curve.counts[-1]
    below = above = strange = 0
    for start in range(0, flat.size, STRETCH):
        part = flat[start : start + STRETCH]
        factors = relative[: part.size]
        _interpolate(part, curve.counts, *curve.pieces, factors)
        numbers = _count(part, factors, lowest, highest)
        if any(numbers):
            _flag(part, factors, lowest, highest, flags[start : start + STRETCH])
            below, above, strange = below + numbers[0], above + numbers[1], strange + numbers[2]
        _multiply(part, factors, corrected[start : start + STRETCH])
    size = max(values.size, 1)
    return linear, Coverage(below / size, above / size, strange / size)


def measure(linear: np.ndarray, curve: NonlinearityCurve) -> np.ndarray:
    """Invert `linearise`: the counts m (DN) for which m rel(m) is the linear count; for simulations.

    Solved exactly on each piece, where m (f + s (m - c)) is a quadratic in m.

    Raises
    ------
    InvalidReference
        Where the curve is not monotone, so that no inverse exists.
    """
    knots = curve.counts * curve.factors
    if np.any(np.diff(knots) <= 0) or np.any(curve.factors <= 0):
        raise InvalidReference("the nonlinearity curve is not monotone and has no inverse")
    linear = np.asarray(linear, dtype=np.float64)
    piece = np.clip(np.searchsorted(knots, linear, side="right") - 1, 0, curve.counts.size - 2)
    slope = (np.diff(curve.factors) / np.diff(curve.counts))[piece]
    offset = curve.factors[piece] - slope * curve.counts[piece]
    root = np.sqrt(np.maximum(offset * offset + 4.0 * slope * linear, 0.0))
    measured = 2.0 * linear / (offset + root)
    measured = np.where(linear <= knots[0], linear / curve.factors[0], measured)
    return np.where(linear >= knots[-1], linear / curve.factors[-1], measured)
