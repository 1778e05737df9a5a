"""The stage `overview`: pyramids of files that have none, and a picture of each day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.cube.cube_options import Overview
from levelworks.ard.cube.mosaic_stage import read_mosaics
from levelworks.ard.cube.overview_picture import COLOURS, paint, write_jpeg
from levelworks.ard.products.cog import BLOCK, CogWriter
from levelworks.ard.products.cog_kernels import halve
from levelworks.ard.products.layers import LAYERS, REFLECTANCE, Layer
from levelworks.ard.products.tiled import CACHE_BYTES
from levelworks.ard.scene import ImageGrid
from levelworks.core.aggregate import refuse_flagged
from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.core.record import described_product

STRIP_ROWS = 512


def overview(mosaics: Path, *, overviews: Path, options: Overview) -> Outcome:
    """Make pyramids beside the cube's files that have none, and a quicklook of each day.

    Parameters
    ----------
    mosaics : Path
        Folder of `mosaic`, or the record beside it.
    overviews : Path
        Folder that is written, with quicklooks and ``index.json``.

    Raises
    ------
    NothingToProduce
        Where there are no mosaics.
    InvalidInput
        Where a file of the cube can't be read.
    """
    folder = described_product(mosaics)
    refuse_flagged(folder)
    entries = read_mosaics(folder)
    if not entries:
        raise NothingToProduce("there are no mosaics")
    overviews.mkdir()
    pyramids = [
        str(made)
        for entry in entries
        if options.pyramids and entry["format"] != "cog"
        for file in entry["files"]
        if (made := make_pyramid(Path(file), LAYERS[entry["layer"]])) is not None
    ]
    pictures = _quicklooks(entries, folder, overviews, options.pixels)
    index = {"pyramids": pyramids, "quicklooks": pictures}
    (overviews / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return Outcome(quality={"pyramids": len(pyramids), "quicklooks": len(pictures)})


def write_empty_overviews(path: Path, outcome: Outcome) -> None:
    """Write a folder whose index says why there are no overviews."""
    path.mkdir()
    said: dict[str, Any] = {"outcome": outcome.status.value, "reason": outcome.reason, "pyramids": [], "quicklooks": []}
    (path / "index.json").write_text(json.dumps(said) + "\n", encoding="utf-8")


def make_pyramid(path: Path, layer: Layer) -> Path | None:
    """Write overviews of a file beside it (``.ovr``): means of measured values, of bits and classes the nearest.

    Returns
    -------
    Path or None
        None where the file is small or has overviews.

    Raises
    ------
    InvalidInput
        Where the file can't be read.
    """
    import rasterio
    from rasterio.errors import RasterioIOError
    from rasterio.windows import Window

    target = path.with_name(path.name + ".ovr")
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), rasterio.open(path) as file:
            rows, columns = file.shape
            if max(rows, columns) <= BLOCK or file.overviews(1):
                return None
            grid = ImageGrid(file.crs.to_wkt(), file.bounds.left, file.bounds.top, file.transform.a * 2,
                             -(-rows // 2), -(-columns // 2))  # fmt: skip
            names = [name or layer.name for name in file.descriptions]
            method: Any = "average" if layer.measured else "nearest"
            with (
                atomic_outputs({"pyramid": target}) as written,
                CogWriter(
                    written["pyramid"], grid, file.count, layer.dtype, layer.nodata, names, overviews=method
                ) as writer,
            ):
                for start in range(0, rows, STRIP_ROWS):
                    strip = file.read(window=Window(0, start, columns, min(STRIP_ROWS, rows - start)))
                    half = np.empty((file.count, -(-strip.shape[1] // 2), grid.columns), strip.dtype)
                    halve(strip, layer.nodata, layer.measured, half)
                    writer.write(start // 2, half)
    except RasterioIOError as error:
        raise InvalidInput(f"{path}: can't be read ({error})") from None
    return target


def _quicklooks(entries: Any, folder: Path, overviews: Path, pixels: int) -> list[str]:
    """Draw each day from its mosaics of reflectance and quality bits."""
    import rasterio
    from rasterio.enums import Resampling

    mosaics = {(one["folder"], one["date"], one["sensor"], one["layer"]): folder / one["mosaic"] for one in entries}
    made = []
    for place, date, sensor in sorted({key[:3] for key in mosaics}):
        name = next((one for one in REFLECTANCE if (place, date, sensor, one) in mosaics), None)
        quality = mosaics.get((place, date, sensor, "QAI"))
        if name is None or quality is None:
            continue
        layer = LAYERS[name]
        bands = [layer.bands(sensor).index(colour) + 1 for colour in COLOURS]
        with rasterio.open(mosaics[place, date, sensor, name]) as colours, rasterio.open(quality) as bits:
            smaller = max(1.0, max(colours.shape) / pixels)
            shape = tuple(max(1, round(size / smaller)) for size in colours.shape)
            reflectance = colours.read(bands, out_shape=(3, *shape), resampling=Resampling.nearest)
            states = bits.read(1, out_shape=shape, resampling=Resampling.nearest)
        relative = Path(place) / f"{date}_LEVEL2_{sensor}_quicklook.jpg"
        (overviews / place).mkdir(exist_ok=True)
        write_jpeg(overviews / relative, paint(reflectance, states, layer.nodata))
        made.append(str(relative))
    return made
