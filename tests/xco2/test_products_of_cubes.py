"""What is made from cubes: made once, left alone while the cube stays, made again when it changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from lite_line import LA, LiteLine, ending, overpass, quality, write_boxes

from levelworks.core.outcome import Status
from levelworks.xco2.granule import Mode


@pytest.fixture
def line(tmp_path: Path) -> LiteLine:
    return LiteLine(tmp_path)


PRODUCTS = {"make-climatology": ("climatology", "means.nc"), "plot-target": ("picture", "target.png")}


@pytest.mark.parametrize("stage", PRODUCTS)
def test_it_is_made_again_where_the_cube_or_an_option_changed(line, stage):
    port, name = PRODUCTS[stage]
    product = line.product(stage, name)
    first, second = line.grids(line.day(0)), line.grids(line.day(40))
    cube = line.update(first)

    def make(**options) -> tuple[bool, int]:
        line.run(stage, options, cube=cube, **{port: product})
        return quality(product).get("changed", True), product.stat().st_ino

    made = make()
    assert made[0]
    assert make() == (False, made[1])
    line.update(first, second)
    again = make()
    assert again[0]
    assert again[1] != made[1]
    other = {"span": "annual"} if stage == "make-climatology" else {"most": 1}
    assert make(**other)[0]


def test_means_are_those_of_the_slices(line):
    cube = line.update(*(line.grids(line.day(number)) for number in (0, 1, 40)))
    product = line.product("make-climatology", "means.nc")
    line.run("make-climatology", {"span": "monthly"}, cube=cube, climatology=product)
    means, slices = xr.open_dataset(product), xr.open_zarr(cube).load()
    assert [str(one)[:7] for one in means.time.values] == ["2020-03", "2020-04"]
    march = slices.xco2.values[:2].astype(float)
    count = np.isfinite(march).sum(axis=0)
    expected = np.where(count > 0, np.nansum(march, axis=0) / np.maximum(count, 1), np.nan)
    np.testing.assert_allclose(means.xco2_mean.values[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(means.valid_count.values[0], count)
    np.testing.assert_allclose(means.xco2_mean.values[1], slices.xco2.values[2], rtol=1e-6)
    assert means.xco2_mean.attrs["units"] == "1e-6"
    np.testing.assert_array_equal(means.latitude, slices.latitude)


def test_a_target_that_was_not_seen_has_no_climatology(line):
    product = line.product("make-climatology", "means.nc")
    record = line.folder / "nothing.zarr.json"
    record.write_text("{}")
    line.run("make-climatology", {}, cube=record, climatology=product)
    assert ending(product)[:2] == (Status.SKIPPED, "the target has no cube yet")
    assert not product.exists()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dataset", ["oco2", "oco3", "oco3_sif"])
def test_everything_that_soundings_have_makes_cubes_without_findings(line, dataset, zarr_format):
    targets = write_boxes(line.folder / "t.json", {LA: (-118.7, 33.5, -117.7, 34.5)}, **{LA: "POINT (-118.2 34.0)"})
    mode = Mode.TARGET if dataset == "oco2" else Mode.AREA_MAP
    granule = line.day(0, overpass(mode=mode), dataset=dataset)
    grids = line.grid(line.cut(granule, targets, everything=True), targets)
    cube = line.update(grids, dataset=dataset, zarr_format=zarr_format)
    assert ending(line.verify(cube))[:2] == (Status.DONE, "")
    groups = {path.parent.name for path in cube.rglob("*") if path.name == "time"} - {cube.name}
    assert len(groups) >= 3
    for group in groups:
        inner = xr.open_zarr(cube, group=group)
        assert inner.latitude.dims == ("latitude",)
        assert all(inner[name].dims == ("time", "latitude", "longitude") for name in inner.data_vars if name != "crs")


def test_what_would_take_a_coordinate_s_name_is_left_out_with_a_warning(line):
    captures = line.cut(line.day(0, dataset="oco3_sif"), variables=["/Daily_SIF_757nm", "/Geolocation/latitude"])
    assert any("/Geolocation/latitude has no mean over an area" in one for one in ending(captures)[2])
