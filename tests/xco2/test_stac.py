"""STAC metadata: valid by the published schemas, true to the files, outlines that cross the antimeridian."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import jsonschema
import netCDF4
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from pyproj import Transformer
from pystac.validation.local_validator import get_local_schema_cache
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from shapely.geometry import shape

from levelworks.core.outcome import InvalidInput
from levelworks.core.stac import footprint_geometry
from levelworks.xco2.cogs import write_cog
from levelworks.xco2.geography import Box
from levelworks.xco2.grid_files import Entry, GridSpec, Source
from levelworks.xco2.stac import cog_asset, make_collection, make_item

SCHEMAS = Path(__file__).parents[1] / "support" / "schemas"
LOS_ANGELES = Box(-119.5, 32.5, -116.5, 35.5)
SOURCE = Source("oco3", "oco3_LtCO2_200303_B10400Br_220318000013s.nc4", dt.date(2020, 3, 3), "B10400Br", "220318000013")


def known_schemas() -> dict[str, dict]:
    extensions = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    return get_local_schema_cache() | {schema["$id"].rstrip("#"): schema for schema in extensions}


KNOWN = known_schemas()
REGISTRY = Registry().with_resources((uri, Resource(schema, DRAFT7)) for uri, schema in KNOWN.items())


def validate(value: dict) -> None:
    """Validate by the schemas of STAC and of every extension named; unknown ones and networks are errors."""
    kind = {"Feature": "item", "Collection": "collection"}[value["type"]]
    core = f"https://schemas.stacspec.org/v{value['stac_version']}/{kind}-spec/json-schema/{kind}.json"
    for uri in (core, *value.get("stac_extensions", ())):
        checker = jsonschema.Draft7Validator.FORMAT_CHECKER
        jsonschema.Draft7Validator(KNOWN[uri], registry=REGISTRY, format_checker=checker).validate(value)


def validate_by_pystac(value: pystac.Item | pystac.Collection) -> None:
    validator = JsonSchemaSTACValidator()
    validator.schema_cache |= KNOWN
    assert len(value.validate(validator)) == 1 + len(value.stac_extensions)


def entry(box: Box = LOS_ANGELES, **given) -> Entry:
    usual = {
        "id": "04712-fossil0001-sam-2020030315400001",
        "target_id": "fossil0001",
        "target_name": "Los Angeles",
        "mode": "sam",
        "orbit": 4712,
        "start": 1583250000.0004,
        "end": 1583250123.4567,
        "soundings": 12,
        "good": 10,
        "methods": {},
        "spec": GridSpec(box, 200, 150, "cell", True),
    }
    return Entry(**{**usual, **given})


def footprints(west: float, south: float, rows: int = 3, columns: int = 4, size: float = 0.02):
    """Return corners of adjacent footprints."""
    x, y = west + size * np.arange(columns), south + size * np.arange(rows)
    x, y = (one.ravel()[:, np.newaxis] for one in np.meshgrid(x, y))
    longitude, latitude = x + size * np.array([0, 1, 1, 0]), y + size * np.array([0, 0, 1, 1])
    return (longitude + 180.0) % 360.0 - 180.0, latitude


def asset(folder: Path, one: Entry, dtype=np.float32, quality_set: str = "pre", values=None) -> dict:
    folder.mkdir(exist_ok=True)
    grid = one.spec.grid
    if values is None:
        values = np.random.default_rng(3).integers(1, 9, grid.shape).astype(dtype)
    path = folder / f"{quality_set}-{np.dtype(dtype).name}.tif"
    nodata = float("nan") if np.dtype(dtype).kind == "f" else -1
    write_cog(path, values, grid, units="1e-6", description="XCO2", tags={}, nodata=nodata, resampling="average")
    return cog_asset(path, f"./{path.name}", variable="/xco2", quality_set=quality_set)


@pytest.fixture
def item(tmp_path) -> dict:
    one = entry()
    assets = {
        "post-xco2": asset(tmp_path, one, quality_set="post"),
        "number_of_soundings": asset(tmp_path, one, np.int32),
    }
    return make_item(one, SOURCE, *footprints(-118.0, 34.0), assets, collection="oco3-co2")


def test_an_item_is_valid(item):
    validate(item)
    again = pystac.Item.from_dict(json.loads(json.dumps(item, allow_nan=False)))
    validate_by_pystac(again)
    assert again.id == "04712-fossil0001-sam-2020030315400001"
    assert (again.common_metadata.platform, again.common_metadata.instruments) == ("iss", ["oco-3"])
    assert list(item["assets"]) == ["number_of_soundings", "post-xco2"]
    assert [link["rel"] for link in item["links"]] == ["root", "parent", "collection"]


def test_an_item_says_what_the_capture_is(item):
    assert item["properties"] == {
        "datetime": "2020-03-03T15:40:00.000Z",
        "start_datetime": "2020-03-03T15:40:00.000Z",
        "end_datetime": "2020-03-03T15:42:03.457Z",
        "platform": "iss",
        "instruments": ["oco-3"],
        "mission": "oco-3",
        "xco2:dataset": "oco3",
        "xco2:capture_id": "04712-fossil0001-sam-2020030315400001",
        "xco2:target_id": "fossil0001",
        "xco2:target_name": "Los Angeles",
        "xco2:mode": "sam",
        "xco2:orbit": 4712,
        "xco2:n_soundings": 12,
        "xco2:n_good": 10,
        "xco2:quality_set": ["pre", "post"],
        "xco2:source_file": SOURCE.name,
        "xco2:source_build": "B10400Br",
    }


def test_an_asset_says_what_the_file_holds(tmp_path, item):
    found = item["assets"]["post-xco2"]
    path = tmp_path / found["href"]
    assert found["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert found["roles"] == ["data"]
    assert found["file:checksum"] == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["file:size"] == path.stat().st_size
    assert (found["proj:code"], found["proj:shape"]) == ("EPSG:4326", [200, 150])
    assert found["proj:bbox"] == pytest.approx([-119.5, 32.5, -116.5, 35.5], abs=1e-12)
    assert found["proj:transform"] == pytest.approx([0.02, 0.0, -119.5, 0.0, -0.015, 35.5], abs=1e-12)
    (band,) = found["bands"]
    with rasterio.open(path) as file:
        values = file.read(1).astype(np.float64)
    assert band == {
        "name": "xco2",
        "data_type": "float32",
        "description": "XCO2",
        "unit": "1e-6",
        "nodata": "nan",
        "statistics": {
            "minimum": 1.0,
            "maximum": 8.0,
            "mean": pytest.approx(values.mean()),
            "stddev": pytest.approx(values.std()),
            "valid_percent": 100.0,
        },
    }
    assert item["assets"]["number_of_soundings"]["bands"][0]["nodata"] == -1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["post-float32.tif", "pre-int32.tif"]


def test_an_equal_area_grid_has_its_projection_in_words(tmp_path):
    one = entry(Box(10.0, 82.0, 20.0, 84.0))
    item = make_item(one, SOURCE, *footprints(15.0, 83.0), {"xco2": asset(tmp_path, one)})
    validate(item)
    found = item["assets"]["xco2"]
    assert found["proj:code"] is None
    assert rasterio.crs.CRS.from_wkt(found["proj:wkt2"]).to_dict()["proj"] == "laea"
    assert "collection" not in item
    assert item["links"] == []


def test_a_band_without_values_has_no_statistics(tmp_path):
    one = entry()
    item = make_item(
        one, SOURCE, *footprints(-118.0, 34.0), {"a": asset(tmp_path, one, values=np.full((200, 150), np.nan))}
    )
    validate(item)
    assert "statistics" not in item["assets"]["a"]["bands"][0]


def test_the_same_capture_gives_the_same_bytes(tmp_path, item):
    one = entry()
    folder = tmp_path / "again"
    assets = {
        "number_of_soundings": asset(folder, one, np.int32),
        "post-xco2": asset(folder, one, quality_set="post"),
    }
    longitude, latitude = footprints(-118.0, 34.0)
    again = make_item(one, SOURCE, longitude[::-1], latitude[::-1], assets, collection="oco3-co2")
    assert json.dumps(again) == json.dumps(item)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda item: item.pop("id"),
        lambda item: item["properties"].update({"datetime": "yesterday"}),
        lambda item: item["properties"].update({"datetime": None, "end_datetime": None}) or item.pop("bbox"),
        lambda item: item["assets"]["post-xco2"].update({"proj:shape": ["200", 150]}),
        lambda item: item["assets"]["post-xco2"].update({"proj:epsg": 4326}),
        lambda item: item["assets"]["post-xco2"].update({"file:checksum": "sha256:xyz"}),
        lambda item: item["assets"]["post-xco2"].update({"file:size": -1}),
        lambda item: item["assets"]["post-xco2"]["bands"][0].update({"data_type": "float"}),
        lambda item: item["assets"]["post-xco2"]["bands"][0].update({"nodata": "NaN"}),
        lambda item: item["assets"]["post-xco2"]["bands"][0]["statistics"].update({"valid_percent": 101}),
        lambda item: item["geometry"].update({"type": "Square"}),
        lambda item: item.update({"stac_extensions": item["stac_extensions"][:1] * 2}),
    ],
)
def test_the_validator_finds_what_is_wrong(item, spoil):
    validate(item)
    spoil(item)
    with pytest.raises(jsonschema.ValidationError):
        validate(item)


def test_the_validator_knows_no_other_extension(item):
    item["stac_extensions"].append("https://stac-extensions.github.io/eo/v2.0.0/schema.json")
    with pytest.raises(KeyError):
        validate(item)


def test_an_outline_is_the_union_of_the_footprints():
    geometry, bbox = footprint_geometry(*footprints(-118.0, 34.0))
    assert geometry["type"] == "Polygon"
    (ring,) = geometry["coordinates"]
    assert shapely.LinearRing(ring).is_ccw
    assert shape(geometry).equals(shapely.box(-118.0, 34.0, -117.92, 34.06))
    assert len(ring) == 5
    assert bbox == [-118.0, 34.0, -117.92, 34.06]


def test_an_outline_holds_most_of_rotated_footprints():
    longitude, latitude = footprints(-118.0, 34.0, 20, 8)
    turn = np.deg2rad(25.0)
    x, y = longitude + 118.0, latitude - 34.0
    longitude, latitude = -118.0 + x * np.cos(turn) - y * np.sin(turn), 34.0 + x * np.sin(turn) + y * np.cos(turn)
    geometry, _ = footprint_geometry(longitude, latitude)
    true = shapely.union_all(shapely.polygons(np.stack([longitude, latitude], axis=-1)))
    assert shape(geometry).is_valid
    assert shapely.area(shapely.symmetric_difference(shape(geometry), true)) < 0.01 * true.area
    assert len(geometry["coordinates"][0]) < 20


def test_an_outline_is_cut_at_the_antimeridian(tmp_path):
    one = entry(Box(178.5, -19.0, -178.5, -16.0))
    longitude, latitude = footprints(179.97, -17.0)
    assert longitude.min() < -179.0 < 179.0 < longitude.max()
    item = make_item(one, SOURCE, longitude, latitude, {"xco2": asset(tmp_path, one)})
    validate(item)
    assert item["geometry"]["type"] == "MultiPolygon"
    pieces = shape(item["geometry"])
    assert pieces.is_valid
    assert pieces.equals(
        shapely.union(shapely.box(179.97, -17.0, 180.0, -16.94), shapely.box(-180.0, -17.0, -179.95, -16.94))
    )
    assert all(shapely.LinearRing(polygon[0]).is_ccw for polygon in item["geometry"]["coordinates"])
    assert item["bbox"] == pytest.approx([179.97, -17.0, -179.95, -16.94], abs=1e-9)
    assert item["assets"]["xco2"]["proj:bbox"] == pytest.approx([178.5, -19.0, 181.5, -16.0], abs=1e-12)


@pytest.mark.parametrize(("latitude", "whole"), [(84.0, False), (89.9, True), (90.0, True)])
def test_outlines_near_a_pole_are_valid(latitude, whole):
    x, y = (one.ravel()[:, np.newaxis] for one in np.meshgrid(np.arange(-30.0, 30.0, 2.0), np.arange(-30.0, 30.0, 2.0)))
    corners = x + 2.0 * np.array([0, 1, 1, 0]) + 0.3, y + 2.0 * np.array([0, 0, 1, 1]) + 0.3
    polar = Transformer.from_crs(f"+proj=laea +lat_0={latitude} +lon_0=170 +units=km", "EPSG:4326", always_xy=True)
    geometry, bbox = footprint_geometry(*polar.transform(*corners))
    assert shape(geometry).is_valid
    assert ([bbox[0], bbox[2]] == [-180.0, 180.0]) == whole
    assert np.abs([x for x, _ in shapely.get_coordinates(shape(geometry))]).max() <= 180.0


def test_an_outline_of_a_real_granule_is_short_and_true(shared_data):
    with netCDF4.Dataset(shared_data / "xco2" / "oco2_LtCO2_160727_B99999r_sampledata.nc4") as file:
        longitude, latitude = (np.asarray(file[f"vertex_{one}"][:], np.float64) for one in ("longitude", "latitude"))
    geometry, bbox = footprint_geometry(longitude, latitude)
    union = shapely.union_all(shapely.polygons(np.stack([longitude, latitude], axis=-1)))
    assert shape(geometry).is_valid
    assert (
        shapely.area(shapely.symmetric_difference(shape(geometry), union)) < 0.025 * union.area
    )  # of slivers half a kilometre wide
    assert bbox == pytest.approx(union.bounds, abs=1e-3)
    assert len(json.dumps(geometry)) < 25 * len(longitude)


@pytest.mark.parametrize("west", [179.92, -180.0])
def test_an_outline_that_ends_at_the_antimeridian_stays_whole(west):
    longitude, latitude = footprints(west, 10.0)
    geometry, bbox = footprint_geometry(longitude, latitude)
    assert geometry["type"] == "Polygon"
    assert (bbox[0], bbox[2]) == pytest.approx((west, west + 0.08), abs=1e-9)
    assert np.abs(np.array(geometry["coordinates"][0])[:, 0]).max() == 180.0


def test_footprints_that_are_none_leave_the_outline_alone():
    longitude, latitude = footprints(-118.0, 34.0)
    crossed, line = np.array([-110.0, -109.0, -110.0, -109.0]), np.array([-110.0, -109.0, -108.0, -107.0])
    longitude = np.vstack([longitude, np.full(4, np.nan), crossed, line, [0.0, 90.0, 180.0, -90.0]])
    latitude = np.vstack([latitude, np.full(4, np.nan), [34.0, 34.0, 35.0, 35.0], np.full(4, 34.0), np.full(4, 89.9)])
    assert footprint_geometry(longitude, latitude)[1] == [-118.0, 34.0, -117.92, 34.06]


@pytest.mark.parametrize("longitude", [np.zeros((0, 4)), np.full((2, 4), np.nan), np.zeros((2, 4))])
def test_an_item_without_footprints_has_no_geometry(longitude):
    item = make_item(entry(orbit=-9999), SOURCE, longitude, np.zeros_like(longitude), {})
    validate(item)
    assert item["geometry"] is None
    assert "bbox" not in item
    assert "xco2:orbit" not in item["properties"]


def test_refuses_what_is_no_capture_and_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="before it starts"):
        make_item(entry(end=1.0), SOURCE, *footprints(0.0, 0.0), {})
    with pytest.raises(InvalidInput, match="must be a number of seconds"):
        make_item(entry(start=float("nan")), SOURCE, *footprints(0.0, 0.0), {})
    (tmp_path / "a.tif").write_bytes(b"II*")
    with pytest.raises(InvalidInput, match=r"a.tif: no GeoTIFF, or damaged"):
        cog_asset(tmp_path / "a.tif", "./a.tif", variable="/xco2", quality_set="pre")


def collection(items: list[dict], **given) -> dict:
    words = {"collection_id": "oco3-co2", "title": "Captures", "description": "XCO2 of captures"}
    return make_collection(items, **words, **given)


def test_a_collection_holds_its_items():
    first = make_item(entry(id="b"), SOURCE, *footprints(179.97, -17.0), {})
    second = make_item(entry(id="a"), SOURCE, *footprints(170.0, 3.0), {})
    earlier = entry(id="c", start=0.0, end=1.0, mode="target")
    third = make_item(earlier, Source("oco2", "x", dt.date(1970, 1, 1), "B1", ""), *footprints(-170.0, 3.0), {})
    provider = {"name": "NASA", "roles": ["producer"]}
    found = collection([first, second, third], providers=[provider], hrefs={"a": "./items/a.json"})
    validate(found)
    validate_by_pystac(pystac.Collection.from_dict(found))
    assert found == collection([third, second, first], providers=[provider], hrefs={"a": "./items/a.json"})
    assert found["extent"]["spatial"]["bbox"][0] == pytest.approx([170.0, -17.0, -169.92, 3.06], abs=1e-9)
    assert found["extent"]["temporal"]["interval"] == [["1970-01-01T00:00:00.000Z", "2020-03-03T15:42:03.457Z"]]
    hrefs = [link["href"] for link in found["links"] if link["rel"] == "item"]
    assert hrefs == ["./c.json", "./items/a.json", "./b.json"]
    assert found["summaries"]["platform"] == ["iss", "oco-2"]
    assert found["summaries"]["xco2:mode"] == ["sam", "target"]
    json.dumps(found, allow_nan=False)


def test_a_collection_may_be_empty():
    found = collection([])
    validate(found)
    assert found["extent"]["temporal"]["interval"] == [[None, None]]
    del found["extent"]
    with pytest.raises(jsonschema.ValidationError):
        validate(found)
