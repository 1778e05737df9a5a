"""A real SLURM of one node for tests, started from nothing in a folder of its own.

munged, mariadbd, slurmdbd, slurmctld and slurmd run as root without systemd. All their files, keys and sockets are in
the folder, and every port is one that was free, so that several clusters can run at once on a machine. A keeper process
ends all of it when the process that started the cluster is gone, however that one ended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import slurm_keeper
from slurm_configuration import ACCOUNT, NODE, write_configuration
from slurm_keeper import MARK, NODE_MARK, end_processes

PACKAGES = "slurmctld slurmd slurmdbd slurm-client munge mariadb-server"
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
TOOLS = ("mariadb-install-db", "sacctmgr", "scontrol", "sbatch", "srun", "scancel", "squeue", "sacct", "sinfo")
KEEPER = (sys.executable, slurm_keeper.__file__)


class ClusterError(RuntimeError):
    """A daemon or a command of the cluster did not do what it should."""


def requirements_missing() -> str | None:
    """Return why a real SLURM cannot be started here, or None when it can."""
    if sys.platform != "linux":
        return "a real SLURM needs Linux"
    if os.geteuid() != 0:
        return "a real SLURM can be started by root alone"
    missing = [name for name in (*DAEMONS, *TOOLS) if shutil.which(name, path=_search_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (on Debian: apt-get install {PACKAGES})"
    return None


class SlurmCluster:
    """A SLURM of one node in a folder, with partitions normal, low and urgent, where urgent pre-empts low.

    Parameters
    ----------
    folder
        Where everything is kept; made when it does not exist. Its path must be short, as it holds Unix sockets.
    cpus, memory_mb
        What the node claims to have; it may be more than the machine has.
    max_array_size
        One more than the highest index of an array, as in slurm.conf.
    enforce_limits
        Whether associations and limits hold, which `set_submit_limit` needs.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        cpus: int = 8,
        memory_mb: int = 64_000,
        max_array_size: int = 1001,
        enforce_limits: bool = False,
    ) -> None:
        self.folder = Path(folder).resolve()
        self.cpus = cpus
        self.memory_mb = memory_mb
        self.max_array_size = max_array_size
        self.enforce_limits = enforce_limits
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._complaint = ""
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all daemons and return once a first job has run and is accounted for."""
        reason = requirements_missing()
        if reason:
            raise ClusterError(reason)
        if len(str(self.folder)) > 80:
            raise ClusterError(f"the path is too long for the sockets in it: {self.folder}")
        for name in ("log", "state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self._keeper = subprocess.Popen(
                [*KEEPER, "keep", str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
            )
            write_configuration(
                self.folder,
                cpus=self.cpus,
                memory_mb=self.memory_mb,
                max_array_size=self.max_array_size,
                enforce_limits=self.enforce_limits,
            )
            self._start_authentication()
            self._start_storage()
            self.start_database()
            self._register_account()
            self.start_controller()
            self._start_node()
            self._prove()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every daemon and every job of the cluster; safe to call again."""
        end_processes(self.folder)
        for daemon in self._daemons.values():
            daemon.wait()
        self._daemons.clear()
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None

    def environment(self) -> dict[str, str]:
        """Return the environment of a client: this process's own, without another SLURM's variables."""
        foreign = ("SLURM", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SINFO_", "SALLOC_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return kept | {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *words: str | Path, check: bool = True, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a client command; raise `ClusterError` with its words when it fails, unless check is false."""
        done = subprocess.run(
            [str(word) for word in words],
            env=self.environment(),
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check and done.returncode:
            raise ClusterError(
                f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stderr or done.stdout}"
            )
        return done

    def submit(self, *words: str | Path, cwd: Path | None = None) -> str:
        """Submit with sbatch and return the job's number; output goes to the folder unless words say otherwise."""
        output = f"--output={self.folder}/log/job-%j.out"
        return self.run("sbatch", "--parsable", output, *words, cwd=cwd).stdout.strip().split(";")[0]

    def accounted(self, job: str) -> dict[str, tuple[str, str]]:
        """Return state and exit code of a job, or of each array element, by number, as sacct prints them."""
        words = (
            "sacct",
            "--allocations",
            "--noheader",
            "--parsable2",
            "--format=JobID,State,ExitCode",
            f"--jobs={job}",
        )
        rows = [line.split("|") for line in self.run(*words).stdout.splitlines()]
        return {number: (state, code) for number, state, code in rows}

    def wait_for_state(
        self, job: str, state: str, *, elements: int = 1, seconds: float = 120
    ) -> dict[str, tuple[str, str]]:
        """Wait until all elements of a job are accounted for with a state that begins so, and return `accounted`."""
        found: dict[str, tuple[str, str]] = {}

        def reached() -> bool:
            nonlocal found
            found = self.accounted(job)
            # the rows of array elements arrive some seconds late
            return len(found) >= elements and all(text.startswith(state) for text, _ in found.values())

        wait_until(reached, seconds, lambda: f"job {job} is not {state} after {seconds:g} s: {found}")
        return found

    def node_state(self) -> str:
        """Return the node's state as scontrol prints it, such as IDLE, MIXED or DOWN."""
        # not sinfo, which may go on to say "mixed" of a node that short jobs have left
        shown = self.run("scontrol", "--oneliner", "show", "node", NODE).stdout
        return next(word.removeprefix("State=") for word in shown.split() if word.startswith("State="))

    def stop_controller(self) -> None:
        """Take slurmctld away; jobs go on and clients find nobody."""
        self._end_daemon("slurmctld")

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers."""
        self._launch("slurmctld", "-D")
        self._await("slurmctld", lambda: self._answers("scontrol", "ping"))

    def restart_controller(self) -> None:
        """Take slurmctld away and bring it back at once."""
        self.stop_controller()
        self.start_controller()

    def stop_database(self) -> None:
        """Take slurmdbd away; sacct fails and the controller keeps what it has to tell."""
        self._end_daemon("slurmdbd")

    def start_database(self) -> None:
        """Start slurmdbd and wait until it answers."""
        # slurmdbd has no setting for the database's socket, the client library it uses reads this one
        self._launch("slurmdbd", "-D", MYSQL_UNIX_PORT=str(self.folder / "mariadb.socket"))
        self._await("slurmdbd", lambda: self._answers("sacctmgr", "list", "cluster"))

    def fail_node(self) -> None:
        """Take the node away as a loss of power does: its jobs die where they are and the controller learns of it."""
        end_processes(self.folder, NODE_MARK)
        self._daemons.pop("slurmd").wait()
        self.run("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")

    def recover_node(self) -> None:
        """Bring the node back and wait until it takes jobs again."""
        self._start_node()

    def set_submit_limit(self, jobs: int | None) -> None:
        """Limit how many jobs, array elements counted one by one, may be queued at a time; None lifts the limit."""
        if not self.enforce_limits:
            raise ValueError("limits hold only in a cluster made with enforce_limits=True")
        limit = f"MaxSubmitJobs={-1 if jobs is None else jobs}"
        self.run("sacctmgr", "--immediate", "modify", "user", "root", "where", f"account={ACCOUNT}", "set", limit)

    def _start_authentication(self) -> None:
        folder, path = self.folder, self.folder / "munge.socket"
        self._launch(
            "munged",
            "--foreground",
            "--force",  # the folder may be private, which munged takes for a mistake
            f"--socket={path}",
            f"--key-file={folder}/munge.key",
            f"--pid-file={folder}/munged.pid",
            f"--seed-file={folder}/munged.seed",
            f"--log-file={folder}/log/munged.log",
        )
        self._await("munged", path.exists)

    def _start_storage(self) -> None:
        data, path, log_size = self.folder / "database", self.folder / "mariadb.socket", "--innodb-log-file-size=8M"
        self.run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db", log_size)
        self._launch(
            "mariadbd",
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            f"--socket={path}",
            f"--pid-file={self.folder}/mariadbd.pid",
            log_size,
            "--skip-networking",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=64M",
            "--innodb-lock-wait-timeout=900",
            "--performance-schema=OFF",
        )
        self._await("mariadbd", path.exists)

    def _register_account(self) -> None:
        for words in (
            ("add", "cluster", ACCOUNT),
            ("add", "account", ACCOUNT, f"Cluster={ACCOUNT}"),
            ("add", "user", "root", f"Account={ACCOUNT}"),
            ("modify", "user", "root", "set", f"DefaultAccount={ACCOUNT}"),
        ):
            self.run("sacctmgr", "--immediate", "--quiet", *words)

    def _start_node(self) -> None:
        # the daemons of its steps are orphans by design, which a container without init would keep as zombies
        self._launch("slurmd", "-D", by=(*KEEPER, "adopt"), **{NODE_MARK: str(self.folder)})
        # ReturnToService=2 resumes a node that was down as soon as it registers
        self._await("slurmd", lambda: self.node_state() in {"IDLE", "MIXED", "ALLOCATED"})

    def _prove(self) -> None:
        job = self.submit("--wrap=true")
        self._await("slurmd", lambda: self.accounted(job).get(job, ("", ""))[0] == "COMPLETED")

    def _launch(self, name: str, *words: str, by: tuple[str, ...] = (), **variables: str) -> None:
        program = shutil.which(name, path=_search_path())
        environment = self.environment() | {MARK: str(self.folder), "PATH": _search_path()} | variables
        with (self.folder / "log" / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                [*by, str(program), *words],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await(self, name: str, ready: Callable[[], bool], seconds: float = 120) -> None:
        daemon = self._daemons[name]

        def answered() -> bool:
            if daemon.poll() is not None:
                raise ClusterError(f"{name} ended with {daemon.returncode}\n{self._log(name)}")
            return ready()

        wait_until(
            answered,
            seconds,
            lambda: f"{name} did not come up within {seconds:g} s: {self._complaint}\n{self._log(name)}",
        )

    def _answers(self, *words: str) -> bool:
        done = self.run(*words, check=False)
        self._complaint = done.stderr
        return done.returncode == 0

    def _log(self, name: str) -> str:
        return "\n".join((self.folder / "log" / f"{name}.out").read_text(errors="replace").splitlines()[-15:])

    def _end_daemon(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.terminate()
        daemon.wait(60)


def wait_until(ready: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    """Return as soon as something is so; raise `ClusterError` with a complaint when it is not within some seconds."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise ClusterError(complaint())
        time.sleep(0.1)


def _search_path() -> str:
    # daemons are in sbin, which a user's PATH may lack
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
