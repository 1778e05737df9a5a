"""Zenith delays as GACOS writes them, and the layers of a pair that they stand in."""

from __future__ import annotations

import numpy as np
import rasterio
from insar_frames import FRAME
from insar_products import write_note
from rasterio.transform import from_origin

from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.geotiffs import coherence_bytes, write_raster
from levelworks.insar.geocoding.lookup import cell_centres

STEP = 1 / 1200
HEADER = """WIDTH   {columns}
FILE_LENGTH   {rows}
XMIN          0
XMAX          {columns}
YMIN          0
YMAX          {rows}
X_FIRST           {west:.7f}
Y_FIRST           {north:.7f}
X_STEP             {step:.12f}
Y_STEP            -{step:.12f}
X_UNIT        degres
Y_UNIT        degres
Z_OFFSET      0
Z_SCALE       1
PROJECTION    LATLON
DATUM         WGS84
TIME_OF_DAY {hour:.6f}UTC
"""
"""The keys and the spelling of the service."""


def write_ztd(folder, date, values, west, north, step=STEP, hour=2.34):
    """Write a binary and its header; west and north are the centre of the first cell."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{date}.ztd"
    path.write_bytes(np.nan_to_num(values).astype("<f4").tobytes())
    rows, columns = values.shape
    header = folder / f"{date}.ztd.rsc"
    header.write_text(HEADER.format(rows=rows, columns=columns, west=west, north=north, step=step, hour=hour))
    return [path, header]


def write_ztd_tif(folder, date, values, west, north, step=STEP, **change):
    """Write the same as a GeoTIFF."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{date}.ztd.tif"
    corner = from_origin(west - step / 2, north + step / 2, step, step)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "transform": corner}
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], **profile | change) as file:
        for band in range(1, file.count + 1):
            file.write(values.astype(file.dtypes[0]), band)
    return [path]


def zenith_grid(frame, margin=4, step=STEP):
    """Return a grid of zenith delays around a frame: west, north, latitudes of rows and longitudes of columns."""
    grid = read_frame(frame).grid
    west, north = grid.west - margin * step, grid.north + margin * step
    rows, columns = (round(span / step) + 2 * margin for span in (grid.north - grid.south, grid.east - grid.west))
    return west, north, north - step * np.arange(rows), west + step * np.arange(columns)


class GeoPair:
    """A frame on the geographic grid, its geometry, and layers of pairs on it as the stages before leave them."""

    def __init__(self, folder, frame):
        self.folder, self.frame = folder, frame
        self.grid = read_frame(frame).grid
        self.latitudes, self.longitudes = cell_centres(self.grid)

    def write_geometry(self, height, up, **further):
        folder = self.folder / "geocode-geometry" / FRAME
        folder.mkdir(parents=True)
        for name, values in {"hgt": height, "U": up, **further}.items():
            path = folder / f"{FRAME}.geo.{name}.tif"
            write_raster(path, [values.astype(np.float32)], self.grid, nodata=np.nan, units="1")
        self.geometry = write_note(folder, stage="geocode-geometry")
        return self.geometry

    def write_layers(self, pair, phase, components, coherence, outcome=None):
        folder = self.folder / "geocode" / pair
        folder.mkdir(parents=True)
        bands = {
            "unw": (phase.astype(np.float32), np.nan),
            "conncomp": (components.astype(np.uint16), 0),
            "coh": (coherence.astype(np.float32), np.nan),
            "cc": (coherence_bytes(coherence), 0),
        }
        for name, (values, nodata) in bands.items():
            write_raster(folder / f"{pair}.geo.{name}.tif", [values], self.grid, nodata=nodata, units="1")
        return write_note(folder, outcome)
