"""How a job's process starts: folder, environment, streams."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from .jobs import Job, Submission

SUBMISSION_HOST = "hosta"
ANNOUNCE_PID = 'export LS_JOBPID=$$; exec "$@"'


class NoFolder(OSError):
    """The working folder of a job is not there."""


def start(job: Job, spool: Path) -> None:
    """Start the process of a job that has got its hosts."""
    submission = job.submission
    job.cwd = expand(submission.cwd, job)
    try:
        if submission.options.get("cwd"):
            Path(job.cwd).mkdir(parents=True, exist_ok=True)
        job.output, job.output_error = _outputs(job)
        with ExitStack() as stack:
            source = submission.options.get("input")
            stdin = stack.enter_context(open(Path(job.cwd) / expand(source, job) if source else "/dev/null", "rb"))
            stdout = _stream(job.output, "output" in submission.options.overwrite, stack)
            stderr: BinaryIO | int = subprocess.STDOUT
            if job.output_error:
                stderr = _stream(job.output_error, "error" in submission.options.overwrite, stack)
            job.process = subprocess.Popen(
                ["/bin/sh", "-c", ANNOUNCE_PID, "sh", *_program(submission, spool)],
                cwd=job.cwd,
                env=_environment(job, spool),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
    except OSError as error:
        raise NoFolder(str(error)) from error
    job.starts += 1


def expand(text: str, job: Job) -> str:
    """Fill in the id and the index in a path."""
    return text.replace("%J", str(job.id)).replace("%I", str(job.index))


def _outputs(job: Job) -> tuple[str | None, str | None]:
    paths: list[str | None] = []
    for name, suffix in (("output", "out"), ("error", "err")):
        text = job.submission.options.get(name)
        path = None if text is None else Path(job.cwd) / expand(text, job)
        if path is not None and path.is_dir():
            path /= f"{job.id}.{suffix}"
        paths.append(None if path is None else str(path))
    return paths[0], paths[1]


def _stream(path: str | None, overwrite: bool, stack: ExitStack) -> BinaryIO:
    """Open a file for output; what can't be opened, as what has no name, would go by mail: nowhere here."""
    try:
        if path is not None and overwrite:
            Path(path).write_bytes(b"")
        return stack.enter_context(open(path or "/dev/null", "ab"))
    except OSError:
        return stack.enter_context(open("/dev/null", "ab"))


def _program(submission: Submission, spool: Path) -> list[str]:
    if not submission.script:
        return ["/bin/sh", "-c", submission.command]
    path = spool / f"{submission.id}.script"
    if not path.exists():
        path.write_text(submission.command, errors="surrogateescape")
    first = submission.command.partition("\n")[0]
    interpreter = shlex.split(first[2:]) if first.startswith("#!") else ["/bin/sh"]
    return [*interpreter, str(path)]


def _environment(job: Job, spool: Path) -> dict[str, str]:
    submission = job.submission
    names = [host for host, slots in job.hosts.items() for _ in range(slots)]
    hostfile = spool / f"{job.id}.{job.index}.hosts"
    hostfile.write_text("".join(f"{name}\n" for name in names))
    own = {
        "LSB_JOBID": job.id,
        "LSB_JOBINDEX": job.index,
        "LSB_JOBNAME": job.name,
        "LSB_BATCH_JID": job.label,
        "LSB_QUEUE": submission.queue,
        "LSB_PROJECT_NAME": submission.options.get("project") or "default",
        "LSB_HOSTS": " ".join(names),
        "LSB_MCPU_HOSTS": " ".join(f"{host} {slots}" for host, slots in job.hosts.items()),
        "LSB_DJOB_NUMPROC": len(names),
        "LSB_DJOB_HOSTFILE": hostfile,
        "LSB_MAX_NUM_PROCESSORS": len(names),
        "LSB_SUB_HOST": SUBMISSION_HOST,
        "LSB_SUBCWD": submission.sub_cwd,
        "LSB_OUTPUTFILE": job.output,
        "LSB_ERRORFILE": job.output_error,
        "LSB_RESTART": "Y" if job.starts else None,
        "LSB_JOBINDEX_END": submission.indices[-1] if submission.array else None,
        "LSB_JOBINDEX_STEP": submission.step if submission.array else None,
        "LSFUSER": submission.user,
    }
    # What a job that submits has of its own kind would mislead the jobs that it submits.
    inherited = {name: value for name, value in submission.environment.items() if name not in own}
    return {**inherited, **{name: str(value) for name, value in own.items() if value is not None}}
