"""Compiled loops of total-variation denoising on fields with gaps."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def total_variation(
    field: np.ndarray, valid: np.ndarray, weight: float, tolerance: float, iterations: int, result: np.ndarray
) -> int:
    """Minimise ``sum((u - f)^2) / 2 + weight * TV(u)`` by Chambolle's fixed-point iteration of the dual field.

    Differences to a pixel outside of ``valid`` count as none: a gap is the border of the domain, so that nothing
    passes through it. One pass over memory an iteration: row i of the dual field needs the primal rows i and i + 1,
    which are made from what the rows held before.

    Parameters
    ----------
    field : ndarray, shape (rows, columns), float32
        Finite everywhere; what stands in gaps has no effect.
    valid : ndarray, shape (rows, columns), float32
        1, or 0 in gaps.
    tolerance : float
        Iterations end where the energy changes by less than this part of its first value.
    result : ndarray, shape (rows, columns), float32
        The denoised field; ``field`` itself in gaps.

    Returns
    -------
    int
        The number of iterations.

    References
    ----------
    Chambolle 2004, J. Math. Imaging Vis. 20, 89, equation 9 (time step 1/4).
    """
    rows, columns = field.shape
    down = np.zeros((rows, columns), dtype=np.float32)
    right = np.zeros((rows, columns), dtype=np.float32)
    none = np.zeros(columns, dtype=np.float32)
    here = np.zeros(columns, dtype=np.float32)
    below = np.zeros(columns, dtype=np.float32)
    shift = np.empty(columns, dtype=np.float32)
    a = np.empty(columns, dtype=np.float32)
    b = np.zeros(columns, dtype=np.float32)
    norm = np.empty(columns, dtype=np.float32)
    energies = np.empty(columns, dtype=np.float32)
    step = np.float32(0.25)
    strength = np.float32(weight)
    slope = np.float32(0.25 / weight)
    one = np.float32(1.0)
    first = previous = 0.0
    done = 0
    # The inner loops are short and many because loops over few arrays are what compilers turn into vector code.
    for iteration in range(iterations):
        energies[:] = np.float32(0.0)
        for i in range(-1, rows):
            if i + 1 < rows:  # the primal row i + 1, from the dual field of the iteration before
                f, d, r = field[i + 1], down[i + 1], right[i + 1]
                above = down[i] if i >= 0 else none
                for j in range(columns):
                    shift[j] = above[j] - d[j] - r[j]
                for j in range(columns - 1):
                    shift[j + 1] += r[j]
                for j in range(columns):
                    below[j] = f[j] + shift[j]
                    energies[j] += shift[j] * shift[j]
            if i >= 0:
                d, r, v = down[i], right[i], valid[i]
                w = valid[i + 1] if i + 1 < rows else none
                for j in range(columns):
                    a[j] = (below[j] - here[j]) * v[j] * w[j]
                for j in range(columns - 1):
                    b[j] = (here[j + 1] - here[j]) * v[j] * v[j + 1]
                for j in range(columns):
                    norm[j] = np.sqrt(a[j] * a[j] + b[j] * b[j])
                for j in range(columns):
                    energies[j] += strength * norm[j]
                    norm[j] = one / (slope * norm[j] + one)
                for j in range(columns):
                    d[j] = (d[j] - step * a[j]) * norm[j]
                for j in range(columns):
                    r[j] = (r[j] - step * b[j]) * norm[j]
            here, below = below, here
        energy = 0.0
        for j in range(columns):
            energy += energies[j]
        done = iteration + 1
        if iteration == 0:
            first = previous = energy
        elif abs(previous - energy) < tolerance * first:
            break
        else:
            previous = energy
    for i in range(rows):
        for j in range(columns):
            value = field[i, j] - down[i, j] - right[i, j]
            if i > 0:
                value += down[i - 1, j]
            if j > 0:
                value += right[i, j - 1]
            result[i, j] = value
    return done
