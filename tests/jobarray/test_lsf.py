"""LSF's grammar: words of bsub, states of bjobs, refusals told apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
from snakemake_executor_plugin_jobarray.lsf import IDS_A_CALL, Lsf, bsub_words, read_state
from snakemake_executor_plugin_jobarray.requests import Request


@pytest.fixture
def submitted(array: Callable[..., Array]) -> Callable[..., Array]:
    """Return a maker of arrays with an id."""

    def make(external: str = "77", elements: int = 1) -> Array:
        made = array(elements, name=f"calibrate-{external}")
        made.external = external
        return made

    return make


def words_of(array: Array, throttle: int = 0, **values: Any) -> dict[str, list[str]]:
    """Return the options of bsub with their values."""
    words = bsub_words(array, throttle, **({"requeue": False, "per_slot": True, "unit": "MB"} | values))
    found: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        found.setdefault(word, []).extend([] if word in ("-r", "-rn") else [next(rest)])
    return found


def test_an_array_says_where_and_how_it_runs(array: Callable[..., Array]) -> None:
    one = array(elements=3, minutes=12, request=Request(cpus=4, partition="short", account="stars"))
    words = words_of(one, 2)
    assert words == {
        "-J": [f"{one.name}[1-3]%2"],
        "-o": [f"{one.folder}/logs/%I.log"],
        "-env": ["all"],
        "-cwd": [str(Path.cwd())],
        "-n": ["4"],
        "-rn": [],
        "-W": ["12"],
        "-q": ["short"],
        "-P": ["stars"],
        "-R": ["span[hosts=1]"],
    }
    assert words_of(one)["-J"] == [f"{one.name}[1-3]"]
    assert "-r" in words_of(one, requeue=True)


@pytest.mark.parametrize(
    ("request_", "site", "limit", "reserved"),
    [
        (Request(mem_mb=1000, cpus=4), {}, "1000", "rusage[mem=250]"),
        (Request(mem_mb=1000, cpus=4), {"per_slot": False}, "1000", "rusage[mem=1000]"),
        (Request(mem_mb_per_cpu=250, cpus=4), {}, "1000", "rusage[mem=250]"),
        (Request(mem_mb=1000), {"unit": "KB"}, "1024000", "rusage[mem=1000]"),
        (Request(mem_mb=1536), {"unit": "GB"}, "1.5", "rusage[mem=1.5]"),
        (Request(mem_mb=1000, cpus=3), {}, "1000", "rusage[mem=333.3333333]"),
    ],
)
def test_memory_is_reserved_and_limited_in_the_sites_own_terms(
    array: Callable[..., Array], request_: Request, site: dict[str, Any], limit: str, reserved: str
) -> None:
    words = words_of(array(request=request_), **site)
    assert words["-M"] == [limit]
    assert reserved in words["-R"]


def test_without_memory_none_is_asked_for(array: Callable[..., Array]) -> None:
    words = words_of(array())
    assert "-M" not in words
    assert words["-R"] == ["span[hosts=1]"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(mpi=True, tasks=8), []),
        (Request(mpi=True, tasks=8, nodes=1), ["span[hosts=1]"]),
        (Request(mpi=True, tasks=9, nodes=2), ["span[ptile=5]"]),
        (Request(mpi=True, tasks=8, tasks_per_node=2, cpus=3), ["span[ptile=6]"]),
        (Request(constraint="avx2"), ["span[hosts=1]", "select[(avx2)]"]),
        (
            Request(constraint="avx2 || sse", avoid=frozenset({"n1"})),
            ["span[hosts=1]", "select[(avx2 || sse) && hname!='n1']"],
        ),
        (Request(avoid=frozenset({"n2", "n1"})), ["span[hosts=1]", "select[hname!='n1' && hname!='n2']"]),
    ],
)
def test_places_are_required(array: Callable[..., Array], request_: Request, expected: list[str]) -> None:
    assert words_of(array(request=request_)).get("-R", []) == expected


def test_reservations_and_graphics_processors_have_options_of_their_own(array: Callable[..., Array]) -> None:
    assert words_of(array(request=Request(reservation="night")))["-U"] == ["night"]
    assert words_of(array(request=Request(gpus=2)))["-gpu"] == ["num=2"]
    assert words_of(array(request=Request(gpus=2, gpu_model="a100")))["-gpu"] == ["num=2:gmodel=a100"]
    assert not {"-U", "-gpu"} & set(words_of(array(request=Request(gpu_model="a100"))))


@pytest.mark.parametrize("request_", [Request(gres="gpu:1"), Request(qos="high")])
def test_what_lsf_does_not_have_is_refused(command: Any, array: Callable[..., Array], request_: Request) -> None:
    calls = command("bsub", reads=True)
    with pytest.raises(Refused, match="neither gres nor qos"):
        Lsf().submit(array(request=request_), 0)
    assert calls() == []


def test_an_end_without_an_answer_may_have_been_a_submission(command: Any, array: Callable[..., Array]) -> None:
    command("bsub", "Thank you.\n", reads=True)
    with pytest.raises(Unanswered):
        Lsf().submit(array(), 0)


def test_further_arguments_come_last(array: Callable[..., Array]) -> None:
    one = array(request=Request(extra=("-app", "levelworks")))
    assert bsub_words(one, 0, requeue=False, per_slot=True, unit="MB")[-2:] == ["-app", "levelworks"]


@pytest.mark.parametrize(
    ("stat", "code", "reason", "expected", "cause"),
    [
        ("PEND", "-", "-", State.PENDING, None),
        ("PSUSP", "-", "-", State.PENDING, None),
        ("RUN", "-", "-", State.RUNNING, None),
        ("SSUSP", "-", "-", State.RUNNING, None),
        ("UNKWN", "-", "-", State.RUNNING, None),
        ("ZOMBI", "-", "-", State.RUNNING, None),
        ("SOMETHING", "-", "-", State.RUNNING, None),
        ("DONE", "-", "-", State.ENDED, None),
        ("EXIT", "1", "-", State.ENDED, Cause.FAILED),
        ("EXIT", "137", "-", State.ENDED, Cause.MEMORY),
        ("EXIT", "140", "-", State.ENDED, Cause.TIME),
        (
            "EXIT",
            "137",
            "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit",
            State.ENDED,
            Cause.MEMORY,
        ),
        ("EXIT", "140", "TERM_RUNLIMIT: job killed after reaching LSF run time limit", State.ENDED, Cause.TIME),
        ("EXIT", "130", "TERM_OWNER: job killed by owner", State.ENDED, Cause.CANCELLED),
        ("EXIT", "137", "TERM_FORCE_OWNER: job killed by owner", State.ENDED, Cause.CANCELLED),
        ("EXIT", "137", "TERM_PREEMPT: job killed after preemption", State.ENDED, Cause.PREEMPTED),
        ("EXIT", "-", "TERM_ZOMBIE: job killed while its host was out of reach", State.ENDED, Cause.NODE),
        ("EXIT", "137", "TERM_SOMETHING_NEW: who knows", State.ENDED, Cause.MEMORY),
    ],
)
def test_states_are_read(stat: str, code: str, reason: str, expected: State, cause: Cause | None) -> None:
    found = read_state(stat, code, reason, "-")
    assert (found.state, found.cause, found.host) == (expected, cause, "")


@pytest.mark.parametrize(
    ("text", "host"), [("node1", "node1"), ("8*node1", "node1"), ("2*node1:6*node2", "node1"), ("-", "")]
)
def test_the_first_host_is_the_jobs(text: str, host: str) -> None:
    for stat in ("RUN", "DONE", "EXIT"):
        assert read_state(stat, "1", "-", text).host == host


def test_an_array_is_submitted_with_its_script_on_standard_input(
    command: Any, array: Callable[..., Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LSB_DEFAULTQUEUE", "LSB_DEFAULTPROJECT", "LSB_JOBID"):
        monkeypatch.setenv(name, "x")
    calls = command("bsub", "Job <4711> is submitted to queue <short>.\n", reads=True)
    one = array(elements=2)
    assert Lsf().submit(one, 5) == "4711"
    assert calls() == [bsub_words(one, 5, requeue=False, per_slot=True, unit="MB")]
    assert (tmp_path / "bin/bsub.input").read_text() == node_script(one, "LSB_JOBINDEX")
    variables = (tmp_path / "bin/bsub.environment").read_text().splitlines()
    assert {"LSB_DEFAULTQUEUE=x", "LSB_DEFAULTPROJECT=x"} <= set(variables)
    assert "LSB_JOBID=x" not in variables


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("nowhere: No such queue. Job not submitted.", Refused),
        ("Bad resource requirement syntax. Job not submitted.", Refused),
        ("RUNLIMIT: Cannot exceed queue's hard limit(s). Job not submitted.", Refused),
        ("User permission denied. Job not submitted.", Refused),
        ("Pending job threshold reached. Retrying in 60 seconds...", Full),
        ("User's maximum number of pending jobs has been reached. Job not submitted.", Full),
        ("The queue's job limit is reached. Job not submitted.", Full),
        ("LSF is down. Please wait ...", Unavailable),
        ("Failed in an LSF library call: Slave LIM configuration is not ready yet.", Unavailable),
        ("batch daemon not responding ... still trying", Unavailable),
        ("Request timed out", Unanswered),
        ("The moon is full. Job not submitted.", Unexpected),
    ],
)
def test_refusals_are_told_apart(command: Any, array: Callable[..., Array], text: str, error: type[Exception]) -> None:
    command("bsub", err=text + "\n", code=255, reads=True)
    with pytest.raises(error) as found:
        Lsf().submit(array(), 0)
    assert text in str(found.value)
    assert type(found.value) is error


def test_the_largest_array_is_the_sites(command: Any) -> None:
    command("bparams", "MAX_JOB_ARRAY_SIZE = 2500\nMAX_JOBID = 9999999\n")
    assert Lsf().largest_array() == 2500
    command("bparams", "nothing of it\n")
    assert Lsf().largest_array() == 1000
    command("bparams", err="LSF is down. Please wait ...\n", code=255)
    with pytest.raises(Unavailable):
        Lsf().largest_array()


BJOBS = """\
77|1|DONE|-|-|node1
77|2|EXIT|137|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|2*node2
77|3|PEND|-|-|-
78|1|RUN|-|-|node3
nonsense
"""


def test_one_question_tells_the_state_of_all_arrays(command: Any, submitted: Callable[..., Array]) -> None:
    bjobs = command("bjobs", BJOBS)
    states = Lsf().query([submitted("77", 3), submitted("78", 1)])
    assert {place: (found.state, found.cause, found.host) for place, found in states.items()} == {
        ("77", 1): (State.ENDED, None, "node1"),
        ("77", 2): (State.ENDED, Cause.MEMORY, "node2"),
        ("77", 3): (State.PENDING, None, ""),
        ("78", 1): (State.RUNNING, None, "node3"),
    }
    assert [words[-2:] for words in bjobs()] == [["77", "78"]]


def test_arrays_that_lsf_has_forgotten_are_absent(command: Any, submitted: Callable[..., Array]) -> None:
    command("bjobs", "78|1|RUN|-|-|node3\n", err="Job <77> is not found\n", code=255)
    assert list(Lsf().query([submitted("77"), submitted("78")])) == [("78", 1)]
    command("bjobs", err="Job <77> is not found\n", code=255)
    assert Lsf().query([submitted("77")]) == {}


def test_where_nobody_answers_nothing_is_known(command: Any, submitted: Callable[..., Array]) -> None:
    command("bjobs", err="LSF is down. Please wait ...\n", code=255)
    with pytest.raises(Unavailable, match="LSF is down"):
        Lsf().query([submitted()])
    with pytest.raises(Unavailable, match="LSF is down"):
        Lsf().find("calibrate-77")


def test_many_arrays_are_asked_for_in_parts(command: Any, submitted: Callable[..., Array]) -> None:
    bjobs = command("bjobs")
    Lsf().query([submitted(str(number)) for number in range(IDS_A_CALL + 1)])
    assert [sum(word.isdigit() for word in words) for words in bjobs()] == [IDS_A_CALL, 1]


def test_an_array_is_found_by_its_name(command: Any) -> None:
    bjobs = command("bjobs", "77 \n77 \n")
    assert Lsf().find("calibrate-77") == "77"
    assert bjobs()[0][-2:] == ["-J", "calibrate-77"]
    command("bjobs", err="Job <calibrate-77> is not found\n", code=255)
    assert Lsf().find("calibrate-77") is None


def test_cancelling_names_arrays_and_elements(command: Any) -> None:
    bkill = command("bkill")
    Lsf().cancel({"77": None, "78": [3, 1]})
    assert bkill() == [["77", "78[1]", "78[3]"]]
    command("bkill", err="Job <77>: Job has already finished\n", code=255)
    Lsf().cancel({"77": None})
    command("bkill", err="LSF is down. Please wait ...\n", code=255)
    with pytest.raises(Unavailable):
        Lsf().cancel({"77": None})
