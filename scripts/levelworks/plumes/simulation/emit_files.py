"""Writes simulated EMIT granules in the agency's layout: radiance, observations, mask (specs/plumes.md 4.1 to 4.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from levelworks.plumes.readers import emit_layout as layout
from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.simulated_scene import SimulatedScene

ORTHO_STEP = 0.000542232520256367
"""Degrees of a pixel of the lookup table."""
BLOCK_ROWS = 32
"""Rows that are in memory at a time."""
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
DIMENSIONS = ("downtrack", "crosstrack")


def write_emit_radiance(path: Path, scene: SimulatedScene) -> None:
    """Write ``EMIT_L1B_RAD_*.nc``: contiguous radiance, bands, location and lookup table."""
    sample, line, transform = lookup_table(scene.ground, scene.geometry.longitude, scene.geometry.latitude)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        # a fill of everything before it is written would cost as long again
        file.set_fill_off()
        file.setncatts(_attributes(scene, transform, "EMIT L1B At-Sensor Calibrated Radiance Data 60 m V001"))
        _dimensions(file, scene, scene.spectral.bands, sample.shape)
        radiance = file.createVariable(
            "radiance", "f4", (*DIMENSIONS, "bands"), fill_value=layout.FILL, contiguous=True
        )
        radiance.setncatts({"long_name": "Radiance Data", "units": layout.UNITS})
        bands = file.createGroup("sensor_band_parameters")
        for name, title, values in (
            ("wavelengths", "Wavelength Centers", scene.spectral.mean),
            ("fwhm", "Full Width at Half Max", scene.spectral.widths.mean(axis=0)),
        ):
            variable = bands.createVariable(name, "f4", ("bands",), fill_value=layout.FILL)
            variable.setncatts({"long_name": title, "units": "nm"})
            variable[:] = values
        _location(file, scene, sample, line)
        for first in range(0, scene.rows, BLOCK_ROWS):
            rows = range(first, min(first + BLOCK_ROWS, scene.rows))
            radiance[rows.start : rows.stop] = scene.radiance(rows)


def write_emit_observations(path: Path, scene: SimulatedScene) -> None:
    """Write ``EMIT_L1B_OBS_*.nc``: the eleven observations of every pixel."""
    sample, line, transform = lookup_table(scene.ground, scene.geometry.longitude, scene.geometry.latitude)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_attributes(scene, transform, "EMIT L1B Observation Data 60 m V001"))
        _dimensions(file, scene, len(layout.OBSERVATION_BANDS), sample.shape)
        variable = file.createVariable("obs", "f4", (*DIMENSIONS, "bands"), fill_value=layout.FILL, contiguous=True)
        variable.setncatts({"long_name": "Observation Data"})
        variable[...] = observations(scene)
        _names(file, "observation_bands", "Observation Band Names", layout.OBSERVATION_BANDS)
        _location(file, scene, sample, line)


def write_emit_mask(path: Path, scene: SimulatedScene) -> None:
    """Write ``EMIT_L2A_MASK_*.nc``: flags of clouds and water, and which elements were saturated."""
    from scipy.ndimage import binary_dilation

    shape = (scene.rows, scene.columns)
    cloud = scene.clouds.cloudy if scene.clouds else np.zeros(shape, dtype=bool)
    water = scene.surface.water & ~cloud
    nothing = np.zeros(shape)
    dilated = binary_dilation(cloud, iterations=5)
    layers = [cloud, nothing, water, nothing, dilated, nothing + 0.1, nothing + 1.5, cloud | water | dilated]
    sample, line, transform = lookup_table(scene.ground, scene.geometry.longitude, scene.geometry.latitude)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(_attributes(scene, transform, "EMIT L2A Masks 60 m V001"))
        _dimensions(file, scene, len(layout.MASK_BANDS), sample.shape)
        packed = -(-scene.spectral.bands // 8)
        file.createDimension("packed_wavelength_bands", packed)
        variable = file.createVariable("mask", "f4", (*DIMENSIONS, "bands"), fill_value=layout.FILL)
        variable.setncatts({"long_name": "Masks", "units": "unitless"})
        variable[...] = np.stack(layers, axis=-1).astype(np.float32)
        bits = file.createVariable("band_mask", "u1", (*DIMENSIONS, "packed_wavelength_bands"))
        bits.setncatts({"long_name": "Per-Wavelength Mask"})
        for first in range(0, scene.rows, BLOCK_ROWS):
            rows = range(first, min(first + BLOCK_ROWS, scene.rows))
            replaced = scene.radiance(rows) >= scene.saturation_levels
            replaced[:, *scene.dead_elements] = True
            bits[rows.start : rows.stop] = np.packbits(replaced, axis=-1)
        _names(file, "mask_bands", "Mask Band Names", layout.MASK_BANDS)
        _location(file, scene, sample, line)


def observations(scene: SimulatedScene) -> np.ndarray:
    """Return the eleven observations of a scene, (rows, columns, 11) float32, in the order of the files."""
    geometry = scene.geometry
    sun, view = np.radians(geometry.sun_zenith), np.radians(geometry.view_zenith)
    apart = np.radians(geometry.sun_azimuth - geometry.view_azimuth)
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * np.cos(apart)
    phase = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    slope, aspect = scene.slope_aspect
    seconds = np.linspace(0, (scene.end - scene.start).total_seconds(), scene.rows)
    day = scene.start.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = ((scene.start - day).total_seconds() + seconds) / 3600
    layers = [
        scene.altitude / np.cos(view),
        geometry.view_azimuth,
        geometry.view_zenith,
        geometry.sun_azimuth,
        geometry.sun_zenith,
        phase,
        slope,
        aspect,
        scene.illumination * np.cos(sun),
        hours[:, None],
        np.float64(scene.earth_sun),
    ]
    return np.stack(np.broadcast_arrays(*layers), axis=-1).astype(np.float32)


def lookup_table(
    ground: Ground, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float, float, float, float]]:
    """Return samples and lines (1-based, 0 none) of a grid in degrees by nearest pixel, and its geotransform."""
    east = np.where(longitude < longitude.max() - 180, longitude + 360, longitude)  # across the antimeridian
    west, north = east.min() - ORTHO_STEP, latitude.max() + ORTHO_STEP
    width = int(np.ceil((east.max() + ORTHO_STEP - west) / ORTHO_STEP))
    height = int(np.ceil((north - latitude.min() + ORTHO_STEP) / ORTHO_STEP))
    sample, line = np.zeros((2, height, width), dtype=np.int32)
    across = west + (np.arange(width) + 0.5) * ORTHO_STEP
    for first in range(0, height, 256):
        down = north - (np.arange(first, min(first + 256, height)) + 0.5) * ORTHO_STEP
        row, column = ground.to_pixel(*ground.from_geographic(*np.meshgrid(across, down)))
        nearest_row, nearest_column = np.rint(row).astype(int), np.rint(column).astype(int)
        inside = (nearest_row >= 0) & (nearest_row < ground.rows)
        inside &= (nearest_column >= 0) & (nearest_column < ground.columns)
        sample[first : first + down.size] = np.where(inside, nearest_column + 1, 0)
        line[first : first + down.size] = np.where(inside, nearest_row + 1, 0)
    return sample, line, (float(west), ORTHO_STEP, 0.0, float(north), 0.0, -ORTHO_STEP)


def _dimensions(file: Any, scene: SimulatedScene, bands: int, ortho: tuple[int, ...]) -> None:
    names = (*DIMENSIONS, "bands", "ortho_y", "ortho_x")
    for name, size in zip(names, (scene.rows, scene.columns, bands, *ortho), strict=True):
        file.createDimension(name, size)


def _names(file: Any, name: str, title: str, values: tuple[str, ...]) -> None:
    group = file.createGroup("sensor_band_parameters")
    variable = group.createVariable(name, str, ("bands",))
    variable.setncatts({"long_name": title, "units": "unitless"})
    variable[:] = np.array(values, dtype=object)


def _location(file: Any, scene: SimulatedScene, sample: np.ndarray, line: np.ndarray) -> None:
    group = file.createGroup("location")
    for name, title, units, values in (
        ("lon", "Longitude (WGS-84)", "degrees east", scene.geometry.longitude),
        ("lat", "Latitude (WGS-84)", "degrees north", scene.geometry.latitude),
        ("elev", "Surface Elevation", "m", scene.geometry.elevation),
    ):
        variable = group.createVariable(name, "f8", DIMENSIONS, fill_value=layout.FILL)
        variable.setncatts({"long_name": title, "units": units})
        variable[...] = values
    for name, title, table in (("glt_x", "GLT Sample Lookup", sample), ("glt_y", "GLT Line Lookup", line)):
        variable = group.createVariable(
            name, "i4", ("ortho_y", "ortho_x"), fill_value=0, compression="zlib", complevel=9
        )
        variable.setncatts({"long_name": title, "units": "pixel location"})
        variable[...] = table


def _attributes(scene: SimulatedScene, transform: tuple[float, ...], title: str) -> dict[str, Any]:
    """Return the global attributes (specs/plumes.md 4.1); dates are the scene's, so that a file is a function of it."""
    longitude, latitude = scene.geometry.longitude, scene.geometry.latitude
    orbit, number = scene.name.split("_")[-2:]
    form = "%Y-%m-%dT%H:%M:%S+0000"
    return {
        "ncei_template_version": "NCEI_NetCDF_Swath_Template_v2.0",
        "summary": "SIMULATED granule with known truth, in the layout of the Earth Surface Mineral Dust Source "
        "Investigation (EMIT).",
        "keywords": "Imaging Spectroscopy, minerals, EMIT, dust, radiative forcing",
        "Conventions": "CF-1.13",
        "sensor": "EMIT (Earth Surface Mineral Dust Source Investigation)",
        "instrument": "EMIT",
        "platform": "ISS",
        "institution": "SIMULATED",
        "license": "https://science.nasa.gov/earth-science/earth-science-data/data-information-policy/",
        "naming_authority": "LPDAAC",
        "date_created": scene.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "stdname_vocabulary": "NetCDF Climate and Forecast (CF) Metadata Convention",
        "creator_name": "SIMULATED",
        "creator_email": "none",
        "creator_url": "none",
        "project": "Earth Surface Mineral Dust Source Investigation",
        "project_url": "https://emit.jpl.nasa.gov/",
        "publisher_name": "SIMULATED",
        "publisher_email": "none",
        "publisher_url": "none",
        "identifier_product_doi_authority": "https://doi.org",
        "flight_line": f"emit{scene.start:%Y%m%dt%H%M%S}_o{orbit[:5]}_s{number}",
        "time_coverage_start": scene.start.strftime(form),
        "time_coverage_end": scene.end.strftime(form),
        "software_build_version": "000000",
        "software_delivery_version": "000000",
        "product_version": "V001",
        "history": "SIMULATED",
        "crosstrack_orientation": "as seen on ground",
        "easternmost_longitude": float(longitude.max()),
        "northernmost_latitude": float(latitude.max()),
        "westernmost_longitude": float(longitude.min()),
        "southernmost_latitude": float(latitude.min()),
        "spatialResolution": ORTHO_STEP,
        "spatial_ref": WGS84,
        "geotransform": np.array(transform),
        "day_night_flag": "Day",
        "title": title,
    }
