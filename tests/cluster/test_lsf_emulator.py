"""The LSF emulator against what is known of LSF: states, limits, arrays, replies, and the stock Snakemake plug-in."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from lsf_cluster import LsfEmulator

PYTHON = shlex.quote(sys.executable)
LONG = f"300.{os.getpid()}"  # seconds that no other program sleeps


@pytest.fixture
def lsf(tmp_path: Path) -> Iterator[LsfEmulator]:
    """Yield a running cluster of four slots."""
    with LsfEmulator(tmp_path / "lsf") as cluster:
        yield cluster


def hog(megabytes: int, seconds: float = 20) -> str:
    """Return a command that holds memory."""
    return f"{PYTHON} -S -c 'import time; x = bytearray({megabytes} << 20); time.sleep({seconds})'"


def alive() -> list[int]:
    """Return the processes that sleep for this program alone."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", LONG]]


def until(condition, seconds: float = 90) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


# Submission


def test_replies_of_bsub(lsf):
    assert lsf.run("bsub", "-q", "short", "true").stdout == "Job <7001> is submitted to queue <short>.\n"
    assert lsf.run("bsub", "true").stdout == "Job <7002> is submitted to default queue <normal>.\n"
    array = lsf.run("bsub", "-J", "name[1-3]%2", "true")
    assert (array.returncode, array.stdout) == (0, "Job <7003> is submitted to default queue <normal>.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-q", "nowhere", "true"], "nowhere: No such queue. Job not submitted."),
        (["-J", "name[1-1001]", "true"], "Job array index too large. Job not submitted."),
        (["-J", "name[3-1]", "true"], "Bad job array index list. Job not submitted."),
        (["-J", "bad:name[1-2]", "true"], "Bad job name. Job not submitted."),
        (["-J", f"{'a' * 251}[1-2]", "true"], "Bad job name. Job not submitted."),
        (["-W", "soon", "true"], "soon: Bad RUNLIMIT specification. Job not submitted."),
        (["-n", "0", "true"], "0: Bad argument for option -n. Job not submitted."),
        (["-M", "much", "true"], "much: Bad argument for option -M. Job not submitted."),
        (["-R", "rusage[mem=", "true"], "Bad resource requirement syntax. Job not submitted."),
        (["-R", "span[hosts=2]", "true"], "Bad resource requirement syntax. Job not submitted."),
        (["-R", "select[mem>lots]", "true"], "Bad resource requirement syntax. Job not submitted."),
        (["-w", "done(12)", "true"], "done(12): No matching job found. Job not submitted."),
        (["-w", "done(", "true"], "Bad dependency condition syntax. Job not submitted."),
        (["-m", "hostz", "true"], "hostz: Bad host name, host group name or cluster name. Job not submitted."),
        ([], "No command is specified. Job not submitted."),
        (["-Z", "true"], "bsub: illegal option -- Z"),
        (["-q"], "bsub: option requires an argument -- q"),
    ],
)
def test_bsub_refuses(cluster_of_refusals, words, message):
    done = cluster_of_refusals.run("bsub", *words)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[0]) == (255, "", message)


@pytest.fixture(scope="module")
def cluster_of_refusals(tmp_path_factory) -> Iterator[LsfEmulator]:
    """Yield one cluster for all the submissions that change nothing."""
    with LsfEmulator(tmp_path_factory.mktemp("lsf")) as cluster:
        yield cluster
        assert cluster.run("bjobs", "-a").stderr == "No job found\n"


def test_the_largest_array_is_a_knob(lsf):
    lsf.set(max_job_array_size=5, slots=0)
    assert lsf.run("bsub", "-J", "a[1-6]", "true").stderr == "Job array index too large. Job not submitted.\n"
    job = lsf.submit("-J", "a[1-5:2,4]", "true")
    assert [row[0] for row in lsf.fields(job, "jobindex")] == ["1", "3", "4", "5"]


def test_refusals_and_a_slow_bsub(lsf):
    lsf.refuse(2)
    for _ in range(2):
        done = lsf.run("bsub", "true")
        assert (done.returncode, done.stderr) == (255, "User job limit reached. Job not submitted.\n")
    lsf.slow("bsub", 0.6)
    start = time.monotonic()
    lsf.submit("true")
    assert time.monotonic() - start >= 0.6
    lsf.slow("bsub", 0)
    lsf.refuse(1, "LSF is down. Please wait ...")
    assert lsf.run("bsub", "true").stderr == "LSF is down. Please wait ...\n"
    assert lsf.submit("true") == 7002


