"""The controller over a scheduler in memory: jobs in, endings out; killed, and nothing lost or run twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.arrays import Array, Element
from snakemake_executor_plugin_jobarray.backend import Full, Refused, State, Unanswered, Unavailable
from snakemake_executor_plugin_jobarray.causes import Cause, Ending, Policy, Verdict
from snakemake_executor_plugin_jobarray.controller import Controller
from snakemake_executor_plugin_jobarray.journal import AnotherController, Journal
from snakemake_executor_plugin_jobarray.requests import Caps, Request
from snakemake_executor_plugin_jobarray.submitter import LONGEST_PAUSE, Tuning
from snakemake_executor_plugin_jobarray.tasks import Task

ASKED = Request(mem_mb=1000, runtime=10)
TUNING = Tuning(bundle=1, gather=0.0, query=10.0, settle=2.0, lost_after=60.0, poll=0.01)


class Listener:
    """Takes over endings as Snakemake does: what succeeded is collected unless a test holds that back."""

    def __init__(self) -> None:
        self.good: list[str] = []
        self.bad: list[tuple[str, Ending, Verdict]] = []
        self.calls: list[list[str]] = []
        self.broken: list[Exception] = []
        self.places: list[tuple[str, int]] = []
        self.begun: list[tuple[str, str]] = []
        self.disruptions: list[tuple[str, Cause | None]] = []
        self.collects = True
        self.controller: Controller | None = None

    def ended_well(self, tasks: Sequence[Task]) -> None:
        self.calls.append([task.key for task in tasks])
        self.good += self.calls[-1]
        if self.collects and self.controller:
            for task in tasks:
                self.controller.collected(task.key)

    def submitted(self, tasks: Sequence[Task], element: Element) -> None:
        self.places += [(task.key, element.index) for task in tasks]

    def began(self, task: Task, element: Element) -> None:
        self.begun.append((task.key, element.host))

    def disrupted(self, task: Task, ending: Ending, element: Element | None) -> None:
        self.disruptions.append((task.key, ending.cause))

    def ended_badly(self, task: Task, ending: Ending, verdict: Verdict, element: Element | None) -> None:
        self.bad.append((task.key, ending, verdict))

    def broke(self, error: Exception) -> None:
        self.broken.append(error)

    @property
    def causes(self) -> list[tuple[str, Cause | None]]:
        return [(key, ending.cause) for key, ending, _ in self.bad]


class NoThread:
    """Stands for the controller's thread: tests make its rounds."""

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        return False


class Run:
    """One run of a controller, in rounds that a test makes."""

    def __init__(self, folder: Path, backend: Any, log: Any, clock: Any, tuning: Tuning, policy: Policy) -> None:
        self.backend, self.clock, self.listener = backend, clock, Listener()
        self.journal = Journal(folder)
        self.controller = Controller(backend, self.journal, self.listener, "/work", tuning, policy, log)
        self.controller._thread = NoThread()  # type: ignore[assignment]
        self.listener.controller = self.controller
        self.controller.start()

    def add(self, *tasks: Task, request: Request = ASKED) -> None:
        self.controller.add([(task, request) for task in tasks])
        self.rounds()

    def rounds(self, seconds: float = 0.0) -> None:
        """Let time pass, with a round each second."""
        for _ in range(int(seconds) + 3):
            self.controller._round()
            self.clock.advance(1.0)

    def end(self) -> int:
        """End the run as Snakemake does; returns how many jobs go on."""
        self.rounds()
        going_on = self.controller.stop()
        self.journal.release()
        return going_on

    def kill(self) -> None:
        """Leave the run as a killed process leaves it: nothing more is written down."""
        self.journal.release()


@pytest.fixture
def begin(tmp_path: Path, backend: Any, log: Any, clock: Any) -> Iterator[Callable[..., Run]]:
    """Return a function that starts a controller in the test's folder."""
    runs: list[Run] = []

    def make(policy: Policy | None = None, **tuning: Any) -> Run:
        runs.append(Run(tmp_path / "jobarray", backend, log, clock, replace(TUNING, **tuning), policy or Policy()))
        return runs[-1]

    yield make
    for run in runs:
        run.kill()


