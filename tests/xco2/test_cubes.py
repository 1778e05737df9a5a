"""Cubes from granules to stores: the same bytes whatever the order, deaths and repetitions, and what they say."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from levelworks.core.lock import lock_path
from levelworks.core.outcome import InvalidOptions, InvalidReference, Outcome, Status
from levelworks.core.record import read_record
from levelworks.core.stage import run, stages
from levelworks.xco2.cubes import StandingCube
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import Entry, GridSpec, open_grids, source_of, write_grids
from levelworks.xco2.layers import SETS, Gridded, Layer
from levelworks.xco2.options import CutCaptures, GridCapture, ListCaptures, UpdateCube
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.zarr_readers import StoreReader

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")

TARGETS = {
    "fossil0005": ("Los Angeles", -118.2, 34.0),
    "tccon0007": ("Lamont", -97.5, 36.6),
    "volcano0100": ("Far north", 30.0, 84.0),
}
LA = "fossil0005"
FIRST = dt.date(2020, 3, 1)
DAYS = range(5)
OLD, NEW = "B11072Ar", "B11210Ar"
SMALL = GridCapture(latitude=40, longitude=40)
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def overpass(target: str, day: int, hour: float, *, orbit: int = 0, **given: Any) -> Overpass:
    name, *place = TARGETS[target]
    lon, lat = given.pop("place", place)
    midnight = dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(), dt.UTC).timestamp()
    usual = {"frames": 5, "swaths": 2, "orbit": orbit or 5000 + 20 * day + int(hour)}
    return Overpass(target, name, lon, lat, Mode.AREA_MAP, start_time=midnight + 3600 * hour, **(usual | given))


FLOWN = {
    0: [overpass(LA, 0, 9.0), overpass("tccon0007", 0, 11.0), overpass(LA, 0, 13.0)],
    1: [overpass(LA, 1, 10.0), overpass("volcano0100", 1, 12.0)],
    # Of the first no sounding is good; the second is in one orbit with nothing else.
    2: [overpass(LA, 2, 8.0, bad_share=1.0), overpass(LA, 2, 10.0)],
    3: [overpass("tccon0007", 3, 10.0)],
    4: [overpass(LA, 4, 10.0), overpass("volcano0100", 4, 11.0), overpass("tccon0007", 4, 14.0)],
}


class Campaign:
    """Granules of a few days, cut and gridded once, and cubes made of any of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.targets, half = folder / "targets.json", 0.4
        boxes = {
            name: {
                "name": title,
                "bbox": {"min_lon": x - half, "min_lat": y - half, "max_lon": x + half, "max_lat": y + half},
            }
            for name, (title, x, y) in TARGETS.items()
        }
        self.targets.write_text(json.dumps(boxes))
        self._grids: dict[tuple[Any, ...], Path] = {}

    def grids(self, day: int, build: str = OLD, *, flown: Sequence[Overpass] | None = None, size: int = 40) -> Path:
        """Return the product of grid-capture of one day."""
        passes = FLOWN[day] if flown is None else flown
        key = day, build, tuple(passes), size
        if key not in self._grids:
            place = self.folder / f"{len(self._grids)}"
            date = FIRST + dt.timedelta(days=day)
            granule = simulate_day(place / "raw", "oco3", date, passes, background=8, seed=int(build[1:6]), build=build)
            captures, grids = place / "captures" / f"{granule.stem}.nc", place / "grids" / f"{granule.stem}.nc"
            files = {"granule": [granule], "targets": [self.targets], "captures": [captures]}
            run(stages("xco2")["cut-captures"], files, CutCaptures())
            files = {"captures": [captures], "targets": [self.targets], "grids": [grids]}
            run(stages("xco2")["grid-capture"], files, SMALL.model_copy(update={"latitude": size, "longitude": size}))
            self._grids[key] = grids
        return self._grids[key]

    def days(self, days: Iterable[int] = DAYS) -> list[Path]:
        return [self.grids(day) for day in days]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("campaign"))


def options(**given: Any) -> UpdateCube:
    chunks = {name: given.pop(name) for name in ("time", "latitude", "longitude") if name in given}
    return UpdateCube(**({"target": LA, "chunks": chunks} | given))


def list_captures(folder: Path, grids: Sequence[Path]) -> Path:
    path = folder / "captures.tsv"
    run(stages("xco2")["list-captures"], {"grids": list(grids), "captures": [path]}, ListCaptures())
    return path


