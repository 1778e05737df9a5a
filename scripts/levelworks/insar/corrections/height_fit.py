"""Phase that goes linearly with height: a robust fit of one slope, weighted by coherence.

Stratified delay is close to linear in height over the relief of a frame (Doin et al. 2009,
doi:10.1016/j.jappgeo.2009.03.010). Deformation is an outlier to such a fit: Huber's estimate gives the scale, with
which Tukey's goes on (Maronna et al. 2006, Robust Statistics, chapters 4 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HUBER, TUKEY = 1.345, 4.685
"""Tuning constants, in units of the scale: 95 % efficiency for normal errors."""
NORMAL = 1.4826
"""Of a normal distribution, standard deviation over median absolute deviation."""
STEPS = 50
SETTLED = 1e-6
LEAST_CELLS = 100
MOST_CELLS = 1_000_000
"""That are fitted; of more, every n-th is."""
RELIEF = (1.0, 99.0)
"""Percentiles of height."""


@dataclass(frozen=True)
class HeightFit:
    """A slope against height (rad/m), the correlation of phase and height, their relief (m) and number of cells."""

    slope: float
    correlation: float
    relief: float
    cells: int

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
        return HeightFit(0.0, 0.0, 0.0, int(phase.size))
    low, high = np.percentile(height, RELIEF)
    lever = height - np.average(height, weights=weight)
    spread = np.average(lever**2, weights=weight)
    residual = phase - np.average(phase, weights=weight)
    if not spread > 0:
        return HeightFit(0.0, 0.0, 0.0, int(phase.size))
    energy = np.average(residual**2, weights=weight)
    together = np.average(residual * lever, weights=weight)
    correlation = together / np.sqrt(energy * spread) if energy > 0 else 0.0
    return HeightFit(
        slope=_robust_slope(residual, lever, weight),
        correlation=float(np.clip(correlation, -1, 1)),
        relief=float(high - low),
        cells=int(phase.size),
    )


def _robust_slope(phase: np.ndarray, lever: np.ndarray, weight: np.ndarray) -> float:
    line = _line(phase, lever, weight)
    scale = 0.0
    for _ in range(STEPS):
        residual = phase - line[0] - line[1] * lever
        scale = NORMAL * float(np.median(np.abs(residual)))
        last, line = line, _line(phase, lever, weight * _huber(residual, scale))
        if _settled(last, line, lever, scale):
            break
    for _ in range(STEPS):
        residual = phase - line[0] - line[1] * lever
        last, line = line, _line(phase, lever, weight * _tukey(residual, scale))
        if _settled(last, line, lever, scale):
            break
    return line[1]


def _line(phase: np.ndarray, lever: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return offset and slope of the weighted least-squares line."""
    total = weight.sum()
    x, y = (weight @ lever) / total, (weight @ phase) / total
    centred = lever - x
    spread = weight @ centred**2
    slope = float(weight @ (centred * (phase - y)) / spread) if spread > 0 else 0.0
    return float(y - slope * x), slope


def _huber(residual: np.ndarray, scale: float) -> np.ndarray:
    size = np.abs(residual)
    return np.minimum(1.0, HUBER * scale / np.maximum(size, 1e-30)) if scale > 0 else np.ones_like(size)


def _tukey(residual: np.ndarray, scale: float) -> np.ndarray:
    if not scale > 0:
        return np.ones_like(residual)
    return np.square(np.maximum(1 - np.square(residual / (TUKEY * scale)), 0))


def _settled(last: tuple[float, float], line: tuple[float, float], lever: np.ndarray, scale: float) -> bool:
    moved = abs(line[1] - last[1]) * float(np.abs(lever).max()) + abs(line[0] - last[0])
    return moved <= SETTLED * max(scale, SETTLED)
