"""The validator: a good tree passes, and each rule that is broken once is found."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import rasterio
from insar_products import DATES, FRAME, PAIRS, SHAPE, STEP, WEST, write_geometry_rasters, write_pair, write_raster
from rasterio.transform import from_origin

from levelworks.core.outcome import InvalidOptions, Outcome, Status
from levelworks.insar.products.empty_product import write_empty_product
from levelworks.insar.products.frame_metadata import write_metadata
from levelworks.insar.products.products_options import ValidateTree
from levelworks.insar.products.validate_tree import InvalidTree, refuse_invalid, validate_tree
from levelworks.insar.products.validate_tree_stage import validate_tree_stage

METADATA = {
    "master": DATES[0],
    "center_time": "02:20:11.123456",
    "heading": "-12.5",
    "avg_incidence_angle": "39.0",
    "centre_range_m": "880000.0",
}
CORRECTED = f"interferograms/{PAIRS[0]}/{PAIRS[0]}.geo.unw_corrected.tif"
SLANT = f"epochs/{DATES[1]}/{DATES[1]}.sltd.geo.tif"
UNW = f"interferograms/{PAIRS[0]}/{PAIRS[0]}.geo.unw.tif"
CC = f"interferograms/{PAIRS[0]}/{PAIRS[0]}.geo.cc.tif"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return a tree in which all is well."""
    tree = tmp_path_factory.mktemp("good") / "tree"
    for pair in PAIRS:
        write_pair(tree / "interferograms", pair).unlink()
    write_geometry_rasters(tree / "metadata")
    write_raster(tree / "metadata" / f"{FRAME}.geo.mli.tif", np.ones(SHAPE, np.float32))
    for date in DATES:
        write_raster(tree / "epochs" / date / f"{date}.geo.mli.tif", np.ones(SHAPE, np.float32))
    write_raster(tree / SLANT, np.full(SHAPE, 600, np.float32))
    for kind in ("unw_corrected", "atm"):
        shutil.copy(tree / UNW, tree / UNW.replace("unw", kind))
    lines = [f"{DATES[0]} {date} {40.0 * k} {12 * k}\n" for k, date in enumerate(DATES)]
    (tree / "metadata" / "baselines").write_text("".join(lines))
    write_metadata(tree / "metadata" / "metadata.txt", METADATA)
    return tree


@pytest.fixture
def tree(good, tmp_path):
    return shutil.copytree(good, tmp_path / "tree")


def rules(tree):
    return {one.rule for one in validate_tree(tree)}


def rewrite(path, values=None, nodata=None, **change):
    """Write a raster anew, changed."""
    with rasterio.open(path) as file:
        old, none = file.read(1), file.nodata
    path.unlink()
    write_raster(path, old if values is None else values(old), nodata=none if nodata is None else nodata, **change)


def test_a_good_tree_passes(good):
    assert validate_tree(good) == []


def test_a_flat_folder_passes(tree, tmp_path):
    geoc = tmp_path / "GEOC"
    shutil.copytree(tree / "interferograms", geoc)
    shutil.copytree(tree / "metadata", geoc, dirs_exist_ok=True)
    assert validate_tree(geoc) == []
    (geoc / "baselines").unlink()
    (geoc / PAIRS[1] / f"{PAIRS[1]}.geo.cc.tif").unlink()
    assert rules(geoc) == {"baselines", "pair-files"}


def remove(name):
    return lambda tree: (tree / name).unlink()


def raster(name, values=None, **change):
    return lambda tree: rewrite(tree / name, values, **change)


def text(name, old, new):
    def change(tree):
        path = tree / name
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    return change


def with_value(row, column, value):
    def change(values):
        values[row, column] = value
        return values

    return change


def point_pixels(tree):
    with rasterio.open(tree / UNW, "r+") as file:
        file.update_tags(AREA_OR_POINT="Point")


def rename_pair(name):
    return lambda tree: (tree / "interferograms" / PAIRS[-1]).rename(tree / "interferograms" / name)


def extra(kind, dtype, nodata):
    """Add a raster of a kind that a tree may have."""
    return lambda tree: write_raster(tree / UNW.replace("unw", kind), np.ones(SHAPE, dtype), nodata=nodata)