def update(cube: Path, grids: Sequence[Path], **given: Any) -> Outcome:
    captures = list_captures(cube.parent / "lists", grids)
    return run(stages("xco2")["update-cube"], {"captures": [captures], "cube": [cube]}, options(**given))


def tree(path: Path) -> dict[str, bytes]:
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def inodes(path: Path) -> dict[str, int]:
    return {one.relative_to(path).as_posix(): one.stat().st_ino for one in path.rglob("*") if one.is_file()}


def read(path: Path) -> xr.Dataset:
    with xr.open_zarr(path, chunks=None) as data:
        return data.load()


def hours(path: Path) -> list[tuple[int, int]]:
    """Return day and hour of every slice."""
    stamps = read(path).time.values.astype("datetime64[s]").astype(dt.datetime)
    return [((one.date() - FIRST).days, one.hour) for one in stamps]


ALL = [(0, 9), (0, 13), (1, 10), (2, 10), (4, 10)]
ORDERS = [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 4, 0, 3, 1)]
PACKINGS = [{"time": 1}, {"time": 5}, {"time": 2, "latitude": 20, "longitude": 30}]
FORMATS = [{"zarr_format": 2}, {"zarr_format": 3, "shard": 4}]


@pytest.mark.parametrize("version", FORMATS, ids=["v2", "v3"])
@pytest.mark.parametrize("packing", PACKINGS, ids=["1", "5", "2-20-30"])
def test_days_in_any_order_one_by_one_or_together_give_the_same_bytes(campaign, tmp_path, packing, version):
    given = packing | version
    update(tmp_path / "at-once.zarr", campaign.days(), **given)
    expected = tree(tmp_path / "at-once.zarr")
    assert hours(tmp_path / "at-once.zarr") == ALL
    for order in ORDERS[1:] if version["zarr_format"] == 3 else ORDERS:
        cube = tmp_path / f"{order}.zarr"
        for day in order:
            update(cube, [campaign.grids(day)], **given)
        assert tree(cube) == expected
    cube = tmp_path / "halves.zarr"
    for days in ([3, 1, 4], [4, 2, 0]):
        update(cube, campaign.days(days), **given)
    assert tree(cube) == expected


def test_twice_changes_nothing_not_even_the_files(campaign, tmp_path):
    cube = tmp_path / "cube.zarr"
    assert update(cube, campaign.days()).quality == {
        "slices": 5, "added": 5, "replaced": 0, "removed": 0, "changed": True
    }  # fmt: skip
    before = inodes(cube)
    again = update(cube, campaign.days()[::-1])
    assert again.quality == {"slices": 5, "added": 0, "replaced": 0, "removed": 0, "changed": False}
    assert (inodes(cube), again.warnings) == (before, ())
    record = read_record(cube)
    assert record is not None
    assert record["quality"]["changed"] is False


def test_chunks_of_slices_that_stay_are_the_same_files(campaign, tmp_path):
    cube = tmp_path / "cube.zarr"
    update(cube, campaign.days([0, 2, 4]))
    first, content = inodes(cube), tree(cube)
    with_links = tmp_path / "reader.zarr"
    shutil.copytree(cube, with_links, copy_function=os.link)
    update(cube, [campaign.grids(1)])
    second = inodes(cube)
    assert hours(cube) == ALL
    for before, after in ((0, 0), (1, 1), (2, 3), (3, 4)):
        assert second[f"xco2/{after}.0.0"] == first[f"xco2/{before}.0.0"]
    assert second["xco2/2.0.0"] not in first.values()
    assert tree(with_links) == content


def test_other_packing_writes_the_whole_cube_anew(campaign, tmp_path):
    cube, fresh = tmp_path / "cube.zarr", tmp_path / "fresh.zarr"
    update(cube, campaign.days())
    packings = [{"time": 3}, {"zarr_format": 3}, {"zarr_format": 2, "level": 5}, {"title_post": "T"}]
    for number, given in enumerate(packings):
        assert update(cube, [campaign.grids(3)], **given).quality["changed"] is True
        update(tmp_path / f"{number}.zarr", campaign.days(), **given)
        assert tree(cube) == tree(tmp_path / f"{number}.zarr")
    update(cube, [campaign.grids(3)])
    update(fresh, campaign.days())
    assert tree(cube) == tree(fresh)


