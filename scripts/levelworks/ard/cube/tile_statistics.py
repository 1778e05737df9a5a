"""What quality bits say of a tile: how much of it has data, cloud, shadow, snow and water, and where data lie."""

from __future__ import annotations

import math

import numpy as np

from levelworks.ard.cube.projections import transformer
from levelworks.ard.masks.quality import BY_NAME, NO_DATA, Cloud
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid

CELLS = 32
"""Cells along the longer side of a tile that tell where data lie."""
FULL = 8
"""Cells along a side of those by which the outline of a full tile is told."""


class TileStatistics:
    """Counts pixels by their quality bits, as strips of rows come.

    Parameters
    ----------
    pixels : ImageGrid
        Of the whole tile.
    part : Window
        Of it that strips come of.
    """

    def __init__(self, pixels: ImageGrid, part: Window) -> None:
        self.pixels = pixels
        self.part = part
        self.cell = math.ceil(max(pixels.shape) / CELLS)
        self.counts = dict.fromkeys(("valid", "cloud", "clouded", "shadow", "snow", "water"), 0)
        self.filled = np.zeros([math.ceil(size / self.cell) for size in pixels.shape], np.bool_)

    def add(self, start: int, bits: np.ndarray) -> None:
        """Count the rows of quality bits from `start` on, counted in the part; shape (rows, columns)."""
        known = bits != NO_DATA
        state = (bits & BY_NAME["cloud"].mask) >> BY_NAME["cloud"].shift
        shadow = (bits & BY_NAME["shadow"].mask) != 0
        found = {
            "valid": known,
            "cloud": known & (state >= Cloud.CONFIDENT),
            "clouded": known & ((state != Cloud.CLEAR) | shadow),
            "shadow": known & shadow,
            "snow": known & ((bits & BY_NAME["snow"].mask) != 0),
            "water": known & ((bits & BY_NAME["water"].mask) != 0),
        }
        for name, mask in found.items():
            self.counts[name] += int(np.count_nonzero(mask))
        first = self.part.row + start
        columns = np.arange(self.part.column, self.part.right) // self.cell
        begins = np.flatnonzero(np.diff(columns, prepend=-1))
        for row in range(first // self.cell, (first + len(bits) - 1) // self.cell + 1):
            rows = known[max(row * self.cell - first, 0) : (row + 1) * self.cell - first]
            self.filled[row, columns[begins]] |= np.logical_or.reduceat(rows.any(axis=0), begins)

    def percent(self, name: str) -> float:
        """Return a count as a share of the pixels with data, and these as a share of the tile."""
        whole = self.pixels.rows * self.pixels.columns if name == "valid" else self.counts["valid"]
        return round(100.0 * self.counts[name] / whole, 4) if whole else 0.0

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of the corners of cells with data, degrees, shape (cells, 4)."""
        # Of a tile that is full some large cells give the same outline.
        cell = self.cell if not self.filled.all() else self.cell * FULL
        rows, columns = np.nonzero(self.filled[:: cell // self.cell, :: cell // self.cell])
        top, left = rows * cell, columns * cell
        bottom = np.minimum(top + cell, self.pixels.rows)
        right = np.minimum(left + cell, self.pixels.columns)
        corner_rows = np.stack([top, top, bottom, bottom], axis=1)
        corner_columns = np.stack([left, right, right, left], axis=1)
        x = self.pixels.west + corner_columns * self.pixels.resolution
        y = self.pixels.north - corner_rows * self.pixels.resolution
        longitude, latitude = transformer("EPSG:4326", self.pixels.crs).transform(x, y, direction="INVERSE")
        return np.asarray(longitude), np.asarray(latitude)