def test_a_script_with_embedded_options(lsf, tmp_path):
    script = textwrap.dedent("""\
        #!/bin/bash
        #BSUB -J "scripted[1-2]" -q short   # a comment
        #BSUB -o out.%J.%I
        #BSUB -W 1:30
        words=(none first second)
        echo "${words[$LSB_JOBINDEX]} $0"
        """)
    job = lsf.submit("-q", "long", input=script, cwd=tmp_path)
    assert lsf.wait(job) == ["DONE", "DONE"]
    assert (tmp_path / f"out.{job}.2").read_text().startswith("second ")
    assert lsf.fields(job, "queue job_name runlimit")[1] == ["long", "scripted[2]", "90.0"]


def test_what_was_asked_for_can_be_read_back(lsf):
    lsf.set(slots=0)
    job = lsf.submit(
        *["-P", "coal", "-n", "4", "-W", "90", "-M", "1600", "-R", "rusage[mem=400.0]", "-R", "span[ptile=2]"],
        *[
            "-R",
            "select[hname!='hosta']",
            "-app",
            "p",
            "-x",
            "-G",
            "g",
            "-u",
            "me",
            "-B",
            "-N",
            "-U",
            "r",
            "-r",
            "true",
        ],
    )
    names = "memlimit runtimelimit nreq_slot min_req_proc proj_name queue application stat exec_host"
    assert lsf.fields(job, names) == [["1600 M", "90.0", "4", "4", "coal", "normal", "p", "PEND", "-"]]
    resources = "select[(hname!='hosta')] order[r15s:pg] rusage[mem=400.00] span[ptile=2]"
    assert lsf.fields(job, "combined_resreq effective_resreq") == [[resources, resources]]
    long = lsf.run("bjobs", "-l", str(job)).stdout
    for part in ("Project <coal>", "RUNLIMIT\n 90.0 min", "MEMLIMIT\n 1600 M", "4 Task(s)", f"Combined: {resources}"):
        assert part in long


def test_the_environment_of_an_element(lsf, tmp_path):
    words = ["-J", "e[2-6:2]", "-n", "3", "-R", "span[ptile=2]", "-o", "%J.%I", "-cwd", "made"]
    job = lsf.submit(*words, "env; echo PID=$$ AND=$(pwd)", cwd=tmp_path, env={**lsf.environment(), "MINE": "a b"})
    assert lsf.wait(job) == ["DONE"] * 3
    text = (tmp_path / "made" / f"{job}.4").read_text()
    found = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z_]+=", line))
    assert found["MINE"] == "a b"
    assert [found[name] for name in ("LSB_JOBID", "LSB_JOBINDEX", "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP")] == [
        *[str(job), "4", "6", "2"]
    ]
    assert (found["LSB_JOBNAME"], found["LSB_BATCH_JID"], found["LSB_QUEUE"]) == ("e[4]", f"{job}[4]", "normal")
    assert found["LSB_DJOB_NUMPROC"] == "3"
    assert sorted(found["LSB_HOSTS"].split()) in [["hosta", "hosta", "hostb"], ["hosta", "hostb", "hostb"]]
    assert re.fullmatch(r"host[ab] 2 host[ab] 1", found["LSB_MCPU_HOSTS"])
    assert found["LSB_SUBCWD"] == str(tmp_path)
    assert found["PID"] == f"{found['LS_JOBPID']} AND={tmp_path / 'made'}"


def test_the_environment_that_env_leaves(lsf, tmp_path):
    variables = {**lsf.environment(), "ONE": "1", "TWO": "2"}
    job = lsf.submit(
        "-env", "none, TWO, THREE=3", "-o", "o", "echo $LSB_JOBINDEX+$ONE+$TWO+$THREE", env=variables, cwd=tmp_path
    )
    lsf.wait(job)
    assert (tmp_path / "o").read_text().startswith("0++2+3\n")


def test_waiting_bsub_returns_the_exit_code(lsf):
    done = lsf.run("bsub", "-K", "sleep 0.2; exit 7")
    assert done.returncode == 7
    assert done.stdout == "Job <7001> is submitted to default queue <normal>.\n"


# Ends


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("true", ["DONE", "-", "-"]),
        ("exit 75", ["EXIT", "75", "-"]),
        ("sh -c 'kill -9 $$'; exit $?", ["EXIT", "137", "-"]),
        ("kill -9 $$", ["EXIT", "137", "TERM_EXTERNAL_SIGNAL: job killed by a signal external to LSF"]),
        ("no-such-program", ["EXIT", "127", "-"]),
    ],
)
def test_ends(lsf, command, end):
    job = lsf.submit(command)
    lsf.wait(job)
    assert lsf.fields(job, "stat exit_code exit_reason") == [end]


