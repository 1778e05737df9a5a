"""The enhancements of a scene before orthorectification, in HyperGas' names and units (specs/plumes.md 1.1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.plumes.layers import Layer, open_layers, write_layers
from levelworks.plumes.mapping.level2_layers import Columns, standard_pressure
from levelworks.plumes.units import GAS_NAMES


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
