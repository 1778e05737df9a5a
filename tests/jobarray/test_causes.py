"""Why jobs ended, and what follows: what ran out grows, what is no fault of the job costs it nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.causes import (
    DISRUPTIONS,
    FINAL,
    Cause,
    Ending,
    History,
    Policy,
    ending_of,
    judge,
)
from snakemake_executor_plugin_jobarray.requests import Caps, Growth, Request

ASKED = Request(mem_mb=1000, runtime=10)


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        ({"code": 0}, None),
        ({"code": 1}, Cause.FAILED),
        ({"code": 64}, Cause.OPTIONS),
        ({"code": 70}, Cause.BUG),
        ({"code": 75}, Cause.TRANSIENT),
        ({"code": 137}, Cause.MEMORY),
        ({"code": 140}, Cause.TIME),
        ({"code": 152}, Cause.TIME),
        ({"code": 143}, Cause.FAILED),
        ({"code": None, "signal": 9}, Cause.MEMORY),
        ({"code": None, "signal": 24}, Cause.TIME),
        ({"code": None, "signal": 11}, Cause.FAILED),
        ({"code": None, "reason": "time"}, Cause.TIME),
        ({"code": 0, "reason": "missing"}, Cause.MISSING),
        ({"code": 1, "rss": 980.0}, Cause.MEMORY),
        ({"code": 1, "rss": 500.0}, Cause.FAILED),
        ({"code": 0, "rss": 999.0}, None),
        ({"code": 70, "rss": 999.0}, Cause.BUG),
    ],
)
def test_causes_are_told_apart(event: dict[str, Any], cause: Cause | None) -> None:
    found = ending_of(event, ASKED, "node1")
    assert found.cause == cause
    assert found.good == (cause is None)


def test_without_a_memory_limit_no_failure_is_laid_to_memory() -> None:
    assert ending_of({"code": 1, "rss": 1e6}, Request(), "").cause is Cause.FAILED


def test_an_ending_tells_what_is_known_of_it() -> None:
    found = ending_of({"code": 137, "rss": 990.4, "wall": 3.5}, ASKED, "node1")
    assert found.describe() == "killed for memory on node1: exit code 137; asked for 1000 MB, 990 MB seen"
    assert (found.wall, found.memory, found.host) == (3.5, 990.4, "node1")
    assert ending_of({"code": 75, "message": "no disk"}, ASKED, "").describe().endswith("exit code 75; no disk")
    assert "10 min" in ending_of({"code": None, "reason": "time"}, ASKED, "").describe()
    assert ending_of({"code": 0}, ASKED, "node1").describe() == "done"


def test_memory_alone_grows_after_a_kill_for_memory() -> None:
    verdict = judge(Ending(Cause.MEMORY), ASKED, History(), Policy())
    assert verdict.again
    assert (verdict.history.growth.memory, verdict.history.growth.runtime) == (2.0, 1.0)
    assert ASKED.grown(verdict.history.growth, Caps()) == Request(mem_mb=2000, runtime=10)


def test_time_alone_grows_after_a_kill_for_time() -> None:
    verdict = judge(Ending(Cause.TIME), ASKED, History(), Policy())
    assert verdict.again
    assert (verdict.history.growth.memory, verdict.history.growth.runtime) == (1.0, 1.5)
    assert ASKED.grown(verdict.history.growth, Caps()) == Request(mem_mb=1000, runtime=15)


@pytest.mark.parametrize(("cause", "reason"), [(Cause.MEMORY, "3000 MB"), (Cause.TIME, "25 min")])
def test_growth_ends_at_its_cap_which_is_tried_once(cause: Cause, reason: str) -> None:
    policy = Policy(caps=Caps(3000, 25))
    history, tried = History(), []
    while True:
        asked = ASKED.grown(history.growth, policy.caps)
        tried.append(asked.mem_mb if cause is Cause.MEMORY else asked.runtime)
        verdict = judge(Ending(cause), asked, history, policy)
        history = verdict.history
        if not verdict.again:
            break
    assert tried == ([1000, 2000, 3000] if cause is Cause.MEMORY else [10, 15, 23, 25])
    assert reason in verdict.why
    assert len(history.earlier) == len(tried)


def test_memory_a_core_grows_until_all_cores_are_at_the_cap() -> None:
    policy, first = Policy(caps=Caps(mem_mb=3000)), Request(mem_mb_per_cpu=200, cpus=5)
    history, tried = History(), []
    while True:
        asked = first.grown(history.growth, policy.caps)
        tried.append((asked.mem_mb_per_cpu, asked.memory))
        verdict = judge(Ending(Cause.MEMORY), asked, history, policy)
        history = verdict.history
        if not verdict.again:
            break
    assert tried == [(200, 1000), (400, 2000), (600, 3000)]
    assert "3000 MB" in verdict.why


@pytest.mark.parametrize(("cause", "reason"), [(Cause.MEMORY, "500 MB"), (Cause.TIME, "5 min")])
def test_a_job_that_asks_for_more_than_the_cap_gets_it_once(cause: Cause, reason: str) -> None:
    policy = Policy(caps=Caps(500, 5))
    assert ASKED.grown(Growth(), policy.caps) == ASKED
    verdict = judge(Ending(cause), ASKED, History(), policy)
    assert not verdict.again
    assert reason in verdict.why


def test_memory_a_core_is_seen_as_that_of_all_cores() -> None:
    request = Request(mem_mb_per_cpu=250, cpus=4)
    assert ending_of({"code": 1, "rss": 980.0}, request, "").cause is Cause.MEMORY
    assert ending_of({"code": 1, "rss": 300.0}, request, "").cause is Cause.FAILED
    assert "asked for 1000 MB" in ending_of({"code": 137}, request, "").describe()


@pytest.mark.parametrize("cause", sorted(FINAL))
def test_what_another_attempt_does_not_help_is_over(cause: Cause) -> None:
    verdict = judge(Ending(cause, "why"), ASKED, History(), Policy())
    assert not verdict.again
    assert verdict.history.earlier == (f"{cause}: why",)


@pytest.mark.parametrize("cause", sorted(DISRUPTIONS))
def test_a_disruption_changes_nothing_of_the_request_until_it_has_come_too_often(cause: Cause) -> None:
    history, policy = History(), Policy(disruptions=2)
    for number in (1, 2):
        verdict = judge(Ending(cause), ASKED, history, policy)
        assert verdict.again
        assert verdict.history.disruptions == number
        waits = cause in (Cause.NODE, Cause.NOT_STARTED)
        assert verdict.history.delay == (policy.disruption_delay * 2 ** (number - 1) if waits else 0)
        assert ASKED.grown(verdict.history.growth, policy.caps) == ASKED
        history = verdict.history
    verdict = judge(Ending(cause), ASKED, history, policy)
    assert not verdict.again
    assert "disrupted 3 times" in verdict.why


@pytest.mark.parametrize(
    ("cause", "avoids"),
    [(Cause.NODE, True), (Cause.NOT_STARTED, True), (Cause.PREEMPTED, False), (Cause.LOST, False)],
)
def test_a_node_that_failed_is_avoided(cause: Cause, avoids: bool) -> None:
    history = judge(Ending(cause, host="node1"), ASKED, History(), Policy()).history
    assert history.growth.avoid == ({"node1"} if avoids else set())
    history = judge(Ending(cause, host="node2"), ASKED, history, Policy()).history
    assert history.growth.avoid == ({"node1", "node2"} if avoids else set())
    assert not judge(Ending(cause), ASKED, History(), Policy()).history.growth.avoid


def test_what_a_job_has_been_through_is_told_briefly() -> None:
    verdict = judge(Ending(Cause.FAILED, "word " * 1000), ASKED, History(("before",)), Policy())
    before, brief = verdict.history.earlier
    assert before == "before"
    assert brief.startswith("failed: word word")
    assert brief.endswith(" …")
    assert len(brief) <= 200


def test_trouble_waits_longer_each_time_and_other_causes_do_not_wait() -> None:
    history, delays = History(), []
    for _ in range(4):
        verdict = judge(Ending(Cause.TRANSIENT), ASKED, history, Policy(transient_delay=60))
        assert verdict.again
        history = verdict.history
        delays.append(history.delay)
    assert delays == [60, 120, 240, 480]
    assert judge(Ending(Cause.FAILED), ASKED, history, Policy()).history.delay == 0


@given(st.lists(st.sampled_from(sorted(Cause)), max_size=12))
def test_whatever_happens_what_ran_out_alone_grows(causes: list[Cause]) -> None:
    policy, history = Policy(disruptions=3), History()
    for cause in causes:
        history = judge(Ending(cause, host="node1"), ASKED, history, policy).history
    assert history.growth.memory == 2.0 ** causes.count(Cause.MEMORY)
    assert history.growth.runtime == 1.5 ** causes.count(Cause.TIME)
    assert history.disruptions == sum(cause in DISRUPTIONS for cause in causes)
    assert len(history.earlier) == len(causes)