def newer(campaign: Campaign, day: int, *, fewer: bool = False, **given: Any) -> Path:
    return campaign.grids(day, NEW, flown=FLOWN[day][1:] if fewer else None, **given)


def test_a_newer_build_takes_the_place_of_an_older_one(campaign, tmp_path):
    cube, fresh = tmp_path / "cube.zarr", tmp_path / "fresh.zarr"
    update(cube, campaign.days())
    old = read(cube).xco2.values
    found = update(cube, [newer(campaign, 0)])
    assert (found.quality["added"], found.quality["replaced"], found.quality["removed"]) == (0, 2, 0)
    data = read(cube)
    assert list(data.source_build.values) == [NEW, NEW, OLD, OLD, OLD]
    assert not np.array_equal(data.xco2.values[0], old[0], equal_nan=True)
    np.testing.assert_array_equal(data.xco2.values[2:], old[2:])
    update(fresh, [newer(campaign, 0), *campaign.days([1, 2, 3, 4])])
    assert tree(cube) == tree(fresh)
    assert data.attrs["source"].endswith(f"builds {OLD}, {NEW}")


@pytest.mark.parametrize("fewer", [False, True])
def test_an_older_build_is_refused_with_a_warning(campaign, tmp_path, fewer):
    cube, together = tmp_path / "cube.zarr", tmp_path / "together.zarr"
    update(cube, [newer(campaign, 0, fewer=fewer), *campaign.days([1, 2])])
    before = inodes(cube)
    found = update(cube, [campaign.grids(0)])
    assert found.quality["changed"] is False
    assert [warning.split(" is older")[0] for warning in found.warnings] == [
        campaign.grids(0).name.replace(".nc", ".nc4")
    ]
    assert inodes(cube) == before
    assert hours(cube) == ([(0, 13)] if fewer else [(0, 9), (0, 13)]) + [(1, 10), (2, 10)]
    for grids in ([newer(campaign, 0, fewer=fewer), campaign.grids(0)], [campaign.grids(0)]):
        update(together, [*grids, *campaign.days([1, 2])])
    update(together, [newer(campaign, 0, fewer=fewer)])
    assert tree(together) == tree(cube)


def test_captures_that_a_newer_build_lacks_vanish(campaign, tmp_path):
    cube = tmp_path / "cube.zarr"
    update(cube, campaign.days([0, 1]))
    found = update(cube, [newer(campaign, 0, fewer=True)])
    assert (found.quality["replaced"], found.quality["removed"], hours(cube)) == (1, 1, [(0, 13), (1, 10)])


@pytest.mark.parametrize("version", FORMATS, ids=["v2", "v3"])
def test_a_cube_may_lose_all_its_slices_and_gain_some_again(campaign, tmp_path, version):
    cube, fresh = tmp_path / "cube.zarr", tmp_path / "fresh.zarr"
    update(cube, campaign.days([1]), **version)
    found = update(cube, [campaign.grids(1, NEW, flown=FLOWN[1][1:])], **version)
    assert (found.quality["slices"], found.quality["removed"]) == (0, 1)
    assert read(cube).sizes["time"] == 0
    assert update(cube, [campaign.grids(1, NEW, flown=FLOWN[1][1:])], **version).quality["changed"] is False
    update(cube, campaign.days([2, 4]), **version)
    update(fresh, campaign.days([2, 4]), **version)
    assert tree(cube) == tree(fresh)


def test_another_grid_is_refused_unless_all_slices_come_again(campaign, tmp_path):
    cube, fresh = tmp_path / "cube.zarr", tmp_path / "fresh.zarr"
    update(cube, campaign.days([0, 1, 2]))
    before = inodes(cube)
    said = r"another grid and has 2 captures .* oco3_LtCO2_200301_.*move the cube away"
    with pytest.raises(InvalidOptions, match=said):
        update(cube, [campaign.grids(day, size=30) for day in (1, 2)])
    assert inodes(cube) == before
    update(cube, [campaign.grids(day, size=30) for day in (0, 1, 2, 4)])
    update(fresh, [campaign.grids(day, size=30) for day in (0, 1, 2, 4)])
    assert tree(cube) == tree(fresh)
    assert read(cube).xco2.shape == (5, 30, 30)


