"""Shadows as FORCE matches them: object by object, every height scored by itself (spec section 8.5)."""

from __future__ import annotations

import numpy as np
from numba import njit

LAPSE_RATE = 0.0065
DARK = 0.075
"""Darkness at which a pixel is wholly shadow, reflectance."""
ENOUGH = 0.85


@njit(cache=True, nogil=True)
def _match(
    first: int,
    end: int,
    rows: np.ndarray,
    columns: np.ndarray,
    drops: np.ndarray,
    base: float,
    down: float,
    across: float,
    label: int,
    labels: np.ndarray,
    darkness: np.ndarray,
    flat_water: np.ndarray,
    threshold: float,
) -> float:
    total, count = 0.0, 0
    for i in range(first, end):
        height = base + drops[i] / LAPSE_RATE
        y, x = int(np.rint(rows[i] + height * down)), int(np.rint(columns[i] + height * across))
        if not (0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]):
            continue
        if darkness[y, x] > threshold and labels[y, x] == 0 and not flat_water[y, x]:
            total += darkness[y, x] / DARK
        if labels[y, x] != label:
            count += 1
    return total / count if count else 0.0


@njit(cache=True, nogil=True)
def _draw(
    first: int,
    end: int,
    rows: np.ndarray,
    columns: np.ndarray,
    drops: np.ndarray,
    base: float,
    down: float,
    across: float,
    shadow: np.ndarray,
) -> None:
    for i in range(first, end):
        height = base + drops[i] / LAPSE_RATE
        y, x = int(np.rint(rows[i] + height * down)), int(np.rint(columns[i] + height * across))
        if 0 <= y < shadow.shape[0] and 0 <= x < shadow.shape[1]:
            shadow[y, x] = True


@njit(cache=True, nogil=True)
def match_objects(
    starts: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    drops: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    step: float,
    down: np.ndarray,
    across: np.ndarray,
    labels: np.ndarray,
    darkness: np.ndarray,
    flat_water: np.ndarray,
    threshold: float,
    shadow: np.ndarray,
) -> None:
    """Draw the shadow of every object at all heights that match, else at the one that matches best, in place.

    Parameters
    ----------
    starts : ndarray, shape (objects + 1,), int64
        Of each object in the arrays of cells; object i has the label i + 1.
    drops : ndarray, float64
        Kelvin by which a cell is colder than its object's base.
    low, high : ndarray, shape (objects,), float64
        Range of base heights, metres.
    step : float
        Between heights, metres.
    down, across : ndarray, shape (objects,), float64
        Cells a metre.
    darkness : ndarray, shape (rows, columns), float32
        Reflectance that is missing to the surroundings.
    """
    for i in range(starts.size - 1):
        first, end = starts[i], starts[i + 1]
        best, best_base, drawn = 0.0, -1.0, False
        base = low[i]
        while base <= high[i]:
            match = _match(
                first,
                end,
                rows,
                columns,
                drops,
                base,
                down[i],
                across[i],
                i + 1,
                labels,
                darkness,
                flat_water,
                threshold,
            )
            if match >= ENOUGH:
                _draw(first, end, rows, columns, drops, base, down[i], across[i], shadow)
                drawn = True
            if match > best:
                best, best_base = match, base
            base += step
        if not drawn and best > 0.0:
            _draw(first, end, rows, columns, drops, best_base, down[i], across[i], shadow)
