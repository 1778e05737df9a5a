"""What status files and the scheduler say together: what ended, is left, is lost; and "unknown" is none of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.arrays import Array, Element
from snakemake_executor_plugin_jobarray.backend import State, Unavailable
from snakemake_executor_plugin_jobarray.causes import Cause, Ending
from snakemake_executor_plugin_jobarray.requests import Request
from snakemake_executor_plugin_jobarray.submitter import Tuning
from snakemake_executor_plugin_jobarray.watcher import Watcher

TUNING = Tuning(query=30.0, settle=10.0, lost_after=120.0)


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.ended: list[tuple[int, int, Ending]] = []
        self.begun: list[int] = []
        self.left: list[tuple[int, int]] = []
        self.over: list[int] = []

    def job_ended(self, element: Element, number: int, ending: Ending) -> None:
        self.ended.append((element.index, number, ending))

    def job_began(self, element: Element, number: int) -> None:
        self.begun.append(number)

    def job_left(self, element: Element, number: int) -> None:
        self.left.append((element.index, number))

    def element_ended(self, element: Element) -> None:
        self.over.append(element.index)

    @property
    def causes(self) -> dict[tuple[int, int], Cause | None]:
        return {(index, number): ending.cause for index, number, ending in self.ended}


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def watcher(backend: Any, sink: Sink, log: Any, clock: Any) -> Watcher:
    return Watcher(backend, TUNING, sink, log)


@pytest.fixture
def submit(backend: Any, array: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function that submits an array."""

    def make(elements: int = 1, jobs: int = 1, **values: Any) -> Array:
        made = array(elements, jobs, **values)
        made.write("/work")
        made.external = backend.submit(made, 0)
        return made

    return make


@pytest.fixture
def watch(watcher: Watcher, clock: Any) -> Callable[..., None]:
    """Return a function that lets time pass and looks now and then."""

    def look(*arrays: Array, seconds: float = 0.0) -> None:
        for _ in range(int(seconds) + 1):
            watcher.read(arrays)
            watcher.query(arrays)
            watcher.cancel_recalled()
            clock.advance(min(1.0, seconds))

    return look


def test_ends_are_told_as_they_are_written(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit(jobs=3)
    backend.begins("101")
    watch(array)
    assert not sink.ended
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    watch(array)
    assert sink.causes == {(1, 0): None}
    backend.ends("101", job=1, code=70)
    backend.says("101", 1, "start", job=2)
    backend.ends("101", job=2)
    backend.says("101", 1, "bye")
    watch(array)
    assert sink.causes == {(1, 0): None, (1, 1): Cause.BUG, (1, 2): None}
    assert (sink.left, sink.over) == ([], [1])
    assert array.open_elements == []


def test_status_files_alone_suffice_while_the_scheduler_is_away(
    submit: Any, backend: Any, sink: Sink, watch: Any, log: Any
) -> None:
    array = submit(elements=2)
    backend.away = Unavailable("timed out")
    backend.finishes("101", 1)
    watch(array, seconds=500)
    assert sink.causes == {(1, 0): None}
    assert len(array.open_elements) == 1
    assert len(log.warnings) == 1
    assert "timed out" in log.warnings[0]
    backend.away = None
    watch(array, seconds=40)
    assert "answers again" in log.infos[0]
    assert len(array.open_elements) == 1


def test_the_scheduler_is_asked_once_in_a_while_and_never_without_need(
    submit: Any, backend: Any, watch: Any, watcher: Watcher
) -> None:
    watch(seconds=100)
    assert backend.queries == 0
    array = submit(elements=50)
    watch(array, seconds=95)
    assert backend.queries == 4


def test_jobs_that_a_worker_leaves_are_left_and_not_ended(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit(jobs=4)
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "left", jobs=[1, 2, 3])
    backend.says("101", 1, "bye")
    watch(array)
    assert sink.causes == {(1, 0): None}
    assert sink.left == [(1, 1), (1, 2), (1, 3)]
    assert sink.over == [1]


def test_only_jobs_that_are_wanted_are_told(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit(jobs=4)
    array.elements[1].wanted = {1, 3}
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    backend.ends("101", job=1)
    backend.says("101", 1, "bye")
    watch(array)
    assert list(sink.causes) == [(1, 1)]
    assert sink.left == [(1, 3)]


@pytest.mark.parametrize("cause", [Cause.MEMORY, Cause.NODE, Cause.PREEMPTED, Cause.TIME])
def test_what_kills_an_element_is_the_end_of_the_job_that_ran_and_of_no_other(
    submit: Any, backend: Any, sink: Sink, watch: Any, cause: Cause
) -> None:
    array = submit(jobs=4)
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    backend.set("101", State.ENDED, 1, cause=cause, detail="it says so", host="node7")
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): None, (1, 1): cause}
    assert sink.left == [(1, 2), (1, 3)]
    ending = sink.ended[1][2]
    assert (ending.detail, ending.host) == ("it says so", "node7")


