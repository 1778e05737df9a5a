"""The defects of OCO3-data-transformer (D1 to D24 of the specification), each as the good behaviour.

The docstring of every test starts with the number of its defect.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
import yaml
from lite_line import FIRST, LA, SITES, LiteLine, ending, moment, overpass, quality, read, tree, write_boxes

from levelworks.cli import main
from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions, Status
from levelworks.xco2.capture_files import read_captures
from levelworks.xco2.days import State, read_gaps
from levelworks.xco2.days_stage import find_ready
from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import open_grids
from levelworks.xco2.layout import Layout
from levelworks.xco2.options import GridCapture, SelectDays, Xco2
from levelworks.xco2.plan import Plan, plan_campaign

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")

OTHER = "tccon0007"
OLD, NEW = "B11072Ar", "B11210Ar"


@pytest.fixture
def line(tmp_path: Path) -> LiteLine:
    return LiteLine(tmp_path)


def peer_file(line: LiteLine, **changes: Any) -> Path:
    """Write a run configuration of the peer for cubes of targets."""
    content: dict[str, Any] = {
        "input": {"files": []},
        "output": {"local": str(line.folder / "product"), "global": False, "naming": {"pre_qf": "a", "post_qf": "b"}},
        "grid": {"latitude": 40, "longitude": 30, "method": "linear"},
        "chunking": {"latitude": 20, "longitude": 30, "time": 5},
        "target-file": {"oco3": str(line.targets), "oco2": str(line.targets)},
        "max-workers": 1,
    }
    path = line.folder / "run.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def planned(line: LiteLine, **changes: Any) -> Plan:
    """Plan what a run configuration of the peer asks for, every day at once."""
    values = {"peer": str(peer_file(line, **changes)), "select-days": {"every_day": True}}
    return plan_campaign(validate(Xco2, values, "config: xco2"), line.folder / "no-state.json")


def as_items(granule: Path) -> dict[str, Any]:
    """Return a granule in the forms that the peer's list of inputs knows."""
    secret = {"accessKeyID": "NAME", "secretAccessKey": "SECRET"}
    return {
        "text": str(granule),
        "object": {"path": str(granule), **secret},
        "object with region": {"path": f"file://{granule}", **secret, "region": "us-west-2"},
        "dataset": {"oco3": str(granule), "oco2": None},
        "dataset of an object": {"oco3": {"path": str(granule), **secret, "region": "us-west-2"}},
    }


@pytest.mark.parametrize("form", ["text", "object"])
def test_a_plain_path_is_a_granule(line, form):
    """D1: plain strings and bare objects crash target mode."""
    granule = line.day()
    plan = planned(line, input={"files": [as_items(granule)[form]]})
    (found,) = plan.granules.values()
    assert (found.path, found.dataset) == (granule, "oco3")
    cube = line.update(line.grids(found.path))
    assert read(cube).sizes["time"] == 1


def test_an_unreadable_granule_leaves_the_others_whole(line):
    """D2: one unreadable granule crashes the batch."""
    bad, good = line.day(0), line.day(1)
    bad.write_bytes(bad.read_bytes()[:20_000])
    cube = line.update(line.grids(bad), line.grids(good))
    assert set(read(cube).source_file.values) == {good.name}
    (warning,) = ending(line.product("list-captures", "captures.tsv"))[2]
    assert warning.startswith(f"left out {bad.stem}.nc: {bad.name}: truncated or damaged")


@pytest.mark.parametrize("form", ["object with region", "dataset of an object"])
def test_an_object_may_name_its_region(line, form):
    """D3: the second schema refuses the region."""
    granule = line.day()
    assert [one.path for one in planned(line, input={"files": [as_items(granule)[form]]}).granules.values()] == [
        granule
    ]


@pytest.mark.parametrize("method", ["area", "nearest", "linear", "cubic"])
def test_fills_are_no_numbers(line, method):
    """D4: fills are gridded as numbers."""
    granule = line.day(fill_share=0.3)
    with netCDF4.Dataset(granule) as file:
        file.set_auto_maskandscale(False)
        assert (file["xco2"][...] == -999999).sum() > 5
    cube = read(line.update(line.grids(granule, method=method), quality_set="pre"))
    assert cube.xco2.notnull().sum() > 20
    assert 350 < float(cube.xco2.min()) < float(cube.xco2.max()) < 500