def test_a_capture_without_a_good_sounding_is_in_the_set_of_all_alone(campaign, tmp_path):
    update(tmp_path / "post.zarr", campaign.days([2]))
    update(tmp_path / "pre.zarr", campaign.days([2]), quality_set="pre")
    assert hours(tmp_path / "post.zarr") == [(2, 10)]
    assert hours(tmp_path / "pre.zarr") == [(2, 8), (2, 10)]
    pre, post = read(tmp_path / "pre.zarr"), read(tmp_path / "post.zarr")
    assert np.isfinite(pre.xco2[0]).any()
    assert pre.time[1] == post.time[0]
    assert (pre.attrs["quality_flag_filtered"], post.attrs["quality_flag_filtered"]) == ("no", "yes")


def test_a_granule_whose_captures_are_all_bad_leaves_no_cube_of_good_ones(campaign, tmp_path):
    grids = campaign.grids(2, flown=FLOWN[2][:1])
    found = update(tmp_path / "post.zarr", [grids])
    assert found.status is Status.SKIPPED
    assert not (tmp_path / "post.zarr").exists()
    assert update(tmp_path / "pre.zarr", [grids], quality_set="pre").quality["slices"] == 1


def test_slices_without_any_value_may_be_left_out(campaign, tmp_path):
    """An overpass so far off its target that no footprint meets the grid."""
    away = overpass(LA, 3, 15.0, place=(-118.2, 36.0))
    grids = campaign.grids(3, flown=[away])
    kept = update(tmp_path / "kept.zarr", [grids, campaign.grids(1)])
    assert kept.quality["slices"] == 2
    assert not np.isfinite(read(tmp_path / "kept.zarr").xco2[1]).any()
    dropped = update(tmp_path / "dropped.zarr", [grids, campaign.grids(1)], drop_empty=True)
    update(tmp_path / "without.zarr", [campaign.grids(1)])
    assert dropped.quality["slices"] == 1
    assert tree(tmp_path / "dropped.zarr") == tree(tmp_path / "without.zarr")


def test_a_target_never_seen_is_skipped_without_a_store(campaign, tmp_path):
    found = update(tmp_path / "cube.zarr", campaign.days(), target="val001")
    assert (found.status, found.reason) == (Status.SKIPPED, "no capture of target 'val001' in oco3")
    assert not (tmp_path / "cube.zarr").exists()
    record = read_record(tmp_path / "cube.zarr")
    assert record is not None
    assert (record["outcome"], record["outputs"]) == ("skipped", {})


def test_a_cube_stays_where_a_campaign_brings_none_of_its_captures(campaign, tmp_path):
    cube = tmp_path / "cube.zarr"
    update(cube, campaign.days())
    before = inodes(cube)
    assert update(cube, [campaign.grids(3)]).quality["changed"] is False
    assert inodes(cube) == before


def make_foreign(kind: str, path: Path) -> None:
    if kind == "file":
        path.write_text("mine")
        return
    path.mkdir()
    if kind == "folder":
        (path / "notes.txt").write_text("mine")
    if kind in ("v2", "v3"):
        data = xr.Dataset({"xco2": ("time", np.ones(3)), "time_bnds": (("time", "bnds"), np.ones((3, 2)))})
        data.to_zarr(path, mode="w", zarr_format=int(kind[1]), consolidated=True)


@pytest.mark.parametrize("kind", ["file", "empty", "folder", "v2", "v3"])
def test_what_is_no_cube_under_the_name_is_told_and_left_alone(campaign, tmp_path, kind):
    cube = tmp_path / "cube.zarr"
    make_foreign(kind, cube)
    before = tree(cube)
    with pytest.raises(InvalidOptions, match=r"cube\.zarr is no cube that can be updated .*move it away"):
        update(cube, campaign.days([0]))
    assert tree(cube) == before
    assert cube.is_file() == (kind == "file")


def test_a_damaged_chunk_that_must_be_read_is_told_and_the_cube_stays(campaign, tmp_path):
    cube = tmp_path / "cube.zarr"
    update(cube, campaign.days([0, 1]), time=5)
    (cube / "xco2" / "0.0.0").write_bytes(b"junk")
    before = inodes(cube)
    with pytest.raises(InvalidReference, match=r"xco2/0\.0\.0: damaged"):
        update(cube, campaign.days([2]), time=5)
    assert inodes(cube) == before


