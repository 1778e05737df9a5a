"""A date that is quarantined: the campaign comes to its end with it, and takes it in once it is mended."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import Counter
from dataclasses import replace

import pytest
from pretended_insar import Pretended

from levelworks.core.record import read_record
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate

DATES = ("20250406", "20250418", "20250430", "20250512")
DAMAGED = DATES[2]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory) -> Pretended:
    """Return four dates of one swath, none of them done."""
    folder = tmp_path_factory.mktemp("campaign")
    passes = tuple(Pass(12 * k, swaths=("IW1",)) for k in range(4))
    made = simulate(Scenario(passes, {"IW1": replace(cuts("ci")["IW1"], samples=64)}), folder / "sar")
    first = read_acquisition(made.products[DATES[0]], swaths=("IW1",), pixels=False)
    write_frame(folder / "sar/frame.json", define_frame(list_bursts(first), dt.date(2025, 4, 6)))
    section = {
        "frames": "sar/frame.json",
        "products": "sar/products",
        "orbits": "sar/orbits",
        "elevation": "sar/dem.tif",
        "pairs": {"neighbours": 2, "seasons": []},
    }
    found = Pretended(folder, section)
    for path in (folder / "sar").rglob("*"):
        os.utime(path, (found.clock, found.clock))
    return found


def solutions(campaign: Pretended) -> dict[str, dict]:
    (folder,) = (campaign.folder / "results/insar/solve-network").iterdir()
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("???.json"))}


@pytest.mark.long
def test_a_campaign_with_a_bad_date_ends_and_takes_the_date_once_it_is_mended(campaign):
    """One story, as each part begins where the last one ended."""
    campaign.damaged.add(DAMAGED)
    campaign.do(campaign.jobs())
    (only,) = solutions(campaign).values()
    assert set(only["dates"]) == {*DATES} - {DAMAGED}
    assert only["left_out"] == {DAMAGED: "it is truncated"}
    assert len(only["pairs"]) == 5
    assert campaign.dry_run() == {}

    # The product is exchanged: its own stages are done again, and the plan that follows decides the date.
    campaign.damaged.clear()
    campaign.clock += 60
    (product,) = (campaign.folder / "sar/products").glob(f"*{DAMAGED}*")
    for path in (product, *product.rglob("*")):
        os.utime(path, (campaign.clock, campaign.clock))
    jobs = campaign.jobs()
    done = Counter(job["rule"] for job in jobs if job["needed"])
    assert (done["parse_safe"], done["correlate_amplitudes"], done["solve_network"]) == (1, 1, 0)
    campaign.do(jobs)
    jobs = campaign.jobs()
    done = Counter(job["rule"] for job in jobs if job["needed"])
    assert (done["parse_safe"], done["solve_network"], done["coregister"]) == (0, 1, 1)
    campaign.do(jobs)
    assert list(solutions(campaign)) == ["001", "002"]
    assert set(solutions(campaign)["002"]["dates"]) == {DAMAGED}
    assert solutions(campaign)["002"]["pairs"] == only["pairs"]
    (bursts,) = campaign.folder.glob(f"results/insar/coregister/*/{DAMAGED}")
    assert read_record(bursts)["outcome"] == "done"
    assert campaign.dry_run() == {}
