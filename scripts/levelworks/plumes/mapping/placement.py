"""Finds where the pixels of a scene are on the map, by one of four methods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.dem import Dem, level_terrain, read_dem
from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference
from levelworks.plumes.layers import Layers
from levelworks.plumes.mapping.coregister import estimate_shift, moved_positions, read_reference
from levelworks.plumes.mapping.ground_control import fit_points, positions_of_pixels, read_points
from levelworks.plumes.mapping.orthorectify import RESOLUTION, PixelMap, map_by_lookup, map_by_positions, map_by_rpc
from levelworks.plumes.mapping.orthorectify_options import Orthorectify

ORIGINS = {
    "geolocation": "positions of the granule's pixels",
    "glt": "the granule's geographic lookup table",
    "rpc": "rational polynomial coefficients",
    "gcp": "ground control points",
}


@dataclass
class Placement:
    """Where the pixels of a scene are, how that was found, and what a person should know of it.

    Parameters
    ----------
    longitude, latitude : ndarray, shape (rows, columns)
        Of pixel centres, degrees: those of the control points where these are the method.
    origin : str
        The method in words.
    quality : dict
        Figures of the control points.
    """

    pixel_map: PixelMap
    longitude: np.ndarray
    latitude: np.ndarray
    method: str
    origin: str
    notes: list[str]
    quality: dict[str, Any]


def chosen_method(sensor: str, *, points: bool, radiance: bool, options: Orthorectify) -> str:
    """Return the method of a scene.

    Raises
    ------
    InvalidOptions
        Where the one that is asked for lacks an input.
    """
    if options.method == "auto":
        if points:
            return "gcp"
        return "rpc" if sensor == "EnMAP" and radiance and options.weighting == "nearest" else "geolocation"
    if options.method == "gcp" and not points:
        raise InvalidOptions("orthorectify.method is gcp: the scene has no file of ground control points")
    if options.method in ("glt", "rpc") and not radiance:
        raise InvalidOptions(f"orthorectify.method is {options.method}: it needs the granule, --radiance")
    return options.method


def place_scene(
    retrieval: Layers,
    dem: Path | None,
    points: Path | None,
    radiance: Path | None,
    reference: Path | None,
    geoid: Path | None,
    options: Orthorectify,
) -> Placement:
    """Put the pixels of a retrieval on the map.

    Raises
    ------
    InvalidInput
        Where the sensor is unknown, or no pixel has a place.
    InvalidOptions
        Where the method lacks an input, or the granule has no table or polynomials.
    InvalidReference
        Where control points or heights can't be used.
    """
    attributes = retrieval.attributes
    sensor = str(attributes.get("sensor", ""))
    resolution = options.resolution or RESOLUTION.get(sensor)
    if resolution is None:
        raise InvalidInput(f"the retrieval is of sensor {sensor!r}; known are {', '.join(RESOLUTION)}")
    longitude, latitude = retrieval.read("longitude"), retrieval.read("latitude")
    method = chosen_method(sensor, points=points is not None, radiance=radiance is not None, options=options)
    if method == "gcp" and points is not None:
        return _place_by_points(points, longitude.shape, resolution, options)
    if method == "geolocation" or radiance is None:
        pixel_map = map_by_positions(longitude, latitude, resolution)
        found = Placement(pixel_map, longitude, latitude, method, ORIGINS[method], [], {})
        return found if reference is None else _shifted(found, retrieval, reference, options)
    return _place_by_granule(method, radiance, dem, geoid, retrieval, resolution, options)


def _shifted(found: Placement, retrieval: Layers, reference: Path, options: Orthorectify) -> Placement:
    """Move a scene onto a reference image where their edges agree."""
    grid = found.pixel_map.grid
    image = found.pixel_map.take(retrieval.read("radiance_2100").astype(np.float32), np.nan)
    seen = read_reference(reference, grid)
    try:
        shift = estimate_shift(image, seen, grid.resolution, options.largest_shift)
    except InvalidReference as error:
        # One image may serve a campaign of which it does not show every scene.
        return replace(found, notes=[*found.notes, f"not shifted to {reference.name}: {error}"])
    quality = {
        "shift_east_m": shift.east,
        "shift_north_m": shift.north,
        "edge_correlation_before": shift.before,
        "edge_correlation": shift.after,
    }
    if shift.after < max(options.least_correlation, shift.before):
        note = f"not shifted to {reference.name}: edges correlate to {shift.after:.2f}"
        return replace(found, notes=[*found.notes, note], quality=quality)
    longitude, latitude = moved_positions(found.longitude, found.latitude, shift, grid)
    pixel_map = map_by_positions(longitude, latitude, grid.resolution)
    origin = f"{found.origin}, shifted by {shift.distance:.0f} m to {reference.name}"
    return Placement(pixel_map, longitude, latitude, found.method, origin, found.notes, quality)


def _place_by_points(points: Path, shape: tuple[int, ...], resolution: float, options: Orthorectify) -> Placement:
    found = read_points(points)
    transformation = fit_points(found, options.gcp_order)
    longitude, latitude = positions_of_pixels(transformation, *shape)
    miss = transformation.root_mean_square
    notes = []
    if miss > options.largest_residual:
        worst = int(np.argmax(np.hypot(*transformation.residuals.T)))
        notes.append(
            f"{points.name}: control points miss the fit by {miss:.0f} m (root mean square), "
            f"the worst is point {worst + 1} of those enabled"
        )
    quality = {"control_points": len(found.x), "control_point_rms_m": miss}
    pixel_map = map_by_positions(longitude, latitude, resolution)
    return Placement(pixel_map, longitude, latitude, "gcp", ORIGINS["gcp"], notes, quality)


def _place_by_granule(
    method: str,
    radiance: Path,
    dem: Path | None,
    geoid: Path | None,
    retrieval: Layers,
    resolution: float,
    options: Orthorectify,
) -> Placement:
    from levelworks.plumes.readers.open_scene import open_scene

    longitude, latitude = retrieval.read("longitude"), retrieval.read("latitude")
    shape = longitude.shape
    with open_scene(radiance) as scene:
        lookup, rpc = scene.geometry.lookup, scene.geometry.rpc
    if method == "glt":
        if lookup is None:
            raise InvalidOptions(f"orthorectify.method is glt: {radiance.name} has no geographic lookup table")
        return Placement(
            map_by_lookup(lookup, shape, resolution),
            longitude,
            latitude,
            method,
            ORIGINS[method],
            [],
            {},
        )
    if rpc is None:
        raise InvalidOptions(f"orthorectify.method is rpc: {radiance.name} has no rational polynomial coefficients")
    terrain = _terrain(dem, geoid, longitude, latitude, retrieval, options)
    origin = ORIGINS[method] + (f" and heights of {dem.name}" if dem is not None else " at the mean elevation")
    pixel_map = map_by_rpc(rpc, terrain, shape, resolution)
    return Placement(pixel_map, longitude, latitude, method, origin, list(terrain.notes), {})


def _terrain(
    dem: Path | None,
    geoid: Path | None,
    longitude: np.ndarray,
    latitude: np.ndarray,
    retrieval: Layers,
    options: Orthorectify,
) -> Dem:
    elevation = retrieval.read("elevation") if "elevation" in retrieval else np.zeros((1, 1), np.float32)
    known = elevation[np.isfinite(elevation)]
    mean = float(known.mean(dtype=np.float64)) if known.size else 0.0
    if dem is None and geoid is not None:
        return level_terrain(mean, f"no elevation model: the terrain is level at {mean:.0f} m, without the geoid")
    shift = geoid if geoid is not None else options.geoid
    return read_dem(dem, longitude, latitude, mean_elevation=mean, buffer=options.dem_buffer, geoid=shift)
