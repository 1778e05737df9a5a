"""How the sun falls on the pixels of an image: direct sunlight, sky view, class of illumination, shadow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.ard.fields import fill_missing, rows_of
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.scratch import Scratch
from levelworks.ard.terrain.elevation import mean_over_cells
from levelworks.ard.terrain.horizon import DIRECTIONS, coarse_factor, shadow_margin, sky_sums, sky_view_of
from levelworks.ard.terrain.slope import rows_with_neighbours
from levelworks.ard.terrain.slope_kernels import CAST_SHADOW, LOW, NONE, POOR, SLOPING, illuminate
from levelworks.core import mpi
from levelworks.core.mpi import Communicator

CLASS = 3
"""Bits of a flag that hold the class of illumination: 0 good, 1 poor, 2 low, 3 no direct sunlight."""
__all__ = ["CAST_SHADOW", "CLASS", "SLOPING", "Illumination", "Terrain", "illumination_class", "sun_vector"]


@dataclass(frozen=True)
class Illumination:
    """A block of rows: every array has the shape (rows, columns).

    Parameters
    ----------
    elevation : ndarray of float32
        Metres; NaN where void.
    direct : ndarray of float32
        Cosine of the angle between the sun and the surface's normal, 0 where the sun is hidden, less than it is at the
        edge of cast shadows; NaN where the slope isn't known.
    sky_view : ndarray of float32
        Share of an even sky that the pixel sees.
    tilt : ndarray of float32
        Sine of the slope.
    flags : ndarray of uint8
        Class of illumination in the two lowest bits (`CLASS`), `SLOPING`, `CAST_SHADOW`.
    """

    elevation: np.ndarray
    direct: np.ndarray
    sky_view: np.ndarray
    tilt: np.ndarray
    flags: np.ndarray


def sun_vector(angles: Angles) -> np.ndarray:
    """Return the unit vector to the sun on the field, shape (3, rows, columns), float32: east, north, up."""
    zenith = np.radians(fill_missing(angles.sun_zenith))
    # Azimuths wrap: their sines and cosines fill gaps and interpolate.
    azimuth = np.radians(fill_missing(angles.sun_azimuth))
    level = np.sin(zenith)
    return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), np.cos(zenith)]).astype(np.float32)


def illumination_class(cosine: np.ndarray) -> np.ndarray:
    """Return 0 where the sun is within 55 degrees of the normal, 1 within 80, 2 within 90, 3 beyond; uint8."""
    classes = np.zeros(np.shape(cosine), np.uint8)
    for limit in (POOR, LOW, NONE):
        classes += np.asarray(cosine) < limit
    return classes


class Terrain:
    """The terrain under an image and the sun on it, read by blocks of rows.

    Parameters
    ----------
    elevation : Scratch or None
        On the image's grid, float32; None where the terrain is level at 0 m.
    grid : ImageGrid
    angles : Angles
    folder : Path
        Of the scratch raster that holds horizons; ranks share it.
    """

    def __init__(
        self,
        elevation: Scratch | None,
        grid: ImageGrid,
        angles: Angles,
        folder: Path,
        communicator: Communicator | None = None,
    ) -> None:
        self.grid = grid
        self.step = field_step(grid)
        self.sun = sun_vector(angles)
        self._elevation = elevation
        self._factor = coarse_factor(grid.resolution)
        cells = grid.coarser(self.step)
        self.field = np.zeros(cells.shape, np.float32)
        """Mean elevation of the field's cells (m), shape of the field, voids as what is nearest."""
        if elevation is not None:
            self.field = np.asarray(fill_missing(mean_over_cells(elevation, self.step)), np.float32)
            self._horizons = Scratch(folder / "horizons.raw", (2, *grid.coarser(self._factor).shape), np.float32)
            self._find_horizons(communicator or mpi.Serial())

    def _find_horizons(self, communicator: Communicator) -> None:
        """Write sky view and margin of shadow of the coarse grid; ranks share directions and rows."""
        assert self._elevation is not None
        heights = mean_over_cells(self._elevation, self._factor)
        spacing = self.grid.resolution * self._factor
        rank, size = communicator.rank, communicator.size
        part = sky_sums(heights, spacing, mpi.split(len(DIRECTIONS), size, rank))
        parts = communicator.gather(part)
        if parts is not None:
            for other in parts[1:]:
                parts[0] += other
            self._horizons.write(0, sky_view_of(parts[0]))
        rows = mpi.split(heights.shape[0], size, rank)
        with mpi.together(communicator):
            if len(rows):
                margin = shadow_margin(heights, spacing, self.sun, max(1, self.step // self._factor), rows)
                self._horizons.write(rows.start, margin, band=1)

    @property
    def level(self) -> bool:
        """Tell whether the terrain is level at 0 m everywhere."""
        return self._elevation is None

    def elevation(self, start: int, stop: int) -> np.ndarray:
        """Return the elevation (m) of the rows start to stop, float32."""
        if self._elevation is None:
            return np.zeros((stop - start, self.grid.columns), np.float32)
        return self._elevation.read(start, stop)

    def block(self, start: int, stop: int) -> Illumination:
        """Return how the sun falls on the rows start to stop; the same values however rows are cut."""
        shape = stop - start, self.grid.columns
        if self._elevation is None:
            cosine = rows_of(self.sun[2], self.grid, start, stop)
            flat = np.zeros(shape, np.float32)
            return Illumination(flat, cosine, np.ones(shape, np.float32), flat, illumination_class(cosine))
        heights = rows_with_neighbours(self._elevation, start, stop)
        # The coarse rows whose centres are about those of the pixels.
        first = max(int((start + 0.5) / self._factor - 0.5), 0)
        last = min(int((stop - 0.5) / self._factor - 0.5) + 2, self._horizons.rows)
        coarse = np.stack([self._horizons.read(first, last, band) for band in range(2)])
        direct, sky_view, tilt = (np.empty(shape, np.float32) for _ in range(3))
        flags = np.empty(shape, np.uint8)
        illuminate(
            heights,
            self.grid.resolution,
            start,
            self.sun,
            self.step,
            coarse,
            first,
            self._factor,
            direct,
            sky_view,
            tilt,
            flags,
        )
        return Illumination(np.ascontiguousarray(heights[1:-1]), direct, sky_view, tilt, flags)