def test_milliseconds_of_dates_are_milliseconds(line):
    """D5: milliseconds are taken for microseconds."""
    granule = line.day(0, overpass(start_time=moment(0, 12) + 0.333), drop=0.0)
    with netCDF4.Dataset(granule, "a") as file:
        file.renameVariable("time", "elsewhere")
        file.set_auto_maskandscale(False)
        first = int(np.argmax(file["Sounding/operation_mode"][...] == Mode.AREA_MAP))
        assert file["date"][first].tolist() == [2020, 3, 3, 12, 0, 0, 333]
    cube = read(line.update(line.grids(granule)))
    assert abs(cube.time.values[0] - np.datetime64("2020-03-03T12:00:00.333")) < np.timedelta64(1, "us")


def test_both_quality_sets_have_the_same_times(line):
    """D6: slices of one capture have different times before and after the quality flag."""
    granule = line.day()
    with netCDF4.Dataset(granule, "a") as file:
        area = np.flatnonzero(file["Sounding/operation_mode"][...] == Mode.AREA_MAP)
        file["xco2_quality_flag"][area[:5]] = 1
        file["xco2_quality_flag"][area[-5:]] = 1
    grids = line.grids(granule)
    pre, post = (read(line.update(grids, name=f"{one}.zarr", quality_set=one)) for one in ("pre", "post"))
    assert pre.number_in_capture.item() >= post.number_in_capture.item() + 10
    assert pre.time.item() == post.time.item()
    assert np.array_equal(pre.time_bnds, post.time_bnds)


def test_a_first_day_without_a_good_sounding_makes_one_set_and_the_next_day_both(line):
    """D7: after a first run with bad data only, the next run fails."""
    bad, good = line.day(0, bad_share=1.0), line.day(1)
    first = line.grids(bad)
    pre = line.update(first, name="pre.zarr", quality_set="pre")
    post = line.update(first, name="post.zarr", quality_set="post")
    assert (read(pre).sizes["time"], post.exists()) == (1, False)
    assert ending(post)[:2] == (Status.SKIPPED, f"no capture of target {LA!r} in oco3")
    both = first, line.grids(good)
    for path, slices, name in ((pre, 2, "pre"), (post, 1, "post")):
        line.update(*both, name=path.name, quality_set=name)
        assert ending(path)[0] is Status.DONE
        assert read(path).sizes["time"] == slices


def test_an_oco2_granule_may_end_in_a_bad_capture(line):
    """D8: an OCO-2 granule that ends in a target run of bad quality kills the run."""
    passes = [overpass(hour=10, mode=Mode.TARGET), overpass(OTHER, hour=14, mode=Mode.TARGET, bad_share=1.0)]
    granule = line.day(0, *passes, dataset="oco2", background=0)
    grids = line.grids(granule)
    good, bad = (line.update(grids, name=f"{one}.zarr", dataset="oco2", target=one) for one in (LA, OTHER))
    assert read(good).sizes["time"] == 1
    assert ending(bad)[0] is Status.SKIPPED
    assert read(line.update(grids, name="pre.zarr", dataset="oco2", target=OTHER, quality_set="pre")).sizes["time"] == 1


def test_a_rerun_gives_the_same_bytes_and_geotiffs_of_one_band(line):
    """D9: a rerun rewrites stores and adds a second band to GeoTIFFs."""
    captures = line.cut(line.day())
    found = []
    for _ in range(2):
        grids = line.grid(captures)
        cogs = line.product("write-cog", "day")
        line.run("write-cog", {}, captures=captures, grids=grids, cogs=cogs)
        found.append((tree(line.update(grids)), tree(cogs)))
    assert found[0] == found[1]
    tiffs = sorted(cogs.glob("*.tif"))
    assert tiffs
    for path in tiffs:
        with rasterio.open(path) as image:
            assert image.count == 1


def test_a_newer_build_replaces_and_an_older_one_is_refused(line):
    """D10: of two versions of a slice the old one stays."""
    old, new = line.day(build=OLD), line.day(build=NEW, seed=1)
    grids = line.grids(old), line.grids(new)
    cube = line.update(grids[0])
    first = read(cube)
    line.update(grids[1])
    assert quality(cube)["replaced"] + quality(cube)["added"] == 1
    second = read(cube)
    assert (first.source_file.item(), second.source_file.item()) == (old.name, new.name)
    assert not np.array_equal(first.xco2, second.xco2, equal_nan=True)
    line.update(grids[0])
    assert ending(cube)[2] == (f"{old.name} is older than what the cube has of its day and is left out",)
    assert read(cube).identical(second)


