"""The stage `prepare-dem`: elevation models to ellipsoidal heights around a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.dem import Dem, read_dem
from levelworks.core.outcome import InvalidReference, Outcome, Status
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.dem_options import PrepareDem

BLOCK = 256


def prepare_dem(frame: Path, elevation: Path, geoid: Path | None, *, heights: Path, options: PrepareDem) -> Outcome:
    """Bring an elevation model to ellipsoidal heights in EPSG:4326 around a frame.

    Parameters
    ----------
    frame : Path
    elevation : Path
        File or folder of tiles in any projection; of several tiles the first that has a height is taken.
    geoid : Path or None
        Raster of the geoid's height above the ellipsoid (m), added; None where heights are ellipsoidal already.
    heights : Path
        GeoTIFF (float32, m) that is written.

    Raises
    ------
    InvalidReference
        Where the model can't be read or has no heights of most of the frame.
    """
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    grid = read_frame(frame).grid
    found = read_dem(
        elevation,
        np.array([grid.west, grid.east]),
        np.array([grid.south, grid.north]),
        mean_elevation=0.0,
        buffer=options.margin,
        geoid=geoid if geoid is not None else options.geoid_height,
    )
    void = _void_share(found, grid)
    if void > options.most_void:
        raise InvalidReference(f"{elevation} has no height in {void:.0%} of the frame: stage one that covers it")
    rows, columns = found.heights.shape
    half = found.step / 2
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "float32",
        "height": rows,
        "width": columns,
        "crs": "EPSG:4326",
        "transform": Affine(found.step, 0.0, found.west - half, 0.0, -found.step, found.north + half),
        "nodata": float("nan"),
        "compress": "DEFLATE",
        "predictor": 3,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
    }
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(found.heights, 1)
            file.set_band_unit(1, "m")
        heights.write_bytes(memory.read())
    quality = {
        "height_min_m": float(found.heights.min()),
        "height_max_m": float(found.heights.max()),
        "void_share": void,
        "geoid": geoid.name if geoid is not None else options.geoid_height,
    }
    warnings = found.notes
    if geoid is None and options.geoid_height == 0:
        warnings = (*warnings, "heights are taken as ellipsoidal: name a geoid where the model counts from the sea")
    return Outcome(Status.DONE, quality=quality, warnings=warnings)


def _void_share(found: Dem, grid: FrameGrid) -> float:
    """Return which share of the frame's grid has no height."""
    if found.voids is None:
        return 0.0
    top, left = (round(side / found.step) for side in (found.north - grid.north, grid.west - found.west))
    rows, columns = (round(count * grid.step / found.step) for count in grid.shape)
    return float(found.voids[top : top + rows, left : left + columns].mean())


def write_empty_heights(path: Path, outcome: Outcome) -> None:
    """Write a text that says why there are no heights."""
    path.write_text(outcome.reason + "\n", encoding="utf-8")
