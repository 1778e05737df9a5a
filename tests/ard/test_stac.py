"""STAC metadata of the cube: valid by the published schemas, and true to the files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import numpy as np
import pystac
import pytest
import rasterio
from cube_images import centres, write_image
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from shapely.geometry import Point, shape

from levelworks.ard.cube.cube_options import MergeTile, Mosaic, TileImage
from levelworks.ard.cube.merge_stage import merge_tile
from levelworks.ard.cube.mosaic_stage import mosaic
from levelworks.ard.cube.projections import transformer
from levelworks.ard.cube.tile_stage import tile_image
from levelworks.ard.masks.quality import FIELDS
from levelworks.ard.products.boxes import box_around
from levelworks.ard.scene import ImageGrid

SCHEMAS = Path(__file__).parents[1] / "support" / "schemas"
STEM = "20180824_LEVEL2_SEN2A"


def validate(value: dict) -> None:
    """Validate by the schemas of STAC and of every extension named; unknown ones and networks are errors."""
    extensions = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    known = get_local_schema_cache() | {schema["$id"].rstrip("#"): schema for schema in extensions}
    registry = Registry().with_resources((uri, Resource(schema, DRAFT7)) for uri, schema in known.items())
    kind = {"Feature": "item", "Collection": "collection"}[value["type"]]
    core = f"https://schemas.stacspec.org/v{value['stac_version']}/{kind}-spec/json-schema/{kind}.json"
    for uri in (core, *value.get("stac_extensions", ())):
        checker = jsonschema.Draft7Validator.FORMAT_CHECKER
        jsonschema.Draft7Validator(known[uri], registry=registry, format_checker=checker).validate(value)


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    root = tmp_path_factory.mktemp("stac")
    grid = ImageGrid("EPSG:32633", 399960, 5850040, 20, 700, 600)
    bits = np.zeros(grid.shape, np.int16)
    bits[:, 450:] = 1
    bits[100:200, 100:200] = 2 << 1
    bits[200:220, 100:200] = 1 << 3
    bits[300:320, :200] = 1 << 4
    image = write_image(
        root / "S2A_X", grid, sensor="SEN2A", quality=bits, reference="T33UUU", extra={"UNC": 40, "CPR": 7}
    )
    options = TileImage(projection="GLANCE7", resolution_sentinel2=20)
    tile_image(image, None, tiles=root / "tiles", options=options)
    merge_tile([root / "tiles"], None, merged=root / "day.json", options=MergeTile(cube=root / "cube"))
    mosaic([root / "day.json"], mosaics=root / "mosaics", options=Mosaic())
    return root, grid, bits


def test_items_are_valid_and_true(cube):
    root, _, _ = cube
    listing = json.loads((root / "day.json").read_text())
    for tile in listing["tiles"]:
        folder = root / "cube" / tile["folder"] / tile["name"]
        item = json.loads((folder / f"{STEM}_STAC.json").read_text())
        validate(item)
        assert pystac.Item.from_dict(item).common_metadata.platform == "sentinel-2a"
        assert item["id"] == f"europe_{tile['name']}_{STEM}"
        assert set(item["assets"]) == {"BOA", "QAI", "UNC", "CPR", "OVV"}
        for asset in item["assets"].values():
            content = (folder / asset["href"]).read_bytes()
            assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
            assert asset["file:size"] == len(content)
        with rasterio.open(folder / item["assets"]["BOA"]["href"]) as file:
            assert item["assets"]["BOA"]["proj:shape"] == list(file.shape)
            assert item["assets"]["BOA"]["proj:transform"] == list(file.transform)[:6]
            assert [band["name"] for band in item["assets"]["BOA"]["bands"]] == list(file.descriptions)
        assert item["properties"]["view:sun_elevation"] == 47.03
        assert item["properties"]["datetime"] == "2018-08-24T10:02:27.5Z"


def test_percentages_are_those_of_the_pixels(cube):
    root, _, bits = cube
    known = bits != 1
    items = [json.loads(path.read_text())["properties"] for path in (root / "cube").rglob("*_STAC.json")]
    (properties,) = items
    share = {"eo:cloud_cover": 2 << 1, "eo:snow_cover": 1 << 4, "ard:shadow_percent": 1 << 3}
    for name, state in share.items():
        assert properties[name] == pytest.approx(100 * (bits == state).sum() / known.sum(), rel=0.01)
    assert properties["ard:images"] == ["S2A_X"]
    assert properties["ard:clouded_percent"] == pytest.approx(
        properties["eo:cloud_cover"] + properties["ard:shadow_percent"], abs=1e-3
    )


def test_the_outline_is_around_the_data(cube):
    root, grid, bits = cube
    (path,) = (root / "cube").rglob("*_STAC.json")
    item = json.loads(path.read_text())
    outline = shape(item["geometry"])
    x, y = centres(grid)
    rows, columns = np.nonzero(bits != 1)
    chosen = np.random.default_rng(0).choice(rows.size, 60)
    longitude, latitude = transformer("EPSG:4326", grid.crs).transform(
        x[rows[chosen], columns[chosen]], y[rows[chosen], columns[chosen]], direction="INVERSE"
    )
    assert all(outline.buffer(1e-4).contains(Point(*one)) for one in zip(longitude, latitude, strict=True))
    square = 111195**2 * np.cos(np.radians(latitude.mean()))
    cell = 150000 / 32
    area = (bits != 1).sum() * 400
    assert area < outline.area * square < area + 4 * (14000 + 2 * cell) * cell
    assert item["bbox"] == pytest.approx(list(outline.bounds), abs=1e-4)


def test_bits_are_explained(cube):
    root, _, _ = cube
    (path,) = (root / "cube").rglob("*_STAC.json")
    fields = json.loads(path.read_text())["assets"]["QAI"]["classification:bitfields"]
    assert [(one["name"], one["offset"], one["length"]) for one in fields] == [
        (f.name, f.shift, f.width) for f in FIELDS
    ]
    cloud = next(one for one in fields if one["name"] == "cloud")
    assert [(one["value"], one["name"]) for one in cloud["classes"]] == [
        (0, "clear"), (1, "buffer"), (2, "confident"), (3, "cirrus"),
    ]  # fmt: skip


def test_the_collection_is_valid_and_around_its_items(cube):
    root, _, _ = cube
    collection = json.loads((root / "mosaics" / "collection.json").read_text())
    validate(collection)
    (path,) = (root / "cube").rglob("*_STAC.json")
    item = json.loads(path.read_text())
    assert collection["extent"]["spatial"]["bbox"] == [item["bbox"]]
    assert collection["extent"]["temporal"]["interval"] == [["2018-08-24T10:02:27.5Z"] * 2]
    assert collection["summaries"]["platform"] == ["sentinel-2a"]


def test_an_item_across_180_degrees_is_cut(tmp_path):
    """Acceptance 19: geometry in two parts, and a box whose west is east of its east."""
    grid = ImageGrid("EPSG:32701", 150000, 8150000, 60, 300, 700)
    image = write_image(tmp_path / "image", grid)
    tile_image(image, None, tiles=tmp_path / "tiles", options=TileImage(projection="GLANCE7", resolution_landsat=60))
    merge_tile([tmp_path / "tiles"], None, merged=tmp_path / "day.json", options=MergeTile(cube=tmp_path / "cube"))
    items = [json.loads(path.read_text()) for path in (tmp_path / "cube").rglob("*_STAC.json")]
    for item in items:
        validate(item)
    across = [item for item in items if item["bbox"][0] > item["bbox"][2]]
    assert across
    for item in across:
        assert item["geometry"]["type"] == "MultiPolygon"
        west, _, east, _ = shape(item["geometry"]).bounds
        assert (west, east) == (-180.0, 180.0)
    box = box_around([item["bbox"] for item in items])
    assert box[0] > 170
    assert box[2] < -170


@pytest.mark.parametrize(
    ("boxes", "wanted"),
    [
        ([[10, 0, 20, 5], [15, -5, 30, 1]], [10, -5, 30, 5]),
        ([[170, 0, 180, 5], [-180, 0, -175, 5]], [170, 0, -175, 5]),
        ([[170, 0, -170, 5]], [170, 0, -170, 5]),
        ([[100, 0, 180, 1]], [100, 0, 180, 1]),
        ([[-180, 0, -100, 1]], [-180, 0, -100, 1]),
        ([[-180, -90, 180, 90], [3, 4, 5, 6]], [-180, -90, 180, 90]),
        ([[-10, 0, 10, 1], [170, 0, 175, 1]], [-10, 0, 175, 1]),
    ],
)
def test_boxes_go_round_the_short_way(boxes, wanted):
    assert box_around(boxes) == wanted
