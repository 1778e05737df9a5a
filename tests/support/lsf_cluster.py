"""An emulated LSF cluster for one test: commands on the PATH, a daemon, knobs for what goes wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

CLUSTER = Path(__file__).resolve().parents[1] / "cluster"
sys.path.append(str(CLUSTER))

from lsf.knobs import Knobs  # noqa: E402

BIN = CLUSTER / "lsf" / "bin"
CLIENT = CLUSTER / "lsf" / "client.py"


class LsfEmulator:
    """A cluster of two emulated hosts, `hosta` and `hostb`, that runs real processes on this machine.

    Parameters
    ----------
    folder
        Where the cluster keeps its state; made if it is not there.
    slots
        Job slots in use at the same time, over both hosts together.
    **knobs
        Any other knob of ``lsf/knobs.py`` (``dispatch_delay=1.0``, ``run_limit_factor=1 / 30``, …).
    """

    def __init__(self, folder: Path, slots: int = 4, **knobs: Any) -> None:
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.knobs = Knobs(self.folder / "knobs")
        self._daemon: subprocess.Popen[bytes] | None = None
        self.set(slots=slots, **knobs)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """Return an environment in which the commands of LSF are those of this cluster."""
        own = {
            "LSF_EMULATOR_DIR": str(self.folder),
            "LSF_EMULATOR_PYTHON": sys.executable,
            "LSF_ENVDIR": str(self.folder / "conf"),
            "PATH": os.pathsep.join([str(BIN), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        return {**os.environ, **own}

    def start(self) -> None:
        """Start the daemon and wait until it serves."""
        if self._daemon is not None:
            return
        with open(self.folder / "mbatchd.log", "ab") as log:
            self._daemon = subprocess.Popen(
                [sys.executable, "-S", "-m", "lsf.mbatchd", str(self.folder)],
                env={**os.environ, "PYTHONPATH": str(CLUSTER)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not (self.folder / "mbatchd.sock").exists():
            if self._daemon.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"mbatchd did not start:\n{(self.folder / 'mbatchd.log').read_text()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the daemon and kill every process of every job."""
        log = self.folder / "mbatchd.log"
        if self._daemon is not None:
            self._daemon.terminate()
            try:
                self._daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
            self._daemon = None
        for process in psutil.process_iter():
            try:
                variables = process.environ()
            except (psutil.Error, OSError):
                continue
            if variables.get("LSF_EMULATOR_DIR") == str(self.folder) and "LSB_JOBID" in variables:
                process.kill()
        if log.exists() and (said := log.read_text()):
            raise RuntimeError(f"mbatchd had errors:\n{said}")

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of LSF, or any other, with this cluster's environment."""
        settings: dict[str, Any] = {"env": self.environment(), "capture_output": True, "text": True, "check": False}
        if "input" not in options:
            settings["stdin"] = subprocess.DEVNULL
        return subprocess.run(list(words), **{**settings, **options})

    def submit(self, *words: str, **options: Any) -> int:
        """Submit with bsub and return the number of the submission."""
        done = self.run("bsub", *words, **options)
        found = re.match(r"Job <(\d+)> is submitted to", done.stdout)
        if done.returncode or not found:
            raise AssertionError(f"bsub ended with {done.returncode}: {done.stdout}{done.stderr}")
        return int(found[1])

    def fields(self, job: int | str, names: str) -> list[list[str]]:
        """Return fields of a job, or of every element of an array, as bjobs -o shows them."""
        done = self.run("bjobs", "-a", "-noheader", "-o", f"{names} delimiter='|'", str(job))
        return [line.split("|") for line in done.stdout.splitlines()]

    def states(self, job: int | str) -> list[str]:
        """Return the state of a job, or of every element of an array."""
        return [state for (state,) in self.fields(job, "stat")]

    def wait(self, job: int | str, *states: str, timeout: float = 90.0) -> list[str]:
        """Wait until a job, or every element of an array, is in one of the states (by default: has ended)."""
        until = time.monotonic() + timeout
        wanted = set(states) or {"DONE", "EXIT"}
        while True:
            now = self.states(job)
            if now and set(now) <= wanted:
                return now
            if time.monotonic() > until:
                raise AssertionError(f"job {job} is {now} after {timeout} s, not {wanted}")
            time.sleep(0.05)

    def set(self, **knobs: Any) -> None:
        """Turn knobs."""
        for name, value in knobs.items():
            self.knobs[name] = value

    def outage(self, command: str = "bjobs", calls: int = -1) -> None:
        """Let the next calls of a command fail as they do when LSF is down, or all until `end_outage`."""
        self.set(outage={**self.knobs["outage"], command: calls})

    def end_outage(self, command: str = "bjobs") -> None:
        """Let a command answer again."""
        self.outage(command, calls=0)

    def refuse(self, times: int, message: str = "User job limit reached. Job not submitted.") -> None:
        """Let bsub refuse the next submissions with a message (all of them for -1)."""
        self.set(refuse={"times": times, "message": message})

    def slow(self, command: str, seconds: float) -> None:
        """Let a command take its time to print its answer; what it did is done at once."""
        self.set(slow={**self.knobs["slow"], command: seconds})

    def lose(self, job: int | str) -> None:
        """Lose a job or an element (``"7001[3]"``): its processes are killed and bjobs does not know it."""
        self._act("lose", job)

    def unknown(self, job: int | str, seconds: float) -> None:
        """Show a job or an element as UNKWN for a while; it goes on meanwhile."""
        self._act("unknown", job, seconds)

    def preempt(self, job: int | str) -> None:
        """End a running job or element with TERM_PREEMPT; one submitted with -r goes back to PEND."""
        self._act("preempt", job)

    def fail_host(self, host: str) -> None:
        """Take a host down; its jobs end with TERM_UNKNOWN, those submitted with -r go back to PEND."""
        self._act("fail-host", host)

    def restore_host(self, host: str) -> None:
        """Take a host up again."""
        self._act("restore-host", host)

    def _act(self, *words: str | float) -> None:
        done = self.run(sys.executable, "-I", "-S", str(CLIENT), "emulator", *map(str, words))
        if done.returncode:
            raise AssertionError(f"the emulator can't {' '.join(map(str, words))}: {done.stderr}")
