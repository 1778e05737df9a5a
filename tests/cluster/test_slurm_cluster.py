"""The test cluster behaves as a SLURM does, in the ways that other tests rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from slurm_cluster import KEEPER, SlurmCluster, wait_until
from slurm_keeper import MARK, end_processes


def test_jobs_are_accounted_for_with_their_exit_codes(slurm: SlurmCluster, tmp_path: Path) -> None:
    good = slurm.submit("--account=levelworks", f"--output={tmp_path}/good", "--wrap=echo done")
    bad = slurm.submit("--wrap=exit 3")
    assert slurm.wait_for_state(good, "COMPLETED") == {good: ("COMPLETED", "0:0")}
    assert slurm.wait_for_state(bad, "FAILED") == {bad: ("FAILED", "3:0")}
    assert (tmp_path / "good").read_text() == "done\n"


def test_array_runs_as_many_elements_at_a_time_as_it_says(slurm: SlurmCluster) -> None:
    array = slurm.submit("--array=1-4%2", "--mem=10", "--wrap=sleep 4")
    wait_until(lambda: running(slurm, array) > 0, 120, lambda: "no element runs")
    assert running(slurm, array) <= 2
    pending = slurm.run("squeue", "--noheader", f"--jobs={array}", "--states=PENDING", "--format=%i|%r").stdout
    assert pending == f"{array}_[3-4%2]|JobArrayTaskLimit\n"
    found = slurm.wait_for_state(array, "COMPLETED", elements=4)
    assert found == {f"{array}_{index}": ("COMPLETED", "0:0") for index in (1, 2, 3, 4)}


def test_job_is_killed_for_more_memory_than_it_asked_for(slurm: SlurmCluster, tmp_path: Path) -> None:
    program = "import time; held = bytearray(200 << 20); time.sleep(300)"
    job = slurm.submit("--mem=50", f"--output={tmp_path}/log", f'--wrap=exec {sys.executable} -c "{program}"')
    killed = {("FAILED", "0:9"), ("OUT_OF_MEMORY", "0:125")}
    # the accounting hears of an end some seconds later than the queue
    wait_until(lambda: slurm.accounted(job).get(job) in killed, 120, lambda: f"it is {slurm.accounted(job)}")
    assert "exceeded memory limit" in (tmp_path / "log").read_text()


def test_cancelled_job_says_by_whom(slurm: SlurmCluster) -> None:
    job = slurm.submit("--wrap=sleep 600")
    slurm.wait_for_state(job, "RUNNING")
    slurm.run("scancel", job)
    assert slurm.wait_for_state(job, "CANCELLED") == {job: ("CANCELLED by 0", "0:0")}


def test_urgent_job_preempts_a_low_one(slurm: SlurmCluster) -> None:
    low = slurm.submit("--partition=low", "--cpus-per-task=8", "--wrap=sleep 600")
    slurm.wait_for_state(low, "RUNNING")
    urgent = slurm.submit("--partition=urgent", "--cpus-per-task=8", "--wrap=true")
    slurm.wait_for_state(urgent, "COMPLETED")
    assert slurm.wait_for_state(low, "PREEMPTED") == {low: ("PREEMPTED", "0:0")}


def test_loss_of_the_node_fails_its_jobs_or_requeues_them(slurm: SlurmCluster) -> None:
    lost = slurm.submit("--no-requeue", "--wrap=sleep 600")
    requeued = slurm.submit("--requeue", "--wrap=sleep 600")
    slurm.wait_for_state(lost, "RUNNING")
    slurm.wait_for_state(requeued, "RUNNING")
    slurm.fail_node()
    try:
        assert slurm.node_state() == "DOWN"
        assert slurm.wait_for_state(lost, "NODE_FAIL") == {lost: ("NODE_FAIL", "0:0")}
        assert state(slurm, requeued) == "PENDING"
        slurm.run("scancel", requeued)
    finally:
        slurm.recover_node()
    assert slurm.node_state() == "IDLE"
    slurm.wait_for_state(slurm.submit("--wrap=true"), "COMPLETED")


@pytest.mark.long
def test_jobs_survive_an_outage_of_the_controller(slurm: SlurmCluster) -> None:
    job = slurm.submit("--wrap=sleep 4")
    slurm.wait_for_state(job, "RUNNING")
    slurm.stop_controller()
    try:
        query = slurm.run("squeue", check=False)
        assert query.returncode == 1
        assert "Unable to contact slurm controller" in query.stderr
    finally:
        slurm.start_controller()
    assert slurm.wait_for_state(job, "COMPLETED") == {job: ("COMPLETED", "0:0")}


def test_accounting_catches_up_after_an_outage_of_the_database(slurm: SlurmCluster) -> None:
    slurm.stop_database()
    try:
        job = slurm.submit("--wrap=true")
        query = slurm.run("sacct", check=False)
        assert query.returncode == 1
        assert "Connection refused" in query.stderr
    finally:
        slurm.start_database()
    assert slurm.wait_for_state(job, "COMPLETED") == {job: ("COMPLETED", "0:0")}


@pytest.mark.long
def test_second_cluster_beside_it_limits_what_is_queued(
    slurm: SlurmCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with SlurmCluster(tmp_path_factory.mktemp("limited"), enforce_limits=True, max_array_size=11) as limited:
        too_long = limited.run("sbatch", "--array=1-11", "--wrap=true", check=False)
        assert "Invalid job array specification" in too_long.stderr
        limited.set_submit_limit(3)
        limited.submit("--hold", "--array=1-3", "--wrap=true")
        refused = limited.run("sbatch", "--wrap=true", check=False)
        assert refused.returncode == 1
        assert "AssocMaxSubmitJobLimit" in refused.stderr
        limited.set_submit_limit(None)
        limited.wait_for_state(limited.submit("--wrap=true"), "COMPLETED")
    assert slurm.node_state() == "IDLE"
    with pytest.raises(ValueError, match="enforce_limits"):
        slurm.set_submit_limit(1)


def test_nothing_survives_the_end_of_the_owner(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    environment = {MARK: str(folder), "PATH": "/bin:/usr/bin"}
    with (
        subprocess.Popen([*KEEPER, "keep", str(folder)], stdin=subprocess.PIPE) as keeper,
        subprocess.Popen(["sh", "-c", "setsid sleep 60 & exec sleep 60"], env=environment) as daemon,
    ):
        assert daemon.poll() is None
        keeper.communicate()
        assert keeper.returncode == 0
        assert daemon.wait(10) == -9


def test_processes_of_another_folder_are_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={MARK: str(tmp_path / "one"), "PATH": "/bin:/usr/bin"}) as daemon:
        end_processes(tmp_path / "two")
        assert daemon.poll() is None
        end_processes(tmp_path / "one")
        assert daemon.wait(10) == -9


def running(slurm: SlurmCluster, job: str) -> int:
    return len(slurm.run("squeue", "--noheader", "--array", f"--jobs={job}", "--states=RUNNING").stdout.splitlines())


def state(slurm: SlurmCluster, job: str) -> str:
    return slurm.run("squeue", "--noheader", f"--jobs={job}", "--states=all", "--format=%T").stdout.strip()
