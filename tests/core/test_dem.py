"""Elevation models: planes come back exactly, across tiles, projections and the antimeridian; voids and absence."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import Affine, from_origin

from levelworks.core.dem import read_dem
from levelworks.core.outcome import InvalidReference

STEP = 1 / 3600


def plane(longitude, latitude, west=10.0):
    return 500.0 + 2000.0 * (longitude - west) + 3000.0 * (latitude - 45.0)


def write_tile(path, west, north, columns, rows, values=None, nodata=None, crs="EPSG:4326", step=STEP):
    transform = from_origin(west, north, step, step)
    x, y = np.meshgrid(west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5))
    data = (plane(x, y) if values is None else values(x, y)).astype(np.float32)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": crs, "transform": transform, "nodata": nodata}
    with rasterio.open(path, "w", height=rows, width=columns, **profile) as file:
        file.write(data, 1)
    return path


def places(west=10.01, south=45.01, size=0.03):
    return np.meshgrid(np.linspace(west, west + size, 13), np.linspace(south, south + size, 11))


def test_one_file(tmp_path):
    path = write_tile(tmp_path / "dem.tif", 9.98, 45.08, 400, 400)
    longitude, latitude = places()
    dem = read_dem(path, longitude, latitude, mean_elevation=0.0, geoid=47.5)
    np.testing.assert_allclose(dem.at(longitude, latitude), plane(longitude, latitude) + 47.5, atol=0.01)
    assert dem.notes == ()


def test_a_folder_of_tiles_without_a_seam(tmp_path):
    # As those of GLO-30, whose first cell is centred on a whole number of arc seconds.
    for column, west in enumerate((9.9, 10.02, 10.14)):
        for row, north in enumerate((45.14, 45.02)):
            write_tile(tmp_path / f"tile_{column}{row}.tif", west - STEP / 2, north + STEP / 2, 432, 432)
    (tmp_path / "readme.txt").write_text("tiles")
    longitude, latitude = places()
    dem = read_dem(tmp_path, longitude, latitude, mean_elevation=0.0)
    np.testing.assert_allclose(dem.at(longitude, latitude), plane(longitude, latitude), atol=0.01)
    assert dem.notes == ()


@pytest.mark.parametrize("turn", [0.0, 360.0])
def test_across_the_antimeridian(tmp_path, turn):
    def heights(x, y):
        return plane(x % 360.0, y, west=180.0)

    write_tile(tmp_path / "west.tif", 179.9, 45.1, 360, 720, heights)
    write_tile(tmp_path / "east.tif", -180.0, 45.1, 360, 720, heights)
    longitude, latitude = places(west=179.98)
    wrapped = (longitude + 180) % 360 - 180 if turn == 0 else longitude
    dem = read_dem(tmp_path, wrapped, latitude, mean_elevation=0.0)
    assert dem.heights.shape[1] < 400
    # Between tiles, heights of the last cell are carried half a cell on: 0.83 m on these slopes.
    np.testing.assert_allclose(dem.at(wrapped, latitude), plane(longitude, latitude, west=180.0), atol=0.84)


def test_a_projected_model(tmp_path):
    x0, y0 = Transformer.from_crs(4326, 32632, always_xy=True).transform(9.99, 45.06)
    x, y = np.meshgrid(x0 + 30 * (np.arange(200) + 0.5), y0 - 30 * (np.arange(250) + 0.5))
    longitude, latitude = Transformer.from_crs(32632, 4326, always_xy=True).transform(x, y)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:32632", "height": 250, "width": 200}
    with rasterio.open(tmp_path / "utm.tif", "w", transform=Affine(30, 0, x0, 0, -30, y0), **profile) as file:
        file.write(plane(longitude, latitude).astype(np.float32), 1)
    longitude, latitude = places(10.0, 45.015, 0.03)
    dem = read_dem(tmp_path / "utm.tif", longitude, latitude, mean_elevation=0.0, buffer=0.002)
    np.testing.assert_allclose(dem.at(longitude, latitude), plane(longitude, latitude), atol=0.1)


def test_a_geoid_raster_of_longitudes_to_360(tmp_path):
    dem_path = write_tile(tmp_path / "dem.tif", -120.05, 45.1, 500, 500, lambda x, y: np.zeros_like(x))
    transform = from_origin(0, 90, 1, 1)
    x, _ = np.meshgrid(np.arange(360) + 0.5, np.arange(180))
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "transform": transform}
    with rasterio.open(tmp_path / "geoid.tif", "w", height=180, width=360, **profile) as file:
        file.write((x - 240.0).astype(np.float32), 1)
    longitude, latitude = places(-120.02)
    dem = read_dem(dem_path, longitude, latitude, mean_elevation=0.0, geoid=tmp_path / "geoid.tif")
    np.testing.assert_allclose(dem.at(longitude, latitude), longitude + 120.0, atol=1e-4)


def test_voids_are_sea_level_and_said(tmp_path):
    def with_sea(x, y):
        return np.where(x > 10.02, -9999.0, plane(x, y))

    path = write_tile(tmp_path / "dem.tif", 9.98, 45.08, 400, 400, with_sea, nodata=-9999.0)
    longitude, latitude = places()
    dem = read_dem(path, longitude, latitude, mean_elevation=0.0, geoid=10.0)
    found = dem.at(longitude, latitude)
    sea, land = longitude > 10.021, longitude < 10.019
    np.testing.assert_allclose(found[sea], 10.0, atol=1e-4)
    np.testing.assert_allclose(found[land], (plane(longitude, latitude) + 10.0)[land], atol=0.01)
    assert len(dem.notes) == 1
    assert "dem.tif has no height" in dem.notes[0]


def test_no_model_is_level():
    longitude, latitude = places()
    dem = read_dem(None, longitude, latitude, mean_elevation=812.4, geoid=40.0)
    np.testing.assert_allclose(dem.at(longitude, latitude), 852.4, rtol=1e-6)
    assert "no elevation model" in dem.notes[0]
    assert "812 m" in dem.notes[0]


def test_positions_without_place_are_passed_over(tmp_path):
    path = write_tile(tmp_path / "dem.tif", 9.98, 45.08, 400, 400)
    longitude, latitude = places()
    longitude[0, 0] = np.nan
    assert np.isfinite(read_dem(path, longitude, latitude, mean_elevation=0.0).at(longitude, latitude)).all()


def test_refuses_what_is_no_model(tmp_path):
    longitude, latitude = places()
    with pytest.raises(InvalidReference, match="holds no elevation model"):
        read_dem(tmp_path, longitude, latitude, mean_elevation=0.0)
    (tmp_path / "dem.tif").write_bytes(b"no raster")
    with pytest.raises(InvalidReference, match=r"dem\.tif can't be read"):
        read_dem(tmp_path, longitude, latitude, mean_elevation=0.0)
    dem = write_tile(tmp_path / "dem.tif", 9.98, 45.08, 400, 400)
    far = write_tile(tmp_path / "geoid.tif", 50.0, 45.08, 40, 40)
    with pytest.raises(InvalidReference, match="does not cover the scene"):
        read_dem(dem, longitude, latitude, mean_elevation=0.0, geoid=far)
