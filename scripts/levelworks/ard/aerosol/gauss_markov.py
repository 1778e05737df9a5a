"""A smooth field through scattered estimates, with its standard error: a Gauss-Markov random field.

The field departs from its mean by `spread`, over `length` cells, and each estimate from the field by its own error (Rue
and Held 2005, Gaussian Markov Random Fields). Estimates far off the field count less (Huber 1964).
"""

from __future__ import annotations

import numpy as np

from levelworks.ard.aerosol.gauss_markov_kernels import factorise, inverse_diagonal, solve_factorised

ROBUST = 2.0
"""Standard errors beyond which an estimate counts less."""
FINE_SHARE = 0.25
"""Of the spread, which a field of this length may have from cell to cell: no estimate is an outlier by that."""


def smooth_field(
    estimates: np.ndarray, errors: np.ndarray, *, mean: float, spread: float, length: float, rounds: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the likeliest field and its standard error.

    Parameters
    ----------
    estimates : ndarray, shape (rows, columns), float64
        NaN where there is none.
    errors : ndarray, shape (rows, columns), float64
        Standard errors of the estimates.
    mean : float
        Of the field far from all estimates.
    spread : float
        Standard deviation of the field about it.
    length : float
        Cells over which departures resemble each other.
    rounds : int
        How often the weights of estimates are found anew.

    Returns
    -------
    field, error : ndarray, shape (rows, columns), float64
    """
    turned = estimates.shape[0] < estimates.shape[1]
    if turned:  # the band is as wide as a row
        estimates, errors = estimates.T, errors.T
    shape = estimates.shape
    known = np.isfinite(estimates)
    departures = np.where(known, estimates - mean, 0.0).ravel()
    precision = np.where(known, 1.0 / np.where(known, errors, 1.0) ** 2, 0.0).ravel()
    structure = _structure(shape, spread, length)
    scale = ROBUST * np.sqrt(1.0 / np.maximum(precision, 1e-12) + (FINE_SHARE * spread) ** 2)
    field = departures
    for _ in range(rounds if known.any() else 1):
        weights = np.minimum(1.0, scale / np.maximum(np.abs(departures - field), 1e-12))
        matrix = structure.copy()
        matrix[:, -1] += weights * precision
        factorise(matrix)
        field = weights * precision * departures
        solve_factorised(matrix, field)
    result = (mean + field).reshape(shape)
    error = np.sqrt(inverse_diagonal(matrix)).reshape(shape)
    return (result.T, error.T) if turned else (result, error)


def _structure(shape: tuple[int, int], spread: float, length: float) -> np.ndarray:
    """Return the precision of the field without estimates, banded (cells, columns + 1)."""
    rows, columns = shape
    # of a first-order field the variance is about ln(32 length^2) / (4 pi) over the precision of differences
    stiffness = np.log(32.0 * length**2) / (4.0 * np.pi) / spread**2
    neighbours = np.zeros(shape)
    neighbours[1:] += 1
    neighbours[:-1] += 1
    neighbours[:, 1:] += 1
    neighbours[:, :-1] += 1
    matrix = np.zeros((rows * columns, columns + 1))
    matrix[:, -1] = (stiffness * (neighbours + 1.0 / length**2)).ravel()
    left = np.full(shape, -stiffness)
    left[:, 0] = 0.0
    matrix[:, -2] += left.ravel()
    matrix[columns:, 0] += -stiffness
    return matrix