def test_the_run_limit_with_a_factor(lsf, tmp_path):
    lsf.set(run_limit_factor=1 / 60)
    job = lsf.submit("-W", "1", "-o", "log", "sleep 300", cwd=tmp_path)
    deaf = lsf.submit("-W", "0:1", "trap '' USR2; sleep 300; sleep 300")
    kind = lsf.submit("-W", "1", "trap 'exit 3' USR2; sleep 300")
    fast = lsf.submit("-W", "1", "sleep 0.1")
    assert lsf.wait(job) == ["EXIT"]
    reason = "TERM_RUNLIMIT: job killed after reaching LSF run time limit"
    assert lsf.fields(job, "exit_code exit_reason") == [["140", reason]]
    assert 1 <= float(lsf.fields(job, "run_time")[0][0].split()[0]) < 30
    lsf.wait(deaf)
    assert lsf.fields(deaf, "exit_code exit_reason") == [["143", reason]]
    lsf.wait(kind)
    assert lsf.fields(kind, "exit_code exit_reason") == [["3", reason]]
    assert lsf.wait(fast) == ["DONE"]
    log = (tmp_path / "log").read_text()
    assert f"{reason}.\nExited with exit code 140.\n\nResource usage summary:" in log


def test_the_memory_limit_of_a_job_counts_its_tree(lsf):
    command = f"{hog(60)} & {hog(60)} & wait"
    one = lsf.submit("-M", "100", command)
    enough = lsf.submit("-M", "400", hog(60, 1))
    assert lsf.wait(one) == ["EXIT"]
    reason = "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit"
    assert lsf.fields(one, "exit_code exit_reason") == [["137", reason]]
    assert float(lsf.fields(one, "max_mem")[0][0].split()[0]) > 100
    assert lsf.wait(enough) == ["DONE"]
    for command in ("bacct", "bhist"):
        assert f"Completed <exit>; {reason}." in lsf.run(command, "-l", str(one)).stdout


def test_the_memory_limit_of_a_process(lsf):
    lsf.set(memory_limit_per="process")
    many = lsf.submit("-M", "100", f"{hog(60, 1)} & {hog(60, 1)} & wait")
    one = lsf.submit("-M", "100M", hog(120))
    assert lsf.wait(one) == ["EXIT"]
    assert lsf.wait(many) == ["DONE"]


def test_the_unit_for_limits(lsf):
    lsf.set(unit_for_limits="GB", slots=0)
    job = lsf.submit("-M", "2", "-R", "rusage[mem=1.5]", "true")
    own = lsf.submit("-M", "2500KB", "-R", "rusage[mem=300M]", "true")
    assert lsf.fields(job, "memlimit combined_resreq")[0] == [
        *["2048 M", "select[type == local] order[r15s:pg] rusage[mem=1536.00]"]
    ]
    assert lsf.fields(own, "memlimit")[0] == ["2.44141 M"]
    assert "LSF_UNIT_FOR_LIMITS = GB" in lsf.run("badmin", "showconf", "mbd").stdout


def test_a_missing_folder(lsf, tmp_path):
    (tmp_path / "file").touch()
    job = lsf.submit("-cwd", str(tmp_path / "file"), "true")
    lsf.wait(job)
    state, code, reason = lsf.fields(job, "stat exit_code exit_reason")[0]
    assert (state, code, reason.split(":")[0]) == ("EXIT", "-", "TERM_CWD_NOTEXIST")


def test_output_files(lsf, tmp_path):
    for name in ("-o", "-o", "-oo"):
        lsf.wait(lsf.submit(name, "both", "echo out; echo err >&2", cwd=tmp_path))
        kept = (tmp_path / "both").read_text()
    assert kept.startswith("out\nerr\n")
    assert kept.count("out\n") == 1  # -oo began anew
    assert "\nSuccessfully completed.\n\nResource usage summary:" in kept
    job = lsf.submit("-J", "a[7]", "-o", "%J-%I.o", "-e", "%J-%I.e", "echo out; echo err >&2; exit 4", cwd=tmp_path)
    lsf.wait(job)
    assert (tmp_path / f"{job}-7.e").read_text() == "err\n"
    assert "\nExited with exit code 4.\n\nResource usage summary:" in (tmp_path / f"{job}-7.o").read_text()


