"""Inventory: groups by gain and exposure, frames that can't be read, duplicates, and nothing to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.inventory import Inventory, Setting, read_setting, take_inventory
from levelworks.coronagraph.level1 import Generation, level1_headers, level1_name, write_level1
from levelworks.coronagraph.options import Coronagraph

SMALL = geometries()["TEST"]


def write_frame(
    folder: Path, number: int, gain: float = 1.0, time: float = 0.6, generation: Generation = "fft"
) -> Path:
    path = folder / level1_name(generation, number, time)
    headers = level1_headers(generation, geometry=SMALL, gain=gain, exposure_time=time, frame_number=number)
    write_level1(path, np.zeros(SMALL.shape, np.uint16), headers)
    return path


def frame_id(number: int) -> str:
    return f"CGI_EXCAM_L1_{number:010d}"


def inventory_of(**folders: Path | str | list[str]) -> Inventory:
    datasets = {
        name: {"frames": [str(f) for f in (frames if isinstance(frames, list) else [frames])]}
        for name, frames in folders.items()
    }
    return take_inventory(Coronagraph.model_validate({"datasets": datasets}))


def members(inventory: Inventory) -> dict[str, list[str]]:
    return {name: list(group.members) for name, group in inventory.groups.items()}


def test_one_setting_is_one_group_of_the_dataset_s_name(tmp_path):
    for number in (3, 1, 2):
        write_frame(tmp_path, number)
    (tmp_path / "notes.txt").write_text("stray")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    found = inventory_of(science=tmp_path)
    assert members(found) == {"science": [frame_id(1), frame_id(2), frame_id(3)]}
    group = found.groups["science"]
    assert (group.name, group.dataset, group.setting) == ("science", "science", Setting(1.0, 0.6))
    assert [path.name for path in found.ignored] == [".DS_Store", "notes.txt"]
    assert found.settings == {"gain1_0p6s": Setting(1.0, 0.6)}
    assert [frame.id for frame in found.frames_of({"science"})] == [frame_id(1), frame_id(2), frame_id(3)]
    assert found.frames[frame_id(2)].path == tmp_path / f"{frame_id(2)}.fits"
    assert found.frames_of({"other"}) == []


def test_settings_part_a_dataset(tmp_path):
    for number, (gain, time) in enumerate([(1.0, 0.6), (1000.0, 5.0), (1.0, 0.6), (1.0, 5.0), (1000.0, 5.0)]):
        write_frame(tmp_path, number, gain, time)
    found = inventory_of(mixed=tmp_path)
    assert members(found) == {
        "mixed_gain1_0p6s": [frame_id(0), frame_id(2)],
        "mixed_gain1_5s": [frame_id(3)],
        "mixed_gain1000_5s": [frame_id(1), frame_id(4)],
    }
    assert list(found.settings) == ["gain1_0p6s", "gain1_5s", "gain1000_5s"]
    assert found.settings["gain1000_5s"].as_options == {"gain": 1000.0, "exposure_time": 5.0}


def test_datasets_and_generations_stand_beside_each_other(tmp_path):
    for name, generation, number in (("a", "fft", 0), ("b", "flight", 1), ("b", "flight", 2)):
        (tmp_path / name).mkdir(exist_ok=True)
        write_frame(tmp_path / name, number, 100.0, 5.0, generation)
    found = inventory_of(first=tmp_path / "a", second=tmp_path / "b")
    assert {name: len(group.members) for name, group in found.groups.items()} == {"first": 1, "second": 2}
    assert [len(found.frames_of(names)) for names in ({"first"}, {"second"}, {"first", "second"})] == [1, 2, 3]


def test_frames_that_cannot_be_read_join_the_largest_group(tmp_path):
    for number, gain in enumerate([1.0, 100.0, 100.0]):
        write_frame(tmp_path, number, gain)
    cut = write_frame(tmp_path, 7)
    cut.write_bytes(cut.read_bytes()[:4000])
    (tmp_path / f"{frame_id(8)}.fits").write_bytes(b"")
    found = inventory_of(science=tmp_path)
    assert members(found) == {
        "science_gain1_0p6s": [frame_id(0)],
        "science_gain100_0p6s": [frame_id(1), frame_id(2), frame_id(7), frame_id(8)],
    }
    assert found.frames[frame_id(7)].setting is None
    assert len(found.frames) == 5


def test_of_groups_equally_large_the_higher_setting_takes_them(tmp_path):
    write_frame(tmp_path, 0, 1.0, 5.0)
    write_frame(tmp_path, 1, 10.0, 0.6)
    (tmp_path / f"{frame_id(2)}.fits").write_bytes(b"broken")
    assert members(inventory_of(d=tmp_path)) == {
        "d_gain1_5s": [frame_id(0)],
        "d_gain10_0p6s": [frame_id(1), frame_id(2)],
    }


def test_a_dataset_of_broken_frames_keeps_them(tmp_path):
    (tmp_path / f"{frame_id(1)}.fits").write_bytes(b"broken")
    found = inventory_of(d=tmp_path)
    assert list(found.frames) == [frame_id(1)]
    assert found.groups == {}
    assert found.settings == {}


def test_one_frame_in_two_datasets_is_refused(tmp_path):
    path = write_frame(tmp_path, 5)
    with pytest.raises(InvalidOptions, match=rf"datasets\.second\.frames: frame {frame_id(5)} stands in dataset first"):
        inventory_of(first=tmp_path, second=path)


def test_one_frame_named_twice_in_a_dataset_counts_once(tmp_path):
    path = write_frame(tmp_path, 5)
    assert members(inventory_of(d=[str(tmp_path), str(path)])) == {"d": [frame_id(5)]}


def test_two_files_of_one_id_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_frame(tmp_path / name, 5)
    with pytest.raises(InvalidOptions, match=f"two files have the id {frame_id(5)}"):
        inventory_of(d=[str(tmp_path / "a"), str(tmp_path / "b")])


def test_no_frames_are_refused_with_what_is_there(tmp_path):
    (tmp_path / "image.fits").write_bytes(b"")
    with pytest.raises(
        InvalidOptions, match=r"datasets\.d\.frames: no Level-1 frames in .*1 other files; names must match"
    ):
        inventory_of(d=tmp_path)
    with pytest.raises(InvalidOptions, match=r"datasets\.d\.frames: .*nowhere"):
        inventory_of(d=tmp_path / "nowhere")
    assert inventory_of().frames == {}


@pytest.mark.parametrize(
    ("gain", "time", "name"),
    [
        (1.0, 0.6, "gain1_0p6s"),
        (1000.0, 5.0, "gain1000_5s"),
        (1.5, 0.0, "gain1p5_0s"),
        (7146.25, 223.5e-6, "gain7146p25_0p0002235s"),
        (1.0, 1e-5, "gain1_1em05s"),
    ],
)
def test_names_of_settings_suit_files(gain, time, name):
    assert Setting(gain, time).name == name


def test_order_of_files_does_not_matter(tmp_path):
    for number in range(6):
        write_frame(tmp_path, number, 1.0 + number % 2)
    paths = sorted(str(path) for path in tmp_path.iterdir())
    assert members(inventory_of(d=paths)) == members(inventory_of(d=paths[::-1])) == members(inventory_of(d=tmp_path))


def test_setting_of_the_real_frame(shared_data):
    assert read_setting(shared_data / "coronagraph" / "example_L1_input.fits") == (Setting(1.0, 0.6), "SCI")
    assert read_setting(shared_data / "coronagraph" / "nowhere.fits") == (None, None)
    assert read_setting(shared_data / "coronagraph" / "nonlin_sample.csv") == (None, None)


def test_groups_that_would_share_a_name_are_refused(tmp_path):
    mixed, other = tmp_path / "mixed", tmp_path / "other"
    for folder, number, gain in ((mixed, 0, 1.0), (mixed, 1, 10.0), (other, 2, 1.0)):
        folder.mkdir(exist_ok=True)
        write_frame(folder, number, gain)
    setting = read_setting(next(other.iterdir()))[0]
    with pytest.raises(InvalidOptions, match="two groups"):
        inventory_of(**{"a": mixed, f"a_{setting.name}": other})


def test_noise_in_the_last_digits_of_a_setting_does_not_part_a_dataset(tmp_path):
    for number, time in enumerate((0.6, 0.6000000000001, 0.59999999999)):
        write_frame(tmp_path, number, 4999.0 + 1e-9 * number, time)
    found = inventory_of(science=tmp_path)
    assert members(found) == {"science": [frame_id(0), frame_id(1), frame_id(2)]}
    assert list(found.settings.values()) == [Setting(4999.0, 0.6)]
