"""From the name of a command to its answer."""

from __future__ import annotations

import time
from typing import Any

from . import cluster, control, history, submission
from .batch import Batch
from .bjobs import bjobs
from .options import BadOption
from .reply import Reply
from .store import BadJobId, Filter, Store

DOWN = "LSF is down. Please wait ...\n"


class Commands:
    """Answers every command, as long as its knobs let it."""

    def __init__(self, store: Store, batch: Batch) -> None:
        self.store = store
        self.batch = batch

    def answer(self, request: dict[str, Any]) -> Reply:
        """Answer one request."""
        command: str = request["command"]
        knobs = self.store.knobs
        if command == "emulator":
            return self._turn(request["words"])
        if knobs["outage"] and knobs.take("outage", command):
            return Reply(err=DOWN, code=255)
        try:
            reply = self._run(command, request)
        except BadOption as error:
            reply = Reply(err=f"{command}: {error}\nUsage: {command} [options] ...\n", code=255)
        reply.delay = float(knobs["slow"].get(command, 0.0))
        return reply

    def _run(self, command: str, request: dict[str, Any]) -> Reply:
        words: list[str] = request["words"]
        if "-V" in words[:1]:
            return Reply(err=cluster.VERSION)
        match command:
            case "bsub":
                return self._bsub(request)
            case "bjobs":
                return bjobs(words, self.store)
            case "bkill":
                return control.bkill(words, self.store, self.batch)
            case "bstop":
                return control.bstop(words, self.store, self.batch)
            case "bresume":
                return control.bresume(words, self.store, self.batch)
            case "bacct":
                return history.bacct(words, self.store)
            case "bhist":
                return history.bhist(words, self.store)
            case _:
                return cluster.answer(command, words, self.store, self.batch)

    def _bsub(self, request: dict[str, Any]) -> Reply:
        given, command, script = submission.read(request)
        if command is None:
            return Reply(wants_stdin=True)
        if (refusal := self.store.knobs.refusal()) is not None:
            return Reply(err=f"{refusal}\n", code=255)
        try:
            made = submission.submission(request, given, command, script, self.store)
        except submission.Refused as error:
            return Reply(err=f"{error}\n", code=255)
        default = "" if given.get("queue") else "default "
        reply = Reply(f"Job <{made.id}> is submitted to {default}queue <{made.queue}>.\n")
        if "wait" in given.flags:
            reply.err, reply.wait = "<<Waiting for dispatch ...>>\n", made.id
        return reply

    def _turn(self, words: list[str]) -> Reply:
        """Do what only an emulator can: the words are an action and what it is about."""
        action, what, *more = words
        if action in {"fail-host", "restore-host"}:
            if action == "fail-host":
                self.batch.fail_host(what)
            else:
                self.batch.hosts.down.discard(what)
            return Reply()
        try:
            jobs = self.store.jobs(what, Filter())
        except BadJobId:
            jobs = []
        if action == "exit-code":
            codes = [0 if job.state == "DONE" else job.exit_code or 255 for job in jobs]
            return Reply(str(max(codes, default=255)) if all(job.finished for job in jobs) else "")
        if not jobs:
            return Reply(err=f"Job <{what}> is not found\n", code=255)
        for job in jobs:
            match action:
                case "lose":
                    self.batch.lose(job)
                case "preempt":
                    self.batch.preempt(job)
                case "unknown":
                    job.unknown_until = time.time() + float(more[0])
        return Reply()
