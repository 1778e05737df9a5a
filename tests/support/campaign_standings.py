"""Campaigns made up for pages: jobs in every state, or thousands of granules."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from levelworks.campaign.standing import Cell, Run, Standing, State

STAGES = ("absorption", "retrieve", "mask-plumes", "detect-plumes", "orthorectify", "quantify")
PROFILE = "snakemake --profile profiles/slurm plumes"


def run(*, alive: bool = True, ended: float | None = None, now: float | None = None) -> Run:
    """Return a run that began an hour ago."""
    now = time.time() if now is None else now
    return Run(1, now - 3600, now, ended, "login2", 4711, PROFILE, alive)


def job(line: str, stage: str, granule: str, state: State, **more: Any) -> Cell:
    """Return a job with the paths that rules give it."""
    product = f"results/{line}/{stage}/{granule}.nc"
    log = f"logs/{line}/{stage}/{granule}.log"
    if state in (State.DONE, State.SKIPPED, State.QUARANTINED, State.REMOVED):
        more = {"record": f"{product}.json", "wall_s": 12.5, "cpu_s": 11.0, "peak_memory_mb": 900.0, **more}
    if state is not State.WAITING:
        more = {"attempt": 1, "mem_mb": 1500.0, "runtime": 20.0, "threads": 1, "run": 1, **more}
    return Cell(line, stage, granule, product, state, **{"log": log, **more})


def many(granules: int, stages: Sequence[str] = STAGES, line: str = "plumes", seed: int = 3) -> list[Cell]:
    """Return the jobs of a campaign about half through, in every state."""
    draw = random.Random(seed)
    found = []
    for number in range(granules):
        day = f"2024{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}T{draw.randrange(240000):06d}"
        name = f"EMIT_L1B_RAD_001_{day}_{2400000 + number}_{number % 40:03d}"
        reach, fate, ended = draw.randrange(-4, len(stages) + 4), draw.random(), None
        for column, stage in enumerate(stages):
            state, more = State.WAITING, {}
            if column < reach:
                state = ended or State.DONE
                if ended is None and fate < 0.02:
                    state = ended = State.QUARANTINED
                    more = {"reason": f"{name}.nc: cut off within a header"}
                elif ended is None and fate < 0.06 and column == len(stages) // 2:
                    state = ended = State.SKIPPED
                    more = {"reason": "no plume in this scene"}
                elif fate > 0.99 and column == 1:
                    state, reach = State.FAILED, 0
                    more = {"cause": "out of memory", "message": "2100 MB of 2000 MB", "attempt": 3}
                elif state is State.DONE and fate > 0.95:
                    more = {"warnings": 1}
            elif column == reach:
                state = draw.choice((State.RUNNING, State.QUEUED, State.WAITING))
            found.append(job(line, stage, name, state, job=len(found), **more))
    return found


def standing(cells: Sequence[Cell], **more: Any) -> Standing:
    """Return a campaign whose run goes on."""
    return Standing(tuple(cells), **{"runs": (run(),), **more})
