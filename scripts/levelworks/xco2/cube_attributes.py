"""What stores say of themselves: global attributes, coordinates and grid mappings by CF-1.11 and ACDD-1.3."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from levelworks.xco2.cube_slices import COLUMNS, CubeSlice
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import Mode
from levelworks.xco2.grids import EqualAreaGrid, Grid

TIME_UNITS = "seconds since 1970-01-01 00:00:00"
PLATFORMS = {"oco2": "OCO-2", "oco3": "ISS", "oco3_sif": "ISS"}
SENSORS = {"oco2": "OCO-2", "oco3": "OCO-3", "oco3_sif": "OCO-3"}
QUANTITIES = {"oco2": "XCO2", "oco3": "XCO2", "oco3_sif": "SIF"}
PRODUCTS = {"oco2": "OCO-2 Lite LtCO2", "oco3": "OCO-3 Lite LtCO2", "oco3_sif": "OCO-3 Lite LtSIF"}
REFERENCES = "doi:10.5194/amt-12-2341-2019, doi:10.1016/j.rse.2020.112032, doi:10.1016/j.rse.2021.112314"

GEOGRAPHIC = {
    "grid_mapping_name": "latitude_longitude",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
    "longitude_of_prime_meridian": 0.0,
    "crs_wkt": (
        'GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563,'
        'LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
        'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
        'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]]'
    ),
}


def cube_attributes(
    dataset: str,
    target: tuple[str, str],
    box: Box,
    slices: Sequence[CubeSlice],
    *,
    filtered: bool,
    title: str,
    resolution: str,
) -> dict[str, Any]:
    """Return the global attributes of a target's cube.

    Parameters
    ----------
    dataset : str
        ``oco2``, ``oco3`` or ``oco3_sif``.
    target : tuple of str
        Id and name.
    box : Box
        Of the target.
    slices : sequence of CubeSlice
        In order of time.
    filtered : bool
        Whether only soundings of good quality are in.
    title, resolution : str
        Of the options; empty where not given.
    """
    name, full_name = target
    made = f"{SENSORS[dataset]} {QUANTITIES[dataset]} over {full_name or name}, "
    made += "soundings of good quality" if filtered else "all soundings"
    found = common_attributes(
        [dataset], [(one.source_build, dataset) for one in slices], filtered=filtered, title=title or made
    )
    found |= {
        "target_id": name,
        "target_name": full_name,
        "target_bbox": as_polygon(box),
        "interpolation_method": ", ".join(sorted({one.gridding_method for one in slices})),
        "operation_mode": ", ".join(sorted({MODE_NAMES[one.operation_mode] for one in slices})),
        "geospatial_bounds": as_polygon(box),
        "geospatial_lat_min": box.min_lat,
        "geospatial_lat_max": box.max_lat,
        "geospatial_lon_min": box.min_lon,
        "geospatial_lon_max": box.max_lon,
    }
    found |= coverage([one.start for one in slices], [one.end for one in slices])
    return found | ({"resolution": resolution} if resolution else {})


MODE_NAMES: dict[int, str] = {
    Mode.AREA_MAP: "snapshot area map",
    Mode.TARGET: "target",
    Mode.NADIR: "nadir",
    Mode.GLINT: "glint",
}


def common_attributes(
    datasets: Sequence[str], builds: Sequence[tuple[str, str]], *, filtered: bool, title: str
) -> dict[str, Any]:
    """Return the global attributes that cubes and mosaics share; ``builds`` are pairs of build and dataset."""
    sources = []
    for dataset in datasets:
        known = sorted({build for build, owner in builds if owner == dataset and build})
        sources.append(f"{PRODUCTS[dataset]}, {'builds' if len(known) > 1 else 'build'} {', '.join(known)}")
    return {
        "Conventions": "CF-1.11, ACDD-1.3",
        "title": title,
        "summary": "Soundings of overpasses on a regular grid, each cell with what the footprints in it measured.",
        "source": "; ".join(sources),
        "institution": "levelworks",
        "references": REFERENCES,
        "platform": ", ".join(dict.fromkeys(PLATFORMS[one] for one in datasets)),
        "sensor": ", ".join(dict.fromkeys(SENSORS[one] for one in datasets)),
        "processing_level": "L3",
        "cdm_data_type": "Grid",
        "quality_flag_filtered": "yes" if filtered else "no",
    }


def coverage(starts: Sequence[float], ends: Sequence[float]) -> dict[str, str]:
    """Return the attributes that say which time is covered."""
    if not starts:
        return {}
    first, last = (_stamp(value) for value in (min(starts), max(ends)))
    return {
        "coverage_start": first,
        "coverage_end": last,
        "time_coverage_start": first,
        "time_coverage_end": last,
    }


def _stamp(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_polygon(box: Box) -> str:
    """Return a box as WKT, longitudes running on beyond 180 where it crosses the antimeridian."""
    west, south, east, north = box.unwrapped
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return f"POLYGON (({', '.join(f'{x:.10g} {y:.10g}' for x, y in corners)}))"


def slice_attributes(name: str) -> dict[str, Any]:
    """Return the attributes of a coordinate of slices."""
    found: dict[str, Any] = {"long_name": COLUMNS[name][1]}
    if name == "operation_mode":
        codes = sorted(MODE_NAMES)
        found |= {
            "flag_values": [int(code) for code in codes],
            "flag_meanings": " ".join(MODE_NAMES[code].replace(" ", "_") for code in codes),
        }
    if name in ("number_in_capture", "capture_ordinal"):
        found["units"] = "1"
    return found


TIME_ATTRIBUTES = {
    "standard_name": "time",
    "long_name": "time of the capture's first sounding, whatever its quality",
    "units": TIME_UNITS,
    "calendar": "standard",
    "axis": "T",
    "bounds": "time_bnds",
}


Axis: TypeAlias = tuple[tuple[str, ...], np.ndarray, dict[str, Any]]
"""Dimensions, values and attributes of a coordinate."""


def axes_of(grid: Grid) -> dict[str, Axis]:
    """Return the horizontal coordinates of a grid by name.

    Longitudes run on beyond 180 across the antimeridian: coordinates must be monotonic.
    """
    if isinstance(grid, EqualAreaGrid):
        return _projected_axes(grid)
    found: dict[str, Axis] = {}
    for name, values, edges, axis, limits in (
        ("latitude", grid.y, grid.y_edges, "Y", (-90.0, 90.0)),
        ("longitude", grid.x, grid.x_edges, "X", (-180.0, 180.0 if grid.x_edges[-1] <= 180.0 else 360.0)),
    ):
        attributes = {
            "standard_name": name,
            "long_name": name,
            "units": "degrees_north" if axis == "Y" else "degrees_east",
            "axis": axis,
            "bounds": f"{name[:3]}_bnds",
            "valid_min": limits[0],
            "valid_max": limits[1],
        }
        found[name] = (name,), values, attributes
        found[f"{name[:3]}_bnds"] = (name, "bnds"), _bounds(edges), {}
    return found


def _projected_axes(grid: EqualAreaGrid) -> dict[str, Axis]:
    found: dict[str, Axis] = {}
    for axis, values, edges in (("y", grid.y, grid.y_edges), ("x", grid.x, grid.x_edges)):
        attributes = {
            "standard_name": f"projection_{axis}_coordinate",
            "units": "km",
            "axis": axis.upper(),
            "bounds": f"{axis}_bnds",
        }
        found[axis] = (axis,), values, attributes
        found[f"{axis}_bnds"] = (axis, "bnds"), _bounds(edges), {}
    for name, places, side in (("latitude", grid.latitude, "north"), ("longitude", grid.longitude, "east")):
        found[name] = ("y", "x"), places, {"standard_name": name, "long_name": name, "units": f"degrees_{side}"}
    return found


def _bounds(edges: np.ndarray) -> np.ndarray:
    return np.stack([edges[:-1], edges[1:]], axis=1)


def grid_mapping(grid: Grid) -> dict[str, Any]:
    """Return the attributes of a grid's mapping variable."""
    return grid.grid_mapping if isinstance(grid, EqualAreaGrid) else GEOGRAPHIC
