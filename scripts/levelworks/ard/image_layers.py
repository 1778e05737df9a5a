"""The layers of one image, written from top to bottom; ranks make blocks, each file has one writer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from levelworks.ard.image_options import ProcessImage
from levelworks.ard.products.layers import LAYERS, Layer
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.scene import ImageGrid
from levelworks.ard.scratch import Scratch
from levelworks.ard.sensors import Sensor
from levelworks.core import mpi
from levelworks.core.mpi import Communicator


def layers_of(options: ProcessImage) -> tuple[Layer, ...]:
    """Return the layers that an image's options ask for."""
    wanted = {
        "BOA": options.atmospheric_correction,
        "TOA": not options.atmospheric_correction,
        "QAI": True,
        "UNC": options.uncertainty == "on" and options.atmospheric_correction,
        "CPR": options.output_cloud_probability,
        "AOD": options.output_aerosol and options.atmospheric_correction,
        "WVP": options.output_water_vapour and options.atmospheric_correction,
        "VZN": options.output_view_zenith,
        "HOT": options.output_haze,
        **dict.fromkeys(("SZA", "SAA", "VZA", "VAA"), options.output_angles),
    }
    return tuple(layer for name, layer in LAYERS.items() if wanted.get(name, False))


class LayerWriter:
    """Takes blocks of rows of every layer and writes a GeoTIFF of each.

    One process writes as it goes. Ranks put their blocks on disk first; then each writes whole files.
    """

    def __init__(
        self,
        folder: Path,
        grid: ImageGrid,
        sensor: Sensor,
        layers: tuple[Layer, ...],
        scratch: Path,
        communicator: Communicator,
    ) -> None:
        self._folder, self._grid, self._sensor, self._layers = folder, grid, sensor, layers
        self._communicator = communicator
        self._open = ExitStack()
        self._writers: dict[str, ImageWriter] = {}
        self._rasters: dict[str, Scratch] = {}
        if communicator.size == 1:
            self._writers = {one.name: self._open.enter_context(self._writer(one)) for one in layers}
        else:
            for one in layers:
                shape = (len(one.bands(sensor.id)), *grid.shape)
                self._rasters[one.name] = Scratch(scratch / f"layer-{one.name}.raw", shape, one.dtype)

    def _writer(self, layer: Layer) -> ImageWriter:
        bands = layer.bands(self._sensor.id)
        return ImageWriter(
            self._folder / f"{layer.name}.tif",
            self._grid,
            len(bands),
            layer.dtype,
            layer.nodata,
            bands,
            1.0 / layer.scale,
        )

    def write(self, start: int, blocks: Mapping[str, np.ndarray]) -> None:
        """Write the rows from `start` on of every layer, each of shape (bands, rows, columns)."""
        for name, block in blocks.items():
            if self._writers:
                self._writers[name].write(start, block)
            else:
                for band in range(block.shape[0]):
                    self._rasters[name].write(start, block[band], band)

    def close(self, rows: int) -> None:
        """Finish the files; what ranks put on disk is written by `rows` at a time."""
        if self._writers:
            self._open.close()
            return
        with mpi.together(self._communicator):
            for layer in self._layers[self._communicator.rank :: self._communicator.size]:
                raster = self._rasters[layer.name]
                with self._writer(layer) as writer:
                    for block in mpi.blocks(self._grid.rows, rows):
                        bands = [raster.read(block.start, block.stop, band) for band in range(raster.shape[0])]
                        writer.write(block.start, np.stack(bands))
        for raster in self._rasters.values():
            if self._communicator.rank == 0:
                raster.remove()
