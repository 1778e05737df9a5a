"""Rectangles of pixels in a grid."""

from __future__ import annotations

from dataclasses import dataclass

from levelworks.ard.scene import ImageGrid


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels: its first row and column, and how many there are."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def bottom(self) -> int:
        """Return the row after the last."""
        return self.row + self.rows

    @property
    def right(self) -> int:
        """Return the column after the last."""
        return self.column + self.columns

    def of(self, grid: ImageGrid) -> ImageGrid:
        """Return the grid of the rectangle's pixels."""
        west = grid.west + self.column * grid.resolution
        north = grid.north - self.row * grid.resolution
        return ImageGrid(grid.crs, west, north, grid.resolution, self.rows, self.columns)


def whole(grid: ImageGrid) -> Window:
    """Return all of a grid."""
    return Window(0, 0, grid.rows, grid.columns)
