"""Fields of an image: means of pixels in their cells, missing cells filled, values at pixels."""

from __future__ import annotations

import numpy as np

from levelworks.ard.field_kernels import expand
from levelworks.ard.scene import ImageGrid, field_step


def rows_of(field: np.ndarray, grid: ImageGrid, start: int, stop: int) -> np.ndarray:
    """Return a field at the pixels of the rows start to stop, shape (stop - start, columns), float32."""
    rows = np.empty((stop - start, grid.columns), np.float32)
    expand(np.ascontiguousarray(field, np.float32), field_step(grid), start, rows)
    return rows


def fill_missing(field: np.ndarray) -> np.ndarray:
    """Return a field whose NaN cells have the value of the nearest cell with one; all NaN stays all NaN."""
    missing = ~np.isfinite(field)
    if not missing.any() or missing.all():
        return field
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(field[tuple(nearest)])


def cell_means(values: np.ndarray, step: int) -> np.ndarray:
    """Return the mean of the finite pixels in each cell, NaN where there is none.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Rows begin at the edge of a cell; the last cells may be cut.
    """
    rows, columns = -(-values.shape[0] // step), -(-values.shape[1] // step)
    padded = np.full((rows * step, columns * step), np.nan, np.float64)
    padded[: values.shape[0], : values.shape[1]] = values
    cells = padded.reshape(rows, step, columns, step)
    known = np.isfinite(cells)
    counts = known.sum(axis=(1, 3))
    sums = np.where(known, cells, 0.0).sum(axis=(1, 3))
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
