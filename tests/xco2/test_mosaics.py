"""Global mosaics: one slice a day, each dataset by itself, the same bytes in any order of days."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from lite_line import LiteLine, overpass

from levelworks.core.outcome import Status
from levelworks.xco2.granule import Mode

WORLD = {"world_latitude": 360, "world_longitude": 720}


@pytest.fixture
def line(tmp_path: Path) -> LiteLine:
    return LiteLine(tmp_path)


def world(line: LiteLine, granule: Path, **cut) -> Path:
    """Take a granule to the world's grid."""
    captures, grid = line.product("cut-captures", f"{granule.stem}.nc"), line.product("world", f"{granule.stem}.nc")
    line.run("cut-captures", cut, granule=granule, targets=line.targets, captures=captures)
    line.run("grid-capture", WORLD, captures=captures, targets=line.targets, world=grid)
    return grid


def update(line: LiteLine, name: str, grids: list[Path], **options):
    mosaic = line.product("update-global", name)
    return mosaic, line.run("update-global", options, worlds=grids, mosaic=mosaic)


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_days_in_any_order_give_the_mosaic_of_all_at_once(line):
    grids = [world(line, line.day(number, dataset=dataset)) for number in range(3) for dataset in ("oco3", "oco3_sif")]
    whole, _ = update(line, "whole", grids, chunks={"time": 2, "latitude": 100, "longitude": 100})
    for order in list(permutations(range(3)))[1::2]:
        name = "".join(map(str, order))
        for day in order:
            one, outcome = update(
                line, name, grids[2 * day : 2 * day + 2], chunks={"time": 2, "latitude": 100, "longitude": 100}
            )
        assert outcome.quality["changed"]
        assert tree(one) == tree(whole)
    _, again = update(line, "whole", grids[:2], chunks={"time": 2, "latitude": 100, "longitude": 100})
    assert not again.quality["changed"]


def test_cells_tell_target_type_and_mode(line):
    mosaic, _ = update(line, "post", [world(line, line.day(0))])
    data = xr.open_zarr(mosaic, decode_cf=False).load()
    seen = data.OCO3_global_operation_mode.values
    assert set(np.unique(seen)) == {-1, int(Mode.AREA_MAP)}
    assert set(np.unique(data.OCO3_global_target_type.values)) == {-1, 1}
    assert set(np.unique(data.OCO3_global_target_id.values)) == {-1, 5}
    assert np.array_equal(seen >= 0, np.isfinite(data.OCO3_global_xco2.values))
    row, column = np.argwhere(seen[0] >= 0).mean(axis=0).round().astype(int)
    assert abs(float(data.latitude[row]) - 34.0) < 1
    assert abs(float(data.longitude[column]) + 118.2) < 1


def test_ancillary_variables_of_groups_have_names_of_the_mosaic(line):
    granule = line.day(0, dataset="oco3_sif")
    mosaic, _ = update(line, "post", [world(line, granule, variables=["/Science/SIF_757nm", "/Daily_SIF_757nm"])])
    data = xr.open_zarr(mosaic)
    named = data.OCO3_SIF_global_Science_SIF_757nm.attrs["ancillary_variables"].split()
    assert len(named) == 4
    assert set(named) <= set(data.variables)


def test_a_day_that_is_left_out_as_empty_does_not_make_it_anew(line):
    empty = world(line, line.day(1, overpass(day=1, mode=Mode.NADIR)))
    grids = [world(line, line.day(0)), empty]
    update(line, "post", grids, drop_empty=True)
    _, again = update(line, "post", grids, drop_empty=True)
    assert not again.quality["changed"]


def test_days_without_any_sounding_make_no_mosaic(line):
    mosaic, outcome = update(line, "post", [world(line, line.day(1, overpass(day=1, mode=Mode.NADIR)))])
    assert outcome.status is Status.SKIPPED
    assert not mosaic.exists()


def test_an_older_build_is_refused_and_a_newer_one_replaces(line):
    old = world(line, line.day(0, build="B10000Ar", folder="old"))
    new = world(line, line.day(0, build="B12000Ar", folder="new", seed=3))
    mosaic, _ = update(line, "post", [old])
    before = xr.open_zarr(mosaic).OCO3_global_xco2.values
    update(line, "post", [new])
    data = xr.open_zarr(mosaic).load()
    assert data.OCO3_global_source_file.values[0].split("_")[3] == "B12000Ar"
    assert not np.array_equal(before, data.OCO3_global_xco2.values, equal_nan=True)
    _, refused = update(line, "post", [old])
    assert any("is older than what the mosaic has of its day" in one for one in refused.warnings)
    assert not refused.quality["changed"]
