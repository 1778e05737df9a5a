"""Removing bursts that nothing needs: what Snakemake plans then, and what it plans when a later date needs them.

Jobs are those that Snakemake plans for simulated products; what stages compute is a word in a file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
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
from workflow import ROOT

DATES = ("20250406", "20250418", "20250430", "20250512", "20250524")
LATE = "20250605"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory) -> Pretended:
    """Return five dates that are done, and a sixth whose product lies beside."""
    folder = tmp_path_factory.mktemp("campaign")
    passes = tuple(Pass(12 * k, swaths=("IW1",)) for k in range(6))
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    made = simulate(Scenario(passes, cut), folder / "sar")
    first = read_acquisition(made.products[DATES[0]], swaths=("IW1",), pixels=False)
    write_frame(folder / "sar/frame.json", define_frame(list_bursts(first), dt.date(2025, 4, 6)))
    (late,) = made.products[LATE]
    shutil.move(late, folder / late.name)
    found = Pretended(
        folder,
        {
            "frames": "sar/frame.json",
            "products": "sar/products",
            "orbits": "sar/orbits",
            "elevation": "sar/dem.tif",
            "pairs": {"neighbours": 3, "seasons": []},
        },
    )
    for path in [*(folder / "sar").rglob("*"), ROOT / "Snakefile"]:
        if path.is_relative_to(folder):
            os.utime(path, (found.clock, found.clock))
    found.do(found.jobs())
    return found


@pytest.mark.long
def test_bursts_go_and_come_again(campaign):
    """One story, as each part begins where the last one ended."""
    assert campaign.dry_run() == {}
    assert campaign.bursts() == set(DATES)
    clean = ("clean", "insar", "--keep-dates", "2", "--configfile", "campaign.yaml")
    said = campaign.workflow.levelworks(*clean).stdout
    assert said.count("would remove") == 2 * 2 + 1
    assert "nothing was touched" in said
    assert campaign.bursts() == set(DATES)

    # A pair that is not there needs its dates, and one that was formed otherwise does too.
    results = campaign.folder / "results/insar"
    (pair,) = results.glob(f"form-interferogram/*/{DATES[1]}_{DATES[2]}.h5")
    pair.rename(pair.with_suffix(".aside"))
    assert "would remove 0 files" in campaign.workflow.levelworks(*clean).stdout
    pair.with_suffix(".aside").rename(pair)
    campaign.workflow.config["insar"]["form-interferogram"] = {"coherence-window": 5}
    campaign.workflow.command()
    assert "would remove 0 files" in campaign.workflow.levelworks(*clean).stdout
    del campaign.workflow.config["insar"]["form-interferogram"]
    campaign.workflow.command()

    said = campaign.workflow.levelworks(*clean, "--yes").stdout
    assert "removed 4 files" in said
    assert campaign.bursts() == {DATES[0], DATES[3], DATES[4]}
    assert campaign.dry_run() == {}

    # Other options of the pairs: all bursts that were removed are made again.
    campaign.workflow.config["insar"]["form-interferogram"] = {"coherence-window": 5}
    assert campaign.dry_run()["coregister"] == 2
    del campaign.workflow.config["insar"]["form-interferogram"]

    # A later date is paired with three: two are kept, one is made again, and no pair that stands.
    late = next(campaign.folder.glob(f"S1A*{LATE}*"))
    shutil.move(late, campaign.folder / "sar/products" / late.name)
    plan = campaign.dry_run()
    once = ("parse_safe", "correlate_amplitudes", "solve_network", "geocode_epoch", "verify_coregistration")
    assert {rule: plan[rule] for rule in once} == dict.fromkeys(once, 1)
    assert plan["coregister"] == 2
    assert (plan["form_interferogram"], plan["filter_phase"], plan["unwrap"], plan["geocode"]) == (3, 3, 3, 3)

    # The bursts are made again: the same bytes, another record.
    jobs = campaign.jobs()
    (folder,) = (results / "coregister").iterdir()
    before = read_record(folder / DATES[2])
    campaign.do(jobs, lambda job: job["rule"] == "coregister" and DATES[2] in job["params"]["folder"])
    assert campaign.bursts() == {DATES[0], *DATES[2:]}
    after = read_record(folder / DATES[2])
    assert before["outputs"]["folder"]["checksum"] == after["outputs"]["folder"]["checksum"]
    assert before["started"] != after["started"]
    assert campaign.dry_run() == plan | {"coregister": 1}

    # Other bytes: the pairs that stand on them are formed again.
    (folder / DATES[2] / "content").write_text("other")
    content = json.loads((folder / f"{DATES[2]}.json").read_text())
    content["outputs"]["folder"]["checksum"] = "xxh3:0"
    (folder / f"{DATES[2]}.json").write_text(json.dumps(content))
    assert campaign.dry_run()["form_interferogram"] > 3
