"""The commands that act on jobs: bkill, bstop, bresume."""

from __future__ import annotations

import signal
from collections.abc import Callable

from . import selection_options
from .batch import Batch
from .jobs import Job
from .options import BadOption
from .reasons import Reason
from .reply import Reply
from .store import BadJobId, Store

ENDING = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}


def bkill(words: list[str], store: Store, batch: Batch) -> Reply:
    """Answer bkill."""
    given = selection_options.Words(words, "r", "Jqugms")
    number = None
    if "s" in given.values:
        number = _signal(given.values["s"])

    def act(job: Job) -> bool:
        if job.finished:
            return False
        if "r" in given.flags:
            batch.force(job)
        elif number is None:
            batch.end(job, Reason.TERM_OWNER)
        elif number in ENDING or job.process is None:
            batch.end(job, Reason.TERM_OWNER, number)
        elif number == signal.SIGSTOP:
            batch.stop(job)
        elif number == signal.SIGCONT:
            batch.resume(job)
        else:
            batch.signal(job, number)
        return True

    ending = number is None or number in ENDING
    said = "is being terminated" if ending else "is being signaled"
    return _each(given, store, act, said, "Job has already finished")


def bstop(words: list[str], store: Store, batch: Batch) -> Reply:
    """Answer bstop."""
    given = selection_options.Words(words, "a", "Jqugm")
    return _each(given, store, batch.stop, "is being stopped", "Job has already finished", "Job has already stopped")


def bresume(words: list[str], store: Store, batch: Batch) -> Reply:
    """Answer bresume."""
    given = selection_options.Words(words, "", "Jqugm")
    return _each(given, store, batch.resume, "is being resumed", "Job has already finished", "Job is not suspended")


def _signal(text: str) -> int:
    name = text.upper().removeprefix("SIG")
    try:
        return int(signal.Signals(int(name)) if name.isdigit() else signal.Signals[f"SIG{name}"])
    except (KeyError, ValueError) as error:
        raise BadOption(f"{text}: Illegal signal value") from error


def _each(
    given: selection_options.Words,
    store: Store,
    act: Callable[[Job], bool],
    said: str,
    over: str,
    idle: str = "",
) -> Reply:
    """Act on every job that is meant and say so, once for each id."""
    reply = Reply()
    wanted = given.filter
    words = list(given.ids)
    if not words or words == ["0"]:
        jobs = store.unfinished(store.jobs("0", wanted))
        if not words:  # without an id only the newest submission is meant
            jobs = [job for job in jobs if job.id == max(one.id for one in jobs)]
        if not jobs:
            return Reply(err="No matching job found\n", code=255)
        words = _ids(jobs)
    for word in words:
        try:
            jobs = store.jobs(word, wanted)
        except BadJobId:
            return Reply(reply.out, reply.err + f"{word}: Illegal job ID.\n", 255)
        done = [job for job in jobs if act(job)]
        if not jobs:
            reply.err += f"Job <{word}>: No matching job found\n"
        elif not done:
            why = over if all(job.finished for job in jobs) or not idle else idle
            reply.err += f"Job <{word}>: {why}\n"
        elif "[" in word:
            reply.out += "".join(f"Job <{job.label}> {said}\n" for job in done)
        else:
            reply.out += f"Job <{word}> {said}\n"
    reply.code = 255 if reply.err else 0
    return reply


def _ids(jobs: list[Job]) -> list[str]:
    """Return the ids of jobs: of a whole submission if all that still lives of it is meant, else of the elements."""
    chosen = set(jobs)
    ids = []
    for submission in {job.id: job.submission for job in jobs}.values():
        alive = [job for job in submission.jobs if not job.finished]
        ids += [str(submission.id)] if chosen.issuperset(alive) else [job.label for job in alive if job in chosen]
    return ids