def test_an_earlier_day_is_put_before_the_later_ones_which_stay_as_they_are(line):
    """D11: an earlier day appends all later slices again and rewrites the store in place."""
    grids = [line.grids(line.day(number)) for number in range(3)]
    cube = line.update(grids[1], grids[2])
    files = {path.name: path.stat().st_ino for path in (cube / "xco2").iterdir()}
    folder = cube.stat().st_ino
    line.update(grids[0])
    assert quality(cube) == {"slices": 3, "added": 1, "replaced": 0, "removed": 0, "changed": True}
    times = read(cube).time.values
    assert len(times) == 3
    assert (np.diff(times) > np.timedelta64(0)).all()
    assert cube.stat().st_ino != folder  # a new folder took the place of the old one, with its files in it
    for before, after in (("0.0.0", "1.0.0"), ("1.0.0", "2.0.0")):
        assert (cube / "xco2" / after).stat().st_ino == files[before]
    assert tree(cube) == tree(line.update(*grids, name="at-once.zarr"))


def test_chunks_have_rows_and_columns_as_said(line):
    """D12: rows and columns of chunks are swapped."""
    plan = planned(line, input={"files": [str(line.day())]})
    options = plan.section.update_cube.model_dump()
    grid = plan.section.grid_capture.model_dump()
    (granule,) = plan.granules.values()
    cube = line.update(line.grids(granule.path, **grid), **options)
    described = json.loads((cube / "xco2" / ".zarray").read_text())
    assert (described["shape"], described["chunks"]) == ([1, 40, 30], [5, 20, 30])


@pytest.mark.parametrize("method", ["area", "linear"])
def test_cells_are_those_that_a_footprint_overlaps(line, method):
    """D13: the mask holds cells that no footprint overlaps."""
    captures = line.cut(line.day())
    grids = line.grid(captures, method=method, geometry="planar")
    cut = read_captures(captures)
    corners = np.stack([cut.granule.vertex_longitude, cut.granule.vertex_latitude], axis=-1)[cut.usable]
    footprints = shapely.union_all(shapely.polygons(corners))
    with open_grids(grids) as file:
        cells, grid = set(file.cells(0).tolist()), file.entries[0].spec.grid
    x, y = np.meshgrid(grid.x_edges, grid.y_edges)
    boxes = shapely.box(x[:-1, :-1], y[:-1, :-1], x[1:, 1:], y[1:, 1:])
    shares = shapely.area(shapely.intersection(boxes, footprints)) / shapely.area(boxes)
    assert set(np.flatnonzero(shares > 1e-6).tolist()) == cells
    line.grid(captures, compat="seed", method="linear")
    assert quality(grids)["cells"][0] > 1.04 * len(cells)  # the peer's


@pytest.mark.parametrize(
    ("place", "centres", "expected", "of_the_peer"),
    [
        # 2 degrees of longitude are 76 km at 70 degrees of latitude, 1 degree of latitude is 111 km.
        ((20.0, 70.0), {"val1": (22.0, 70.0), "val2": (20.0, 71.0)}, "val1", "val2"),
        ((179.9, 10.0), {"val1": (-179.7, 10.0), "val2": (178.5, 10.0)}, "val1", None),
    ],
    ids=["near the pole", "across the antimeridian"],
)
def test_the_target_of_oco2_is_the_nearest_on_the_globe(line, place, centres, expected, of_the_peer):
    """D14: the nearest centre is sought in degrees, neither scaled nor wrapped."""
    lon, lat = place
    granule = line.day(0, overpass(lon=lon, lat=lat, mode=Mode.TARGET), dataset="oco2")
    boxes = {name: (wrap(x - 2.5), y - 1.5, wrap(x + 2.5), y + 1.5) for name, (x, y) in centres.items()}
    targets = write_boxes(line.folder / "near.json", boxes)
    assert [one.target_id for one in read_captures(line.cut(granule, targets)).captures] == [expected]
    peer = read_captures(line.cut(granule, targets, compat="seed"))
    assert [one.target_id for one in peer.captures] == ([of_the_peer] if of_the_peer else [])