# Arrays


def test_elements_are_independent_and_limited(lsf, tmp_path):
    count = "touch running.$LSB_JOBINDEX; set -- running.*; echo $#; sleep 0.2; rm running.$LSB_JOBINDEX"
    command = f"{count}; exit $((LSB_JOBINDEX == 2))"
    job = lsf.submit("-J", "a[1-6]%2", "-o", "log.%I", command, cwd=tmp_path)
    assert lsf.wait(job) == ["DONE", "EXIT", "DONE", "DONE", "DONE", "DONE"]
    counts = [int((tmp_path / f"log.{index}").read_text().split()[0]) for index in range(1, 7)]
    assert max(counts) == 2
    assert lsf.fields(job, "jobid jobindex exit_code")[1] == [str(job), "2", "1"]
    summary = lsf.run("bjobs", "-A", str(job)).stdout.splitlines()
    heading = "JOBID ARRAY_SPEC OWNER NJOBS PEND DONE RUN EXIT SSUSP USUSP PSUSP"
    assert " ".join(summary[0].split()) == heading
    assert summary[1].split()[1] == "a[1-6]%2"
    assert summary[1].split()[3:] == ["6", "0", "5", "0", "1", "0", "0", "0"]


def test_slots_and_dispatch_delay(lsf):
    lsf.set(slots=2, dispatch_delay=4)
    job = lsf.submit("-J", "a[1-3]", "sleep 300")
    wide = lsf.submit("-n", "3", "true")
    assert lsf.states(job) == ["PEND"] * 3
    lsf.set(dispatch_delay=0.1)
    until(lambda: lsf.states(job) == ["RUN", "RUN", "PEND"])
    assert lsf.fields(f"{job}[1-2]", "exec_host") == [["hosta"], ["hostb"]]
    lsf.run("bkill", f"{job}[1]")
    until(lambda: lsf.states(job) == ["EXIT", "RUN", "RUN"])
    lsf.run("bkill", str(job))
    lsf.wait(job)
    assert lsf.states(wide) == ["PEND"]
    lsf.set(slots=3)
    assert lsf.wait(wide) == ["DONE"]


def test_a_large_array(lsf):
    job = lsf.submit("-J", "a[1-200]", "true")
    assert lsf.wait(job) == ["DONE"] * 200


# Hosts and resources


def test_spans_and_selections(lsf):
    lsf.set(slots=8)
    spread = lsf.submit("-n", "4", "-R", "span[ptile=2]", "sleep 300")
    together = lsf.submit("-n", "3", "-R", "span[hosts=1]", "-R", "select[hname!='hosta' && mem>100]", "sleep 300")
    plain = lsf.submit("-R", "hname != hosta", "sleep 300")
    lsf.wait(together, "RUN")
    assert lsf.fields(spread, "exec_host") == [["2*hosta:2*hostb"]]
    assert lsf.fields(together, "exec_host nalloc_slot") == [["3*hostb", "3"]]
    lsf.run("bkill", str(spread))
    lsf.wait(plain, "RUN")
    assert lsf.fields(plain, "exec_host") == [["hostb"]]
    impossible = lsf.submit("-R", "select[hname==hostc]", "true")
    time.sleep(0.1)
    assert lsf.states(impossible) == ["PEND"]
    assert "no host satisfies" in lsf.run("bjobs", "-p", str(impossible)).stdout


@pytest.mark.parametrize(("reserve_per", "expected"), [("slot", ["RUN", "PEND"]), ("job", ["RUN", "RUN"])])
def test_reservations_per_slot_or_per_job(lsf, reserve_per, expected):
    lsf.set(reserve_per=reserve_per, host_memory=1000, hosts=["hosta"], slots=8)
    words = ["-n", "2", "-R", "rusage[mem=300]", "-R", "span[hosts=1]", "sleep 300"]
    first, second = lsf.submit(*words), lsf.submit(*words)
    lsf.wait(first, "RUN")
    time.sleep(0.1)
    assert lsf.states(first) + lsf.states(second) == expected
    if reserve_per == "slot":
        assert lsf.wait(lsf.submit("-n", "2", "-R", "rusage[mem=300/job]", "true")) == ["DONE"]


def test_an_exclusive_job_is_alone_on_its_host(lsf):
    lsf.set(hosts=["hosta"])
    alone = lsf.submit("-x", "sleep 300")
    lsf.wait(alone, "RUN")
    other = lsf.submit("true")
    time.sleep(0.1)
    assert lsf.states(other) == ["PEND"]
    lsf.run("bkill", str(alone))
    assert lsf.wait(other) == ["DONE"]


