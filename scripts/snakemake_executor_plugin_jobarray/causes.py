"""Why a job ended without success, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from textwrap import shorten
from typing import Any

from snakemake_executor_plugin_jobarray.requests import Caps, Growth, Request


class Cause(StrEnum):
    """Why a job or an array element ended without success; the value is the phrase that people read."""

    MEMORY = "killed for memory"
    TIME = "killed for run time"
    NODE = "node failure"
    PREEMPTED = "pre-empted"
    LOST = "lost by the scheduler"
    CANCELLED = "cancelled from outside"
    TRANSIENT = "I/O or service trouble"
    OPTIONS = "wrong options"
    QUARANTINED = "too many quarantined"
    BUG = "a bug"
    MISSING = "output missing"
    NOT_STARTED = "its worker did not start"
    REFUSED = "refused by the scheduler"
    FAILED = "failed"


DISRUPTIONS = frozenset({Cause.NODE, Cause.PREEMPTED, Cause.LOST, Cause.NOT_STARTED})
"""What is no fault of the job: it is submitted again unchanged, beside its retries."""
FINAL = frozenset({Cause.OPTIONS, Cause.QUARANTINED, Cause.BUG, Cause.REFUSED, Cause.CANCELLED})
"""What another attempt does not help."""

EXIT_CAUSES = {
    64: Cause.OPTIONS,
    65: Cause.QUARANTINED,
    70: Cause.BUG,
    75: Cause.TRANSIENT,
    137: Cause.MEMORY,
    140: Cause.TIME,
    152: Cause.TIME,
}
SIGKILL, SIGXCPU = 9, 24
LONGEST_PHRASE = 200
NEAR_LIMIT = 0.95
"""Share of its memory beyond which a job that failed for no known reason is taken to have run out of it."""


@dataclass(frozen=True)
class Ending:
    """How a job ended: no cause where it succeeded; what else is known, for its log and messages."""

    cause: Cause | None = None
    detail: str = ""
    code: int | None = None
    host: str = ""
    wall: float | None = None
    memory: float | None = None

    @property
    def good(self) -> bool:
        """Return whether the job succeeded."""
        return self.cause is None

    def describe(self) -> str:
        """Return one phrase for logs and messages."""
        where = f" on {self.host}" if self.host else ""
        return f"{self.cause}{where}{': ' + self.detail if self.detail else ''}" if self.cause else "done"


def ending_of(event: dict[str, Any], request: Request, host: str) -> Ending:
    """Read the ``end`` event of a worker.

    Parameters
    ----------
    event : dict
        Code, signal, reason, message, wall seconds and peak memory in MB, as far as the worker knows them.
    """
    code, signal, memory = event.get("code"), event.get("signal"), event.get("rss")
    base = Ending(None, str(event.get("message", "")), code, host, event.get("wall"), memory)
    if event.get("reason") == "time":
        return replace(base, cause=Cause.TIME, detail=f"longer than {request.runtime} min")
    if event.get("reason") == "missing":
        return replace(base, cause=Cause.MISSING)
    if signal is not None:
        if signal == SIGKILL:
            return replace(base, cause=Cause.MEMORY, detail=_memory_detail(request, memory))
        cause = Cause.TIME if signal == SIGXCPU else Cause.FAILED
        return replace(base, cause=cause, detail=f"ended by signal {signal}")
    if code == 0:
        return base
    cause = EXIT_CAUSES.get(code or 0, Cause.FAILED)
    if cause is Cause.FAILED and request.memory and memory and memory >= NEAR_LIMIT * request.memory:
        cause = Cause.MEMORY
    detail = base.detail or (_memory_detail(request, memory) if cause is Cause.MEMORY else "")
    return replace(base, cause=cause, detail="; ".join(filter(None, (f"exit code {code}", detail))))


def _memory_detail(request: Request, memory: float | None) -> str:
    asked = f"asked for {request.memory} MB" if request.memory else ""
    seen = f"{memory:.0f} MB seen" if memory else ""
    return ", ".join(filter(None, (asked, seen)))


@dataclass(frozen=True)
class Policy:
    """How retries grow, how long they wait, and where they end."""

    caps: Caps = Caps()
    memory_growth: float = 2.0
    runtime_growth: float = 1.5
    transient_delay: float = 60.0
    disruption_delay: float = 30.0
    disruptions: int = 5


@dataclass(frozen=True)
class History:
    """What a job has been through: endings of its attempts, disruptions, growth, and when it may run again."""

    earlier: tuple[str, ...] = ()
    disruptions: int = 0
    transients: int = 0
    growth: Growth = Growth()
    delay: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What follows from an ending: is another attempt worth it, and with which history."""

    again: bool
    history: History
    why: str = ""


def judge(ending: Ending, request: Request, history: History, policy: Policy) -> Verdict:
    """Decide what follows from an ending that was no success.

    Memory doubles after a memory kill, time grows by half after a time kill, both up to the caps and not beyond; exit
    75 waits; disruptions leave the request as it is and avoid the node; the rest is tried again unchanged, or not.
    """
    cause = ending.cause
    brief = shorten(ending.describe(), LONGEST_PHRASE, placeholder=" …")
    history = replace(history, earlier=(*history.earlier, brief), delay=0.0)
    growth = history.growth
    if cause in DISRUPTIONS:
        bad_node = cause in (Cause.NODE, Cause.NOT_STARTED)
        avoid = growth.avoid | {ending.host} if bad_node and ending.host else growth.avoid
        delay = policy.disruption_delay * 2**history.disruptions if bad_node else 0.0
        history = replace(
            history, disruptions=history.disruptions + 1, growth=replace(growth, avoid=avoid), delay=delay
        )
        over = history.disruptions > policy.disruptions
        return Verdict(not over, history, f"disrupted {history.disruptions} times" if over else "")
    if cause in FINAL:
        return Verdict(False, history, "another attempt would not help")
    if cause is Cause.MEMORY:
        return _grown(history, request, policy, "memory")
    if cause is Cause.TIME:
        return _grown(history, request, policy, "runtime")
    if cause is Cause.TRANSIENT:
        delay = policy.transient_delay * 2**history.transients
        return Verdict(True, replace(history, transients=history.transients + 1, delay=delay))
    return Verdict(True, history)


def _grown(history: History, request: Request, policy: Policy, what: str) -> Verdict:
    factor = policy.memory_growth if what == "memory" else policy.runtime_growth
    asked, cap = (request.memory, policy.caps.mem_mb) if what == "memory" else (request.runtime, policy.caps.runtime)
    if what == "memory" and cap is not None and request.mem_mb is None:
        cap = cap // request.cores * request.cores
    if asked is not None and cap is not None and asked >= cap:
        unit = "MB" if what == "memory" else "min"
        return Verdict(False, history, f"the cap of {cap} {unit} is reached")
    growth = replace(history.growth, **{what: getattr(history.growth, what) * factor})
    return Verdict(True, replace(history, growth=growth))
