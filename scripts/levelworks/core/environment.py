"""What the software of this machine can do: versions against needs, GDAL, HDF5, and MPI that really makes one world.

Libraries with compiled parts are loaded in processes of their own, so that a broken one ends that process only.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from levelworks.core.check import Check, name_some
from levelworks.core.mpi import LAUNCHER_VARIABLES

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "levelworks"
SECONDS = 60.0
"""Longest that one library may take to load, or two ranks to meet."""

PROBES = {
    "GDAL": "import rasterio; print(rasterio.__gdal_version__)",
    "HDF5 of h5py": "import h5py; print(h5py.version.hdf5_version)",
    "HDF5 of netCDF4": "import netCDF4; print(netCDF4.__hdf5libversion__)",
    "MPI": "from mpi4py import MPI; print(*MPI.Get_library_version().strip(chr(0)).splitlines()[0].split())",
}
"""Programs that print the version of a library."""

RANKS = """
from levelworks.core import mpi
world = mpi.world()
print(f"rank {world.rank} of {world.size} met {len(world.allgather(world.rank))}\\n", end="", flush=True)
"""


@dataclass(frozen=True)
class Run:
    """How a process ended: whether well, what it printed, and where not well the last line of its complaint."""

    well: bool
    output: str
    complaint: str


def examine_environment() -> list[Check]:
    """Examine Python, libraries, GDAL, HDF5 and MPI."""
    return [*examine_versions(), *examine_libraries(), examine_ranks()]


def needs() -> tuple[str, list[str]] | None:
    """Return the Python versions and requirements of the installed distribution, or of the checkout around it."""
    try:
        found = metadata.metadata(DISTRIBUTION)
        return found["Requires-Python"] or "", metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        pass
    import tomllib

    try:
        project = tomllib.loads((_import_root().parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return None
    return project.get("requires-python", ""), project.get("dependencies", [])


def examine_versions(needed: tuple[str, list[str]] | None = None) -> list[Check]:
    """Compare Python and libraries with what the project needs.

    Parameters
    ----------
    needed : tuple of str and list of str, optional
        Versions of Python, and requirements in the notation of PEP 508; those of `needs` where not given.
    """
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    needed = needs() if needed is None else needed
    if needed is None:
        detail = f"{DISTRIBUTION} is not installed, so that nobody says which versions it needs"
        return [Check("versions", "warning", detail, "install it: pip install -e . in its checkout")]
    python = platform.python_version()
    checks = [Check("Python", "ok", python)]
    if not SpecifierSet(needed[0]).contains(python, prereleases=True):
        detail = f"{python}, needed is {needed[0]}"
        checks = [Check("Python", "failure", detail, "make the environment with another Python")]
    fitting = []
    for requirement in map(Requirement, needed[1]):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        fault = _fault(requirement)
        if fault:
            remedy = f"pip install '{_plain(requirement)}'"
            checks.append(Check(f"library {requirement.name}", "failure", fault, remedy))
        else:
            fitting.append(f"{requirement.name} {metadata.version(requirement.name)}")
    if fitting:
        checks.append(Check("libraries", "ok", ", ".join(fitting)))
    return checks


def _fault(requirement: Requirement) -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"is missing, needed is {_plain(requirement)}"
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"is {version}, needed is {requirement.specifier}"


def _plain(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def examine_libraries(probes: Mapping[str, str] = PROBES) -> list[Check]:
    """Load libraries with compiled parts and ask for their versions; tell where two bring different HDF5."""
    started = {name: _start([sys.executable, "-c", program]) for name, program in probes.items()}
    found = {name: _finish(process) for name, process in started.items()}
    checks = [
        Check(name, "ok", run.output)
        if run.well
        else Check(name, "failure", f"can't be loaded: {run.complaint}", "install the library behind it again with pip")
        for name, run in found.items()
    ]
    hdf5 = {name: run.output for name, run in found.items() if name.startswith("HDF5") and run.well}
    if len(set(hdf5.values())) > 1:
        detail = "h5py and netCDF4 bring different versions: a process must open a file with one of them only"
        # The house keeps to that rule; this is for those who add a stage.
        checks.append(Check("HDF5", "ok", detail))
    return checks


def examine_ranks(launcher: str | None = None, ranks: int = 2) -> Check:
    """Start ranks as a job would and see that they meet in one world.

    Parameters
    ----------
    launcher : str, optional
        ``mpiexec`` of this Python's environment, else of the search path, where not given.
    """
    name = f"mpiexec -n {ranks}"
    launcher = launcher or _find("mpiexec")
    if launcher is None:
        detail = "there is no mpiexec: stages run on one process each"
        return Check(name, "warning", detail, "pip install mpich, or load the MPI that mpi4py was built with")
    run = _finish(_start([launcher, "-n", str(ranks), sys.executable, "-c", RANKS]))
    if not run.well:
        remedy = "check that launcher and MPI library belong together; on SLURM srun --mpi=pmi2 is another way"
        return Check(name, "failure", f"{launcher}: {run.complaint}", remedy)
    lines = sorted(run.output.splitlines())
    if lines == [f"rank {rank} of {ranks} met {ranks}" for rank in range(ranks)]:
        return Check(name, "ok", f"one world of {ranks} ranks ({launcher})")
    detail = f"{launcher} does not make one world of {ranks} ranks: {name_some(lines)}"
    remedy = "this launcher belongs to another MPI than mpi4py's: use the mpiexec beside this Python"
    return Check(name, "failure", detail, remedy)


def _find(program: str) -> str | None:
    beside = Path(sys.executable).parent
    return shutil.which(program, path=os.fspath(beside)) or shutil.which(program)


def _import_root() -> Path:
    return Path(__file__).resolve().parents[2]


def _start(command: Sequence[str]) -> subprocess.Popen[str] | OSError:
    """Start a process in a session of its own, without the marks of a launcher around this process."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in LAUNCHER_VARIABLES and not name.startswith(("PMI_", "PMIX_", "HYDI_"))
    }
    paths = [os.fspath(_import_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        return subprocess.Popen(
            command,
            env=inherited | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return error


def _finish(process: subprocess.Popen[str] | OSError, seconds: float | None = None) -> Run:
    if isinstance(process, OSError):
        return Run(False, "", f"can't be started ({process.strerror})")
    seconds = SECONDS if seconds is None else seconds
    try:
        output, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # Its ranks are children of a launcher: the whole session goes.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Run(False, "", f"no answer within {seconds:g} s")
    if process.returncode == 0:
        return Run(True, output.strip(), "")
    last = next(_last_lines(complaint + "\n" + output), "")
    how = f"signal {-process.returncode}" if process.returncode < 0 else f"exit code {process.returncode}"
    return Run(False, output.strip(), f"{last} ({how})" if last else how)


def _last_lines(text: str) -> Iterator[str]:
    return (line.strip() for line in reversed(text.splitlines()) if line.strip())
