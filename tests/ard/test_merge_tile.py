"""Images of one day in one file of the cube: any order, any repetition, any rerun gives the same bytes (D4)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from cube_images import write_image
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from levelworks.ard.cube.contributions import FLAGS
from levelworks.ard.cube.cube_options import MergeTile, TileImage
from levelworks.ard.cube.merge_kernels import merge_least, merge_means, merge_quality, merge_strongest
from levelworks.ard.cube.merge_stage import merge_tile, write_empty_listing
from levelworks.ard.cube.overview_picture import paint
from levelworks.ard.cube.tile_stage import tile_image, write_empty_tiles
from levelworks.ard.masks.quality import BY_NAME, pack, unpack
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidOptions, Outcome, Status

OPTIONS = TileImage(projection="EPSG:32633", origin_lon=13, origin_lat=53, tile_size=(12000, 6000), distance=True)
STEM = "20180824_LEVEL2_LND08"
CLOUD, AEROSOL, LIGHT = (BY_NAME[name].mask for name in ("cloud", "aerosol", "illumination"))


def make(root: Path, name: str, down: int, offset: float = 0.0, **given) -> Path:
    """Make an image of 6 by 9 km and its tiles; images with `down` pixels between begin farther south."""
    grid = ImageGrid("EPSG:32633", 399585, 5850015 - 30 * down, 30, 300, 200)
    bits = np.zeros(grid.shape, np.int16)
    bits[:3] = bits[:, 195:] = 1
    bits[120:150, 50:90] = 2 << 1
    image = write_image(root / name, grid, quality=bits, offset=offset, extra={"SAA": 15000 + down}, **given)
    tile_image(image, None, tiles=root / f"tiles_{name}", options=OPTIONS)
    return root / f"tiles_{name}"


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    root = tmp_path_factory.mktemp("day")
    return [make(root, "A", 0), make(root, "B", 130, 300.0), make(root, "C", 200, -100.0)]


def merge(root: Path, tiles: list[Path], name: str = "merged.json", **options) -> tuple[dict, Outcome]:
    outcome = merge_tile(tiles, None, merged=root / name, options=MergeTile(cube=root / "cube", **options))
    return json.loads((root / name).read_text()), outcome


def contents(cube: Path) -> dict[str, str]:
    """Return the digest of every file of a cube."""
    return {
        str(path.relative_to(cube)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(cube.rglob("*"))
        if path.is_file()
    }


def test_any_order_and_any_repetition_give_the_same_bytes(tiles, tmp_path):
    merge(tmp_path, tiles)
    wanted = contents(tmp_path / "cube")
    assert sum(name.endswith("_BOA.tif") for name in wanted) >= 3
    a, b, c = tiles
    for order in ([c, b, a], [b, a, c, a, b], [b, c, a]):
        merge(tmp_path, order)
        assert contents(tmp_path / "cube") == wanted
    assert not list((tmp_path / "cube").rglob(".part.*"))


def test_an_image_by_itself_keeps_its_values_however_often_it_is_merged(tiles, tmp_path):
    for _ in range(3):
        listing, _ = merge(tmp_path, [tiles[0], tiles[0]])
    index = json.loads((tiles[0] / "index.json").read_text())
    assert len(listing["tiles"]) == len(index["tiles"])
    for tile in index["tiles"]:
        with rasterio.open(tiles[0] / tile["name"] / "BOA.tif") as file:
            part, bounds = file.read(), file.bounds
        with rasterio.open(tmp_path / "cube" / tile["name"] / f"{STEM}_BOA.tif") as file:
            assert np.array_equal(file.read(window=file.window(*bounds)), part)
            assert file.shape == (200, 400)


def test_images_that_come_and_go_leave_no_trace(tiles, tmp_path):
    merge(tmp_path, tiles[:1])
    alone = contents(tmp_path / "cube")
    _, outcome = merge(tmp_path, tiles)
    assert outcome.quality["removed_files"] == 0
    listing, outcome = merge(tmp_path, tiles[:1])
    assert contents(tmp_path / "cube") == alone
    assert outcome.quality["removed_files"] > 0
    named = {file["path"] for tile in listing["tiles"] for file in tile["files"].values()}
    assert {name for name in alone if name.startswith("X")} == named


def test_other_days_are_not_touched(tiles, tmp_path):
    other = make(tmp_path, "D", 0, date="2018-09-09")
    merge(tmp_path, [other], "other.json")
    before = contents(tmp_path / "cube")
    merge(tmp_path, tiles)
    write_empty_tiles(tmp_path / "none", Outcome(Status.SKIPPED, "all cloud"))
    merge(tmp_path, tiles[:1])
    after = contents(tmp_path / "cube")
    assert {name: after[name] for name in before} == before


def test_a_killed_job_leaves_nothing_that_the_next_does_not_clear(tiles, tmp_path, monkeypatch):
    from levelworks.ard.cube import merge_stage

    write = merge_stage._write_tile
    calls = []

    def dies(tile, day):
        calls.append(tile.path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return write(tile, day)

    monkeypatch.setattr(merge_stage, "_write_tile", dies)
    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path, tiles)
    monkeypatch.undo()
    assert any((tmp_path / "cube" / calls[0]).iterdir())
    merge(tmp_path, tiles[2:])
    half = contents(tmp_path / "cube")
    merge(tmp_path / "fresh", tiles[2:])
    assert half == contents(tmp_path / "fresh" / "cube")


def read(cube: Path, tile: str, layer: str) -> np.ndarray:
    with rasterio.open(cube / tile / f"{STEM}_{layer}.tif") as file:
        return file.read()


def test_where_images_overlap_the_mean_goes_over_from_one_to_the_other(tiles, tmp_path):
    listing, _ = merge(tmp_path, tiles[:2])
    boa = {}
    for index, root in enumerate(tiles[:2]):
        (tmp_path / f"one{index}").mkdir()
        merge(tmp_path / f"one{index}", [root])
        boa[index] = tmp_path / f"one{index}" / "cube"
    both = [tile["name"] for tile in listing["tiles"] if len(tile["images"]) == 2]
    assert both
    shares = []
    for name in both:
        merged, quality = read(tmp_path / "cube", name, "BOA"), read(tmp_path / "cube", name, "QAI")[0]
        first, second = (read(boa[index], name, "BOA") for index in (0, 1))
        only_first, only_second = (first != -9999) & (second == -9999), (first == -9999) & (second != -9999)
        assert np.array_equal(merged[only_first], first[only_first])
        assert np.array_equal(merged[only_second], second[only_second])
        common = (first != -9999) & (second != -9999)
        low, high = np.minimum(first, second), np.maximum(first, second)
        assert ((merged >= low) & (merged <= high))[common].all()
        assert np.array_equal(quality == 1, (merged == -9999)[0])
        shares.append((merged[common] - first[common]) / (second[common] - first[common]))
    share = np.concatenate(shares)
    assert share.min() < 0.1
    assert share.max() > 0.9


def test_merging_is_smooth_across_tile_borders(tmp_path):
    """Weights are those of the image, not of the tile: where two images overlap, tile borders leave no step."""
    a = make(tmp_path, "A", 0, 0.0, values=lambda x, y: 2000 + 0 * x)
    b = make(tmp_path, "B", 100, 1000.0, values=lambda x, y: 2000 + 0 * x)
    listing, _ = merge(tmp_path, [a, b])
    grids = {tile["name"]: tile["pixels"] for tile in listing["tiles"]}
    names = sorted(grids)
    above, below = next((m, n) for m in names for n in names if m[:5] == n[:5] and int(n[7:]) == int(m[7:]) + 1
                        and {m, n} <= {t["name"] for t in listing["tiles"] if len(t["images"]) == 2})  # fmt: skip
    top, bottom = read(tmp_path / "cube", above, "BOA")[0], read(tmp_path / "cube", below, "BOA")[0]
    known = (top[-1] != -9999) & (bottom[0] != -9999)
    assert known.sum() > 50
    assert np.abs(top[-1].astype(int) - bottom[0])[known].max() <= 12


images = st.integers(1, 4)


@st.composite
def stacks(draw):
    shape = (draw(images), 3, 4)
    values = draw(arrays(np.int16, shape, elements=st.sampled_from([-9999, -12, 0, 1, 250, 4000, 16000])))
    weights = draw(arrays(np.uint8, shape, elements=st.integers(1, 255)))
    return values, weights, draw(st.permutations(range(shape[0])))


@settings(max_examples=60, deadline=None)
@given(stacks())
def test_means_do_not_depend_on_order_and_lie_between(stack):
    values, weights, order = stack
    merged, again, exact = (np.empty(values.shape[1:], np.int16) for _ in range(3))
    merge_means(values, weights, -9999, merged)
    merge_means(values[order], weights[order], -9999, again)
    assert np.array_equal(merged, again)
    merge_means(np.concatenate([values[:1]] * 3), np.concatenate([weights[:1]] * 3), -9999, exact)
    assert np.array_equal(exact, values[0])
    known = values != -9999
    total = (weights * known).sum(axis=0)
    mean = np.divide(
        (values.astype(np.int64) * weights * known).sum(axis=0), total, where=total > 0, out=np.zeros(total.shape)
    )
    assert np.array_equal(merged == -9999, total == 0)
    assert (np.abs(merged - mean) <= 0.5)[total > 0].all()
    least, strongest = (np.empty(values.shape[1:], np.int16) for _ in range(2))
    merge_least(values, -9999, least)
    merge_strongest(values, weights, -9999, strongest)
    masked = np.where(known, values, 32767).min(axis=0)
    assert np.array_equal(least, np.where(total > 0, masked, -9999))
    assert np.isin(strongest, values).all()


quality_bits = st.integers(0, (1 << 14) - 1).map(lambda bits: 2 * bits) | st.just(1)


@settings(max_examples=100, deadline=None)
@given(st.lists(quality_bits, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_quality_bits_follow_the_rules(values, random):
    def merged(bits: list[int]) -> int:
        out = np.empty((1, 1), np.int16)
        merge_quality(np.array(bits, np.int16).reshape(-1, 1, 1), 1, CLOUD, AEROSOL, LIGHT, FLAGS, out)
        return int(out[0, 0])

    found = merged(values)
    shuffled = list(values)
    random.shuffle(shuffled)
    assert merged(shuffled) == merged(values + values) == merged([found, *values]) == found
    states = [unpack(value) for value in values if value != 1]
    if not states:
        assert found == 1
        return
    result = unpack(found)
    for name, field in BY_NAME.items():
        of_all = [state[name] for state in states]
        wanted = min(of_all) if name == "illumination" else max(of_all)
        assert result[name] == wanted, name
        assert field.width <= 2


def test_images_without_tiles_are_left_out_and_listed(tiles, tmp_path):
    write_empty_tiles(tmp_path / "bad", Outcome(Status.QUARANTINED, "band 4 is cut"))
    record = {"levelworks_record": 1, "outcome": "quarantined", "reason": "band 4 is cut"}
    (tmp_path / "bad.json").write_text(json.dumps(record))
    listing, outcome = merge(tmp_path, [tiles[0], tmp_path / "bad.json"])
    assert listing["left_out"] == [{"image": "bad", "reason": "band 4 is cut"}]
    assert outcome.status is Status.DONE
    assert outcome.warnings == ("left out bad: band 4 is cut",)


def test_a_day_without_tiles_clears_what_it_had(tiles, tmp_path):
    name = "LC08_L1TP_193024_20180824_20200831_02_T1"
    merge(tmp_path, tiles)
    empty = tmp_path / name
    write_empty_tiles(empty, Outcome(Status.SKIPPED, "all cloud"))
    empty.with_name(name + ".json").write_text(
        json.dumps({"levelworks_record": 1, "outcome": "skipped", "reason": "all cloud"})
    )
    listing, outcome = merge(tmp_path, [empty])
    assert (outcome.status, listing["tiles"]) == (Status.SKIPPED, [])
    assert outcome.quality["removed_files"] > 0
    assert not list((tmp_path / "cube").glob("X*"))
    write_empty_listing(tmp_path / "empty.json", outcome)
    assert json.loads((tmp_path / "empty.json").read_text())["tiles"] == []


def test_what_does_not_go_together_is_refused(tiles, tmp_path):
    other = make(tmp_path, "D", 0, date="2018-09-09")
    with pytest.raises(InvalidOptions, match="of one day and sensor, not of 20180824 LND08, 20180909 LND08"):
        merge(tmp_path, [tiles[0], other])
    twin = make(tmp_path, "A", 5)
    with pytest.raises(InvalidOptions, match="the image A comes from two folders"):
        merge(tmp_path, [tiles[0], twin])
    with pytest.raises(InvalidOptions, match=r"merge-tile\.cube is required"):
        merge_tile(tiles, None, merged=tmp_path / "m.json", options=MergeTile())
    image = tmp_path / "A"
    moved = OPTIONS.model_copy(update={"origin_lon": 13.01})
    tile_image(image, None, tiles=tmp_path / "moved", options=moved)
    merge(tmp_path, [twin])
    with pytest.raises(InvalidOptions, match=r"datacube-definition\.prj: this cube has another grid"):
        merge(tmp_path, [tmp_path / "moved"])


def test_whole_images_of_one_place_share_a_lattice(tmp_path):
    """Kept whole, frames of one path and row begin at other pixels: the file holds both."""
    paths = []
    for name, down in (("A", 0), ("B", 40)):
        grid = ImageGrid("EPSG:32633", 399585 - 30 * down, 5850015 - 30 * down, 30, 200, 150)
        image = write_image(tmp_path / name, grid)
        tile_image(image, None, tiles=tmp_path / f"t{name}", options=TileImage(reproject=False, tile=False))
        paths.append(tmp_path / f"t{name}")
    merge(tmp_path, paths)
    with rasterio.open(tmp_path / "cube" / "utm33n" / "193024" / f"{STEM}_QAI.tif") as file:
        assert file.shape == (240, 190)
        assert file.bounds[:1] == (399585 - 1200,)
        assert (file.read(1) == 0).sum() == 2 * 200 * 150 - 160 * 110


def test_pictures_show_states_by_their_rank():
    reflectance = np.full((3, 1, 9), 1250, np.int16)
    cases = {
        "clear": ({}, (128, 128, 128)),
        "cirrus over shadow": ({"cloud": 3, "shadow": 1}, (255, 0, 0)),
        "cloud": ({"cloud": 2, "snow": 1}, (255, 0, 255)),
        "buffer": ({"cloud": 1, "shadow": 1}, (255, 0, 255)),
        "shadow": ({"shadow": 1, "snow": 1}, (0, 255, 255)),
        "snow": ({"snow": 1, "saturation": 1}, (255, 255, 0)),
        "saturated": ({"saturation": 1, "subzero": 1}, (255, 127, 39)),
        "subzero": ({"subzero": 1}, (34, 177, 76)),
        "nothing": ({"nodata": 1}, (0, 0, 0)),
    }
    bits = np.array([[int(pack((), **states)) for states, _ in cases.values()]], np.int16)
    painted = paint(reflectance, bits, -9999)
    assert [tuple(painted[:, 0, column].tolist()) for column in range(9)] == [colour for _, colour in cases.values()]
    bright = paint(np.array([[[2500]], [[9000]], [[-300]]], np.int16), np.zeros((1, 1), np.int16), -9999)
    assert bright.ravel().tolist() == [255, 255, 1]


def test_the_listing_names_sizes_and_checksums(tiles, tmp_path):
    from levelworks.core.checksum import checksum

    listing, _ = merge(tmp_path, tiles[:1])
    for tile in listing["tiles"]:
        assert {"BOA", "QAI", "SAA", "DST", "OVV", "STAC"} == set(tile["files"])
        for file in tile["files"].values():
            path = tmp_path / "cube" / file["path"]
            assert (file["size"], file["checksum"]) == (path.stat().st_size, checksum(path, "xxh3"))