BROKEN = {
    "a raster is a column wider": ("grid", raster(UNW, lambda old: np.pad(old, ((0, 0), (0, 1)), mode="edge"))),
    "a raster is moved by a thousandth of a cell": (
        "grid",
        raster(UNW, transform=from_origin(WEST + STEP / 1000, 50.0, STEP, STEP)),
    ),
    "a raster of a date is moved": (
        "grid",
        raster(f"epochs/{DATES[1]}/{DATES[1]}.geo.mli.tif", transform=from_origin(WEST, 50.001, STEP, STEP)),
    ),
    "another raster of a pair is moved": (
        "grid",
        raster(UNW.replace("unw", "diff_pha"), transform=from_origin(WEST, 50.001, STEP, STEP)),
    ),
    "a projection": ("crs", raster(CC, crs="EPSG:32632")),
    "pixels are points": ("pixel-is-area", point_pixels),
    "south is up": ("north-up", raster(UNW, transform=from_origin(WEST, 49.988, STEP, -STEP))),
    "coherence as float": ("dtype", raster(CC, lambda old: (old / 255).astype(np.float32))),
    "phase as float64": ("dtype", raster(UNW, lambda old: old.astype(np.float64))),
    "offsets as whole numbers": ("dtype", extra("rng", np.int16, 0)),
    "coherence of overlaps as float": ("dtype", extra("bovldiff.cc", np.float32, 0)),
    "coherence of overlaps has another nodata": ("nodata", extra("bovldiff.cc", np.uint8, 255)),
    "coherence has another nodata": ("nodata", raster(CC, nodata=255)),
    "phase has another nodata": ("nodata", raster(UNW, nodata=-9999)),
    "phase without coherence": ("masks", raster(CC, with_value(3, 4, 0))),
    "infinite phase": ("finite", raster(UNW, with_value(3, 4, np.inf))),
    "no phase at all": ("empty", raster(UNW, lambda old: np.full_like(old, np.nan))),
    "a corrected phase has more data": ("masks", raster(CORRECTED, with_value(3, 0, 1.0))),
    "a corrected phase has less data": ("masks", raster(CORRECTED, with_value(3, 4, np.nan))),
    "a model has less data": ("masks", raster(UNW.replace("unw", "atm"), with_value(3, 4, np.nan))),
    "a corrected phase as float64": ("dtype", raster(CORRECTED, lambda old: old.astype(np.float64))),
    "a delay of another date": ("file-name", lambda tree: (tree / SLANT).rename(tree / SLANT.replace("18.", "30."))),
    "a delay is moved": ("grid", raster(SLANT, transform=from_origin(WEST, 50.001, STEP, STEP))),
    "a delay has another nodata": ("nodata", raster(SLANT, nodata=-9999)),
    "two bands": ("bands", lambda tree: write_two_bands(tree / UNW)),
    "a broken file": ("readable", lambda tree: (tree / UNW).write_bytes(b"II*\0broken")),
    "no unwrapped phase": ("pair-files", remove(UNW)),
    "no coherence": ("pair-files", remove(CC)),
    "dates the wrong way round": ("pair-name", rename_pair("20250512_20250430")),
    "a folder that is no pair": ("pair-name", lambda tree: (tree / "interferograms" / "notes").mkdir()),
    "a file of another pair": (
        "file-name",
        lambda tree: (tree / UNW).rename((tree / UNW).with_name("20250407_20250418.geo.unw.tif")),
    ),
    "a file of another date": (
        "file-name",
        lambda tree: (tree / f"epochs/{DATES[1]}").rename(tree / "epochs/20250601"),
    ),
    "no pairs": ("pairs", lambda tree: [shutil.rmtree(path) for path in (tree / "interferograms").iterdir()]),
    "no heights": ("geometry", remove(f"metadata/{FRAME}.geo.hgt.tif")),
    "no east": ("geometry", remove(f"metadata/{FRAME}.geo.E.tif")),
    "no backscatter": ("geometry", remove(f"metadata/{FRAME}.geo.mli.tif")),
    "two frames": (
        "geometry",
        lambda tree: shutil.copy(tree / f"metadata/{FRAME}.geo.U.tif", tree / "metadata/109A_05330_020200.geo.U.tif"),
    ),
    "a direction that is too long": ("unit-vectors", raster(f"metadata/{FRAME}.geo.E.tif", with_value(0, 0, -0.9))),
    "a direction without a component": (
        "unit-vectors",
        raster(f"metadata/{FRAME}.geo.N.tif", with_value(0, 0, np.nan)),
    ),
    "a satellite below": ("unit-vectors", raster(f"metadata/{FRAME}.geo.U.tif", lambda old: -old)),
    "no metadata": ("metadata", remove("metadata/metadata.txt")),
    "no time": ("metadata", text("metadata/metadata.txt", "center_time", "time")),
    "a time that is none": ("metadata", text("metadata/metadata.txt", "02:20", "26:20")),
    "a heading that is none": ("metadata", text("metadata/metadata.txt", "-12.5", "north")),
    "a reference that is no date": ("metadata", text("metadata/metadata.txt", DATES[0], "20251306")),
    "no baselines": ("baselines", remove("metadata/baselines")),
    "a date without a baseline": ("baselines", text("metadata/baselines", f"{DATES[0]} {DATES[3]} 120.0 36\n", "")),
    "a line of three words": ("baselines", text("metadata/baselines", " 36\n", "\n")),
    "days that are wrong": ("baselines", text("metadata/baselines", "120.0 36", "120.0 35")),
    "two references": (
        "baselines",
        text("metadata/baselines", f"{DATES[0]} {DATES[3]} 120.0 36", f"{DATES[1]} {DATES[3]} 80.0 24"),
    ),
}
NOT_FATAL = {"no backscatter", "no phase at all"}


