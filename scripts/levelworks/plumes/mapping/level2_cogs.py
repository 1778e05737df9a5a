"""Layers of a Level-2 product as Cloud-Optimised GeoTIFFs, one a file, with overviews and statistics.

A file is composed in memory and written in one go, so that GDAL leaves nothing beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import netCDF4
import numpy as np

from levelworks.core.cogs import cell_statistics, overview_count, write_in_one_go
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.mapping.utm import OrthoGrid

BLOCK = 256
GAS_SUFFIXES = ("", "_comb", "_denoise", "_comb_denoise", "_unc", "_sens", "_detlim", "_mask")
SCENE_LAYERS = ("quality", "radiance_2100", "rgb")
NO_COLOUR = 0


def chosen_layers(file: netCDF4.Dataset, gases: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """Return the names of the layers of an open Level-2 product that become GeoTIFFs.

    Raises
    ------
    InvalidOptions
        Where one is asked for that is no layer on the map, or has a leading axis other than ``bands``.
    """
    usual = [f"{gas}{suffix}" for gas in gases for suffix in GAS_SUFFIXES] + list(SCENE_LAYERS)
    if wanted is None:
        return [name for name in usual if name in file.variables]
    possible = [
        name
        for name, variable in file.variables.items()
        if variable.dimensions in (("y", "x"), ("bands", "y", "x")) and name not in ("longitude", "latitude")
    ]
    absent = [name for name in wanted if name not in possible]
    if absent:
        raise InvalidOptions(f"orthorectify.cog_layers: no layer {', '.join(absent)}; there are {', '.join(possible)}")
    return list(wanted)


def write_cogs(
    product: Path, folder: Path, stem: str, grid: OrthoGrid, gases: Sequence[str], wanted: Sequence[str] | None = None
) -> dict[str, Path]:
    """Write layers of a Level-2 product into a folder as ``<stem>_<layer>.tif``.

    Parameters
    ----------
    product : Path
        See `levelworks.plumes.mapping.level2.write_level2`.
    gases : sequence of str
        Whose layers are taken where ``wanted`` is None.
    wanted : sequence of str, optional
        Names of layers.

    Returns
    -------
    dict of str to Path
        Files by layer.
    """
    written = {}
    with netCDF4.Dataset(product) as file:
        file.set_auto_mask(False)
        start = str(getattr(file, "start_time", ""))
        for name in chosen_layers(file, gases, wanted):
            variable = file.variables[name]
            path = folder / f"{stem}_{name}.tif"
            tags = {
                "START_TIME": start,
                "SENSOR": str(getattr(file, "sensor", "")),
                "SOURCE_FILE": str(getattr(file, "filename", "")),
                "SOFTWARE": str(getattr(file, "version", "")),
            }
            write_cog(
                path,
                np.asarray(variable[...]),
                grid,
                nodata=_nodata(name, variable),
                units=str(getattr(variable, "units", "")),
                description=str(getattr(variable, "long_name", name)),
                tags={key: text for key, text in tags.items() if text},
            )
            written[name] = path
    return written


def write_cog(
    path: Path,
    values: np.ndarray,
    grid: OrthoGrid,
    *,
    nodata: float | None,
    units: str,
    description: str,
    tags: Mapping[str, str],
) -> None:
    """Write values on a map as a Cloud-Optimised GeoTIFF.

    Parameters
    ----------
    values : ndarray, shape (rows, columns) or (bands, rows, columns)
        Floats are stored as float32 and averaged in overviews, integers as they are and by the nearest; three bands
        of bytes are colours.
    nodata : float or None
        Value of cells without one.
    units, description : str
        Of every band.
    tags : mapping of str to str
        Metadata of the file.
    """
    from rasterio.crs import CRS

    bands = values if values.ndim == 3 else values[np.newaxis]
    floating = bands.dtype.kind == "f"
    stored = np.ascontiguousarray(bands, np.float32 if floating else bands.dtype)
    colours = len(stored) == 3 and stored.dtype == np.uint8
    creation: dict[str, str | int] = {
        "blocksize": BLOCK,
        "compress": "deflate",
        "level": 6,
        "predictor": "YES",
        "resampling": "average" if floating or colours else "nearest",
        "overview_count": overview_count(stored.shape[1:]),
        "statistics": "AUTO",
    }
    write_in_one_go(
        path,
        stored,
        crs=CRS.from_epsg(grid.epsg),
        transform=grid.transform,
        nodata=nodata,
        units=units,
        descriptions=["red", "green", "blue"] if colours else [description] * len(stored),
        tags={"AREA_OR_POINT": "Area", "TIFFTAG_IMAGEDESCRIPTION": description, **tags},
        statistics=[cell_statistics(band, nodata) for band in stored],
        creation=creation,
        colours=colours,
    )


def _nodata(name: str, variable: netCDF4.Variable) -> float | None:
    """Return the value of cells outside the scene: its fill, black for colours, none where 0 says something."""
    if name == "rgb":
        return NO_COLOUR
    fill = getattr(variable, "_FillValue", None)
    return None if fill is None else float(fill)
