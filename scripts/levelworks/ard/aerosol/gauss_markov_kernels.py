"""Banded matrices: factor, solution, and diagonal of the inverse, for mean and variance of a Gauss-Markov field."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def factorise(matrix: np.ndarray) -> None:
    """Turn a banded positive definite matrix into its Cholesky factor, in place.

    Parameters
    ----------
    matrix : ndarray, shape (size, band + 1), float64
        Row i holds the elements (i, i - band) to (i, i); those left of the matrix are not read.
    """
    size, width = matrix.shape
    band = width - 1
    for i in range(size):
        for j in range(max(0, i - band), i + 1):
            total = matrix[i, j - i + band]
            for k in range(max(0, i - band), j):
                total -= matrix[i, k - i + band] * matrix[j, k - j + band]
            if j < i:
                matrix[i, j - i + band] = total / matrix[j, band]
            else:
                matrix[i, band] = np.sqrt(total)


@njit(nogil=True, cache=True)
def solve_factorised(factor: np.ndarray, values: np.ndarray) -> None:
    """Solve for the right-hand side, in place (size,)."""
    size, width = factor.shape
    band = width - 1
    for i in range(size):
        total = values[i]
        for k in range(max(0, i - band), i):
            total -= factor[i, k - i + band] * values[k]
        values[i] = total / factor[i, band]
    for i in range(size - 1, -1, -1):
        values[i] /= factor[i, band]
        for k in range(max(0, i - band), i):
            values[k] -= factor[i, k - i + band] * values[i]


@njit(nogil=True, cache=True)
def inverse_diagonal(factor: np.ndarray) -> np.ndarray:
    """Return the diagonal of the inverse by the recursion of Takahashi et al. (1973).

    Parameters
    ----------
    factor : ndarray, shape (size, band + 1), float64
        As `factorise` leaves it.

    Returns
    -------
    ndarray, shape (size,), float64
    """
    size, width = factor.shape
    band = width - 1
    inverse = np.zeros((size, 2 * band + 1))  # row i holds the elements (i, i - band) to (i, i + band)
    column = np.empty(band)
    diagonal = np.empty(size)
    for j in range(size - 1, -1, -1):
        last = min(size - 1, j + band)
        pivot = factor[j, band]
        for k in range(j + 1, last + 1):
            column[k - j - 1] = factor[k, j - k + band] / pivot
        for i in range(last, j, -1):
            total = 0.0
            first = j + 1 - i + band
            for k in range(last - j):
                total += column[k] * inverse[i, first + k]
            inverse[i, j - i + band] = -total
            inverse[j, i - j + band] = -total
        total = 1.0 / pivot**2
        for k in range(last - j):
            total -= column[k] * inverse[j, band + 1 + k]
        inverse[j, band] = total
        diagonal[j] = total
    return diagonal
