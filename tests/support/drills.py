"""Failure drills: a small two-stage workflow whose granules misbehave as they are told, run through a scheduler.

Each granule's input says what happens at which attempt (``1 eat 300``, ``1 exit 75``, ``* wait go``). Every job writes
down when it begins and when it has finished, so that a drill can count what ran and what ran again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from warm_snakemake import Snakemake, run_snakemake

PYTHON = sys.executable

ACT = """\
import os, resource, sys, time
stage, granule, source, target = sys.argv[1:]
attempt = os.environ["LEVELWORKS_ATTEMPT"]

def note(what):
    with open(f"runs/{stage}-{granule}", "a") as file:
        file.write(f"{what} {attempt}\\\\n")

note("begun")
text = open(source).read()
for line in text.splitlines() if stage == "first" else ():
    when, action, *words = line.split()
    if when not in ("*", attempt):
        continue
    if action == "eat":
        held = bytearray(int(words[0]) << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(float(words[1]) if len(words) > 1 else 3)
    elif action == "wait":
        until = time.time() + 300
        while not os.path.exists(words[0]) and time.time() < until:
            time.sleep(0.05)
    elif action == "sleep":
        time.sleep(float(words[0]))
    elif action == "exit":
        print("told to end")
        sys.exit(int(words[0]))
    elif action == "write":
        try:
            with open(target + ".part", "wb", buffering=0) as file:
                for _ in range(int(words[0])):
                    if file.write(b"x" * (1 << 20)) < 1 << 20:
                        raise OSError("no space left")
        except OSError as error:
            print(error)
            os.remove(target + ".part")
            sys.exit(75)
        os.remove(target + ".part")
with open(target + ".part", "w") as file:
    file.write(f"{stage} of {granule}\\\\n{text}")
os.rename(target + ".part", target)
note("finished")
"""

SNAKEFILE = '''\
from pathlib import Path

GRANULES = sorted(path.stem for path in Path("in").glob("*.txt"))


def asked(name, default):
    """The number in a granule's note on what it asks for."""
    def find(wildcards):
        note = Path("asks") / f"{wildcards.granule}.{name}"
        return float(note.read_text()) if note.exists() else default
    return find


rule all:
    input:
        expand("out/second/{granule}.txt", granule=GRANULES),


rule first:
    input:
        "in/{granule}.txt",
    output:
        "out/first/{granule}.txt",
    log:
        "logs/first/{granule}.log",
    benchmark:
        "benchmarks/first/{granule}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: int(asked("mem_mb", 150)(wildcards) * 2 ** (attempt - 1)),
        runtime=lambda wildcards, attempt: int(asked("runtime", 10)(wildcards) * 1.5 ** (attempt - 1)),
    shell:
        "PYTHON -S act.py first {wildcards.granule} {input} {output} > {log} 2>&1"


rule second:
    input:
        "out/first/{granule}.txt",
    output:
        "out/second/{granule}.txt",
    resources:
        mem_mb=150,
        runtime=10,
    shell:
        "PYTHON -S act.py second {wildcards.granule} {input} {output}"


rule ranks:
    output:
        "out/ranks.txt",
    log:
        "logs/ranks.log",
    threads: 2
    resources:
        mem_mb=600,
        runtime=10,
        mpi="mpiexec",
        tasks=2,
    shell:
        "{resources.mpi} -n {resources.tasks} PYTHON ranks.py {output} > {log} 2>&1"
'''

RANKS = """\
import os, sys
from mpi4py import MPI

world = MPI.COMM_WORLD
if os.environ["LEVELWORKS_ATTEMPT"] == "1" and world.rank == 1:
    world.Abort(3)
total = world.allreduce(world.rank + 1)
if world.rank == 0:
    with open(sys.argv[1], "w") as file:
        file.write(f"{world.size} ranks, {total}")
"""


@dataclass
class Site:
    """A scheduler as a drill sees it: how to reach it, how to disturb it, what it was asked for.

    Attributes
    ----------
    settings : tuple of str
        Options of Snakemake that select the back end.
    live : callable
        Number of elements that are queued or run.
    asked : callable
        Of every element so far: name of its array, memory in MB, minutes, cores.
    disturb : mapping
        What can go wrong, by name; each takes the drill.
    special : mapping
        Options beside `settings` that a drill needs here, by its name.
    minutes : int
        What a job asks for that is to run out of time.
    """

    name: str
    settings: tuple[str, ...]
    environment: Callable[[], dict[str, str]]
    live: Callable[[], int]
    asked: Callable[[], list[tuple[str, int, int, int]]]
    disturb: Mapping[str, Callable[[Drill], None]] = field(default_factory=dict)
    special: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    minutes: int = 1

    def settings_for(self, drill: str) -> tuple[str, ...]:
        """Return what a drill needs beside the site's own settings."""
        return self.special.get(drill, ())


class Drill:
    """One workflow in a folder of its own, on a site."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder = site, folder
        for name in ("in", "asks", "runs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "Snakefile").write_text(SNAKEFILE.replace("PYTHON", PYTHON))
        (folder / "act.py").write_text(ACT.replace("\\\\n", "\\n"))
        (folder / "ranks.py").write_text(RANKS)
        self.output = ""
        self._process: Snakemake | None = None
        self._log = folder / "snakemake.txt"

    def granules(self, count: int, instructions: str = "", *, prefix: str = "g") -> None:
        """Make granules that do what the instructions say."""
        for number in range(count):
            self.granule(f"{prefix}{number}", instructions)

    def granule(self, name: str, instructions: str = "", **asks: float) -> None:
        """Make one granule, and what it asks for."""
        (self.folder / "in" / f"{name}.txt").write_text(instructions)
        for what, amount in asks.items():
            (self.folder / "asks" / f"{name}.{what}").write_text(str(amount))

    def command(self, *words: str, retries: int = 2) -> list[str]:
        """Return the command line, the name of the program aside."""
        common = ["--jobs", "1000", "--scheduler", "firstfit", "--keep-going", "--rerun-incomplete"]
        quick = ["--seconds-between-status-checks", "1", "--latency-wait", "5"]
        ours = ["query-interval=2", "gather=0.3", "lost-after=6", "transient-delay=2"]
        options = [word for one in ours for word in (f"--jobarray-{one.split('=')[0]}", one.split("=")[1])]
        base = ["--executor", "jobarray", "--nocolor", "--retries", str(retries)]
        return [*base, *common, *quick, *options, *self.site.settings, *words]

    def start(self, *words: str, retries: int = 2) -> None:
        """Start the workflow."""
        self._log.write_text("")
        command = self.command(*words, retries=retries)
        self._process = Snakemake(command, self.folder, self.site.environment(), self._log)

    def beside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another Snakemake in the folder."""
        return run_snakemake(words, self.folder, self.site.environment())

    def finish(self, code: int = 0, seconds: float = 400) -> str:
        """Wait for the end, compare its exit code and return the output."""
        assert self._process is not None
        try:
            found = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise AssertionError(f"no end within {seconds} s:\n{self._log.read_text()[-6000:]}") from None
        self.output = self._log.read_text()
        assert (found == 0) == (code == 0), f"ended with {found}:\n{self.output[-8000:]}"
        return self.output

    def run(self, *words: str, code: int = 0, retries: int = 2) -> str:
        """Run the workflow to its end."""
        self.start(*words, retries=retries)
        return self.finish(code)

    def signal(self, number: int) -> None:
        """Send a signal to the controller alone."""
        assert self._process is not None
        self._process.signal(number)

    def kill(self) -> None:
        """Kill the controller as a login node's reboot would, and take its lock away as the manual says."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self.output = self._log.read_text()
        self.beside("--unlock").check_returncode()

    def end(self) -> None:
        """End what still runs, as after a test that failed."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGINT)
            self._process.wait(60)

    def until(self, so: Callable[[], object], what: str, seconds: float = 240) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not so():
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"ended before {what}:\n{self._log.read_text()[-6000:]}")
            if time.monotonic() > end:
                raise AssertionError(f"not {what} within {seconds} s:\n{self._log.read_text()[-6000:]}")
            time.sleep(0.05)

    def said(self, pattern: str) -> bool:
        """Return whether the output so far has something that matches."""
        return re.search(pattern, self._log.read_text()) is not None

    def counts(self, what: str) -> Counter[str]:
        """Count how often each job has begun or finished, by stage and granule."""
        return Counter(
            {
                path.name: sum(line.startswith(what) for line in path.read_text().splitlines())
                for path in (self.folder / "runs").iterdir()
            }
        )

    def begun(self, number: int) -> bool:
        """Return whether so many jobs of the first stage have begun."""
        return sum(count > 0 for name, count in self.counts("begun").items() if name.startswith("first")) >= number

    def arrays(self) -> list[str]:
        """Return the scheduler's ids of the arrays submitted so far."""
        journal = self.folder / ".snakemake" / "jobarray" / "journal.jsonl"
        events = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        return [event["external"] for event in events if event["event"] == "submitted"]

    def check(self, missing: tuple[str, ...] = ()) -> None:
        """Check the end: every product right, none partial, nothing finished twice, and a plan that agrees."""
        granules = sorted(path.stem for path in (self.folder / "in").iterdir())
        for granule in granules:
            text = (self.folder / "in" / f"{granule}.txt").read_text()
            product = self.folder / "out" / "second" / f"{granule}.txt"
            if granule in missing:
                assert not product.exists()
                continue
            assert product.read_text() == f"second of {granule}\nfirst of {granule}\n{text}"
            assert self.counts("finished")[f"first-{granule}"] == 1, f"{granule}: {self.counts('finished')}"
            assert self.counts("finished")[f"second-{granule}"] == 1
        partial = [path for path in (self.folder / "out").rglob("*") if path.name.endswith(".part")]
        assert not partial
        plan = self.beside(*self.command("--dry-run"))
        jobs = re.findall(r"^(first|second)\s+(\d+)$", plan.stdout, flags=re.MULTILINE)
        assert dict(jobs) == ({"first": str(len(missing)), "second": str(len(missing))} if missing else {}), plan.stdout
