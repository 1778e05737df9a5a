"""Errors of emission rates: wind, background, calibration, and the distribution they make together.

Source: specs/plumes.md 1.12, 6.7, D12, D13. Draws take a seed made from the plume's id.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levelworks.plumes.seeds import seed_of

SLOW = 3.0
"""m s-1; up to it the error of a wind is half of it, above it is `FAST_ERROR`."""
SLOW_SHARE = 0.5
FAST_ERROR = 1.5
"""m s-1."""
DRAWS = 1000
PERCENTILES = (5.0, 50.0, 95.0)

Rate = Callable[[np.ndarray], np.ndarray]


def wind_sigma(speed: float, *, manual: bool = False) -> float:
    """Return 1 sigma (m s-1) of a wind at 10 m; 0 for a wind that a person gave."""
    if manual:
        return 0.0
    return SLOW_SHARE * speed if speed <= SLOW else FAST_ERROR


def wind_error(rate: Rate, speed: float, sigma: float) -> float:
    """Return 1 sigma of a rate from the wind, to first order: the slope by central differences times sigma."""
    if sigma == 0 or not np.isfinite(speed):
        return 0.0 if np.isfinite(speed) else np.nan
    step = 1e-3 * max(speed, 1.0)
    low, high = rate(np.array([speed - step, speed + step]))
    return float(abs(high - low) / (2 * step) * sigma)


def drawn_wind_error(rate: Rate, speed: float, sigma: float, identifier: str, draws: int = DRAWS) -> float:
    """Return 1 sigma of a rate over normal draws of the wind."""
    if not np.isfinite(speed):
        return np.nan
    generator = np.random.default_rng(seed_of(f"wind of {identifier}"))
    return float(np.std(rate(speed + sigma * generator.standard_normal(draws))))


def in_quadrature(*errors: float) -> float:
    """Return the root of the sum of squares of independent errors; those that are not a number don't count."""
    known = [error for error in errors if np.isfinite(error)]
    return float(np.sqrt(np.sum(np.square(known)))) if known else np.nan


def rate_percentiles(
    effective: Rate,
    quantity: float,
    quantiles: np.ndarray,
    speed: float,
    sigma: float,
    calibration: float,
    identifier: str,
    draws: int = DRAWS,
) -> tuple[float, float, float]:
    """Return the 5th, 50th and 95th percentile of a rate: effective wind times mass per length.

    Parameters
    ----------
    effective : callable
        Effective wind (m s-1) of winds at 10 m; winds are drawn normally and never below 0.
    quantity : float
        Mass per length, kg m-1.
    quantiles : ndarray
        Of the background's share in the quantity, at even steps from 0 to 1, about its median; may be empty.
    calibration : float
        1 sigma of the effective wind, m s-1.
    """
    if not (np.isfinite(speed) and np.isfinite(quantity)):
        return np.nan, np.nan, np.nan
    generator = np.random.default_rng(seed_of(f"rate of {identifier}"))
    winds = np.maximum(speed + sigma * generator.standard_normal(draws), 0.0)
    speeds = effective(winds) + calibration * generator.standard_normal(draws)
    chosen = generator.random(draws)
    if quantiles.size:
        background = np.interp(chosen, np.linspace(0, 1, quantiles.size), quantiles) - float(np.median(quantiles))
    else:
        background = np.zeros(draws)
    low, middle, high = np.percentile(speeds * (quantity - background), PERCENTILES)
    return float(low), float(middle), float(high)
