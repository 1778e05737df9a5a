"""Clouds as objects on cells of 60 m, and the pieces of them that each have one height."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.masks.object_kernels import (
    count_by_label,
    label_objects,
    number_pieces,
    order_cells,
    select_labels,
    sum_by_label,
)
from levelworks.ard.masks.settings import OBJECT_SIZE

PIECE_SIZE = 6000.0
"""Metres: what is larger is cut along a grid, for one height is not true of it all."""
SMALL = 9
"""Cells of a piece below which it shares a height with the others of its deck and square of the grid."""
MOST_OBJECTS = 20000
"""Objects that have heights of their own, which bounds memory: where there are more, the smallest share theirs."""
DECKS = 64
"""Numbers by which decks of clouds are told apart."""
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
    labels, number = label_objects(counts > 0)
    large = sum_by_label(labels, number, counts) >= pixels
    large[0] = False
    return select_labels(labels, large)


def sure_objects(probability: np.ndarray, cloudy: np.ndarray, least: float) -> np.ndarray:
    """Return where cells belong to an object whose mean probability, percent, is at least a value, bool."""
    labels, number = label_objects(cloudy)
    sure = sum_by_label(labels, number, probability) >= least * count_by_label(labels, number)
    sure[0] = False
    return select_labels(labels, sure)


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
        sums = np.add.reduceat(values[self.rows, self.columns], self.starts[:-1], dtype=np.int64)
        return sums / self.sizes


def cut_pieces(cloudy: np.ndarray, decks: np.ndarray | None = None) -> Pieces:
    """Cut cloudy cells into pieces: objects, large ones along a grid, small ones of a square of it together.

    Parameters
    ----------
    cloudy : ndarray of bool, shape (rows, columns)
    decks : ndarray, shape (rows, columns), uint8, optional
        Below `DECKS`: cells of different numbers belong to different pieces, for decks of different height touch.
    """
    tile = round(PIECE_SIZE / OBJECT_SIZE)
    labels, number = label_objects(cloudy)
    kinds = 1 if decks is None else int(decks.max(initial=0)) + 1
    without = np.zeros((0, 0), np.uint8)
    sizes, small = count_by_label(labels, number), SMALL
    while np.count_nonzero(sizes[1:] >= small) > MOST_OBJECTS:
        small *= 2
    largest = number_pieces(labels, sizes, without if decks is None else decks, kinds, tile, small, tile * tile)
    return Pieces(*order_cells(labels, largest))
