"""Rasters of a frame reduced for pictures: by strips, phases as complex numbers, without blocks that are half empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput

STRIP_PIXELS = 1 << 22
"""Pixels that are read at once."""


@dataclass(frozen=True)
class GeoGrid:
    """A geographic grid: bounds (degrees; rows go south) and the shape in rows and columns."""

    west: float
    south: float
    east: float
    north: float
    shape: tuple[int, int]


def grid_of(file: Any) -> GeoGrid:
    """Return the grid of an open raster.

    Raises
    ------
    InvalidInput
        Where it is not north up.
    """
    transform = file.transform
    if transform.b or transform.d or transform.e >= 0 or transform.a <= 0:
        raise InvalidInput(f"{file.name} is not north up: run geocode again")
    bounds = file.bounds
    return GeoGrid(bounds.left, bounds.bottom, bounds.right, bounds.top, (file.height, file.width))


def read_reduced(
    path: Path, factors: tuple[int, int], reduce: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
) -> np.ndarray:
    """Read a raster's first band by strips of whole blocks and reduce each.

    Parameters
    ----------
    path : Path
    factors : tuple of int
        Rows and columns of a block.
    reduce : callable
        `mean_phase` or `mean_value`; takes values with NaN where there are none.

    Returns
    -------
    ndarray, float32
        NaN where half a block or less has values.
    """
    import rasterio
    from rasterio.windows import Window

    parts = []
    with rasterio.open(path) as file:
        step = max(1, STRIP_PIXELS // file.width // factors[0]) * factors[0]
        for start in range(0, file.height, step):
            rows = min(step, file.height - start)
            values = file.read(1, window=Window(0, start, file.width, rows))
            parts.append(reduce(with_gaps(values, file.nodata), factors))
    return np.concatenate(parts)


def with_gaps(values: np.ndarray, nodata: float | None) -> np.ndarray:
    """Return values as float32 with NaN in place of nodata; of whole numbers 0 is none."""
    whole = np.issubdtype(values.dtype, np.integer)
    none = nodata if nodata is not None else (0 if whole else None)
    real = values.astype(np.float32)
    if none is not None and np.isfinite(none):
        real[values == none] = np.nan
    return real


def mean_value(values: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Average blocks; NaN where half of one or less has values."""
    if factors == (1, 1):
        return values
    present = np.isfinite(values)
    total = _block_sums(np.where(present, values, 0).astype(np.float64), factors)
    return _where_enough(total, _block_sums(present.astype(np.float64), factors), values.shape, factors)


def mean_phase(values: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Return the phase of the mean phasor of blocks; NaN where half of one or less has values."""
    if factors == (1, 1):
        return values
    present = np.isfinite(values)
    phasor = np.where(present, np.exp(1j * np.where(present, values, 0)), 0)
    number = _block_sums(present.astype(np.float64), factors)
    return _where_enough(np.angle(_block_sums(phasor, factors)) * np.maximum(number, 1), number, values.shape, factors)


def _where_enough(
    total: np.ndarray, number: np.ndarray, shape: tuple[int, ...], factors: tuple[int, int]
) -> np.ndarray:
    size = _block_sums(np.ones(shape), factors)
    return np.where(2 * number > size, total / np.maximum(number, 1), np.nan).astype(np.float32)


def _block_sums(values: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    starts: Iterator[np.ndarray] = (
        np.arange(0, size, factor) for size, factor in zip(values.shape, factors, strict=True)
    )
    rows, columns = starts
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
