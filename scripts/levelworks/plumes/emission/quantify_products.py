"""Files of one quantified plume: Level 3 on the map with its sensor geometry beside it, and its cross sections.

The map (specs/plumes.md 1.13) is for people and their tools; masses are measured in the group ``sensor_geometry``, of
pixels that were never resampled (D15). Who edits ``<gas>_mask`` on the map edits the plume: `read_plume` takes it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from scipy.ndimage import distance_transform_edt

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.emission.emission_measures import Measures, stored_background
from levelworks.plumes.emission.emission_rates import PlumeWind
from levelworks.plumes.emission.quantify_crop import Crop
from levelworks.plumes.emission.quantify_plane import fit_plane
from levelworks.plumes.emission.wind_files import MANUAL
from levelworks.plumes.layers import CONVENTIONS, Layer
from levelworks.plumes.mapping.level2 import write_level2
from levelworks.plumes.mapping.orthorectify import RESOLUTION, map_by_positions
from levelworks.plumes.mapping.utm import epsg_of
from levelworks.plumes.units import DISPLAY_UNITS, GAS_NAMES, HYPERGAS_COLUMN, from_molar

WIND_PARTS = ("u10", "v10", "sp")
GROUP = "sensor_geometry"
SENSOR_LAYERS = {
    "enhancement": ("f8", "mol m-2"),
    "noise": ("f8", "mol m-2"),
    "labels": ("i4", "1"),
    "usable": ("u1", "1"),
    "area": ("f8", "m2"),
    "longitude": ("f8", "degrees_east"),
    "latitude": ("f8", "degrees_north"),
    "elevation": ("f8", "m"),
}


def write_plume(
    path: Path,
    crop: Crop,
    measures: Measures,
    winds: Sequence[PlumeWind],
    pressure: float,
    attributes: Mapping[str, Any],
    *,
    hypergas: bool = False,
) -> None:
    """Write the Level-3 file of a plume.

    Parameters
    ----------
    pressure : float
        At the surface, Pa, for mixing ratios.
    attributes : mapping
        Of the file, beside those of the plume.
    """
    pixel_map = map_by_positions(crop.longitude, crop.latitude, RESOLUTION[crop.sensor])
    unit = DISPLAY_UNITS[crop.gas]
    fixed = {"ppm": HYPERGAS_COLUMN, "ppb": HYPERGAS_COLUMN * 1e3}
    factor = fixed[unit] if hypergas else float(from_molar(unit, pressure))
    name = f"{GAS_NAMES[crop.gas]}_enhancement"
    words = {"standard_name": name, "sensor": crop.sensor, "mol_m2_per_unit": 1 / factor}
    masks = {
        crop.gas: (crop.mask, name),
        f"{crop.gas}_cm": (measures.carbon_mapper_mask, f"{name}, Carbon Mapper's mask"),
    }
    layers = [
        Layer(
            layer,
            pixel_map.take(np.where(mask, crop.enhancement * factor, np.nan).astype(np.float32), np.nan),
            unit,
            meaning,
            attributes=words,
        )
        for layer, (mask, meaning) in masks.items()
    ]
    plume = pixel_map.take(crop.mask.astype(np.uint8), 0)
    layers.append(Layer(f"{crop.gas}_mask", plume, "1", "1 in the plume; edit it and reprocess"))
    layers.append(Layer("pixel", pixel_map.index, "1", "pixel of the sensor geometry that a cell shows; -1 none"))
    described = {
        **attributes,
        "gas": crop.gas,
        "sensor": crop.sensor,
        "plume_number": crop.number,
        "plume_longitude": crop.source[0],
        "plume_latitude": crop.source[1],
        "first_row": crop.first[0],
        "first_column": crop.first[1],
    }
    sources = [wind.source for wind in winds]
    write_level2(path, pixel_map.grid, layers, described, sensor=crop.sensor, sources=sources)
    with netCDF4.Dataset(path, "a") as file:
        _write_winds(file, winds)
        _write_sensor_geometry(file, crop, np.float64(pressure), stored_background(measures, hypergas=hypergas))


def _numbers(file: Any, name: str) -> list[float]:
    return [float(one) for one in file.variables[name][...]] if name in file.variables else []


def _write_winds(file: Any, winds: Sequence[PlumeWind]) -> None:
    if not winds:
        return
    for name, values, units, meaning in (
        ("u10", [wind.u for wind in winds], "m s-1", "eastward wind at 10 m, mean of the plume"),
        ("v10", [wind.v for wind in winds], "m s-1", "northward wind at 10 m, mean of the plume"),
        ("sp", [wind.pressure for wind in winds], "Pa", "surface pressure, mean of the plume"),
    ):
        variable = file.createVariable(name, "f8", ("source",), fill_value=np.nan)
        variable.setncatts({"units": units, "long_name": meaning})
        variable[...] = values


def _write_sensor_geometry(file: Any, crop: Crop, pressure: np.float64, background: dict[str, Any]) -> None:
    group = file.createGroup(GROUP)
    group.setncatts({"surface_pressure": pressure, "background": json.dumps(background)})
    for axis, size in zip(("row", "column"), crop.labels.shape, strict=True):
        group.createDimension(axis, size)
    for name, (kind, units) in SENSOR_LAYERS.items():
        fill = np.nan if kind == "f8" else False
        variable = group.createVariable(
            name, kind, ("row", "column"), fill_value=fill, compression="zlib", complevel=1, shuffle=True
        )
        variable.units = units
        variable[...] = getattr(crop, name).astype(kind)


@dataclass(frozen=True)
class StoredPlume:
    """A Level-3 file as it stands: the plume, its winds, surface pressure (Pa), its background when it was written.

    ``edited`` tells whether the mask on the map isn't the one that was written.
    """

    crop: Crop
    winds: list[PlumeWind]
    pressure: float
    edited: bool
    background: dict[str, Any]


def read_plume(path: Path, *, take_edits: bool = True) -> StoredPlume:
    """Read a Level-3 file back.

    Parameters
    ----------
    take_edits : bool
        Whether an edited mask counts.

    Raises
    ------
    InvalidInput
        Where it is no Level-3 file of this line.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            group = file.groups[GROUP]
            layers = {name: np.asarray(group.variables[name][...]) for name in SENSOR_LAYERS}
            attributes = {name: file.getncattr(name) for name in file.ncattrs()}
            gas, number = str(attributes["gas"]), int(attributes["plume_number"])
            on_map = np.asarray(file.variables[f"{gas}_mask"][...])
            edited, labels = False, layers["labels"]
            if take_edits:
                edited, labels = _taken_back(labels, number, on_map, file.variables["pixel"][...])
            names = [str(one) for one in file.variables["source"][...]] if "u10" in file.variables else []
            winds = [
                PlumeWind(name, u, v, sp, name == MANUAL)
                for name, u, v, sp in zip(names, *(_numbers(file, part) for part in WIND_PARTS), strict=True)
            ]
            pressure = float(group.getncattr("surface_pressure"))
            background = json.loads(group.getncattr("background"))
            crop = Crop(
                gas,
                str(attributes["sensor"]),
                number,
                (float(attributes["plume_longitude"]), float(attributes["plume_latitude"])),
                (int(attributes["first_row"]), int(attributes["first_column"])),
                layers["enhancement"],
                layers["noise"],
                labels,
                layers["usable"].astype(bool),
                layers["area"],
                layers["longitude"],
                layers["latitude"],
                layers["elevation"],
                fit_plane(layers["longitude"], layers["latitude"]),
                attributes,
            )
    except (OSError, KeyError, AttributeError, ValueError, IndexError) as error:
        raise InvalidInput(f"{path} is no Level-3 file of quantify ({error})") from None
    return StoredPlume(crop, winds, pressure, edited, background)