def write_two_bands(path):
    with rasterio.open(path) as file:
        values, profile = file.read(1), file.profile
    path.unlink()
    with rasterio.open(path, "w", **profile | {"count": 2}) as file:
        file.write(np.stack([values, values]))


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_found(tree, name):
    rule, change = BROKEN[name]
    change(tree)
    found = [one for one in validate_tree(tree) if one.rule == rule]
    assert found
    assert any(one.fatal for one in found) == (name not in NOT_FATAL)


def test_gaps_are_reported_and_no_error(tree):
    for pair in PAIRS:
        if pair[:8] in DATES[:2] and pair[9:] in DATES[2:]:
            shutil.rmtree(tree / "interferograms" / pair)
    (found,) = validate_tree(tree)
    assert (found.rule, found.fatal) == ("network", False)
    assert "2025-04-18 to 2025-04-30: 12 days" in found.message


def test_a_manifest_is_held_against_the_tree(tree):
    from levelworks.insar.products.publish_stage import write_manifest

    write_manifest(tree)
    assert validate_tree(tree) == []
    (tree / "more.txt").write_text("x")
    (tree / "metadata" / "baselines").write_text((tree / "metadata" / "baselines").read_text().replace("40.0", "41.0"))
    (tree / "epochs" / DATES[2] / f"{DATES[2]}.geo.mli.tif").unlink()
    found = {(one.path, one.message) for one in validate_tree(tree)}
    assert found == {
        ("more.txt", "is there and not listed"),
        ("metadata/baselines", "is not as it was listed"),
        (f"epochs/{DATES[2]}/{DATES[2]}.geo.mli.tif", "is listed and not there"),
    }
    (tree / "manifest.tsv").write_text("path\tsize\n")
    assert rules(tree) == {"manifest"}


def test_the_stage_reports_or_refuses(tree, tmp_path):
    (tree / "metadata" / f"{FRAME}.geo.mli.tif").unlink()
    outcome = validate_tree_stage(tree, report=tmp_path / "report.json", options=ValidateTree())
    assert len(outcome.warnings) == 1
    content = json.loads((tmp_path / "report.json").read_text())
    assert [one["rule"] for one in content["violations"]] == ["geometry"]
    assert content["rasters"] == 3 * len(PAIRS) + 2 + 5 + len(DATES) + 1
    (tree / UNW).unlink()
    with pytest.raises(InvalidTree, match=r"breaks 1 rules(.|\n)*unw.tif: is not there \[pair-files\]") as caught:
        validate_tree_stage(tree, report=tmp_path / "again.json", options=ValidateTree())
    assert caught.value.exit_code == 64
    with pytest.raises(InvalidOptions, match="is no folder"):
        validate_tree_stage(tmp_path / "none", report=tmp_path / "none.json", options=ValidateTree())
    write_empty_product(tmp_path / "empty.json", Outcome(Status.SKIPPED, "no tree"))
    assert json.loads((tmp_path / "empty.json").read_text())["reason"] == "no tree"


def test_long_lists_are_cut(tree):
    for pair in PAIRS:
        for kind in ("unw", "cc", "diff_pha"):
            rewrite(tree / f"interferograms/{pair}/{pair}.geo.{kind}.tif", crs="EPSG:32632", transform=from_origin(
                WEST, 49.9, STEP, STEP))  # fmt: skip
    with pytest.raises(InvalidTree, match=r"breaks 36 rules(.|\n)*and 16 more"):
        refuse_invalid(validate_tree(tree), tree)
