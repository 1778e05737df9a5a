"""Inner loops of turbulent plumes: puffs carried by a random wind, and laid down on pixels without losing any gas."""

from __future__ import annotations

import math

import numba
import numpy as np

REACH = 5.0
"""Standard deviations of a puff beyond which none of it lies."""


@numba.njit(cache=True, nogil=True)
def carry_puffs(
    east: np.ndarray, north: np.ndarray, ages: np.ndarray, step: float, speed: np.ndarray, modes: np.ndarray
) -> None:
    """Carry puffs, in place, from their release until now.

    Parameters
    ----------
    east, north : (puffs,) float64
        Where they were released (m); afterwards where they are.
    ages : (puffs,) float64
        Seconds since release; time is 0 now.
    step : float
        Seconds of a step (midpoint rule).
    speed : (2,) float64
        Mean wind, eastward and northward (m s-1).
    modes : (n, 5) float64
        Waves of a stream function that moves with the mean wind: wavenumbers east and north (m-1), frequency (s-1),
        phase, amplitude of velocity (m s-1). Velocity stands across each wave, so that it neither gathers nor thins.
    """
    for puff in range(east.size):
        x, y = east[puff], north[puff]
        time = -ages[puff]
        while time < 0:
            length = min(step, -time)
            u, v = _wind(x, y, time, speed, modes)
            u, v = _wind(x + u * length / 2, y + v * length / 2, time + length / 2, speed, modes)
            x += u * length
            y += v * length
            time += length
        east[puff], north[puff] = x, y


@numba.njit(cache=True, nogil=True)
def _wind(x: float, y: float, time: float, speed: np.ndarray, modes: np.ndarray) -> tuple[float, float]:
    u, v = speed[0], speed[1]
    drifted_x, drifted_y = x - speed[0] * time, y - speed[1] * time
    for mode in range(modes.shape[0]):
        east, north = modes[mode, 0], modes[mode, 1]
        wave = modes[mode, 4] * math.cos(east * drifted_x + north * drifted_y + modes[mode, 2] * time + modes[mode, 3])
        length = math.hypot(east, north)
        u -= north / length * wave
        v += east / length * wave
    return u, v


@numba.njit(cache=True, nogil=True)
def deposit_puffs(
    rows: np.ndarray, columns: np.ndarray, sigmas: np.ndarray, amounts: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return what lies on every pixel: round Gaussian puffs integrated over pixels in closed form.

    Parameters
    ----------
    rows, columns : (puffs,) float64
        Centres, pixels.
    sigmas : (puffs,) float64
        Standard deviations, pixels.
    amounts : (puffs,) float64
        Of each; what lies outside the pixels is left out, all else is kept.
    """
    found = np.zeros(shape)
    for puff in range(rows.size):
        reach = REACH * sigmas[puff]
        first_row = math.floor(rows[puff] - reach + 0.5)
        last_row = math.floor(rows[puff] + reach + 0.5) + 1
        first_column = math.floor(columns[puff] - reach + 0.5)
        last_column = math.floor(columns[puff] + reach + 0.5) + 1
        if last_row <= 0 or first_row >= shape[0] or last_column <= 0 or first_column >= shape[1]:
            continue
        down = _shares(first_row, last_row, rows[puff], sigmas[puff])
        over = _shares(first_column, last_column, columns[puff], sigmas[puff])
        for row in range(max(first_row, 0), min(last_row, shape[0])):
            for column in range(max(first_column, 0), min(last_column, shape[1])):
                found[row, column] += amounts[puff] * down[row - first_row] * over[column - first_column]
    return found


@numba.njit(cache=True, nogil=True)
def _shares(first: int, last: int, centre: float, sigma: float) -> np.ndarray:
    """Return the share of a normal distribution in pixels ``first`` to ``last`` (not included), 1 together."""
    scale = 1 / (math.sqrt(2.0) * sigma)
    shares = np.empty(last - first)
    total = 0.0
    for pixel in range(first, last):
        share = 0.5 * (math.erf((pixel + 0.5 - centre) * scale) - math.erf((pixel - 0.5 - centre) * scale))
        shares[pixel - first] = share
        total += share
    return shares / total
