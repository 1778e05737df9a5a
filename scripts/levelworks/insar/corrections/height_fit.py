"""Phase that goes linearly with height: a robust fit of one slope, weighted by coherence.

Stratified delay is close to linear in height over the relief of a frame (Doin et al. 2009,
doi:10.1016/j.jappgeo.2009.03.010). Deformation is an outlier to such a fit, and often lies all in the valleys or on one
summit, where it is a lever: the median of slopes between cells (Sen 1968, doi:10.1080/01621459.1968.10480934) bears up
to 29 % of these, and Tukey's biweight goes on from there (Maronna et al. 2006, Robust Statistics, chapter 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TUKEY = 4.685
"""Tuning constant, in units of the scale: 95 % efficiency for normal errors."""
NORMAL = 1.4826
"""Of a normal distribution, standard deviation over median absolute deviation."""
STEPS = 50
SETTLED = 1e-6
LEAST_CELLS = 100
MOST_CELLS = 1_000_000
"""That are fitted; of more, every n-th is."""
PAIRED, PARTNERS, GOLDEN = 10_000, 5, 0.6180339887498949
"""Cells that the first slope comes from at the most, partners of each, and how far apart (shares of all cells)."""
RELIEF = (1.0, 99.0)
"""Percentiles of height."""


@dataclass(frozen=True)
class HeightFit:
    """A slope against height (rad/m), and what it rests on.

    ``correlation`` of phase and height, ``relief`` of the cells (m), the number of ``cells``, and their ``leverage``:
    the weighted sum of squared heights about their mean (m2), to which the slope's inverse variance is proportional.
    """

    slope: float
    correlation: float
    relief: float
    cells: int
    leverage: float

    def applies(self, min_correlation: float, min_relief: float) -> bool:
        """Return whether the phase goes with height clearly enough to be corrected."""
        return self.fitted(min_relief) and abs(self.correlation) > min_correlation

    def fitted(self, min_relief: float) -> bool:
        """Return whether there is enough relief and data to say anything."""
        return self.cells >= LEAST_CELLS and self.relief >= min_relief


def fit_height(phase: np.ndarray, height: np.ndarray, weight: np.ndarray) -> HeightFit:
    """Fit the slope of phase against height.

    Parameters
    ----------
    phase, height, weight : ndarray, shape (n,)
        rad, m, and squared coherence; all finite.

    Returns
    -------
    HeightFit
        Slope and correlation are 0 where all heights are the same or there are fewer cells than `LEAST_CELLS`.
    """
    stride = -(-phase.size // MOST_CELLS) or 1
    phase, height, weight = (one[::stride].astype(np.float64) for one in (phase, height, weight))
    if phase.size < LEAST_CELLS or not weight.sum() > 0:
        return HeightFit(0.0, 0.0, 0.0, int(phase.size), 0.0)
    low, high = np.percentile(height, RELIEF)
    lever = height - np.average(height, weights=weight)
    spread = np.average(lever**2, weights=weight)
    residual = phase - np.average(phase, weights=weight)
    if not spread > 0:
        return HeightFit(0.0, 0.0, 0.0, int(phase.size), 0.0)
    energy = np.average(residual**2, weights=weight)
    together = np.average(residual * lever, weights=weight)
    correlation = together / np.sqrt(energy * spread) if energy > 0 else 0.0
    return HeightFit(
        slope=_robust_slope(residual, lever, weight),
        correlation=float(np.clip(correlation, -1, 1)),
        relief=float(high - low),
        cells=int(phase.size),
        leverage=float(spread * weight.sum()),
    )


def _robust_slope(phase: np.ndarray, lever: np.ndarray, weight: np.ndarray) -> float:
    slope = _median_slope(phase, lever, weight)
    rest = phase - slope * lever
    line = _weighted_median(rest, weight), slope
    scale = NORMAL * _weighted_median(np.abs(rest - line[0]), weight)
    for _ in range(STEPS):
        residual = phase - line[0] - line[1] * lever
        last, line = line, _line(phase, lever, weight * _tukey(residual, scale))
        moved = abs(line[1] - last[1]) * float(np.abs(lever).max()) + abs(line[0] - last[0])
        if moved <= SETTLED * scale:
            break
    return line[1]


def _median_slope(phase: np.ndarray, lever: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted median of the slopes between pairs of cells, a fixed choice of them."""
    stride = -(-phase.size // PAIRED)
    phase, lever, weight = (one[::stride] for one in (phase, lever, weight))
    slopes, weights = [], []
    for turn in range(1, PARTNERS + 1):
        shift = int(phase.size * (turn * GOLDEN % 1))
        rise, run = np.roll(phase, shift) - phase, np.roll(lever, shift) - lever
        apart = run != 0
        slopes.append(rise[apart] / run[apart])
        weights.append((np.roll(weight, shift) * weight)[apart])
    return _weighted_median(np.concatenate(slopes), np.concatenate(weights))


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    if not values.size:
        return 0.0
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def _line(phase: np.ndarray, lever: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return offset and slope of the weighted least-squares line."""
    total = weight.sum()
    x, y = (weight @ lever) / total, (weight @ phase) / total
    centred = lever - x
    spread = weight @ centred**2
    slope = float(weight @ (centred * (phase - y)) / spread) if spread > 0 else 0.0
    return float(y - slope * x), slope


def _tukey(residual: np.ndarray, scale: float) -> np.ndarray:
    if not scale > 0:
        return np.ones_like(residual)
    return np.square(np.maximum(1 - np.square(residual / (TUKEY * scale)), 0))
