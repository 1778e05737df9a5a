"""What jobs ask of a scheduler, and that retries ask for more of what ran out and of nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.requests import Caps, Growth, InvalidRequest, Request, request_of

amounts = st.one_of(st.none(), st.integers(1, 10**7))
factors = st.floats(1, 64)


def asked(threads: int = 1, **resources: Any) -> Request:
    return request_of("calibrate", resources, threads)


def test_a_job_that_asks_for_nothing_has_its_threads() -> None:
    assert asked(threads=3) == Request(cpus=3)


def test_memory_time_and_names_pass_through() -> None:
    found = asked(mem_mb=800, runtime=10, constraint="skylake", qos="long", reservation="night", gres="gpu:2")
    assert found == Request(mem_mb=800, runtime=10, constraint="skylake", qos="long", reservation="night", gres="gpu:2")


@pytest.mark.parametrize("prefix", ["", "slurm_"])
def test_names_of_slurms_own_plug_in_count_too(prefix: str) -> None:
    names = {f"{prefix}{name}": f"a {name}" for name in ("partition", "account", "qos", "reservation")}
    found = asked(**names)
    assert [found.partition, found.account, found.qos, found.reservation] == [
        *("a partition", "a account", "a qos", "a reservation")
    ]


@pytest.mark.parametrize(("queue", "project"), [("queue", "project"), ("lsf_queue", "lsf_project")])
def test_names_of_lsf_count_too(queue: str, project: str) -> None:
    found = asked(**{queue: "short", project: "stars"})
    assert (found.partition, found.account) == ("short", "stars")


def test_a_rule_overrides_the_profile_and_its_further_arguments_come_last() -> None:
    profile = {"partition": "normal", "account": "house", "extra": "--exclusive --comment 'two words'"}
    plain = request_of("calibrate", {}, 1, **profile)
    assert (plain.partition, plain.account) == ("normal", "house")
    assert plain.extra == ("--exclusive", "--comment", "two words")
    own = request_of("calibrate", {"partition": "large", "account": "", "slurm_extra": "--nice"}, 1, **profile)
    assert (own.partition, own.account) == ("large", "house")
    assert own.extra == ("--exclusive", "--comment", "two words", "--nice")


def test_memory_a_core_takes_the_place_of_memory() -> None:
    assert asked(mem_mb=800, mem_mb_per_cpu=200) == Request(mem_mb_per_cpu=200)


@pytest.mark.parametrize("empty", [None, "", 0])
def test_nothing_is_no_amount(empty: Any) -> None:
    assert asked(mem_mb=empty, runtime=empty, nodes=empty) == Request()


@pytest.mark.parametrize("value", ["much", -1, [], "1e", float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["mem_mb", "mem_mb_per_cpu", "runtime", "tasks", "nodes", "jobarray_bundle"])
def test_what_is_no_amount_is_refused_with_rule_and_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"rule calibrate: resource {name} must"):
        asked(**{name: value})


@pytest.mark.parametrize("name", ["extra", "slurm_extra", "lsf_extra", "of the profile"])
def test_further_arguments_that_cannot_be_read_are_refused_with_their_rule(name: str) -> None:
    text = "--comment 'it never ends"
    resources, profile = ({}, text) if name == "of the profile" else ({name: text}, None)
    with pytest.raises(InvalidRequest, match=r"rule calibrate: extra arguments .*it never ends.* can't be read"):
        request_of("calibrate", resources, 1, extra=profile)


@pytest.mark.parametrize(
    ("threads", "resources", "tasks", "cpus"),
    [
        (8, {"tasks": 8}, 8, 1),
        (8, {"tasks": 2}, 2, 4),
        (2, {"tasks": 8}, 8, 1),
        (1, {"tasks_per_node": 4, "nodes": 2}, 8, 1),
        (1, {"ptile": 4}, 4, 1),
        (8, {"tasks": 4, "cpus_per_task": 3}, 4, 3),
    ],
)
def test_an_mpi_job_shares_its_threads_among_its_tasks(
    threads: int, resources: dict[str, int], tasks: int, cpus: int
) -> None:
    found = asked(threads, mpi="mpiexec", **resources)
    assert (found.mpi, found.tasks, found.cpus, found.cores) == (True, tasks, cpus, tasks * cpus)
    assert found.bundle == 1


def test_an_mpi_job_must_say_how_many_tasks_it_needs() -> None:
    with pytest.raises(InvalidRequest, match="tasks or tasks_per_node"):
        asked(mpi="mpiexec")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"gpu": 2}, Request(gpus=2)),
        ({"gpus": 2}, Request(gpus=2)),
        ({"gpu": 1, "gpu_model": "a100"}, Request(gpus=1, gpu_model="a100")),
        ({"gpu": 0}, Request()),
        ({}, Request()),
    ],
)
def test_graphics_processors_are_counted(resources: dict[str, Any], expected: Request) -> None:
    assert asked(**resources) == expected


def test_a_rule_may_choose_its_bundle_and_guess_its_duration() -> None:
    found = asked(jobarray_bundle=40, expected_seconds=3)
    assert (found.bundle, found.expected) == (40, 3)


@given(amounts, amounts, amounts, factors, factors, amounts, amounts)
def test_growth_alone_keeps_to_the_caps_and_nothing_shrinks(
    memory: int | None,
    per_core: int | None,
    runtime: int | None,
    more: float,
    longer: float,
    memory_cap: int | None,
    runtime_cap: int | None,
) -> None:
    request = Request(mem_mb=memory, mem_mb_per_cpu=per_core, runtime=runtime, partition="normal", cpus=3)
    grown = request.grown(Growth(more, longer, frozenset({"node1"})), Caps(memory_cap, runtime_cap))
    core_cap = None if memory_cap is None else memory_cap // 3
    for before, after, factor, cap in (
        (memory, grown.mem_mb, more, memory_cap),
        (per_core, grown.mem_mb_per_cpu, more, core_cap),
        (runtime, grown.runtime, longer, runtime_cap),
    ):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert isinstance(after, int)
            wished = math.ceil(before * factor)
            assert after == (wished if cap is None else max(before, min(wished, cap)))
            assert before <= after <= wished
    assert grown.avoid == {"node1"}
    assert replace(grown, mem_mb=memory, mem_mb_per_cpu=per_core, runtime=runtime, avoid=frozenset()) == request


@given(amounts, amounts, amounts, amounts, amounts)
def test_without_growth_a_request_is_itself_whatever_the_caps(
    memory: int | None, per_core: int | None, runtime: int | None, memory_cap: int | None, runtime_cap: int | None
) -> None:
    request = Request(mem_mb=memory, mem_mb_per_cpu=per_core, runtime=runtime, cpus=3)
    assert request.grown(Growth(), Caps(memory_cap, runtime_cap)) == request


@pytest.mark.parametrize(
    ("request_", "memory"),
    [
        (Request(cpus=4), None),
        (Request(mem_mb=800, cpus=4), 800),
        (Request(mem_mb_per_cpu=200), 200),
        (Request(mem_mb_per_cpu=200, cpus=2, tasks=3), 1200),
    ],
)
def test_the_memory_of_a_request_is_that_of_all_its_cores(request_: Request, memory: int | None) -> None:
    assert request_.memory == memory


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (Request(mem_mb=800, runtime=10, cpus=2, tasks=2), "800 MB, 10 min, 4 cores"),
        (Request(mem_mb_per_cpu=200), "200 MB a core, 1 core"),
    ],
)
def test_a_request_is_described_for_a_person(request_: Request, text: str) -> None:
    assert request_.describe() == text