# Control


def test_bkill(lsf):
    job = lsf.submit("-J", "a[1-6]", f"sleep {LONG}")
    until(lambda: lsf.states(job).count("RUN") == 4)
    done = lsf.run("bkill", f"{job}[2-3]", f"{job}[6]")
    assert done.stdout == "".join(f"Job <{job}[{index}]> is being terminated\n" for index in (2, 3, 6))
    until(lambda: lsf.states(job) == ["RUN", "EXIT", "EXIT", "RUN", "RUN", "EXIT"])
    rows = lsf.fields(job, "exit_code exit_reason")
    assert rows[1] == ["130", "TERM_OWNER: job killed by owner"]
    assert rows[5] == ["-", "TERM_OWNER: job killed by owner"]  # it never ran
    assert lsf.run("bkill", str(job)).stdout == f"Job <{job}> is being terminated\n"
    lsf.wait(job)
    until(lambda: not alive())
    again = lsf.run("bkill", str(job), "99")
    assert again.returncode == 255
    assert again.stderr == f"Job <{job}>: Job has already finished\nJob <99>: No matching job found\n"


def test_bkill_of_stubborn_jobs(lsf):
    lsf.set(terminate_interval=0.2)
    deaf = lsf.submit("trap '' INT TERM; sleep 300; sleep 300")
    forced = lsf.submit("trap '' INT TERM; sleep 300")
    named = lsf.submit("-J", "some[1-2]", "-q", "short", "sleep 300")
    signaled = lsf.submit("trap 'exit 9' USR1; while :; do sleep 0.05; done")
    lsf.wait(deaf, "RUN")
    until(lambda: lsf.states(signaled) == ["PEND"])
    assert lsf.run("bkill", "-r", str(forced)).stdout == f"Job <{forced}> is being terminated\n"
    assert lsf.states(forced) == ["EXIT"]
    reason = "TERM_FORCE_OWNER: job killed by owner without time for cleanup"
    assert lsf.fields(forced, "exit_code exit_reason") == [["137", reason]]
    lsf.run("bkill", str(deaf))
    lsf.wait(deaf)
    assert lsf.fields(deaf, "exit_code exit_reason") == [["137", "TERM_OWNER: job killed by owner"]]
    lsf.wait(signaled, "RUN")
    time.sleep(0.2)
    assert lsf.run("bkill", "-s", "USR1", str(signaled)).stdout == f"Job <{signaled}> is being signaled\n"
    lsf.wait(signaled)
    assert lsf.fields(signaled, "exit_code exit_reason") == [["9", "-"]]
    assert lsf.run("bkill", "-J", "so*", "0").stdout == f"Job <{named}> is being terminated\n"
    lsf.wait(named)
    assert lsf.run("bkill", "-q", "short", "0").stderr == "No matching job found\n"


def test_a_killed_worker_has_time_to_clean_up(lsf, tmp_path):
    program = """\
        import signal, sys, time
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), open("tidy", "w"), sys.exit(1)))
        open("ready", "w")
        time.sleep(300)
        """
    (tmp_path / "worker.py").write_text(textwrap.dedent(program))
    job = lsf.submit(f"{PYTHON} -S worker.py; true", cwd=tmp_path)
    until((tmp_path / "ready").exists)
    lsf.run("bkill", str(job))
    lsf.wait(job)
    assert (tmp_path / "tidy").exists()


def test_stop_and_resume(lsf):
    lsf.set(slots=1)
    running = lsf.submit("sleep 4")
    lsf.wait(running, "RUN")
    pending = lsf.submit("true")
    assert lsf.run("bstop", str(running)).stdout == f"Job <{running}> is being stopped\n"
    lsf.run("bstop", str(pending))
    assert lsf.states(running) + lsf.states(pending) == ["USUSP", "PSUSP"]
    time.sleep(4.1)
    assert lsf.states(running) == ["USUSP"]
    assert lsf.run("bresume", str(running), str(pending)).returncode == 0
    assert lsf.wait(running) + lsf.wait(pending) == ["DONE", "DONE"]
    held = lsf.submit("-H", "true")
    assert lsf.states(held) == ["PSUSP"]
    lsf.run("bkill", str(held))
    assert lsf.wait(held) == ["EXIT"]


