"""Rational polynomial coefficients of a known geometry, by linear least squares.

Numerators have all twenty terms of RPC00B, denominators those of first order. With the denominator multiplied out the
fit is linear (Tao and Hu, Photogrammetric Engineering and Remote Sensing 67, 1347, 2001); of all solutions that fit
alike, the smallest is taken.
"""

from __future__ import annotations

import numpy as np

from levelworks.plumes.earth import curvature_radii
from levelworks.plumes.scene import Geometry, Rpc

GRID = 33
"""Pixels each way that the fit takes, at most."""
LEVELS = 5
MARGIN = 500.0
"""Metres below and above the terrain that the coefficients hold for."""
CONDITION = 1e-10


def fit_scene(geometry: Geometry) -> Rpc:
    """Return the RPC of a scene: its pixels' places, moved along the line of sight to heights around the terrain."""
    rows, columns = geometry.longitude.shape
    line, sample = np.meshgrid(_places(rows), _places(columns), indexing="ij")
    at = (line, sample)
    elevation = geometry.elevation[at].astype(float)
    heights = np.linspace(elevation.min() - MARGIN, elevation.max() + MARGIN, LEVELS)[:, None, None]
    # towards the sensor on the way up
    shift = (heights - elevation) * np.tan(np.radians(geometry.view_zenith[at].astype(float)))
    azimuth = np.radians(geometry.view_azimuth[at].astype(float))
    latitude = np.radians(geometry.latitude[at])
    prime_vertical, meridian = curvature_radii(latitude)
    parallel = prime_vertical * np.cos(latitude)
    longitudes = geometry.longitude[at] + np.degrees(shift * np.sin(azimuth) / parallel)
    latitudes = geometry.latitude[at] + np.degrees(shift * np.cos(azimuth) / meridian)
    height, line, sample = np.broadcast_arrays(heights, line.astype(float), sample.astype(float))
    return fit_rpc(longitudes, latitudes, height, line, sample)


def fit_rpc(
    longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray, line: np.ndarray, sample: np.ndarray
) -> Rpc:
    """Return the RPC that takes points of the ground (degrees, metres) to points of the image, all of one shape."""
    turned = np.ravel(longitude)[0] + (longitude - np.ravel(longitude)[0] + 180) % 360 - 180
    (x, *east), (y, *north), (z, *up), (lines, *down), (samples, *across) = (
        _normalised(np.ravel(values)) for values in (turned, latitude, height, line, sample)
    )
    terms = rpc_terms(x, y, z)
    line_numerator, line_denominator = _ratio(terms, lines)
    sample_numerator, sample_denominator = _ratio(terms, samples)
    return Rpc(
        line_offset=down[0],
        sample_offset=across[0],
        latitude_offset=north[0],
        longitude_offset=(east[0] + 180) % 360 - 180,
        height_offset=up[0],
        line_scale=down[1],
        sample_scale=across[1],
        latitude_scale=north[1],
        longitude_scale=east[1],
        height_scale=up[1],
        line_numerator=line_numerator,
        line_denominator=line_denominator,
        sample_numerator=sample_numerator,
        sample_denominator=sample_denominator,
    )


def rpc_terms(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the twenty terms of RPC00B, (points, 20), of normalised longitude, latitude and height."""
    one = np.ones_like(x)
    terms = (one, x, y, z, x * y, x * z, y * z, x * x, y * y, z * z, x * y * z)
    cubes = (x**3, x * y * y, x * z * z, x * x * y, y**3, y * z * z, x * x * z, y * y * z, z**3)
    return np.stack(terms + cubes, axis=-1)


def _ratio(terms: np.ndarray, image: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    unknown = np.concatenate([terms, -image[:, None] * terms[:, 1:4]], axis=1)
    found = np.linalg.lstsq(unknown, image, rcond=CONDITION)[0]
    denominator = np.zeros(20)
    denominator[0], denominator[1:4] = 1.0, found[20:]
    return tuple(map(float, found[:20])), tuple(map(float, denominator))


def _normalised(values: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return values from -1 to 1, their offset and their scale."""
    low, high = float(values.min()), float(values.max())
    offset, scale = (low + high) / 2, (high - low) / 2 or 1.0
    return (values - offset) / scale, offset, scale


def _places(size: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, GRID)).round().astype(int))
