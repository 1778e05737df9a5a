"""The counts of an image on disk, unpacked once, and its top-of-atmosphere reflectance by rows of the working grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from levelworks.ard.counts_kernels import calibrate, find_off, widen
from levelworks.ard.fields import fill_missing, rows_of
from levelworks.ard.geometry.convergence import on_grid
from levelworks.ard.readers.impulse_noise import HALO, impulse_noise
from levelworks.ard.scene import Angles, Image
from levelworks.ard.scratch import Scratch
from levelworks.core import mpi
from levelworks.core.mpi import Communicator

UNPACKED_ROWS = 1024
"""Of a band that are read at a time: the height of a tile of JPEG 2000 in Sentinel-2."""
MERGED_SCALE = 20000.0
"""Of bands that were sharpened, stored as whole numbers: half the step of Level-1 counts."""


class Level1:
    """An image's counts and what follows from them pixel by pixel.

    Parameters
    ----------
    image : Image
    folder : Path
        Of the scratch rasters; all ranks see it.
    communicator : Communicator
        Ranks unpack bands by blocks of rows.
    """

    def __init__(self, image: Image, folder: Path, communicator: Communicator) -> None:
        self.image = image
        self.metadata = image.metadata
        self.grid = image.metadata.grid
        self.folder = folder
        self.communicator = communicator
        self.angles: Angles = image.angles()
        self.map_angles = on_grid(self.angles, self.grid)
        """Azimuths from the map's north, by which shadows fall and slopes face on the grid."""
        self.bands = tuple(image.metadata.files)
        self.counts = {name: self.scratch(name, self._dtype, image.grid_of(name).shape) for name in self.bands}
        self.off = self.scratch("off", np.uint8)
        self.saturated = self.scratch("saturated", np.uint8)
        self.merged: dict[str, Scratch] = {}
        self.notes: list[str] = [text for key, text in image.metadata.extras.items() if key.startswith("warning")]
        self._cosine = np.cos(np.radians(fill_missing(self.angles.sun_zenith)))

    @property
    def _dtype(self) -> type[np.unsignedinteger]:
        return np.uint8 if self.metadata.sensor.saturation == 255 else np.uint16

    def scratch(self, name: str, dtype: np.dtype | type | str, shape: tuple[int, ...] | None = None) -> Scratch:
        """Make a raster on disk; ranks that ask for the same name share it."""
        return Scratch(self.folder / f"{name}.raw", shape or self.grid.shape, dtype)

    def blocks(self, rows: int) -> list[range]:
        """Return this rank's blocks of rows of the working grid."""
        cut = mpi.blocks(self.grid.rows, rows)
        mine = mpi.split(len(cut), self.communicator.size, self.communicator.rank)
        return [cut[index] for index in mine]

    def unpack(self, *, find_impulse_noise: bool, buffer_nodata: bool, spikes: bool = True) -> None:
        """Copy the counts to disk, and find what is off (no data) or saturated.

        Raises
        ------
        InvalidInput
            Where a file is truncated.
        """
        work = [(name, rows) for name in self.bands for rows in mpi.blocks(self.counts[name].rows, UNPACKED_ROWS)]
        # A rank's share is one run of blocks: bands are stored one after another, and so are the tiles in each.
        with mpi.together(self.communicator):
            for index in mpi.split(len(work), self.communicator.size, self.communicator.rank):
                name, rows = work[index]
                self.counts[name].write(rows.start, self.image.read(name, rows.start, rows.stop))
        with mpi.together(self.communicator):
            for rows in self.blocks(UNPACKED_ROWS):
                self._mark(rows, find_impulse_noise=find_impulse_noise, spikes=spikes)
        if buffer_nodata:
            wider = self.scratch("off-widened", np.uint8)
            with mpi.together(self.communicator):
                for rows in self.blocks(UNPACKED_ROWS):
                    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, self.grid.rows)
                    off = widen(self.off.read(top, bottom))
                    wider.write(rows.start, off[rows.start - top : off.shape[0] - (bottom - rows.stop)])
            self.off = wider

    def _mark(self, rows: range, *, find_impulse_noise: bool, spikes: bool) -> None:
        sensor = self.metadata.sensor
        off = np.zeros((len(rows), self.grid.columns), np.uint8)
        saturated = np.zeros_like(off)
        for name in self.bands:
            if name != "CIRRUS":
                counts = self._replicated(self.counts[name], rows.start, rows.stop)
                find_off(counts, sensor.saturation if name != "TEMP" else 65536, off, saturated)
        seen = np.isfinite(rows_of(self.angles.view_zenith, self.grid, rows.start, rows.stop))
        off[~seen] = 1
        if find_impulse_noise and sensor.saturation == 255:
            top, bottom = max(rows.start - HALO, 0), min(rows.stop + HALO, self.grid.rows)
            blue, green, red = (self.counts[name].read(top, bottom) for name in ("BLUE", "GREEN", "RED"))
            noisy = impulse_noise(blue, green, red, (blue > 0) & (green > 0) & (red > 0), spikes=spikes)
            off[noisy[rows.start - top :][: len(rows)]] = 1
        said = self.image.read_quality(rows.start, rows.stop)
        if said is not None:
            off[said.fill | said.dropped] = 1
            saturated[said.saturated > 0] = 1
        self.off.write(rows.start, off)
        self.saturated.write(rows.start, saturated)

    def _replicated(self, raster: Scratch, start: int, stop: int) -> np.ndarray:
        """Return rows of the working grid of a band, coarser pixels repeated."""
        factor = -(-self.grid.rows // raster.rows)
        if factor == 1:
            return raster.read(start, stop)
        first, last = start // factor, -(-stop // factor)
        rows = raster.read(first, min(last, raster.rows))
        whole = np.repeat(np.repeat(rows, factor, axis=0), factor, axis=1)
        return np.ascontiguousarray(whole[start - first * factor : stop - first * factor, : self.grid.columns])

    def toa(self, band: str, start: int, stop: int) -> np.ndarray:
        """Return top-of-atmosphere reflectance (temperature in kelvin of TEMP) of rows, NaN where off, float32."""
        calibration = self.metadata.calibration[band]
        off = self.off.read(start, stop)
        if band in self.merged:
            return calibrate(
                self.merged[band].read(start, stop), 1.0 / MERGED_SCALE, 0.0, np.ones((1, 1), np.float32), off, 0.0, 0.0
            )
        counts = self._replicated(self.counts[band], start, stop)
        cosine = (
            rows_of(self._cosine, self.grid, start, stop) if calibration.over_cosine else np.ones((1, 1), np.float32)
        )
        return calibrate(
            counts,
            calibration.multiplier,
            calibration.offset,
            cosine,
            off,
            calibration.k1 or 0.0,
            calibration.k2 or 0.0,
        )

    def native(self, band: str, start: int, stop: int) -> np.ndarray:
        """Return the reflectance of rows of a band's own grid, NaN where it has no data, float32 (Sentinel-2)."""
        calibration = self.metadata.calibration[band]
        counts = self.counts[band].read(start, stop)
        one = np.ones((1, 1), np.float32)
        return calibrate(counts, calibration.multiplier, calibration.offset, one, counts == 0, 0.0, 0.0)

    def stack(self, bands: Sequence[str], start: int, stop: int) -> np.ndarray:
        """Return the reflectance of several bands, shape (bands, rows, columns), float32."""
        return np.stack([self.toa(band, start, stop) for band in bands])
