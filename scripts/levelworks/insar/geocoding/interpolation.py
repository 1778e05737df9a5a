"""Layers of radar cells on the geographic grid (specs/insar.md 4.15): phasors, values, unwrapped phase.

A lookup is (2, rows, columns) float32: the row and column of radar cells, whole at their centres, at each geographic
cell; NaN where there is none.
"""

from __future__ import annotations

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geocoding.interpolation_kernels import (
    interpolate_phasors,
    interpolate_unwrapped,
    interpolate_values,
)


def geocode_complex(values: np.ndarray, lookup: np.ndarray) -> np.ndarray:
    """Interpolate phasors by cubic convolution, bilinearly beside cells without data.

    Parameters
    ----------
    values : ndarray, shape (n, m), complex64
        On radar cells; 0 or NaN is no data. Of magnitude 1 where phase alone shall count.
    lookup : ndarray, shape (2, rows, columns), float32

    Returns
    -------
    ndarray, shape (rows, columns), complex64
        0 where cells without data have half of the weight or more.
    """
    rows, columns = _places(lookup)
    result = np.empty(rows.size, np.complex64)
    interpolate_phasors(np.ascontiguousarray(values, np.complex64), rows, columns, result)
    return result.reshape(lookup.shape[1:])


def geocode_values(
    values: np.ndarray, lookup: np.ndarray, limits: tuple[float, float] = (-np.inf, np.inf)
) -> np.ndarray:
    """Interpolate values as phasors and keep them within limits.

    Parameters
    ----------
    values : ndarray, shape (n, m), float32
        On radar cells; NaN is no data.
    lookup : ndarray, shape (2, rows, columns), float32
    limits : tuple of float
        Beyond which cubic convolution may not swing.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        NaN where cells without data have half of the weight or more.
    """
    rows, columns = _places(lookup)
    result = np.empty(rows.size, np.float32)
    bounds = float(limits[0]), float(limits[1])
    interpolate_values(np.ascontiguousarray(values, np.float32), rows, columns, bounds, result)
    return result.reshape(lookup.shape[1:])


def geocode_unwrapped(phase: np.ndarray, components: np.ndarray, lookup: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate unwrapped phase within components, and take the nearest cell where they meet.

    Parameters
    ----------
    phase : ndarray, shape (n, m), float32
        rad, NaN is no data; at least two cells each way.
    components : ndarray, shape (n, m), uint16
        0 for none.
    lookup : ndarray, shape (2, rows, columns), float32

    Returns
    -------
    phase : ndarray, shape (rows, columns), float32
    components : ndarray, shape (rows, columns), uint16

    Raises
    ------
    InvalidInput
        Where shapes differ, or there are fewer than two cells along an axis.
    """
    if phase.shape != components.shape or min(phase.shape) < 2:
        raise InvalidInput(f"phase {phase.shape} and components {components.shape} are not of one image of two cells")
    rows, columns = _places(lookup)
    result, labels = np.empty(rows.size, np.float32), np.empty(rows.size, np.uint16)
    interpolate_unwrapped(
        np.ascontiguousarray(phase, np.float32),
        np.ascontiguousarray(components, np.uint16),
        rows,
        columns,
        result,
        labels,
    )
    return result.reshape(lookup.shape[1:]), labels.reshape(lookup.shape[1:])


def _places(lookup: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (np.ascontiguousarray(axis, np.float32).ravel() for axis in lookup)
    return rows, columns
