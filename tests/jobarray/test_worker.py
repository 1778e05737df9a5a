"""The worker of a bundle, run as a scheduler runs it: each job's ending in the status file, whatever it was."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from snakemake.benchmark import BenchmarkRecord

from snakemake_executor_plugin_jobarray.backend import node_command
from snakemake_executor_plugin_jobarray.node.report import StatusFile, read_events
from workflow import environment, simulated

Event = dict[str, Any]
MAPS = ("fixed_pattern", "dark_current", "clock_induced_charge")


class Bundle:
    """A bundle in a folder of its own, and the worker that runs it."""

    def __init__(self, folder: Path, tasks: list[dict[str, Any]], **values: Any) -> None:
        self.folder, self.workdir = folder / "array", folder / "work"
        for path in (self.folder / "bundles", self.folder / "status", self.workdir):
            path.mkdir(parents=True, exist_ok=True)
        bundle = {
            "workdir": str(self.workdir),
            "limit": None,
            "memory": None,
            "expected": None,
            "tasks": tasks,
        } | values
        (self.folder / "bundles" / "1.json").write_text(json.dumps(bundle))
        self.status = str(self.folder / "status" / "1")
        self._process: subprocess.Popen[str] | None = None

    def start(self, index: int = 1, **variables: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in environment().items() if not name.startswith(("SLURM_", "LSB_"))}
        self._process = subprocess.Popen(
            [*node_command(str(self.folder)), str(index)],
            env={**clean, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self._process

    def run(self, **variables: str) -> list[Event]:
        """Run the worker to its end; returns the events of its jobs' ends."""
        printed, _ = self.start(**variables).communicate(timeout=60)
        assert self._process is not None
        assert self._process.returncode == 0, printed
        return self.events("end")

    def events(self, name: str | None = None) -> list[Event]:
        return [event for event in read_events(self.status, 0)[0] if name in (None, event["event"])]

    def wait_for(self, name: str) -> Event:
        until = time.monotonic() + 30
        while not (found := self.events(name)):
            assert time.monotonic() < until, f"no event {name}"
            time.sleep(0.02)
        return found[0]

    def end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def bundle(tmp_path: Path, node_task: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Bundle]]:
    """Return a maker of bundles from commands, or from the values of tasks."""
    made: list[Bundle] = []

    def make(*jobs: str | dict[str, Any], **values: Any) -> Bundle:
        given = [{"command": job} if isinstance(job, str) else job for job in jobs]
        tasks = [node_task(str(number), **one) for number, one in enumerate(given)]
        made.append(Bundle(tmp_path, tasks, **values))
        return made[-1]

    yield make
    for one in made:
        one.end()


def stage(*words: str, log: str | None = None) -> str:
    return shlex.join(["levelworks", "coronagraph", *words]) + (f" > {log} 2>&1" if log else "")


def make_dark(folder: Path, dark: str, log: str, **options: float) -> str:
    inputs = [word for role in MAPS for word in (f"--{role.replace('_', '-')}", f"{folder}/references/{role}.fits")]
    values = json.dumps({"gain": 100.0, "exposure_time": 2.0} | options)
    return stage("make-dark", *inputs, "--dark", dark, "--options", values, log=log)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    simulated(folder, frames=1)
    return folder


def test_jobs_run_one_after_another_and_each_end_is_told(bundle: Callable[..., Bundle]) -> None:
    one = bundle("echo 1 >> order", "echo 2 >> order; exit 3", "echo 3 >> order")
    ends = one.run()
    assert [(event["job"], event["code"]) for event in ends] == [(0, 0), (1, 3), (2, 0)]
    assert (one.workdir / "order").read_text() == "1\n2\n3\n"
    assert [event["event"] for event in one.events()] == ["worker", *["start", "end"] * 3, "bye"]
    assert all(event["wall"] >= 0 and event["cpu"] >= 0 for event in ends)
    hello = one.events("worker")[0]
    assert (hello["host"], hello["id"]) == (os.uname().nodename, "")


@pytest.mark.parametrize(
    ("variables", "identifier"),
    [
        ({"SLURM_ARRAY_TASK_ID": "5", "SLURM_JOB_ID": "77"}, "77"),
        ({"LSB_JOBINDEX": "0", "LSB_JOBID": "88"}, "88"),
        ({"JOBARRAY_INDEX": "0"}, ""),
    ],
)
def test_a_worker_tells_the_schedulers_number_and_needs_no_index_of_it(
    bundle: Callable[..., Bundle], variables: dict[str, str], identifier: str
) -> None:
    one = bundle("true")
    assert one.run(**variables)[0]["code"] == 0
    assert one.events("worker")[0]["id"] == identifier


