"""The drills: each lets one thing go wrong and says what must come of it. The same table runs on every site."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from drills import Drill

ASKED = 150
"""MB that a job of the first stage asks for unless it says otherwise."""


def _requests(drill: Drill, rule: str, expected: int) -> list[tuple[int, int, int]]:
    """Return memory, minutes and cores of a rule's elements, once the accounting knows all that are expected."""

    def found() -> list[tuple[int, int, int]]:
        return [tuple(numbers) for name, *numbers in drill.site.asked() if name.startswith(rule)]

    end = time.monotonic() + 60
    while len(found()) < expected and time.monotonic() < end:
        time.sleep(0.2)
    return found()


def everything_well(drill: Drill) -> None:
    drill.granules(12)
    output = drill.run()
    drill.check()
    assert set(drill.counts("begun").values()) == {1}
    assert output.count("array") >= 2
    table = (drill.folder / "benchmarks" / "first" / "g3.txt").with_suffix(".tsv").read_text().splitlines()
    assert table[0].split("\t")[:3] == ["s", "h:m:s", "max_rss"]
    assert len(table[0].split("\t")) == len(table[1].split("\t"))


def out_of_memory_then_success(drill: Drill) -> None:
    drill.granules(3)
    drill.granule("hungry", "* eat 220")
    output = drill.run()
    drill.check()
    assert drill.counts("begun")["first-hungry"] == 2
    assert "first (granule=hungry): killed for memory" in output
    # Memory alone has grown, and the site was asked for it.
    requests = _requests(drill, "first", 3)
    assert {memory for memory, _, _ in requests} == {ASKED, 2 * ASKED}
    assert {minutes for memory, minutes, _ in requests if memory == 2 * ASKED} == {10}


def timeout_then_success(drill: Drill) -> None:
    drill.granules(3)
    drill.granule("slow", "1 sleep 600", runtime=drill.site.minutes)
    output = drill.run(*drill.site.settings_for("timeout"))
    drill.check()
    assert drill.counts("begun")["first-slow"] == 2
    assert "first (granule=slow): killed for run time" in output
    assert {memory for memory, _, _ in _requests(drill, "first", 3)} == {ASKED}
    assert f"{math.ceil(1.5 * drill.site.minutes)} min, 1 core, attempt 2" in output


def codes_are_told_apart(drill: Drill) -> None:
    drill.granules(2)
    for code in (64, 70, 75, 1):
        drill.granule(f"exit{code}", f"1 exit {code}")
    output = drill.run(code=1)
    drill.check(missing=("exit64", "exit70"))
    begun = drill.counts("begun")
    assert {name: begun[f"first-{name}"] for name in ("exit64", "exit70", "exit75", "exit1")} == {
        "exit64": 1,
        "exit70": 1,
        "exit75": 2,
        "exit1": 2,
    }
    assert "first (granule=exit64): wrong options" in output
    assert "first (granule=exit70): a bug" in output
    assert "first (granule=exit75): I/O or service trouble" in output
    summary = output.partition("jobarray: 2 jobs failed:")[2]
    assert "first (granule=exit64): wrong options" in summary
    assert "first (granule=exit70): a bug" in summary
    log = (drill.folder / "logs" / "first" / "exit64.log").read_text()
    assert log.startswith("told to end\n")
    assert "Given up (another attempt would not help)" in log


def one_element_fails_alone(drill: Drill) -> None:
    drill.granules(6)
    drill.granule("broken", "* exit 3")
    output = drill.run("--jobarray-bundle", "3", code=1, retries=1)
    drill.check(missing=("broken",))
    assert drill.counts("begun")["first-broken"] == 2
    assert "attempt 1: failed" in output
    assert "attempt 2: failed" in output
    # Mended, exactly what failed runs again.
    before = drill.counts("begun")
    drill.granule("broken")
    drill.run("--jobarray-bundle", "3")
    drill.check()
    more = drill.counts("begun") - before
    assert more == {"first-broken": 1, "second-broken": 1}


def lost_job(drill: Drill) -> None:
    drill.granules(3)
    drill.granule("odd", "1 wait go", mem_mb=160)
    drill.start("--jobarray-bundle", "1")
    drill.until(lambda: drill.counts("begun")["first-odd"], "begun")
    drill.site.disturb["lose"](drill)
    drill.until(lambda: drill.said("lost by the scheduler"), "found lost")
    (drill.folder / "go").touch()
    drill.finish()
    drill.check()
    assert drill.counts("begun")["first-odd"] == 2
    assert set(_requests(drill, "first", 4)) == {(ASKED, 10, 1), (160, 10, 1)}


