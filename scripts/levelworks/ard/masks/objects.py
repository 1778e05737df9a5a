"""Clouds as objects on cells of 60 m, and the pieces of them that each have one height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.settings import OBJECT_SIZE

NEIGHBOURS = np.ones((3, 3), bool)
PIECE_SIZE = 6000.0
"""Metres: what is larger is cut along a grid, for one height is not true of it all."""
SMALL = 9
"""Cells of an object below which it shares a height with the others of its square of the grid."""
SMALLEST = 4500.0
"""Square metres of the smallest cloud: five pixels of Landsat."""


def remove_small(counts: np.ndarray, pixels: float) -> np.ndarray:
    """Return where cells belong to an object of at least a number of pixels.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns), uint8
        Cloudy pixels of each cell; cells with any are connected in eight directions.
    pixels : float

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    labels, number = ndimage.label(counts > 0, NEIGHBOURS)
    sizes = np.bincount(labels.ravel(), weights=counts.ravel(), minlength=number + 1)
    large = sizes >= pixels
    large[0] = False
    return large[labels]


def mean_by_object(values: np.ndarray, cloudy: np.ndarray) -> np.ndarray:
    """Return at each cloudy cell the mean of values over its object, float32; zero elsewhere."""
    labels, number = ndimage.label(cloudy, NEIGHBOURS)
    flat = labels.ravel()
    sums = np.bincount(flat, weights=values.ravel(), minlength=number + 1)
    means = (sums / np.maximum(np.bincount(flat, minlength=number + 1), 1)).astype(np.float32)
    means[0] = 0.0
    return means[labels]


@dataclass(frozen=True)
class Pieces:
    """Pieces of clouds: cells of piece i are ``rows[starts[i]:starts[i + 1]]`` and so on, row after row."""

    starts: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    @property
    def number(self) -> int:
        """Return the number of pieces."""
        return self.starts.size - 1

    @property
    def sizes(self) -> np.ndarray:
        """Return the cells of each piece."""
        return np.diff(self.starts)

    def mean_of(self, values: np.ndarray) -> np.ndarray:
        """Return the mean over the cells of each piece of a raster of cells."""
        sums = np.add.reduceat(values[self.rows, self.columns].astype(np.float64), self.starts[:-1])
        return sums / self.sizes

    def spread(self, values: np.ndarray, raster: np.ndarray) -> None:
        """Set the cells of each piece in a raster to the piece's value."""
        raster[self.rows, self.columns] = np.repeat(values, self.sizes)


def order_by_label(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the cells of labels 1, 2, ... start, and the rows and columns of the cells, int32."""
    rows, columns = (part.astype(np.int32) for part in np.nonzero(labels))
    label = labels[rows, columns]
    order = np.argsort(label, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(label)[1:])]).astype(np.int64)
    return starts, rows[order], columns[order]


def cut_pieces(cloudy: np.ndarray) -> Pieces:
    """Cut cloudy cells into pieces: objects, large ones along a grid, small ones of a square of it together."""
    tile = round(PIECE_SIZE / OBJECT_SIZE)
    labels, number = ndimage.label(cloudy, NEIGHBOURS)
    rows, columns = (part.astype(np.int32) for part in np.nonzero(labels))
    label = labels[rows, columns].astype(np.int64)
    del labels
    if not label.size:
        return Pieces(np.zeros(1, np.int64), rows, columns)
    sizes = np.bincount(label, minlength=number + 1)[label]
    across = -(-cloudy.shape[1] // tile)
    square = (rows // tile).astype(np.int64) * across + columns // tile
    squares = square.max() + 1
    # Numbers of pieces: those of small objects by square, then those of each object, large ones by square.
    key = np.where(sizes < SMALL, square, label * squares + np.where(sizes > tile * tile, square, 0) + squares)
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [key.size]]).astype(np.int64)
    return Pieces(starts, rows[order], columns[order])
