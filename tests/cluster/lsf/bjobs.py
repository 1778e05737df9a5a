"""The command bjobs."""

from __future__ import annotations

import json
import time
from collections import Counter

from . import selection_options
from .bjobs_fields import FIELDS, Field, cell, columns, long_moment
from .jobs import FINISHED, Job
from .reply import Reply
from .store import BadJobId, Store

TABLE = ("jobid", "user", "stat", "queue", "from_host", "exec_host", "job_name", "submit_time")
RUNNING = frozenset({"RUN"})
PENDING = frozenset({"PEND", "PSUSP"})
SUSPENDED = frozenset({"PSUSP", "USUSP", "SSUSP"})
STATES = ("PEND", "DONE", "RUN", "EXIT", "SSUSP", "USUSP", "PSUSP")


def bjobs(words: list[str], store: Store) -> Reply:
    """Answer bjobs."""
    given = selection_options.Words(words, "aAdlprswW", "JqPmguo", ("json", "noheader", "UF"))
    jobs, errors = _chosen(given, store)
    missing = [f"Job <{word}> is not found" for word in errors]
    if "A" in given.flags:
        jobs = [job for job in jobs if job.submission.array]
        out = _summary(jobs) if jobs else ""
    elif "json" in given.flags:
        return Reply(_json(jobs, errors, given.values.get("o", "jobid stat")), code=255 if errors else 0)
    elif "l" in given.flags:
        out = "".join(_long(job) for job in jobs)
    elif "o" in given.values:
        fields, delimiter = columns(given.values["o"])
        out = _lines(jobs, fields, delimiter, "noheader" not in given.flags) if jobs else ""
    else:
        fields = [FIELDS[name] for name in TABLE]
        widths = {"w", "W"} & given.flags
        out = _table(jobs, fields, bool(widths), "noheader" not in given.flags, "p" in given.flags) if jobs else ""
    if missing:
        return Reply(out, "\n".join(missing) + "\n", 255)
    if not jobs:
        return Reply("", f"{_none(given)}\n", 255)
    return Reply(out)


def _chosen(given: selection_options.Words, store: Store) -> tuple[list[Job], list[str]]:
    """Return the jobs to show and the ids that no job has."""
    wanted, flags = given.filter, given.flags
    jobs: dict[Job, None] = {}
    errors = []
    for word in given.ids:
        try:
            found = store.jobs(word, wanted)
        except BadJobId:
            found = []
        if not found and word != "0":
            errors.append(word)
        jobs.update(dict.fromkeys(found))
    if not given.ids:
        jobs = dict.fromkeys(store.jobs("0", wanted))
    states = frozenset().union(
        *(
            chosen
            for flag, chosen in (("r", RUNNING), ("p", PENDING), ("s", SUSPENDED), ("d", FINISHED))
            if flag in flags
        )
    )
    if states and "a" not in flags:
        return [job for job in jobs if job.shown_state in states], errors
    if "a" in flags or "A" in flags or (given.ids and given.ids != ["0"]):
        return list(jobs), errors
    return [job for job in jobs if job.shown_state not in FINISHED], errors


def _none(given: selection_options.Words) -> str:
    if given.filter.name is not None:
        return f"Job <{given.filter.name}> is not found"
    if {"a", "A"} & given.flags:
        return "No job found"
    if "r" in given.flags:
        return "No running job found"
    if "p" in given.flags:
        return "No pending job found"
    if "d" in given.flags:
        return "No DONE/EXIT job found"
    return "No unfinished job found"


def _lines(jobs: list[Job], fields: list[Field], delimiter: str | None, header: bool) -> str:
    if delimiter is not None:
        rows = [delimiter.join(field.heading for field in fields)] if header else []
        rows += [delimiter.join(field.value(job) or "-" for field in fields) for job in jobs]
    else:
        rows = [" ".join(cell(field, field.heading) for field in fields)] if header else []
        rows += [" ".join(cell(field, field.value(job) or "-") for field in fields) for job in jobs]
    return "\n".join(rows) + "\n"


