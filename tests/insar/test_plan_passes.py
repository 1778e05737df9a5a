"""Two passes of a day, and products that are not whole: one bad day stops no campaign, and the doctor says so."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from levelworks.core import doctor
from levelworks.insar.doctor import examine
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.frames.products import PlannedAcquisition, Product, choose_passes
from levelworks.insar.options import Insar
from levelworks.insar.plan import plan_campaign
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.simulation.safe_files import pack
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate

SWATHS = ("IW1",)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    passes = (Pass(0, swaths=SWATHS), Pass(12, swaths=SWATHS))
    made = simulate(Scenario(passes, cut), folder)
    first = read_acquisition(made.products["20250406"], swaths=SWATHS, pixels=False)
    frame = define_frame(list_bursts(first), first.epoch)
    write_frame(folder / "frame.json", frame)
    return folder, frame


@pytest.fixture
def copied(stack, tmp_path):
    """Return a section of products that a test may damage."""
    folder, _ = stack
    shutil.copytree(folder / "products", tmp_path / "products")
    return Insar.model_validate(
        {
            "frames": str(folder / "frame.json"),
            "products": str(tmp_path / "products"),
            "elevation": folder / "dem.tif",
            "orbits": str(folder / "orbits"),
        }
    )


def one_pass(frame, name, day, seconds, bursts, mission="S1A"):
    start = dt.datetime(2025, 4, day, 2, 20, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    stop = start + dt.timedelta(seconds=25)
    least = frame.burst_ids[0]
    ids = least, least + bursts - 1
    product = Product(name, Path(name), mission, 1, frame.pass_direction, start, stop, ("VV",), ids)
    return PlannedAcquisition(f"{start:%Y%m%d}", mission, (product,))


def names(found):
    return [product.id for one in found for product in one.products]


def test_of_two_passes_on_a_day_the_fuller_is_taken_then_the_nearer_in_time(stack):
    _, frame = stack
    bursts = tuple(frame.bursts[0].model_copy(update={"burst_id": k}) for k in (90, 99))
    frame = frame.model_copy(update={"bursts": bursts})
    passes = [
        one_pass(frame, "reference", 6, 0, 10),
        one_pass(frame, "less", 18, 0, 9),
        one_pass(frame, "more", 18, 3600, 10),
        one_pass(frame, "far", 30, -600, 10, "S1C"),
        one_pass(frame, "near", 30, 300, 10),
    ]
    for given in (passes, passes[::-1]):
        chosen, others = choose_passes(frame, given)
        assert list(chosen) == ["20250406", "20250418", "20250430"]
        assert names(chosen.values()) == ["reference", "more", "near"]
        assert [(names([one]), names([taken])) for one, taken in others] == [(["less"], ["more"]), (["far"], ["near"])]
    # Nothing to be near to: what covers more is taken still.
    chosen, _ = choose_passes(frame, passes[1:])
    assert names(chosen.values())[0] == "more"
    midnight = [
        one_pass(frame, "reference", 6, -8400 + 60, 10),
        one_pass(frame, "after", 18, -8400 + 120, 10),
        one_pass(frame, "before", 18, -8400 + 86400 - 30, 10),
    ]
    chosen, others = choose_passes(frame, midnight)
    assert names(chosen.values()) == ["reference", "after"]


def test_two_passes_on_a_day_stop_no_campaign(copied, tmp_path):
    """The same product again, as of another data take."""
    folder = tmp_path / "products"
    source = next(folder.glob("*_20250418T*"))
    take = re.search(r"_([0-9A-F]{6})_[0-9A-F]{4}\.SAFE$", source.name)[1]
    other = folder / source.name.replace(take, "0ABCDE")
    shutil.copytree(source, other)
    manifest = other / "manifest.safe"
    text = manifest.read_text()
    manifest.write_text(text.replace(f"missionDataTakeID>{int(take, 16)}<", f"missionDataTakeID>{0xABCDE}<"))
    assert manifest.read_text() != text
    (plan,) = plan_campaign(copied).frames.values()
    assert list(plan.acquisitions) == ["20250406", "20250418"]
    assert names([plan.acquisitions["20250418"]]) == [source.name.removesuffix(".SAFE")]
    (note,) = plan.notes
    assert other.stem in note
    assert "insar.missions" in note
    assert any(one.verdict == "warning" and note in one.detail for one in examine(copied))


@pytest.mark.parametrize("archived", [False, True])
def test_the_doctor_sees_a_measurement_that_is_cut(copied, tmp_path, archived):
    checks = {one.name: one for one in examine(copied)}
    assert {one.verdict for one in checks.values()} == {"ok"}
    product = next((tmp_path / "products").glob("*_20250418T*"))
    (measurement,) = (product / "measurement").iterdir()
    os.truncate(measurement, measurement.stat().st_size // 2)
    if archived:
        pack(product)
        shutil.rmtree(product)
    (found,) = (one for one in examine(copied) if one.verdict != "ok")
    assert found.name.endswith(": products")
    assert f"measurement/{measurement.name} has" in found.detail


def test_a_wrong_path_is_told_once(copied, tmp_path):
    section = copied.model_copy(update={"elevation": tmp_path / "none.tif"})
    checks, _ = doctor._examine_line("insar", section, tmp_path)
    assert [one.verdict for one in checks] == ["failure"]
