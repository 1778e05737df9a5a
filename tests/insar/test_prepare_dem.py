"""Elevation around a frame: heights come through as they are, voids are as asked for, at every longitude."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from insar_frames import frame_file
from pyproj import Transformer
from rasterio.transform import Affine, from_origin

from levelworks.core.outcome import InvalidOptions, InvalidReference
from levelworks.insar.geocoding.dem_options import PrepareDem
from levelworks.insar.geocoding.dem_stage import prepare_dem
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.simulation.ground import make_ground, write_elevation
from levelworks.insar.simulation.scenario import Terrain

SECOND = 1 / 3600


def tile(path, west, north, shape, heights, step=SECOND, nodata=None):
    """Write heights as a function of longitude and latitude at cells' centres."""
    rows, columns = shape
    x, y = np.meshgrid(west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5))
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "nodata": nodata}
    with rasterio.open(
        path, "w", height=rows, width=columns, transform=from_origin(west, north, step, step), **profile
    ) as file:
        file.write(heights(x, y).astype(np.float32), 1)
    return path


def plane(x, y):
    return 300.0 + 2000.0 * (x - 10.0) - 1000.0 * (y - 45.0)


def prepare(folder, elevation, geoid=None, **options):
    said = prepare_dem(
        folder / "frame.json", elevation, geoid, heights=folder / "heights.tif", options=PrepareDem(**options)
    )
    return said, read_elevation(folder / "heights.tif", cubic=False)


def test_a_simulated_model_stays_as_it_is(tmp_path):
    ground = make_ground(Terrain(), (10.0, 45.0, 10.1, 45.06))
    write_elevation(tmp_path / "dem.tif", ground.elevation)
    frame_file(tmp_path, 10.0, 45.0, 10.1, 45.06)
    said, found = prepare(tmp_path, tmp_path / "dem.tif", margin=0.03)
    assert (found.step_east, found.step_south) == pytest.approx((0.001 / 3, 0.001 / 3), rel=1e-12)
    row = round((ground.elevation.north - found.north) / found.step_south)
    column = round((found.west - ground.elevation.west) / found.step_east)
    rows, columns = found.heights.shape
    assert np.array_equal(found.heights, ground.elevation.heights[row : row + rows, column : column + columns])
    assert found.west <= 10.0 - 0.03
    assert found.north >= 45.06 + 0.03
    assert said.quality["void_share"] == 0
    assert said.warnings == ("heights are taken as ellipsoidal: name a geoid where the model counts from the sea",)


def test_the_margin_is_as_wide_in_metres(tmp_path):
    frame_file(tmp_path, 10.0, 60.0, 10.1, 60.1)
    tile(tmp_path / "dem.tif", 9.0, 61.0, (720, 900), lambda x, y: 0 * x + 100, step=9 * SECOND)
    said, found = prepare(tmp_path, tmp_path / "dem.tif", margin=0.1)
    assert 10.0 - found.west == pytest.approx(0.2, abs=0.01)
    assert found.north - 60.1 == pytest.approx(0.1, abs=0.005)
    assert said.quality["step_deg"] == pytest.approx(9 * SECOND)


def test_a_fine_model_is_brought_to_a_second(tmp_path):
    frame_file(tmp_path, 10.0, 45.0, 10.02, 45.02)
    tile(tmp_path / "dem.tif", 9.95, 45.07, (900, 900), plane, step=SECOND / 2)
    said, found = prepare(tmp_path, tmp_path / "dem.tif", margin=0.02)
    assert said.quality["step_deg"] == pytest.approx(SECOND)
    latitude, longitude = np.array([45.003, 45.019]), np.array([10.001, 10.013])
    assert found.at(latitude, longitude) == pytest.approx(plane(longitude, latitude), abs=0.01)
    said, found = prepare(tmp_path, tmp_path / "dem.tif", margin=0.02, step=0.001)
    assert found.step_south == pytest.approx(0.001)


