"""The dense grid of patches on the radar grid of a frame, and which burst each of them is taken from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.displacement.dense_offsets import PatchLayout
from levelworks.insar.mosaic.mosaic import Mosaic, Placement


@dataclass(frozen=True)
class PatchGrid:
    """Patches whose middles lie at every so many lines and samples of a frame's radar grid.

    Parameters
    ----------
    layout : PatchLayout
    extent : tuple of int
        Lines and samples of the radar grid.
    """

    layout: PatchLayout
    extent: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the rows and columns of patches."""
        rows, columns = (max(size // step, 1) for size, step in zip(self.extent, self.layout.steps, strict=True))
        return rows, columns

    def middles(self, axis: int, numbers: np.ndarray) -> np.ndarray:
        """Return the lines (axis 0) or samples (1) in the middle of patches by row or column, whole or not."""
        return np.asarray((np.asarray(numbers, np.float64) + 0.5) * self.layout.steps[axis] - 0.5)

    def numbers(self, axis: int, places: np.ndarray) -> np.ndarray:
        """Return the rows or columns, whole at the middles of patches, at lines or samples."""
        return np.asarray((places + 0.5) / self.layout.steps[axis] - 0.5)

    def first(self, axis: int, number: int) -> int:
        """Return the first line or sample of a row or column of patches."""
        return number * self.layout.steps[axis] + (self.layout.steps[axis] - self.layout.window[axis]) // 2

    def part_of(self, place: Placement) -> tuple[range, range]:
        """Return the rows and columns of patches whose middles lie where a burst is taken."""
        parts = []
        for axis, (start, stop) in enumerate((place.lines, place.samples)):
            numbers = self.numbers(axis, np.array([start - 0.5, stop - 0.5]))
            first, last = (int(number) for number in np.ceil(numbers))
            parts.append(range(max(first, 0), min(last, self.shape[axis])))
        return parts[0], parts[1]


def patch_grid(mosaic: Mosaic, layout: PatchLayout) -> PatchGrid:
    """Return the grid of patches on a frame's radar grid."""
    rows, columns = (count * looks for count, looks in zip(mosaic.shape, mosaic.looks, strict=True))
    return PatchGrid(layout, (rows, columns))
