"""Bring tiles together: one shift of whole cycles for each region of each tile, and no seam through a dispute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.optimize import linprog

from levelworks.core.outcome import LevelworksError
from levelworks.insar.unwrapping.tiles import Tile
from levelworks.insar.unwrapping.unwrap_tiles import TileCycles


@dataclass(frozen=True)
class MergedTiles:
    """Cycles of the whole image (int32), and the share of overlapping pixels at which tiles disagree when shifted."""

    cycles: np.ndarray
    disagreement: float


def merge_tiles(tiles: Sequence[Tile], parts: Sequence[TileCycles], shape: tuple[int, int]) -> MergedTiles:
    """Merge the cycles of overlapping tiles.

    Shifts have the least sum of absolute differences over all pixels that two tiles share. The seam is the middle of
    an overlap, but a connected patch that two tiles see differently comes whole from the one that has more of it.

    Parameters
    ----------
    tiles : sequence of Tile
        In the order of `plan_tiles`.
    parts : sequence of TileCycles
        Of each tile.
    shape : tuple of int
        Of the image.
    """
    shifts = _shifts(tiles, parts)
    cycles, owned = np.zeros(shape, np.int32), np.zeros(shape, np.bool_)
    apart = shared = 0
    for tile, part, shift in zip(tiles, parts, shifts, strict=True):
        mine, there = part.cycles + shift[part.regions], part.regions > 0
        canvas, taken = cycles[tile.window], owned[tile.window]
        both = there & taken
        difference = np.where(both, mine - canvas, 0)
        apart += int(np.count_nonzero(difference))
        shared += int(np.count_nonzero(both))
        use = there & (~taken | _inner(tile, tiles))
        patches, count = ndimage.label(difference != 0)
        if count:
            share = ndimage.mean(use, patches, np.arange(1, count + 1))
            whole = np.concatenate([[False], np.asarray(share) > 0.5])
            use = np.where(patches > 0, whole[patches], use)
        canvas[use] = mine[use]
        taken |= there
    return MergedTiles(cycles, apart / max(shared, 1))


def _inner(tile: Tile, tiles: Sequence[Tile]) -> np.ndarray:
    """Return where a tile is beyond the middle of its overlaps with the tiles above and to the left."""
    ends = {(other.row, other.column): other for other in tiles}
    inner = np.ones([span[1] - span[0] for span in (tile.rows, tile.columns)], np.bool_)
    above, left = ends.get((tile.row - 1, tile.column)), ends.get((tile.row, tile.column - 1))
    if above:
        inner[: (above.rows[1] - tile.rows[0]) // 2] = False
    if left:
        inner[:, : (left.columns[1] - tile.columns[0]) // 2] = False
    return inner


def _shifts(tiles: Sequence[Tile], parts: Sequence[TileCycles]) -> list[np.ndarray]:
    """Return the cycles to add to each region of each tile; index 0, no data, is 0."""
    counts = [int(part.regions.max(initial=0)) for part in parts]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64) - 1
    seen = [
        _differences(tiles[a], parts[a], tiles[b], parts[b]) + np.array([[first[a]], [first[b]], [0], [0]])
        for a in range(len(tiles))
        for b in range(a + 1, len(tiles))
        if _meet(tiles[a], tiles[b])
    ]
    rows = np.concatenate(seen, axis=1) if seen else np.zeros((4, 0), np.int64)
    found = _least_absolute(rows, int(first[-1]) + 1)
    return [np.concatenate([[0], found[first[k] + 1 : first[k + 1] + 1]]).astype(np.int32) for k in range(len(tiles))]


def _meet(one: Tile, two: Tile) -> bool:
    """Return whether two tiles share pixels."""
    spans = ((one.rows, two.rows), (one.columns, two.columns))
    return all(max(a[0], b[0]) < min(a[1], b[1]) for a, b in spans)


def _differences(one: Tile, first: TileCycles, two: Tile, second: TileCycles) -> np.ndarray:
    """Return regions of the two tiles, their difference of cycles, and of how many pixels, one column for each."""
    rows = max(one.rows[0], two.rows[0]), min(one.rows[1], two.rows[1])
    columns = max(one.columns[0], two.columns[0]), min(one.columns[1], two.columns[1])
    a, b = (
        (slice(rows[0] - tile.rows[0], rows[1] - tile.rows[0]), slice(columns[0] - left, columns[1] - left))
        for tile, left in ((one, one.columns[0]), (two, two.columns[0]))
    )
    both = (first.regions[a] > 0) & (second.regions[b] > 0)
    keys = np.stack(
        [first.regions[a][both], second.regions[b][both], first.cycles[a][both] - second.cycles[b][both]]
    ).astype(np.int64)
    values, pixels = np.unique(keys, axis=1, return_counts=True)
    return np.concatenate([values, pixels[None, :]])


def _least_absolute(rows: np.ndarray, unknowns: int) -> np.ndarray:
    """Return whole x with the least sum of ``n |x_b - x_a - d|``; 0 at the first of all that are connected.

    A linear programme whose matrix is that of a network: its corners are whole numbers.
    """
    count = rows.shape[1]
    if not count:
        return np.zeros(unknowns, np.int64)
    a, b, apart, pixels = rows
    line = np.arange(count)
    difference = sparse.csr_array(
        (np.repeat([-1.0, 1.0], count), (np.tile(line, 2), np.concatenate([a, b]))), (count, unknowns)
    )
    identity = sparse.eye_array(count, format="csr")
    links = sparse.csr_array((np.ones(count), (a, b)), (unknowns, unknowns))
    _, group = sparse.csgraph.connected_components(links, directed=False)
    fixed = np.unique(group, return_index=True)[1]
    bounds = np.full((unknowns + 2 * count, 2), [0.0, np.inf])
    bounds[:unknowns] = -np.inf, np.inf
    bounds[fixed] = 0.0
    solution = linprog(
        np.concatenate([np.zeros(unknowns), pixels, pixels]),
        A_eq=sparse.hstack([difference, -identity, identity], format="csr"),
        b_eq=apart.astype(float),
        bounds=bounds,
        method="highs",
    )
    if not solution.success:
        raise LevelworksError(f"the shifts of {unknowns} regions of tiles were not found: {solution.message}")
    return np.round(solution.x[:unknowns]).astype(np.int64)