def test_the_index_names_the_bundle(bundle: Callable[..., Bundle]) -> None:
    one = bundle("echo 1 > found")
    text = (one.folder / "bundles" / "1.json").read_text()
    (one.folder / "bundles" / "12.json").write_text(text.replace("echo 1", "echo 12"))
    process = one.start(12, SLURM_ARRAY_TASK_ID="1")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert (one.workdir / "found").read_text() == "12\n"
    assert not one.events()
    assert (one.folder / "status" / "12").exists()


def test_a_worker_whose_order_was_taken_away_begins_no_further_job_and_says_no_farewell(
    bundle: Callable[..., Bundle],
) -> None:
    one = bundle("echo 0 >> order; rm ../array/bundles/1.json", "echo 1 >> order")
    assert [event["job"] for event in one.run()] == [0]
    assert (one.workdir / "order").read_text() == "0\n"
    assert [event["event"] for event in one.events()] == ["worker", "start", "end"]
    last = bundle("rm ../array/bundles/1.json")
    Path(last.status).unlink()
    assert len(last.run()) == 1
    assert not last.events("bye")


@pytest.mark.parametrize(
    ("expected", "ran"),
    [(None, [0]), (600.0, [0]), (1.0, [0, 1, 2])],
)
def test_a_job_follows_if_there_is_time_for_what_such_jobs_take(
    bundle: Callable[..., Bundle], expected: float | None, ran: list[int]
) -> None:
    one = bundle(*[{"command": "true", "limit": 600.0}] * 3, limit=60.0, expected=expected)
    assert [event["job"] for event in one.run()] == ran


