"""GeoTIFFs that are written some rows at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from levelworks.ard.scene import ImageGrid


def create(path: Path, grid: ImageGrid, dtype: str, count: int = 1, **options: Any) -> Any:
    """Open a GeoTIFF of tiles for writing; options as of GDAL's driver, None for its default."""
    settings = {
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "zstd",
        "zstd_level": 1,
        "predictor": 3 if dtype == "float32" else 2,
        "interleave": "band",
        "bigtiff": "if_safer",
    }
    chosen = {name: value for name, value in (settings | options).items() if value is not None}
    return rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=grid.rows,
        width=grid.columns,
        count=count,
        dtype=dtype,
        crs=grid.crs,
        transform=Affine(*grid.transform),
        **chosen,
    )


def write_rows(file: Any, values: np.ndarray, start: int, band: int = 1) -> None:
    """Write rows of a band from row `start` on."""
    area = RasterWindow(0, start, values.shape[1], values.shape[0])
    file.write(values.astype(file.dtypes[band - 1], copy=False), band, window=area)
