"""Compiled graph of loops and edges of a phase image (Costantini 1998, doi:10.1109/36.673674).

Nodes are loops of four pixels; an edge between two valid neighbours is an arc between the two loops beside it. Loops
that touch a pixel without data are one node with all such loops that they reach without crossing an arc: a hole, and
the outside of the image, take and give cycles freely, and no phase has to be invented there.
"""

from __future__ import annotations

import numpy as np
from numba import njit

CYCLE = 2 * np.pi


@njit(cache=True, nogil=True)
def wrap_edges(phase: np.ndarray, valid: np.ndarray, cycles: np.ndarray) -> None:
    """Write the cycles that bring each difference between neighbours into -pi to pi.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Wrapped, rad.
    valid : ndarray, shape (rows, columns), bool
    cycles : ndarray, shape (2, rows, columns), int32
        First to the right neighbour, then to the one below; 0 where there is no edge.
    """
    rows, columns = phase.shape
    for i in range(rows):
        for j in range(columns):
            cycles[0, i, j] = cycles[1, i, j] = 0
            if not valid[i, j]:
                continue
            if j + 1 < columns and valid[i, j + 1]:
                cycles[0, i, j] = -round((np.float64(phase[i, j + 1]) - np.float64(phase[i, j])) / CYCLE)
            if i + 1 < rows and valid[i + 1, j]:
                cycles[1, i, j] = -round((np.float64(phase[i + 1, j]) - np.float64(phase[i, j])) / CYCLE)


@njit(cache=True, nogil=True)
def _root(parent, node):  # type: ignore[no-untyped-def]
    """Return the representative of a node, and shorten the way to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True, nogil=True)
def _edge(valid, kind, i, j):  # type: ignore[no-untyped-def]
    """Return whether a pixel and its neighbour (0 right, 1 below) are both valid."""
    a, b = (i, j + 1) if kind == 0 else (i + 1, j)
    rows, columns = valid.shape
    return i >= 0 and j >= 0 and a < rows and b < columns and valid[i, j] and valid[a, b]


@njit(cache=True, nogil=True)
def join_loops(valid: np.ndarray) -> np.ndarray:
    """Return the node of each loop: itself, or the first loop of the hole that it lies in.

    Parameters
    ----------
    valid : ndarray, shape (rows, columns), bool

    Returns
    -------
    ndarray, shape ((rows + 1) * (columns + 1),), int32
        Loop (i, j) lies between the pixels (i - 1, j - 1) and (i, j).
    """
    rows, columns = valid.shape
    width = columns + 1
    parent = np.arange((rows + 1) * width).astype(np.int32)
    for i in range(rows + 1):
        for j in range(columns + 1):
            here = i * width + j
            # To the loop on the right, across the edge from pixel (i - 1, j) down; to the loop below, across the
            # edge from pixel (i, j - 1) to the right.
            if j < columns and not _edge(valid, 1, i - 1, j):
                a, b = _root(parent, here), _root(parent, here + 1)
                parent[max(a, b)] = min(a, b)
            if i < rows and not _edge(valid, 0, i, j - 1):
                a, b = _root(parent, here), _root(parent, here + width)
                parent[max(a, b)] = min(a, b)
    for node in range(parent.size):
        parent[node] = _root(parent, node)
    return parent


@njit(cache=True, nogil=True)
def build_graph(
    valid: np.ndarray, node: np.ndarray, cycles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the arcs of each node, and the cycles that each node has too many.

    Parameters
    ----------
    valid : ndarray, shape (rows, columns), bool
    node : ndarray, int32
        Of each loop, from `join_loops`.
    cycles : ndarray, shape (2, rows, columns), int32
        From `wrap_edges`.

    Returns
    -------
    start : ndarray, shape (loops + 1,), int32
        Where the arcs of a node begin.
    arcs : ndarray, int32
        Twice the flat index of the edge, plus 1 where a unit that leaves the node takes a cycle off the edge.
    heads : ndarray, int32
        The node at the other end.
    excess : ndarray, shape (loops,), int32
        Sum of the cycles around each node, clockwise.
    """
    rows, columns = valid.shape
    width = columns + 1
    loops = node.size
    start, excess = np.zeros(loops + 1, np.int32), np.zeros(loops, np.int32)
    arcs, heads = np.empty(0, np.int32), np.empty(0, np.int32)
    fill = np.empty(0, np.int32)
    for count in (True, False):
        for kind in range(2):
            for i in range(rows):
                for j in range(columns):
                    if not _edge(valid, kind, i, j):
                        continue
                    if kind == 0:
                        tail, head = node[i * width + j + 1], node[(i + 1) * width + j + 1]
                    else:
                        tail, head = node[(i + 1) * width + j + 1], node[(i + 1) * width + j]
                    if tail == head:
                        continue
                    if count:
                        start[tail + 1] += 1
                        start[head + 1] += 1
                        excess[head] += cycles[kind, i, j]
                        excess[tail] -= cycles[kind, i, j]
                        continue
                    edge = 2 * ((kind * rows + i) * columns + j)
                    arcs[fill[tail]], heads[fill[tail]] = edge, head
                    arcs[fill[head]], heads[fill[head]] = edge + 1, tail
                    fill[tail] += 1
                    fill[head] += 1
        if count:
            for k in range(loops):
                start[k + 1] += start[k]
            fill = start[:-1].copy()
            arcs, heads = np.empty(start[loops], np.int32), np.empty(start[loops], np.int32)
    return start, arcs, heads, excess


@njit(cache=True, nogil=True)
def integrate_cycles(valid: np.ndarray, cycles: np.ndarray, pixels: np.ndarray, regions: np.ndarray) -> int:
    """Sum cycles along edges from the first pixel of each connected region; return how many regions there are.

    Parameters
    ----------
    valid : ndarray, shape (rows, columns), bool
    cycles : ndarray, shape (2, rows, columns), int32
        Of edges, without residues.
    pixels : ndarray, shape (rows, columns), int32
        Cycles of each pixel, 0 at a region's first.
    regions : ndarray, shape (rows, columns), int32
        Number of the region of each pixel, from 1 in the order of their first pixels; 0 where there is no data.
    """
    rows, columns = valid.shape
    regions[:] = 0
    pixels[:] = 0
    waiting = np.empty(rows * columns, np.int32)
    number = 0
    for first in range(rows * columns):
        if not valid[first // columns, first % columns] or regions[first // columns, first % columns]:
            continue
        number += 1
        regions[first // columns, first % columns] = number
        waiting[0] = first
        size = 1
        while size:
            size -= 1
            i, j = waiting[size] // columns, waiting[size] % columns
            for side in range(4):
                a, b = i + (side == 0) - (side == 1), j + (side == 2) - (side == 3)
                if not (0 <= a < rows and 0 <= b < columns) or not valid[a, b] or regions[a, b]:
                    continue
                step = cycles[1 if side < 2 else 0, min(i, a), min(j, b)]
                pixels[a, b] = pixels[i, j] + (step if side in (0, 2) else -step)
                regions[a, b] = number
                waiting[size] = a * columns + b
                size += 1
    return number
