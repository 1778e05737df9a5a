"""The executor under a real Snakemake, on this machine: products, retries, failures, and a controller that dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from snakemake.benchmark import BenchmarkRecord
from warm_snakemake import Snakemake

from workflow import environment

WORDS = [
    *("--executor", "jobarray", "--jobarray-backend", "local", "--jobs", "100", "--cores", "2"),
    *("--jobarray-transient-delay", "0.2", "--latency-wait", "2"),
]
CHAIN = """
NAMES = [f"{n:02}" for n in range(12)]
rule all:
    input: "sum.txt"
rule one:
    output: temp("one/{name}.txt")
    log: "logs/{name}.log"
    benchmark: "benchmarks/{name}.tsv"
    shell: "echo {wildcards.name} > {output}; echo noted"
rule total:
    input: expand("one/{name}.txt", name=NAMES)
    output: "sum.txt"
    run:
        with open(output[0], "w") as file:
            file.write("".join(open(path).read() for path in input))
"""
WAITS = """
rule all:
    input: "a.txt", "b.txt"
rule waits:
    output: "{name}.txt"
    shell: "echo {wildcards.name} >> runs; while ! test -e go; do sleep 0.05; done; touch {output}"
"""


class Campaign:
    """A folder with a Snakefile, and the Snakemakes that run there."""

    def __init__(self, folder: Path, snakefile: str) -> None:
        self.folder = folder
        (folder / "Snakefile").write_text(snakefile)
        self._processes: list[tuple[Snakemake, Path]] = []

    def start(self, *words: str) -> Snakemake:
        log = self.folder / f"{len(self._processes)}.log"
        process = Snakemake([*WORDS, *words], self.folder, environment(), log)
        self._processes.append((process, log))
        return process

    def finish(self) -> tuple[int, str]:
        """Wait for the one that was started last; return its exit code and what it printed."""
        process, log = self._processes[-1]
        return process.wait(100), log.read_text()

    def run(self, *words: str) -> tuple[int, str]:
        self.start(*words)
        return self.finish()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.05)

    def wait_for_runs(self, number: int) -> None:
        self.wait_for(lambda: len(self.runs) >= number)

    @property
    def runs(self) -> list[str]:
        path = self.folder / "runs"
        return sorted(path.read_text().split()) if path.exists() else []

    @property
    def controller(self) -> str:
        """Return what the file of the controller says; nothing between a dead one's and its successor's."""
        try:
            return (self.folder / ".snakemake" / "jobarray" / "controller.json").read_text()
        except FileNotFoundError:
            return ""

    def end(self) -> None:
        (self.folder / "go").touch()
        for process, _ in self._processes:
            if process.poll() is None:
                process.signal(signal.SIGKILL)
                process.wait()


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Callable[[str], Campaign]]:
    made: list[Campaign] = []

    def make(snakefile: str) -> Campaign:
        made.append(Campaign(tmp_path, snakefile))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_workflow_has_its_products_logs_and_benchmarks(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(CHAIN)
    code, printed = one.run()
    assert code == 0, printed
    assert (one.folder / "sum.txt").read_text().split() == [f"{number:02}" for number in range(12)]
    assert not list(one.folder.glob("one/*"))
    assert {path.read_text() for path in one.folder.glob("logs/*.log")} == {"noted\n"}
    benchmarks = [path.read_text().splitlines() for path in one.folder.glob("benchmarks/*.tsv")]
    assert len(benchmarks) == 12
    header = BenchmarkRecord.get_header()
    assert all(top.split("\t") == header and len(row.split("\t")) == len(header) for top, row in benchmarks)
    assert "12 jobs in" in printed
    assert not list(one.folder.glob(".snakemake/jobarray/*/*"))
    code, printed = one.run()
    assert code == 0
    assert "Nothing to be done" in printed


def test_a_retry_grows_and_is_told_what_went_before(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(
        """
rule grows:
    output: "a.txt"
    log: "a.log"
    resources: mem_mb=64, runtime=5
    shell: 'if test $LEVELWORKS_ATTEMPT = 1; then exit 137; fi; echo "$LEVELWORKS_EARLIER_ATTEMPTS" > {output}'
