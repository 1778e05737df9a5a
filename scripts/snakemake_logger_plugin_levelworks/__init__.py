"""The logger ``levelworks``: writes the events of a run into the ledger of its campaign, and keeps its page fresh."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from levelworks.campaign import planned
from levelworks.campaign.ledger import LEDGER, Ledger, add_attempt, end_job, end_run, plan_jobs, update_job
from levelworks.campaign.page_keeper import PageKeeper
from levelworks.campaign.processes import birth
from snakemake_logger_plugin_levelworks.command_line import is_asked, without_targets


class LogHandler(LogHandlerBase):
    """Takes Snakemake's events, and the executor's where it is ``jobarray``, for the ledger."""

    def __post_init__(self) -> None:
        self._folder = Path.cwd()  # Snakemake goes to its working folder later
        self._ledger: Ledger | None = None
        self._page: PageKeeper | None = None
        self._attempts: dict[int, int] = {}
        self._products: dict[int, str] = {}
        self._failed = False
        self._early: list[tuple[list[tuple[Any, ...]], str | None]] = []
        self._lock = threading.Lock()
        self._told: set[int] = set()
        self._takes: dict[Any, Callable[[LogRecord], None]] = {
            LogEvent.WORKFLOW_STARTED: self._begin,
            LogEvent.JOB_INFO: self._job_is_handed_over,
            LogEvent.JOB_FINISHED: self._job_finished,
            LogEvent.JOB_ERROR: self._job_failed,
            LogEvent.ERROR: self._went_wrong,
        }
        planned.listeners.append(self._plan)

    @property
    def writes_to_stream(self) -> bool:
        """Return False: the terminal is Snakemake's."""
        return False

    @property
    def writes_to_file(self) -> bool:
        """Return False: the ledger is no log file."""
        return False

    @property
    def has_filter(self) -> bool:
        """Return True: it takes every event, however quiet the terminal is."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Return True: it formats nothing."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Return False."""
        return False

    def emit(self, record: LogRecord) -> None:
        """Take an event."""
        take = self._takes.get(getattr(record, "event", None))
        if take is not None and not self.common_settings.dryrun:
            take(record)

    def close(self) -> None:
        """End the run."""
        if self._plan in planned.listeners:
            planned.listeners.remove(self._plan)
        if self._ledger is not None:
            for listeners in _executor_listeners():
                listeners.remove(self._executor_tells)
            self._ledger.put(end_run, "failed" if self._failed else "ended")
            self._ledger.close()
            self._ledger = None
        if self._page is not None:
            self._page.close()
            self._page = None
        super().close()

    # What Snakemake tells.

    def _begin(self, _record: LogRecord) -> None:
        if self._ledger is not None or is_asked(sys.argv[1:], "touch"):
            return  # a run that only touches products makes none
        ledger = Ledger(LEDGER.absolute(), lambda message: logger.warning(f"ledger: {message}"))
        now = time.time()
        ledger.begin(
            began=now,
            beat=now,
            host=socket.gethostname(),
            pid=os.getpid(),
            born=birth(os.getpid()),
            words=shlex.join(sys.argv),
            base=shlex.join([sys.argv[0], *without_targets(sys.argv[1:])]),
            folder=str(self._folder),
        )
        with self._lock:
            self._ledger = ledger
            for early in self._early:
                ledger.put(plan_jobs, *early)
        for listeners in _executor_listeners():
            listeners.append(self._executor_tells)

    def _plan(self, rows: list[tuple[Any, ...]], results: str | None = None) -> None:
        """Take a plan, from Snakemake's own thread: the run may not have been heard of yet."""
        self._products.update({row[0]: row[4] for row in rows})
        if results is not None and self._page is None:
            self._page = PageKeeper(Path.cwd(), Path(results), lambda message: logger.warning(f"page: {message}"))
            self._page.start()
        with self._lock:
            if self._ledger is None:
                self._early.append((rows, results))
            else:
                self._ledger.put(plan_jobs, rows, results)

    def _job_is_handed_over(self, record: LogRecord) -> None:
        event: Any = record
        job, attempt = event.jobid, self._attempts.get(event.jobid, 0) + 1
        self._attempts[job] = attempt
        if job not in self._products:
            row = planned.row_of(job, event.output, event.log)
            if row is None:
                return
            self._plan([row])
        values = {"state": "queued", "attempt": attempt, "threads": event.threads, "queued": record.created}
        if event.local:  # it runs here, at once
            values |= {"state": "running", "began": record.created}
        asked = {name: event.resources.get(name) for name in ("mem_mb", "runtime")}
        values |= {name: value for name, value in asked.items() if isinstance(value, int | float)}
        self._update(job, **values)

    def _job_finished(self, record: LogRecord) -> None:
        job = record.job_id  # type: ignore[attr-defined]
        if product := self._products.get(job):
            self._put(end_job, job, product, record.created)

    def _job_failed(self, record: LogRecord) -> None:
        event: Any = record
        if event.jobid not in self._products:
            return
        message = str(event.rule_msg or "")
        values = {"state": "failed", "ended": record.created, "message": message}
        if event.jobid not in self._told:  # another executor says no cause
            values |= {"cause": "failed"}
            attempt = self._attempts.get(event.jobid, 1)
            self._put(add_attempt, event.jobid, {"attempt": attempt, "ended": record.created, "cause": "failed"})
        self._told.discard(event.jobid)
        self._update(event.jobid, **values)

    def _went_wrong(self, _record: LogRecord) -> None:
        self._failed = True

    # What the executor tells.

    def _executor_tells(self, announcement: Any) -> None:
        told, now = announcement, time.time()
        if told.job.is_group():
            return
        job = told.job.jobid
        asked = {"mem_mb": told.memory, "runtime": told.runtime, "external": told.external, "attempt": told.attempt}
        match told.what:
            case "submitted":
                self._update(job, **asked)
            case "began":
                self._update(job, state="running", began=now, host=told.host)
            case "ended badly":
                self._told.add(job)
                ending = told.ending
                found = {"cause": str(ending.cause), "detail": ending.detail, "host": ending.host, "log": told.log}
                figures = {"ended": now, "wall_s": ending.wall, "peak_memory_mb": ending.memory}
                self._put(add_attempt, job, {**asked, **found, **figures})
                self._update(job, state="queued", cause=str(ending.cause), message=ending.detail)

    def _update(self, job: int, **values: Any) -> None:
        self._put(update_job, job, values)

    def _put(self, write: Callable[..., None], *values: Any) -> None:
        if self._ledger is not None:
            self._ledger.put(write, *values)


def _executor_listeners() -> list[list[Any]]:
    from snakemake_executor_plugin_jobarray import announcements

    return [announcements.listeners]
