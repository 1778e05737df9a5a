"""What bsub accepts and what it refuses, in LSF's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import dependencies, options
from .expressions import BadExpression
from .jobs import Job, Submission
from .knobs import Knobs
from .requirements import megabytes, requirement
from .store import Store

ARRAY = re.compile(r"(?P<name>[^\[\]]*)\[(?P<list>[^\[\]]*)\](?:%(?P<most>\d+))?", re.DOTALL)
PASSED_ALWAYS = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LSF_EMULATOR_DIR", "LSF_EMULATOR_PYTHON", "LSF_ENVDIR")


class Refused(Exception):
    """A submission that bsub does not take."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}. Job not submitted.")


def read(request: dict[str, Any]) -> tuple[options.Options, str | None, bool]:
    """Return the options, the command, and whether it is a script; the command is nothing while stdin is wanted."""
    given, words = options.parse(request["words"])
    if words:
        return given, " ".join(words), False
    script = request.get("stdin")
    if script is None:
        return given, None, True
    return given.over(options.embedded(script)), script, True


def indices(text: str, largest: int) -> list[int]:
    """Expand an index list such as ``1-5,8,10-20:2``."""
    found: set[int] = set()
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d+)(?:-(\d+)(?::(\d+))?)?\s*", part)
        if not span:
            raise Refused("Bad job array index list")
        first, last, step = int(span[1]), int(span[2] or span[1]), int(span[3] or 1)
        if first < 1 or last < first or step < 1:
            raise Refused("Bad job array index list")
        if last > largest:
            raise Refused("Job array index too large")
        found.update(range(first, last + 1, step))
    return sorted(found)


def minutes(text: str) -> float:
    """Read a run limit, ``[hours:]minutes[/host]``."""
    found = re.fullmatch(r"(?:(\d+):)?(\d+(?:\.\d+)?)(?:/[\w.-]+)?", text)
    if not found:
        raise Refused(f"{text}: Bad RUNLIMIT specification")
    return 60 * int(found[1] or 0) + float(found[2])


def slots(text: str) -> tuple[int, int]:
    """Read ``-n min[,max]``."""
    found = re.fullmatch(r"(\d+)(?:,(\d+))?", text)
    if not found or int(found[1]) < 1 or int(found[2] or found[1]) < int(found[1]):
        raise Refused(f"{text}: Bad argument for option -n")
    return int(found[1]), int(found[2] or found[1])


def job_environment(wanted: str, submitted: dict[str, str]) -> dict[str, str]:
    """Choose the variables that ``-env`` passes on."""
    words = [word.strip() for word in wanted.split(",") if word.strip()]
    if not words or words[0] == "all":
        passed = dict(submitted)
    else:
        passed = {name: submitted[name] for name in PASSED_ALWAYS if name in submitted}
    for word in words:
        if word.startswith("~"):
            passed.pop(word[1:], None)
        elif "=" in word:
            name, value = word.split("=", 1)
            passed[name] = value.strip("'\"")
        elif word in submitted:
            passed[word] = submitted[word]
    return passed


def submission(request: dict[str, Any], given: options.Options, command: str, script: bool, store: Store) -> Submission:
    """Check what was asked for and enter it, with its jobs, in the store."""
    knobs: Knobs = store.knobs
    if not command.strip():
        raise Refused("No command is specified")
    queue = given.get("queue") or knobs["default_queue"]
    if queue not in knobs["queues"]:
        raise Refused(f"{queue}: No such queue")
    for host in (given.get("hosts") or "").split():
        if host not in knobs["hosts"]:
            raise Refused(f"{host}: Bad host name, host group name or cluster name")
    unit = knobs["unit_for_limits"]
    try:
        wanted = requirement(list(given.requirements), unit)
    except BadExpression as error:
        raise Refused("Bad resource requirement syntax") from error
    try:
        memory_limit = None if given.get("memory_limit") is None else megabytes(given.values["memory_limit"], unit)
    except BadExpression as error:
        raise Refused(f"{given.get('memory_limit')}: Bad argument for option -M") from error
    run_limit = None if given.get("run_limit") is None else minutes(given.values["run_limit"])
    name, array, places, most = _name(given.get("name"), command, knobs["max_job_array_size"])
    dependency = None
    if given.get("dependency"):
        try:
            dependency = dependencies.dependency(given.values["dependency"], store)
        except BadExpression as error:
            raise Refused(str(error)) from error
    cwd = request["cwd"]
    made = Submission(
        id=store.next_id(),
        options=given,
        user=store.user,
        queue=queue,
        name=name,
        array=array,
        indices=places,
        most_running=most,
        slots=slots(given.get("slots") or "1"),
        run_limit=run_limit,
        memory_limit=memory_limit,
        requirement=wanted,
        dependency=dependency,
        command=command,
        script=script,
        sub_cwd=cwd,
        cwd=str(Path(cwd) / (given.get("cwd") or "")),
        environment=job_environment(given.get("environment") or "all", request["environment"]),
    )
    made.jobs = [Job(made, index, state="PSUSP" if "hold" in given.flags else "PEND") for index in places]
    store.add(made)
    return made


def _name(text: str | None, command: str, largest: int) -> tuple[str, str | None, list[int], int | None]:
    if text is None:
        return command.strip().splitlines()[0], None, [0], None
    if "[" not in text and "]" not in text:
        return text, None, [0], None
    found = ARRAY.fullmatch(text)
    if not found or len(text) > 255 or not re.fullmatch(r"[\w.-]*", found["name"]):
        raise Refused("Bad job name")
    most = None if found["most"] is None else int(found["most"])
    if most == 0:
        raise Refused("Bad job name")
    return found["name"], found["list"], indices(found["list"], largest), most
