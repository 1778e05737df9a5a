"""What is planned of delays and corrections: only what the configuration asks for and the files allow."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from insar_delays import write_ztd, write_ztd_tif

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.layout import Layout
from levelworks.insar.options import Insar
from levelworks.insar.plan import plan_campaign
from levelworks.insar.safe.acquisition import read_acquisition

DATES = ("20250406", "20250418")
PAIR = "_".join(DATES)


@pytest.fixture(scope="module")
def folder(real_pair, tmp_path_factory):
    """Return a frame of the real pair, an empty elevation model, and delays of one date or of both."""
    folder = tmp_path_factory.mktemp("plan")
    first = read_acquisition(real_pair[:1], swaths=("IW1",), pixels=False)
    write_frame(folder / "frame.json", define_frame(list_bursts(first), first.epoch))
    (folder / "dem.tif").touch()
    for name, dates in (("one", DATES[:1]), ("both", DATES)):
        write_ztd(folder / name, dates[0], np.full((2, 2), 2.3), 10.0, 50.0)
        for date in (*dates[1:], "20200101"):
            write_ztd_tif(folder / name, date, np.full((2, 2), 2.3), 10.0, 50.0)
    return folder


@pytest.fixture
def layout(folder, real_pair):
    def make(delays=None, method="off", **further):
        section = Insar.model_validate(
            {
                "frames": str(folder / "frame.json"),
                "products": [str(path) for path in real_pair],
                "elevation": folder / "dem.tif",
                "delays": [str(folder / delays)] if delays else [],
                "correct-atmosphere": {"method": method},
                **further,
            }
        )
        found = Layout(plan_campaign(section), Path("results"))
        (track,) = found.plan.frames
        return found, SimpleNamespace(track=track, date=DATES[0], pair=PAIR)

    return make


def test_nothing_is_planned_unless_asked_for(layout):
    found, wildcards = layout()
    inputs = found.tree_inputs(wildcards)
    assert (inputs["delays"], inputs["corrections"]) == ([], [])


def test_delays_alone_are_published(layout, folder):
    found, wildcards = layout("both")
    root = f"results/insar/geocode-delay/{wildcards.track}"
    inputs = found.tree_inputs(wildcards)
    assert inputs["delays"] == [f"{root}/{date}.sltd.geo.tif" for date in DATES]
    assert inputs["corrections"] == []
    assert found.delay_inputs(wildcards)["zenith"] == [
        str(folder / "both" / f"{DATES[0]}.{kind}") for kind in ("ztd", "ztd.rsc")
    ]


def test_a_pair_of_a_date_without_delays_is_planned_so_that_its_record_says_so(layout):
    found, wildcards = layout("one", "gacos")
    inputs = found.tree_inputs(wildcards)
    assert [Path(path).name for path in inputs["delays"]] == [f"{DATES[0]}.sltd.geo.tif"]
    assert [Path(path).name for path in inputs["corrections"]] == [f"{PAIR}.json"]
    inputs = found.correction_inputs(wildcards)
    assert inputs["first_delay"].endswith(f"{DATES[0]}.sltd.geo.tif")
    assert inputs["second_delay"] == []


def test_tides_are_planned_of_every_date_where_asked_for(layout):
    found, wildcards = layout()
    assert found.tree_inputs(wildcards)["tides"] == []
    found, wildcards = layout(tides=True)
    root = f"results/insar/geocode-tide/{wildcards.track}"
    assert found.tree_inputs(wildcards)["tides"] == [f"{root}/{date}.tide.geo.tif" for date in DATES]
    assert set(found.tide_inputs(wildcards)) == {"frame", "acquisition", "geometry"}


def test_a_fit_against_height_waits_for_no_delays(layout):
    found, wildcards = layout("both", "height")
    inputs = found.correction_inputs(wildcards)
    assert (inputs["first_delay"], inputs["second_delay"]) == ([], [])


def test_gacos_needs_a_folder(layout, folder):
    with pytest.raises(InvalidOptions, match=r"insar.delays: is required with correct-atmosphere.method gacos-height"):
        layout(None, "gacos-height")
    with pytest.raises(InvalidOptions, match=r"insar.delays: the folder of delays .*none does not exist"):
        layout("none", "gacos")


def test_the_word_off_of_yaml_is_taken():
    """YAML 1.1 reads it as false."""
    assert Insar.model_validate({"correct-atmosphere": {"method": False}}).correct_atmosphere.method == "off"
