"""SLURM: sbatch arrays, one sacct a query (squeue where there is no accounting, or it is away), scancel."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.backend import (
    Complaints,
    ElementState,
    State,
    Unavailable,
    call,
    complaint,
    node_script,
)
from snakemake_executor_plugin_jobarray.causes import Cause
from snakemake_executor_plugin_jobarray.requests import Request

LIMITS = re.compile(
    r"temporarily unable|submit ?job ?limit|MaxSubmit|MaxJob|GrpSubmit|violates accounting/QOS policy|"
    r"job limit|Resource temporarily unavailable|Slurm backup controller|too many",
    re.IGNORECASE,
)
AWAY = re.compile(
    r"Unable to contact|Socket timed out|Connection refused|Communication|Zero Bytes|Protocol authentication|"
    r"Invalid authentication|Transport endpoint|Slurm controller|configuration source|failed to fetch config",
    re.IGNORECASE,
)
UNANSWERED = re.compile(r"timed out|Zero Bytes|Communication connection failure|Message receive", re.IGNORECASE)
FOR_EVER = re.compile(
    r"PerJob|Invalid account|Invalid partition|Invalid qos|generic resource|\bgres\b|"
    r"Requested node configuration is not available|More processors requested|time limit is invalid|"
    r"Invalid --?time|Invalid feature|Invalid job array|unrecognized option|invalid option|Invalid argument|"
    r"Memory specification can not be satisfied|Access/permission denied|[Uu]ser.* not found|count specification|"
    r"Invalid reservation|invalid number|Requested reservation",
    re.IGNORECASE,
)
"""What time does not mend; everything else may pass."""
COMPLAINTS = Complaints(UNANSWERED, AWAY, FOR_EVER, LIMITS)
NO_ACCOUNTING = re.compile(r"accounting storage is disabled", re.IGNORECASE)

PENDING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"}
CAUSES = {
    "OUT_OF_MEMORY": Cause.MEMORY,
    "TIMEOUT": Cause.TIME,
    "DEADLINE": Cause.TIME,
    "NODE_FAIL": Cause.NODE,
    "BOOT_FAIL": Cause.NODE,
    "LAUNCH_FAILED": Cause.NODE,
    "PREEMPTED": Cause.PREEMPTED,
    "CANCELLED": Cause.CANCELLED,
    "REVOKED": Cause.CANCELLED,
}
SIGKILL = 9
IDS_A_CALL = 200
NAMES_TO_KEEP = ("SLURM_CONF", "SLURM_JWT", "SLURM_CLUSTERS")
WHOLE_LISTS = {"SLURM_BITSTR_LEN": "0"}
"""Lists of array indices are cut short otherwise."""


class Slurm:
    """The back end ``slurm``."""

    name = "slurm"
    slots = 0

    def __init__(self, *, requeue: bool = False) -> None:
        self._requeue = requeue
        self._accounting = True

    def largest_array(self) -> int:
        """Return MaxArraySize - 1: indices begin at 1 and must stay below it."""
        done = _call("scontrol", "show", "config")
        if done.returncode:
            raise Unavailable(complaint(done))
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", done.stdout, re.MULTILINE)
        return max(1, int(found[1]) - 1) if found else 1000

    def submit(self, array: Array, throttle: int) -> str:
        """Submit with one sbatch, the script on standard input; returns the job id."""
        done = _call(
            "sbatch",
            *sbatch_words(array, throttle, requeue=self._requeue),
            text=node_script(array, "SLURM_ARRAY_TASK_ID"),
        )
        if found := re.search(r"^(\d+)(;\S+)?\s*$", done.stdout, re.MULTILINE):
            return found[1]
        raise COMPLAINTS.read(done)

    def find(self, name: str) -> str | None:
        """Look a name up in squeue, then in the accounting."""
        done = _call("squeue", "--noheader", "--states=all", "--me", f"--name={name}", "--format=%F")
        if done.returncode:
            raise Unavailable(complaint(done))
        if done.stdout.split():
            return done.stdout.split()[0]
        if self._accounting:
            since = "--starttime=now-7days"
            done = _call("sacct", "-X", "-n", "-P", f"--name={name}", since, "--format=JobID")
            if done.returncode == 0 and done.stdout.split():
                return re.split(r"[_.]", done.stdout.split()[0])[0]
        return None

    def query(self, arrays: Sequence[Array]) -> Mapping[tuple[str, int], ElementState]:
        """Ask sacct; squeue where there is no accounting or it does not answer, and for what it does not know (yet)."""
        states: dict[tuple[str, int], ElementState] = {}
        named = {array.external: array for array in arrays if array.external}
        answered = False
        if self._accounting:
            answered = self._ask_accounting(list(named), states)
        unknown = [
            array
            for identifier, array in named.items()
            if not answered or any((identifier, element.index) not in states for element in array.open_elements)
        ]
        if unknown:
            for part in _parts([array.name for array in unknown]):
                self._ask_queue(part, states)
        return states

    def _ask_accounting(self, identifiers: Sequence[str], states: dict[tuple[str, int], ElementState]) -> bool:
        for part in _parts(identifiers):
            fields = "--format=JobID,State,ExitCode,NodeList"
            done = _call("sacct", "-X", "-n", "-P", "--starttime=now-30days", f"--jobs={','.join(part)}", fields)
            if done.returncode:
                if NO_ACCOUNTING.search(done.stderr + done.stdout):
                    self._accounting = False
                return False
            for line in done.stdout.splitlines():
                identifier, state, code, nodes = [*line.split("|"), "", "", ""][:4]
                _take(states, identifier, state, code, nodes)
        return True

    def _ask_queue(self, names: Sequence[str], states: dict[tuple[str, int], ElementState]) -> None:
        form = "--format=%F|%K|%T|%N"
        done = _call("squeue", "--noheader", "--array", "--states=all", "--me", f"--name={','.join(names)}", form)
        if done.returncode:
            raise Unavailable(complaint(done))
        for line in done.stdout.splitlines():
            identifier, index, state, nodes = [*line.split("|"), "", "", ""][:4]
            _take(states, f"{identifier}_[{index}]", state, "", nodes)

    def cancel(self, arrays: Mapping[str, Collection[int] | None]) -> None:
        """Cancel with as few scancel as the length of a command line allows."""
        words = []
        for identifier, indices in arrays.items():
            words += [identifier] if indices is None else [f"{identifier}_{index}" for index in sorted(indices)]
        for part in _parts(words):
            done = _call("scancel", *part)
            if done.returncode and AWAY.search(complaint(done)):
                raise Unavailable(complaint(done))

    def close(self) -> None:
        """Do nothing: what runs on the cluster goes on."""


def sbatch_words(array: Array, throttle: int, *, requeue: bool) -> list[str]:
    """Return sbatch's arguments for an array."""
    request = array.request
    most = f"%{throttle}" if throttle else ""
    words = [
        "--parsable",
        f"--job-name={array.name}",
        f"--comment={array.rule}",
        f"--array=1-{len(array.elements)}{most}",
        f"--output={array.folder}/logs/%a.log",
        "--open-mode=append",
        "--export=ALL",
        f"--chdir={Path.cwd()}",
        "--requeue" if requeue else "--no-requeue",
        f"--ntasks={request.tasks}",
        f"--cpus-per-task={request.cpus}",
        *_optional_words(request),
    ]
    if array.minutes:
        words.append(f"--time={array.minutes}")
    return [*words, *request.extra]