def test_dependencies(lsf, tmp_path):
    first = lsf.submit("-J", "first[1-2]", "sleep 0.$LSB_JOBINDEX; exit $((LSB_JOBINDEX - 1))")
    elementwise = lsf.submit("-J", "second[1-2]", "-w", f"done({first}[*])", "true")
    after = lsf.submit("-w", f'ended("first") && !(done({first}[2]) || exit({first}[2], > 1))', "true")
    never = lsf.submit("-w", f"done({first})", "true")
    assert lsf.wait(after) == ["DONE"]
    assert lsf.wait(f"{elementwise}[1]") == ["DONE"]
    assert lsf.states(f"{elementwise}[2]") + lsf.states(never) == ["PEND", "PEND"]


def test_requeue_exit_values(lsf, tmp_path):
    command = 'echo "run ${LSB_RESTART:-N}"; test -e tried && exit 0; touch tried; exit 99'
    job = lsf.submit("-Q", "99", "-o", "log", command, cwd=tmp_path)
    until(lambda: lsf.states(job) == ["DONE"])
    assert re.findall(r"^run .", (tmp_path / "log").read_text(), re.MULTILINE) == ["run N", "run Y"]


# Queries


def test_the_forms_of_bjobs(lsf):
    bad = "No unfinished job found\n"
    assert lsf.run("bjobs").stderr == bad
    run = lsf.submit("-J", "Snakemake_rule_a:g=1___(u-u-i-d)", "sleep 300")
    lsf.wait(run, "RUN")
    done = lsf.submit("-J", "Snakemake_rule_b___(u-u-i-d)", "true")
    lsf.wait(done)
    other = lsf.submit("-J", "other[1-2]", "sleep 300")
    lsf.wait(other, "RUN")
    glued = lsf.run("bjobs", "-noheader", "-o", "jobid stat", "-aJ", "*u-u-i-d*")
    assert [line.split() for line in glued.stdout.splitlines()] == [[str(run), "RUN"], [str(done), "DONE"]]
    assert [line.split()[0] for line in lsf.run("bjobs", "-noheader", "-o", "jobid").stdout.splitlines()] == [
        *[str(run), str(other), str(other)]
    ]
    table = lsf.run("bjobs", "-w").stdout.splitlines()
    assert table[0].split() == ["JOBID", "USER", "STAT", "QUEUE", "FROM_HOST", "EXEC_HOST", "JOB_NAME", "SUBMIT_TIME"]
    assert table[2].split()[:7:2] == [str(other), "RUN", "hosta", "other[1]"]
    assert len(lsf.run("bjobs", "-r").stdout.splitlines()) == 4
    assert len(lsf.run("bjobs", "-d").stdout.splitlines()) == 2
    assert lsf.run("bjobs", "-u", "all").stdout == lsf.run("bjobs").stdout
    assert lsf.run("bjobs", "-u", "somebody-else").returncode == 255
    assert lsf.run("bjobs", "-p").stderr == "No pending job found\n"
    named = lsf.run("bjobs", "-a", "-noheader", "-o", "jobid jobindex stat exit_code delimiter='|'", "-J", "other")
    assert named.stdout == f"{other}|1|RUN|-\n{other}|2|RUN|-\n"
    element = lsf.run("bjobs", "-noheader", "-o", "jobindex:-4 stat:2", f"{other}[2]")
    assert element.stdout == "   2 *N\n"
    headed = lsf.run("bjobs", "-o", "jobid stat delimiter=','", str(done))
    assert headed.stdout == f"JOBID,STAT\n{done},DONE\n"


def test_unknown_jobs(lsf):
    job = lsf.submit("true")
    lsf.wait(job)
    mixed = lsf.run("bjobs", "-noheader", "-o", "jobid stat delimiter=','", str(job), "99")
    assert (mixed.returncode, mixed.stdout, mixed.stderr) == (255, f"{job},DONE\n", "Job <99> is not found\n")
    assert lsf.run("bjobs", "-J", "nobody").stderr == "Job <nobody> is not found\n"
    assert lsf.run("bjobs", f"{job}[3]").stderr == f"Job <{job}[3]> is not found\n"
    assert lsf.run("bjobs", "-o", "colour", str(job)).returncode == 255


def test_json(lsf):
    job = lsf.submit("-J", "j[1-2]", "exit 3")
    lsf.wait(job)
    done = lsf.run("bjobs", "-o", "jobid jobindex stat exit_code exit_reason", "-json", "-a", str(job), "99")
    answer = json.loads(done.stdout)
    assert (answer["COMMAND"], answer["JOBS"]) == ("bjobs", 3)
    record = {"JOBID": str(job), "JOBINDEX": "1", "STAT": "EXIT", "EXIT_CODE": "3", "EXIT_REASON": ""}
    assert answer["RECORDS"][0] == record
    assert answer["RECORDS"][2] == {"JOBID": "99", "ERROR": "Job <99> is not found"}


