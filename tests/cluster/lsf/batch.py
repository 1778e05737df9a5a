"""The batch system itself: it dispatches jobs, watches over their limits and ends them."""

from __future__ import annotations

import signal
import time
from collections import Counter

from . import dependencies, execution, processes, report
from .hosts import Hosts
from .jobs import Job
from .processes import Process
from .reasons import Reason
from .store import Store

TERMINATE = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
OUT_OF_TIME = (signal.SIGUSR2, signal.SIGTERM, signal.SIGKILL)


class Batch:
    """Everything that happens to jobs between submission and end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.knobs = store.knobs
        self.hosts = Hosts(store.knobs)
        self.running: dict[Job, None] = {}
        self.spool = store.folder / "spool"
        self.spool.mkdir(exist_ok=True)
        self._looked = 0.0
        self._cleaned = 0.0
        self._table: dict[int, Process] | None = None

    def tick(self) -> None:
        """Do what is due now."""
        now = time.time()
        self._table = None
        for job in list(self.running):
            self._signal_if_due(job, now)
            self._end_if_over(job)
        if self.running and now - self._looked >= self.knobs["memory_poll"]:
            self._looked = now
            self._watch_memory()
        self._watch_time(now)
        self._dispatch(now)
        if now - self._cleaned > 0.2:
            self._cleaned = now
            self.store.clean()

    def end(self, job: Job, reason: Reason, *signals: int, requeue: bool = False) -> None:
        """Begin to end a job: one signal after the other, until it has gone."""
        if job.state in {"PEND", "PSUSP"}:
            self._over(job, None, reason)
        elif not job.finished:
            interval, now = self.knobs["terminate_interval"], time.time()
            job.death, job.requeue = job.death or reason, requeue
            job.death_plan = [(now + step * interval, number) for step, number in enumerate(signals or TERMINATE)]
            self._signal_if_due(job, now)

    def drop(self, job: Job) -> None:
        """Kill the processes of a job at once, and wait until its own has gone."""
        self.running.pop(job, None)
        if job.process is None:
            return
        mine = [process.pid for process in processes.of_job(job.process.pid, processes.table())]
        marks = (f"LSB_JOBID={job.id}", f"LSB_JOBINDEX={job.index}", f"LSF_EMULATOR_DIR={self.store.folder}")
        processes.send(mine + processes.with_environment(*marks), signal.SIGKILL)
        job.process.wait()

    def force(self, job: Job) -> None:
        """Remove a job without waiting for it."""
        self.drop(job)
        self._over(job, 128 + signal.SIGKILL if job.process else None, Reason.TERM_FORCE_OWNER)

    def lose(self, job: Job) -> None:
        """Lose a job: no command knows it any more."""
        self.drop(job)
        self.store.forget(job)

    def fail_host(self, host: str) -> None:
        """Take a host down with every job on it; the rerunnable ones go back to the queue."""
        self.hosts.down.add(host)
        for job in [job for job in self.running if host in job.hosts]:
            self.drop(job)
            if _rerunnable(job):
                self._pend_again(job)
            else:
                self._over(job, None, Reason.TERM_UNKNOWN, reported=False)

    def preempt(self, job: Job) -> None:
        """End a running job in favour of another; a rerunnable one goes back to the queue."""
        self.end(job, Reason.TERM_PREEMPT, requeue=_rerunnable(job))

    def stop(self, job: Job) -> bool:
        """Suspend a job; return whether there was anything to suspend."""
        if job.state == "PEND":
            job.state = "PSUSP"
        elif job.state == "RUN":
            job.state, job.suspended_at = "USUSP", time.time()
            self.signal(job, signal.SIGSTOP)
        else:
            return False
        self.store.events.status(job)
        return True

    def resume(self, job: Job) -> bool:
        """Let a suspended job go on; return whether it was suspended."""
        if job.state == "PSUSP":
            job.state = "PEND"
        elif job.state == "USUSP":
            job.state = "RUN"
            job.suspended_for += time.time() - (job.suspended_at or time.time())
            job.suspended_at = None
            self.signal(job, signal.SIGCONT)
        else:
            return False
        self.store.events.status(job)
        return True

    def signal(self, job: Job, number: int) -> None:
        """Send a signal to the processes of a job."""
        processes.send([process.pid for process in self._processes(job)], number)

    def shut_down(self) -> None:
        """Kill every job."""
        for job in list(self.running):
            self.drop(job)
        left = processes.with_environment(f"LSF_EMULATOR_DIR={self.store.folder}", "LSFUSER=" + self.store.user)
        processes.send(left, signal.SIGKILL)

    def _processes(self, job: Job) -> list[Process]:
        if job.process is None:
            return []
        if self._table is None:
            self._table = processes.table()
        return processes.of_job(job.process.pid, self._table)

    def _signal_if_due(self, job: Job, now: float) -> None:
        while job.death_plan and job.death_plan[0][0] <= now:
            _, number = job.death_plan.pop(0)
            self._table = None
            self.signal(job, number)
            if job.state == "USUSP":
                self.signal(job, signal.SIGCONT)

    def _end_if_over(self, job: Job) -> None:
        assert job.process is not None
        code = job.process.poll()
        if code is None:
            return
        left = [process.pid for process in self._processes(job)]
        if left and job.death_plan:
            return  # the others still have the time that the signals leave them
        processes.send(left, signal.SIGKILL)
        self.running.pop(job)
        if job.requeue:
            self._pend_again(job)
            return
        reason = job.death
        if reason is None and code < 0:
            reason = Reason.TERM_EXTERNAL_SIGNAL
        self._over(job, code if code >= 0 else 128 - code, reason)

    def _over(self, job: Job, code: int | None, reason: Reason | None, *, reported: bool = True) -> None:
        job.state = "DONE" if code == 0 else "EXIT"
        job.exit_code, job.reason = code, None if code == 0 else reason
        job.finish_time, job.death_plan = time.time(), []
        if job.start_time is not None and reported:
            report.append(job)
        if job.death is None and _requeues(job):
            self._pend_again(job)
            return
        self.store.active.pop(job, None)
        self.store.events.status(job)

    def _pend_again(self, job: Job) -> None:
        job.back_to_pending()
        self.store.events.status(job)

    def _watch_memory(self) -> None:
        for job in self.running:
            found = self._processes(job)
            job.memory = sum(process.memory for process in found)
            job.max_memory = max(job.max_memory, job.memory)
            job.cpu_time = max(job.cpu_time, sum(process.cpu_time for process in found))
            limit = job.submission.memory_limit
            if limit is None or job.death is not None:
                continue
            largest = max((process.memory for process in found), default=0.0)
            if (largest if self.knobs["memory_limit_per"] == "process" else job.memory) > limit:
                self.end(job, Reason.TERM_MEMLIMIT, signal.SIGKILL)

    def _watch_time(self, now: float) -> None:
        factor = self.knobs["run_limit_factor"]
        for job in self.running:
            limit = job.submission.run_limit
            if limit is not None and job.death is None and job.run_time(now) > limit * 60 * factor:
                self.end(job, Reason.TERM_RUNLIMIT, *OUT_OF_TIME)

    def _dispatch(self, now: float) -> None:
        free = self.knobs["slots"] - sum(sum(job.hosts.values()) for job in self.running)
        counts = Counter(job.id for job in self.running)
        delay = self.knobs["dispatch_delay"]
        for job in list(self.store.active) if free > 0 else ():
            if job.state != "PEND" or now - job.submission.time < delay:
                continue
            most = job.submission.most_running
            if most is not None and counts[job.id] >= most:
                job.pend_reason = "Job array has reached its running element limit"
            elif not dependencies.satisfied(job, self.store):
                job.pend_reason = "Job dependency condition not satisfied"
            elif isinstance(found := self.hosts.place(job, list(self.running)), str):
                job.pend_reason = found
            else:
                job.hosts, job.reserved = found
                counts[job.id] += 1
                free -= sum(job.hosts.values())
                self._start(job)
                if free <= 0:
                    break

    def _start(self, job: Job) -> None:
        try:
            execution.start(job, self.spool)
        except execution.NoFolder:
            self._over(job, None, Reason.TERM_CWD_NOTEXIST)
            return
        job.state, job.start_time = "RUN", time.time()
        self.running[job] = None
        self.store.events.start(job)


def _rerunnable(job: Job) -> bool:
    return "rerunnable" in job.submission.options.flags and "not_rerunnable" not in job.submission.options.flags


def _requeues(job: Job) -> bool:
    """Tell whether the exit code is one of those of -Q."""
    words = (job.submission.options.get("requeue_codes") or "").split()
    code = str(job.exit_code)
    return job.state == "EXIT" and f"~{code}" not in words and (code in words or "all" in words)
