"""Gathering and submitting: full arrays, patience with a scheduler that takes nothing, and no job lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.arrays import Array, Waiting
from snakemake_executor_plugin_jobarray.backend import Full, Refused, Unanswered, Unavailable, Unexpected
from snakemake_executor_plugin_jobarray.causes import History, Policy
from snakemake_executor_plugin_jobarray.durations import Durations
from snakemake_executor_plugin_jobarray.journal import Journal
from snakemake_executor_plugin_jobarray.requests import Caps, Growth, Request
from snakemake_executor_plugin_jobarray.submitter import (
    LONGEST_GATHERING,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    Submitter,
    Tuning,
)

Make = Callable[..., Submitter]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "jobarray")
    yield made
    made.release()


@pytest.fixture
def refused() -> list[tuple[str, str]]:
    """Return the jobs that the scheduler would not take, with its reasons."""
    return []


@pytest.fixture
def make(backend: Any, journal: Journal, log: Any, clock: Any, refused: list[tuple[str, str]]) -> Make:
    def build(policy: Policy | None = None, durations: Durations | None = None, **tuning: Any) -> Submitter:
        return Submitter(
            backend,
            journal,
            "/work",
            Tuning(**({"bundle": 1, "gather": 0.0} | tuning)),
            policy or Policy(),
            durations or Durations(),
            lambda job, reason: refused.append((job.task.key, reason)),
            log,
        )

    return build


def keys(arrays: list[Array]) -> list[list[list[str]]]:
    """Return the jobs of every element of every array."""
    return [[[job.task.key for job in element.jobs] for element in array.elements.values()] for array in arrays]


def test_jobs_go_in_bundles_of_one_array(make: Make, backend: Any, waiting: Callable[..., Waiting], log: Any) -> None:
    submitter = make(bundle=2, throttle=7)
    for number in range(5):
        submitter.enqueue(waiting(str(number), Request(mem_mb=800, runtime=10)))
    arrays = submitter.submit_ready()
    assert keys(arrays) == [[["0", "1"], ["2", "3"], ["4"]]]
    assert list(backend.arrays.values()) == arrays
    assert (arrays[0].external, backend.throttles) == ("101", [7])
    assert [element.wanted for element in arrays[0].elements.values()] == [{0, 1}, {0, 1}, {0}]
    assert {job.task.limit for element in arrays[0].elements.values() for job in element.jobs} == {600.0}
    assert (arrays[0].folder / "bundles" / "3.json").exists()
    assert "5 jobs in 3 elements of fake array 101" in log.infos[0]
    assert submitter.submit_ready() == []


def test_an_array_waits_for_jobs_that_are_about_to_join_it(
    make: Make, waiting: Callable[..., Waiting], clock: Any
) -> None:
    submitter = make(gather=1.0)
    submitter.enqueue(waiting("0"))
    clock.advance(0.6)
    submitter.enqueue(waiting("1"))
    clock.advance(0.6)
    assert submitter.submit_ready() == []
    assert submitter.gathering
    clock.advance(0.6)
    assert keys(submitter.submit_ready()) == [[["0"], ["1"]]]
    assert not submitter.gathering


def test_a_steady_trickle_of_jobs_does_not_delay_an_array_for_ever(
    make: Make, waiting: Callable[..., Waiting], clock: Any
) -> None:
    submitter, number, arrays = make(gather=1.0), 0, []
    while not arrays:
        submitter.enqueue(waiting(str(number)))
        number += 1
        arrays = submitter.submit_ready()
        clock.advance(0.5)
        assert number < 3 * LONGEST_GATHERING
    assert len(keys(arrays)[0]) == number


def test_a_job_that_must_wait_is_not_submitted_before_its_time(
    make: Make, waiting: Callable[..., Waiting], clock: Any, task: Any
) -> None:
    submitter = make()
    submitter.enqueue(Waiting(task("later"), Request(), ready=clock.monotonic() + 60))
    submitter.enqueue(waiting("now"))
    assert keys(submitter.submit_ready()) == [[["now"]]]
    assert not submitter.gathering
    clock.advance(59)
    assert submitter.submit_ready() == []
    clock.advance(2)
    assert keys(submitter.submit_ready()) == [[["later"]]]


def test_no_array_is_larger_than_scheduler_and_profile_allow(
    make: Make, backend: Any, waiting: Callable[..., Waiting]
) -> None:
    backend.largest = 4
    for most, sizes in ((1000, [4, 4, 2]), (3, [3, 3, 3, 1])):
        submitter = make(array_size=most)
        for number in range(10):
            submitter.enqueue(waiting(str(number)))
        assert [len(array.elements) for array in submitter.submit_ready()] == sizes


def test_what_ran_out_has_grown_in_the_array_of_a_retry(make: Make, waiting: Callable[..., Waiting]) -> None:
    submitter = make(Policy(caps=Caps(1500, 14)))
    asked = Request(mem_mb=1000, runtime=10)
    submitter.enqueue(waiting("first", asked))
    submitter.enqueue(waiting("memory", asked, History(("x",), growth=Growth(memory=2.0)), attempt=2))
    submitter.enqueue(waiting("time", asked, History(("y",), growth=Growth(runtime=1.5)), attempt=2))
    arrays = submitter.submit_ready()
    assert [(array.request.mem_mb, array.request.runtime) for array in arrays] == [(1000, 10), (1500, 10), (1000, 14)]
    retried = arrays[1].elements[1].jobs[0].task
    assert (retried.limit, retried.earlier) == (600.0, ("x",))
    assert [array.minutes for array in arrays] == [10, 10, 14]


def test_durations_decide_where_nobody_else_does(make: Make, waiting: Callable[..., Waiting]) -> None:
    durations = Durations()
    durations.add("calibrate", 10.0)
    submitter = make(durations=durations, bundle=0, target=40.0)
    for number in range(8):
        submitter.enqueue(waiting(str(number)))
    assert [len(element) for element in keys(submitter.submit_ready())[0]] == [4, 4]


def test_a_refused_job_is_refused_with_the_schedulers_words(
    make: Make, backend: Any, waiting: Callable[..., Waiting], refused: list[tuple[str, str]], journal: Journal
) -> None:
    backend.refusals = [Refused("invalid partition")]
    submitter = make()
    submitter.enqueue(waiting("0"))
    submitter.enqueue(waiting("1"))
    assert submitter.submit_ready() == []
    assert refused == [("0", "invalid partition"), ("1", "invalid partition")]
    assert journal.open_arrays() == []


def test_better_a_node_that_failed_than_none(
    make: Make, backend: Any, waiting: Callable[..., Waiting], refused: list[tuple[str, str]]
) -> None:
    backend.refusals = [Refused("no node is left")]
    submitter = make()
    history = History(growth=Growth(memory=2.0, avoid=frozenset({"node1"})))
    submitter.enqueue(waiting("0", Request(mem_mb=100), history))
    assert submitter.submit_ready() == []
    (array,) = submitter.submit_ready()
    assert not refused
    assert (array.request.avoid, array.request.mem_mb) == (frozenset(), 200)


def test_a_scheduler_that_takes_few_jobs_gets_few_at_a_time(
    make: Make, backend: Any, waiting: Callable[..., Waiting], log: Any, clock: Any, refused: list[tuple[str, str]]
) -> None:
    backend.refusals = [Full("limit"), None, Full("limit"), Full("limit"), Full("limit")]  # of 8, 4; of 4, 2 and 1
    submitter = make()
    for number in range(8):
        submitter.enqueue(waiting(str(number)))
    assert keys(submitter.submit_ready())[0] == [["0"], ["1"], ["2"], ["3"]]
    clock.advance(LONGEST_PAUSE)
    assert backend.refusals == []
    late = submitter.submit_ready()
    submitted = [job for array in backend.arrays.values() for element in keys([array])[0] for job in element]
    assert sorted(submitted) == [str(number) for number in range(8)]
    assert not refused
    assert [len(array.elements) for array in late] == [1, 2, 1]  # it is tried how much fits


def test_what_fits_is_remembered(
    make: Make, backend: Any, waiting: Callable[..., Waiting], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    submit, room = backend.submit, [2]

    def limited(array: Array, throttle: int) -> str:
        tried.append(len(array.elements))
        if len(array.elements) > room[0]:
            raise Full("limit")
        room[0] -= len(array.elements)
        return submit(array, throttle)

    monkeypatch.setattr(backend, "submit", limited)
    submitter = make()
    for number in range(64):
        submitter.enqueue(waiting(str(number)))
    submitter.submit_ready()
    assert tried[:6] == [64, 32, 16, 8, 4, 2]
    tried.clear()
    clock.advance(LONGEST_PAUSE)
    submitter.submit_ready()
    assert tried == [1]
    room[0] = 1000
    clock.advance(LONGEST_PAUSE)
    tried.clear()
    submitter.submit_ready()
    assert tried == [1, 2, 4, 8, 16, 31]


@pytest.mark.parametrize("there", [True, False])
def test_an_array_whose_answer_was_lost_is_kept_until_the_scheduler_can_be_asked(
    make: Make, backend: Any, waiting: Callable[..., Waiting], journal: Journal, there: bool, monkeypatch: Any, log: Any
) -> None:
    submit = backend.submit

    def unanswered(array: Array, throttle: int) -> str:
        if there:
            submit(array, throttle)
            backend.away = Unavailable("away")
        raise Unanswered("timed out")

    monkeypatch.setattr(backend, "submit", unanswered)
    submitter = make()
    submitter.enqueue(waiting("0"))
    (array,) = submitter.submit_ready()
    assert array.external is None
    assert not submitter.gathering
    assert submitter.submit_ready() == []
    assert [found.name for found, _ in journal.open_arrays()] == [array.name]
    assert "no answer to an array of 1 job: timed out" in log.warnings[0]


def test_an_unknown_refusal_may_pass_and_is_meant_for_ever_in_the_end(
    make: Make, backend: Any, waiting: Callable[..., Waiting], clock: Any, refused: list[tuple[str, str]]
) -> None:
    submitter = make()
    submitter.enqueue(waiting("0"))
    for _ in range(4):
        backend.refusals = [Unexpected("odd")]
        assert submitter.submit_ready() == []
        assert backend.refusals == []
        assert not refused
        clock.advance(LONGEST_PAUSE)
    backend.refusals = [Unexpected("odd")]
    assert submitter.submit_ready() == []
    assert refused == [("0", "odd")]


def test_unknown_refusals_are_counted_anew_after_a_success(
    make: Make, backend: Any, waiting: Callable[..., Waiting], clock: Any, refused: list[tuple[str, str]]
) -> None:
    submitter = make()
    for number in range(3):
        submitter.enqueue(waiting(str(number)))
        for _ in range(4):
            backend.refusals = [Unexpected("odd")]
            assert submitter.submit_ready() == []
            clock.advance(LONGEST_PAUSE)
        assert keys(submitter.submit_ready()) == [[[str(number)]]]
    assert not refused


def test_a_file_system_in_trouble_loses_no_job(
    make: Make, waiting: Callable[..., Waiting], clock: Any, monkeypatch: pytest.MonkeyPatch, log: Any
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space left")

    submitter = make()
    submitter.enqueue(waiting("0"))
    with monkeypatch.context() as patch:
        patch.setattr(Array, "write", full)
        assert submitter.submit_ready() == []
    assert "no space left" in log.warnings[0]
    clock.advance(LONGEST_PAUSE)
    assert keys(submitter.submit_ready()) == [[["0"]]]


def test_arrays_know_how_long_their_jobs_are_expected_to_take(make: Make, waiting: Callable[..., Waiting]) -> None:
    durations = Durations()
    durations.add("calibrate", 10.0)
    submitter = make(durations=durations)
    submitter.enqueue(waiting("0"))
    submitter.enqueue(waiting("1", rule="plot"))
    assert [array.expected for array in submitter.submit_ready()] == [10.0, None]


def test_a_scheduler_that_takes_nothing_is_asked_ever_more_seldom(
    make: Make, backend: Any, waiting: Callable[..., Waiting], log: Any, clock: Any
) -> None:
    submitter = make()
    submitter.enqueue(waiting("0"))
    backend.largest_array()
    pauses, last = [], clock.monotonic()
    for _ in range(2000):
        backend.refusals = [Full("queue limit")]
        assert submitter.submit_ready() == []
        if not backend.refusals:
            pauses.append(clock.monotonic() - last)
            last = clock.monotonic()
        clock.advance(1.0)
    assert pauses[1:6] == [SHORTEST_PAUSE * factor for factor in (1, 2, 4, 8, 16)]
    assert max(pauses) == LONGEST_PAUSE
    backend.refusals = []
    clock.advance(LONGEST_PAUSE)
    assert keys(submitter.submit_ready()) == [[["0"]]]
    assert "queue limit" in log.warnings[0]
    assert len(log.warnings) == len(pauses)


@pytest.mark.parametrize("at", ["first", "later"])
def test_a_scheduler_that_is_away_loses_no_job(
    make: Make, backend: Any, waiting: Callable[..., Waiting], clock: Any, at: str, refused: list[tuple[str, str]]
) -> None:
    submitter = make()
    if at == "later":
        submitter.enqueue(waiting("before"))
        assert len(submitter.submit_ready()) == 1
    backend.away = Unavailable("no answer")
    submitter.enqueue(waiting("0"))
    submitter.enqueue(waiting("1"))
    assert submitter.submit_ready() == []
    backend.away = None
    assert submitter.submit_ready() == []  # it is given time
    clock.advance(LONGEST_PAUSE)
    assert keys(submitter.submit_ready()) == [[["0"], ["1"]]]
    assert not refused


def test_an_array_whose_answer_was_lost_is_found_by_its_name_and_not_submitted_twice(
    make: Make, backend: Any, waiting: Callable[..., Waiting], journal: Journal
) -> None:
    backend.answer_lost = Unanswered("timed out")
    submitter = make()
    submitter.enqueue(waiting("0"))
    (array,) = submitter.submit_ready()
    assert array.external == "101"
    assert len(backend.arrays) == 1
    assert [found.external for found, _ in journal.open_arrays()] == ["101"]


def test_an_array_is_written_down_before_it_is_submitted(
    make: Make, backend: Any, waiting: Callable[..., Waiting], journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    submit = backend.submit
    monkeypatch.setattr(
        backend, "submit", lambda *words: seen.append([a.name for a, _ in journal.open_arrays()]) or submit(*words)
    )
    submitter = make()
    submitter.enqueue(waiting("0"))
    (array,) = submitter.submit_ready()
    assert seen == [[array.name]]


def test_names_of_arrays_are_plain_and_their_own(make: Make, waiting: Callable[..., Waiting]) -> None:
    submitter = make()
    submitter.enqueue(waiting("0", rule="a rule/with:signs"))
    submitter.enqueue(waiting("1", rule="x" * 200))
    first, second = submitter.submit_ready()
    assert first.name.startswith("a_rule_with_signs-")
    assert first.rule == "a rule/with:signs"
    assert len(second.name) < 100
    assert first.folder != second.folder
