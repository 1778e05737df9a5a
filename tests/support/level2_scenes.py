"""Small Level-2 scenes with two plumes, as the names of specs/plumes.md 1.13 have them, for tests of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from pyproj import CRS

STEM = "EMIT_L2B_001_20230612T162103_2316311_006"
SOURCE = (500400.0, 3540300.0)
"""Easting and northing of the larger plume's source (m)."""


def plume(x: np.ndarray, y: np.ndarray, source: tuple[float, float], peak: float, towards: float = 30.0) -> np.ndarray:
    """Return a plume that widens from its source; ``towards`` is its direction, anticlockwise from east (degrees)."""
    turn = np.radians(towards)
    along = (x - source[0]) * np.cos(turn) + (y - source[1]) * np.sin(turn)
    across = -(x - source[0]) * np.sin(turn) + (y - source[1]) * np.cos(turn)
    width = 90 + 0.12 * np.maximum(along, 0)
    field = peak * 90 / width * np.exp(-0.5 * (across / width) ** 2) * np.exp(-np.maximum(along, 0) / 4000)
    return np.where(along > -60, field, 0)


def grid(rows: int = 150, columns: int = 170, pixel: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings of pixel centres (m)."""
    return 496000 + pixel * (np.arange(columns) + 0.5), 3545000 - pixel * (np.arange(rows) + 0.5)


def write_level2(
    folder: Path,
    *,
    stem: str = STEM,
    seed: int = 7,
    zone: int = 32613,
    upside_down: bool = False,
    winds: bool = True,
    plumes: bool = True,
    variables: tuple[str, ...] = (),
    start: str = "2023-06-12T16:21:03Z",
) -> Path:
    """Write a scene: a tilted swath in a UTM grid, noise, two plumes, one speck of four pixels.

    Parameters
    ----------
    variables : tuple of str
        Those that are written; all where empty.
    """
    x, y = grid()
    east, north = np.meshgrid(x, y)
    random = np.random.default_rng(seed)
    row, column = np.indices(east.shape)
    swath = (np.abs(column - 85 + 0.25 * (row - 75)) < 62) & (row > 4) & (row < 146)
    field = plume(east, north, SOURCE, 900.0) + plume(east, north, (499000.0, 3538200.0), 300.0)
    field *= float(plumes)
    noise = random.normal(0, 25, east.shape)
    labels = np.zeros(east.shape, dtype=np.int32)
    if plumes:
        labels[plume(east, north, SOURCE, 900.0) > 60] = 1
        labels[(plume(east, north, (499000.0, 3538200.0), 300.0) > 50) & (labels == 0)] = 2
        labels[30:32, 60:62] = 3
    ground = 0.5 + 0.2 * np.sin(east / 700) * np.cos(north / 900) + 0.05 * random.normal(size=east.shape)
    rgb = np.stack([np.clip(255 * ground * tint, 1, 255) for tint in (0.9, 0.8, 0.6)]).astype(np.uint8)
    layers: dict[str, tuple[np.ndarray, str]] = {
        "rgb": (np.where(swath, rgb, 0).astype(np.uint8), "1"),
        "radiance_2100": (np.where(swath, 3 * ground, np.nan).astype(np.float32), "uW cm-2 sr-1 nm-1"),
        "ch4": (np.where(swath, field + noise, np.nan).astype(np.float32), "ppb"),
        "ch4_comb": (np.where(swath, field + 0.7 * noise, np.nan).astype(np.float32), "ppb"),
        "ch4_denoise": (np.where(swath, field + 0.1 * noise, np.nan).astype(np.float32), "ppb"),
        "ch4_comb_denoise": (np.where(swath, field + 0.07 * noise, np.nan).astype(np.float32), "ppb"),
        "ch4_mask": (np.where(swath, labels, 0).astype(np.int32), "1"),
        "co2": (np.where(swath, random.normal(0, 3, east.shape), np.nan).astype(np.float32), "ppm"),
    }
    path = folder / f"{stem}.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"sensor": "EMIT", "platform": "ISS", "start_time": start, "end_time": "2023-06-12T16:21:15Z"})
        write_grid(file, x, y, zone, upside_down=upside_down)
        file.createDimension("bands", 3)
        for name, (data, units) in layers.items():
            if not variables or name in variables:
                leading = ("bands",) if data.ndim == 3 else ()
                write_variable(file, name, data, units, leading, upside_down=upside_down)
        if winds:
            file.createDimension("source", 2)
            names = file.createVariable("source", str, ("source",))
            names[0], names[1] = "ERA5", "GEOS-FP"
            for name, values in (("u10", (3.0, 2.4)), ("v10", (1.8, 2.2))):
                data = np.stack([np.where(swath, value, np.nan) for value in values]).astype(np.float32)
                write_variable(file, name, data, "m s-1", ("source",), upside_down=upside_down)
    return path


def write_grid(file: Any, x: np.ndarray, y: np.ndarray, zone: int, *, upside_down: bool = False) -> None:
    """Write coordinates and the grid mapping of a projected file."""
    for name, values in (("y", y[::-1] if upside_down else y), ("x", x)):
        file.createDimension(name, values.size)
        variable = file.createVariable(name, "f8", (name,))
        variable.setncatts({"units": "m", "standard_name": f"projection_{name}_coordinate"})
        variable[:] = values
    file.createVariable("EMIT_utm", "i4", ()).setncatts({"crs_wkt": CRS.from_epsg(zone).to_wkt()})


def write_variable(
    file: Any, name: str, data: np.ndarray, units: str, leading: tuple[str, ...] = (), *, upside_down: bool = False
) -> None:
    """Write one variable on the grid."""
    fill = np.nan if data.dtype.kind == "f" else False
    variable = file.createVariable(name, data.dtype, (*leading, "y", "x"), fill_value=fill)
    variable.setncatts({"units": units, "grid_mapping": "EMIT_utm", "long_name": name.replace("_", " ")})
    variable[...] = data[..., ::-1, :] if upside_down else data


PLUMES = """plume_id,plume_latitude,plume_longitude,datetime,gas,instrument,emission,emission_uncertainty,emission_csf,\
emission_csf_uncertainty,wind_source,wind_speed,wind_direction,ime,signal_to_noise,false_positive_score
emi-20230612t162103-plume1,31.99800,-104.99577,2023-06-12T16:21:03Z,CH4,emi,8123.4,2011.7,7800,1900,ERA5,3.5,239.0,\
1520.5,14.2,0.05
emi-20230612t162103-plume2,31.97907,-105.01058,2023-06-12T16:21:03Z,CH4,emi,1310.0,640.2,,,ERA5,3.5,239.0,210.1,5.1,0.4
"""


def write_quantified(folder: Path) -> Path:
    """Write what pages read of `quantify`: the table of two plumes and their outlines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plumes.csv").write_text(PLUMES, encoding="utf-8")
    features = []
    for number, (west, south) in enumerate(((-104.997, 31.996), (-105.012, 31.978)), start=1):
        ring = [[west, south], [west + 0.02, south], [west + 0.035, south + 0.02], [west, south + 0.004], [west, south]]
        features.append(
            {
                "type": "Feature",
                "properties": {"plume_id": f"emi-20230612t162103-plume{number}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "plumes.geojson").write_text(text, encoding="utf-8")
    return folder


def write_plume_files(folder: Path, *, stem: str = STEM.replace("L2B", "L3B"), sections: bool = True) -> Path:
    """Write a plume's Level-3 file on its part of the scene's grid, its cross sections, and the table."""
    write_quantified(folder)
    x, y = grid()
    x, y = x[60:140], y[30:100]
    east, north = np.meshgrid(x, y)
    field = plume(east, north, SOURCE, 900.0)
    inside = field > 60
    with netCDF4.Dataset(folder / f"{stem}_plume1.nc", "w") as file:
        file.setncatts({"start_time": "2023-06-12T16:21:03Z", "plume_longitude": -104.99577, "plume_latitude": 31.998})
        write_grid(file, x, y, 32613)
        write_variable(file, "ch4", np.where(inside, field, np.nan).astype(np.float32), "ppb")
        write_variable(file, "ch4_cm", np.where(field > 200, field, np.nan).astype(np.float32), "ppb")
        file.createDimension("source", 2)
        names = file.createVariable("source", str, ("source",))
        names[0], names[1] = "ERA5", "GEOS-FP"
        for name, values in (("u10", (3.0, 2.4)), ("v10", (1.8, 2.2))):
            file.createVariable(name, "f8", ("source",))[:] = values
    if sections:
        distance = np.arange(150.0, 4200.0, 150.0)
        turn = np.radians(30.0)
        middle = np.array(SOURCE) + distance[:, None] * np.array([np.cos(turn), np.sin(turn)])
        half = (150 + 0.2 * distance)[:, None] * np.array([-np.sin(turn), np.cos(turn)])
        rates = 7800 + 900 * np.sin(distance / 600)
        rates[5] = np.nan
        values = {"emission_rate": rates, "x_start": (middle - half)[:, 0], "y_start": (middle - half)[:, 1]}
        values |= {"x_end": (middle + half)[:, 0], "y_end": (middle + half)[:, 1]}
        with netCDF4.Dataset(folder / f"{stem}_plume1_csf.nc", "w") as file:
            file.createDimension("csf_line", distance.size)
            file.createDimension("center_line", distance.size)
            for name, data in values.items():
                file.createVariable(name, "f8", ("csf_line",))[:] = data
            for name, axis in (("x_center", 0), ("y_center", 1)):
                file.createVariable(name, "f8", ("center_line",))[:] = middle[:, axis]
    return folder
