"""The selection of jobs: the one of Snakemake's own greedy scheduler, at a cost that grows with the jobs alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.logging import logger
from snakemake.scheduling.greedy import Scheduler as Greedy
from snakemake.scheduling.greedy import SchedulerSettings

from snakemake_scheduler_plugin_firstfit import Scheduler

NAMES = ("_cores", "_nodes", "mem_mb", "disk_mb")


class File(str):
    """An input file, temporary or not."""

    __slots__ = ("temporary",)

    def __new__(cls, name: str, temporary: bool) -> Self:
        made = super().__new__(cls, name)
        made.temporary = temporary
        return made

    def is_flagged(self, flag: str) -> bool:
        return flag == "temp" and self.temporary


@dataclass(eq=False)
class Job:
    scheduler_resources: Any
    priority: int = 0
    input: list[File] = field(default_factory=list)


files = st.builds(File, st.sampled_from([f"file{number}" for number in range(6)]), st.booleans())
resources = st.fixed_dictionaries(
    {"_cores": st.integers(1, 8), "_nodes": st.just(1)},
    optional={"mem_mb": st.integers(0, 4000), "disk_mb": st.integers(0, 100), "unlimited": st.integers(1, 9)},
)
jobs = st.builds(Job, resources, st.integers(0, 2), st.lists(files, max_size=3))
room = st.fixed_dictionaries(
    {"_cores": st.integers(0, 24), "_nodes": st.integers(0, 20)},
    optional={"mem_mb": st.integers(0, 9000), "disk_mb": st.integers(0, 300)},
)
sizes = st.fixed_dictionaries({f"file{number}": st.one_of(st.just(0), st.integers(0, 3)) for number in range(6)})


def select(scheduler: type, ready: list[Job], available: dict[str, Any], size: dict[Any, int]) -> list[Job]:
    settings_ = SchedulerSettings() if scheduler is Greedy else None
    return list(scheduler(None, settings_, logger).select_jobs(ready, ready, available, size))


@settings(max_examples=300, deadline=None)
@given(st.lists(jobs, max_size=15), room, sizes)
def test_the_selection_is_that_of_the_greedy_scheduler(
    ready: list[Job], available: dict[str, int], size: dict[str, int]
) -> None:
    expected = select(Greedy, ready, available, size) if ready else []
    assert select(Scheduler, ready, available, size) == expected


@settings(deadline=None)
@given(st.lists(jobs, max_size=30), room, sizes)
def test_what_is_selected_fits_and_what_is_not_no_longer_does(
    ready: list[Job], available: dict[str, int], size: dict[str, int]
) -> None:
    selected = select(Scheduler, ready, available, size)
    used = Counter[str]()
    for job in selected:
        used.update(job.scheduler_resources)
    assert all(used[name] <= most for name, most in available.items())
    for job in ready:
        if job not in selected:
            assert any(used[name] + job.scheduler_resources.get(name, 0) > most for name, most in available.items())


def test_many_jobs_of_a_campaign_are_those_of_the_greedy_scheduler() -> None:
    generator = random.Random(7)
    ready = [
        Job(
            {"_cores": generator.choice([1, 2, 16]), "_nodes": 1, "mem_mb": generator.choice([500, 8000])},
            generator.choice([0, 0, 0, 5]),
            [File(f"in{number}", generator.random() < 0.5)],
        )
        for number in range(300)
    ]
    size = {File(f"in{number}", False): generator.randrange(50) for number in range(300)}
    available = {"_cores": 60, "_nodes": 300, "mem_mb": 100_000}
    assert select(Scheduler, ready, available, size) == select(Greedy, ready, available, size)


def test_files_of_unknown_size_count_nothing() -> None:
    ready = [Job({"_cores": 1}, 0, [File("unknown", True)]), Job({"_cores": 1}, 0, [File("known", True)])]
    assert select(Scheduler, ready, {"_cores": 1}, {"known": 1, "unknown": None}) == [ready[1]]
    assert select(Scheduler, ready, {"_cores": 1}, {}) == [ready[0]]


class Counted(dict):
    """Resources that count how often they are looked at."""

    looks = 0

    def get(self, *words: Any) -> Any:
        Counted.looks += 1
        return super().get(*words)


@pytest.mark.parametrize("cores", [10, 5_000, 10**6])
def test_the_cost_grows_with_the_jobs_alone(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    looks = []
    for number in (2_000, 20_000):
        monkeypatch.setattr(Counted, "looks", 0)
        ready = [Job(Counted({"_cores": 1 + n % 2, "_nodes": 1, "mem_mb": n % 1000})) for n in range(number)]
        select(Scheduler, ready, {"_cores": cores, "_nodes": 10**6, "mem_mb": 10**9}, {})
        looks.append(Counted.looks)
    assert looks[1] <= 2 * 3 * 20_000
    assert looks[1] <= 12 * looks[0]


def test_the_rewards_are_worked_out_once_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = []
    monkeypatch.setattr(File, "is_flagged", lambda _, flag: bool(flags.append(flag)))
    ready = [Job({"_cores": 1}, 0, [File(str(number), True)]) for number in range(5_000)]
    assert select(Scheduler, ready, {"_cores": 3}, {}) == ready[:3]
    assert len(flags) == 5_000
