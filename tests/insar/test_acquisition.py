"""Passes: slices merged, bursts that lack said, files that bring all back to the bit."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file, write_acquisition
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate

SWATHS = ("IW1", "IW2")


@pytest.fixture(scope="module")
def three_bursts(tmp_path_factory):
    """One pass of three bursts: whole, in two slices, without its middle burst."""
    found = {}
    small = {swath: replace(cut, bursts=3, samples=64) for swath, cut in cuts("ci").items()}
    for name, asked in (("whole", Pass(0)), ("slices", Pass(0, slices=2)), ("missing", Pass(0, missing=(1,)))):
        found[name] = simulate(Scenario((asked,), small), tmp_path_factory.mktemp(name)).products["20250406"]
    return found


def test_slices_are_one_pass(three_bursts):
    whole = read_acquisition(three_bursts["whole"], swaths=SWATHS)
    merged = read_acquisition(three_bursts["slices"][::-1], swaths=SWATHS)
    assert len(three_bursts["slices"]) == 2
    assert len(merged.products) == 2
    assert merged.gaps == ()
    assert [burst.key for burst in merged.bursts] == [burst.key for burst in whole.bursts]
    for one, two in zip(whole.bursts, merged.bursts, strict=True):
        assert (one.azimuth_time, one.doppler, one.valid) == (two.azimuth_time, two.doppler, two.valid)
        assert np.array_equal(read_burst(one), read_burst(two))
    np.testing.assert_array_equal(merged.state_vectors.times, whole.state_vectors.times)
    assert merged.span == whole.span


def test_missing_bursts_are_recorded(three_bursts):
    acquisition = read_acquisition(three_bursts["missing"], swaths=SWATHS)
    assert [burst.id for burst in acquisition.bursts] == [230135, 230137] * 2
    assert [(gap.swath, gap.id, gap.reason) for gap in acquisition.gaps] == [
        ("IW1", 230136, "no product has it"),
        ("IW2", 230136, "no product has it"),
    ]


def test_a_burst_in_two_products(three_bursts, tmp_path):
    """Of a slice that was delivered twice each burst counts once, and a note says so."""
    twin = shutil.copytree(three_bursts["whole"][0], tmp_path / three_bursts["whole"][0].name.replace("_S", "_T"))
    acquisition = read_acquisition([*three_bursts["whole"], twin], swaths=SWATHS)
    assert len(acquisition.bursts) == 6
    assert sum("burst 230136 of IW1 is in" in note for note in acquisition.notes) == 1


def test_an_absent_swath(real_pair, real_products):
    acquisition = read_acquisition([real_pair[0]], pixels=False)
    assert {burst.swath for burst in acquisition.bursts} == set(SWATHS)
    assert "has no annotation of IW3 in VV: the swath is absent" in acquisition.notes[0]
    path = next(path for path in real_products if "_20200511" in path.name)
    both = [read_acquisition([path], polarisation, ["IW3"], pixels=False) for polarisation in ("VV", "VH")]
    assert [found.bursts[0].polarisation for found in both] == ["VV", "VH"]
    assert both[0].bursts[0].source.member != both[1].bursts[0].source.member


def test_refusals(real_pair, three_bursts):
    with pytest.raises(InvalidInput, match="is not of the same pass as"):
        read_acquisition(real_pair, pixels=False)
    with pytest.raises(InvalidInput, match="has VV and no HH"):
        read_acquisition(three_bursts["whole"], "HH")
    with pytest.raises(InvalidInput, match="no product was given"):
        read_acquisition([])
    with pytest.raises(InvalidInput, match=r"s1a-iw1-slc-vv-.*\.tiff is absent: fetch it again"):
        read_acquisition([real_pair[0]])


def test_files_bring_everything_back(real_pair, tmp_path):
    acquisition = read_acquisition([real_pair[0]], pixels=False)
    write_acquisition(tmp_path / "one.json", acquisition)
    back = read_acquisition_file(tmp_path / "one.json")
    for name in ("times", "positions", "velocities"):
        assert np.array_equal(getattr(back.state_vectors, name), getattr(acquisition.state_vectors, name))
    assert replace(back, state_vectors=acquisition.state_vectors) == acquisition
    write_acquisition(tmp_path / "two.json", back)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    for damage in (('"layout": 1', '"layout": 2'), ('"track"', '"rail"'), ("{", "")):
        text = (tmp_path / "one.json").read_text().replace(*damage, 1)
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(InvalidInput, match="run parse-safe again"):
            read_acquisition_file(tmp_path / "bad.json")
