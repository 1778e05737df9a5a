"""A campaign of the insar line whose jobs Snakemake plans, and whose stages write a word in place of a product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import replace
from functools import partial
from pathlib import Path

from levelworks.core.aggregate import refuse_flagged, usable_inputs
from levelworks.core.options import parse_options
from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.core.record import record_path
from levelworks.core.stage import run, stages
from levelworks.insar.coregistration.network_files import Shift, find_shift, read_shifts, write_network
from levelworks.insar.frames.frame import read_frame
from workflow import ROOT, Workflow, environment, planned

OWN = ("insar", "check_outcomes")


def pretend(stage, folders, damaged, options, **files):
    """Write a word in place of every product of a stage; of a network the dates that it decides."""
    if stage.name == "solve-network":
        offsets = usable_inputs(files["offsets"], 1.0, "dates")
        dates = {path.stem for path in offsets.usable} | {f"{read_frame(files['frame']).reference:%Y%m%d}"}
        solved = {date for path in files["previous"] or () for date in read_shifts(path)}
        shifts = {date: Shift(0.0, 0.0, 1e-4) for date in dates - solved}
        left_out = {Path(name).stem: reason for name, reason in offsets.left_out}
        write_network(files["network"], shifts, (), left_out, options)
        return Outcome()
    if stage.name == "parse-safe" and any(date in path.name for path in files["products"] for date in damaged):
        raise InvalidInput("it is truncated")
    if stage.name == "correlate-amplitudes":
        refuse_flagged(files["secondary"])
    if stage.name == "coregister" and files["network"]:
        find_shift(files["network"], files["secondary"].stem)
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
        self.damaged: set[str] = set()

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
        waiting = [job for job in jobs if job["command"] and job["needed"] and only(job)]
        with chdir(self.folder):
            while waiting:
                to_come = {path for job in waiting for path in job["writes"]}
                ready = [job for job in waiting if to_come.isdisjoint(job["reads"])]
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
            work = partial(pretend, stage, folders, self.damaged)
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
