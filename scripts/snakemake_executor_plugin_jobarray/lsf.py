"""LSF: bsub arrays, one bjobs a query, bkill."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.backend import (
    Complaints,
    ElementState,
    Refused,
    State,
    Unavailable,
    call,
    complaint,
    node_script,
)
from snakemake_executor_plugin_jobarray.causes import Cause
from snakemake_executor_plugin_jobarray.requests import Request

LIMITS = re.compile(
    r"job limit|limit (is )?reached|too many|maximum number of|MAX_JOBS|pending job (threshold|limit)|"
    r"job slot limit|Job array limit",
    re.IGNORECASE,
)
AWAY = re.compile(
    r"LSF is down|LIM is down|daemon not responding|Please wait|Failed in an LSF library call|Connection refused|"
    r"timed out|Cannot connect|Communication",
    re.IGNORECASE,
)
FOR_EVER = re.compile(
    r"No such queue|Bad |illegal option|usage:|Job array index too large|User permission denied|not a valid|"
    r"Unknown |no such project|Specified .* does not exist|exceeds the queue|Cannot exceed queue",
    re.IGNORECASE,
)
"""What time does not mend; everything else may pass."""
COMPLAINTS = Complaints(re.compile("timed out"), AWAY, FOR_EVER, LIMITS)
NONE_FOUND = re.compile(r"is not found|No (matching|unfinished)? ?job found|not found in", re.IGNORECASE)

PENDING = {"PEND", "PSUSP", "WAIT", "PROV"}
RUNNING = {"RUN", "USUSP", "SSUSP", "UNKWN", "ZOMBI"}
"""UNKWN is a host out of touch: nothing is known of its jobs, least of all that they succeeded."""
REASONS = {
    "TERM_MEMLIMIT": Cause.MEMORY,
    "TERM_SWAP": Cause.MEMORY,
    "TERM_RUNLIMIT": Cause.TIME,
    "TERM_CPULIMIT": Cause.TIME,
    "TERM_DEADLINE": Cause.TIME,
    "TERM_WINDOW": Cause.TIME,
    "TERM_PREEMPT": Cause.PREEMPTED,
    "TERM_REQUEUE_OWNER": Cause.PREEMPTED,
    "TERM_REQUEUE_ADMIN": Cause.PREEMPTED,
    "TERM_LOAD": Cause.PREEMPTED,
    "TERM_ZOMBIE": Cause.NODE,
    "TERM_HOST": Cause.NODE,
    "TERM_UNKNOWN": Cause.NODE,
    "TERM_RMS": Cause.NODE,
    "TERM_OWNER": Cause.CANCELLED,
    "TERM_FORCE_OWNER": Cause.CANCELLED,
    "TERM_ADMIN": Cause.CANCELLED,
    "TERM_FORCE_ADMIN": Cause.CANCELLED,
    "TERM_REMOVE_HUNG_JOB": Cause.NODE,
}
CODES = {137: Cause.MEMORY, 140: Cause.TIME}
NAMES_TO_KEEP = ("LSB_SHAREDIR", "LSB_DEFAULTQUEUE", "LSB_DEFAULTPROJECT")
IDS_A_CALL = 200
UNIT_MB = {"KB": 1 / 1024, "MB": 1.0, "GB": 1024.0}


class Lsf:
    """The back end ``lsf``.

    Parameters
    ----------
    per_slot : bool
        Whether the site's rusage[mem] counts for each slot or for the whole job.
    unit : str
        Unit of the site's memory limits: KB, MB or GB.

    Notes
    -----
    Reservations of a site that has not set LSF_UNIT_FOR_LIMITS are taken to be in MB, its limits in KB.
    """

    name = "lsf"
    slots = 0

    def __init__(self, *, requeue: bool = False, per_slot: bool = True, unit: str = "MB") -> None:
        self._requeue = requeue
        self._per_slot = per_slot
        self._unit = unit

    def largest_array(self) -> int:
        """Return MAX_JOB_ARRAY_SIZE, 1000 where LSF does not tell."""
        done = _call("bparams", "-a")
        if done.returncode and AWAY.search(complaint(done)):
            raise Unavailable(complaint(done))
        found = re.search(r"MAX_JOB_ARRAY_SIZE\s*=\s*(\d+)", done.stdout)
        return int(found[1]) if found else 1000

    def submit(self, array: Array, throttle: int) -> str:
        """Submit with one bsub, the script on standard input; returns the job id."""
        words = bsub_words(array, throttle, requeue=self._requeue, per_slot=self._per_slot, unit=self._unit)
        done = _call("bsub", *words, text=node_script(array, "LSB_JOBINDEX"))
        found = re.search(r"Job <(\d+)> is submitted", done.stdout + done.stderr)
        if found:
            return found[1]
        raise COMPLAINTS.read(done)

    def find(self, name: str) -> str | None:
        """Look a name up among unfinished and recently finished jobs."""
        done = _call("bjobs", "-a", "-noheader", "-o", "jobid", "-J", name)
        found = re.search(r"^\s*(\d+)\s*$", done.stdout, re.MULTILINE)
        if found:
            return found[1]
        if done.returncode and not NONE_FOUND.search(complaint(done)):
            raise Unavailable(complaint(done))
        return None

    def query(self, arrays: Sequence[Array]) -> Mapping[tuple[str, int], ElementState]:
        """Ask bjobs for all arrays at once."""
        states: dict[tuple[str, int], ElementState] = {}
        identifiers = [array.external for array in arrays if array.external]
        form = "jobid jobindex stat exit_code exit_reason exec_host delimiter='|'"
        for start in range(0, len(identifiers), IDS_A_CALL):
            done = _call("bjobs", "-a", "-noheader", "-o", form, *identifiers[start : start + IDS_A_CALL])
            # Where only some ids are known, LSF answers for those and complains of the others.
            if done.returncode and not done.stdout.strip() and not NONE_FOUND.search(complaint(done)):
                raise Unavailable(complaint(done))
            for line in done.stdout.splitlines():
                fields = [field.strip() for field in line.split("|")]
                if len(fields) >= 6 and fields[0].isdigit() and fields[1].isdigit():
                    states[fields[0], int(fields[1])] = read_state(*fields[2:6])
        return states

    def cancel(self, arrays: Mapping[str, Collection[int] | None]) -> None:
        """Cancel with as few bkill as the length of a command line allows."""
        words = []
        for identifier, indices in arrays.items():
            words += [identifier] if indices is None else [f"{identifier}[{index}]" for index in sorted(indices)]
        for start in range(0, len(words), IDS_A_CALL):
            done = _call("bkill", *words[start : start + IDS_A_CALL])
            if done.returncode and AWAY.search(complaint(done)):
                raise Unavailable(complaint(done))

    def close(self) -> None:
        """Do nothing: what runs on the cluster goes on."""


def bsub_words(array: Array, throttle: int, *, requeue: bool, per_slot: bool, unit: str) -> list[str]:
    """Return bsub's arguments for an array."""
    request = array.request
    if request.gres or request.qos:
        raise Refused("LSF has neither gres nor qos; say gpu, or name a queue or lsf_extra")
    most = f"%{throttle}" if throttle else ""
    words = [
        *("-J", f"{array.name}[1-{len(array.elements)}]{most}"),
        *("-o", f"{array.folder}/logs/%I.log"),
        *("-env", "all"),
        *("-cwd", str(Path.cwd())),
        *("-n", str(request.cores)),
        "-r" if requeue else "-rn",
    ]
    if array.minutes:
        words += ["-W", str(array.minutes)]
    if request.partition:
        words += ["-q", request.partition]
    if request.account:
        words += ["-P", request.account]
    if request.reservation:
        words += ["-U", request.reservation]
    if request.gpus:
        words += ["-gpu", f"num={request.gpus}" + (f":gmodel={request.gpu_model}" if request.gpu_model else "")]
    words += _memory_words(request, per_slot=per_slot, unit=unit)
    for requirement in _requirements(request):
        words += ["-R", requirement]
    return [*words, *request.extra]


