"""Which jobs share an array and an element, for how long, and what a status file says of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.arrays import (
    LARGEST_BUNDLE,
    Array,
    Waiting,
    bundle_size,
    cut,
    element_minutes,
    groups,
)
from snakemake_executor_plugin_jobarray.causes import History
from snakemake_executor_plugin_jobarray.node.report import StatusFile
from snakemake_executor_plugin_jobarray.requests import Caps, Growth, Request

NAMES = ("calibrate", "combine")


def size(jobs: int = 1000, request: Request | None = None, **values: Any) -> int:
    given_ = {"chosen": 0, "duration": None, "target": 120.0, "slots": 0} | values
    return bundle_size(jobs, request or Request(), **given_)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 2), st.sampled_from([None, 800]), st.booleans())))
def test_jobs_of_one_rule_attempt_and_request_share_an_array(
    waiting: Callable[..., Waiting], drawn: list[tuple[str, int, int | None, bool]]
) -> None:
    jobs = [
        waiting(
            str(number),
            Request(mem_mb=memory),
            History(growth=Growth(memory=2.0 if grown else 1.0)),
            rule=rule,
            attempt=attempt,
        )
        for number, (rule, attempt, memory, grown) in enumerate(drawn)
    ]
    found = groups(jobs, Caps())
    assert sorted(one.task.key for _, members in found for one in members) == sorted(one.task.key for one in jobs)
    kinds = [(request, {(one.task.rule, one.task.attempt) for one in members}) for request, members in found]
    assert all(len(kind) == 1 for _, kind in kinds)
    assert len({(request, *kind) for request, kind in kinds}) == len(found)
    for request, members in found:
        assert {one.asked(Caps()) for one in members} == {request}
        assert [int(one.task.key) for one in members] == sorted(int(one.task.key) for one in members)


def test_the_rule_chooses_before_the_profile_and_the_profile_before_the_duration() -> None:
    assert size(request=Request(bundle=7), chosen=9, duration=1.0) == 7
    assert size(chosen=9, duration=1.0) == 9
    assert size(duration=1.0) == 120
    assert size(jobs=50, duration=1.0) == 50


def test_an_element_lasts_as_long_as_it_should() -> None:
    assert size(duration=0.5) == 240
    assert size(duration=119.0) == 1
    assert size(duration=500.0) == 1
    assert size(jobs=10_000, duration=0.0) == LARGEST_BUNDLE
    assert size(request=Request(expected=30)) == 4
    assert size(request=Request(runtime=10)) == 2  # a tenth of its limit
    assert [size(target=target) for target in (60.0, 120.0, 600.0)] == [10, 10, 10]  # where nothing is known
    assert size(jobs=4) == 4


def test_the_elements_of_this_machine_keep_all_its_slots_busy() -> None:
    assert size(jobs=20, duration=0.1, slots=8) == 3
    assert size(jobs=5, duration=0.1, slots=8) == 1
    assert size(jobs=10_000, duration=1.0, slots=8) == 120


@settings(deadline=None)
@given(
    st.integers(1, 10**5),
    st.integers(0, 600),
    st.one_of(st.none(), st.floats(0, 1e5)),
    st.floats(0, 1e4),
    st.integers(0, 64),
    st.one_of(st.none(), st.integers(1, 1000)),
)
def test_an_element_takes_at_least_one_job_and_at_most_all(
    jobs: int, chosen: int, duration: float | None, target: float, slots: int, own: int | None
) -> None:
    found = size(jobs, Request(bundle=own), chosen=chosen, duration=duration, target=target, slots=slots)
    assert 1 <= found <= jobs


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(1, 1000), st.one_of(st.none(), st.floats(0, 1e4)), st.integers(1, 5000))
def test_an_element_has_the_time_of_one_job_at_least_and_keeps_to_the_cap(
    jobs: int, runtime: int, duration: float | None, cap: int
) -> None:
    free = element_minutes(jobs, Request(runtime=runtime), duration, None)
    capped = element_minutes(jobs, Request(runtime=runtime), duration, cap)
    assert free is not None
    assert free >= runtime + (jobs > 1)
    assert capped == (runtime if jobs == 1 else max(runtime, min(free, cap)))
    if jobs > 1 and duration is not None:
        assert free >= math.floor(runtime + 2 * duration * jobs / 60)


def test_without_a_limit_for_a_job_there_is_none_for_its_element() -> None:
    assert element_minutes(5, Request(), 1.0, 100) is None


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 20))
def test_bundles_hold_every_job_once_in_its_order(number: int, most: int) -> None:
    jobs = list(range(number))
    bundles = cut(jobs, most)  # type: ignore[arg-type]
    assert [job for bundle in bundles for job in bundle] == jobs
    assert all(1 <= len(bundle) <= most for bundle in bundles)


def test_a_bundle_file_holds_what_a_node_needs(array: Callable[..., Array]) -> None:
    one = array(elements=2, jobs=3, request=Request(mem_mb=800, runtime=5), minutes=12, inputs=("a", "b"))
    one.write("/work")
    bundles = [json.loads((one.folder / "bundles" / f"{index}.json").read_text()) for index in (1, 2)]
    assert [(bundle["workdir"], bundle["limit"], bundle["memory"]) for bundle in bundles] == [("/work", 720, 800)] * 2
    assert [task["key"] for task in bundles[1]["tasks"]] == ["2.0", "2.1", "2.2"]
    assert "inputs" not in bundles[0]["tasks"][0]
    assert (one.folder / "status").is_dir()
    assert (one.folder / "logs").is_dir()


def test_a_single_job_has_no_limit_but_its_own(array: Callable[..., Array]) -> None:
    one = array(jobs=1, request=Request(runtime=5), minutes=5)
    one.write("/work")
    assert json.loads((one.folder / "bundles" / "1.json").read_text())["limit"] is None


def test_elements_come_back_from_their_folder_with_growth_and_history(
    array: Callable[..., Array], waiting: Callable[..., Waiting]
) -> None:
    request = Request(mem_mb=1600)
    one = array(elements=11, request=request)
    grown = History(("killed for memory",), growth=Growth(2.0, 1.5))
    one.elements[1].jobs = [
        waiting("x", request, grown, earlier=("killed for memory",), outputs=(("a", "file"),), limit=60.0, attempt=2)
    ]
    one.write("/work")
    back = Array(one.folder, one.name, one.rule, request, None)
    back.load(recalled=False)
    assert list(back.elements) == list(range(1, 12))
    (job,) = back.elements[1].jobs
    assert (job.history, job.request) == (grown, request)
    assert job.task == one.elements[1].jobs[0].task
    assert back.elements[1].wanted == set()


def test_an_element_whose_order_was_taken_away_is_read_back_as_recalled(array: Callable[..., Array]) -> None:
    one = array(elements=2)
    one.write("/work")
    for _ in range(2):
        one.elements[2].fence()
    back = Array(one.folder, one.name, one.rule, one.request, None)
    back.load(recalled=False)
    assert {index: element.recalled for index, element in back.elements.items()} == {1: False, 2: True}


def test_many_requests_of_a_rule_are_rounded_into_few(task: Callable[..., Any]) -> None:
    jobs = [Waiting(task(f"job{number}"), Request(mem_mb=1000 + 10 * number, runtime=7)) for number in range(200)]
    few = groups(jobs[:20], Caps())
    assert len(few) == 20
    many = groups(jobs, Caps())
    assert len(many) <= 10
    assert sum(len(group) for _, group in many) == 200
    for request, group in many:
        for one in group:
            assert one.request.mem_mb <= request.mem_mb <= 1.126 * one.request.mem_mb + 1
            assert request.runtime == 10
    assert max(request.mem_mb for request, _ in groups(jobs, Caps(mem_mb=2500))) <= 2990


@pytest.mark.parametrize("expected", [None, 12.5])
def test_a_bundle_says_how_long_its_jobs_are_expected_to_take(
    array: Callable[..., Array], expected: float | None
) -> None:
    one = array()
    one.expected = expected
    one.write("/work")
    assert json.loads((one.folder / "bundles" / "1.json").read_text())["expected"] == expected


def test_an_element_knows_what_its_status_file_says(array: Callable[..., Array]) -> None:
    one = array(jobs=3)
    one.write("/work")
    element = one.elements[1]
    status = StatusFile(str(element.status_path))
    assert element.read() == []
    assert element.open_jobs == [0, 1, 2]
    status.write("worker", host="node1", pid=12, id="7")
    status.write("start", job=0)
    assert element.read() == []
    assert (element.host, element.worker_pid, element.running) == ("node1", 12, 0)
    status.write("end", job=0, code=0)
    status.write("start", job=1)
    status.write("end", job=1, code=1)
    assert element.read() == [0, 1]
    assert element.read() == []
    assert element.running is None
    assert element.open_jobs == [2]
    assert not element.farewell
    status.write("left", jobs=[2])
    status.write("bye")
    element.read()
    assert element.farewell


def test_a_requeued_worker_takes_the_place_of_the_first(array: Callable[..., Array]) -> None:
    one = array(jobs=2)
    one.write("/work")
    element = one.elements[1]
    status = StatusFile(str(element.status_path))
    status.write("worker", host="node1", pid=12, id="7")
    status.write("start", job=0)
    status.write("worker", host="node2", pid=34, id="7")
    element.read()
    assert (element.host, element.worker_pid, element.running) == ("node2", 34, None)
