"""The folder that `process-image` writes: layers of one image in its own grid, and what is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.ard.products.layers import LAYERS, REFLECTANCE, Layer
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidInput

FACTS = "image.json"


@dataclass(frozen=True)
class ImageFolder:
    """An image's layers.

    Parameters
    ----------
    id, sensor, reference : str
    date : str
        ``YYYYMMDD``.
    time : str
        Of the acquisition, ISO 8601, UTC.
    grid : ImageGrid
    layers : dict
        Files by the name of the layer, in the order of `LAYERS`.
    facts : dict
        All of ``image.json``.
    """

    id: str
    sensor: str
    reference: str
    date: str
    time: str
    grid: ImageGrid
    layers: dict[str, Path]
    facts: dict[str, Any]

    @property
    def reflectance(self) -> str:
        """Return ``BOA`` or ``TOA``."""
        return next(name for name in REFLECTANCE if name in self.layers)


def read_image_folder(folder: Path) -> ImageFolder:
    """Open a folder of `process-image`.

    Raises
    ------
    InvalidInput
        Where files are missing, are no rasters, or do not lie on one grid.
    """
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        known = {name: str(facts[name]) for name in ("id", "sensor", "date", "time", "reference")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path}: can't be read as facts of an image ({error})") from None
    if known["sensor"] not in SENSORS:
        raise InvalidInput(f"{path}: sensor {known['sensor']!r} is none of {', '.join(SENSORS)}")
    layers = {name: folder / f"{name}.tif" for name in LAYERS if (folder / f"{name}.tif").exists()}
    if "QAI" not in layers or not any(name in layers for name in REFLECTANCE):
        raise InvalidInput(f"{folder}: has no QAI.tif, or neither BOA.tif nor TOA.tif; run process-image again")
    grids = {name: _grid_of(file, LAYERS[name], known["sensor"]) for name, file in layers.items()}
    grid = grids["QAI"]
    other = [name for name, one in grids.items() if one != grid]
    if other:
        raise InvalidInput(f"{folder}: {', '.join(other)} and QAI do not lie on one grid")
    date = known["date"].replace("-", "")
    return ImageFolder(known["id"], known["sensor"], known["reference"], date, known["time"], grid, layers, facts)


def _grid_of(path: Path, layer: Layer, sensor: str) -> ImageGrid:
    import rasterio
    from rasterio.errors import RasterioIOError

    try:
        with rasterio.open(path) as file:
            count, crs, transform, (rows, columns) = file.count, file.crs, file.transform, file.shape
            dtype, nodata = file.dtypes[0], file.nodata
    except RasterioIOError as error:
        raise InvalidInput(f"{path}: no raster, or damaged ({error})") from None
    if crs is None or not transform.is_rectilinear or abs(transform.a + transform.e) > 1e-9 * transform.a:
        raise InvalidInput(f"{path}: must lie north up, with square pixels, in a projection")
    wanted = (len(layer.bands(sensor)), layer.dtype, layer.nodata)
    if (count, dtype, nodata) != wanted:
        raise InvalidInput(
            f"{path}: has {count} bands of {dtype} with no data {nodata}, "
            f"not {wanted[0]} of {wanted[1]} with {wanted[2]}"
        )
    return ImageGrid(crs.to_wkt(), transform.c, transform.f, transform.a, rows, columns)
