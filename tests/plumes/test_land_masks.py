"""Land and water from rasters and polygons."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.retrieval.land_masks import read_land

LONGITUDE, LATITUDE = np.meshgrid(np.linspace(10.02, 10.98, 14), np.linspace(45.98, 45.02, 11))


def write_raster(path, values, crs="EPSG:4326", transform=None):
    transform = transform or from_origin(10, 46, 1 / values.shape[1], 1 / values.shape[0])
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="uint8",
        crs=crs, transform=transform,
    ) as file:  # fmt: skip
        file.write(values, 1)


def test_raster_of_water_and_land(tmp_path) -> None:
    values = np.ones((100, 100), dtype=np.uint8)
    values[:, :50] = 0
    write_raster(tmp_path / "land.tif", values)
    assert np.array_equal(read_land(tmp_path / "land.tif", LONGITUDE, LATITUDE), LONGITUDE > 10.5)


def test_places_outside_the_raster_and_without_a_place_are_land(tmp_path) -> None:
    write_raster(tmp_path / "land.tif", np.zeros((10, 10), dtype=np.uint8))
    longitude = LONGITUDE.copy()
    longitude[0, 0], longitude[1, 1] = np.nan, 12.0
    found = read_land(tmp_path / "land.tif", longitude, LATITUDE)
    assert found.sum() == 2
    assert found[0, 0]
    assert found[1, 1]
    assert read_land(tmp_path / "land.tif", LONGITUDE + 90, LATITUDE).all()


def test_raster_on_a_projected_map(tmp_path) -> None:
    values = np.ones((60, 60), dtype=np.uint8)
    values[30:] = 0
    write_raster(tmp_path / "land.tif", values, "EPSG:32632", from_origin(570000, 5102000, 2000, 2000))
    found = read_land(tmp_path / "land.tif", np.array([[10.5, 10.5]]), np.array([[45.8, 45.2]]))
    assert found.tolist() == [[True, False]]


def test_polygons_of_land(tmp_path) -> None:
    path = tmp_path / "land.geojson"
    square = [[[10.0, 45.0], [10.5, 45.0], [10.5, 46.0], [10.0, 46.0], [10.0, 45.0]]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": square}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert np.array_equal(read_land(path, LONGITUDE, LATITUDE), LONGITUDE < 10.5)


def test_files_that_are_neither_are_refused(tmp_path) -> None:
    for name, text in (("land.tif", "no raster"), ("land.geojson", "{"), ("empty.geojson", '{"features": []}')):
        (tmp_path / name).write_text(text)
        with pytest.raises(InvalidReference, match=name):
            read_land(tmp_path / name, LONGITUDE, LATITUDE)
