"""Benchmarks of the job-array executor on a real SLURM that they start themselves (root on Debian)."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

LINE = "cluster"
BUNDLE = 100
STOCK_JOBS = 40
STOCK = ("snakemake-executor-plugin-slurm==2.8.0", "snakemake-executor-plugin-slurm-jobstep==0.6.1")

TRIVIAL = """\
N = int(config["number"])


rule all:
    input:
        expand("second/{granule}.txt", granule=range(N)),


rule first:
    output:
        "first/{granule}.txt",
    resources:
        mem_mb=lambda wildcards, attempt: 100 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 5 * attempt,
    shell:
        "echo {wildcards.granule} > {output}"


rule second:
    input:
        "first/{granule}.txt",
    output:
        "second/{granule}.txt",
    resources:
        mem_mb=lambda wildcards, attempt: 100 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 5 * attempt,
    shell:
        "cat {input} > {output}"
"""

COMPUTE = """\
import json, os, sys, time
from levelworks import cli
from levelworks.core.allocation import keep_freed_memory

commands = json.load(sys.stdin)
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
times = []
for words in commands:
    start = time.process_time()
    if cli.main(words):
        sys.exit(1)
    times.append(time.process_time() - start)
print(json.dumps(times))
"""


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a command; returns wall seconds, CPU seconds and peak MB of its process alone."""
    begun = time.monotonic()
    log = folder / "output.txt"
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{shlex.join(words)} ended with {status}:\n{log.read_text()[-3000:]}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _snakemake(*words: str) -> list[str]:
    common = ["--jobs", "100000", "--max-jobs-per-timespan", "100000/1s", "--scheduler", "firstfit"]
    return [sys.executable, "-m", "snakemake", *words, *common, "--quiet", "rules", "progress"]


def _ours() -> list[str]:
    watching = ["--seconds-between-status-checks", "2", "--latency-wait", "30"]
    return ["--executor", "jobarray", "--jobarray-backend", "slurm", "--jobarray-bundle", str(BUNDLE), *watching]


def _campaign(folder: Path) -> tuple[list[str], list[list[str]]]:
    """Simulate frames; returns what Snakemake needs to calibrate them, and the stage commands of all."""
    from coronagraph import _simulated

    frames = folder / "level1"
    _simulated(frames, BUNDLE)
    references = {
        role: f"level1/references/{role}.fits"
        for role in ("fixed_pattern", "dark_current", "clock_induced_charge", "flat", "bad_pixels")
    } | {"nonlinearity": "level1/references/nonlinearity.csv"}
    config = {"coronagraph": {"datasets": {"night": {"frames": "level1"}}, "references": references}}
    (folder / "campaign.json").write_text(json.dumps(config))
    files = ["--configfile", str(ROOT / "config" / "config.yaml"), "campaign.json"]
    workflow = ["coronagraph", "--snakefile", str(ROOT / "Snakefile"), "--until", "calibrate_frame"]
    prepared = _snakemake("coronagraph", "--snakefile", str(ROOT / "Snakefile"), "--until", "make_dark")
    _run([*prepared, "--executor", "local", "--cores", "2", *files], folder, _own_environment({}))
    planned = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests/support/planned_jobs.py"),
            str(ROOT / "Snakefile"),
            "coronagraph",
            *files[1:],
        ],
        cwd=folder,
        env=_own_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    jobs = json.loads(planned.stdout[planned.stdout.index("[{") :])
    commands = [shlex.split(job["command"].split(" > ")[0])[1:] for job in jobs if job["rule"] == "calibrate_frame"]
    return [*workflow, *files], commands


def _own_environment(environment: dict[str, str]) -> dict[str, str]:
    found = {**os.environ, **environment}
    return {**found, "PATH": os.pathsep.join([str(Path(sys.executable).parent), found["PATH"]])}


def _srun_with_configuration(folder: Path, environment: dict[str, str]) -> Path:
    """Return a folder with an srun that finds this SLURM: the stock plug-in drops SLURM_CONF before it calls it."""
    place = folder / "srun"
    place.mkdir()
    script = place / "srun"
    real = shutil.which("srun", path=environment["PATH"])
    script.write_text(f'#!/bin/sh\nSLURM_CONF={shlex.quote(environment["SLURM_CONF"])} exec {real} "$@"\n')
    script.chmod(0o755)
    return place


