"""Compiled figures of a phase: residues, and how well neighbours agree once their common fringe is off."""

from __future__ import annotations

import numpy as np
from numba import njit

CYCLE = 2 * np.pi


@njit(cache=True, nogil=True)
def count_residues(phase: np.ndarray, valid: np.ndarray, rows: int) -> tuple[int, int]:
    """Count the loops of four neighbours around which the phase does not add up, and all loops.

    Parameters
    ----------
    phase : ndarray, shape (m, n), float32
        Wrapped, rad.
    valid : ndarray, shape (m, n), bool
    rows : int
        Loops that begin in these first rows count.
    """
    residues = loops = 0
    for i in range(min(rows, phase.shape[0] - 1)):
        for j in range(phase.shape[1] - 1):
            if valid[i, j] and valid[i, j + 1] and valid[i + 1, j] and valid[i + 1, j + 1]:
                a, b, c, d = phase[i, j], phase[i, j + 1], phase[i + 1, j + 1], phase[i + 1, j]
                turns = np.rint((b - a) / CYCLE) + np.rint((c - b) / CYCLE)
                turns += np.rint((d - c) / CYCLE) + np.rint((a - d) / CYCLE)
                loops += 1
                residues += 1 if turns != 0.0 else 0
    return residues, loops


@njit(cache=True, nogil=True)
def agree_phases(unit: np.ndarray, reach: int, agreement: np.ndarray) -> None:
    """Write the magnitude of the mean phasor around each pixel, the local fringe taken off.

    Parameters
    ----------
    unit : ndarray, shape (m, n), complex64
        Of magnitude 1; 0 where there is no data.
    reach : int
        Pixels to each side.
    agreement : ndarray, shape (m, n), float32
        NaN where there is no data. A mean is over half the square at least: a pixel alone agrees with nobody.
    """
    rows, columns = unit.shape
    width = columns + 2 * reach
    real, imaginary = np.zeros((2, rows + 2 * reach, width), np.float32)
    for i in range(rows):
        for j in range(columns):
            real[i + reach, j + reach], imaginary[i + reach, j + reach] = unit[i, j].real, unit[i, j].imag
    there = np.empty(width, np.float32)
    work, down, along = (
        np.empty((2, width), np.float32),
        np.empty((2, columns), np.float32),
        np.empty((2, columns), np.float32),
    )
    row, total = np.empty((2, columns), np.float32), np.empty((2, columns), np.float32)
    count = np.empty(columns, np.float32)
    for i in range(rows):
        work[:], there[:] = 0.0, 0.0
        for k in range(i, i + 2 * reach):
            _add_products(real[k + 1], imaginary[k + 1], real[k], imaginary[k], work[0], work[1])
        _sum_beside(work, 2 * reach + 1, down)
        work[:] = 0.0
        for k in range(i, i + 2 * reach + 1):
            _add_products(real[k][1:], imaginary[k][1:], real[k], imaginary[k], work[0], work[1])
            _add_presence(real[k], imaginary[k], there)
        _sum_beside(work, 2 * reach, along)
        _to_unit(down)
        _to_unit(along)
        total[:], count[:] = 0.0, 0.0
        for shift in range(2 * reach + 1):
            _add(there[shift : shift + columns], count)
        for k in range(i + 2 * reach, i - 1, -1):
            row[:] = 0.0
            for m in range(2 * reach, -1, -1):
                span = slice(m, m + columns)
                _turn_and_add(row[0], row[1], along[0], along[1], real[k][span], imaginary[k][span])
            _turn_and_add(total[0], total[1], down[0], down[1], row[0], row[1])
        least = np.float32((2 * reach + 1) ** 2 // 2)
        for j in range(columns):
            size = np.sqrt(total[0, j] * total[0, j] + total[1, j] * total[1, j])
            agreement[i, j] = size / max(count[j], least) if unit[i, j] != 0 else np.nan


@njit(cache=True, nogil=True)
def _add_products(a_real, a_imag, b_real, b_imag, real, imag):  # type: ignore[no-untyped-def]
    """Add the first times the conjugate of the second, as far as both go."""
    for j in range(a_real.size):
        real[j] += a_real[j] * b_real[j] + a_imag[j] * b_imag[j]
        imag[j] += a_imag[j] * b_real[j] - a_real[j] * b_imag[j]


@njit(cache=True, nogil=True)
def _add_presence(real, imag, there):  # type: ignore[no-untyped-def]
    for j in range(there.size):
        there[j] += np.float32(1.0) if (real[j] != 0.0) | (imag[j] != 0.0) else np.float32(0.0)


@njit(cache=True, nogil=True)
def _add(values, total):  # type: ignore[no-untyped-def]
    for j in range(total.size):
        total[j] += values[j]


@njit(cache=True, nogil=True)
def _sum_beside(values, length, total):  # type: ignore[no-untyped-def]
    """Write sums of neighbours; directly, as running sums would depend on where a part begins."""
    total[:] = 0.0
    for part in range(2):
        for shift in range(length):
            _add(values[part][shift : shift + total.shape[1]], total[part])


@njit(cache=True, nogil=True)
def _to_unit(values):  # type: ignore[no-untyped-def]
    """Divide by magnitudes; 1 where that is 0."""
    real, imag = values[0], values[1]
    one = np.float32(1.0)
    for j in range(real.size):
        size = np.sqrt(real[j] * real[j] + imag[j] * imag[j])
        factor = one / max(size, np.float32(1e-30))
        real[j] = real[j] * factor if size > 0.0 else one
        imag[j] *= factor


@njit(cache=True, nogil=True)
def _turn_and_add(real, imag, by_real, by_imag, more_real, more_imag):  # type: ignore[no-untyped-def]
    """Multiply by the conjugate of the second and add the third."""
    for j in range(real.size):
        x = real[j] * by_real[j] + imag[j] * by_imag[j] + more_real[j]
        imag[j] = imag[j] * by_real[j] - real[j] * by_imag[j] + more_imag[j]
        real[j] = x