def wrap(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def test_two_overpasses_side_by_side_in_a_file_are_two_captures(line):
    """D15: overpasses of one target that are adjacent in the file become one capture."""
    granule = line.day(0, overpass(hour=10), overpass(hour=11.55), background=0)
    captures = read_captures(line.cut(granule)).captures
    assert [(one.target_id, one.orbit) for one in captures] == [(LA, 5010), (LA, 5011)]
    assert len(read_captures(line.cut(granule, compat="seed")).captures) == 1
    assert read(line.update(line.grids(granule))).sizes["time"] == 2


@pytest.mark.parametrize("missing", ["/Retrieval/psurf", "/Retrieval"])
def test_a_missing_variable_or_group_leaves_the_granule_readable(line, missing):
    """D16: a missing variable or group makes a granule unreadable."""
    whole, less = line.day(0), line.day(1)
    with netCDF4.Dataset(less, "a") as file:
        if missing == "/Retrieval":
            file.renameGroup("Retrieval", "Elsewhere")
        else:
            file["Retrieval"].renameVariable("psurf", "elsewhere")
    wanted = ["/xco2", "/xco2_uncertainty", "/Retrieval/psurf"]
    captures = [line.cut(one, variables=wanted) for one in (whole, less)]
    assert ending(captures[1]) == (Status.DONE, "", (f"{less.name}: /Retrieval/psurf is not in the file",))
    cube = line.update(*(line.grid(one) for one in captures))
    pressure = surface_pressure(cube)
    assert np.isfinite(pressure[0]).any()
    assert not np.isfinite(pressure[1]).any()
    assert read(cube).xco2.notnull().any(["latitude", "longitude"]).all()


def surface_pressure(cube: Path) -> np.ndarray:
    with xr.open_zarr(cube, group="Retrieval", chunks=None) as data:
        return data.psurf.values


def test_every_dataset_of_a_gaps_entry_counts(line):
    """D17: of two datasets in one object of the gaps file only the first counts."""
    path = line.folder / "gaps.json"
    months = {"start": "2023-11-13", "stop": "2024-07-16"}
    path.write_text(json.dumps([{"oco3": months, "oco3_sif": months}]))
    gaps = read_gaps(path)
    assert {gap.dataset for gap in gaps} == {"oco3", "oco3_sif"}
    name = "oco2_LtCO2_231120_B11210Ar_240101000000s.nc4"
    ready = find_ready([name], gaps, State(), SelectDays())
    assert ready.selection.selected == {dt.date(2023, 11, 20): {"oco2": name}}
    assert not find_ready([name], gaps[:1], State(), SelectDays()).selection.selected


def test_a_reprocessed_file_makes_its_day_new(line):
    """D18: a new file of a day and dataset that was processed is not noticed."""
    old, new = line.day(build=OLD), line.day(build=NEW)
    finished = line.cut(old)
    options = {"skipped": ["oco2", "oco3_sif"]}
    days, state = line.product("select-days", "days.json"), line.product("select-days", "state.json")
    line.run("select-days", options, granules=[old], finished=finished, days=days, state=state)
    line.run("select-days", options, granules=[old], finished=finished, days=days, state=state)
    assert json.loads(days.read_text())["selected"] == {}
    line.run("select-days", options, granules=[old, new], finished=finished, days=days, state=state)
    found = json.loads(days.read_text())
    assert found["selected"] == {
        FIRST.isoformat(): {"reason": f"oco3 is {new.name} and was {old.name}", "files": {"oco3": new.name}}
    }
    assert found["superseded"] == [old.name]
    assert json.loads(state.read_text())["processed"] == {FIRST.isoformat(): {"oco3": new.name}}


@pytest.mark.parametrize("method", ["area", "nearest", "linear", "cubic"])
def test_a_mosaic_has_the_last_sounding_and_no_fills(line, method):
    """D19: the global mode loses the last sounding and lets fills through outside of the hull."""
    granule = line.day(0, overpass(hour=10), overpass(OTHER, hour=14), background=0, fill_share=0.1)
    captures = line.cut(granule)
    cut = read_captures(captures)
    assert len(cut.granule) == quality(captures)["soundings"]
    assert cut.captures[-1].indices[-1] == len(cut.granule) - 1
    world, mosaic = line.product("grid-capture", "world.nc"), line.product("update-global", "mosaic")
    options = {"world_latitude": 180, "world_longitude": 360, "method": method}
    line.run("grid-capture", options, captures=captures, targets=line.targets, world=world)
    with open_grids(world) as file:
        assert file.entries[0].soundings == int(cut.usable.sum())
        assert file.entries[0].end == cut.granule.time[-1]
    line.run("update-global", {"quality_set": "pre"}, worlds=[world], mosaic=mosaic)
    values = read(mosaic).OCO3_global_xco2.values
    assert np.isfinite(values).any()
    assert 350 < np.nanmin(values) <= np.nanmax(values) < 500


def test_a_queue_is_refused_with_what_to_do(line):
    """D20: reconnecting to a queue is not bounded; queues are not read here at all."""
    queue = {"host": "rabbit", "username": "u", "password": "SECRET", "queue": "q"}
    with pytest.raises(InvalidOptions) as caught:
        planned(line, input={"queue": queue})
    message = str(caught.value)
    assert re.fullmatch(
        r"peer configuration .*run\.yaml: input\.queue: queues are not read; list the files under input\.files, or as "
        r"xco2\.granules in the campaign's configuration",
        message,
    )
    assert "SECRET" not in message


@pytest.mark.parametrize("words", [["--help"], ["xco2", "--help"], ["xco2", "-h"], ["xco2", "update-cube", "--help"]])
def test_help_ends_with_zero(words, capsys):
    """D21: asking for help ends with 255."""
    try:
        code = main(words)
    except SystemExit as left:  # of argparse
        code = left.code
    assert code == 0
    assert capsys.readouterr().out.startswith("usage: levelworks")


def test_the_source_names_the_builds_that_went_in(line):
    """D22: the source attribute names a version that is fixed in the code."""
    grids = line.grids(line.day(0, build=OLD)), line.grids(line.day(1, build=NEW))
    assert read(line.update(grids[0])).source == f"OCO-3 Lite LtCO2, build {OLD}"
    assert read(line.update(grids[1])).source == f"OCO-3 Lite LtCO2, builds {OLD}, {NEW}"


def test_a_grid_of_one_cell_works_and_one_of_one_node_is_refused(line):
    """D23: a grid size of 1 passes the schema and ends in an index error."""
    cube = line.update(line.grids(line.day(), latitude=1, longitude=1))
    assert np.isfinite(read(cube).xco2.values).all()
    with pytest.raises(InvalidOptions, match=r"latitude is 1: nodes on both edges of a box need at least 2"):
        validate(GridCapture, {"latitude": 1, "convention": "node"}, "options")
    with pytest.raises(InvalidOptions, match=r"run\.yaml: grid\.latitude: .*takes at least 2"):
        planned(line, grid={"latitude": 1, "longitude": 40, "method": "linear"})


def test_a_cube_that_fails_leaves_the_others_whole(line):
    """D24: one target's failing write aborts all and leaves a half-updated product."""
    days = [line.day(number, overpass(LA, number, 10), overpass(OTHER, number, 14)) for number in range(2)]
    grids = [line.grids(one) for one in days]
    bad, good = (line.update(grids[0], name=f"{one}.zarr", target=one) for one in (LA, OTHER))
    (bad / ".zmetadata").unlink()
    before = tree(bad)
    with pytest.raises(InvalidOptions, match=r"fossil0005\.zarr is no cube that can be updated .*; move it away"):
        line.update(*grids, name=bad.name, target=LA)
    line.update(*grids, name=good.name, target=OTHER)
    assert tree(bad) == before
    assert not [path for path in bad.parent.iterdir() if path.name.startswith(".") and path.suffix != ".lock"]
    assert read(good).sizes["time"] == 2
    # Each cube is a job of its own: its record is a product that the plan asks for.
    section = {"granules": str(line.folder / "raw"), "targets": str(line.targets), "select-days": {"every_day": True}}
    plan = plan_campaign(validate(Xco2, section, "config: xco2"), line.folder / "no-state.json")
    wanted = set(Layout(plan, Path("results")).targets())
    for target in SITES:
        assert {f"results/xco2/update-cube/{one}/oco3/{target}.zarr.json" for one in ("pre_qf", "post_qf")} <= wanted


def test_every_defect_has_a_test():
    """Between D1 and D24 there is no gap."""
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    numbers = [int(found[1]) for one in tests if (found := re.match(r"D(\d+): ", one.__doc__ or ""))]
    assert sorted(numbers) == list(range(1, 25))
