"""A scene before orthorectification (specs/plumes.md 1.1, 1.2): enhancements in HyperGas' names and units, colours.

The colours are what people place ground control points on: an image of the granule's rows and columns.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from levelworks.plumes.layers import Layer, open_layers, write_layers
from levelworks.plumes.mapping.level2_layers import Columns
from levelworks.plumes.units import GAS_NAMES, standard_pressure


def write_unortho(retrieval: Path, path: Path, *, units: str = "display", compat: str = "none") -> None:
    """Write gas, combined gas, segmentation and positions of a retrieval in sensor geometry.

    Parameters
    ----------
    retrieval : Path
        Product of the retrieval.
    units, compat : str
        As of the Level-2 product; mixing ratios take the standard atmosphere's pressure at the pixel's elevation.

    Raises
    ------
    InvalidInput
        Where the retrieval lacks a layer.
    """
    with open_layers(retrieval) as product:
        attributes = product.attributes
        pressure = standard_pressure(np.nan_to_num(product.read("elevation").astype(np.float64)))
        columns = Columns(units, compat, pressure)
        layers = []
        for gas in str(attributes.get("gases", "")).split():
            for name in (gas, f"{gas}_comb"):
                if name in product:
                    data = (product.read(name) * columns.factor(gas)).astype(np.float32)
                    words = {"standard_name": f"{GAS_NAMES[gas]}_enhancement"}
                    layers.append(Layer(name, data, columns.unit(gas), attributes=words))
        for name, unit in (("segmentation", "1"), ("longitude", "degrees_east"), ("latitude", "degrees_north")):
            layers.append(Layer(name, product.read(name), unit))
    write_layers(path, layers, attributes)


def write_colours(retrieval: Path, path: Path) -> None:
    """Write the colours of a retrieval as a GeoTIFF without a place, in whose pixels control points are counted.

    Raises
    ------
    InvalidInput
        Where the retrieval lacks them.
    """
    with open_layers(retrieval) as product:
        attributes = product.attributes
        colours = product.read("rgb")
    tags = {"START_TIME": attributes.get("start_time", ""), "SOURCE_FILE": attributes.get("source_file", "")}
    write_image(path, colours, tags)


def write_image(path: Path, colours: np.ndarray, tags: Mapping[str, str]) -> None:
    """Write red, green and blue, (3, rows, columns) bytes, as a GeoTIFF without a place; 0 is no pixel."""
    import rasterio
    from rasterio.enums import ColorInterp
    from rasterio.errors import NotGeoreferencedWarning

    count, rows, columns = colours.shape
    profile = {"driver": "GTiff", "count": count, "dtype": "uint8", "height": rows, "width": columns, "nodata": 0}
    with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED=False):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile, compress="deflate", photometric="RGB") as file:
            file.write(colours)
            file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
            file.update_tags(**tags)