def test_tiles_and_a_projected_model(tmp_path):
    frame_file(tmp_path, 10.0, 45.0, 10.04, 45.04)
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for k, west in enumerate((9.9, 10.0, 10.1)):
        tile(tiles / f"{k}.tif", west - SECOND / 2, 45.1 + SECOND / 2, (540, 360), plane)
    said, found = prepare(tmp_path, tiles, margin=0.02)
    latitude, longitude = np.meshgrid(np.linspace(45.001, 45.039, 9), np.linspace(9.99, 10.05, 31))
    assert found.at(latitude, longitude) == pytest.approx(plane(longitude, latitude), abs=2e-3)
    x0, y0 = Transformer.from_crs(4326, 32632, always_xy=True).transform(9.95, 45.08)
    x, y = np.meshgrid(x0 + 30 * (np.arange(420) + 0.5), y0 - 30 * (np.arange(420) + 0.5))
    own = plane(*Transformer.from_crs(32632, 4326, always_xy=True).transform(x, y))
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:32632", "height": 420, "width": 420}
    with rasterio.open(tmp_path / "utm.tif", "w", transform=Affine(30, 0, x0, 0, -30, y0), **profile) as file:
        file.write(own.astype(np.float32), 1)
    said, found = prepare(tmp_path, tmp_path / "utm.tif", margin=0.01)
    assert found.at(latitude, longitude) == pytest.approx(plane(longitude, latitude), abs=0.1)
    assert said.quality["step_deg"] == pytest.approx(SECOND)


@pytest.mark.parametrize("west", [179.98, -180.02])
def test_across_the_antimeridian(tmp_path, west):
    def heights(x, y):
        return plane(x % 360 - 170, y)

    tiles = tmp_path / "tiles"
    tiles.mkdir()
    tile(tiles / "one.tif", 179.9 - SECOND / 2, 45.1 + SECOND / 2, (540, 360), heights)
    tile(tiles / "two.tif", -180 - SECOND / 2, 45.1 + SECOND / 2, (540, 360), heights)
    frame_file(tmp_path, west, 45.0, round(west + 0.04, 3), 45.04)
    said, found = prepare(tmp_path, tiles, margin=0.02)
    assert said.quality["void_share"] == 0
    latitude, longitude = np.meshgrid(np.linspace(45.001, 45.039, 9), west + np.linspace(0.0, 0.04, 31))
    expected = plane(longitude % 360 - 170, latitude)
    for turn in (0, 360, -360):
        assert found.at(latitude, longitude + turn) == pytest.approx(expected, abs=2e-3)


def test_a_geoid_is_added(tmp_path):
    frame_file(tmp_path, 10.0, 45.0, 10.02, 45.02)
    dem = tile(tmp_path / "dem.tif", 9.9, 45.1, (540, 540), plane)
    bare = prepare(tmp_path, dem, margin=0.02)[1]
    said, shifted = prepare(tmp_path, dem, margin=0.02, geoid_height=47.5)
    assert shifted.heights - bare.heights == pytest.approx(47.5, abs=1e-4)
    assert said.warnings == ()
    geoid = tile(tmp_path / "geoid.tif", 0.0, 90.0, (180, 360), lambda x, y: x + y, step=1.0)
    said, shifted = prepare(tmp_path, dem, geoid, margin=0.02)
    rise = shifted.at([45.01], [10.01]) - bare.at([45.01], [10.01])
    assert rise == pytest.approx(55.02, abs=1e-3)
    assert said.quality["geoid"] == "geoid.tif"
    with pytest.raises(InvalidOptions, match="leave one of them"):
        prepare(tmp_path, dem, geoid, geoid_height=40)
    far = tile(tmp_path / "far.tif", 50.0, 90.0, (10, 10), lambda x, y: x)
    with pytest.raises(InvalidReference, match="does not cover the frame"):
        prepare(tmp_path, dem, far)


def with_hole(x, y):
    return np.where((np.abs(x - 10.01) < 0.003) & (np.abs(y - 45.01) < 0.003), -9999.0, plane(x, y))