def test_the_folder_for_temporaries_goes_with_the_worker(bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    one = bundle("echo $TMPDIR > place; touch $TMPDIR/left")
    one.run(TMPDIR=str(tmp_path / "scratch"))
    assert (one.workdir / "place").read_text().startswith(f"{tmp_path}/scratch/jobarray-")
    assert not list((tmp_path / "scratch").iterdir())


def test_a_worker_that_is_asked_to_end_leaves_no_temporaries_and_says_when_it_was_asked(
    bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()
    one = bundle("trap '' TERM; touch $TMPDIR/left; echo $$ > begun; sleep 1; sleep 1; sleep 60")
    process = one.start(TMPDIR=str(tmp_path / "scratch"))
    until = time.monotonic() + 30
    while not (one.workdir / "begun").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    asked = time.time()
    process.terminate()
    process.communicate(timeout=30)
    (event,) = one.events("signal")
    assert abs(event["asked"] - asked) < 1.5
    assert event["time"] > event["asked"] + 1.0  # its children were ended first
    assert not list((tmp_path / "scratch").iterdir())


def test_a_job_that_owes_an_output_has_not_ended_well(bundle: Callable[..., Bundle]) -> None:
    outputs = (("out/a", "file"), ("out/b", "file"), ("flag", "touched"))
    (end,) = bundle({"command": "echo x > out/a", "outputs": outputs}).run()
    assert (end["code"], end["reason"]) == (0, "missing")
    assert "out/b" in end["message"]
    assert "out/a" not in end["message"]


def test_a_benchmark_file_is_written_of_a_job_that_ended_well(bundle: Callable[..., Bundle]) -> None:
    one = bundle({"command": "sleep 0.1", "benchmark": "b/good.tsv"}, {"command": "false", "benchmark": "b/bad.tsv"})
    assert [event["code"] for event in one.run()] == [0, 1]
    header, row = (line.split("\t") for line in (one.workdir / "b/good.tsv").read_text().splitlines())
    assert header == BenchmarkRecord.get_header()
    assert len(row) == len(header)
    assert 0.1 <= float(row[0]) < 30
    assert not (one.workdir / "b/bad.tsv").exists()


def test_a_place_that_cannot_be_prepared_is_trouble_of_the_file_system(bundle: Callable[..., Bundle]) -> None:
    one = bundle({"command": "touch ran", "outputs": (("blocked/a", "file"),)}, "true")
    (one.workdir / "blocked").write_text("a file where a folder should be")
    first, second = one.run()
    assert first["code"] == 75
    assert "blocked" in first["message"]
    assert second["code"] == 0
    assert not (one.workdir / "ran").exists()


def test_a_shell_that_is_not_there_is_trouble_too(bundle: Callable[..., Bundle]) -> None:
    first, second = bundle({"command": "true", "shell": "/no/such/shell"}, "true").run()
    assert first["code"] == 75
    assert "/no/such/shell" in first["message"]
    assert second["code"] == 0


def test_a_worker_begins_no_job_for_which_the_time_may_not_suffice(bundle: Callable[..., Bundle]) -> None:
    jobs = [{"command": f"echo {number} >> order", "limit": 30.0} for number in range(4)]
    one = bundle(jobs[0] | {"command": "sleep 1.2; echo 0 >> order"}, *jobs[1:], limit=36.0)
    assert [event["job"] for event in one.run()] == [0]
    assert [event["jobs"] for event in one.events("left")] == [[1, 2, 3]]
    assert one.events()[-1]["event"] == "bye"
    assert (one.workdir / "order").read_text() == "0\n"


def test_the_first_job_begins_however_little_time_there_is(bundle: Callable[..., Bundle]) -> None:
    one = bundle({"command": "true", "limit": 600.0}, {"command": "true", "limit": 600.0}, limit=60.0)
    assert [event["job"] for event in one.run()] == [0]
    assert one.events("left")[0]["jobs"] == [1]


def test_jobs_that_need_little_time_follow_as_long_as_there_is_some(bundle: Callable[..., Bundle]) -> None:
    one = bundle(*[{"command": "true", "limit": 10.0}] * 5, limit=60.0)
    assert [event["job"] for event in one.run()] == list(range(5))
    assert not one.events("left")


def test_a_requeued_worker_goes_on_where_the_first_one_stood(bundle: Callable[..., Bundle]) -> None:
    one = bundle("echo 0 >> order", "echo 1 >> order", "echo 2 >> order")
    first = StatusFile(one.status)
    first.write("worker", host="gone", pid=1, id="7")
    first.write("start", job=0)
    first.write("end", job=0, code=0)
    first.write("start", job=1)
    assert [event["job"] for event in one.run()] == [0, 1, 2]
    assert (one.workdir / "order").read_text() == "1\n2\n"
    assert len(one.events("worker")) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_worker_that_is_asked_to_end_ends_its_job_and_says_so(bundle: Callable[..., Bundle], number: int) -> None:
    one = bundle({"command": "sleep 60 & echo $! > below; wait"}, "touch ran")
    process = one.start()
    one.wait_for("start")
    until = time.monotonic() + 10
    while not ((one.workdir / "below").exists() and (one.workdir / "below").read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert one.events()[-1]["event"] == "signal"
    assert one.events()[-1]["signal"] == number
    assert not one.events("end")
    assert not (one.workdir / "ran").exists()
    below = int((one.workdir / "below").read_text())
    assert not psutil.pid_exists(below) or psutil.Process(below).status() == psutil.STATUS_ZOMBIE


def test_a_worker_that_is_asked_to_end_as_its_job_begins_leaves_nothing_that_runs(
    bundle: Callable[..., Bundle],
) -> None:
    """The request comes while the command has begun and the worker has not been told its number yet."""
    program = (
        "import os, signal, subprocess, sys; from snakemake_executor_plugin_jobarray.node.worker import Worker\n"
        "class Struck(subprocess.Popen):\n"
        "    def __init__(self, *words, **values):\n"
        "        super().__init__(*words, **values)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "subprocess.Popen = Struck\n"
        "Worker(sys.argv[1], 1).run()"
    )
    one = bundle("sleep 60 & wait")
    words = [sys.executable, "-c", program, str(one.folder)]
    done = subprocess.run(words, env=environment(), stdout=subprocess.DEVNULL, check=False, timeout=30)
    assert done.returncode == 128 + signal.SIGTERM
    assert [event["event"] for event in one.events()] == ["worker", "start", "signal"]
    assert not [below for below in psutil.process_iter(["cwd"]) if below.info["cwd"] == str(one.workdir)]


def test_a_worker_that_is_asked_to_end_ends_its_warm_process(bundle: Callable[..., Bundle], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    options = json.dumps({"gain": 100.0, "exposure_time": 2.0})
    words = ("--noise-maps", str(tmp_path / "pipe"), "--dark", "dark.fits", "--options", options)
    one = bundle(stage("make-dark", *words, log="log"))
    process = one.start()
    one.wait_for("start")
    until = time.monotonic() + 30
    while (writing := _other_end(tmp_path / "pipe")) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    (runner,) = psutil.Process(process.pid).children()
    process.terminate()
    process.communicate(timeout=30)
    os.close(writing)
    assert process.returncode == 128 + signal.SIGTERM
    assert not runner.is_running()
    assert [event["event"] for event in one.events()] == ["worker", "start", "signal"]


def test_the_time_limit_of_a_job_costs_that_job_alone(bundle: Callable[..., Bundle]) -> None:
    first, second = bundle({"command": "sleep 60", "limit": 0.5}, "true").run()
    assert (first["code"], first["reason"]) == (None, "time")
    assert second["code"] == 0


def test_a_warm_job_is_the_job_that_its_shell_command_is(bundle: Callable[..., Bundle], raw: Path) -> None:
    """The same bytes, log and exit codes; `exec` is what takes a command to the shell."""
    settings = {"0": 100.0, "1": 100.0, "bad": 0.5}
    commands = [
        start + make_dark(raw, f"{way}/{name}.fits", f"{way}/{name}.log", gain=gain)
        for way, start in (("w", ""), ("s", "exec "))
        for name, gain in settings.items()
    ]
    one = bundle(*commands)
    for way in "ws":
        (one.workdir / way).mkdir()
    codes = {event["job"]: event["code"] for event in one.run()}
    assert [codes[number] for number in range(6)] == [0, 0, 64] * 2
    files = {path.relative_to(one.workdir / "w").name for path in (one.workdir / "w").iterdir()}
    assert files >= {"0.fits", "1.fits", "0.log", "1.log", "bad.log"}
    assert files == {path.name for path in (one.workdir / "s").iterdir()}
    for name in ("0.fits", "1.fits"):
        assert (one.workdir / "w" / name).read_bytes() == (one.workdir / "s" / name).read_bytes()
        assert (one.workdir / "w" / name).read_bytes() == (one.workdir / "w/0.fits").read_bytes()
    for name in ("0.log", "1.log", "bad.log"):
        assert _plain(one.workdir / "w" / name, "w") == _plain(one.workdir / "s" / name, "s")
    record = json.loads((one.workdir / "w/1.fits.json").read_text())
    assert record["outcome"] == "done"


def _plain(log: Path, way: str) -> str:
    """Return a log without the times and the folder in its lines."""
    text = re.sub(r"^\d{4}-\S+ |\d+\.\d+ s\b", "", log.read_text(), flags=re.MULTILINE)
    assert text
    return text.replace(f"{way}/", "")


def test_jobs_of_stages_share_a_warm_process_and_its_death_costs_one(
    bundle: Callable[..., Bundle], raw: Path, tmp_path: Path
) -> None:
    """The second job reads a pipe into which nothing is written: it waits there until it is killed."""
    os.mkfifo(tmp_path / "pipe")
    waits = stage("make-dark", "--noise-maps", str(tmp_path / "pipe"), "--dark", "waits.fits", log="waits.log")
    waits = waits.replace(" > ", f" --options {shlex.quote(json.dumps({'gain': 100.0, 'exposure_time': 2.0}))} > ")
    one = bundle(make_dark(raw, "0.fits", "0.log"), waits, make_dark(raw, "2.fits", "2.log"), "true")
    process = one.start()
    until = time.monotonic() + 30
    while not [event for event in one.events("start") if event["job"] == 1]:
        assert time.monotonic() < until
        time.sleep(0.02)
    (runner,) = psutil.Process(process.pid).children()
    while (writing := _other_end(tmp_path / "pipe")) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    runner.kill()
    process.communicate(timeout=60)
    os.close(writing)
    ends = one.events("end")
    assert [event["code"] for event in ends] == [0, None, 0, 0]
    assert ends[1]["signal"] == signal.SIGKILL
    assert (one.workdir / "0.fits").read_bytes() == (one.workdir / "2.fits").read_bytes()


def _other_end(pipe: Path) -> int | None:
    """Open a pipe for writing if someone reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def warm(one: Bundle) -> str:
    """Return which commands of a bundle go warm, as printed."""
    program = (
        "import json, sys; from snakemake_executor_plugin_jobarray.node.worker import Worker\n"
        "worker = Worker(sys.argv[1], 1)\n"
        "print([worker._warm_command(task) is not None for task in worker.bundle['tasks']])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(one.folder)], env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "change",
    [
        {"nested": True},
        {"suffix": "; true"},
        {"prefix": "set -e;"},
        {"prefix": "module load x; set -euo pipefail;"},
        {"logs": ("one.log",)},
        {"command": "nice levelworks coronagraph make-dark --help"},
        {"command": 'levelworks coronagraph make-dark --dark "$HOME/x"'},
    ],
)
def test_only_a_plain_stage_command_goes_warm(change: dict[str, Any], bundle: Callable[..., Bundle]) -> None:
    plain = {"command": "levelworks coronagraph make-dark --help"}
    one = bundle(plain, plain | change)
    assert warm(one) == "[True, False]\n"


@pytest.mark.parametrize(
    "change",
    [
        {"prefix": " set -euo pipefail; "},
        {"command": "levelworks coronagraph make-dark --help > one.log 2>&1", "logs": ("one.log",)},
    ],
)
def test_what_stands_around_most_commands_does_not_keep_them_from_going_warm(
    change: dict[str, Any], bundle: Callable[..., Bundle]
) -> None:
    one = bundle({"command": "levelworks coronagraph make-dark --help"} | change)
    assert warm(one) == "[True]\n"


def test_no_command_goes_warm_where_the_shell_finds_another_levelworks(
    bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    other = tmp_path / "bin" / "levelworks"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho another > found\n")
    other.chmod(0o755)
    one = bundle("levelworks coronagraph make-dark --help")
    (end,) = one.run(PATH=f"{other.parent}:{os.environ['PATH']}")
    assert end["code"] == 0
    assert (one.workdir / "found").read_text() == "another\n"
