"""The scheduler ``firstfit``: the ready jobs in the order of their reward, each that still fits.

It selects what Snakemake's ``greedy`` selects at its default greediness, in O(n log n) of the ready jobs instead of
O(n^2): a stage of 10,000 granules is ready all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snakemake_interface_scheduler_plugins.base import SchedulerBase


class Scheduler(SchedulerBase):
    """Selects jobs by priority, then by temporary and by all input they would free or read."""

    def select_jobs(
        self,
        selectable_jobs: Sequence[Any],
        remaining_jobs: Sequence[Any],  # noqa: ARG002 - the interface's
        available_resources: Mapping[str, int | str],
        input_sizes: dict[Any, int],
    ) -> Sequence[Any]:
        """Return the jobs to run now; what they ask for together is available."""
        jobs = list(selectable_jobs)
        left = {name: value for name, value in available_resources.items() if isinstance(value, int)}
        rewards = [_reward(job, input_sizes) for job in jobs]
        selected = []
        for position in sorted(range(len(jobs)), key=rewards.__getitem__, reverse=True):
            asked = jobs[position].scheduler_resources
            if all(asked.get(name, 0) <= value for name, value in left.items()):
                for name in left:
                    left[name] -= asked.get(name, 0)
                selected.append(position)
        return [jobs[position] for position in sorted(selected)]


def _reward(job: Any, input_sizes: Mapping[Any, int]) -> tuple[int, int, int]:
    sizes = [(input_sizes.get(path) or 0, path) for path in job.input]
    temporary = sum(size for size, path in sizes if path.is_flagged("temp"))
    return job.priority, temporary, sum(size for size, _ in sizes)
