"""The report that LSF puts at the end of a job's output file."""

from __future__ import annotations

import time
from contextlib import suppress

from .events import CLUSTER
from .jobs import Job

RULE = "-" * 60


def moment(when: float | None) -> str:
    """Return a time as LSF's reports have it."""
    return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(when)) if when else "-"


def outcome(job: Job) -> str:
    """Return how a job ended, in the words of the report."""
    if job.state == "DONE":
        return "Successfully completed."
    reason = f"{job.exit_words}.\n" if job.reason else ""
    return f"{reason}Exited with exit code {job.exit_code}."


def append(job: Job) -> None:
    """Append the report to the output file of a job, if it has one."""
    if job.output is None:
        return
    submission = job.submission
    hosts = ", ".join(f"<{host}>" for host in job.hosts)
    verb = "Done" if job.state == "DONE" else "Exited"
    text = f"""
{RULE}
Sender: LSF System <lsfadmin@{next(iter(job.hosts), "hosta")}>
Subject: Job {job.label}: <{job.name}> in cluster <{CLUSTER}> {verb}

Job <{job.name}> was submitted from host <hosta> by user <{submission.user}> in cluster <{CLUSTER}> at {
        moment(submission.time)
    }
Job was executed on host(s) {hosts}, in queue <{submission.queue}>, as user <{submission.user}> in cluster <{
        CLUSTER
    }> at {moment(job.start_time)}
<{job.cwd}> was used as the working directory.
Started at {moment(job.start_time)}
Terminated at {moment(job.finish_time)}
Results reported at {moment(job.finish_time)}

Your job looked like:

{RULE}
# LSBATCH: User input
{submission.command}
{RULE}

{outcome(job)}

Resource usage summary:

    CPU time :                                   {job.cpu_time:.2f} sec.
    Max Memory :                                 {f"{job.max_memory:.0f} MB" if job.max_memory else "-"}
    Run time :                                   {job.run_time(job.finish_time or 0):.0f} sec.
    Turnaround time :                            {(job.finish_time or 0) - submission.time:.0f} sec.

The output (if any) is above this job summary.

"""
    with suppress(OSError), open(job.output, "a", errors="surrogateescape") as file:
        file.write(text)
