"""Rasters on a frame's geographic grid as GeoTIFFs that LiCSAR's readers take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.frames.frame import FrameGrid

if TYPE_CHECKING:
    from rasterio.transform import Affine

BLOCK = 256
FLOATING, INTEGER = 3, 2
"""Predictors of GDAL."""
COHERENCE_SCALE = 255


def write_raster(
    path: Path,
    bands: Sequence[np.ndarray],
    grid: FrameGrid,
    *,
    nodata: float,
    units: str,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write bands of one type on a frame's grid as `write_geotiff` does.

    Parameters
    ----------
    path : Path
    bands : sequence of ndarray, shape (rows, columns)
        Rows go south.
    grid : FrameGrid
    nodata : float
        NaN in floats, 0 in bytes, or what a layer's readers take.
    units : str
    tags : mapping of str to str, optional

    Raises
    ------
    InvalidInput
        Where a band does not have the grid's shape.
    """
    from rasterio.transform import Affine

    if any(band.shape != grid.shape for band in bands):
        raise InvalidInput(f"{path.name}: bands of {bands[0].shape} are not on the frame's grid of {grid.shape}")
    transform = Affine(grid.step, 0.0, grid.west, 0.0, -grid.step, grid.north)
    write_geotiff(path, bands, transform, nodata=nodata, units=units, tags=tags)


def write_geotiff(
    path: Path,
    bands: Sequence[np.ndarray],
    transform: Affine,
    *,
    nodata: float,
    units: str,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write bands of one type as a tiled, deflated GeoTIFF in EPSG:4326; the same bands give the same bytes.

    Parameters
    ----------
    transform : Affine
        From columns and rows of cells' corners to degrees; the rest as of `write_raster`.
    """
    import rasterio
    from rasterio.io import MemoryFile

    rows, columns = bands[0].shape
    kind = bands[0].dtype
    profile = {
        "driver": "GTiff",
        "count": len(bands),
        "dtype": kind.name,
        "height": rows,
        "width": columns,
        "crs": "EPSG:4326",
        "transform": transform,
        "nodata": nodata,
        "compress": "DEFLATE",
        "predictor": FLOATING if kind.kind == "f" else INTEGER,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
    }
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        with memory.open(**profile) as file:
            for number, band in enumerate(bands, 1):
                file.write(band, number)
                file.set_band_unit(number, units)
            file.update_tags(**dict(tags or {}))
        path.write_bytes(memory.read())


def coherence_bytes(coherence: np.ndarray) -> np.ndarray:
    """Return coherence as LiCSAR stores it, uint8: ``round(255 g)``, 1 at least; 0 where there is none (NaN)."""
    scaled = np.clip(np.round(COHERENCE_SCALE * np.nan_to_num(coherence)), 1, COHERENCE_SCALE)
    return np.where(np.isfinite(coherence), scaled, 0).astype(np.uint8)
