"""What OCO3-data-transformer does between a Lite file and its grids, from the facts known of it, in plain loops.

Sections of the research notes: runs and targets (5), quality sets (6), nodes (7.1), interpolation (7.2), mask (7.3).
Nothing here comes from levelworks; positions are the single precision numbers of the files.
"""

from __future__ import annotations

import re

import netCDF4
import numpy as np
import shapely
from scipy.interpolate import griddata
from shapely import affinity

NO_TARGET = ("", "none", "missing", "Missing")
LTCO2 = {
    "latitude": "latitude",
    "longitude": "longitude",
    "vertex_latitude": "vertex_latitude",
    "vertex_longitude": "vertex_longitude",
    "quality": "xco2_quality_flag",
    "mode": "Sounding/operation_mode",
}
LTSIF = {
    "latitude": "Latitude",
    "longitude": "Longitude",
    "vertex_latitude": "Latitude_Corners",
    "vertex_longitude": "Longitude_Corners",
    "quality": "Quality_Flag",
    "mode": "Metadata/MeasurementMode",
}
MODES = {"oco3": {4: "sam", 2: "target"}, "oco2": {2: "target"}, "oco3_sif": {3: "sam", 2: "target"}}
"""In the order in which runs of them are sought, by the codes of the files."""


def read_soundings(path, kind, variables):
    """Return the arrays of a Lite file as stored, target ids among them, and the variables by their full path."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        found = {name: file[place][...] for name, place in (LTSIF if kind == "oco3_sif" else LTCO2).items()}
        if kind == "oco3":
            found["target_id"] = list(file["Sounding/target_id"][...])
        elif kind == "oco3_sif":
            ids = list(file["Sequences/SequencesId"][...])
            found["target_id"] = ["none" if one < 0 else ids[one] for one in file["Sequences/SequencesIndex"][...]]
        return found | {name: file[name][...] for name in variables}


def runs_of(kind, mode, target_id):
    """Return runs of soundings as first, end, mode and target id, fused as OCO-3's and SIF's are."""
    wildcard = kind == "oco3_sif"
    stored = []
    for code in MODES[kind]:
        first, name = None, None
        for place in range(len(mode) + 1):
            here = place < len(mode) and mode[place] == code
            own = target_id[place] if here and kind != "oco2" else ""
            if first is not None and (not here or (own != name and not (wildcard and "none" in (own, name)))):
                _store(stored, [first, place, code, name], kind)
                first = None
            if here and first is None:
                first, name = place, own
            elif here and wildcard and name == "none":
                name = own
    return stored


def _store(stored, run, kind):
    if stored and kind != "oco2":
        last = stored[-1]
        near = abs(last[1] - run[0]) <= (2 if kind == "oco3_sif" else 1)
        if near and (last[3] == run[3] or (kind == "oco3_sif" and "none" in (last[3], run[3]))):
            last[1] = run[1]
            last[3] = run[3] if last[3] == "none" else last[3]
            return
    stored.append(run)


def captures_of(kind, soundings, targets):
    """Return captures as first, end, mode and target id, in order; ``targets`` is the content of a targets file."""
    kept = []
    for first, end, code, name in runs_of(kind, soundings["mode"], soundings.get("target_id")):
        part = slice(first, end)
        found = name if kind != "oco2" else _nearest(soundings["longitude"][part], soundings["latitude"][part], targets)
        if found in targets and found not in NO_TARGET:
            kept.append((first, end, MODES[kind][code], found))
    return sorted(kept)


def _nearest(longitude, latitude, targets):
    """Return the target nearest in degrees, where its box meets that of the soundings."""
    centres = {name: re.findall(r"[-\d.]+", one["centroid_wkt"]) for name, one in targets.items()}
    away = {
        name: np.hypot(float(x) - longitude.mean(dtype=float), float(y) - latitude.mean(dtype=float))
        for name, (x, y) in centres.items()
    }
    name = min(away, key=away.get)
    box = shapely.box(*(targets[name]["bbox"][key] for key in ("min_lon", "min_lat", "max_lon", "max_lat")))
    return name if box.intersects(shapely.box(longitude.min(), latitude.min(), longitude.max(), latitude.max())) else ""


def quality_sets(kind, quality):
    """Return which soundings are in each set."""
    good = np.isin(quality, [0, 1] if kind == "oco3_sif" else [0])
    return {"pre": np.ones(quality.shape, bool), "post": good}


def nodes(low, high, number):
    """Return the nodes of an axis, both ends included: double precision stored as single."""
    step = (high - low) / (number - 1)
    return np.array([low + one * step for one in range(number)]).astype(np.float32)


def interpolated(longitude, latitude, values, x, y, method):
    """Return values at all nodes, double precision, shape (rows, columns)."""
    east, north = np.meshgrid(x, y)
    method = "nearest" if len(values) < 4 else method
    return np.asarray(griddata((longitude, latitude), values, (east, north), method=method), np.float64)


def mask_of(vertex_longitude, vertex_latitude, x, y, scaling=1.0):
    """Return the nodes around which a square of twice the cell touches a footprint whose box the cell meets.

    Footprints are scaled about the middle of their bounding box, shapely's default. Bounds of candidates are compared
    with the nodes in single precision, as numpy before 2.0 compares single precision arrays with numbers.
    """
    dx, dy = x[1] - x[0], y[1] - y[0]
    mask = np.zeros((y.size, x.size), bool)
    for lons, lats in zip(vertex_longitude, vertex_latitude, strict=True):
        polygon = shapely.Polygon(list(zip(lons, lats, strict=True)))
        scaling = min(max(scaling, 1.0), 1.5)
        if scaling > 1.0:
            polygon = affinity.scale(polygon, scaling, scaling, origin="center")
        west, south, east, north = polygon.bounds
        columns = _between(x, west - float(dx) / 2, east + float(dx) / 2)
        for row in _between(y, south - float(dy) / 2, north + float(dy) / 2):
            for column in columns:
                if not mask[row, column]:
                    square = shapely.box(x[column] - dx, y[row] - dy, x[column] + dx, y[row] + dy)
                    mask[row, column] = square.intersects(polygon)
    return mask


def _between(axis, low, high):
    return np.flatnonzero((axis >= np.float32(low)) & (axis <= np.float32(high)))


def grid_capture(kind, soundings, part, name, box, size, method, scaling=1.0):
    """Grid one variable of a capture, the soundings ``first, end``; return both sets, NaN outside of their masks.

    ``box`` is min_lon, min_lat, max_lon, max_lat; ``size`` rows and columns. A set without soundings is None.
    """
    mine = {key: np.asarray(values)[slice(*part)] for key, values in soundings.items()}
    x, y = nodes(box[0], box[2], size[1]), nodes(box[1], box[3], size[0])
    found = {}
    for quality_set, keep in quality_sets(kind, mine["quality"]).items():
        if not keep.any():
            found[quality_set] = None
            continue
        values = interpolated(mine["longitude"][keep], mine["latitude"][keep], mine[name][keep], x, y, method)
        mask = mask_of(mine["vertex_longitude"][keep], mine["vertex_latitude"][keep], x, y, scaling)
        found[quality_set] = np.where(mask, values, np.nan), mask
    return found
