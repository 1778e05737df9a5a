"""A small campaign on the job-array executor in which every kind of outcome happens at once, as granules are told."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from warm_snakemake import Snakemake

from workflow import environment

SNAKEFILE = """
from pathlib import Path
from levelworks.campaign.planned import announce_plan
GRANULES = Path("granules").read_text().split()
rule all:
    input: expand("results/coronagraph/second/{granule}.txt", granule=GRANULES)
rule first:
    input: "raw/{granule}.txt"
    output: "results/coronagraph/first/{granule}.txt"
    log: "logs/coronagraph/first/{granule}.log"
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt, runtime=5
    shell: "PYTHON act.py first {wildcards.granule} {input} {output} > {log} 2>&1"
rule second:
    input: "results/coronagraph/first/{granule}.txt"
    output: "results/coronagraph/second/{granule}.txt"
    log: "logs/coronagraph/second/{granule}.log"
    shell: "PYTHON act.py second {wildcards.granule} {input} {output} > {log} 2>&1"
onstart:
    announce_plan(workflow.dag.needrun_jobs(), Path("results"))
"""

ACT = """
import json, os, pathlib, signal, sys, time
stage, granule, source, target = sys.argv[1:]
told = pathlib.Path("raw", granule + ".txt").read_text().split()[0] if stage == "first" else "done"
attempt = int(os.environ.get("LEVELWORKS_ATTEMPT", "1"))
with open("runs", "a") as file:
    file.write(f"{stage} {granule} {attempt}\\n")
print("reading", source)
if told == "bug":
    sys.exit("nothing is known of this")
if told == "hungry" and attempt == 1:
    os.kill(os.getpid(), signal.SIGKILL)
if told == "waits":
    while not os.path.exists("go"):
        time.sleep(0.02)
outcome = told if told in ("skipped", "quarantined") else "done"
reason = {"skipped": "all cloud", "quarantined": f"{granule}.txt: truncated"}.get(outcome, "")
pathlib.Path(target).write_text(outcome)
record = {
    "levelworks_record": 1, "line": "coronagraph", "stage": stage, "version": 1, "outcome": outcome, "reason": reason,
    "warnings": [], "wall_s": 0.5, "cpu_s": 0.25, "peak_memory_mb": 50.0, "attempt": attempt, "quality": {},
    "started": "2026-01-01T00:00:00.000+00:00", "options": {}, "software": {}, "host": "here", "scheduler": {},
    "ranks": 1, "earlier_attempts": [],
    "inputs": {"source": [{"path": source, "size": 1, "checksum": ""}]},
    "outputs": {"target": {"path": target, "size": len(outcome), "checksum": "", "mtime_ns": 0}},
}
pathlib.Path(target + ".json").write_text(json.dumps(record))
"""

WORDS = [
    *("--executor", "jobarray", "--jobarray-backend", "local", "--jobs", "100", "--cores", "4", "--keep-going"),
    *("--retries", "1", "--jobarray-transient-delay", "0.2", "--latency-wait", "2", "--logger", "levelworks"),
    *("--jobarray-bundle", "1"),
    *("--rerun-triggers", "mtime"),
]


class MixedCampaign:
    """A folder with the campaign, and the Snakemakes that run there.

    Parameters
    ----------
    granules : mapping of str to str
        What happens to each: ``done``, ``skipped``, ``quarantined``, ``bug``, ``hungry`` (killed for memory at
        the first attempt) or ``waits`` (until `go`).
    """

    def __init__(self, folder: Path, granules: Mapping[str, str]) -> None:
        self.folder, self.granules = folder, dict(granules)
        (folder / "Snakefile").write_text(SNAKEFILE.replace("PYTHON", sys.executable))
        (folder / "act.py").write_text(ACT)
        (folder / "granules").write_text("\n".join(granules))
        (folder / "raw").mkdir()
        for granule, told in granules.items():
            self.tell(granule, told)
        self._started: list[Snakemake] = []

    def tell(self, granule: str, told: str) -> None:
        """Say what happens to a granule, keeping the file's age."""
        path = self.folder / "raw" / f"{granule}.txt"
        path.write_text(told)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def start(self, *words: str) -> Snakemake:
        """Start a run."""
        log = self.folder / f"run{len(self._started)}.log"
        self._started.append(Snakemake([*WORDS, *words], self.folder, environment(), log))
        return self._started[-1]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.1)

    def go(self) -> None:
        """Let those that wait go on."""
        (self.folder / "go").touch()

    def end(self) -> None:
        """End what still runs."""
        self.go()
        for process in self._started:
            if process.poll() is None:
                process.signal(signal.SIGKILL)
                process.wait()

    def on_disk(self) -> dict[tuple[str, str], str]:
        """Return what stands in every product, by stage and granule: an independent count."""
        found = (self.folder / "results/coronagraph").glob("*/*.txt")
        return {(path.parent.name, path.stem): path.read_text() for path in found}

    def ran(self) -> list[str]:
        """Return stage, granule and attempt of every start of a job."""
        return sorted((self.folder / "runs").read_text().splitlines())
