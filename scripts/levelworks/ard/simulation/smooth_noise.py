"""Smooth random fields over the plane, and the windows of pixels that they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.ard.simulation.noise_kernels import SPLINE, Lattices, fill_bell, fill_noise, noise_at_places


@dataclass(frozen=True)
class Window:
    """Pixels of a north-up grid; may reach beyond an image.

    Parameters
    ----------
    x, y : float
        Centre of the upper-left pixel, metres.
    step : float
        Size of a pixel, metres.
    rows, columns : int
    """

    x: float
    y: float
    step: float
    rows: int
    columns: int

    @classmethod
    def of(cls, grid: ImageGrid, start: int = 0, stop: int | None = None, margin: int = 0) -> Window:
        """Return the rows start to stop of a grid, with some pixels around."""
        last = grid.rows if stop is None else stop
        half = grid.resolution / 2
        return cls(
            grid.west + half - margin * grid.resolution,
            grid.north - half - (start - margin) * grid.resolution,
            grid.resolution,
            last - start + 2 * margin,
            grid.columns + 2 * margin,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.rows, self.columns

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north of the pixels' centres."""
        return self.x, self.y - (self.rows - 1) * self.step, self.x + (self.columns - 1) * self.step, self.y

    def grown(self, margin: float) -> tuple[float, float, float, float]:
        """Return the bounds, wider by some metres on all sides."""
        west, south, east, north = self.bounds
        return west - margin, south - margin, east + margin, north + margin


@dataclass(frozen=True)
class SmoothNoise:
    """A random field of mean 0 and deviation 1: a sum of lattices of nearly normal numbers under cubic B-splines.

    Parameters
    ----------
    seed : int
    spacings : tuple of float
        Metres between the points of each lattice.
    weights : tuple of float
        Deviation of each, relative to the others.
    """

    seed: int
    spacings: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def fractal(cls, seed: int, largest: float, octaves: int, persistence: float = 0.5) -> SmoothNoise:
        """Return a field whose octaves halve in size and shrink by `persistence` each."""
        numbers = range(octaves)
        return cls(seed, tuple(largest / 2**n for n in numbers), tuple(persistence**n for n in numbers))

    @property
    def amplitudes(self) -> np.ndarray:
        """Return what the octaves' sums are multiplied by."""
        weights = np.array(self.weights)
        return weights / np.sqrt((weights**2).sum()) / SPLINE

    def over(self, bounds: tuple[float, float, float, float]) -> Lattices:
        """Return the lattices that give the field anywhere within west, south, east, north."""
        west, south, east, north = bounds
        parts, index, begin = [], [], 0
        for octave, spacing in enumerate(self.spacings):
            row, column = int(np.floor(south / spacing)) - 2, int(np.floor(west / spacing)) - 2
            rows, columns = int(np.floor(north / spacing)) + 4 - row, int(np.floor(east / spacing)) + 4 - column
            values = np.empty((rows, columns), np.float32)
            fill_bell(self.seed * 64 + octave, row, column, values)
            parts.append(values.ravel())
            index.append((begin, row, column, rows, columns))
            begin += values.size
        return Lattices(np.concatenate(parts), np.array(index), np.array(self.spacings), self.amplitudes)

    def on(self, window: Window) -> np.ndarray:
        """Return the field at the pixels of a window, (rows, columns) float32."""
        values = np.empty(window.shape, np.float32)
        fill_noise(self.over(window.bounds), window.x, window.y, window.step, values)
        return values

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the field at places, the shape of `x`, float64."""
        if x.size == 0:
            return np.zeros(x.shape)
        bounds = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        return noise_at_places(self.over(bounds), x.ravel(), y.ravel()).reshape(x.shape)