def test_finished_jobs_are_forgotten(lsf):
    lsf.set(clean_period=0.5)
    job = lsf.submit("-P", "coal", "exit 2")
    lsf.wait(job)
    until(lambda: lsf.run("bjobs", "-a").stderr == "No job found\n")
    assert lsf.run("bjobs", str(job)).stderr == f"Job <{job}> is not found\n"
    assert "Exited with exit code 2." in lsf.run("bhist", "-l", str(job)).stdout
    assert "Project <coal>" in lsf.run("bhist", "-l", "-a").stdout
    assert "Completed <exit>." in lsf.run("bacct", "-l", str(job)).stdout


def test_the_cluster_shows_itself(lsf):
    settings = lsf.run("badmin", "showconf", "mbd").stdout.splitlines()
    values = dict(line.strip().split(" = ") for line in settings[1:])
    name = lsf.run("lsclusters").stdout.splitlines()[1].split()[0]
    params = Path(values["LSF_CONFDIR"], "lsbatch", name, "configdir", "lsb.params").read_text()
    assert "DEFAULT_QUEUE = normal" in params
    assert f"My cluster name is {name}" in lsf.run("lsid").stdout
    assert "MAX_JOB_ARRAY_SIZE = 1000" in lsf.run("bparams", "-a").stdout
    assert [line.split()[0] for line in lsf.run("bqueues").stdout.splitlines()[1:]] == ["normal", "short", "long"]
    assert [line.split()[:2] for line in lsf.run("bhosts").stdout.splitlines()[1:]] == [
        *[["hosta", "ok"], ["hostb", "ok"]]
    ]
    job = lsf.submit("-J", "good name", "true")
    bad = lsf.submit("exit 1")
    lsf.wait(job)
    lsf.wait(bad)
    lines = Path(values["LSB_SHAREDIR"], name, "logdir", "lsb.events").read_text().splitlines()
    fields = [re.findall(r'"[^"]*"|[^ ]+', line) for line in lines]
    new = next(line for line in fields if line[0] == '"JOB_NEW"')
    assert (new[3], new[4], new[41]) == (str(job), str(os.geteuid()), '"good name"')
    ended = {(line[3], line[4]) for line in fields if line[0] == '"JOB_STATUS"'}
    assert ended == {(str(job), "64"), (str(job), "192"), (str(bad), "32")}


# What goes wrong


def test_an_outage(lsf):
    job = lsf.submit("sleep 0.1")
    lsf.outage("bjobs", calls=2)
    for _ in range(2):
        done = lsf.run("bjobs", "-a")
        assert (done.returncode, done.stdout, done.stderr) == (255, "", "LSF is down. Please wait ...\n")
    assert lsf.wait(job) == ["DONE"]
    lsf.outage()
    assert {lsf.run("bjobs", "-a").returncode for _ in range(3)} == {255}
    lsf.end_outage()
    assert lsf.states(job) == ["DONE"]
    (lsf.folder / "knobs" / "outage").write_text('{"bjobs": 1}')
    assert [lsf.run("bjobs", "-a").returncode for _ in range(2)] == [255, 0]


def test_without_the_daemon(tmp_path):
    cluster = LsfEmulator(tmp_path / "lsf")
    done = cluster.run("bjobs")
    assert (done.returncode, done.stderr) == (255, "LSF is down. Please wait ...\n")


def test_a_lost_element(lsf):
    job = lsf.submit("-J", "a[1-2]", f"sleep {LONG}")
    lsf.wait(job, "RUN")
    lsf.lose(f"{job}[1]")
    assert lsf.fields(job, "jobindex stat") == [["2", "RUN"]]
    assert lsf.run("bjobs", f"{job}[1]").stderr == f"Job <{job}[1]> is not found\n"
    assert len(alive()) == 1


def test_an_unknown_job_goes_on(lsf):
    job = lsf.submit("sleep 0.6; exit 5")
    lsf.unknown(job, 5)
    assert lsf.fields(job, "stat exit_code") == [["UNKWN", "-"]]
    time.sleep(1.0)
    assert lsf.fields(job, "stat exit_code") == [["UNKWN", "-"]]
    lsf.wait(job)
    assert lsf.fields(job, "stat exit_code") == [["EXIT", "5"]]


