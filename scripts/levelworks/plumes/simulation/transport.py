"""Plumes of known emission rate: columns of gas (mol m-2) on the ground, of the steady Gaussian kind in closed form.

A plume is carried by the mean of the power-law wind over its depth, ``U = U10 (H / 10 m)^p / (1 + p)`` with p by
stability (Irwin 1979, rural, doi:10.1016/0004-6981(79)90259-4), so that an effective wind is a thing to be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.units import MOLAR_MASS

Stability = Literal["A", "B", "C", "D", "E", "F"]
SPREAD: dict[str, float] = {"A": 213.0, "B": 156.0, "C": 104.0, "D": 68.0, "E": 50.5, "F": 34.0}
"""Metres of horizontal spread a kilometre downwind, sigma = a x^0.894 (Martin 1976)."""
SPREAD_POWER = 0.894
WIND_POWER: dict[str, float] = {"A": 0.07, "B": 0.07, "C": 0.10, "D": 0.15, "E": 0.35, "F": 0.55}
DEPTH = 100.0
"""Metres of air that a plume fills, over which the wind is averaged."""
KILOGRAMS_A_TONNE = 1000.0
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class Wind:
    """Wind at ten metres: speed (m s-1) and the direction that it comes from (degrees clockwise from north)."""

    speed: float
    direction: float

    @property
    def eastward(self) -> float:
        """Return the component towards the east (m s-1)."""
        return -self.speed * float(np.sin(np.radians(self.direction)))

    @property
    def northward(self) -> float:
        """Return the component towards the north (m s-1)."""
        return -self.speed * float(np.cos(np.radians(self.direction)))


@dataclass(frozen=True)
class Plume:
    """One source and what it emits.

    Parameters
    ----------
    rate : float
        t h-1.
    row, column : float
        Of the source, pixels.
    gas : str
    kind : {"gaussian", "turbulent"}
        Steady, or meandering and patchy.
    stability : str
        Pasquill class, A to F.
    source_size : float
        Standard deviation of the source (m).
    """

    rate: float
    row: float
    column: float
    gas: str = "ch4"
    kind: Literal["gaussian", "turbulent"] = "turbulent"
    stability: Stability = "C"
    source_size: float = 20.0

    @property
    def molar_rate(self) -> float:
        """Return the emission rate in mol s-1."""
        return self.rate * KILOGRAMS_A_TONNE / SECONDS_AN_HOUR / MOLAR_MASS[self.gas]


def transport_speed(wind: Wind, stability: str) -> float:
    """Return the speed (m s-1) that carries a plume: the power-law wind averaged from the ground to `DEPTH`."""
    power = WIND_POWER[stability]
    return wind.speed * (DEPTH / 10.0) ** power / (1 + power)


def gaussian_column(downwind: np.ndarray, crosswind: np.ndarray, plume: Plume, speed: float) -> np.ndarray:
    """Return the column (mol m-2) of a steady plume at places downwind and crosswind of its source (m).

    ``Q / (sqrt(2 pi) sigma U) exp(-y^2 / 2 sigma^2)`` with ``sigma^2 = (a x^0.894)^2 + s^2``; 0 upwind. Its integral
    across the wind is Q / U at every distance (specs/plumes.md 4.6).
    """
    kilometres = np.maximum(downwind, 0.0) / 1000.0
    sigma = np.hypot(SPREAD[plume.stability] * kilometres**SPREAD_POWER, plume.source_size)
    exponent = np.minimum(0.5 * (crosswind / sigma) ** 2, 700.0)
    column = plume.molar_rate / (np.sqrt(2 * np.pi) * sigma * speed) * np.exp(-exponent)
    return np.where(downwind >= 0, column, 0.0)


def along_wind(east: np.ndarray, north: np.ndarray, wind: Wind) -> tuple[np.ndarray, np.ndarray]:
    """Return distances downwind and crosswind (to the left) of the origin (m)."""
    towards = np.radians(wind.direction + 180.0)
    sine, cosine = np.sin(towards), np.cos(towards)
    return east * sine + north * cosine, north * sine - east * cosine


def gaussian_plume(ground: Ground, plume: Plume, wind: Wind, *, oversample: int = 8) -> np.ndarray:
    """Return the column of a steady plume averaged over every pixel, (rows, columns) mol m-2.

    Means over ``oversample`` x ``oversample`` places in each pixel that the plume can touch; one place elsewhere.
    """
    speed = transport_speed(wind, plume.stability)
    source = ground.to_plane(np.array(plume.row), np.array(plume.column))

    def column_at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        east, north = ground.to_plane(row, column)
        return gaussian_column(*along_wind(east - source[0], north - source[1], wind), plume, speed)

    rows, columns = ground.grid()
    east, north = ground.to_plane(rows, columns)
    downwind, crosswind = along_wind(east - source[0], north - source[1], wind)
    sigma = np.hypot(SPREAD[plume.stability] * (np.maximum(downwind, 0) / 1000) ** SPREAD_POWER, plume.source_size)
    near = (downwind > -2 * ground.pixel) & (np.abs(crosswind) < 6 * sigma + 2 * ground.pixel)
    found = np.zeros((ground.rows, ground.columns))
    row, column = np.nonzero(near)
    steps = (np.arange(oversample) + 0.5) / oversample - 0.5
    total = np.zeros(row.size)
    for down in steps:
        for over in steps:
            total += column_at(row + down, column + over)
    found[row, column] = total / oversample**2
    return found
