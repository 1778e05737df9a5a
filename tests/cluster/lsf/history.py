"""The commands that show what was: bacct and bhist."""

from __future__ import annotations

from . import selection_options
from .bjobs import ended
from .bjobs_fields import long_moment
from .jobs import Job
from .reply import Reply
from .store import BadJobId, Store

RULE = "-" * 78


def bhist(words: list[str], store: Store) -> Reply:
    """Answer bhist: long with -l, else one line a job with the seconds it pended and ran."""
    given = selection_options.Words(words, "aAdlprswWbet", "JqPmgunCDST")
    jobs, errors = _chosen(given, store, finished="a" in given.flags or "d" in given.flags)
    if not jobs:
        return _nothing(errors)
    if "l" in given.flags:
        return Reply("".join(_long(job) + f"{RULE}\n" for job in jobs), "".join(errors), 255 if errors else 0)
    lines = ["Summary of time in seconds spent in various states:"]
    lines.append("JOBID   USER    JOB_NAME  PEND    PSUSP   RUN     USUSP   SSUSP   UNKWN   TOTAL")
    for job in jobs:
        end = job.finish_time or job.submission.time
        pend = int((job.start_time or end) - job.submission.time)
        run = int(job.run_time(end))
        cells = (pend, 0, run, int(job.suspended_for), 0, 0, pend + run + int(job.suspended_for))
        texts = (job.label, job.submission.user[:7], job.name[:9])
        lines.append(f"{texts[0]:<7} {texts[1]:<7} {texts[2]:<9} " + "".join(f"{cell:<8}" for cell in cells).rstrip())
    return Reply("\n".join(lines) + "\n", "".join(errors), 255 if errors else 0)


def bacct(words: list[str], store: Store) -> Reply:
    """Answer bacct -l for finished jobs, and the summary without it."""
    given = selection_options.Words(words, "ldewxb", "qumPJfCDSN")
    jobs, errors = _chosen(given, store, finished=True)
    jobs = [job for job in jobs if job.finished]
    if not jobs:
        return _nothing(errors)
    lines = ["", "Accounting information about jobs that are: ", f"  - submitted by users {store.user}, "]
    lines += [
        "  - accounted on all projects.",
        "  - completed normally or exited",
        "  - executed on all hosts.",
        RULE,
        "",
    ]
    text = "\n".join(lines)
    if "l" in given.flags:
        text += "".join(_long(job) + _used(job) for job in jobs)
    done = sum(job.state == "DONE" for job in jobs)
    text += f"{RULE}\n\nSUMMARY:      ( time unit: second ) \n"
    text += f" Total number of done jobs:  {done:>6}      Total number of exited jobs: {len(jobs) - done:>6}\n"
    return Reply(text, "".join(errors), 255 if errors else 0)


def _chosen(given: selection_options.Words, store: Store, *, finished: bool) -> tuple[list[Job], list[str]]:
    """Look among all jobs, whether bjobs still knows them or not."""
    everything = [job for submission in store.history.values() for job in submission.jobs]
    everything = [job for job in everything if store.passes(job, given.filter)]
    if not given.ids or given.ids == ["0"]:
        return [job for job in everything if finished or not job.finished], []
    jobs, errors = [], []
    for word in given.ids:
        try:
            number, indices = store.job_id(word)
        except BadJobId:
            number, indices = -1, None
        found = [job for job in everything if job.id == number and (indices is None or job.index in indices)]
        jobs += found
        if not found:
            errors.append(f"Job <{word}>: No matching job found\n")
    return jobs, errors


def _nothing(errors: list[str]) -> Reply:
    return Reply(err="".join(errors) or "No matching job found\n", code=255)


def _long(job: Job) -> str:
    submission = job.submission
    lines = [
        "",
        (
            f"Job <{job.label}>, Job Name <{job.name}>, User <{submission.user}>, "
            f"Project <{submission.options.get('project') or 'default'}>, Command <{submission.command}>"
        ),
        (
            f"{long_moment(submission.time)}: Submitted from host <hosta>, to Queue <{submission.queue}>, "
            f"CWD <{submission.cwd}>, Requested Resources <{' '.join(submission.options.requirements)}>;"
        ),
    ]
    if job.start_time is not None:
        hosts = " ".join(f"<{host}>" for host in job.hosts)
        lines.append(f"{long_moment(job.start_time)}: Dispatched {sum(job.hosts.values())} Task(s) on Host(s) {hosts};")
    if job.finished:
        lines += ended(job)
    return "\n".join(lines) + "\n"


def _used(job: Job) -> str:
    wait = (job.start_time or job.finish_time or 0.0) - job.submission.time
    turnaround = (job.finish_time or 0.0) - job.submission.time
    status = "done" if job.state == "DONE" else "exit"
    memory = f"{job.max_memory:.0f}M"
    return (
        "\nAccounting information about this job:\n"
        "     CPU_T     WAIT     TURNAROUND   STATUS     HOG_FACTOR    MEM    SWAP\n"
        f"{job.cpu_time:>10.2f} {wait:>8.0f} {turnaround:>14.0f}     {status}         0.0000 {memory:>6}      0M\n"
    )
