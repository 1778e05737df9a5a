"""The fields of bjobs -o: names, headings, widths, values."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .jobs import FINISHED, Job
from .options import BadOption
from .report import moment

Value = Callable[[Job], str]


@dataclass(frozen=True)
class Field:
    """A column: its heading, its width (none: as wide as its value), the side, and how to get a value."""

    heading: str
    width: int | None
    value: Value
    right: bool = False


def _option(name: str, otherwise: str = "") -> Value:
    return lambda job: job.submission.options.get(name) or otherwise


def _when(get: Callable[[Job], float | None]) -> Value:
    return lambda job: time.strftime("%b %e %H:%M", time.localtime(when)) if (when := get(job)) else ""


def _ended(get: Callable[[Job], object]) -> Value:
    """Show a value of the end once the state that is shown is an end."""
    return lambda job: "" if job.shown_state not in FINISHED or get(job) in {None, 0} else str(get(job))


def _host_counts(job: Job) -> str:
    return ":".join(host if slots == 1 else f"{slots}*{host}" for host, slots in job.hosts.items())


def _amount(get: Callable[[Job], float | None]) -> Value:
    return lambda job: f"{value:g} M" if (value := get(job)) else ""


def _whole(get: Callable[[Job], float]) -> Value:
    return lambda job: f"{value:.0f} M" if (value := get(job)) else ""


def _slots(job: Job) -> str:
    return str(sum(job.hosts.values())) if job.hosts else ""


def _limit(job: Job) -> str:
    return "" if job.submission.run_limit is None else f"{job.submission.run_limit:.1f}"


def _seconds(job: Job) -> str:
    return f"{job.run_time(time.time()):.0f} second(s)"


def _resources(job: Job) -> str:
    return job.submission.requirement.text()


FIELDS: dict[str, Field] = {
    "jobid": Field("JOBID", 7, lambda job: str(job.id)),
    "jobindex": Field("JOBINDEX", 8, lambda job: str(job.index)),
    "stat": Field("STAT", 5, lambda job: job.shown_state),
    "user": Field("USER", 7, lambda job: job.submission.user),
    "queue": Field("QUEUE", 10, lambda job: job.submission.queue),
    "job_name": Field("JOB_NAME", 10, lambda job: job.name),
    "job_description": Field("JOB_DESCRIPTION", 17, _option("description")),
    "job_group": Field("JOB_GROUP", 10, _option("group")),
    "user_group": Field("USER_GROUP", 15, _option("user_group")),
    "proj_name": Field("PROJ_NAME", 11, _option("project", "default")),
    "application": Field("APPLICATION", 13, _option("application")),
    "service_class": Field("SERVICE_CLASS", 13, _option("service_class")),
    "dependency": Field("DEPENDENCY", 15, _option("dependency")),
    "command": Field("COMMAND", 15, lambda job: " ".join(job.submission.command.split("\n"))),
    "input_file": Field("INPUT_FILE", 10, _option("input")),
    "output_file": Field("OUTPUT_FILE", 11, _option("output")),
    "error_file": Field("ERROR_FILE", 10, _option("error")),
    "sub_cwd": Field("SUB_CWD", 10, lambda job: job.submission.sub_cwd),
    "exec_cwd": Field("EXEC_CWD", 10, lambda job: job.cwd),
    "from_host": Field("FROM_HOST", 11, lambda job: "hosta"),
    "first_host": Field("FIRST_HOST", 11, lambda job: next(iter(job.hosts), "")),
    "exec_host": Field("EXEC_HOST", 11, _host_counts),
    "nexec_host": Field("NEXEC_HOST", 10, lambda job: str(len(job.hosts)) if job.hosts else ""),
    "alloc_slot": Field("ALLOC_SLOT", 20, _host_counts),
    "nalloc_slot": Field("NALLOC_SLOT", 10, _slots),
    "slots": Field("SLOTS", 5, _slots),
    "nreq_slot": Field("NREQ_SLOT", 10, lambda job: str(job.submission.slots[0])),
    "min_req_proc": Field("MIN_REQ_PROC", 12, lambda job: str(job.submission.slots[0])),
    "max_req_proc": Field("MAX_REQ_PROC", 12, lambda job: str(job.submission.slots[1])),
    "combined_resreq": Field("COMBINED_RESREQ", 20, _resources),
    "effective_resreq": Field("EFFECTIVE_RESREQ", 17, _resources),
    "runtimelimit": Field("RUNTIMELIMIT", 12, _limit),
    "memlimit": Field("MEMLIMIT", 10, _amount(lambda job: job.submission.memory_limit)),
    "mem": Field("MEM", 10, _whole(lambda job: job.memory)),
    "max_mem": Field("MAX_MEM", 10, _whole(lambda job: job.max_memory)),
    "cpu_used": Field("CPU_USED", 10, lambda job: f"{job.cpu_time:.1f} second(s)"),
    "run_time": Field("RUN_TIME", 15, _seconds),
    "submit_time": Field("SUBMIT_TIME", 15, _when(lambda job: job.submission.time)),
    "start_time": Field("START_TIME", 15, _when(lambda job: job.start_time)),
    "finish_time": Field("FINISH_TIME", 16, _when(lambda job: job.finish_time)),
    "exit_code": Field("EXIT_CODE", 10, _ended(lambda job: job.exit_code)),
    "exit_reason": Field("EXIT_REASON", 50, _ended(lambda job: job.exit_words or None)),
    "pend_reason": Field("PEND_REASON", 11, lambda job: job.pend_reason if job.state == "PEND" else ""),
    "pids": Field("PIDS", 20, lambda job: str(job.process.pid) if job.process and not job.finished else ""),
}
ALIASES = {
    "id": "jobid",
    "name": "job_name",
    "desc": "job_description",
    "group": "job_group",
    "ugroup": "user_group",
    "proj": "proj_name",
    "project": "proj_name",
    "app": "application",
    "cmd": "command",
    "ifile": "input_file",
    "ofile": "output_file",
    "efile": "error_file",
    "eresreq": "effective_resreq",
    "runlimit": "runtimelimit",
    "exit_status": "exit_code",
}


def columns(text: str) -> tuple[list[Field], str | None]:
    """Read the value of -o: fields with their widths, and the delimiter if there is one."""
    delimiter = None
    if found := re.search(r"delimiter\s*=\s*(['\"])(.*?)\1", text):
        delimiter = found[2]
        text = text[: found.start()] + text[found.end() :]
    chosen = []
    for word in text.split():
        name, colon, width = word.partition(":")
        field = FIELDS.get(ALIASES.get(name.lower(), name.lower()))
        shape = re.fullmatch(r"(-)?(\d+)?", width)
        if field is None or shape is None:
            raise BadOption(f"illegal field name or width -- {word}")
        if colon:
            field = replace(field, right=bool(shape[1]), width=int(shape[2]) if shape[2] else None)
        chosen.append(field)
    if not chosen:
        raise BadOption("option requires an argument -- o")
    return chosen, delimiter


def cell(field: Field, value: str) -> str:
    """Fit a value into its column; of a long one the end stays, after a star."""
    if field.width is None:
        return value
    if len(value) > field.width:
        value = f"*{value[len(value) - field.width + 1 :]}"
    return value.rjust(field.width) if field.right else value.ljust(field.width)


def long_moment(when: float | None) -> str:
    """Return a time with the day and without the year, as -l has it."""
    return moment(when)[:-5] if when else "-"
