"""Cloud-Optimised GeoTIFFs: one gridded variable of one capture a file, north up, with statistics and overviews.

A file is composed in memory and written in one go, so that GDAL leaves neither overviews nor ``.aux.xml`` files beside
it. The longitudes of a grid that crosses the antimeridian run on beyond 180 in the file, as they do in the grid: GDAL
has no other way to say that columns 179.9 and 180.1 are neighbours.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from levelworks.core.cogs import cell_statistics, overview_count, plain_number, write_in_one_go
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.core.sphere import wrap_longitude
from levelworks.xco2.grids import AUTHALIC_RADIUS, EqualAreaGrid, Grid

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.transform import Affine

COG_OPTIONS = (
    "blocksize",
    "compress",
    "level",
    "max_z_error",
    "max_z_error_overview",
    "quality",
    "jxl_lossless",
    "jxl_effort",
    "jxl_distance",
    "jxl_alpha_distance",
    "num_threads",
    "nbits",
    "predictor",
    "bigtiff",
    "resampling",
    "overview_resampling",
    "warp_resampling",
    "overviews",
    "overview_count",
    "overview_compress",
    "overview_quality",
    "overview_predictor",
    "geotiff_version",
    "sparse_ok",
    "statistics",
    "tiling_scheme",
    "zoom_level",
    "zoom_level_strategy",
    "target_srs",
    "res",
    "extent",
    "aligned_levels",
    "add_alpha",
)
"""Creation options of GDAL's COG driver that OCO3-data-transformer's configuration accepts (spec section 8.6)."""
COMPRESSIONS = ("none", "lzw", "jpeg", "deflate", "zstd", "webp", "lerc", "lerc_deflate", "lerc_zstd", "lzma", "jxl")
PREDICTED = ("lzw", "deflate", "zstd")
"""Compressions that a predictor goes before."""
PREFIXES = {"oco2": "oco2-co2", "oco3": "oco3-co2", "oco3_sif": "oco3-sif"}
"""Of file names, by dataset."""


def write_cog(
    path: Path,
    values: np.ndarray,
    grid: Grid,
    *,
    units: str,
    description: str,
    tags: Mapping[str, str],
    nodata: float,
    options: Mapping[str, str | int | float | bool] | None = None,
    resampling: Literal["average", "nearest"],
    start_seconds: float | None = None,
) -> None:
    """Write a gridded variable as a Cloud-Optimised GeoTIFF of one band.

    Parameters
    ----------
    path : Path
        File to write.
    values : ndarray, shape (rows, columns)
        Rows from south to north as in ``grid``. Floats are stored as float32, integers and flags as they are.
    grid : Grid
        Coordinates are degrees (EPSG:4326), or metres of Lambert's azimuthal projection for an `EqualAreaGrid`.
    units, description : str
        Of the band.
    tags : mapping of str to str
        Metadata of the file; names are put in upper case, and go before our own.
    nodata : float or int
        Value of cells without one; NaN for floats.
    options : mapping, optional
        Creation options over our own, see `known_cog_options`; unknown ones are ignored.
    resampling : {"average", "nearest"}
        How overviews are made.
    start_seconds : float, optional
        Time of the first sounding (s since 1970-01-01 UTC), for the tags TIFFTAG_DATETIME and
        DATETIME_OF_FIRST_SOUNDING, truncated to seconds.

    Raises
    ------
    InvalidInput
        Where values don't fit the grid or float32.
    InvalidOptions
        Where ``nodata`` doesn't fit the values, or GDAL refuses an option.
    """
    import rasterio
    from rasterio.errors import RasterioError

    # GDAL's own errors have no public base; they come out of copy as they are.
    gdal_error = rasterio._err.CPLE_BaseError  # noqa: SLF001
    stored, missing = _as_stored(path, values, grid, nodata)
    statistics = cell_statistics(stored, missing)
    creation = _creation_options(grid, options or {}, resampling, can_have_statistics=bool(statistics))
    own = {"AREA_OR_POINT": "Area", "TIFFTAG_IMAGEDESCRIPTION": description}
    if start_seconds is not None:
        own["TIFFTAG_DATETIME"] = _utc(start_seconds).strftime("%Y:%m:%d %H:%M:%S")
        own["DATETIME_OF_FIRST_SOUNDING"] = _utc(start_seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        write_in_one_go(
            path,
            stored[np.newaxis],
            crs=coordinate_system(grid),
            transform=geotransform(grid),
            nodata=missing,
            units=units,
            descriptions=[description],
            tags=own | {name.upper(): str(value) for name, value in tags.items()},
            statistics=[statistics],
            creation=creation,
        )
    except (RasterioError, gdal_error) as error:
        named = ", ".join(f"{name.lower()}={value}" for name, value in creation.items())
        raise InvalidOptions(f"{path.name}: GDAL's COG driver can't write with {named}: {error}") from None


def known_cog_options(options: Mapping[str, str | int | float | bool]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the options that are creation options of the COG driver, and the names of those that are not.

    Parameters
    ----------
    options : mapping
        Names in any case, with hyphens or underscores.

    Returns
    -------
    accepted : dict of str to str
        Names as in `COG_OPTIONS`; truth values are YES and NO.
    ignored : tuple of str
        Names as given.
    """
    accepted, ignored = {}, []
    for name, value in options.items():
        known = str(name).strip().lower().replace("-", "_")
        if known in COG_OPTIONS:
            accepted[known] = ("YES" if value else "NO") if isinstance(value, bool) else plain_number(value)
        else:
            ignored.append(str(name))
    return accepted, tuple(ignored)