def _taken_back(labels: np.ndarray, number: int, mask: np.ndarray, pixel: np.ndarray) -> tuple[bool, np.ndarray]:
    """Return whether a mask on the map was edited, and labels with the edit: most of a pixel's cells decide."""
    shown = pixel >= 0
    cells = np.asarray(pixel)[shown]
    written = (labels == number).ravel()
    now = mask[shown] != 0
    if np.array_equal(written[cells], now):
        return False, labels
    count = np.bincount(cells, minlength=labels.size)
    inside = np.bincount(cells, weights=now.astype(float), minlength=labels.size)
    changed = np.bincount(cells, weights=(written[cells] != now).astype(float), minlength=labels.size) > 0
    # Some pixels are shown by no cell: they go with the nearest that is.
    hidden = (count == 0).reshape(labels.shape)
    row, column = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    decided = (2 * inside >= np.maximum(count, 1)).reshape(labels.shape)[row, column]
    plume = np.where(changed.reshape(labels.shape)[row, column], decided, written.reshape(labels.shape))
    return True, np.where(plume, number, np.where(labels == number, 0, labels)).astype(labels.dtype)


def write_sections(
    path: Path, crop: Crop, measures: Measures, rate_per_mass: float, attributes: Mapping[str, Any], *, hypergas: bool
) -> None:
    """Write the cross sections of a plume: rates (kg h-1) and where their lines begin and end (m of its UTM zone).

    Parameters
    ----------
    rate_per_mass : float
        kg h-1 of one kg m-1.
    hypergas : bool
        The dimension of the centre line is misspelt as HyperGas has it.
    """
    from pyproj import Transformer

    epsg = epsg_of(*crop.source)
    to_map = Transformer.from_crs(4326, epsg, always_xy=True)

    def on_map(east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = to_map.transform(*crop.plane.unproject(east, north))
        return np.asarray(x), np.asarray(y)

    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": CONVENTIONS, **attributes, "epsg": epsg})
        centre = "ceter_line" if hypergas else "center_line"
        ends = measures.section_ends
        known = np.isfinite(measures.section_values)
        file.createDimension("csf_line", int(known.sum()))
        file.createDimension(centre, len(measures.lines.curve))
        start, end = (on_map(ends[known, place, 0], ends[known, place, 1]) for place in (0, 1))
        curve = on_map(measures.lines.curve[:, 0], measures.lines.curve[:, 1])
        for name, axis, values, units in (
            ("emission_rate", "csf_line", measures.section_values[known] * rate_per_mass, "kg h-1"),
            ("mass_per_length", "csf_line", measures.section_values[known], "kg m-1"),
            ("x_start", "csf_line", start[0], "m"),
            ("x_end", "csf_line", end[0], "m"),
            ("y_start", "csf_line", start[1], "m"),
            ("y_end", "csf_line", end[1], "m"),
            ("x_center", centre, curve[0], "m"),
            ("y_center", centre, curve[1], "m"),
        ):
            variable = file.createVariable(name, "f8", (axis,), fill_value=np.nan)
            variable.setncatts({"units": units, "long_name": name.replace("_", " ")})
            if values.size:
                variable[...] = values