def test_a_host_fails(lsf):
    lsf.set(slots=6)
    plain = lsf.submit("-m", "hosta", f"sleep {LONG}")
    again = lsf.submit("-r", "-R", "order[ut]", "sleep 300")
    both = lsf.submit("-n", "2", "-R", "span[ptile=1]", "sleep 300")
    elsewhere = lsf.submit("-R", "select[hname==hostb]", "sleep 300")
    for job in (plain, again, both, elsewhere):
        lsf.wait(job, "RUN")
    on = lsf.fields(again, "exec_host")[0][0]
    lsf.fail_host("hosta")
    assert lsf.fields(plain, "stat exit_code exit_reason") == [["EXIT", "-", "TERM_UNKNOWN: unknown reason"]]
    assert lsf.states(both) + lsf.states(elsewhere) == ["EXIT", "RUN"]
    lsf.wait(again, "RUN")
    assert lsf.fields(again, "exec_host") == [["hostb"]], on
    assert not alive()
    assert "hosta              unavail" in lsf.run("bhosts").stdout
    waiting = lsf.submit("-m", "hosta", "true")
    time.sleep(0.1)
    assert lsf.states(waiting) == ["PEND"]
    lsf.restore_host("hosta")
    assert lsf.wait(waiting) == ["DONE"]


def test_preemption(lsf, tmp_path):
    job = lsf.submit("-J", "a[1-2]", "sleep 300")
    again = lsf.submit("-r", "test -e tried && exit 0; touch tried; sleep 300", cwd=tmp_path)
    lsf.wait(job, "RUN")
    until((tmp_path / "tried").exists)
    lsf.preempt(f"{job}[2]")
    lsf.preempt(again)
    assert lsf.wait(f"{job}[2]") == ["EXIT"]
    assert lsf.fields(job, "stat exit_reason")[1] == ["EXIT", "TERM_PREEMPT: job killed after preemption"]
    assert lsf.states(job)[0] == "RUN"
    assert lsf.wait(again) == ["DONE"]


def test_stopping_the_cluster_kills_every_process(tmp_path):
    with LsfEmulator(tmp_path / "lsf") as cluster:
        job = cluster.submit(f"setsid sleep {LONG} & setsid sleep {LONG} & sleep {LONG}")
        cluster.wait(job, "RUN")
        until(lambda: len(alive()) == 3)
    until(lambda: not alive())


def test_starting_is_fast(tmp_path):
    start = time.monotonic()
    with LsfEmulator(tmp_path / "lsf") as cluster:
        cluster.submit("true")
    assert time.monotonic() - start < 10


# The stock plug-in

SNAKEFILE = """
rule all:
    input: expand("second/{granule}.txt", granule=["a", "b", "c"])

rule first:
    output: "first/{granule}.txt"
    resources: runtime=5, mem_mb=lambda wildcards, attempt: 600 * attempt
    shell:
        "test {wildcards.granule} != b || test -e tried || {{ touch tried; exit 3; }}; echo $LSB_JOBID > {output}"

rule second:
    input: "first/{granule}.txt"
    output: "second/{granule}.txt"
    group: "all"
    resources: runtime=5, mem_mb=600
    shell: "cat {input} > {output}"
"""


@pytest.mark.long
def test_the_stock_plugin_runs_a_workflow(lsf, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_lsf", reason="snakemake-executor-plugin-lsf is not installed")
    folder = tmp_path / "campaign"
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE)
    words = (
        "snakemake --executor lsf --jobs 6 --retries 1 --keep-going --latency-wait 2 --seconds-between-status-checks 1"
    )
    groups = ["--group-components", "all=3", "--default-resources", "lsf_project=coal"]
    done = lsf.run(*words.split(), *groups, cwd=folder, timeout=240)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "failed, LSF status is: 'EXIT'" in said
    rows = lsf.run("bjobs", "-a", "-noheader", "-o", "job_name: stat exit_code combined_resreq delimiter='|'").stdout
    rows = [row.split("|") for row in rows.splitlines()]
    bad = [row for row in rows if row[1] == "EXIT"]
    assert [("granule=b" in row[0], row[2]) for row in bad] == [(True, "1")]
    again = [row for row in rows if "granule=b" in row[0] and row[1] == "DONE"]
    assert "rusage[mem=1200.00]" in again[0][3]
    assert len(rows) == 5
    assert all((folder / "second" / f"{granule}.txt").read_text().strip().isdigit() for granule in "abc")
