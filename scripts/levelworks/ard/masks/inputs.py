"""What the masks are made from, by blocks of rows, and the rasters they are made in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from levelworks.ard.masks.settings import OBJECT_SIZE, MaskOptions
from levelworks.ard.scene import Angles, ImageGrid
from levelworks.ard.scratch import Scratch
from levelworks.ard.sensors import Sensor
from levelworks.core import mpi
from levelworks.core.mpi import Communicator

NOTHING = np.zeros((0, 0), np.float32)
SPECTRUM = ("BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2")


class MakeScratch(Protocol):
    """Makes a raster on disk; ranks that ask for the same name share it. The grid's shape unless another is given."""

    def __call__(self, name: str, dtype: np.dtype | type | str, shape: tuple[int, ...] | None = None) -> Scratch:
        """Return the raster."""


@dataclass(frozen=True)
class Inputs:
    """An image as the masks see it: the parameters of `find_masks`."""

    toa: Callable[[str, int, int], np.ndarray]
    available: frozenset[str]
    grid: ImageGrid
    sensor: Sensor
    angles: Angles
    elevation: Callable[[int, int], np.ndarray] | None
    slope: Callable[[int, int], np.ndarray] | None
    saturated: Callable[[int, int], np.ndarray]
    scratch: MakeScratch
    options: MaskOptions
    communicator: Communicator

    @property
    def step(self) -> int:
        """Return the pixels along a side of a cell of objects: 2 of Landsat, 6 of Sentinel-2, half of it in FORCE."""
        size = OBJECT_SIZE / 2.0 if self.as_force else OBJECT_SIZE
        return max(1, round(size / self.grid.resolution))

    @property
    def as_force(self) -> bool:
        """Tell whether FORCE's rules are followed to the letter."""
        return self.options.compat == "force"

    @property
    def cells(self) -> tuple[int, int]:
        """Return the rows and columns of cells of objects."""
        return self.grid.coarser(self.step).shape

    @property
    def has_parallax(self) -> bool:
        """Tell whether two bands of one colour see clouds at different places."""
        return not self.sensor.is_landsat and {"BROADNIR", "NIR"} <= self.available

    @property
    def has_temperature(self) -> bool:
        """Tell whether there is a thermal band."""
        return "TEMP" in self.available

    def blocks(self) -> list[range]:
        """Return this rank's blocks of rows."""
        cut = mpi.blocks(self.grid.rows, self.options.block)
        return [cut[i] for i in mpi.split(len(cut), self.communicator.size, self.communicator.rank)]

    def with_halo(self, block: range, halo: int) -> range:
        """Return a block and as many rows on either side as the image has."""
        return range(max(block.start - halo, 0), min(block.stop + halo, self.grid.rows))

    def spectrum(self, rows: range) -> tuple[np.ndarray, ...]:
        """Return the six bands that all sensors have."""
        return tuple(self.toa(band, rows.start, rows.stop) for band in SPECTRUM)

    def band(self, name: str, rows: range) -> np.ndarray:
        """Return a band, empty where the image has none."""
        return self.toa(name, rows.start, rows.stop) if name in self.available else NOTHING

    def heights(self, rows: range) -> np.ndarray:
        """Return elevation in metres, empty where there is no model."""
        return NOTHING if self.elevation is None else np.asarray(self.elevation(rows.start, rows.stop), np.float32)

    def slopes(self, rows: range) -> np.ndarray:
        """Return slopes in degrees, empty where there is no model."""
        return NOTHING if self.slope is None else np.asarray(self.slope(rows.start, rows.stop), np.float32)

    def wait(self) -> None:
        """Wait until all ranks have written what others read next."""
        self.communicator.allgather(None)