def test_latitude_and_longitude_keep_their_own_chunks(campaign, tmp_path):
    update(tmp_path / "cube.zarr", campaign.days([0]), latitude=20, longitude=30)
    spec = StoreReader(tmp_path / "cube.zarr").arrays["xco2"]
    assert (spec.dimensions, spec.chunks) == (("time", "latitude", "longitude"), (1, 20, 30))
    update(tmp_path / "plain.zarr", campaign.days([0]))
    xr.testing.assert_equal(read(tmp_path / "cube.zarr"), read(tmp_path / "plain.zarr"))


def command(captures: Path, cube: Path, **given: Any) -> list[str]:
    words = ["xco2", "update-cube", "--captures", captures, "--cube", cube]
    return [sys.executable, "-m", "levelworks.cli", *map(str, words), "--options", options(**given).model_dump_json()]


def start(words: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.fspath(SCRIPTS)}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def whole(cube: Path) -> int:
    """Return how many slices a cube has that can be read to the last value."""
    found = StandingCube.read(cube)
    for name in found.store.arrays:
        found.store.read(name)
    return len(found.slices)


def wait_for_work(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a command begins to write, or ends."""
    while process.poll() is None and not any(one.name.startswith(".part.") for one in folder.iterdir()):
        time.sleep(0.001)


@pytest.mark.long
@pytest.mark.parametrize("packing", [{"time": 1}, {"time": 5, "zarr_format": 3, "shard": 5}], ids=["v2", "v3"])
def test_killed_at_any_moment_it_is_whole_and_done_by_the_next_attempt(campaign, tmp_path, packing):
    cube, fresh = tmp_path / "cubes" / "cube.zarr", tmp_path / "fresh.zarr"
    update(cube, campaign.days([0, 2, 3]), **packing)
    before = tree(cube)
    update(fresh, campaign.days(), **packing)
    expected = tree(fresh)
    captures = list_captures(tmp_path / "all", campaign.days())
    with start(command(captures, cube, **packing)) as process:
        wait_for_work(process, cube.parent)
        begin = time.monotonic()
        assert process.wait(60) == 0
    duration, kills = time.monotonic() - begin, 0
    for moment in np.random.default_rng(7).uniform(-0.05, 0.9, 60):
        delay = moment * duration
        shutil.rmtree(cube)
        restore(cube, before)
        with start(command(captures, cube, **packing)) as process:
            if delay > 0.0:
                wait_for_work(process, cube.parent)
            deadline = time.monotonic() + abs(delay)
            while time.monotonic() < deadline and process.poll() is None:
                assert whole(cube) in (3, 5)
            process.send_signal(signal.SIGKILL)
            process.wait()
        if process.returncode == -signal.SIGKILL:
            kills += 1
        else:  # it was quicker this time: others took less of the machine
            duration *= 0.7
        assert tree(cube) in (before, expected)
        assert whole(cube) in (3, 5)
        update(cube, campaign.days(), **packing)
        assert tree(cube) == expected
        assert {one.name for one in cube.parent.iterdir()} - {"lists"} == {
            "cube.zarr", "cube.zarr.json", lock_path(cube).name
        }  # fmt: skip
        if kills == 6:
            break
    assert kills == 6


def restore(cube: Path, content: dict[str, bytes]) -> None:
    for name, one in content.items():
        (cube / name).parent.mkdir(parents=True, exist_ok=True)
        (cube / name).write_bytes(one)


def test_two_processes_at_once_bring_both_their_captures(campaign, tmp_path):
    cube, fresh = tmp_path / "cube.zarr", tmp_path / "fresh.zarr"
    lists = [list_captures(tmp_path / str(day), [campaign.grids(day)]) for day in (1, 4)]
    update(cube, campaign.days([0]))
    processes = [start(command(one, cube)) for one in lists]
    complaints = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], complaints
    update(fresh, campaign.days([0, 1, 4]))
    assert tree(cube) == tree(fresh)


def dimensions_of(data: xr.Dataset) -> list[str]:
    return [name for name, one in data.variables.items() if "time" in one.dims and one.ndim == 3]


@pytest.fixture(scope="module", params=[(2, LA), (3, LA), (2, "volcano0100"), (3, "volcano0100")], ids=str)
def described(request, campaign, tmp_path_factory) -> Path:
    """Return a cube of each version on each kind of grid."""
    zarr_format, target = request.param
    cube = tmp_path_factory.mktemp("described") / "cube.zarr"
    update(cube, campaign.days(), zarr_format=zarr_format, target=target)
    return cube


def test_attributes_tell_what_it_is_by_cf_and_acdd(described):
    data = read(described)
    assert data.attrs["Conventions"] == "CF-1.11, ACDD-1.3"
    name = TARGETS[data.attrs["target_id"]][0]
    assert (data.attrs["target_name"], data.attrs["title"]) == (
        name,
        f"OCO-3 XCO2 over {name}, soundings of good quality",
    )
    assert data.attrs["source"] == f"OCO-3 Lite LtCO2, build {OLD}"
    assert data.attrs["time_coverage_start"] <= data.attrs["time_coverage_end"]
    assert {"summary", "institution", "references", "processing_level", "geospatial_bounds"} <= set(data.attrs)
    start = np.datetime64(data.attrs["time_coverage_start"].removesuffix("Z"))
    assert abs(data.time.values[0] - start) < np.timedelta64(1, "s")


def test_time_is_strictly_increasing_within_its_bounds(described):
    data = read(described)
    assert (np.diff(data.time.values) > np.timedelta64(0)).all()
    assert (data.time_bnds[:, 0].values == data.time.values).all()
    assert (data.time_bnds[:, 0] < data.time_bnds[:, 1]).all()
    raw = xr.open_zarr(described, chunks=None, decode_cf=False)
    assert raw.time.attrs["units"] == "seconds since 1970-01-01 00:00:00"
    assert raw.time.attrs["bounds"] == "time_bnds"


def test_axes_have_bounds_that_meet(described):
    data = xr.open_zarr(described, chunks=None, decode_cf=False)
    axes = [name for name in data.dims if name not in ("time", "bnds")]
    assert len(axes) == 2
    for name in axes:
        bounds = data[data[name].attrs["bounds"]].values
        assert bounds.shape == (40, 2)
        np.testing.assert_allclose(bounds[1:, 0], bounds[:-1, 1], rtol=0, atol=1e-9)
        assert ((bounds[:, 0] < data[name].values) & (data[name].values < bounds[:, 1])).all()


def test_what_variables_name_is_there(described):
    data = xr.open_zarr(described, chunks=None, decode_cf=False)
    found = dimensions_of(data)
    assert {"xco2", "xco2_uncertainty", "number_of_soundings", "coverage"} <= set(found)
    for name in found:
        attributes = data[name].attrs
        assert "grid_mapping_name" in data[attributes["grid_mapping"]].attrs
        named = [*attributes.get("ancillary_variables", "").split(), *attributes["coordinates"].split()]
        assert set(named) <= set(data.variables)
        assert "units" in attributes
        assert "long_name" in attributes
    assert data.xco2.attrs["standard_name"] == "dry_atmosphere_mole_fraction_of_carbon_dioxide"
    assert "xco2_uncertainty" in data.xco2.attrs["ancillary_variables"].split()


def test_every_slice_tells_where_it_is_from(described):
    data = read(described)
    wanted = {
        "capture_id", "orbit", "operation_mode", "number_in_capture", "source_file", "source_build", "gridding_method",
        "content_digest", "capture_ordinal",
    }  # fmt: skip
    assert wanted <= set(data.xco2.coords)
    assert all(data[name].dims == ("time",) for name in wanted)
    assert (data.operation_mode == Mode.AREA_MAP).all()
    target = data.attrs["target_id"]
    for position, name in enumerate(data.capture_id.values):
        orbit, of, mode, first = name.split("-")
        assert (int(orbit), of, mode) == (int(data.orbit[position]), target, "sam")
        assert data.source_file.values[position].split("_")[2] == first[2:8]
    assert (data.number_in_capture > 0).all()


def test_integers_without_a_value_are_masked_in_both_versions(described):
    data = read(described)
    there = np.isfinite(data.xco2.values)
    assert there.any()
    counted = data.number_of_soundings.values
    assert (counted[there] > 0).all()
    assert not (np.nan_to_num(counted)[~there] > 0).any()
    raw = xr.open_zarr(described, chunks=None, decode_cf=False).number_of_soundings
    assert raw.dtype.kind in "iu"


def test_values_are_those_that_were_gridded(campaign, tmp_path):
    update(tmp_path / "cube.zarr", campaign.days(), time=5)
    data = read(tmp_path / "cube.zarr")
    with open_grids(campaign.grids(4)) as file:
        (number,) = [number for number, entry in enumerate(file.entries) if entry.target_id == LA]
        for path, layer in file.layers(number, "post").items():
            expected = np.full(1600, np.nan)
            expected[file.cells(number)] = np.where(layer.values == layer.fill, np.nan, layer.values)
            np.testing.assert_array_equal(data[path.lstrip("/")].values[4], expected.reshape(40, 40))


def gridded(folder: Path, day: int, layers: dict[str, tuple[str, float]], *, build: str = OLD, name: str = "A") -> Path:
    """Write a product of grid-capture by hand: one capture whose variables have a long name and one value each."""
    source = source_of(f"oco3_LtCO2_20030{day}_{build}_240915205334s.nc4")
    start = dt.datetime(2020, 3, day, 12, tzinfo=dt.UTC).timestamp()
    spec = GridSpec(Box(-118.6, 33.6, -117.8, 34.4), 6, 7, "cell", polar_equal_area=True)
    methods = {"pre": "area", "post": "area"}
    entry = Entry(f"{day}-{LA}-sam-1", LA, name, "sam", day, start, start + 9.0, 5, 5, methods, spec)
    found = {
        path: Layer(np.array([value], np.float32), float("nan"), {"long_name": title, "units": "1"})
        for path, (title, value) in layers.items()
    }
    path = folder / f"{len(list(folder.iterdir()))}-{source.name}.nc"
    write_grids(path, source, [(entry, Gridded(np.array([5]), dict.fromkeys(SETS, found), methods))] if layers else [])
    return path


def histories(folder: Path) -> dict[str, tuple[list[list[Path]], dict[str, Any]]]:
    """Return updates one after the other, whose last state all of them together must give as well."""
    folder.mkdir()
    x, nan = {"/x": ("first", 1.0)}, float("nan")
    first, second, third = (gridded(folder, day, {"/x": (f"of day {day}", day)}) for day in (1, 2, 3))
    empty_first = gridded(folder, 1, x | {"/u": ("of day 1", nan)})
    has_other = gridded(folder, 2, x | {"/u": ("of day 2", 2.0)})
    has_third = gridded(folder, 3, x | {"/u": ("of day 3", 3.0)})
    nothing = gridded(folder, 1, {}, build=NEW)
    return {
        "attributes": ([[third], [first], [second]], {}),
        "attributes, deep": ([[third], [first], [second]], {"time": 5}),
        "missing at first": ([[has_third, first], [has_other]], {}),
        "empty at first": ([[empty_first], [has_other]], {}),
        "missing at first, deep": ([[has_third, first], [has_other]], {"time": 5}),
        "target's name": ([[second], [gridded(folder, 1, x, name="B")]], {}),
        "variable that goes": ([[empty_first], [second], [gridded(folder, 1, x, build=NEW)]], {}),
        "capture that goes": ([[first], [second], [nothing]], {}),
    }


HISTORIES = (
    *("attributes", "attributes, deep", "missing at first", "empty at first", "missing at first, deep"),
    *("target's name", "variable that goes", "capture that goes"),
)


@pytest.mark.parametrize("name", HISTORIES)
def test_granules_that_differ_in_what_they_say_give_the_same_bytes(tmp_path, name):
    updates, given = histories(tmp_path / "grids")[name]
    for grids in updates:
        update(tmp_path / "step.zarr", grids, **given)
    update(tmp_path / "once.zarr", [one for grids in updates for one in grids], **given)
    assert tree(tmp_path / "step.zarr") == tree(tmp_path / "once.zarr")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_variables_of_a_group_open_by_themselves(tmp_path, zarr_format):
    (tmp_path / "grids").mkdir()
    whole_set = {"/x": ("x", 1.0), "/Retrieval/psurf": ("pressure", 5.0)}
    grids = [gridded(tmp_path / "grids", 1, whole_set), gridded(tmp_path / "grids", 2, {"/x": ("x", 2.0)})]
    for one in grids:
        update(tmp_path / "cube.zarr", [one], zarr_format=zarr_format)
    root = read(tmp_path / "cube.zarr")
    with xr.open_zarr(tmp_path / "cube.zarr", group="Retrieval", chunks=None) as inner:
        assert inner.psurf.dims == ("time", "latitude", "longitude")
        assert np.nansum(inner.psurf.values, axis=(1, 2)).tolist() == [5.0, 0.0]
        for name in ("time", "latitude", "longitude"):
            np.testing.assert_array_equal(inner[name], root[name])
        assert inner[inner.psurf.attrs["grid_mapping"]].attrs == root.crs.attrs
    assert root.x.sum(("latitude", "longitude")).values.tolist() == [1.0, 2.0]