def test_last_lines_may_arrive_after_the_scheduler_says_that_all_is_over(
    submit: Any, backend: Any, sink: Sink, watch: Any
) -> None:
    array = submit()
    backend.begins("101")
    backend.set("101", State.ENDED, 1)
    watch(array, seconds=6)
    assert not sink.ended
    assert not sink.over
    backend.ends("101")
    backend.says("101", 1, "bye")
    watch(array, seconds=6)
    assert sink.causes == {(1, 0): None}
    assert sink.over == [1]


def test_an_element_that_ended_well_without_a_word_is_no_success(
    submit: Any, backend: Any, sink: Sink, watch: Any
) -> None:
    array = submit()
    backend.begins("101")
    backend.set("101", State.ENDED, 1)
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): Cause.FAILED}
    assert "without a word" in sink.ended[0][2].detail


def test_an_element_whose_worker_never_began_shows_what_it_printed(
    submit: Any, backend: Any, sink: Sink, watch: Any
) -> None:
    array = submit(jobs=2)
    array.elements[1].log_path.write_text("python: No such file\n")
    backend.set("101", State.ENDED, 1, cause=Cause.FAILED, detail="exit code 127", host="node3")
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): Cause.NOT_STARTED, (1, 1): Cause.NOT_STARTED}
    assert sink.ended[0][2].detail == "exit code 127 python: No such file"
    assert sink.ended[0][2].host == "node3"


@pytest.mark.parametrize("cause", [Cause.NODE, Cause.PREEMPTED, Cause.MEMORY, Cause.TIME, Cause.CANCELLED])
def test_an_element_that_never_began_has_the_schedulers_cause(
    submit: Any, backend: Any, sink: Sink, watch: Any, cause: Cause
) -> None:
    array = submit()
    backend.set("101", State.ENDED, 1, cause=cause)
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): cause}


def test_who_cancels_an_element_cancels_all_its_jobs(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit(jobs=3)
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    backend.set("101", State.ENDED, 1, cause=Cause.CANCELLED)
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): None, (1, 1): Cause.CANCELLED, (1, 2): Cause.CANCELLED}
    assert not sink.left


def test_a_job_that_had_little_of_its_time_did_not_use_up_its_elements(
    submit: Any, backend: Any, sink: Sink, watch: Any, clock: Any
) -> None:
    array = submit(jobs=2, limit=600.0, request=Request(runtime=10))
    backend.begins("101")
    clock.advance(800)
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    clock.advance(200)
    backend.set("101", State.ENDED, 1, cause=Cause.TIME)
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): None}
    assert sink.left == [(1, 1)]


def test_what_the_scheduler_does_not_know_is_neither_good_nor_bad_for_a_while(
    submit: Any, backend: Any, sink: Sink, watch: Any
) -> None:
    array = submit()
    backend.begins("101")
    del backend.states["101", 1]
    watch(array, seconds=100)
    assert not sink.ended
    backend.set("101", State.RUNNING)
    watch(array, seconds=40)
    del backend.states["101", 1]
    watch(array, seconds=100)
    assert not sink.ended  # the patience begins anew
    watch(array, seconds=100)
    assert sink.causes == {(1, 0): Cause.LOST}
    assert backend.cancelled == [("101", [1])]  # it must not run beside its successor


def test_a_lost_element_that_has_ended_meanwhile_has_ended_well(
    submit: Any, backend: Any, sink: Sink, watch: Any
) -> None:
    array = submit()
    del backend.states["101", 1]
    watch(array, seconds=100)
    backend.says("101", 1, "start", job=0)
    backend.ends("101")
    watch(array, seconds=100)
    assert sink.causes == {(1, 0): None}


