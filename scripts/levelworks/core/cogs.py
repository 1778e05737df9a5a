"""Cloud-Optimised GeoTIFFs, composed in memory and written in one go: GDAL leaves nothing beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SMALLEST_OVERVIEW = 128
"""Pixels along the longer side below which no further overview is made."""


def write_in_one_go(
    path: Path,
    bands: np.ndarray,
    *,
    crs: Any,
    transform: Any,
    nodata: float | None,
    units: str,
    descriptions: Sequence[str],
    tags: Mapping[str, str],
    statistics: Sequence[Mapping[str, str]],
    creation: Mapping[str, str | int],
    colours: bool = False,
) -> None:
    """Write bands as a Cloud-Optimised GeoTIFF.

    Parameters
    ----------
    bands : ndarray, shape (bands, rows, columns)
        North up, in the type of the file.
    crs, transform : CRS, Affine
        Of rasterio.
    nodata : float or None
        Value of cells without one.
    units : str
        Of every band.
    descriptions, statistics : sequence
        By band; see `cell_statistics`.
    tags : mapping of str to str
        Metadata of the file.
    creation : mapping
        Creation options of GDAL's COG driver.
    colours : bool
        Whether the three bands are red, green and blue.
    """
    import rasterio
    from rasterio.enums import ColorInterp
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    count, rows, columns = bands.shape
    profile = {"driver": "GTiff", "count": count, "dtype": bands.dtype.name, "height": rows, "width": columns}
    profile |= {"crs": crs, "transform": transform, "nodata": nodata}
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as source, MemoryFile() as target:
        with source.open(**profile) as file:
            file.write(bands)
            file.update_tags(**tags)
            if colours:
                file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
            for number in range(1, count + 1):
                file.set_band_unit(number, units)
                file.set_band_description(number, descriptions[number - 1])
                file.update_tags(number, **statistics[number - 1])
        copy(source.name, target.name, driver="COG", **creation)
        path.write_bytes(target.read())


def overview_count(shape: Sequence[int]) -> int:
    """Return the number of overviews of a raster: blocks alone would leave rasters up to 256 pixels without."""
    return max(0, math.ceil(math.log2(max(shape) / SMALLEST_OVERVIEW)))


def cell_statistics(stored: np.ndarray, nodata: float | None) -> dict[str, str]:
    """Return statistics of the cells with a value under GDAL's names; none where there are no such cells."""
    valid = np.isfinite(stored)
    if nodata is not None:
        valid &= stored != nodata
    chosen = stored[valid]
    if chosen.size == 0:
        return {}
    real = chosen.astype(np.float64)
    numbers: dict[str, Any] = {
        "MINIMUM": chosen.min().item(),
        "MAXIMUM": chosen.max().item(),
        "MEAN": real.mean().item(),
        "STDDEV": real.std().item(),
        "VALID_PERCENT": 100.0 * chosen.size / stored.size,
    }
    return {f"STATISTICS_{name}": plain_number(number) for name, number in numbers.items()}


def plain_number(value: float | str) -> str:
    """Return a number in its shortest exact form."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