def _memory_words(request: Request, *, per_slot: bool, unit: str) -> list[str]:
    whole = request.memory
    if not whole:
        return []
    reserved = whole / request.cores if per_slot else whole
    # Without -M a job has whatever limit the queue has, although more was reserved.
    limit = f"{whole / UNIT_MB[unit]:.10g}"
    # KB is the unit of limits where a site has set none; reservations are in MB then.
    return ["-M", limit, "-R", f"rusage[mem={reserved / max(UNIT_MB[unit], 1.0):.10g}]"]


def _requirements(request: Request) -> Iterator[str]:
    if request.tasks_per_node:
        yield f"span[ptile={request.tasks_per_node * request.cpus}]"
    elif request.nodes and request.nodes > 1:
        yield f"span[ptile={-(-request.cores // request.nodes)}]"
    elif request.nodes or not request.mpi:
        yield "span[hosts=1]"
    selected = [f"({request.constraint})"] if request.constraint else []
    selected += [f"hname!={host!r}" for host in sorted(request.avoid)]
    if selected:
        yield f"select[{' && '.join(selected)}]"


def read_state(stat: str, code: str, reason: str, host: str) -> ElementState:
    """Read one element's fields as ``bjobs -o`` prints them."""
    where = "" if host == "-" else host.split(":", maxsplit=1)[0].rsplit("*", maxsplit=1)[-1]
    if stat in PENDING:
        return ElementState(State.PENDING, host=where)
    if stat == "DONE":
        return ElementState(State.ENDED, host=where)
    if stat != "EXIT":
        return ElementState(State.RUNNING, host=where)
    term = re.search(r"TERM_\w+", reason)
    if term and term[0] in REASONS:
        return ElementState(State.ENDED, REASONS[term[0]], f"LSF says {reason}", where)
    number = int(code) if code.isdigit() else 0
    return ElementState(State.ENDED, CODES.get(number, Cause.FAILED), f"LSF says exit code {code}", where)


def _call(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return call(words, text=text, without=("LSB_",), keep=NAMES_TO_KEEP)
