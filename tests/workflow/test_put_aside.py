"""Granules put aside in campaigns of every line: what the next run plans, and what then stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from everything import everything

from levelworks.core.record import record_path
from workflow import ROOT, Workflow, planned, references, simulated

GRANULES = {
    "coronagraph": "raw/*.fits",
    "plumes": "radiance/EMIT_L1B_RAD_*.nc",
    "xco2": "lite/oco3_LtCO2_*.nc4",
    "ard": "images/LC08_*.tar",
    "insar": "sar/products/S1?_IW_SLC__*_20250418T*.SAFE",
}
"""Of each line, the Level 1 that is put aside."""

Job = dict[str, Any]


def pretend(folder: Path, jobs: list[Job]) -> None:
    """Write what all jobs would have made, each after what it reads, with the records that stages leave."""
    began = time.time() - 50_000
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (began, began))
    makers = {path: job for job in jobs for path in job["writes"]}
    done: set[str] = set()

    def make(job: Job) -> None:
        for path in job["reads"]:
            if path in makers and path not in done:
                make(makers[path])
        if job["writes"] and not done & set(job["writes"]):
            done.update(job["writes"])
            write(folder, job, began + len(done))

    for job in jobs:
        make(job)


def write(folder: Path, job: Job, now: float) -> None:
    """Write the products of a job and the records beside them."""
    line, stage = Path(job["log"][0]).parts[1:3]
    for name, paths in job["output"].items():
        for path in map(Path, paths):
            product = folder / (path.with_name(path.name.removesuffix(".json")) if name == "record" else path)
            product.parent.mkdir(parents=True, exist_ok=True)
            if name == "record":
                product.mkdir()
            else:
                product.write_text(json.dumps({"dates": ["20250406", "20250418"]}))
            own = str(product.relative_to(folder))
            record = {
                "levelworks_record": 1, "line": line, "stage": stage, "version": 1, "outcome": "done", "reason": "",
                "warnings": [], "wall_s": 1.0, "cpu_s": 1.0, "peak_memory_mb": 1.0, "attempt": 1, "quality": {},
                "started": "2026-01-01T00:00:00.000+00:00", "options": {}, "software": {}, "host": "", "scheduler": {},
                "ranks": 1, "earlier_attempts": [],
                "inputs": {"all": [{"path": one, "size": 1, "checksum": ""} for one in job["reads"]]},
                "outputs": {name: {"path": own, "size": 1, "checksum": "", "mtime_ns": 0}},
            }  # fmt: skip
            if stage != "check-outcomes":
                record_path(product).write_text(json.dumps(record))
                os.utime(record_path(product), (now, now))
            os.utime(product, (now, now))


def following(jobs: list[Job], granule: Path) -> Counter[str]:
    """Return the number of jobs by rule that read a granule, or what is made of it."""
    changed = {path for job in jobs for path in job["reads"] if Path(path).name == granule.name}
    found: dict[int, str] = {}
    while more := [at for at, job in enumerate(jobs) if at not in found and changed & set(job["reads"])]:
        found |= {at: jobs[at]["rule"] for at in more}
        changed |= {path for at in more for path in jobs[at]["writes"]}
    return Counter(found.values())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, list[Job]]:
    """A campaign of everything of every line, every product of which stands; and its jobs."""
    folder = tmp_path_factory.mktemp("finished")
    config = everything(folder)
    config["insar"] = {key: value for key, value in config["insar"].items() if key not in ("archive", "new-frame")}
    config["insar"]["products"] = "sar/products"
    del config["xco2"]["cog-folder"]
    campaign = Workflow(folder, config)
    (folder / "plan.yaml").write_text(yaml.safe_dump(config))
    program = ROOT / "tests" / "support" / "planned_jobs.py"
    words = [str(ROOT / "Snakefile"), "all", str(ROOT / "config/config.yaml"), "plan.yaml"]
    done = subprocess.run(
        [sys.executable, str(program), *words],
        cwd=folder, env=campaign.variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    jobs = json.loads(done.stdout)
    pretend(folder, jobs)
    return campaign, jobs


def plan(campaign: Workflow, line: str) -> dict[str, int]:
    """Return the jobs that Snakemake plans for a line by rule, targets aside."""
    done = campaign.run(line, "--dry-run", "--rerun-triggers", "mtime")
    return {rule: number for rule, number in planned(done.stdout).items() if rule not in (line, "all")}


@pytest.mark.parametrize("line", GRANULES)
def test_all_that_was_made_of_it_is_planned_again(finished: tuple[Workflow, list[Job]], line: str) -> None:
    campaign, jobs = finished
    (granule,) = campaign.folder.glob(GRANULES[line])
    # Networks that were solved stand.
    expected = following([job for job in jobs if job["rule"] not in (line, "all", "solve_network")], granule)
    assert expected["check_outcomes"] == 1
    assert plan(campaign, line) == {}
    campaign.levelworks("quarantine", granule.name.split(".")[0], "--reason", "stray light")
    assert plan(campaign, line) == expected


@pytest.mark.long
def test_one_of_three_may_be_put_aside_and_comes_back(tmp_path: Path) -> None:
    frame = simulated(tmp_path / "raw", frames=3)[0]
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    campaign = Workflow(tmp_path, {"coronagraph": section})
    campaign.run("coronagraph", profile="local")
    before = campaign.products
    campaign.levelworks("quarantine", frame.name, "--reason", "stray light")
    campaign.run("coronagraph", profile="local")
    folder = tmp_path / "results/coronagraph"
    table = (folder / "quarantine.tsv").read_text().splitlines()
    assert len(table) == 2
    assert f"{frame.name} was put aside by hand: stray light" in table[1]
    combined = json.loads((folder / "combine/night_mean.fits.json").read_text())
    assert combined["quality"]["frames"] == 2
    assert any(frame.stem in warning for warning in combined["warnings"])
    campaign.levelworks("quarantine", frame.name, "--release")
    campaign.run("coronagraph", profile="local")
    assert campaign.products == before
    assert len((folder / "quarantine.tsv").read_text().splitlines()) == 1


@pytest.mark.long
def test_too_many_bad_frames_are_a_cause_of_their_own_and_told(tmp_path: Path) -> None:
    frame = simulated(tmp_path / "raw", frames=3)[0]
    frame.write_bytes(b"no FITS file")
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    campaign = Workflow(tmp_path, {"coronagraph": section})
    assert campaign.run("coronagraph", profile="local", check=False).returncode == 1
    told = json.loads(campaign.levelworks("failed", "--json").stdout)["failures"]
    failed = {one["stage"]: (one["cause"], one["reason"]) for one in told if one["state"] == "failed"}
    share = "1 of 3 {} are quarantined, more than max_quarantined 0.1 allows:"
    assert failed == {
        "combine": ("too many quarantined", share.format("frames")),
        "check-outcomes": ("failed", share.format("granules")),
    }
