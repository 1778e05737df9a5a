"""Benchmarks of a ledger: what events cost the controller, and how soon a large campaign's status is there."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from figure import Figure

LINE = "campaign"
JOBS = 10_000
LARGE = 50_000
RUNS = 3
PEER = "snakemake-logger-plugin-snkmt"


def write_records(folder: Path, number: int) -> list[tuple[str, str]]:
    """Write products with records, ten stages' share each; return products and logs."""
    from levelworks.core.record import FORMAT

    made = []
    for job in range(number):
        stage = f"stage-{job % 10}"
        product = f"results/ard/{stage}/g{job:06d}.tif"
        path = folder / product
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        content = {
            "levelworks_record": FORMAT, "line": "ard", "stage": stage, "outcome": "done", "reason": "", "warnings": [],
            "wall_s": 1.0, "cpu_s": 1.0, "peak_memory_mb": 100.0, "attempt": 1, "started": "2026-01-01T00:00:00",
            "inputs": {}, "outputs": {"image": {"path": product, "size": 0}},
        }  # fmt: skip
        path.with_name(path.name + ".json").write_text(json.dumps(content))
        made.append((product, f"logs/ard/{stage}/g{job:06d}.log"))
    return made


def events(made: list[tuple[str, str]]) -> Iterator[logging.LogRecord]:
    """Yield the events of a run as Snakemake sends them: each job handed over, started, finished."""
    from snakemake_interface_logger_plugins.common import LogEvent

    def event(**values: Any) -> logging.LogRecord:
        return logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO", "msg": None, **values})

    yield event(
        event=LogEvent.WORKFLOW_STARTED, snakefile="Snakefile", workflow_id="11111111-1111-1111-1111-111111111111"
    )
    resources = SimpleNamespace(get={"mem_mb": 1000, "runtime": 10}.get, items={"mem_mb": 1000}.items)
    yield event(event=LogEvent.RUN_INFO, stats={"first": len(made), "total": len(made)})
    for job, (product, log) in enumerate(made, start=1):
        common = {"jobid": job, "rule_name": "first", "rule_msg": None, "threads": 1, "priority": 0, "input": []}
        shell = {"wildcards": {"granule": str(job)}, "reason": "", "resources": resources, "shellcmd": "true"}
        yield event(
            event=LogEvent.JOB_INFO, output=[product], log=[log], benchmark=None, local=False, **common, **shell
        )
        yield event(event=LogEvent.SHELLCMD, shellcmd="true", indent=False)
        yield event(event=LogEvent.JOB_STARTED, jobs=[job], job_ids=[job])
        yield event(event=LogEvent.JOB_FINISHED, job_id=job)
        yield event(event=LogEvent.PROGRESS, done=job, total=len(made))


def feed(module: str, folder: Path, number: int) -> float:
    """Return the CPU ms a job that a logger plug-in takes, its writing included."""
    made = write_records(folder, number)
    os.chdir(folder)
    plugin = importlib.import_module(module)
    common = SimpleNamespace(
        dryrun=False, printshellcmds=False, nocolor=True, quiet=None, debug_dag=False, verbose=False
    )
    own = plugin.LogHandlerSettings(db=folder / "peer.db") if hasattr(plugin, "LogHandlerSettings") else None
    all_events = list(events(made))
    begun = time.process_time()
    handler = plugin.LogHandler(common, own)
    for one in all_events:
        handler.emit(one)
    handler.close()
    return 1000 * (time.process_time() - begun) / number


def _in_process(call: str) -> float:
    """Run a function of this module in a process of its own and return what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        code = f"import campaign; from pathlib import Path; print(campaign.{call.format(folder=folder)})"
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout.split()[-1])


def _events() -> Iterator[Figure]:
    call = "feed({module!r}, Path('{{folder}}'), {number})"
    own = [_in_process(call.format(module="snakemake_logger_plugin_levelworks", number=JOBS)) for _ in range(RUNS)]
    peer = None
    if importlib.util.find_spec("snakemake_logger_plugin_snkmt"):
        peer = _in_process(call.format(module="snakemake_logger_plugin_snkmt", number=JOBS // 10))
    yield Figure(
        LINE, "events", statistics.median(own), "CPU ms/job", RUNS, 1.0, peer=PEER if peer else None, peer_value=peer
    )


def large_campaign(folder: Path, number: int) -> float:
    """Write a large campaign's ledger and records; return the seconds that a process for its status takes."""
    feed("snakemake_logger_plugin_levelworks", folder, number)
    command = [sys.executable, "-m", "levelworks.cli", "status"]
    walls = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        text = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
        walls.append(time.perf_counter() - begun)
    assert f"{number} jobs" in text
    return statistics.median(walls)


def _status() -> Iterator[Figure]:
    yield Figure(
        LINE, "status", _in_process(f"large_campaign(Path('{{folder}}'), {LARGE})"), "s for 50,000 jobs", RUNS, 2.0
    )


BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {"events": _events, "status": _status}
