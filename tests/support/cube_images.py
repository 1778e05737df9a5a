"""Folders as `process-image` writes them, with values that are known everywhere: smooth functions of the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from levelworks.ard.products.layers import LAYERS
from levelworks.ard.products.tiled import ImageWriter
from levelworks.ard.scene import ImageGrid

Values = Callable[[np.ndarray, np.ndarray], np.ndarray]


def waves(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return reflectance (x 10000) that waves over some kilometres."""
    return 2000 + 900 * np.sin(x / 1100.0) * np.cos(y / 1700.0) + 0.002 * (x - 4e5)


def centres(grid: ImageGrid, start: int = 0, stop: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of pixel centres."""
    stop = grid.rows if stop is None else stop
    x = grid.west + (np.arange(grid.columns) + 0.5) * grid.resolution
    y = grid.north - (np.arange(start, stop) + 0.5) * grid.resolution
    return np.meshgrid(x, y)


def write_image(
    folder: Path,
    grid: ImageGrid,
    *,
    sensor: str = "LND08",
    date: str = "2018-08-24",
    image: str = "",
    reference: str = "193024",
    quality: np.ndarray | None = None,
    values: Values = waves,
    offset: float = 0.0,
    extra: Mapping[str, np.ndarray | int] | None = None,
    reflectance: str = "BOA",
) -> Path:
    """Write the folder of an image.

    Parameters
    ----------
    quality : ndarray, shape (rows, columns), optional
        Quality bits; 0 where not given. Where they are 1 no layer has data.
    values : callable
        Reflectance x 10000 of the first band by map coordinates; each further band has 100 more.
    offset : float
        Added to all bands.
    extra : mapping
        Values of other layers, by name.
    """
    folder.mkdir(parents=True)
    bits = np.zeros(grid.shape, np.int16) if quality is None else quality.astype(np.int16)
    missing = bits == 1
    layers: dict[str, np.ndarray] = {"QAI": bits}
    names = LAYERS[reflectance].bands(sensor)
    first = values(*centres(grid)) + offset
    stack = np.stack([np.rint(first + 100 * number) for number in range(len(names))]).astype(np.int16)
    stack[:, missing] = -9999
    layers[reflectance] = stack
    for name, value in (extra or {}).items():
        layer = LAYERS[name]
        whole = np.broadcast_to(np.asarray(value), (len(layer.bands(sensor)), *grid.shape)).astype(layer.dtype)
        layers[name] = np.where(missing, np.array(layer.nodata, layer.dtype), whole)
    for name, array in layers.items():
        layer = LAYERS[name]
        bands = layer.bands(sensor)
        with ImageWriter(folder / f"{name}.tif", grid, len(bands), layer.dtype, layer.nodata, bands) as writer:
            writer.write(0, array)
    facts = {
        "id": image or folder.name,
        "sensor": sensor,
        "date": date,
        "time": f"{date}T10:02:27.5Z",
        "reference": reference,
        "sun_elevation": 47.03,
        "sun_azimuth": 151.2,
    }
    (folder / "image.json").write_text(json.dumps(facts))
    return folder