def _compute(folder: Path, commands: list[list[str]]) -> float:
    """Return the CPU seconds of one job's stage in a process that has run others before."""
    done = subprocess.run(
        [sys.executable, "-c", COMPUTE],
        input=json.dumps(commands),
        cwd=folder,
        env=_own_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    times = sorted(json.loads(done.stdout.splitlines()[-1]))
    return times[len(times) // 2]


def _spent(cluster: object, since: set[str]) -> float:
    """Return the CPU seconds that SLURM accounts for all steps of the jobs that were not there before."""
    form = "--format=JobID,TotalCPU"
    total, last = -1.0, 0.0
    for _ in range(20):  # the accounting lags behind by seconds
        rows = cluster.run("sacct", "-n", "-P", "--starttime=now-1days", form).stdout.split()
        last = sum(_seconds(cpu) for job, cpu in (row.split("|") for row in rows) if "." in job and job not in since)
        if last == total:
            return last
        total = last
        time.sleep(4)
    return last


def _steps(cluster: object) -> set[str]:
    rows = cluster.run("sacct", "-n", "-P", "--starttime=now-1days", "--format=JobID").stdout.split()
    return set(rows)


def _seconds(text: str) -> float:
    days, _, clock = text.rpartition("-")
    parts = [float(part) for part in clock.split(":")]
    return sum(part * 60**power for power, part in enumerate(reversed(parts))) + 86400 * int(days or 0)


def node_overhead() -> Iterator[Figure]:
    """CPU of a job on its node beyond the stage's own: ours in one bundle, the stock executor on the first jobs."""
    from slurm_cluster import SlurmCluster

    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory(prefix="slurm") as place:
        folder = Path(name)
        workflow, commands = _campaign(folder)
        with SlurmCluster(Path(place), cpus=2, memory_mb=20000) as cluster:
            environment = _own_environment(cluster.environment())
            before = _steps(cluster)
            _run(_snakemake(*workflow, *_ours()), folder, environment)
            spent = _spent(cluster, before) / BUNDLE
            compute = _compute(folder, commands)
            products = [Path(words[words.index("--level2b") + 1]) for words in commands[:STOCK_JOBS]]
            for product in products:
                (folder / product).unlink()
            stock = folder / "stock"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(stock), *STOCK]
            subprocess.run(pip, check=True, capture_output=True)
            environment["PYTHONPATH"] = str(stock)
            environment["PATH"] = f"{_srun_with_configuration(folder, environment)}:{environment['PATH']}"
            before = _steps(cluster)
            words = ["--executor", "slurm", "--slurm-init-seconds-before-status-checks", "10", "--latency-wait", "30"]
            _run(_snakemake(*workflow, *words), folder, environment)
            stock_spent = _spent(cluster, before) / STOCK_JOBS
    unit = "ms CPU a job beyond the stage's own"
    ours, theirs = 1e3 * (spent - compute), 1e3 * (stock_spent - compute)
    yield Figure(LINE, "stage-compute", 1e3 * compute, "ms CPU a frame, warm", len(commands))
    yield Figure(LINE, "node-overhead", ours, unit, BUNDLE, 20, peer="slurm plug-in 2.8.0", peer_value=theirs)
    yield Figure(
        LINE, "stock-ratio", theirs / ours, "times as much with the stock plug-in", STOCK_JOBS, 100, at_least=True
    )


def ten_thousand() -> Iterator[Figure]:
    """Ten thousand trivial jobs in two stages: submitted, run, checked and recorded."""
    from slurm_cluster import SlurmCluster

    jobs = 10_000
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory(prefix="slurm") as place:
        folder = Path(name)
        (folder / "Snakefile").write_text(TRIVIAL)
        with SlurmCluster(Path(place), cpus=2, memory_mb=20000) as cluster:
            words = _snakemake("--config", f"number={jobs // 2}", *_ours())
            wall, cpu, memory = _run(words, folder, _own_environment(cluster.environment()))
        made = len(list((folder / "second").iterdir()))
        plan = subprocess.run([*words, "--dry-run"], cwd=folder, capture_output=True, text=True, check=True)
    if made != jobs // 2 or not re.search("Nothing to be done", plan.stdout + plan.stderr):
        raise RuntimeError(f"{made} products; {plan.stdout[-300:]}")
    yield Figure(LINE, "ten-thousand", wall / 60, "min wall on 2 cores", jobs, 5)
    yield Figure(LINE, "controller", 1e3 * cpu / jobs, "ms CPU a job, planning included", jobs, 10)
    yield Figure(LINE, "controller-memory", memory, "MB peak", jobs, 700)


def plan_fifty_thousand() -> Iterator[Figure]:
    """A dry run of fifty thousand jobs."""
    jobs = 50_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Snakefile").write_text(TRIVIAL)
        words = _snakemake("--config", f"number={jobs // 2}", *_ours(), "--dry-run")
        _, cpu, memory = _run(words, folder, _own_environment({}))
    yield Figure(LINE, "plan-fifty-thousand", cpu, "s CPU", jobs, 90)
    yield Figure(LINE, "plan-memory", memory, "MB peak", jobs, 1000)


def local_pool() -> Iterator[Figure]:
    """CPU of a whole run on this machine, controller and workers, beside Snakemake's own local executor."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workflow, commands = _campaign(folder)
        figures = {}
        for executor in ("jobarray", "local"):
            for words in commands:
                (folder / words[words.index("--level2b") + 1]).unlink(missing_ok=True)
            before = _children()
            words = _snakemake(*workflow, "--executor", executor, "--cores", "2")
            wall, _, _ = _run(words, folder, _own_environment({}))
            figures[executor] = wall, (_children() - before) / len(commands)
    (wall, cpu), (stock_wall, stock_cpu) = figures["jobarray"], figures["local"]
    peer = "snakemake's local executor"
    yield Figure(LINE, "local-pool", 1e3 * cpu, "ms CPU a frame", BUNDLE, peer=peer, peer_value=1e3 * stock_cpu)
    yield Figure(LINE, "local-pool-wall", wall, "s wall on 2 cores", BUNDLE, peer=peer, peer_value=stock_wall)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "node-overhead": node_overhead,
    "ten-thousand": ten_thousand,
    "plan-fifty-thousand": plan_fifty_thousand,
    "local-pool": local_pool,
}
