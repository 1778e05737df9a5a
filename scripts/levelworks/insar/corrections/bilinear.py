"""Bilinear interpolation from one grid to another whose rows and columns are parallel to it."""

from __future__ import annotations

import numpy as np

HALF = 0.5


def interpolate(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolate where fractional rows and columns cross.

    Parameters
    ----------
    values : ndarray, shape (m, n)
        NaN where there is none.
    rows, columns : ndarray, shape (r,) and (c,)
        0 is the centre of the first cell.

    Returns
    -------
    ndarray, shape (r, c), float64
        The mean of the known neighbours by their bilinear weights; NaN beyond the outermost cells, and where unknown
        neighbours weigh more than half.
    """
    known = np.isfinite(values)
    whole = bool(known.all())
    filled = values.astype(np.float64) if whole else np.where(known, values, 0).astype(np.float64)
    near, far = _ends(rows, values.shape[0]), _ends(columns, values.shape[1])
    result = _blend(filled, near, far)
    if not whole:
        weight = _blend(known.astype(np.float64), near, far)
        result = np.where(weight >= HALF, result / np.maximum(weight, HALF), np.nan)
    result[~_within(rows, values.shape[0])] = np.nan
    result[:, ~_within(columns, values.shape[1])] = np.nan
    return result


def _within(positions: np.ndarray, size: int) -> np.ndarray:
    return (positions >= -HALF) & (positions <= size - HALF)


def _ends(positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cells before and after positions, and how far each is from the first of the two."""
    held = np.clip(positions, 0, size - 1)
    first = np.minimum(held.astype(np.intp), max(size - 2, 0))
    return first, np.minimum(first + 1, size - 1), held - first


def _blend(
    values: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    top, bottom, down = rows
    left, right, along = columns
    across = values[:, left] * (1 - along) + values[:, right] * along
    return np.asarray(across[top] * (1 - down[:, None]) + across[bottom] * down[:, None])
