"""Real Landsat clips through `process-image`: as much cloud as FORCE finds, reflectance as plants have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from ard_products import Product, make

from levelworks.ard.masks.quality import NO_DATA, Cloud
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.sensors import SENSORS

CLOUDY = "LC80200392015216LGN00_clip"
SMALL = {"LND08": "LC08_L1TP_195025_20130707_clip", "LND07": "LE07_L1TP_195025_20010730_clip"}
FORCE_CLOUD_PERCENT = 46.98
"""Of the cloudy clip (specification section 26)."""

GREEN_PLANTS = {
    "BLUE": (-0.005, 0.04),
    "GREEN": (0.01, 0.08),
    "RED": (0.005, 0.06),
    "NIR": (0.12, 0.55),
    "SWIR1": (0.05, 0.25),
    "SWIR2": (0.02, 0.14),
}
"""Reflectance that closed green canopies have: published spectra, with blue's margin for 3 % of calibration."""


@pytest.fixture(scope="module")
def cloudy(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Product:
    folder = tmp_path_factory.mktemp("cloudy")
    return make(shared_data / "ard" / "landsat" / CLOUDY, folder / "image", output_aerosol=True, output_haze=True)


@pytest.fixture(scope="module")
def small(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Product]:
    """Two sensors over one place, twelve years apart."""
    folder, data = tmp_path_factory.mktemp("small"), shared_data / "ard"
    dem = data / "dem" / "DEM_195025_clip_41x41.tif"
    return {sensor: make(data / "landsat" / name, folder / sensor, dem=dem) for sensor, name in SMALL.items()}


def clear_land(product: Product) -> np.ndarray:
    bits = product.bits
    found = np.ones(bits["cloud"].shape, bool)
    for name in ("nodata", "cloud", "shadow", "water", "snow"):
        found &= bits[name] == 0
    return found


def plants(product: Product) -> np.ndarray:
    near, red = product.band("NIR"), product.band("RED")
    return clear_land(product) & ((near - red) / (near + red) > 0.7)


def assert_plants_look_like_plants(product: Product) -> None:
    green = plants(product)
    assert green.sum() > 200
    for band, (low, high) in GREEN_PLANTS.items():
        values = product.band(band)[green]
        assert low < np.median(values) < high, band
        assert np.percentile(values, 5) > low - 0.01, band
        assert np.percentile(values, 95) < high + 0.02, band
    blue, green_light, red = (np.median(product.band(band)[green]) for band in ("BLUE", "GREEN", "RED"))
    assert green_light > blue
    assert green_light > red - 0.002


def test_the_cloudy_clip_has_the_cloud_that_force_finds(cloudy):
    assert cloudy.quality["data_percent"] == 100
    assert cloudy.quality["cloud_percent"] == pytest.approx(FORCE_CLOUD_PERCENT, abs=6)
    assert cloudy.quality["snow_percent"] == 0
    assert cloudy.quality["water_percent"] < 0.5
    assert cloudy.quality["date"] == "2015-08-04"
    assert cloudy.quality["reference"] == "020039"


def test_bright_and_cold_is_cloud_and_dark_forest_is_not(cloudy, shared_data):
    image = open_image(shared_data / "ard" / "landsat" / CLOUDY)
    shape = image.metadata.grid.shape
    bits = cloudy.bits
    bright = cloudy.band("BLUE") > 0.2
    thermal = image.read("TEMP", 0, shape[0]).astype(float)
    cold = thermal < np.percentile(thermal, 20)
    image.close()
    assert (bright & cold).sum() > 1000
    assert np.mean(bits["cloud"][bright & cold] > 0) > 0.99
    # The band of clear forest in the south: hardly anything is opaque cloud there.
    assert np.mean(bits["cloud"][500:] == Cloud.CONFIDENT) < 0.01
    assert np.mean((bits["cloud"] == 0)[520:]) > 0.85


def test_quality_bits_of_the_cloudy_clip_add_up(cloudy):
    bits, whole = cloudy.bits, cloudy.stored("QAI")
    assert (whole != NO_DATA).all()
    clouded = (bits["cloud"] > 0) | (bits["shadow"] > 0)
    assert 100 * clouded.mean() == pytest.approx(cloudy.quality["cloud_percent"], abs=1e-3)
    shares = [np.mean(bits["cloud"] == state) for state in Cloud]
    # Thin clouds of the high deck are told by band 9 alone.
    assert shares[Cloud.CONFIDENT] > 0.05
    assert shares[Cloud.CIRRUS] > 0.1
    for name in ("snow", "low_sun", "illumination", "slope", "water_vapour_fill"):
        assert (bits[name] == 0).all(), name
    assert np.mean(bits["saturation"]) < 0.005
    negative = (cloudy.stored("BOA") < 0).any(axis=0)
    assert (bits["subzero"] == 1)[negative].all()
    assert (cloudy.stored("BOA").min(axis=0)[bits["subzero"] == 1] <= 0).all()


def test_forest_of_the_cloudy_clip_looks_like_forest(cloudy):
    assert_plants_look_like_plants(cloudy)
    # Over dark forest the sky alone gives the blue that was measured: there is hardly any aerosol.
    assert 0 < cloudy.quality["aod_green"] < 0.1316
    assert (cloudy.stored("AOD") > 0).all()


@pytest.mark.parametrize("sensor", SMALL)
def test_small_clips_look_like_a_town_among_woods(small, sensor):
    product = small[sensor]
    assert product.quality["data_percent"] == 100
    assert product.quality["cloud_percent"] < 2
    assert_plants_look_like_plants(product)
    assert 0 < product.quality["aod_green"] < 0.4
    for band in SENSORS[sensor].product:
        values = product.band(band)[clear_land(product)]
        assert values.min() > -0.01, band
        assert values.max() < 0.7, band


def test_two_sensors_agree_on_a_place(small):
    """Medians over a town that hardly changed, in two summers."""
    both = clear_land(small["LND07"]) & clear_land(small["LND08"])
    assert both.mean() > 0.9
    for band in SENSORS["LND08"].product:
        first, second = (np.median(small[sensor].band(band)[both]) for sensor in SMALL)
        assert abs(first - second) < 0.01 + 0.12 * first, band


def test_slopes_are_those_of_the_real_elevation_model(small, shared_data):
    slopes = [small[sensor].bits["slope"] for sensor in SMALL]
    np.testing.assert_array_equal(*slopes)
    with rasterio.open(shared_data / "ard" / "dem" / "DEM_195025_clip_41x41.tif") as file:
        height = file.read(1).astype(float)
    row, column = np.gradient(height, 30.0)
    steep = np.degrees(np.arctan(np.hypot(row, column)))
    assert np.mean(slopes[0][2:-2, 2:-2][steep[2:-2, 2:-2] > 4]) > 0.9
    assert np.mean(slopes[0][2:-2, 2:-2][steep[2:-2, 2:-2] < 1]) < 0.2
