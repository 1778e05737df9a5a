"""What Snakemake sees: ready jobs go to the controller, endings come back as successes, retries and errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.real import RealExecutor
from snakemake_interface_executor_plugins.settings import ExecMode, SharedFSUsage

from snakemake_executor_plugin_jobarray.announcements import Announcement, announce, listeners
from snakemake_executor_plugin_jobarray.arrays import Element
from snakemake_executor_plugin_jobarray.backend import Backend, Unavailable
from snakemake_executor_plugin_jobarray.causes import Ending, Policy, Verdict
from snakemake_executor_plugin_jobarray.controller import Controller
from snakemake_executor_plugin_jobarray.hangup import take_hangup_for_termination
from snakemake_executor_plugin_jobarray.journal import AnotherController, Journal
from snakemake_executor_plugin_jobarray.requests import Caps, InvalidRequest, Request, request_of
from snakemake_executor_plugin_jobarray.settings import ExecutorSettings
from snakemake_executor_plugin_jobarray.submitter import Tuning
from snakemake_executor_plugin_jobarray.tasks import Task, task_of

FOLDER = Path(".snakemake/jobarray")
LISTED = 20
"""Failed jobs that the last message names."""
LOCAL_POLL = 0.2
"""Seconds between two looks at workers on this machine."""


class Executor(RealExecutor):
    """The executor ``jobarray``."""

    def __post_init__(self) -> None:
        settings: ExecutorSettings = self.executor_settings
        if SharedFSUsage.INPUT_OUTPUT not in self.workflow.storage_settings.shared_fs_usage:
            raise WorkflowError("jobarray needs a file system that this machine and the nodes share")
        if self.workflow.remote_execution_settings.immediate_submit:
            raise WorkflowError("jobarray checks what jobs have written: --immediate-submit is not for it")
        self._settings = settings
        self._jobs: dict[str, Any] = {}
        self._keys: dict[Any, str] = {}
        self._given_up: list[str] = []
        backend = _backend(settings, self.workflow.resource_settings.cores)
        try:
            journal = Journal(FOLDER)
        except AnotherController as error:
            raise WorkflowError(str(error)) from None
        self._journal = journal
        self._backend = backend
        self._controller = Controller(
            backend, journal, self, str(Path.cwd()), self._tuning(backend.name), _policy(settings), self.logger
        )
        self._controller.start()
        take_hangup_for_termination()

    def _tuning(self, backend: str) -> Tuning:
        settings, execution = self._settings, self.workflow.remote_execution_settings
        on_cluster = backend != "local"
        poll = execution.seconds_between_status_checks if on_cluster else LOCAL_POLL
        return Tuning(
            bundle=settings.bundle,
            target=settings.target_duration,
            array_size=settings.array_size,
            throttle=settings.throttle,
            gather=settings.gather if on_cluster else min(settings.gather, LOCAL_POLL),
            poll=poll,
            query=settings.query_interval if on_cluster else LOCAL_POLL,
            settle=min(30.0, self.workflow.execution_settings.latency_wait) if on_cluster else LOCAL_POLL,
            lost_after=settings.lost_after if on_cluster else LOCAL_POLL,
        )

    # What Snakemake asks for.

    def run_job(self, job: Any) -> None:
        """Take one ready job."""
        self.run_jobs([job])

    def run_jobs(self, jobs: list[Any]) -> None:
        """Take all jobs that are ready; none is dropped, none waits for another."""
        taken: list[tuple[Task, Request]] = []
        for job in jobs:
            self.run_job_pre(job)
            information = SubmittedJobInfo(job)
            try:
                request = self._request(job)
            except InvalidRequest as error:
                self._give_up(job)
                self.report_job_error(information, msg=str(error))
                continue
            task = task_of(job, self.workflow, self.format_job_exec)
            self._jobs[task.key] = job
            self._keys[job] = task.key
            # Snakemake's mark of an incomplete product must stand before anything can begin to write it.
            self.report_job_submission(information)
            taken.append((task, request))
        self._controller.add(taken)

    def _request(self, job: Any) -> Request:
        """Return what a job asks for at its first attempt: the executor lets grow what ran out, and nothing else."""
        resources = job.resources
        if job.attempt > 1 and not job.is_group():
            first = job.rule.expand_resources(job.wildcards_dict, job.input, 1, skip_evaluation={"tmpdir"})
            resources = {**resources, **{name: first.get(name) for name in ("mem_mb", "mem_mb_per_cpu", "runtime")}}
        settings = self._settings
        return request_of(
            job.name,
            resources,
            job.threads,
            partition=settings.partition,
            account=settings.account,
            extra=settings.extra,
        )

    def cancel(self) -> None:
        """Cancel every array, and say so."""
        try:
            arrays, jobs = self._controller.cancel()
        except (Unavailable, OSError) as error:
            self.logger.error(f"jobarray: not everything could be cancelled, arrays may go on: {error}")
        else:
            if arrays:
                self.logger.info(
                    f"jobarray: cancelled {len(arrays)} {self._backend.name} array{'s' * (len(arrays) > 1)}"
                    f" ({', '.join(arrays)}) with {jobs} unfinished jobs"
                )
        self._end()

    def shutdown(self) -> None:
        """End the run; what is still submitted goes on and is adopted by the next one."""
        try:
            if going_on := self._controller.stop():
                self.logger.info(f"jobarray: {going_on} submitted jobs go on; the next run adopts them")
        except OSError as error:  # Snakemake would cancel everything on it
            self.logger.error(f"jobarray: the journal can't be written: {error}")
        self._end()

    def _end(self) -> None:
        if self._given_up:
            more = len(self._given_up) - LISTED
            rest = [f"… and {more} more; each stands in its log"] if more > 0 else []
            lines = [f"jobarray: {len(self._given_up)} jobs failed:", *self._given_up[:LISTED], *rest]
            self.logger.error("\n".join(lines))
        self._backend.close()
        self._journal.release()

    def handle_job_success(self, job: Any) -> None:
        """Hear that Snakemake has checked a job's products and recorded them."""
        if key := self._keys.pop(job, None):
            self._jobs.pop(key, None)
            self._controller.collected(key)

    def handle_job_error(self, job: Any) -> None:
        """Hear that a job failed, if only by products that Snakemake does not accept."""
        if key := self._keys.pop(job, None):
            self._jobs.pop(key, None)
            self._controller.rejected(key)

    # What the controller says.

    def submitted(self, tasks: Sequence[Task], element: Element) -> None:
        """Announce jobs that were submitted."""
        for task in tasks:
            self._announce("submitted", task, element)

    def began(self, task: Task, element: Element) -> None:
        """Announce a job that runs."""
        self._announce("began", task, element)

    def _announce(self, what: str, task: Task, element: Element, **values: Any) -> None:
        if listeners and task.key in self._jobs:
            request = element.array.request
            external = f"{element.array.external or ''}[{element.index}]"
            announce(
                Announcement(
                    self._jobs[task.key],
                    what,
                    task.attempt,
                    external,
                    element.host,
                    memory=request.memory,
                    runtime=request.runtime,
                    log=str(element.log_path),
                    **values,
                )
            )

    def ended_well(self, tasks: Sequence[Task]) -> None:
        """Report jobs that succeeded, all at once: Snakemake looks at every running job each time it is called."""
        jobs = [self._jobs[task.key] for task in tasks]
        scheduler = self.workflow.scheduler
        with scheduler._lock:  # noqa: SLF001 - its callback takes one job and wakes it for each
            scheduler._tofinish.extend(jobs)  # noqa: SLF001
        scheduler._open_jobs.release()  # noqa: SLF001

    def disrupted(self, task: Task, ending: Ending, element: Element | None) -> None:
        """Announce a job that is submitted again."""
        if element:
            self._announce("ended badly", task, element, ending=ending)

    def ended_badly(self, task: Task, ending: Ending, verdict: Verdict, element: Element | None) -> None:
        """Report a failed attempt, in the job's log too; Snakemake tries again as often as its retries allow."""
        if element:
            self._announce("ended badly", task, element, ending=ending)
        log = element.log_path if element else None
        job = self._jobs.pop(task.key)
        self._keys.pop(job, None)
        if not job.is_group():
            job.attempt = max(job.attempt, task.attempt)
        last = not verdict.again or job.attempt > job.restart_times
        attempts = "; ".join(f"attempt {number}: {one}" for number, one in enumerate(verdict.history.earlier, start=1))
        message = f"{task.label}: {ending.describe()}."
        if last:
            message += f" Given up{f' ({verdict.why})' if verdict.why else ''}; {attempts}."
            self._give_up(job)
            self._given_up.append(message)
        elif verdict.history.delay:
            message += f" Next attempt in {verdict.history.delay:.0f} s."
        _note(job, message)
        self.report_job_error(SubmittedJobInfo(job), msg=message, aux_logs=[str(log)] if log and log.exists() else [])

    def broke(self, error: Exception) -> None:
        """End the run where the controller can't go on."""
        self.workflow.scheduler.executor_error_callback(
            WorkflowError(str(error)) if isinstance(error, AnotherController) else error
        )

    def _give_up(self, job: Any) -> None:
        job.attempt = job.restart_times + 1

    # For jobs that only a nested Snakemake can run.

    @property
    def cores(self) -> int | str:
        """Return the cores of a nested Snakemake: those of its allocation."""
        return "all"

    def get_exec_mode(self) -> ExecMode:
        """Return the mode of a nested Snakemake."""
        return ExecMode.REMOTE

    def get_python_executable(self) -> str:
        """Return this Python: nodes see the same file system."""
        return sys.executable

    def get_job_args(self, job: Any, **_: Any) -> str:
        """Return the arguments of a nested Snakemake; a profile in the environment must not make it submit again."""
        cores = max(1, job.threads)
        return f"{super().get_job_args(job, cores=cores)} --executor local --quiet progress rules host"


def _backend(settings: ExecutorSettings, cores: int | None) -> Backend:
    if settings.backend == "slurm":
        from snakemake_executor_plugin_jobarray.slurm import Slurm

        return Slurm(requeue=settings.requeue)
    if settings.backend == "lsf":
        from snakemake_executor_plugin_jobarray.lsf import Lsf

        return Lsf(requeue=settings.requeue, per_slot=settings.lsf_memory == "slot", unit=settings.lsf_memory_unit)
    from snakemake_executor_plugin_jobarray.local import Local

    available = len(os.sched_getaffinity(0))
    return Local(settings.slots or min(cores or available, available))


def _policy(settings: ExecutorSettings) -> Policy:
    return Policy(
        caps=Caps(settings.max_mem_mb or None, settings.max_runtime or None),
        memory_growth=settings.memory_growth,
        runtime_growth=settings.runtime_growth,
        transient_delay=settings.transient_delay,
        disruption_delay=settings.transient_delay / 2,
        disruptions=settings.disruptions,
    )


def _note(job: Any, message: str) -> None:
    """Write how an attempt ended behind what the job itself wrote into its log."""
    for path in list(job.log)[:1]:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"jobarray: {message}\n")
        except OSError:
            pass
