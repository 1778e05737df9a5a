"""Emission rates of a plume under a wind, by every method, with their errors.

Source: specs/plumes.md 1.12, 6.7, D9, D12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from levelworks.plumes.emission.effective_wind import EffectiveWind
from levelworks.plumes.emission.emission_errors import (
    drawn_wind_error,
    in_quadrature,
    rate_percentiles,
    wind_error,
    wind_sigma,
)
from levelworks.plumes.emission.emission_measures import Measured, Measures

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class PlumeWind:
    """Wind over a plume: its source's name, eastward and northward at 10 m (m s-1), surface pressure (Pa)."""

    source: str
    u: float
    v: float
    pressure: float = np.nan
    manual: bool = False

    @property
    def speed(self) -> float:
        """Return the speed, m s-1."""
        return float(np.hypot(self.u, self.v))


@dataclass(frozen=True)
class Rate:
    """An emission rate and its errors of 1 sigma, kg h-1; percentiles 5, 50 and 95."""

    value: float = np.nan
    random: float = np.nan
    wind: float = np.nan
    calibration: float = np.nan
    percentiles: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    effective_wind: float = np.nan

    @property
    def uncertainty(self) -> float:
        """Return all errors in quadrature."""
        return in_quadrature(self.random, self.wind, self.calibration) if np.isfinite(self.value) else np.nan


NO_RATE = Rate()


@dataclass(frozen=True)
class Rates:
    """Rates of one plume under one wind, by method."""

    ime: Rate = field(default_factory=Rate)
    csf: Rate = field(default_factory=Rate)
    fetch: Rate = field(default_factory=Rate)
    carbon_mapper: Rate = field(default_factory=Rate)


def rates(
    measures: Measures,
    wind: PlumeWind | None,
    effective: EffectiveWind | None,
    plume_id: str,
    *,
    draws: int = 1000,
    hypergas: bool = False,
) -> Rates:
    """Return the rates of a plume; not a number without a wind, and of gases without coefficients.

    Parameters
    ----------
    plume_id : str
        Seeds the draws.
    hypergas : bool
        Errors of the wind from draws rather than from the slope.
    """
    if wind is None or effective is None or not np.isfinite(wind.speed):
        return Rates()
    sigma = wind_sigma(wind.speed, manual=wind.manual)
    length = measures.mass.length
    seed = f"{plume_id} {wind.source}"

    def made(
        measured: Measured,
        per: float,
        of: Callable[[np.ndarray | float], np.ndarray | float],
        calibration: float,
        label: str,
    ) -> Rate:
        if not (np.isfinite(measured.value) and per > 0):
            return NO_RATE
        speed = float(of(wind.speed))
        quantity = measured.value / per

        def rate(winds: np.ndarray) -> np.ndarray:
            return np.asarray(of(winds)) * quantity

        by_wind = (
            drawn_wind_error(rate, wind.speed, sigma, f"{seed} {label}", draws)
            if hypergas
            else wind_error(rate, wind.speed, sigma)
        )
        quantiles = measured.quantiles / per
        if not quantiles.size and np.isfinite(measured.random):
            quantiles = _normal_quantiles() * measured.random / per
        percentiles = rate_percentiles(
            lambda winds: np.asarray(of(winds)),
            quantity,
            quantiles,
            wind.speed,
            sigma,
            calibration,
            f"{seed} {label}",
            draws,
        )
        return Rate(
            speed * quantity * SECONDS_PER_HOUR,
            abs(speed) * measured.random / per * SECONDS_PER_HOUR,
            by_wind * SECONDS_PER_HOUR,
            calibration * abs(quantity) * SECONDS_PER_HOUR,
            (percentiles[0] * SECONDS_PER_HOUR, percentiles[1] * SECONDS_PER_HOUR, percentiles[2] * SECONDS_PER_HOUR),
            speed,
        )

    def as_it_blows(speed: np.ndarray | float) -> np.ndarray | float:
        return speed

    fetched = Measured(
        measures.fetch.mass_per_length, measures.fetch.relative_spread * abs(measures.fetch.mass_per_length)
    )
    mapped = Measured(measures.carbon_mapper.mass, measures.carbon_mapper.noise)
    return Rates(
        made(measures.ime, length, effective.of_mass, effective.mass_error(wind.speed), "ime"),
        made(measures.section, 1.0, effective.of_section, effective.section_error(wind.speed), "csf"),
        made(fetched, 1.0, as_it_blows, 0.0, "fetch"),
        made(mapped, measures.carbon_mapper_reach, as_it_blows, 0.0, "carbon-mapper"),
    )


def _normal_quantiles() -> np.ndarray:
    """Return quantiles of a standard normal distribution at even steps, its tails cut at three sigma."""
    from scipy.special import ndtri

    return np.clip(ndtri(np.linspace(0.00135, 0.99865, 101)), -3.0, 3.0)