@pytest.mark.parametrize("nodata", [None, -9999.0])
def test_voids_are_as_asked_for(tmp_path, nodata):
    frame_file(tmp_path, 10.0, 45.0, 10.02, 45.02)
    dem = tile(tmp_path / "dem.tif", 9.9, 45.1, (540, 540), with_hole, nodata=nodata)
    with pytest.raises(InvalidReference, match=r"no height in .* of the frame.*void"):
        prepare(tmp_path, dem, margin=0.02, void="refuse")
    assert not (tmp_path / "heights.tif").exists()
    said, found = prepare(tmp_path, dem, margin=0.02, geoid_height=5.0)
    assert said.quality["void_share"] == pytest.approx(0.09, abs=0.01)
    assert "0 m is taken" in said.warnings[0]
    assert found.at(45.01, 10.01) == 5.0
    said, found = prepare(tmp_path, dem, margin=0.02, geoid_height=5.0, void="interpolate")
    assert "interpolated" in said.warnings[0]
    assert found.at(45.01, 10.01) == pytest.approx(plane(10.01, 45.01) + 5, abs=3.0)
    assert found.at(45.018, 10.003) == pytest.approx(plane(10.003, 45.018) + 5, abs=1e-2)
    with pytest.raises(InvalidReference, match="stage one that covers it"):
        prepare(tmp_path, dem, margin=0.02, most_void=0.05)


def test_voids_beside_the_frame_do_not_count(tmp_path):
    frame_file(tmp_path, 10.02, 45.02, 10.04, 45.04)
    dem = tile(tmp_path / "dem.tif", 9.9, 45.1, (540, 540), with_hole, nodata=-9999.0)
    said, found = prepare(tmp_path, dem, margin=0.03, void="refuse")
    assert said.quality["void_share"] == 0
    assert found.at(45.01, 10.01) == 0


def test_refuses_what_is_elsewhere_or_no_model(tmp_path):
    frame_file(tmp_path, 20.0, 45.0, 20.02, 45.02)
    dem = tile(tmp_path / "dem.tif", 9.9, 45.1, (100, 100), plane)
    with pytest.raises(InvalidReference, match="does not reach the frame"):
        prepare(tmp_path, dem)
    (tmp_path / "none.tif").write_bytes(b"no raster")
    with pytest.raises(InvalidReference, match="can't be read"):
        prepare(tmp_path, tmp_path / "none.tif")


def test_the_model_of_rome(tmp_path, insar_data):
    """Real heights above the geoid, in a projection of two parts: each cell as it is, 48 m higher."""
    path = next(insar_data.rglob("Rome-30m-DEM.tif"))
    with rasterio.open(path) as file:
        own, transform = file.read(1), file.transform
    rows, columns = own.shape
    west, north = transform.c, transform.f
    frame_file(
        tmp_path, *(round(value, 3) for value in (west + 0.02, north - 0.08, west + 0.08, north - 0.02)), step=0.001
    )
    said, found = prepare(tmp_path, path, margin=0.01, geoid_height=48.0)
    row = round((transform.f + transform.e / 2 - found.north) / found.step_south)
    column = round((found.west - transform.c - transform.a / 2) / found.step_east)
    height, width = found.heights.shape
    assert np.array_equal(found.heights - 48, own[row : row + height, column : column + width])
    assert said.quality["height_max_m"] < 200
    assert (rows, columns) == (360, 360)


def test_the_same_bytes(tmp_path):
    frame_file(tmp_path, 10.0, 45.0, 10.02, 45.02)
    dem = tile(tmp_path / "dem.tif", 9.9, 45.1, (540, 540), plane)
    prepare(tmp_path, dem)
    first = (tmp_path / "heights.tif").read_bytes()
    prepare(tmp_path, dem)
    assert (tmp_path / "heights.tif").read_bytes() == first
    assert not list(tmp_path.glob("*.xml"))
