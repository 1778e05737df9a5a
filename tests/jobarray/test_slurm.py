"""SLURM's grammar: words of sbatch, states of sacct and squeue, refusals told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.arrays import Array
from snakemake_executor_plugin_jobarray.backend import (
    Full,
    Refused,
    State,
    Unanswered,
    Unavailable,
    Unexpected,
    node_script,
)
from snakemake_executor_plugin_jobarray.causes import Cause
from snakemake_executor_plugin_jobarray.requests import Request
from snakemake_executor_plugin_jobarray.slurm import IDS_A_CALL, Slurm, indices, read_state, sbatch_words

POLICY = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.fixture
def submitted(array: Callable[..., Array]) -> Callable[..., Array]:
    """Return a maker of arrays with an id."""

    def make(external: str = "77", elements: int = 1, **values: Any) -> Array:
        made = array(elements, name=f"calibrate-{external}", **values)
        made.external = external
        return made

    return make


def optional(words: list[str]) -> list[str]:
    """Return the words that not every array has."""
    always = ("--parsable", "--job-name", "--comment", "--array", "--output", "--open-mode", "--export", "--chdir")
    rest = ("--requeue", "--no-requeue", "--ntasks=", "--cpus-per-task")
    return [word for word in words if not word.startswith((*always, *rest))]


def test_an_array_says_where_and_how_it_runs(array: Callable[..., Array]) -> None:
    one = array(elements=3, minutes=12, request=Request(cpus=4))
    words = sbatch_words(one, 0, requeue=False)
    assert words[0] == "--parsable"
    assert {"--array=1-3", f"--job-name={one.name}", "--comment=calibrate", "--export=ALL", "--time=12"} <= set(words)
    assert {"--ntasks=1", "--cpus-per-task=4", "--nodes=1", "--no-requeue", f"--chdir={Path.cwd()}"} <= set(words)
    assert f"--output={one.folder}/logs/%a.log" in words
    assert "--open-mode=append" in words
    assert "--array=1-3%2" in sbatch_words(one, 2, requeue=True)
    assert "--requeue" in sbatch_words(one, 2, requeue=True)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(), ["--nodes=1"]),
        (Request(mem_mb=800), ["--mem=800M", "--nodes=1"]),
        (Request(mem_mb_per_cpu=200), ["--mem-per-cpu=200M", "--nodes=1"]),
        (Request(mpi=True, tasks=8), []),
        (Request(mpi=True, tasks=8, nodes=2, tasks_per_node=4), ["--nodes=2", "--ntasks-per-node=4"]),
        (
            Request(partition="long", account="stars", constraint="a&b", qos="high", reservation="night", gres="gpu:1"),
            [
                "--nodes=1",
                "--partition=long",
                "--account=stars",
                "--constraint=a&b",
                "--qos=high",
                "--reservation=night",
                "--gres=gpu:1",
            ],
        ),
        (Request(avoid=frozenset({"n2", "n1"})), ["--nodes=1", "--exclude=n1,n2"]),
        (Request(gpus=2), ["--nodes=1", "--gres=gpu:2"]),
        (Request(gpus=1, gpu_model="a100"), ["--nodes=1", "--gres=gpu:a100:1"]),
        (Request(gpus=1, gres="shard:2"), ["--nodes=1", "--gres=shard:2"]),
        (Request(gpu_model="a100"), ["--nodes=1"]),
        (Request(extra=("--nice", "--mail-user=a b")), ["--nodes=1", "--nice", "--mail-user=a b"]),
    ],
)
def test_what_is_asked_for_is_passed_on_and_nothing_else(
    array: Callable[..., Array], request_: Request, words: list[str]
) -> None:
    assert optional(sbatch_words(array(request=request_), 0, requeue=False)) == words


def test_arguments_of_the_site_come_last_and_so_prevail(array: Callable[..., Array]) -> None:
    one = array(request=Request(mem_mb=10, extra=("--mem=20M",)), minutes=5)
    assert sbatch_words(one, 0, requeue=False)[-1] == "--mem=20M"


@pytest.mark.parametrize(
    ("state", "code", "expected", "cause"),
    [
        ("PENDING", "0:0", State.PENDING, None),
        ("CONFIGURING", "", State.PENDING, None),
        ("REQUEUED", "0:0", State.PENDING, None),
        ("RUNNING", "0:0", State.RUNNING, None),
        ("COMPLETING", "", State.RUNNING, None),
        ("SUSPENDED", "", State.RUNNING, None),
        ("", "", State.RUNNING, None),
        ("COMPLETED", "0:0", State.ENDED, None),
        ("OUT_OF_MEMORY", "0:125", State.ENDED, Cause.MEMORY),
        ("TIMEOUT", "0:0", State.ENDED, Cause.TIME),
        ("DEADLINE", "0:0", State.ENDED, Cause.TIME),
        ("NODE_FAIL", "0:0", State.ENDED, Cause.NODE),
        ("BOOT_FAIL", "0:0", State.ENDED, Cause.NODE),
        ("PREEMPTED", "0:0", State.ENDED, Cause.PREEMPTED),
        ("CANCELLED by 1000", "0:0", State.ENDED, Cause.CANCELLED),
        ("CANCELLED+", "0:0", State.ENDED, Cause.CANCELLED),
        ("FAILED", "0:9", State.ENDED, Cause.MEMORY),
        ("FAILED", "1:0", State.ENDED, Cause.FAILED),
        ("FAILED", "", State.ENDED, Cause.FAILED),
        ("SOMETHING_NEW", "0:0", State.ENDED, Cause.FAILED),
    ],
)
def test_states_are_read(state: str, code: str, expected: State, cause: Cause | None) -> None:
    found = read_state(state, code)
    assert (found.state, found.cause) == (expected, cause)
    assert bool(found.detail) == (cause is not None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", [3]),
        ("3-7", [3, 4, 5, 6, 7]),
        ("1-9:2", [1, 3, 5, 7, 9]),
        ("1,4-6%2", [1, 4, 5, 6]),
        ("1-2, 5", [1, 2, 5]),
        ("N/A", []),
        ("", []),
        ("1,...", [1]),
    ],
)
def test_lists_of_indices_are_read(text: str, numbers: list[int]) -> None:
    assert list(indices(text)) == numbers


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=6))
def test_any_list_of_ranges_is_read(ranges: list[tuple[int, int, int]]) -> None:
    text = ",".join(f"{first}-{first + more}:{step}" for first, more, step in ranges) + "%3"
    expected = [number for first, more, step in ranges for number in range(first, first + more + 1, step)]
    assert list(indices(text)) == expected


def test_an_array_is_submitted_with_its_script_on_standard_input(
    command: Any, array: Callable[..., Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "1")
    kept = {"SLURM_CONF": "/etc/slurm.conf", "SLURM_JWT": "a.b.c", "SLURM_CLUSTERS": "south"}
    for name, value in kept.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_BITSTR_LEN", "64")
    calls = command("sbatch", "4711;cluster\n", reads=True)
    one = array(elements=2)
    assert Slurm().submit(one, 5) == "4711"
    assert calls() == [sbatch_words(one, 5, requeue=False)]
    assert (tmp_path / "bin/sbatch.input").read_text() == node_script(one, "SLURM_ARRAY_TASK_ID")
    variables = (tmp_path / "bin/sbatch.environment").read_text()
    lines = variables.splitlines()
    assert {f"{name}={value}" for name, value in kept.items()} <= set(lines)
    assert [line for line in lines if line.startswith("SLURM_BITSTR_LEN")] == ["SLURM_BITSTR_LEN=0"]
    assert "SLURM_MEM_PER_NODE" not in variables


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("sbatch: error: invalid partition specified: nowhere", Refused),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", Refused),
        ("sbatch: error: Batch job submission failed: Invalid account or account/partition combination", Refused),
        ("sbatch: error: Memory specification can not be satisfied", Refused),
        ("sbatch: error: AssocMaxSubmitJobLimit", Full),
        (f"sbatch: error: AssocMaxSubmitJobLimit {POLICY}", Full),
        (f"sbatch: error: QOSMaxWallDurationPerJobLimit {POLICY}", Refused),
        (f"sbatch: error: AssocMaxWallDurationPerJobLimit {POLICY}", Refused),
        (f"sbatch: error: QOSMaxCpuPerJobLimit {POLICY}", Refused),
        (f"sbatch: error: AssocMaxMemPerJob {POLICY}", Refused),
        ("sbatch: error: QOSMaxSubmitJobPerUserLimit", Full),
        (f"sbatch: error: {POLICY}", Full),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", Full),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", Full),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", Unanswered),
        ("sbatch: error: Unable to contact slurm controller (connect failure)", Unavailable),
        ("sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received", Unanswered),
        ("sbatch: error: Batch job submission failed: Something is odd today", Unexpected),
        ("sbatch: fatal: Could not establish a configuration source", Unavailable),
        ("sbatch: error: fetch_config: DNS SRV lookup failed; failed to fetch config", Unavailable),
    ],
)
def test_refusals_are_told_apart(command: Any, array: Callable[..., Array], text: str, error: type[Exception]) -> None:
    command("sbatch", err=text + "\n", code=1, reads=True)
    with pytest.raises(error) as found:
        Slurm().submit(array(), 0)
    assert text in str(found.value)
    assert type(found.value) is error


@pytest.mark.parametrize("code", [0, 1])
def test_the_id_stands_on_a_line_of_its_own_behind_a_banner(
    command: Any, array: Callable[..., Array], code: int
) -> None:
    command("sbatch", "Welcome to cluster 7\n2 news today\n4711\n", code=code, reads=True)
    assert Slurm().submit(array(), 0) == "4711"


def test_an_end_without_an_id_may_have_been_a_submission(command: Any, array: Callable[..., Array]) -> None:
    command("sbatch", "Welcome to cluster 7\n", reads=True)
    with pytest.raises(Unanswered):
        Slurm().submit(array(), 0)


def test_the_largest_array_is_below_slurms_own_limit(command: Any) -> None:
    command("scontrol", "MaxArraySize            = 1001\nMaxJobCount = 10000\n")
    assert Slurm().largest_array() == 1000
    command("scontrol", "nothing of it\n")
    assert Slurm().largest_array() == 1000
    command("scontrol", err="Unable to contact slurm controller\n", code=1)
    with pytest.raises(Unavailable):
        Slurm().largest_array()


SACCT = """\
77_1|COMPLETED|0:0|node1
77_2|FAILED|0:9|node2
77_3|CANCELLED by 0|0:0|None assigned
77_[4-6%2]|PENDING|0:0|None assigned
78_1|RUNNING|0:0|node3
nonsense
"""


def test_one_question_tells_the_state_of_all_arrays(command: Any, submitted: Callable[..., Array]) -> None:
    sacct, squeue = command("sacct", SACCT), command("squeue")
    states = Slurm().query([submitted("77", 6), submitted("78", 1)])
    assert {place: (found.state, found.cause, found.host) for place, found in states.items()} == {
        ("77", 1): (State.ENDED, None, "node1"),
        ("77", 2): (State.ENDED, Cause.MEMORY, "node2"),
        ("77", 3): (State.ENDED, Cause.CANCELLED, ""),
        **{("77", index): (State.PENDING, None, "") for index in (4, 5, 6)},
        ("78", 1): (State.RUNNING, None, "node3"),
    }
    assert len(sacct()) == 1
    assert "--jobs=77,78" in sacct()[0]
    assert squeue() == []


def test_what_accounting_does_not_know_yet_the_queue_tells(command: Any, submitted: Callable[..., Array]) -> None:
    command("sacct", "77_1|COMPLETED|0:0|node1\n")
    squeue = command("squeue", "78|1-2%1|PENDING|\n")
    states = Slurm().query([submitted("77", 1), submitted("78", 2)])
    assert [states["77", 1].state, states["78", 1].state, states["78", 2].state] == [
        *(State.ENDED, State.PENDING, State.PENDING)
    ]
    assert {"--name=calibrate-78", "--me", "--array"} <= set(squeue()[0])


def test_where_there_is_no_accounting_it_is_asked_once(command: Any, submitted: Callable[..., Array]) -> None:
    sacct = command("sacct", err="Slurm accounting storage is disabled\n", code=1)
    squeue = command("squeue", "77|1|COMPLETED|node1\n77|2|NODE_FAIL|node2\n77|3|RUNNING|node3\n")
    slurm = Slurm()
    for _ in range(3):
        states = slurm.query([submitted("77", 3)])
    assert [states["77", index].cause for index in (1, 2, 3)] == [None, Cause.NODE, None]
    assert states["77", 3].state is State.RUNNING
    assert (len(sacct()), len(squeue())) == (1, 3)


def test_accounting_that_is_away_is_asked_again(command: Any, submitted: Callable[..., Array]) -> None:
    sacct = command("sacct", err="sacct: error: Problem talking to the database: Connection refused\n", code=1)
    command("squeue", "77|1|RUNNING|node1\n")
    slurm = Slurm()
    for _ in range(2):
        assert slurm.query([submitted()])["77", 1].state is State.RUNNING
    assert len(sacct()) == 2


def test_where_nobody_answers_nothing_is_known(command: Any, submitted: Callable[..., Array]) -> None:
    for name in ("sacct", "squeue"):
        command(name, err="Unable to contact slurm controller\n", code=1)
    with pytest.raises(Unavailable, match="Unable to contact"):
        Slurm().query([submitted()])
    with pytest.raises(Unavailable):
        Slurm().find("calibrate-77")


def test_an_element_of_which_nobody_knows_is_absent(command: Any, submitted: Callable[..., Array]) -> None:
    command("sacct")
    command("squeue")
    assert Slurm().query([submitted()]) == {}


def test_many_arrays_are_asked_for_in_parts(command: Any, submitted: Callable[..., Array]) -> None:
    sacct = command("sacct")
    command("squeue")
    Slurm().query([submitted(str(number)) for number in range(IDS_A_CALL + 1)])
    assert [word.count(",") + 1 for words in sacct() for word in words if word.startswith("--jobs=")] == [IDS_A_CALL, 1]


def test_an_array_is_found_by_its_name(command: Any) -> None:
    squeue = command("squeue", "77\n77\n")
    assert Slurm().find("calibrate-77") == "77"
    assert "--me" in squeue()[0]
    command("squeue", "")
    sacct = command("sacct", "78_3\n78_[4-5]\n")
    assert Slurm().find("calibrate-78") == "78"
    assert "--name=calibrate-78" in sacct()[0]
    command("sacct", "")
    assert Slurm().find("calibrate-78") is None


def test_cancelling_names_arrays_and_elements(command: Any) -> None:
    scancel = command("scancel")
    Slurm().cancel({"77": None, "78": [3, 1]})
    assert scancel() == [["77", "78_1", "78_3"]]
    Slurm().cancel({})
    assert len(scancel()) == 1
    command("scancel", err="scancel: error: Invalid job id 77\n", code=1)
    Slurm().cancel({"77": None})
    command("scancel", err="scancel: error: Unable to contact slurm controller\n", code=1)
    with pytest.raises(Unavailable):
        Slurm().cancel({"77": None})


def test_without_slurm_it_is_unavailable(
    array: Callable[..., Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="sbatch is not on the PATH"):
        Slurm().submit(array(), 0)