def cog_name(dataset: str, target_id: str, start_seconds: float, filtered: bool, variable_path: str) -> str:
    """Return the name that OCO3-data-transformer gives to the file of a variable of a capture.

    Parameters
    ----------
    dataset : {"oco2", "oco3", "oco3_sif"}
        Dataset of the capture.
    target_id : str
        As in the targets file.
    start_seconds : float
        Time of the first sounding (s since 1970-01-01 UTC); truncated to seconds.
    filtered : bool
        Whether only soundings of good quality were gridded.
    variable_path : str
        Full path, e.g. ``/xco2`` or ``/Retrieval/psurf``.

    Raises
    ------
    InvalidOptions
        Where the dataset is unknown.
    InvalidInput
        Where the time is none, or the target's id can't be part of a name.
    """
    if dataset not in PREFIXES:
        raise InvalidOptions(f"dataset is {dataset!r}; it must be one of {', '.join(PREFIXES)}")
    if not target_id or "/" in target_id:
        raise InvalidInput(f"target id {target_id!r} can't be part of a file name: it is empty or holds a slash")
    time = _utc(start_seconds).strftime("%Y-%m-%dT%H%M%SZ")
    variable = variable_path.strip("/").replace("/", ".")
    return f"{PREFIXES[dataset]}_{target_id}_{time}_{'filtered' if filtered else 'unfiltered'}_{variable}.tif"


def geotransform(grid: Grid) -> Affine:
    """Return the affine transform from columns and rows, counted from the north west, to coordinates of the file."""
    from rasterio.transform import Affine

    metres = 1000.0 if isinstance(grid, EqualAreaGrid) else 1.0
    (west, _, width), (_, north, height) = _even(grid.x_edges), _even(grid.y_edges)
    return Affine(width * metres, 0.0, west * metres, 0.0, -height * metres, north * metres)


def coordinate_system(grid: Grid) -> CRS:
    """Return the coordinate reference system of the file of a grid."""
    from rasterio.crs import CRS

    if not isinstance(grid, EqualAreaGrid):
        return CRS.from_epsg(4326)
    longitude, latitude = wrap_longitude(grid.origin[0]), grid.origin[1]
    radius = AUTHALIC_RADIUS * 1000.0
    return CRS.from_string(f"+proj=laea +lat_0={latitude!r} +lon_0={longitude!r} +R={radius!r} +units=m +no_defs")


def _even(edges: np.ndarray) -> tuple[float, float, float]:
    """Return the outer edges of an axis of equal cells and their size."""
    steps = np.diff(edges)
    low, high, step = float(edges[0]), float(edges[-1]), float(edges[-1] - edges[0]) / steps.size
    if np.allclose(steps, step, rtol=1e-6):
        return low, high, step
    # Nodes at a pole: the outermost cells end there, those of a raster can't be shorter than the others.
    inner = edges[1:-1]
    step = float(inner[-1] - inner[0]) / (inner.size - 1) if inner.size > 1 else float(steps.max())
    return float(inner[0]) - step, float(inner[-1]) + step, step


def _as_stored(path: Path, values: np.ndarray, grid: Grid, nodata: float) -> tuple[np.ndarray, float]:
    """Return values north up in the type of the file, and ``nodata`` as a number of that type."""
    values = np.asarray(values)
    if values.shape != grid.shape:
        raise InvalidInput(f"{path.name}: values have shape {values.shape}, the grid has {grid.shape}")
    if values.dtype.kind not in "fiub":
        raise InvalidInput(f"{path.name}: values are {values.dtype}; a GeoTIFF holds real numbers and integers")
    if values.dtype.kind == "f":
        try:
            with np.errstate(over="raise"):
                return np.ascontiguousarray(values[::-1], np.float32), float(np.float32(nodata))
        except FloatingPointError:
            raise InvalidInput(f"{path.name}: values are beyond the range of float32; give them other units") from None
    kind = np.dtype(np.uint8) if values.dtype.kind == "b" else values.dtype.newbyteorder("=")
    limits = np.iinfo(kind)
    if not (math.isfinite(nodata) and int(nodata) == nodata and limits.min <= nodata <= limits.max):
        raise InvalidOptions(f"{path.name}: nodata is {nodata}; for {kind} it must be one of its values")
    return np.ascontiguousarray(values[::-1], kind), int(nodata)


def _creation_options(
    grid: Grid, options: Mapping[str, str | int | float | bool], resampling: str, *, can_have_statistics: bool
) -> dict[str, str]:
    """Return our creation options with those of the user over them, by GDAL's names."""
    accepted, _ = known_cog_options(options)
    compress = accepted.get("compress", "deflate").lower()
    if compress not in COMPRESSIONS:
        # GDAL would warn and write without compression.
        raise InvalidOptions(f"compress is {compress!r}; it must be one of {', '.join(COMPRESSIONS)}")
    own = {"blocksize": "256", "compress": compress, "resampling": resampling, "statistics": "AUTO"}
    # Blocks alone would leave rasters up to 256 pixels without overviews.
    own["overview_count"] = str(overview_count(grid.shape))
    if compress in PREDICTED:
        own["predictor"] = "YES"  # of floats for floats, else horizontal differences
    if compress == "deflate":
        own["level"] = "6"
    chosen = own | accepted
    if not can_have_statistics and chosen["statistics"].upper() == "YES":
        chosen["statistics"] = "AUTO"
    return {name.upper(): value for name, value in chosen.items()}


def _utc(seconds: float) -> dt.datetime:
    """Return a time, truncated to seconds."""
    if not math.isfinite(seconds):
        raise InvalidInput(f"the time of the first sounding is {seconds}; it must be a number of seconds")
    return dt.datetime.fromtimestamp(math.floor(seconds), tz=dt.UTC)
