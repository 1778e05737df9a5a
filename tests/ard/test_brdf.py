"""The c-factor: five geometries against the kernels written down once more, from vectors; neutral geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from levelworks.ard.sensors import LANDSAT_PRODUCT, SENTINEL2_PRODUCT
from levelworks.ard.surface.brdf import WEIGHTS, brdf_kernels, modelled_reflectance, nadir_factor

GEOMETRIES = ((30.0, 7.0, 20.0), (45.0, 7.0, 160.0), (60.0, 11.0, 90.0), (72.0, 3.0, 175.0), (50.0, 10.0, 0.0))
TABLE = {
    "BLUE": (0.0774, 0.0372, 0.0079), "GREEN": (0.1306, 0.0580, 0.0178), "RED": (0.1690, 0.0574, 0.0227),
    "REDEDGE1": (0.2085, 0.0845, 0.0256), "REDEDGE2": (0.2316, 0.1003, 0.0273), "REDEDGE3": (0.2599, 0.1197, 0.0294),
    "BROADNIR": (0.3093, 0.1535, 0.0330), "NIR": (0.3093, 0.1535, 0.0330), "SWIR1": (0.3430, 0.1154, 0.0453),
    "SWIR2": (0.2658, 0.0639, 0.0387),
}  # fmt: skip
"""Spec section 15.4."""


def direction(zenith: float, azimuth: float) -> tuple[float, float, float]:
    z, a = math.radians(zenith), math.radians(azimuth)
    return math.sin(z) * math.cos(a), math.sin(z) * math.sin(a), math.cos(z)


def kernels_from_vectors(sun: float, view: float, azimuth: float) -> tuple[float, float]:
    """Ross-thick and Li-sparse-R of crowns as high as wide at height 2, from directions and shadows on the ground."""
    towards_sun, towards_view = direction(sun, 0.0), direction(view, azimuth)
    cosine = sum(a * b for a, b in zip(towards_sun, towards_view, strict=True))
    phase = math.acos(min(1.0, cosine))
    volumetric = ((math.pi / 2 - phase) * cosine + math.sin(phase)) / (towards_sun[2] + towards_view[2]) - math.pi / 4
    # Shadows of a crown at unit height, along the sun and along the view.
    shadow, hidden = ((-one[0] / one[2], -one[1] / one[2]) for one in (towards_sun, towards_view))
    apart = math.hypot(shadow[0] - hidden[0], shadow[1] - hidden[1])
    area = abs(shadow[0] * hidden[1] - shadow[1] * hidden[0])
    secants = 1 / towards_sun[2] + 1 / towards_view[2]
    t = math.acos(min(1.0, 2.0 * math.sqrt(apart**2 + area**2) / secants))
    overlap = (t - math.sin(t) * math.cos(t)) * secants / math.pi
    return volumetric, overlap - secants + (1 + cosine) / (2 * towards_sun[2] * towards_view[2])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_factor_is_that_of_the_formula(geometry: tuple[float, float, float]) -> None:
    for band, (isotropic, volume, geometric) in TABLE.items():
        seen, standard = (kernels_from_vectors(*one) for one in (geometry, (38.0, 0.0, 0.0)))
        expected = (isotropic + volume * standard[0] + geometric * standard[1]) / (
            isotropic + volume * seen[0] + geometric * seen[1]
        )
        assert float(nadir_factor(band, *geometry, 38.0)) == pytest.approx(expected, abs=1e-9)


def test_factor_is_one_at_the_nadir_under_the_standard_sun() -> None:
    for band in WEIGHTS:
        for standard in (20.0, 45.0, 70.0):
            assert float(nadir_factor(band, standard, 0.0, 77.0, standard)) == pytest.approx(1.0, abs=1e-12)


def test_kernels_at_the_zenith_and_at_the_hot_spot() -> None:
    assert np.allclose(brdf_kernels(0.0, 0.0, 0.0), 0.0, atol=1e-12)
    # At the hot spot the phase is 0 and shadows hide each other: (pi / 2) / (2 cos) - pi / 4, and sec^2 - sec.
    volumetric, geometric = brdf_kernels(45.0, 45.0, 0.0)
    assert float(volumetric) == pytest.approx(math.pi / 2 / (2 * math.cos(math.pi / 4)) - math.pi / 4)
    assert float(geometric) == pytest.approx(2.0 - math.sqrt(2.0), abs=1e-9)


def test_backscatter_is_brighter_than_forward_and_symmetric_about_the_sun() -> None:
    azimuths = np.array([0.0, 60.0, 120.0, 180.0])
    found = modelled_reflectance("NIR", 50.0, 10.0, azimuths)
    assert (np.diff(found) < 0).all()
    np.testing.assert_allclose(found, modelled_reflectance("NIR", 50.0, 10.0, -azimuths), rtol=1e-12)


def test_all_bands_of_products_have_weights() -> None:
    assert {*LANDSAT_PRODUCT, *SENTINEL2_PRODUCT} <= WEIGHTS.keys()