def _optional_words(request: Request) -> Iterator[str]:
    named = {
        "--mem": f"{request.mem_mb}M" if request.mem_mb else None,
        "--mem-per-cpu": f"{request.mem_mb_per_cpu}M" if request.mem_mb_per_cpu else None,
        "--nodes": request.nodes or (1 if request.tasks == 1 else None),
        "--ntasks-per-node": request.tasks_per_node,
        "--partition": request.partition,
        "--account": request.account,
        "--constraint": request.constraint,
        "--qos": request.qos,
        "--reservation": request.reservation,
        "--gres": request.gres or _gpus(request),
        "--exclude": ",".join(sorted(request.avoid)) or None,
    }
    return (f"{option}={value}" for option, value in named.items() if value is not None)


def read_state(state: str, code: str = "") -> ElementState:
    """Read a state as sacct or squeue prints it (``CANCELLED by 0``, ``FAILED`` with ``0:9``)."""
    word = state.split(maxsplit=1)[0].rstrip("+") if state.split() else ""
    if word in PENDING:
        return ElementState(State.PENDING)
    if word in RUNNING or not word:
        return ElementState(State.RUNNING)
    if word == "COMPLETED":
        return ElementState(State.ENDED)
    if word in CAUSES:
        return ElementState(State.ENDED, CAUSES[word], f"SLURM says {state}")
    exit_code, _, signal = code.partition(":")
    if signal.isdigit() and int(signal) == SIGKILL:
        # Without control groups SLURM ends a job that is over its memory so; the words stand in its log alone.
        return ElementState(State.ENDED, Cause.MEMORY, f"SLURM says {state}, signal 9")
    return ElementState(State.ENDED, Cause.FAILED, f"SLURM says {state}, exit code {exit_code or 'unknown'}")


def _take(states: dict[tuple[str, int], ElementState], identifier: str, state: str, code: str, nodes: str) -> None:
    found = re.fullmatch(r"(\d+)_\[?([^\]]*)\]?", identifier)
    if not found:
        return
    read = read_state(state, code)
    node = nodes if nodes and nodes != "None assigned" else ""
    for index in indices(found[2]):
        states[found[1], index] = ElementState(read.state, read.cause, read.detail, node)


def indices(text: str) -> Iterator[int]:
    """Read a list of array indices: ``3``, ``3-7``, ``1-9:2``, ``1,4-6%2``."""
    for part in text.split("%", maxsplit=1)[0].split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part.strip())
        if found:
            first = int(found[1])
            yield from range(first, int(found[2] or first) + 1, int(found[3] or 1))


def _call(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return call(words, text=text, without=("SLURM_", "SLURMD_", "SRUN_"), keep=NAMES_TO_KEEP, more=WHOLE_LISTS)


def _parts(words: Sequence[str]) -> Iterator[Sequence[str]]:
    return (words[start : start + IDS_A_CALL] for start in range(0, len(words), IDS_A_CALL))


def _gpus(request: Request) -> str | None:
    return ":".join(filter(None, ("gpu", request.gpu_model, str(request.gpus)))) if request.gpus else None