def node_failure(drill: Drill) -> None:
    drill.granules(2)
    drill.granule("odd", "1 wait go", mem_mb=160)
    drill.start(retries=0)
    drill.until(lambda: drill.counts("begun")["first-odd"], "begun")
    drill.until(lambda: drill.counts("finished")["second-g1"] and drill.counts("finished")["second-g0"], "others done")
    drill.site.disturb["fail node"](drill)
    drill.until(lambda: drill.said("node failure"), "heard of the node")
    (drill.folder / "go").touch()
    drill.site.disturb["recover node"](drill)
    drill.finish()
    drill.check()
    assert drill.counts("begun")["first-odd"] == 2


def preemption(drill: Drill) -> None:
    drill.granules(2)
    drill.granule("odd", "1 wait go", mem_mb=160)
    drill.start(*drill.site.settings_for("preemption"), retries=0)
    drill.until(lambda: drill.counts("begun")["first-odd"], "begun")
    drill.site.disturb["preempt"](drill)
    drill.until(lambda: drill.said("pre-empted"), "heard of it")
    (drill.folder / "go").touch()
    drill.finish()
    drill.check()
    assert drill.counts("begun")["first-odd"] == 2


def scheduler_outage(drill: Drill) -> None:
    drill.granules(4, "1 wait go")
    drill.start("--jobarray-bundle", "1", retries=0)
    drill.until(lambda: drill.begun(4), "begun")
    drill.site.disturb["outage"](drill)
    drill.until(lambda: drill.said("does not answer"), "noticed")
    (drill.folder / "go").touch()
    drill.until(lambda: sum(drill.counts("finished").values()) >= 4, "first stage done without the scheduler")
    drill.site.disturb["end outage"](drill)
    drill.finish()
    drill.check()
    assert set(drill.counts("begun").values()) == {1}


def controller_killed_and_restarted(drill: Drill) -> None:
    drill.granules(4)
    drill.granules(3, "1 wait go", prefix="late")
    bundles = ("--jobarray-bundle", "1")
    drill.start(*bundles)
    waiting = [f"first-late{number}" for number in range(3)]
    drill.until(lambda: all(drill.counts("begun")[name] for name in waiting), "the late ones begun")
    drill.until(lambda: all(drill.counts("finished")[f"second-g{number}"] for number in range(4)), "the rest done")
    drill.kill()
    (drill.folder / "go").touch()  # they finish while nobody watches, or under the next controller
    output = drill.run(*bundles)
    drill.check()
    assert "an earlier run left" in output
    assert set(drill.counts("begun").values()) == {1}


def jobs_that_finished_unwatched_are_taken_over(drill: Drill) -> None:
    drill.granules(5, "1 wait go")
    drill.start("--jobarray-bundle", "1")
    drill.until(lambda: drill.begun(5), "begun")
    drill.kill()
    (drill.folder / "go").touch()
    drill._process = None
    drill.until(lambda: sum(drill.counts("finished").values()) == 5, "finished without a controller")
    drill.until(lambda: drill.site.live() == 0, "elements gone")
    drill.run("--jobarray-bundle", "1")
    drill.check()
    assert set(drill.counts("begun").values()) == {1}


def an_input_that_changed_meanwhile_is_heeded(drill: Drill) -> None:
    drill.granules(2)
    drill.granule("odd", "1 wait go")
    drill.start("--jobarray-bundle", "1")
    drill.until(lambda: drill.counts("begun")["first-odd"], "begun")
    time.sleep(3)  # longer than clocks may differ
    drill.kill()
    drill.granule("odd", "7 other instructions")
    (drill.folder / "go").touch()
    drill.run("--jobarray-bundle", "1")
    text = (drill.folder / "out" / "second" / "odd.txt").read_text()
    assert text == "second of odd\nfirst of odd\n7 other instructions"
    assert drill.counts("begun")["first-odd"] == 2
    assert {drill.counts("begun")[f"first-g{number}"] for number in range(2)} == {1}


