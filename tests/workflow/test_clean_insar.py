"""Removing bursts that nothing needs: what Snakemake plans then, and what it plans when a later date needs them.

Jobs are those that Snakemake plans for simulated products; what stages compute is a word in a file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from levelworks.core.options import parse_options
from levelworks.core.outcome import Outcome
from levelworks.core.record import read_record, record_path
from levelworks.core.stage import run, stages
from levelworks.insar.coregistration.network_files import Shift, write_network
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate
from workflow import ROOT, Workflow, environment, planned

DATES = ("20250406", "20250418", "20250430", "20250512", "20250524")
LATE = "20250605"
OWN = ("insar", "check_outcomes")


def pretend(stage, folders, **files):
    """Write a word in place of every product of a stage; of a network the dates that it decides."""
    if stage.name == "solve-network":
        dates = {path.stem for path in files["offsets"]} | {DATES[0]}
        solved = {date for path in files["previous"] or () for date in json.loads(path.read_text())["dates"]}
        write_network(files["network"], {date: Shift(0.0, 0.0, 1e-4) for date in dates - solved})
        return Outcome()
    for port in stage.outputs:
        path = files[port.name]
        if port.name in folders:
            path.mkdir()
            path /= "content"
        path.write_text(path.parent.name.split(".")[-1])
    return Outcome()


class Pretended:
    """A campaign whose planned jobs are done by `pretend`, with records as real ones have."""

    def __init__(self, folder: Path, section: dict) -> None:
        self.folder = folder
        self.workflow = Workflow(folder, {"insar": section})
        self.clock = 1_700_000_000

    def jobs(self) -> list[dict]:
        self.workflow.command()
        program = ROOT / "tests" / "support" / "planned_jobs.py"
        files = [ROOT / "config" / "config.yaml", self.folder / "campaign.yaml"]
        done = subprocess.run(
            [sys.executable, str(program), str(ROOT / "Snakefile"), "insar", *map(str, files)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    def do(self, jobs: list[dict], only=lambda job: True) -> None:
        """Do jobs in the order of their files; the next is a minute later than all before."""
        waiting = [job for job in jobs if job["command"] and only(job)]
        with chdir(self.folder):
            while waiting:
                ready = [job for job in waiting if all(Path(p).exists() for ps in job["input"].values() for p in ps)]
                assert ready, [job["rule"] for job in waiting]
                self.clock += 60
                for job in ready:
                    self._do(job)
                waiting = [job for job in waiting if job not in ready]

    def _do(self, job: dict) -> None:
        name = job["rule"].replace("_", "-")
        outputs = dict(job["output"])
        made = [Path(path) for paths in outputs.values() for path in paths]
        if name == "check-outcomes":
            for path in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        else:
            stage = stages("insar")[name]
            for mark in outputs.pop("mark", []):
                Path(mark).parent.mkdir(parents=True, exist_ok=True)
                Path(mark).touch()
            folders = [port.name for port in stage.outputs if port.name not in outputs]
            outputs |= {port: [job["params"][port]] for port in folders}
            files = {port: [Path(path) for path in paths] for port, paths in (job["input"] | outputs).items()}
            files.pop("record", None)
            work = partial(pretend, stage, folders)
            run(replace(stage, function=work), files, parse_options(stage.options, job["params"]["options"]))
        for path in made:
            os.utime(path, (self.clock, self.clock))
            beside = path.with_name(path.name.removesuffix(".json"))
            for other in (beside, record_path(path)):
                if other.exists():
                    os.utime(other, (self.clock, self.clock))

    def dry_run(self) -> dict[str, int]:
        counts = planned(self.workflow.run("insar", "--dry-run").stdout)
        return {rule: count for rule, count in counts.items() if rule not in OWN}

    def bursts(self) -> set[str]:
        (frame,) = (self.folder / "results/insar/coregister").iterdir()
        return {path.name for path in frame.iterdir() if path.is_dir()}


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