def test_an_element_that_the_scheduler_requeues_runs_on(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit(jobs=2)
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    backend.set("101", State.ENDED, 1, cause=Cause.NODE)
    watch(array, seconds=5)
    backend.set("101", State.PENDING, 1)
    watch(array, seconds=60)
    backend.begins("101", job=1, host="node2")
    backend.ends("101", job=1)
    backend.says("101", 1, "bye")
    watch(array, seconds=60)
    assert sink.causes == {(1, 0): None, (1, 1): None}


def test_an_array_without_an_id_is_looked_up_by_its_name(submit: Any, backend: Any, sink: Sink, watch: Any) -> None:
    array = submit()
    array.external = None
    watch(array)
    assert array.external == "101"
    assert not sink.ended


def test_an_array_that_was_never_submitted_is_lost(array: Any, backend: Any, sink: Sink, watch: Any) -> None:
    one = array(jobs=2)
    one.write("/work")
    watch(one, seconds=100)
    assert not sink.ended  # its submission may be on its way
    watch(one, seconds=60)
    assert not backend.cancelled
    assert sink.causes == {(1, 0): Cause.LOST, (1, 1): Cause.LOST}


def test_jobs_of_an_element_that_was_recalled_are_left(
    submit: Any, backend: Any, sink: Sink, watch: Any, watcher: Watcher
) -> None:
    array = submit(elements=2, jobs=2)
    backend.begins("101")
    watch(array)
    watcher.recall(array.elements[1])
    assert not (array.folder / "bundles" / "1.json").exists()
    watcher.cancel_recalled()
    assert backend.cancelled == [("101", [1])]
    backend.set("101", State.ENDED, 1, cause=Cause.CANCELLED)
    watch(array, seconds=60)
    assert not sink.ended
    assert sink.left == [(1, 0), (1, 1)]


def test_what_was_recalled_is_cancelled_in_one_go(submit: Any, backend: Any, watcher: Watcher) -> None:
    one, two = submit(elements=3), submit(elements=1, name="calibrate-2")
    calls, cancel = [], backend.cancel
    backend.cancel = lambda arrays: calls.append(1) or cancel(arrays)
    for element in (one.elements[3], one.elements[1], two.elements[1]):
        watcher.recall(element)
    assert not calls
    for _ in range(2):
        watcher.cancel_recalled()
    assert len(calls) == 1
    assert backend.cancelled == [("101", [1, 3]), ("102", [1])]


def test_an_element_that_cannot_be_cancelled_is_told_and_cancelled_later(
    submit: Any, backend: Any, log: Any, watcher: Watcher
) -> None:
    array = submit()
    backend.away = Unavailable("timed out")
    watcher.recall(array.elements[1])
    watcher.cancel_recalled()
    assert "can't be cancelled" in log.warnings[0]
    backend.away = None
    watcher.cancel_recalled()
    assert backend.cancelled == [("101", [1])]


def test_a_lost_element_begins_no_further_job(submit: Any, backend: Any, watch: Any) -> None:
    array = submit(elements=2)
    del backend.states["101", 1]
    watch(array, seconds=200)
    assert {path.name for path in (array.folder / "bundles").iterdir()} == {"1.gone", "2.json"}


@pytest.mark.parametrize("inherited", [True, False])
def test_who_cancelled_an_earlier_controllers_array_did_not_mean_this_run(
    submit: Any, backend: Any, sink: Sink, watch: Any, inherited: bool
) -> None:
    array = submit()
    array.inherited = inherited
    backend.set("101", State.ENDED, 1, cause=Cause.CANCELLED)
    watch(array, seconds=60)
    assert sink.left == [(1, 0)] * inherited
    assert sink.causes == ({} if inherited else {(1, 0): Cause.CANCELLED})


def test_a_status_file_that_cannot_be_read_is_read_again_and_that_is_said_once(
    submit: Any, backend: Any, sink: Sink, watch: Any, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(_: Element) -> list[int]:
        raise OSError("stale file handle")

    array = submit(elements=2)
    for index in (1, 2):
        backend.finishes("101", index)
    backend.set("101", State.RUNNING)
    with monkeypatch.context() as patch:
        patch.setattr(Element, "read", stale)
        watch(array, seconds=5)
    assert not sink.ended
    assert log.warnings == ["jobarray: stale file handle; reading again"]
    watch(array)
    assert sink.causes == {(1, 0): None, (2, 0): None}


def test_a_job_that_was_asked_to_end_had_the_time_until_then(
    submit: Any, backend: Any, sink: Sink, watch: Any, clock: Any
) -> None:
    array = submit(jobs=2, limit=600.0, request=Request(runtime=10))
    backend.begins("101")
    backend.ends("101", job=0)
    backend.says("101", 1, "start", job=1)
    asked = clock.time() + 100
    clock.advance(1000)
    backend.says("101", 1, "signal", signal=15, asked=asked)
    backend.set("101", State.ENDED, 1, cause=Cause.TIME)
    watch(array, seconds=60)
    assert sink.left == [(1, 1)]
