"""Writes Level-2 products: NetCDF on a map projection after CF, laid out as HyperGas does.

Source: specs/plumes.md 1.13 and 6.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from levelworks.plumes.layers import CONVENTIONS, Layer
from levelworks.plumes.mapping.level2_layers import QUALITY_PLANES
from levelworks.plumes.mapping.utm import OrthoGrid

CHUNK = 256
POSITION_STEP = 1e-7
"""Degrees (a centimetre) to which longitude and latitude of cells are kept, as whole numbers of four bytes."""


def write_level2(
    path: Path,
    grid: OrthoGrid,
    layers: Iterable[Layer],
    attributes: Mapping[str, Any],
    *,
    sensor: str,
    sources: Sequence[str] = (),
) -> None:
    """Write layers on a map; rows go from north to south.

    Parameters
    ----------
    path : Path
        File to write.
    grid : OrthoGrid
        Of the layers.
    layers : iterable of Layer
        Each (rows, columns) or with a leading axis ``source``, ``bands`` or ``quality_flag``; taken one by one.
    attributes : mapping
        Of the file.
    sensor : str
        Names the grid mapping, ``<sensor>_utm``.
    sources : sequence of str
        Names along ``source``.
    """
    mapping = f"{sensor}_utm"
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": CONVENTIONS, **attributes})
        file.createDimension("y", grid.rows)
        file.createDimension("x", grid.columns)
        _write_grid(file, grid, mapping)
        _write_names(file, "source", sources)
        _write_names(file, "bands", ("R", "G", "B"))
        _write_names(file, "quality_flag", tuple(QUALITY_PLANES))
        for layer in layers:
            _write_layer(file, layer, mapping)


def _write_grid(file: netCDF4.Dataset, grid: OrthoGrid, mapping: str) -> None:
    crs = file.createVariable(mapping, "i4", ())
    crs.setncatts(grid.crs.to_cf())
    # Two names that GDAL and rioxarray look for beside CF's.
    crs.setncattr("spatial_ref", grid.crs.to_wkt())
    crs.setncattr("GeoTransform", " ".join(f"{number!r}" for number in grid.transform.to_gdal()))
    for name, values, word in (("y", grid.y, "northing"), ("x", grid.x, "easting")):
        axis = file.createVariable(name, "f8", (name,))
        axis.setncatts(
            {
                "standard_name": f"projection_{name}_coordinate",
                "long_name": word,
                "units": "m",
                "axis": name.upper(),
            }
        )
        axis[...] = values
    for name, values, units in zip(
        ("longitude", "latitude"), grid.positions(), ("degrees_east", "degrees_north"), strict=True
    ):
        place = _create(file, name, np.dtype("i4"), ("y", "x"), (grid.rows, grid.columns), None)
        place.set_auto_scale(False)
        place.setncatts({"standard_name": name, "long_name": name, "units": units, "scale_factor": POSITION_STEP})
        place.setncattr("grid_mapping", mapping)
        place[...] = np.round(values / POSITION_STEP).astype(np.int32)


def _write_names(file: netCDF4.Dataset, dimension: str, names: Sequence[str]) -> None:
    if not names:
        return
    file.createDimension(dimension, len(names))
    variable = file.createVariable(dimension, str, (dimension,))
    for number, name in enumerate(names):
        variable[number] = name


def _write_layer(file: netCDF4.Dataset, layer: Layer, mapping: str) -> None:
    given = dict(layer.attributes)
    fill = given.pop("_FillValue", None)
    if layer.data.dtype.kind == "f":
        fill = np.nan
    names = ((layer.along,) if layer.along else ()) + ("y", "x")
    variable = _create(file, layer.name, layer.data.dtype, names, layer.data.shape, fill)
    described = {"units": layer.units, "long_name": layer.long_name or layer.name.replace("_", " ")}
    places = {"grid_mapping": mapping, "coordinates": "longitude latitude"}
    variable.setncatts({key: text for key, text in described.items() if text} | given | places)
    variable.set_auto_maskandscale(False)
    variable[...] = layer.data


def _create(
    file: netCDF4.Dataset,
    name: str,
    dtype: np.dtype,
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    fill: float | None,
) -> netCDF4.Variable:
    chunks = (1,) * (len(shape) - 2) + tuple(min(CHUNK, size) for size in shape[-2:])
    return file.createVariable(
        name,
        dtype,
        axes,
        compression="zlib",
        complevel=4,
        shuffle=True,
        chunksizes=chunks,
        fill_value=False if fill is None else fill,
    )