def submitted(backend: Any) -> list[str]:
    """Return the keys of all jobs that were ever submitted."""
    return [
        job.task.key for array in backend.arrays.values() for element in array.elements.values() for job in element.jobs
    ]


# One run.


def test_jobs_that_end_well_are_handed_over_and_their_array_is_cleared_away(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=2)
    run.add(task("a"), task("b"), task("c"))
    assert submitted(backend) == ["a", "b", "c"]
    for index in (1, 2):
        backend.finishes("101", index)
    run.rounds(10)
    assert sorted(run.listener.good) == ["a", "b", "c"]
    assert not run.listener.bad
    assert not backend.arrays["101"].folder.exists()
    assert run.end() == 0
    assert begin().journal.open_arrays() == []


def test_a_worker_that_says_farewell_when_the_run_is_over_is_heard(
    begin: Callable[..., Run], backend: Any, clock: Any, task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin()
    run.add(task("a"), task("b"))
    for index in (1, 2):
        backend.begins("101", index)
        backend.ends("101", index)
    run.rounds()
    assert run.listener.good == ["a", "b"]
    assert backend.arrays["101"].folder.exists()
    backend.says("101", 1, "bye")

    def late(seconds: float) -> None:
        clock.advance(seconds)
        backend.says("101", 2, "bye")

    monkeypatch.setattr(clock, "sleep", late)
    assert run.controller.stop() == 0
    assert not backend.arrays["101"].folder.exists()


def test_a_run_does_not_wait_long_for_farewells(
    begin: Callable[..., Run], backend: Any, clock: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    run.add(task("a"))
    backend.begins("101")
    backend.ends("101")
    run.rounds()
    before = clock.monotonic()
    assert run.controller.stop() == 0
    assert clock.monotonic() - before < 3.0
    run.journal.release()
    backend.says("101", 1, "bye")
    later = begin()
    later.rounds()
    later.end()
    assert later.journal.open_arrays() == []


def test_a_listener_hears_of_submissions_beginnings_and_disruptions(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=2)
    run.add(task("a"), task("b"), task("c"))
    assert run.listener.places == [("a", 1), ("b", 1), ("c", 2)]
    assert run.listener.begun == []
    backend.begins("101", 1, host="node7")
    run.rounds()
    assert run.listener.begun == [("a", "node7")]
    backend.ends("101", 1)
    backend.says("101", 1, "start", job=1)
    run.rounds()
    assert run.listener.begun == [("a", "node7"), ("b", "node7")]
    backend.set("101", State.ENDED, 1, cause=Cause.NODE, detail="node7 went down")
    run.rounds(30)
    assert run.listener.disruptions == [("b", Cause.NODE)]
    assert run.listener.bad == []


def test_one_bad_job_does_not_hold_up_the_others_of_its_bundle(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=3)
    run.add(task("a"), task("b"), task("c"))
    backend.begins("101")
    backend.ends("101", job=0)
    backend.ends("101", job=1, code=70)
    backend.ends("101", job=2)
    backend.says("101", 1, "bye")
    run.rounds(10)
    assert run.listener.good == ["a", "c"]
    assert run.listener.causes == [("b", Cause.BUG)]
    assert not run.listener.bad[0][2].again
    assert backend.arrays["101"].folder.exists()  # something failed in it


def test_a_retry_asks_for_more_of_what_ran_out(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(Policy(caps=Caps(3000, 100)))
    asked = []
    for attempt in (1, 2, 3):
        run.add(task("a", attempt=attempt))
        identifier = str(100 + attempt)
        asked.append(backend.arrays[identifier].request.mem_mb)
        backend.begins(identifier)
        backend.says(identifier, 1, "end", job=0, code=None, signal=9)
        backend.says(identifier, 1, "bye")
        run.rounds()
    assert asked == [1000, 2000, 3000]
    assert [verdict.again for _, _, verdict in run.listener.bad] == [True, True, False]
    assert "cap of 3000 MB" in run.listener.bad[-1][2].why
    assert backend.arrays["103"].elements[1].jobs[0].task.earlier == tuple(
        ending.describe() for _, ending, _ in run.listener.bad[:2]
    )
    assert {array.request.runtime for array in backend.arrays.values()} == {10}


def test_trouble_of_a_service_is_waited_out(begin: Callable[..., Run], backend: Any, task: Callable[..., Task]) -> None:
    run = begin(Policy(transient_delay=60.0))
    run.add(task("a"))
    backend.begins("101")
    backend.ends("101", code=75)
    backend.says("101", 1, "bye")
    run.rounds()
    assert run.listener.bad[0][2].history.delay == 60
    run.add(task("a", attempt=2))
    run.rounds(50)
    assert len(backend.arrays) == 1
    run.rounds(20)
    assert len(backend.arrays) == 2


def test_disruptions_cost_no_retries_and_avoid_the_node(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task], log: Any
) -> None:
    run = begin(Policy(disruptions=2, disruption_delay=1.0))
    run.add(task("a"))
    for identifier in ("101", "102", "103"):
        backend.begins(identifier, host=f"node{identifier}")
        backend.set(identifier, State.ENDED, 1, cause=Cause.NODE, host=f"node{identifier}")
        run.rounds(30)
    assert [array.request.avoid for array in backend.arrays.values()] == [
        set(),
        {"node101"},
        {"node101", "node102"},
    ]
    assert {array.request.mem_mb for array in backend.arrays.values()} == {1000}
    assert run.listener.causes == [("a", Cause.NODE)]
    assert "disrupted 3 times" in run.listener.bad[0][2].why
    assert len([text for text in log.warnings if "submitted again" in text]) == 2


def test_a_lost_job_counts_as_a_disruption(begin: Callable[..., Run], backend: Any, task: Callable[..., Task]) -> None:
    run = begin(Policy(disruptions=1))
    run.add(task("a"))
    backend.begins("101")
    del backend.states["101", 1]
    run.rounds(100)
    assert len(backend.arrays) == 2
    assert ("101", [1]) in backend.cancelled
    backend.begins("102")
    del backend.states["102", 1]
    run.rounds(100)
    assert run.listener.causes == [("a", Cause.LOST)]
    assert len(backend.arrays) == 2


def test_jobs_that_were_left_are_submitted_again_as_they_were(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(Policy(disruptions=0), bundle=3)
    run.add(task("a"), task("b"), task("c"))
    for identifier, left in (("101", [1, 2]), ("102", [1]), ("103", [])):
        backend.begins(identifier)
        backend.ends(identifier)
        backend.says(identifier, 1, "left", jobs=left)
        backend.says(identifier, 1, "bye")
        backend.set(identifier, State.ENDED, 1)
        run.rounds(20)
    assert run.listener.good == ["a", "b", "c"]
    assert not run.listener.bad
    assert submitted(backend) == ["a", "b", "c", "b", "c", "c"]
    assert {array.request.mem_mb for array in backend.arrays.values()} == {1000}


def test_what_the_scheduler_refuses_fails_at_once(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    backend.refusals = [Refused("no such partition")]
    run.add(task("a"))
    assert run.listener.causes == [("a", Cause.REFUSED)]
    assert run.listener.bad[0][1].detail == "no such partition"
    assert not run.listener.bad[0][2].again


def test_a_scheduler_without_room_or_without_answer_loses_nothing(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    backend.refusals = [Full("limit")] * 3
    run.add(task("a"), task("b"))
    backend.away = Unavailable("no answer")
    run.rounds(20)
    backend.away = None
    run.rounds(LONGEST_PAUSE)
    for identifier, array in backend.arrays.items():
        for index in array.elements:
            backend.finishes(identifier, index)
    run.rounds(10)
    assert sorted(run.listener.good) == ["a", "b"]
    assert not run.listener.bad
    assert sorted(submitted(backend)) == ["a", "b"]


def test_the_next_successes_wait_until_the_last_ones_are_taken_over(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    run.listener.collects = False
    run.add(task("a"), task("b"), task("c"))
    backend.finishes("101", 1)
    run.rounds(10)
    backend.finishes("101", 2)
    backend.finishes("101", 3)
    run.rounds(10)
    assert run.listener.calls == [["a"]]
    run.controller.collected("a")
    run.rounds(10)
    assert run.listener.calls == [["a"], ["b", "c"]]
    run.controller.rejected("b")
    run.controller.collected("c")
    run.add(task("b", attempt=2))
    assert submitted(backend) == ["a", "b", "c", "b"]


def test_an_array_of_which_snakemake_rejects_a_product_closes(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=2)
    run.listener.collects = False
    run.add(task("a"), task("b"))
    backend.finishes("101")
    run.rounds(10)
    run.controller.collected("a")
    run.rounds()
    assert backend.arrays["101"].folder.exists()  # Snakemake still looks at the product of b
    run.controller.rejected("b")
    run.rounds()
    assert not backend.arrays["101"].folder.exists()
    run.listener.collects = True
    run.add(task("b", attempt=2))
    backend.finishes("102")
    run.rounds(10)
    assert run.listener.good == ["a", "b", "b"]
    assert run.end() == 0
    assert begin().journal.open_arrays() == []


def test_a_job_that_failed_is_not_counted_twice_when_its_rejection_is_heard(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=2)
    run.listener.collects = False
    run.add(task("a"), task("b"))
    backend.begins("101")
    backend.ends("101", job=0)
    backend.ends("101", job=1, code=1)
    backend.says("101", 1, "bye")
    run.rounds(10)
    run.controller.rejected("b")
    run.rounds()
    assert [array.uncollected for array in run.controller._arrays] == [1]
    run.controller.collected("a")
    run.rounds()
    assert not run.controller._arrays


def test_successes_of_many_jobs_are_handed_over_in_few_calls(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=100, poll=0.01)
    run.add(*[task(str(number)) for number in range(2000)])
    for index in range(1, 21):
        backend.finishes("101", index)
        run.controller._round()
        run.clock.advance(0.3)
    run.rounds(10)
    assert len(run.listener.good) == 2000
    assert len(run.listener.calls) < 6


def test_cancelling_cancels_everything_that_is_submitted(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(bundle=2)
    run.add(task("a"), task("b"), task("c"))
    run.add(task("d", rule="combine"))
    run.add(task("e", rule="plot"))
    backend.finishes("102")
    backend.begins("101")
    backend.ends("101", 1, job=0)
    run.rounds(10)
    arrays, jobs = run.controller.cancel()
    assert (sorted(arrays), jobs) == (["101", "103"], 3)
    assert sorted(backend.cancelled) == [("101", None), ("103", None)]
    assert not run.listener.bad


def test_a_controller_that_stops_leaves_running_jobs_alone(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    run.add(task("a"), task("b"))
    backend.finishes("101", 1)
    run.rounds(10)
    assert run.end() == 1
    assert not backend.cancelled
    assert len(begin().journal.open_arrays()) == 1


def test_a_controller_that_cannot_go_on_says_so(
    tmp_path: Path, backend: Any, log: Any, task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snakemake_executor_plugin_jobarray.journal.HEARTBEAT", 0.01)
    listener, journal = Listener(), Journal(tmp_path / "jobarray")
    controller = Controller(backend, journal, listener, "/work", TUNING, Policy(), log)
    (tmp_path / "jobarray" / "controller.json").write_text("{}")
    controller.start()
    _wait_for(lambda: listener.broken)
    assert isinstance(listener.broken[0], AnotherController)
    assert controller.stop() == 0
    journal.release()


def test_the_thread_does_what_the_rounds_do(tmp_path: Path, backend: Any, log: Any, task: Callable[..., Task]) -> None:
    listener, journal = Listener(), Journal(tmp_path / "jobarray")
    controller = Controller(backend, journal, listener, "/work", TUNING, Policy(), log)
    listener.controller = controller
    controller.start()
    jobs = [(task(str(number)), ASKED) for number in range(40)]
    adders = [threading.Thread(target=controller.add, args=(jobs[start::4],)) for start in range(4)]
    for adder in adders:
        adder.start()
    _wait_for(lambda: len(submitted(backend)) == 40)
    for identifier, array in list(backend.arrays.items()):
        for index in array.elements:
            backend.finishes(identifier, index)
    _wait_for(lambda: len(listener.good) == 40)
    assert controller.stop() == 0
    journal.release()
    assert sorted(listener.good) == sorted(submitted(backend)) == sorted(task.key for task, _ in jobs)
    assert not listener.broken


def _wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


# Killed and started again.


@pytest.fixture
def product(tmp_path: Path, task: Callable[..., Task]) -> Callable[..., Task]:
    """Return a maker of jobs that turn one file into another; the input is there, and older."""

    def make(key: str = "a", **values: Any) -> Task:
        source, target = tmp_path / f"{key}.in", tmp_path / f"{key}.out"
        if not source.exists():
            source.write_text("in")
            _age(source, 3600)
        return task(key, inputs=(str(source),), outputs=((str(target), "file"),), **values)

    return make


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def _write(task: Task, clock: Any = None) -> Path:
    """Write a job's product, at the time of a clock."""
    path = Path(task.outputs[0][0])
    path.write_text("out")
    if clock:
        os.utime(path, (clock.time(), clock.time()))
    return path


def test_what_still_runs_is_adopted(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task], log: Any
) -> None:
    first = begin(bundle=2)
    jobs = [product(name) for name in "abc"]
    first.add(*jobs)
    backend.begins("101")
    first.rounds()
    first.kill()
    second = begin(bundle=2)
    assert any("earlier run left 3 " in text for text in log.infos)
    second.add(*jobs)
    second.rounds(30)
    assert submitted(backend) == ["a", "b", "c"]
    for job in jobs:
        _write(job, second.clock)
    for index in (1, 2):
        backend.finishes("101", index)
    second.rounds(30)
    assert sorted(second.listener.good) == ["a", "b", "c"]
    assert not second.listener.bad
    assert not backend.cancelled
    assert second.end() == 0
    assert begin().journal.open_arrays() == []


def test_an_array_whose_id_was_never_written_down_is_adopted_by_its_name(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin()
    monkeypatch.setattr(first.journal, "submitted", lambda _: None)
    first.add(product())
    first.kill()
    second = begin()
    second.add(product())
    second.rounds(20)
    _write(product(), second.clock)
    backend.finishes("101")
    second.rounds(20)
    assert submitted(backend) == ["a"]
    assert second.listener.good == ["a"]


def test_an_array_that_was_written_down_and_never_submitted_is_submitted(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    first.kill()
    del backend.arrays["101"]
    backend.states.clear()
    (journal,) = (first.journal.folder / "journal.jsonl",)
    journal.write_text("".join(line for line in journal.read_text().splitlines(True) if '"submitted"' not in line))
    second = begin()
    second.add(product())
    second.rounds(30)
    assert submitted(backend) == []  # it may turn up yet
    second.rounds(60)
    assert submitted(backend) == ["a"]
    backend.finishes("101")
    second.rounds(20)
    assert second.listener.good == ["a"]


def test_an_adopted_job_is_told_its_failure_and_grows_from_where_it_was(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    backend.begins("101")
    backend.ends("101", code=137)
    backend.says("101", 1, "bye")
    first.rounds()
    first.add(product(attempt=2))
    assert backend.arrays["102"].request.mem_mb == 2000
    first.kill()
    second = begin()
    second.add(product(attempt=1))  # the new run of Snakemake begins to count anew
    second.rounds(20)
    backend.begins("102")
    backend.ends("102", code=137)
    backend.says("102", 1, "bye")
    second.rounds(20)
    ((_, ending, verdict),) = second.listener.bad
    assert ending.cause is Cause.MEMORY
    assert len(verdict.history.earlier) == 2
    second.add(product(attempt=3))
    assert backend.arrays["103"].request.mem_mb == 4000


@pytest.mark.parametrize("when", ["before the controller was killed", "while there was none", "after adoption"])
def test_a_success_that_nobody_took_over_is_taken_over_once(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task], when: str
) -> None:
    first = begin()
    first.listener.collects = False
    first.add(product())
    if when == "before the controller was killed":
        _write(product())
        backend.finishes("101")
        first.rounds(10)
        assert first.listener.good == ["a"]
    first.kill()
    if when == "while there was none":
        _write(product())
        backend.finishes("101")
    second = begin()
    second.add(product())
    if when == "after adoption":
        _write(product(), second.clock)
        backend.finishes("101")
    second.rounds(30)
    assert second.listener.good == ["a"]
    assert submitted(backend) == ["a"]
    second.end()
    third = begin()
    third.add(product())
    assert submitted(backend) == ["a", "a"]  # what was taken over is not taken over again


@pytest.mark.parametrize("change", ["product gone", "product old", "input new", "input gone", "command", "failed"])
def test_a_success_that_does_not_stand_any_more_is_no_success(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task], change: str
) -> None:
    first, job = begin(), product()
    first.add(job)
    written = _write(job)
    backend.begins("101")
    backend.ends("101", code=1 if change == "failed" else 0)
    backend.says("101", 1, "bye")
    backend.set("101", State.ENDED)
    first.kill()
    match change:
        case "product gone":
            written.unlink()
        case "product old":
            _age(written, 1000)
        case "input new":
            _age(Path(job.inputs[0]), -1000)
        case "input gone":
            Path(job.inputs[0]).unlink()
        case "command":
            job = replace(job, fingerprint="another")
    second = begin()
    second.add(job)
    second.rounds(20)
    assert submitted(backend) == ["a", "a"]
    assert not second.listener.good
    assert not second.listener.bad
    assert not backend.cancelled


def test_the_same_product_by_another_command_waits_until_the_old_one_is_dead(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin(bundle=2)
    first.add(product("a"), product("b"))
    backend.begins("101")
    first.kill()
    second = begin(bundle=2)
    second.add(product("a", fingerprint="other options"), product("b"))
    assert backend.cancelled == [("101", [1])]
    second.rounds(30)
    assert len(backend.arrays) == 1
    backend.set("101", State.ENDED, 1, cause=Cause.CANCELLED)
    second.rounds(30)
    assert sorted(submitted(backend)) == ["a", "a", "b", "b"]
    new = {job.task.key: job.task.fingerprint for job in backend.arrays["102"].elements[1].jobs}
    assert new == {"a": "other options", "b": "of b"}
    assert not second.listener.bad
    backend.finishes("102")
    second.rounds(20)
    assert sorted(second.listener.good) == ["a", "b"]


def test_the_old_command_s_success_is_not_the_new_one_s(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    backend.begins("101")
    first.kill()
    second = begin()
    second.add(product(fingerprint="other options"))
    _write(product())
    backend.finishes("101")  # it could not be cancelled in time
    second.rounds(20)
    assert not second.listener.good
    assert submitted(backend) == ["a", "a"]
    backend.finishes("102")
    second.rounds(20)
    assert second.listener.good == ["a"]


def test_what_the_new_run_does_not_want_goes_on_and_is_kept(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product("a"), product("b"))
    first.kill()
    second = begin()
    second.add(product("a"))
    backend.begins("101", 2)
    _write(product("a"), second.clock)
    backend.finishes("101", 1)
    second.rounds(20)
    assert second.listener.good == ["a"]
    assert second.end() == 1
    third = begin()
    third.add(product("b"))
    _write(product("b"), third.clock)
    backend.finishes("101", 2)
    third.rounds(20)
    assert third.listener.good == ["b"]
    assert submitted(backend) == ["a", "b"]


def test_a_job_that_is_wanted_late_in_a_run_is_still_adopted(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    first.kill()
    second = begin()
    _write(product())
    backend.finishes("101")
    second.rounds(30)
    assert not second.listener.good
    second.add(product())
    second.rounds(10)
    assert second.listener.good == ["a"]
    assert submitted(backend) == ["a"]


def test_a_job_whose_element_died_before_it_was_wanted_is_submitted(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    backend.begins("101")
    first.kill()
    backend.set("101", State.ENDED, 1, cause=Cause.NODE)
    second = begin()
    second.rounds(30)
    second.add(product())
    assert submitted(backend) == ["a", "a"]
    assert not second.listener.bad


def test_after_a_cancellation_what_had_ended_counts_and_the_rest_waits_until_the_old_is_dead(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin(bundle=2)
    first.listener.collects = False
    first.add(product("a"), product("b"))
    _write(product("a"))
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    first.controller.cancel()
    first.kill()
    second = begin()
    second.add(product("a"), product("b"))
    second.rounds(30)
    assert second.listener.good == ["a"]
    assert len(backend.arrays) == 1
    backend.set("101", State.ENDED, 1, cause=Cause.CANCELLED)
    second.rounds(30)
    assert submitted(backend) == ["a", "b", "b"]
    assert not second.listener.bad
    backend.finishes("102")
    second.rounds(20)
    assert second.listener.good == ["a", "b"]
    assert second.end() == 0
    assert begin().journal.open_arrays() == []


def test_what_a_cancelled_array_had_not_begun_is_submitted_anew_once_it_is_dead(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin(Policy(disruptions=0))
    first.add(product("a"), product("b"), product("c"))
    backend.begins("101", 1)
    backend.begins("101", 2)
    backend.ends("101", 2, code=1)
    first.rounds()
    assert first.controller.cancel() == (["101"], 2)
    first.kill()
    second = begin(Policy(disruptions=0))
    second.add(product("a"), product("b"), product("c"))
    second.rounds(30)
    assert submitted(backend) == ["a", "b", "c", "b"]  # b had failed: nothing of it runs
    backend.set("101", State.ENDED, cause=Cause.CANCELLED)
    second.rounds(30)
    assert sorted(submitted(backend)) == ["a", "a", "b", "b", "c", "c"]
    for identifier, array in list(backend.arrays.items())[1:]:
        for index in array.elements:
            backend.finishes(identifier, index)
    second.rounds(20)
    assert sorted(second.listener.good) == ["a", "b", "c"]
    assert not second.listener.bad
    assert second.end() == 0
    assert begin().journal.open_arrays() == []


def test_a_success_of_an_earlier_run_counts_only_if_its_inputs_are_as_they_were(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task]
) -> None:
    first = begin()
    first.add(product())
    first.kill()
    second, job = begin(), product()
    second.add(job)
    then = second.clock.time() + 100
    os.utime(job.inputs[0], (then, then))
    _write(job, second.clock)
    backend.finishes("101")
    second.rounds(20)
    assert not second.listener.good
    assert not second.listener.bad
    assert submitted(backend) == ["a", "a"]


@pytest.mark.parametrize("days", [0, 29, 31])
def test_successes_that_nobody_asked_for_are_kept_for_a_while(
    begin: Callable[..., Run], backend: Any, product: Callable[..., Task], days: int
) -> None:
    first = begin()
    first.add(product("a"), product("b"))
    for key in "ab":
        _write(product(key), first.clock)
    for index in (1, 2):
        backend.finishes("101", index)
    first.kill()
    second = begin()
    second.add(product("a"))
    second.rounds(10)
    assert second.listener.good == ["a"]
    then = second.clock.time() - days * 86400
    os.utime(backend.arrays["101"].folder, (then, then))
    assert second.end() == 0
    third = begin()
    third.add(product("b"))
    third.rounds(10)
    if days > 30:
        assert submitted(backend) == ["a", "b", "b"]
        return
    assert submitted(backend) == ["a", "b"]
    assert third.listener.good == ["b"]
    assert third.end() == 0
    assert begin().journal.open_arrays() == []


def test_a_cancellation_is_written_down_before_the_scheduler_is_asked(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin()
    run.add(task("a"))
    backend.away = Unavailable("timed out")
    with pytest.raises(Unavailable):
        run.controller.cancel()
    run.kill()
    ((array, _),) = begin().journal.open_arrays()
    assert array.elements[1].recalled


def test_a_job_whose_node_failed_waits_longer_each_time(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task]
) -> None:
    run = begin(Policy(disruption_delay=40.0))
    run.add(task("a"))
    for number, delay in enumerate((40, 80, 160), start=1):
        backend.set(str(100 + number), State.ENDED, 1, cause=Cause.NODE)
        run.rounds(delay - 10)
        assert len(backend.arrays) == number
        run.rounds(40)
        assert len(backend.arrays) == number + 1


@pytest.mark.parametrize("there", [True, False])
def test_an_array_whose_answer_was_lost_is_submitted_again_only_where_it_stays_unknown(
    begin: Callable[..., Run], backend: Any, task: Callable[..., Task], there: bool
) -> None:
    run, submit, find = begin(), backend.submit, backend.find

    def unanswered(array: Array, throttle: int) -> str:
        if there:
            submit(array, throttle)
        raise Unanswered("timed out")

    backend.submit, backend.find = unanswered, lambda _: None
    run.add(task("a"))
    backend.submit, backend.find = submit, find
    run.rounds(30)
    assert len(backend.arrays) == there
    run.rounds(100)
    assert submitted(backend) == ["a"]
    backend.finishes("101")
    run.rounds(20)
    assert run.listener.good == ["a"]
    assert not run.listener.bad
