"""Bad input of every kind: how it ends, what is said of it, and that the other granules go on.

Each test looks at records as well as at messages: those name the file, what is wrong with it and, where a person can
do something, what; none shows the inside of a program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest
from lite_line import LA, LiteLine, edit, ending, overpass, quality, read, tree, write_boxes

from levelworks.cli import main
from levelworks.core.aggregate import TooManyQuarantined
from levelworks.core.options import parse_options, validate
from levelworks.core.outcome import InvalidReference, LevelworksError, Status
from levelworks.core.record import read_record
from levelworks.xco2.capture_files import read_captures
from levelworks.xco2.granule import Mode
from levelworks.xco2.options import GridCapture, Xco2
from levelworks.xco2.plan import plan_campaign

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")

METHODS = ("area", "nearest", "linear", "cubic")
FILL = -999999
NOISE = re.compile(r"Traceback|np\.\w+\(|\[Errno|<[\w.]+ object at|object is not|__\w+__|\w+Error\b|NoneType")


@pytest.fixture
def line(tmp_path: Path) -> LiteLine:
    return LiteLine(tmp_path)


@pytest.fixture(autouse=True)
def no_record_shows_the_inside_of_a_program(tmp_path: Path) -> Any:
    yield
    for path in tmp_path.rglob("*.json"):
        record = read_record(path.with_name(path.name.removesuffix(".json")))
        for text in (record["reason"], *record["warnings"]) if record else ():
            assert not NOISE.search(text), text


def complaint(call: Callable[..., Any], *given: Any, exit_code: int = 64, **named: Any) -> str:
    """Return the message of what a call raises."""
    with pytest.raises(LevelworksError) as caught:
        call(*given, **named)
    assert caught.value.exit_code == exit_code
    assert not NOISE.search(str(caught.value)), caught.value
    return str(caught.value)


def others_go_on(line: LiteLine, *grids: Path, target: str = LA) -> None:
    """Assert that a good granule of the next day gets into the list and the cube beside those given."""
    good = line.day(1, folder="good")
    name = read(line.update(*grids, line.grids(good), name="others.zarr", target=target)).source_file.values
    assert good.name in name


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:30_000])


def cut_the_end_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def be_a_login_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><title>Earthdata Login</title></html>")


def spoil_chunk(path: Path, variable: str) -> None:
    """Overwrite one compressed chunk, sizes and everything else left as they are."""
    with h5py.File(path) as file:
        chunk = file[variable].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(content)


def rename(path: Path, old: str, new: str = "elsewhere") -> None:
    with netCDF4.Dataset(path, "a") as file:
        group, _, name = old.rpartition("/")
        node = file[group] if group else file
        node.renameGroup(name, new) if name in node.groups else node.renameVariable(name, new)


def lose_times(path: Path) -> None:
    edit(path, time=np.nan)


UNREADABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (shorten, "truncated or damaged (NetCDF: HDF error); fetch it again"),
    "end cut off": (cut_the_end_off, "truncated or damaged (NetCDF: HDF error); fetch it again"),
    "spoilt chunk": (
        lambda path: spoil_chunk(path, "xco2"),
        "truncated or damaged (NetCDF: HDF error); fetch it again",
    ),
    "empty": (empty, "no NetCDF-4 file (it does not start as HDF5 files do); fetch it again"),
    "login page": (be_a_login_page, "no NetCDF-4 file (it does not start as HDF5 files do); fetch it again"),
    "without corners": (lambda path: rename(path, "vertex_latitude"), "the variable /vertex_latitude is missing"),
    "without targets": (
        lambda path: rename(path, "Sounding/target_id"),
        "the variable /Sounding/target_id is missing",
    ),
    "without group": (lambda path: rename(path, "Sounding"), "the group /Sounding is missing; it holds /Sounding/"),
    "without times": (lose_times, "no sounding has a time"),
}


@pytest.mark.parametrize("everything", [False, True], ids=["chosen", "everything"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_granule_is_quarantined_and_the_others_go_on(line, kind, everything):
    damage, message = UNREADABLE[kind]
    granule = line.day()
    damage(granule)
    captures = line.cut(granule, everything=everything)
    status, reason, _ = ending(captures)
    assert status is Status.QUARANTINED
    assert reason.startswith(f"{granule.name}: {message}")
    grids = line.grid(captures)
    assert ending(grids)[:2] == (status, reason)
    assert len(read_captures(captures).captures) == 0
    others_go_on(line, grids)
    assert ending(line.product("list-captures", "captures.tsv"))[2] == (f"left out {grids.name}: {reason}",)


def test_too_many_unreadable_granules_fail_with_the_list(line):
    granules = [line.day(number) for number in range(2)]
    be_a_login_page(granules[0])
    grids = [line.grids(one) for one in granules]
    message = complaint(line.listing, *grids, exit_code=65, max_quarantined=0.1)
    assert message.startswith("1 of 2 granules are quarantined, more than max_quarantined 0.1 allows:\n  ")
    assert f"{grids[0].name}: {granules[0].name}: no NetCDF-4 file" in message
    assert not line.product("list-captures", "captures.tsv").exists()


@pytest.mark.parametrize("dataset", ["oco2", "oco3", "oco3_sif"])
def test_a_granule_without_soundings_is_quarantined(line, dataset):
    granule = line.day(0, overpass(day=5), dataset=dataset, background=0)
    grids = line.grids(granule)
    assert ending(grids)[:2] == (Status.QUARANTINED, f"{granule.name}: no soundings")
    others_go_on(line, grids)


@pytest.mark.parametrize("dataset", ["oco2", "oco3", "oco3_sif"])
def test_a_granule_without_captures_is_skipped(line, dataset):
    granule = line.day(0, overpass(day=5), dataset=dataset)
    captures = line.cut(granule)
    reason = "no captures: none of the 10 soundings is in a capture mode"
    assert ending(captures) == (Status.SKIPPED, reason, ())
    grids = line.grid(captures)
    assert ending(grids)[:2] == (Status.SKIPPED, "no captures in the granule")
    line.listing(grids, max_quarantined=0.0)
    others_go_on(line, grids)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_few_soundings_make_a_slice(line, number, method):
    passes = overpass(frames=1, swaths=1, footprints=number)
    granule = line.day(0, passes, drop=0.0, bad_share=0.0)
    grids = line.grids(granule, method=method)
    assert ending(grids) == (Status.DONE, "", ())
    assert quality(grids)["good_soundings"] == [number]
    cube = line.update(grids)
    data = read(cube)
    assert data.number_in_capture.item() == number
    assert data.gridding_method.item() == ("area" if method == "area" else "nearest")
    assert 390 < float(data.xco2.min()) <= float(data.xco2.max()) < 450
    assert int(data.xco2.notnull().sum()) == quality(grids)["cells"][0] > 0
    assert ending(line.verify(cube))[0] is Status.DONE


@pytest.mark.parametrize("method", METHODS)
def test_a_capture_of_bad_quality_is_only_among_all_soundings(line, method):
    granule = line.day(bad_share=1.0)
    grids = line.grids(granule, method=method)
    status, _, (warning,) = ending(grids)
    assert status is Status.DONE
    assert re.fullmatch(
        r"capture 5012-fossil0005-sam-\d+: none of its \d+ usable soundings is of good quality", warning
    )
    post = line.update(grids, name="post.zarr")
    assert ending(post)[:2] == (Status.SKIPPED, f"no capture of target {LA!r} in oco3")
    assert not post.exists()
    assert read(line.update(grids, name="pre.zarr", quality_set="pre")).xco2.notnull().any()
    others_go_on(line, grids)


def test_captures_of_an_unknown_target_are_named_and_left_out(line):
    granule = line.day(0, overpass("nowhere1", hour=10), overpass(hour=14))
    captures = line.cut(granule)
    status, _, (warning,) = ending(captures)
    assert status is Status.DONE
    assert re.fullmatch(
        r"dropped \d+ soundings of target 'nowhere1' in sam mode, orbit 5010: the target is not in the targets file",
        warning,
    )
    assert [one.target_id for one in read_captures(captures).captures] == [LA]
    alone = line.cut(line.day(1, overpass("nowhere1", 1)))
    assert ending(alone)[:2] == (Status.SKIPPED, "no captures: 1 dropped (the target is not in the targets file)")
    others_go_on(line, line.grid(captures), line.grid(alone))


def test_captures_are_not_gridded_on_targets_that_others_were_cut_with(line):
    captures = line.cut(line.day())
    other = write_boxes(line.folder / "other.json", {"val1": (0, 0, 1, 1)})
    message = complaint(line.grid, captures, other)
    assert message == (
        f"--targets: {other} has no {LA}, of which {captures.name} has captures; give the file that it was cut with"
    )
    files = {"captures": captures, "grids": line.product("grid-capture", "a.nc")}
    assert complaint(line.run, "grid-capture", {}, **files).startswith("--targets: no file has no fossil0005")


TARGETS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not JSON (Expecting value: line 1 column 1 (char 0))"),
    "cut short": (b'{"fossil0005": ', "is not JSON (Expecting value: line 1 column 16 (char 15))"),
    "login page": (b"<html>", "is not JSON (Expecting value: line 1 column 1 (char 0))"),
    "binary": (b"\xff\xfe\x00", "is not UTF-8 text"),
    "list": (b"[]", "must hold an object of targets by id, and at least one"),
    "none": (b"{}", "must hold an object of targets by id, and at least one"),
    "no box": (
        b'{"a": {"name": "A"}}',
        "target 'a': bbox must be an object with min_lon, min_lat, max_lon and max_lat",
    ),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_damaged_targets_file_is_named(line, kind):
    content, message = TARGETS[kind]
    path = line.folder / "bad.json"
    path.write_bytes(content)
    granule = line.day()
    said = complaint(line.cut, granule, path)
    assert said.startswith(f"targets file {path}")
    assert said.endswith(message)
    assert not line.product("cut-captures", f"{granule.stem}.nc").exists()


def test_a_missing_targets_file_is_named(line):
    granule, path = line.day(), line.folder / "nowhere.json"
    assert complaint(line.cut, granule, path) == f"--targets: {path} does not exist"
    assert complaint(plan, granule, targets=str(path)) == f"config: xco2.targets.oco3: {path} does not exist"


def plan(*granules: Path, **section: Any) -> Any:
    """Plan granules, every day at once."""
    values = {"granules": [str(one) for one in granules], "select-days": {"every_day": True}, **section}
    return plan_campaign(validate(Xco2, values, "config: xco2"), Path("/nowhere/state.json"))


@pytest.mark.parametrize("method", METHODS)
def test_positions_that_are_all_fills_give_no_slice(line, method):
    fills = dict.fromkeys(("latitude", "longitude", "vertex_latitude", "vertex_longitude"), FILL)
    captures = line.cut(edit(line.day(), **fills))
    assert quality(captures)["soundings_position"] == quality(captures)["soundings_in_capture_modes"] > 0
    grids = line.grid(captures, method=method)
    status, _, (warning,) = ending(grids)
    assert (status, quality(grids)["cells"]) == (Status.DONE, [0])
    assert re.fullmatch(r"capture \S+: no usable sounding", warning)
    assert ending(line.update(grids, quality_set="pre"))[0] is Status.SKIPPED
    others_go_on(line, grids)


def test_oco2_captures_without_a_position_have_no_target(line):
    fills = dict.fromkeys(("latitude", "longitude", "vertex_latitude", "vertex_longitude"), FILL)
    granule = edit(line.day(0, overpass(mode=Mode.TARGET), dataset="oco2"), **fills)
    status, reason, (warning,) = ending(line.cut(granule))
    assert (status, reason) == (
        Status.SKIPPED,
        "no captures: 1 dropped (no sounding has a position to find the target by)",
    )
    assert re.fullmatch(r"dropped \d+ soundings in target mode, orbit 5012: no sounding has a position .*", warning)


@pytest.mark.parametrize("method", METHODS)
def test_values_that_are_all_fills_stay_missing(line, method):
    granule = edit(line.day(), xco2=FILL, xco2_uncertainty=FILL)
    captures = line.cut(granule)
    grids = line.grid(captures, method=method)
    cube = line.update(grids)
    data = read(cube)
    assert data.sizes["time"] == 1
    assert not data.xco2.notnull().any()
    assert ending(line.verify(cube))[0] is Status.DONE
    # Cells that footprints cover are no values: such a capture is an empty one.
    dropped = line.update(grids, name="dropped.zarr", drop_empty=True)
    assert ending(dropped)[0] is Status.SKIPPED
    cogs = line.product("write-cog", "day")
    line.run("write-cog", {"drop_empty": True}, captures=captures, grids=grids, cogs=cogs)
    assert ending(cogs)[:2] == (Status.SKIPPED, "no capture with a value")
    assert not list(cogs.glob("*.tif"))
    others_go_on(line, grids)


@pytest.mark.parametrize("missing", ["/xco2_uncertainty", "/Retrieval/psurf", "/Nowhere/nothing"])
def test_a_missing_variable_is_recorded_and_the_others_are_gridded(line, missing):
    whole, less = line.day(0), line.day(1)
    if missing != "/Nowhere/nothing":
        rename(less, missing.strip("/"))
    wanted = ["/xco2", missing]
    captures = [line.cut(one, variables=wanted) for one in (whole, less)]
    assert f"{less.name}: {missing} is not in the file" in ending(captures[1])[2]
    cube = line.update(*(line.grid(one) for one in captures))
    assert read(cube).xco2.notnull().any(["latitude", "longitude"]).values.tolist() == [True, True]
    if missing == "/xco2_uncertainty":
        present = read(cube).xco2_uncertainty.notnull().any(["latitude", "longitude"])
        assert present.values.tolist() == [True, False]
    assert ending(line.verify(cube))[0] is Status.DONE


def test_soundings_without_time_are_named_and_left_out(line):
    granule = line.day()
    with netCDF4.Dataset(granule, "a") as file:
        area = np.flatnonzero(file["Sounding/operation_mode"][...] == Mode.AREA_MAP)
        file["time"][area[10:20]] = np.nan
    captures = line.cut(granule)
    status, _, (warning,) = ending(captures)
    expected = f"dropped 10 soundings of target {LA!r} in sam mode, orbit 5012: the soundings have no time"
    assert (status, warning) == (Status.DONE, expected)
    (capture,) = read_captures(captures).captures
    assert np.isfinite([capture.start, capture.end]).all()
    with netCDF4.Dataset(granule, "a") as file:
        file["time"][area] = np.nan
    none = line.cut(granule)
    assert ending(none)[:2] == (Status.SKIPPED, "no captures: 1 dropped (the soundings have no time)")
    others_go_on(line, line.grid(none))


def test_a_granule_of_another_day_than_its_name_says_is_quarantined(line):
    granule = line.day()
    other = granule.rename(granule.with_name(granule.name.replace("_200303_", "_200304_")))
    grids = line.grids(other)
    assert ending(grids)[:2] == (
        Status.QUARANTINED,
        f"{other.name}: the name says 2020-03-04, its soundings are of 2020-03-03",
    )
    others_go_on(line, grids)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latitude": 0}, "latitude: is 0: input should be greater than or equal to 1"),
        ({"longitude": 20001}, "longitude: is 20001: input should be less than or equal to 20000"),
        ({"latitude": "many"}, "latitude: is 'many': input should be a valid integer"),
        ({"latitude": 1, "convention": "node"}, "latitude is 1: nodes on both edges of a box need at least 2"),
        ({"method": "kriging"}, "method: is 'kriging': input should be 'area', 'nearest', 'linear' or 'cubic'"),
        ({"scaling": 2}, "scaling: is 2: input should be less than or equal to 1.5"),
        ({"correlation": -0.1}, "correlation: is -0.1: input should be greater than or equal to 0"),
        ({"compat": "seed", "convention": "cell"}, "convention is cell: compat seed needs node"),
        ({"latitudes": 40}, "latitudes: unknown key; did you mean 'latitude'?"),
    ],
)
def test_grid_options_out_of_range_are_named(line, capsys, options, message):
    assert message in complaint(parse_options, GridCapture, json.dumps(options))
    captures = line.cut(line.day())
    grids = line.product("grid-capture", captures.name)
    words = ["--captures", captures, "--targets", line.targets, "--grids", grids, "--options", json.dumps(options)]
    assert main(["xco2", "grid-capture", *map(str, words)]) == 64
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not grids.exists()


@pytest.mark.parametrize("options", [*({"method": one} for one in METHODS), {"compat": "seed"}])
def test_a_capture_beside_its_grid_is_named_and_its_slice_is_empty(line, options):
    small = write_boxes(line.folder / "small.json", {LA: (10.0, 10.0, 10.1, 10.1)})
    grids = line.grids(line.day(), small, **options)
    status, _, (warning,) = ending(grids)
    assert (status, quality(grids)["cells"]) == (Status.DONE, [0])
    assert re.fullmatch(rf"capture \S+: none of its \d+ usable soundings touches the grid of {LA}", warning)
    cube = line.update(grids)
    assert not read(cube).xco2.notnull().any()
    assert ending(line.verify(cube))[0] is Status.DONE
    assert ending(line.update(grids, name="dropped.zarr", drop_empty=True))[0] is Status.SKIPPED


def be_another_netcdf(path: Path) -> None:
    path.unlink()
    with netCDF4.Dataset(path, "w") as file:
        file.title = "something else"


DAMAGES = {"cut off": cut_the_end_off, "empty": empty, "page": be_a_login_page, "another": be_another_netcdf}


@pytest.mark.parametrize("kind", [*DAMAGES, "chunk"])
def test_damaged_captures_are_quarantined_with_what_to_do(line, kind):
    captures = line.cut(line.day())
    DAMAGES[kind](captures) if kind != "chunk" else spoil_chunk(captures, "latitude")
    grids = line.grid(captures)
    status, reason, _ = ending(grids)
    assert status is Status.QUARANTINED
    assert re.fullmatch(
        rf"{captures.name}: no product of cut-captures, or damaged \(.+\); remove it, then it is made again", reason
    )
    others_go_on(line, grids)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_grids_are_left_out_of_list_and_mosaic_with_what_to_do(line, kind):
    granule = line.day()
    captures = line.cut(granule)
    grids, world = line.grid(captures), line.product("grid-capture", "world.nc")
    options = {"world_latitude": 18, "world_longitude": 36}
    line.run("grid-capture", options, captures=captures, targets=line.targets, world=world)
    cube = line.update(grids)
    before = tree(cube)
    for path in (grids, world):
        DAMAGES[kind](path)
    others_go_on(line, grids)
    listing = line.product("list-captures", "captures.tsv")
    (warning,) = ending(listing)[2]
    what = r"no product of grid-capture, or damaged \(.+\); remove it, then it is made again"
    assert re.fullmatch(rf"left out {grids.name}: {grids.name}: {what}", warning)
    assert quality(listing)["quarantined_granules"] == 1
    line.update(grids, name="cube.zarr")
    assert tree(cube) == before  # what the cube has of the granule stays
    with pytest.raises(TooManyQuarantined, match=rf"1 of 1 granules are quarantined.*\n  {grids.name}: "):
        line.listing(grids, max_quarantined=0.1)
    good = line.product("grid-capture", "good-world.nc")
    line.run("grid-capture", options, captures=line.cut(line.day(1)), targets=line.targets, world=good)
    mosaic = line.product("update-global", "mosaic")
    line.run("update-global", {"max_quarantined": 0.5}, worlds=[good, world], mosaic=mosaic)
    (warning,) = ending(mosaic)[2]
    assert re.fullmatch(rf"left out world\.nc: world\.nc: {what}", warning)
    assert read(mosaic).sizes["time"] == 1


def test_grids_damaged_inside_are_named_and_the_cube_stays(line):
    first, second = line.grids(line.day(0)), line.grids(line.day(1))
    cube = line.update(first)
    before = tree(cube)
    spoil_chunk(second, "cell")
    reason = (
        f"{second.name}: no product of grid-capture, or damaged (NetCDF: HDF error); remove it, then it is made again"
    )
    with pytest.raises(InvalidReference, match=re.escape(reason)):
        line.update(first, second)
    assert tree(cube) == before
    cogs = line.product("write-cog", "day")
    line.run("write-cog", {}, captures=line.product("cut-captures", second.name), grids=second, cogs=cogs)
    assert ending(cogs)[0] is Status.QUARANTINED


LISTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "page": lambda _: b"<html>",
    "binary": lambda _: b"\xff\xfe\x00",
    "cut in a row": lambda content: content[:-60],
    "cut in the granule": lambda content: content[: content.index(b"\n") + 20],
    "cut in the target": lambda content: content[: content.index(b"\tfossil0005") + 5],
    "cut before the entry": lambda content: content[: content.index(b"\t{")],
    "another number": lambda content: content.replace(b"\t0\t", b"\tx\t"),
    "another key": lambda content: content.replace(b'"methods"', b'"m"'),
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_damaged_list_leaves_cubes_as_they_are(line, kind):
    cube = line.update(line.grids(line.day()))
    before, listing = tree(cube), line.product("list-captures", "captures.tsv")
    listing.write_bytes(LISTS[kind](listing.read_bytes()))
    reason = f"{listing}: no list of captures, or damaged; remove it, then it is made again"
    with pytest.raises(InvalidReference, match=re.escape(reason)):
        line.run("update-cube", {"target": LA}, captures=listing, cube=cube)
    assert tree(cube) == before


@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_cut_short_is_found(line, version):
    cube = line.update(line.grids(line.day()), zarr_format=version, shard=1)
    chunk = cube / "xco2" / ("0.0.0" if version == 2 else "c/0/0/0")
    chunk.write_bytes(chunk.read_bytes()[:-20])
    status, reason, warnings = ending(line.verify(cube))
    assert status is Status.QUARANTINED
    where = chunk if version == 2 else cube / "xco2"
    assert reason.startswith(f"pre: {where}: damaged (")
    assert reason.endswith(" and 3 more")
    assert len(warnings) == 4  # in either set the chunk, and that the record says otherwise
    report = json.loads(line.product("verify-cube", "report.json").read_text())
    assert len(report["cubes"]["pre"]["findings"]) == 2


@pytest.mark.parametrize("version", [2, 3])
def test_a_variable_that_is_gone_is_found(line, version):
    cube = line.update(line.grids(line.day()), zarr_format=version, shard=1)
    for path in sorted((cube / "xco2").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (cube / "xco2").rmdir()
    assert ending(line.verify(cube))[:2] == (Status.QUARANTINED, f"pre: {cube / 'xco2'}: missing and 3 more")


def lose_metadata(cube: Path) -> None:
    for name in (".zmetadata", "zarr.json"):
        (cube / name).unlink(missing_ok=True)


def cut_metadata_short(cube: Path) -> None:
    path = cube / (".zmetadata" if (cube / ".zmetadata").exists() else "zarr.json")
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("damage", [lose_metadata, cut_metadata_short])
def test_a_cube_without_metadata_is_not_touched(line, damage, version):
    grids = line.grids(line.day())
    cube = line.update(grids, zarr_format=version)
    damage(cube)
    before = tree(cube)
    message = complaint(line.update, grids, line.grids(line.day(1)), zarr_format=version)
    assert re.fullmatch(
        rf"{cube} is no cube that can be updated \(no Zarr store with consolidated metadata \(.+\)\); "
        "move it away, then it is made anew",
        message,
    )
    assert tree(cube) == before
    status, reason, _ = ending(line.verify(cube))
    assert status is Status.QUARANTINED
    assert reason == f"pre: {message} and 3 more"
    cube.rename(cube.with_name("aside"))
    assert read(line.update(grids, zarr_format=version)).sizes["time"] == 1


def test_a_store_of_another_program_is_not_touched(line):
    cube = line.update(line.grids(line.day()))
    path = cube / ".zmetadata"
    content = json.loads(path.read_text())
    content["metadata"] = {key: one for key, one in content["metadata"].items() if not key.startswith("capture_id/")}
    path.write_text(json.dumps(content))
    message = complaint(line.update, line.grids(line.day(1)))
    assert (
        message == f"{cube} is no cube that can be updated (it has no capture_id); move it away, then it is made anew"
    )


def test_of_two_granules_of_one_day_the_newest_is_taken(line):
    older, newer = line.day(build="B10400Br"), line.day(build="B11072Ar")
    made_later = line.day(build="B11072Ar", production="250101000000")
    for folder, newest in (((older, newer), newer), ((older, newer, made_later), made_later)):
        found = plan(*folder, targets=str(line.targets))
        assert [one.path for one in found.granules.values()] == [newest]
        assert set(found.ready.files.superseded) == {one.name for one in folder if one != newest}
    assert [one.path for one in plan(line.folder / "raw", targets=str(line.targets)).granules.values()] == [made_later]


@pytest.mark.parametrize("name", ["captures.nc4", "oco3_LtCO2_20200303_B11072Ar_1s.nc4", "oco3_LtCO2_200303.nc4"])
def test_a_foreign_file_name_is_refused(line, name):
    granule = line.day()
    foreign = granule.rename(granule.with_name(name))
    expected = f"{name}: not the name of a Lite file, such as oco3_LtCO2_YYMMDD_B11072Ar_240915205334s.nc4"
    assert complaint(plan, foreign, targets=str(line.targets)).startswith(f"config: xco2.granules: {expected}")
    captures = line.cut(foreign)
    assert ending(captures)[0] is Status.QUARANTINED
    assert ending(captures)[1].startswith(expected)
    assert not plan(line.folder / "raw", targets=str(line.targets)).granules  # passed over in a folder


def test_a_name_without_a_day_is_refused(line):
    granule = line.day()
    foreign = granule.rename(granule.with_name(granule.name.replace("200303", "200231")))
    expected = f"config: xco2.granules: {foreign.name}: 200231 is no day (YYMMDD)"
    assert complaint(plan, foreign, targets=str(line.targets)) == expected


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "", "ä1", ".hidden"])
def test_a_target_id_that_names_no_folder_is_refused(line, name):
    path = write_boxes(line.folder / "bad.json", {LA: (0, 0, 1, 1), name: (10, 10, 11, 11)})
    granule = line.day()
    for message in (complaint(line.cut, granule, path), complaint(lambda: plan(granule, targets=str(path)).targets)):
        assert message.startswith(f"targets file {path}: target {name!r}: ids name folders")
        assert "letters, digits, '_', '-' and '+'" in message


@pytest.mark.parametrize("method", METHODS)
def test_a_box_across_the_antimeridian_is_gridded_whole(line, method):
    across = write_boxes(line.folder / "across.json", {LA: (179.5, 33.5, -179.5, 34.5)})
    granule = line.day(0, overpass(lon=180.0))
    grids = line.grids(granule, across, method=method)
    assert ending(grids) == (Status.DONE, "", ())
    cube = line.update(grids)
    data = read(cube)
    assert float(data.longitude[0]) < 180.0 < float(data.longitude[-1])
    filled = data.xco2.notnull().any(["time", "latitude"])
    assert filled.sel(longitude=slice(None, 180.0)).any()
    assert filled.sel(longitude=slice(180.0, None)).any()
    here = line.grids(
        line.day(2, overpass(day=2, lon=0.0)), write_boxes(line.folder / "here.json", {LA: (-0.5, 33.5, 0.5, 34.5)})
    )
    assert quality(grids)["cells"][0] == pytest.approx(quality(here)["cells"][0], rel=0.2)
    assert ending(line.verify(cube))[0] is Status.DONE


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((10, 10, 10, 11), "bbox.min_lon and bbox.max_lon are both 10.0: the box has no width"),
        ((10, 11, 12, 11), "bbox.min_lat 11.0 must be less than bbox.max_lat 11.0"),
        ((10, 11, 12, 10), "bbox.min_lat 11.0 must be less than bbox.max_lat 10.0"),
        ((10, 10, 190, 11), "bbox.max_lon must be a number from -180 to 180, not 190"),
        ((10, 10, 11, 91), "bbox.max_lat must be a number from -90 to 90, not 91"),
        ((10, 10, float("nan"), 11), "bbox.max_lon must be a number from -180 to 180, not nan"),
    ],
)
def test_a_box_without_an_area_is_refused(line, box, message):
    path = write_boxes(line.folder / "bad.json", {LA: box})
    assert complaint(line.cut, line.day(), path) == f"targets file {path}: target {LA!r}: {message}"


def test_the_command_says_what_is_wrong_in_one_line(line, capsys):
    granule = line.day()
    be_a_login_page(granule)
    captures = line.product("cut-captures", "a.nc")
    words = ["--granule", granule, "--targets", line.targets, "--captures", captures]
    assert main(["xco2", "cut-captures", *map(str, words)]) == 0
    error = capsys.readouterr().err
    assert f"xco2 cut-captures quarantined: {granule.name}: no NetCDF-4 file" in error
    assert not NOISE.search(error)