"""
    )
    code, printed = one.run("--retries", "1")
    assert code == 0, printed
    assert "64 MB, 5 min, 1 core)" in printed
    assert "128 MB, 5 min, 1 core, attempt 2)" in printed
    assert (one.folder / "a.txt").read_text().startswith("killed for memory")


@pytest.mark.parametrize(
    ("exit_code", "attempts", "words"),
    [(64, 1, "wrong options"), (65, 1, "too many quarantined"), (3, 3, "failed")],
)
def test_a_failure_is_tried_as_often_as_it_is_worth_and_stands_in_the_log(
    campaign: Callable[[str], Campaign], exit_code: int, attempts: int, words: str
) -> None:
    one = campaign(
        f"""
rule fails:
    output: "a.txt"
    log: "a.log"
    shell: "echo x >> runs; echo my own words; exit {exit_code}"
"""
    )
    code, printed = one.run("--retries", "2")
    assert code == 1, printed
    assert one.runs == ["x"] * attempts
    log = (one.folder / "a.log").read_text()
    assert log.startswith("my own words\n")
    assert f"jobarray: fails: {words}" in log
    assert f"exit code {exit_code}" in log
    assert "Given up" in log
    assert f"attempt {attempts}:" in log


def test_one_failure_does_not_stop_what_does_not_need_it(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(
        """
rule all:
    input: expand("{name}.txt", name=list("abc"))
rule some:
    output: "{name}.txt"
    shell: "test {wildcards.name} != b; touch {output}"
"""
    )
    code, printed = one.run("--keep-going", "--jobarray-bundle", "3")
    assert code == 1, printed
    assert sorted(path.name for path in one.folder.glob("*.txt")) == ["a.txt", "c.txt"]


def test_the_last_message_names_twenty_failed_jobs_at_the_most(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(
        """
rule all:
    input: expand("{name}.txt", name=range(23))
rule some:
    output: "{name}.txt"
    shell: "exit 64"
"""
    )
    code, printed = one.run("--keep-going", "--jobarray-bundle", "30")
    assert code == 1, printed
    _, _, last = printed.rpartition("jobarray: 23 jobs failed:\n")
    assert last != printed
    lines = last.splitlines()
    assert all("some" in line for line in lines[:20])
    assert lines[20] == "… and 3 more; each stands in its log"


def test_a_submission_without_a_look_at_what_comes_of_it_is_refused(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(WAITS)
    code, printed = one.run("--immediate-submit", "--notemp")
    assert code == 1
    assert "--immediate-submit is not for it" in printed
    assert one.runs == []


def test_a_command_with_what_only_the_node_knows_runs_there(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(
        """
rule later:
    output: "a.txt"
    shell: "echo {resources.tmpdir} > {output}"
"""
    )
    code, printed = one.run()
    assert code == 0, printed
    assert "<" not in (one.folder / "a.txt").read_text()


def test_the_next_controller_adopts_what_a_killed_one_left(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(WAITS)
    first = one.start()
    one.wait_for_runs(2)
    first.signal(signal.SIGKILL)
    first.wait()
    second = one.start("--rerun-incomplete", "--nolock")
    one.wait_for(lambda: str(second.pid) in one.controller)
    time.sleep(0.5)
    (one.folder / "go").touch()
    code, printed = one.finish()
    assert code == 0, printed
    assert "an earlier run left 2 " in printed
    assert one.runs == ["a", "b"]


def test_a_second_controller_in_the_same_folder_is_refused(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(WAITS)
    one.start()
    one.wait_for_runs(2)
    code, printed = one.run("--nolock")
    assert code == 1
    assert "already runs this folder's jobs" in printed
    assert one.runs == ["a", "b"]


def test_an_interrupt_cancels_what_runs_and_the_next_run_submits_it_anew(campaign: Callable[[str], Campaign]) -> None:
    one = campaign(WAITS)
    process = one.start()
    one.wait_for_runs(2)
    process.signal(signal.SIGINT)
    code, printed = one.finish()
    assert code != 0
    assert "cancelled" in printed
    assert not [path for path in Path("/proc").glob("[0-9]*/cwd") if _is(path, one.folder)]
    (one.folder / "go").touch()
    code, printed = one.run("--rerun-incomplete")
    assert code == 0, printed
    assert one.runs == ["a", "a", "b", "b"]
    assert not list(one.folder.glob(".snakemake/jobarray/*/*"))


def _is(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False