def two_controllers(drill: Drill) -> None:
    drill.granules(3, "1 wait go")
    drill.start("--jobarray-bundle", "1")
    drill.until(lambda: drill.begun(3), "begun")
    other = drill.beside(*drill.command("--nolock"))
    assert other.returncode != 0
    assert "already runs this folder's jobs" in other.stdout
    (drill.folder / "go").touch()
    drill.finish()
    drill.check()
    assert set(drill.counts("begun").values()) == {1}


def cancel(drill: Drill) -> None:
    drill.granules(3)
    drill.granules(3, "1 wait go", prefix="late")
    drill.start("--jobarray-bundle", "1")
    drill.until(lambda: all(drill.counts("begun")[f"first-late{number}"] for number in range(3)), "begun")
    # A job whose worker dies between the job's last word and its own runs again, rightly: none may be there.
    drill.until(lambda: drill.said(r"(?s)(Finished jobid.*){6}"), "the rest taken over")
    drill.signal(signal.SIGINT)
    output = drill.finish(code=1)
    assert "cancelled" in output
    drill._process = None
    drill.until(lambda: drill.site.live() == 0, "all elements gone")
    assert not list((drill.folder / "out").rglob("*.part"))
    (drill.folder / "go").touch()
    drill.run()
    drill.check()


def disk_full(drill: Drill) -> None:
    products = drill.folder / "out"
    products.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(products)], check=False)
    if mounted.returncode:
        pytest.skip("a small file system can't be mounted here")
    try:
        drill.granules(3)
        drill.granule("large", "* write 4")
        drill.start()
        drill.until(lambda: drill.said("large.: I/O or service trouble"), "noticed")
        subprocess.run(["mount", "-o", "remount,size=20m", str(products)], check=True)
        drill.finish()
        drill.check()
        assert drill.counts("begun")["first-large"] >= 2
    finally:
        subprocess.run(["umount", "--lazy", str(products)], check=False)


def ranks_abort_then_success(drill: Drill) -> None:
    drill.run("out/ranks.txt")
    assert (drill.folder / "out" / "ranks.txt").read_text() == "2 ranks, 3"
    assert [cores for _, _, cores in _requests(drill, "ranks", 2)] == [2, 2]


def memory_of_each_granule(drill: Drill) -> None:
    for number, memory in enumerate((150, 170, 190, 190)):
        drill.granule(f"g{number}", mem_mb=memory, runtime=10 + number // 2)
    drill.run()
    drill.check()
    assert sorted(_requests(drill, "first", 4)) == [(150, 10, 1), (170, 10, 1), (190, 11, 1), (190, 11, 1)]


def nested_snakemake(drill: Drill) -> None:
    drill.granules(2)
    with open(drill.folder / "Snakefile", "a", encoding="utf-8") as file:
        file.write('\n\nrule scripted:\n    output:\n        "out/scripted.txt",\n    script:\n        "scripted.py"\n')
    (drill.folder / "scripted.py").write_text('open(snakemake.output[0], "w").write(snakemake.rule)\n')
    drill.run("out/scripted.txt", "out/second/g0.txt", "out/second/g1.txt", "--default-resources", "mem_mb=800")
    assert (drill.folder / "out" / "scripted.txt").read_text() == "scripted"
    drill.check()


def no_ready_job_is_lost(drill: Drill) -> None:
    drill.granules(120)  # Snakemake's own limit hands over 100 of them at once
    command = ["--executor", "jobarray", *drill.site.settings, "--jobs", "1000", "all"]
    drill.beside(*command, "--seconds-between-status-checks", "1").check_returncode()
    drill.check()
    assert set(drill.counts("begun").values()) == {1}
    assert len(drill.counts("begun")) == 240


def few_jobs_at_a_time(drill: Drill) -> None:
    drill.granules(6)
    drill.run("--jobs", "2")
    drill.check()
    assert set(drill.counts("begun").values()) == {1}


DRILLS: dict[str, Callable[[Drill], None]] = {
    drill.__name__: drill
    for drill in (
        everything_well,
        out_of_memory_then_success,
        timeout_then_success,
        codes_are_told_apart,
        one_element_fails_alone,
        lost_job,
        node_failure,
        preemption,
        scheduler_outage,
        controller_killed_and_restarted,
        jobs_that_finished_unwatched_are_taken_over,
        an_input_that_changed_meanwhile_is_heeded,
        two_controllers,
        cancel,
        disk_full,
        ranks_abort_then_success,
        memory_of_each_granule,
        nested_snakemake,
        no_ready_job_is_lost,
        few_jobs_at_a_time,
    )
}
