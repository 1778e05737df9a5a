"""Interpolation from radar cells to the geographic grid: exact for what it must be, and nothing made up."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.geotiffs import coherence_bytes, write_raster
from levelworks.insar.geocoding.interpolation import geocode_complex, geocode_unwrapped, geocode_values
from levelworks.insar.geocoding.lookup import cell_centres, read_lookup

SHAPE = (30, 40)
GRID = FrameGrid(step=0.05, west=10, south=20, east=10.2, north=20.15)


def places(count=500, margin=2.0, seed=1):
    rng = np.random.default_rng(seed)
    rows = rng.uniform(margin, SHAPE[0] - 1 - margin, count)
    columns = rng.uniform(margin, SHAPE[1] - 1 - margin, count)
    return np.stack([rows, columns]).reshape(2, 20, -1).astype(np.float32)


def ramp(lookup, a=0.3, b=-0.2, c=1.5):
    return c + a * lookup[0].astype(float) + b * lookup[1].astype(float)


def cells():
    return np.stack(np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij")).astype(np.float32)


def test_planes_and_constants_are_exact():
    lookup, values = places(), ramp(cells()).astype(np.float32)
    assert geocode_values(values, lookup) == pytest.approx(ramp(lookup), abs=2e-5)
    assert geocode_values(np.full(SHAPE, 0.7, np.float32), lookup) == pytest.approx(0.7, abs=1e-6)
    phase, labels = geocode_unwrapped(values, np.ones(SHAPE, np.uint16), lookup)
    assert phase == pytest.approx(ramp(lookup), abs=2e-5)
    assert (labels == 1).all()


@given(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_fringes_keep_their_phase(down, along):
    """Fringes of up to an eighth of a cycle a cell come back to 0.02 rad."""
    grid, lookup = cells(), places()
    phasors = np.exp(1j * (down * grid[0] + along * grid[1])).astype(np.complex64)
    found = geocode_complex(phasors, lookup)
    left = np.angle(found * np.exp(-1j * (down * lookup[0].astype(float) + along * lookup[1].astype(float))))
    assert np.abs(left).max() < 0.02


def test_cells_come_back_at_their_centres():
    rng = np.random.default_rng(4)
    values = rng.normal(size=SHAPE).astype(np.float32)
    phasors = np.exp(1j * values).astype(np.complex64)
    assert geocode_values(values, cells()) == pytest.approx(values, abs=1e-6)
    assert np.abs(geocode_complex(phasors, cells()) - phasors).max() < 1e-6
    labels = rng.integers(0, 3, SHAPE).astype(np.uint16)
    found, components = geocode_unwrapped(values, labels, cells())
    assert np.array_equal(found, values)
    assert np.array_equal(components, labels)


def test_nothing_is_made_of_no_data():
    values = np.full(SHAPE, 1.0, np.float32)
    values[:, 20:] = np.nan
    lookup = np.array([[[10.0, 10.0, 10.0, np.nan, -0.6, 10.0]], [[18.9, 19.4, 19.7, 5.0, 5.0, 39.6]]], np.float32)
    assert np.array_equal(np.isfinite(geocode_values(values, lookup)), [[True, True, False, False, False, False]])
    phasors = np.where(np.isfinite(values), 1j, 0).astype(np.complex64)
    found = geocode_complex(phasors, lookup)
    assert np.array_equal(found != 0, [[True, True, False, False, False, False]])
    assert found[0, :2] == pytest.approx(1j, abs=1e-6)


def test_swings_stay_within_limits():
    step = np.zeros(SHAPE, np.float32)
    step[:, 20:] = 1
    lookup = places(margin=1.0)
    assert geocode_values(step, lookup).min() < -0.01
    held = geocode_values(step, lookup, (0.0, 1.0))
    assert held.min() == 0
    assert held.max() == 1


def test_components_are_not_mixed():
    phase = np.where(cells()[1] < 20, 0, 40).astype(np.float32)
    labels = np.where(cells()[1] < 20, 1, 2).astype(np.uint16)
    found, components = geocode_unwrapped(phase, labels, places())
    assert set(np.unique(found)) == {0, 40}
    assert np.array_equal(components, np.where(found == 0, 1, 2))
    with pytest.raises(InvalidInput, match="two cells"):
        geocode_unwrapped(phase, labels[:1], places())


def test_rasters_are_on_the_grid(tmp_path):
    band = np.arange(12, dtype=np.float32).reshape(3, 4)
    band[0, 0] = np.nan
    for name in ("one.tif", "two.tif"):
        write_raster(tmp_path / name, [band], GRID, nodata=float("nan"), units="rad", tags={"PAIR": "a_b"})
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()
    with rasterio.open(tmp_path / "one.tif") as file:
        assert np.array_equal(file.read(1), band, equal_nan=True)
        assert file.crs.to_epsg() == 4326
        assert tuple(file.bounds) == pytest.approx((10, 20, 10.2, 20.15))
        assert file.tags()["AREA_OR_POINT"] == "Area"
        assert (file.units[0], file.tags()["PAIR"], file.compression.value) == ("rad", "a_b", "DEFLATE")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".xml"] == []
    with pytest.raises(InvalidInput, match="not on the frame's grid"):
        write_raster(tmp_path / "no.tif", [band.T], GRID, nodata=0, units="1")
    latitudes, longitudes = cell_centres(GRID)
    with rasterio.open(tmp_path / "one.tif") as file:
        assert file.xy(2, 3) == pytest.approx((longitudes[3], latitudes[2]))
    with pytest.raises(InvalidReference, match="run geocode-geometry again"):
        read_lookup(tmp_path)


def test_bytes_of_coherence():
    values = np.array([np.nan, 0.0, 0.001, 0.5, 1.0, 1.2], np.float32)
    assert coherence_bytes(values).tolist() == [0, 1, 1, 128, 255, 255]
