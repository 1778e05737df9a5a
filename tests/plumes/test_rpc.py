"""Rational polynomials: GDAL's own transformer as oracle, the way back, terrain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rasterio.rpc import RPC
from rasterio.transform import RPCTransformer

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.mapping.rpc import ground_to_image, image_to_ground, image_to_terrain
from levelworks.plumes.scene import Rpc


def oblique(seed: int, longitude: float = 11.3, latitude: float = 47.9) -> Rpc:
    """Return coefficients of a tilted, slightly curved view of some 30 km."""
    random = np.random.default_rng(seed)

    def polynomial(leading: dict[int, float], size: float) -> tuple[float, ...]:
        terms = random.normal(0.0, size, 20)
        for number, value in leading.items():
            terms[number] = value
        return tuple(float(one) for one in terms)

    return Rpc(
        line_offset=511.5,
        sample_offset=499.5,
        latitude_offset=latitude,
        longitude_offset=longitude,
        height_offset=700.0,
        line_scale=512.0,
        sample_scale=500.0,
        latitude_scale=0.15,
        longitude_scale=0.22,
        height_scale=1500.0,
        line_numerator=polynomial({0: 0.002, 1: -0.18, 2: -1.05, 3: 0.01}, 1e-4),
        line_denominator=polynomial({0: 1.0, 1: 1e-3, 2: -2e-3}, 1e-5),
        sample_numerator=polynomial({0: -0.003, 1: 1.02, 2: -0.2, 3: 0.03}, 1e-4),
        sample_denominator=polynomial({0: 1.0, 1: -1e-3, 2: 1e-3}, 1e-5),
    )


def as_rasterio(rpc: Rpc) -> RPC:
    return RPC(
        height_off=rpc.height_offset,
        height_scale=rpc.height_scale,
        lat_off=rpc.latitude_offset,
        lat_scale=rpc.latitude_scale,
        line_den_coeff=list(rpc.line_denominator),
        line_num_coeff=list(rpc.line_numerator),
        line_off=rpc.line_offset,
        line_scale=rpc.line_scale,
        long_off=rpc.longitude_offset,
        long_scale=rpc.longitude_scale,
        samp_den_coeff=list(rpc.sample_denominator),
        samp_num_coeff=list(rpc.sample_numerator),
        samp_off=rpc.sample_offset,
        samp_scale=rpc.sample_scale,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ground_to_image_is_gdals(seed):
    rpc = oblique(seed)
    random = np.random.default_rng(100 + seed)
    longitude = rpc.longitude_offset + random.uniform(-0.2, 0.2, 400)
    latitude = rpc.latitude_offset + random.uniform(-0.14, 0.14, 400)
    height = random.uniform(0.0, 2500.0, 400)
    line, sample = ground_to_image(rpc, longitude, latitude, height)
    with RPCTransformer(as_rasterio(rpc)) as transformer:
        rows, columns = transformer.rowcol(longitude, latitude, height, op=lambda value: value)
    # GDAL counts from the corner of the first pixel.
    assert np.abs(np.asarray(rows) - 0.5 - line).max() < 1e-6
    assert np.abs(np.asarray(columns) - 0.5 - sample).max() < 1e-6


def test_image_to_ground_is_gdals():
    rpc = oblique(4)
    random = np.random.default_rng(7)
    line, sample, height = random.uniform(0, 1023, 200), random.uniform(0, 999, 200), random.uniform(0, 2500, 200)
    longitude, latitude = image_to_ground(rpc, line, sample, height)
    with RPCTransformer(as_rasterio(rpc), rpc_pixel_error_threshold=1e-6) as transformer:
        x, y = transformer.xy(line, sample, height, offset="center")
    # A hundredth of a pixel is 3e-6 degrees.
    assert np.abs(np.asarray(x) - longitude).max() < 1e-6
    assert np.abs(np.asarray(y) - latitude).max() < 1e-6


@pytest.mark.parametrize("longitude", [11.3, 179.95, -179.99])
def test_there_and_back(longitude):
    rpc = oblique(5, longitude, -33.0)
    line, sample = np.meshgrid(np.linspace(-0.5, 1023.5, 23), np.linspace(-0.5, 999.5, 21), indexing="ij")
    height = np.linspace(-50, 3000, line.size).reshape(line.shape)
    east, north = image_to_ground(rpc, line, sample, height)
    assert ((east >= -180) & (east < 180)).all()
    again = ground_to_image(rpc, east, north, height)
    assert np.abs(again[0] - line).max() < 1e-6
    assert np.abs(again[1] - sample).max() < 1e-6


def test_rays_meet_the_terrain():
    rpc = oblique(6)

    def hills(longitude, latitude):
        return 900.0 + 400.0 * np.sin(60 * longitude) * np.cos(70 * latitude)

    line, sample = np.meshgrid(np.arange(0.0, 1000.0, 90.0), np.arange(0.0, 999.0, 80.0), indexing="ij")
    longitude, latitude, height = image_to_terrain(rpc, line, sample, hills)
    np.testing.assert_allclose(hills(longitude, latitude), height, atol=0.02)
    again = ground_to_image(rpc, longitude, latitude, height)
    assert np.abs(again[0] - line).max() < 1e-3
    assert np.abs(again[1] - sample).max() < 1e-3
    level = image_to_ground(rpc, line, sample, 900.0)
    assert np.abs(level[0] - longitude).max() > 1e-4  # the terrain matters


def test_no_solution_is_not_a_number():
    flat = oblique(7)
    flat = replace(flat, line_numerator=flat.sample_numerator, line_denominator=flat.sample_denominator)
    longitude, _ = image_to_ground(flat, np.array([10.0]), np.array([900.0]), 0.0)
    assert np.isnan(longitude).all()


def test_refuses_what_are_no_coefficients():
    with pytest.raises(InvalidInput, match="line_numerator has 3"):
        ground_to_image(replace(oblique(1), line_numerator=(1.0, 2.0, 3.0)), np.zeros(1), np.zeros(1), 0.0)
    with pytest.raises(InvalidInput, match="none may be zero"):
        ground_to_image(replace(oblique(1), height_scale=0.0), np.zeros(1), np.zeros(1), 0.0)
