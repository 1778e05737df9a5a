"""Connected cells, counted and put in order, in memory of a few bytes a cell."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _root(parents: np.ndarray, label: int) -> int:
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = parents[label]
    return label


@njit(cache=True, nogil=True)
def label_objects(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Label what touches in eight directions.

    Returns
    -------
    labels : ndarray, shape (rows, columns), int32
        From 1 on in the order of first cells; zero outside the mask.
    number : int
        Of labels.
    """
    rows, columns = mask.shape
    labels = np.zeros((rows, columns), np.int32)
    parents = np.zeros(1024, np.int32)
    used = 1
    for row in range(rows):
        for column in range(columns):
            if not mask[row, column]:
                continue
            best = 0
            for step in range(4):
                y = row if step == 3 else row - 1
                x = column - 1 if step == 3 else column - 1 + step
                if y < 0 or x < 0 or x >= columns or labels[y, x] == 0:
                    continue
                other = _root(parents, labels[y, x])
                if best == 0:
                    best = other
                elif other != best:
                    low, high = min(best, other), max(best, other)
                    parents[high] = low
                    best = low
            if best == 0:
                if used == parents.size:
                    longer = np.zeros(2 * parents.size, np.int32)
                    longer[:used] = parents
                    parents = longer
                parents[used] = used
                best = used
                used += 1
            labels[row, column] = best
    number = 0
    final = np.zeros(used, np.int32)
    for label in range(1, used):
        if parents[label] == label:
            number += 1
            final[label] = number
    for label in range(1, used):
        final[label] = final[_root(parents, label)]
    for row in range(rows):
        for column in range(columns):
            labels[row, column] = final[labels[row, column]]
    return labels, number


@njit(cache=True, nogil=True)
def sum_by_label(labels: np.ndarray, number: int, values: np.ndarray) -> np.ndarray:
    """Return the sum of values over each label, shape (number + 1,), int64."""
    sums = np.zeros(number + 1, np.int64)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            sums[labels[row, column]] += values[row, column]
    return sums


@njit(cache=True, nogil=True)
def count_by_label(labels: np.ndarray, number: int) -> np.ndarray:
    """Return the cells of each label, shape (number + 1,), int64."""
    counts = np.zeros(number + 1, np.int64)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            counts[labels[row, column]] += 1
    return counts


@njit(cache=True, nogil=True)
def select_labels(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return where the label is one of those chosen, bool; `chosen` has one value per label from 0 on."""
    result = np.zeros(labels.shape, np.bool_)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            result[row, column] = chosen[labels[row, column]]
    return result


@njit(cache=True, nogil=True)
def number_pieces(
    labels: np.ndarray, sizes: np.ndarray, decks: np.ndarray, kinds: int, tile: int, small: int, large: int
) -> int:
    """Turn the labels of objects into those of pieces, in place; return the largest there may be.

    Parameters
    ----------
    labels : ndarray, shape (rows, columns), int32
        From 1 on; zero outside.
    sizes : ndarray, shape (labels + 1,), int64
    decks : ndarray, shape (rows, columns) or (0, 0), uint8
        Below `kinds`.
    tile : int
        Cells along a side of a square.
    small, large : int
        Objects of fewer cells than `small` are one piece with the others of their square and deck; those of more
        than `large` are cut along the squares.
    """
    rows, columns = labels.shape
    across = -(-columns // tile)
    squares = across * (-(-rows // tile))
    place = np.zeros(sizes.size, np.int64)
    used = squares * kinds
    for label in range(1, sizes.size):
        if sizes[label] >= small:
            place[label] = used
            used += kinds * (squares if sizes[label] > large else 1)
    for row in range(rows):
        for column in range(columns):
            label = labels[row, column]
            if label == 0:
                continue
            square = row // tile * across + column // tile
            within = decks[row, column] if decks.size else 0
            if sizes[label] < small or sizes[label] > large:
                within += square * kinds
            labels[row, column] = place[label] + within + 1
    return used


@njit(cache=True, nogil=True)
def order_cells(labels: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cells of labels, label after label and row after row; labels without cells are left out.

    Parameters
    ----------
    number : int
        The largest label.

    Returns
    -------
    starts : ndarray, int64
        Where each begins, and the number of all cells.
    rows, columns : ndarray, int32
    """
    counts = count_by_label(labels, number)
    counts[0] = 0
    starts = np.zeros(np.count_nonzero(counts) + 1, np.int64)
    place = np.zeros(number + 1, np.int64)
    total, found = 0, 0
    for label in range(1, number + 1):
        place[label] = total
        if counts[label]:
            total += counts[label]
            found += 1
            starts[found] = total
    rows, columns = np.empty(total, np.int32), np.empty(total, np.int32)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            label = labels[row, column]
            if label:
                rows[place[label]], columns[place[label]] = row, column
                place[label] += 1
    return starts, rows, columns
