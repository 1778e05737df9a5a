"""Base images of co-registration: one file a year, twelve monthly near-infrared bands (specification section 9)."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidReference

YEARS_BACK = 50
SCALE = 10000.0
"""Of reflectance in base images."""


def base_file(folder: Path, day: date) -> Path:
    """Return the base of a day's year, or of the nearest year before it.

    Raises
    ------
    InvalidReference
        Where no file in the folder begins with one of these years.
    """
    by_year: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        found = re.match(r"(\d{4})", path.name)
        if found and path.is_file() and path.suffix not in (".xml", ".json", ".hdr"):
            by_year.setdefault(int(found[1]), path)
    for year in range(day.year, day.year - YEARS_BACK - 1, -1):
        if year in by_year:
            return by_year[year]
    raise InvalidReference(
        f"{folder} has no base image of {day.year} or of the {YEARS_BACK} years before: names begin with the year"
    )


def read_base(path: Path, month: int, grid: ImageGrid, start: int, stop: int, nodata: int) -> np.ndarray:
    """Return reflectance of a month's base on the rows start to stop of a grid, float32, NaN where unknown.

    Raises
    ------
    InvalidReference
        Where the file can't be read or has fewer than twelve bands.
    """
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import Affine
    from rasterio.vrt import WarpedVRT
    from rasterio.windows import Window

    try:
        with rasterio.open(path) as file:
            if file.count < 12:
                raise InvalidReference(f"{path} has {file.count} bands: a base image has one for each month")
            own = file.nodata if file.nodata is not None else nodata
            with WarpedVRT(
                file, crs=grid.crs, transform=Affine(*grid.transform), width=grid.columns, height=grid.rows,
                resampling=Resampling.cubic, src_nodata=own, nodata=own,
            ) as warped:  # fmt: skip
                rows = warped.read(month, window=Window(0, start, grid.columns, stop - start)).astype(np.float32)
    except rasterio.errors.RasterioError as error:
        raise InvalidReference(f"{path} can't be read as a base image ({error})") from None
    rows[rows == own] = np.nan
    return rows / np.float32(SCALE)