def _table(jobs: list[Job], fields: list[Field], wide: bool, header: bool, reasons: bool) -> str:
    rows = [[field.heading for field in fields]] if header else []
    rows += [[field.value(job) or ("-" if wide else "") for field in fields] for job in jobs]
    lines = []
    for number, row in enumerate(rows):
        if wide:
            lines.append(" ".join(text.ljust(field.width or 0) for text, field in zip(row, fields, strict=True)))
        else:
            cells = (cell(field, text) for text, field in zip(row, fields, strict=True))
            lines.append(" ".join(cells).rstrip())
        job = jobs[number - header] if number >= header else None
        if reasons and job and job.state == "PEND":
            lines.append(f" {job.pend_reason};")
    return "\n".join(lines) + "\n"


def _json(jobs: list[Job], errors: list[str], wanted: str) -> str:
    fields, _ = columns(wanted)
    records = [{field.heading: field.value(job) for field in fields} for job in jobs]
    records += [{"JOBID": word, "ERROR": f"Job <{word}> is not found"} for word in errors]
    return json.dumps({"COMMAND": "bjobs", "JOBS": len(records), "RECORDS": records}, indent=2) + "\n"


def _summary(jobs: list[Job]) -> str:
    lines = ["JOBID    ARRAY_SPEC  OWNER   NJOBS PEND DONE  RUN EXIT SSUSP USUSP PSUSP"]
    for submission in {job.id: job.submission for job in jobs}.values():
        counts = Counter(job.state for job in submission.jobs)
        cells = "".join(f"{counts[state]:>{5 if state not in STATES[4:] else 6}}" for state in STATES)
        spec = cell(Field("", 10, lambda _: ""), submission.array_name)
        lines.append(f"{submission.id:<8} {spec}  {submission.user[:8]:<8}{len(submission.jobs):>5}{cells}")
    return "\n".join(lines) + "\n"


def _long(job: Job) -> str:
    """Return the long form; LSF breaks its lines at 80 columns, this does not."""
    submission, now = job.submission, time.time()
    mail = f", Project <{submission.options.get('project') or 'default'}>"
    lines = [
        "",
        (
            f"Job <{job.label}>, Job Name <{job.name}>, User <{submission.user}>{mail}, Status <{job.shown_state}>, "
            f"Queue <{submission.queue}>, Command <{submission.command}>"
        ),
        f"{long_moment(submission.time)}: Submitted from host <hosta>, CWD <{submission.cwd}>"
        + "".join(
            f", {title} <{value}>"
            for title, value in (
                ("Output File", submission.options.get("output")),
                ("Error File", submission.options.get("error")),
                ("Dependency Condition", submission.options.get("dependency")),
            )
            if value
        )
        + f", {submission.slots[0]} Task(s), Requested Resources <{' '.join(submission.options.requirements)}>;",
    ]
    if submission.run_limit is not None:
        lines += ["", " RUNLIMIT", f" {submission.run_limit:.1f} min"]
    if submission.memory_limit is not None:
        lines += ["", " MEMLIMIT", f" {submission.memory_limit:g} M"]
    if job.start_time:
        hosts = " ".join(f"<{host}>" for host, slots in job.hosts.items() for _ in range(slots))
        slots = sum(job.hosts.values())
        lines.append(
            f"{long_moment(job.start_time)}: Started {slots} Task(s) on Host(s) {hosts}, Execution CWD <{job.cwd}>;"
        )
    if job.state == "PEND":
        lines += [" PENDING REASONS:", f" {job.pend_reason};"]
    if job.shown_state in FINISHED:
        lines += ended(job)
    else:
        lines.append(f"{long_moment(now)}: Resource usage collected. MEM: {job.memory:.0f} Mbytes")
    lines += ["", f" MAX MEM: {job.max_memory:.0f} Mbytes", "", " RESOURCE REQUIREMENT DETAILS:"]
    lines += [f" Combined: {submission.requirement.text()}", f" Effective: {submission.requirement.text()}", ""]
    return "\n".join(lines)


def ended(job: Job) -> list[str]:
    """Return the lines about the end of a job, as bjobs -l and bhist -l have them."""
    when = long_moment(job.finish_time)
    used = f"The CPU time used is {job.cpu_time:.1f} seconds"
    if job.state == "DONE":
        return [f"{when}: Done successfully. {used}."]
    code = f"Exited with exit code {job.exit_code}. {used}." if job.exit_code is not None else "Exited."
    reason = f"; {job.exit_words}" if job.reason else ""
    return [f"{when}: {code}", f"{when}: Completed <exit>{reason}."]
