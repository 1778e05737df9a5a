"""The record beside each product: how it came about, with what, and how well.

``<product>.json`` holds stage and version, outcome and reason, options, inputs and outputs with size and checksum,
software, host, scheduler job, attempt, wall and CPU time, peak memory, and the stage's quality figures.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from levelworks import __version__
from levelworks.core.checksum import checksum
from levelworks.core.outcome import Outcome, Status

FORMAT = 1
SOFTWARE = (
    "numpy",
    "scipy",
    "numba",
    "astropy",
    "xarray",
    "netCDF4",
    "h5py",
    "rasterio",
    "zarr",
    "numcodecs",
    "shapely",
    "mpi4py",
    "pandas",
)
SCHEDULER_VARIABLES = {
    "slurm": ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    "lsf": ("LSB_JOBID", "LSB_JOBINDEX"),
}


@dataclass
class Stopwatch:
    """Wall time, CPU time of the process and its children, and the start as UTC."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=lambda: sum(os.times()[:4]))

    def figures(self) -> dict[str, Any]:
        """Return start, wall seconds, CPU seconds and the peak memory of the process in MB."""
        return {
            "started": self.started.isoformat(timespec="milliseconds"),
            "wall_s": round(time.perf_counter() - self._wall, 4),
            "cpu_s": round(sum(os.times()[:4]) - self._cpu, 4),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }


def record_path(product: Path) -> Path:
    """Return the name of a product's record."""
    return product.with_name(product.name + ".json")


def described_product(path: Path) -> Path:
    """Return the product that a path names: itself, or what a record stands beside.

    Rules whose product is a folder or is updated hand on the record.
    """
    return path.with_name(path.name.removesuffix(".json"))


def read_record(product: Path) -> dict[str, Any] | None:
    """Read the record of a product; None where there is none or it can't be read as one."""
    try:
        record = json.loads(record_path(product).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(record, dict) and record.get("levelworks_record") == FORMAT
    return record if ours and record.get("outcome") in list(Status) else None


def status_of(product: Path) -> Status:
    """Return how a product's stage ended; a file without a record counts as done."""
    record = read_record(product)
    return Status(record["outcome"]) if record else Status.DONE


def describe_input(path: Path) -> dict[str, Any]:
    """Name a file with size and checksum; of our own products it is XXH3, the record's where they are untouched.

    Where the file is the record of a product that it is handed on for, ``product`` is that product's checksum: the
    record of the same product made again is another.
    """
    status = path.stat()
    found = _checksum_of_product(path, status) or checksum(path)
    handed_on = _checksum_beside(path)
    described = {"product": handed_on} if handed_on else {}
    return {"path": os.fspath(path), "size": status.st_size, "checksum": found, **described}


def _checksum_beside(path: Path) -> str | None:
    """Return the checksum of the product that a record stands beside; None where the file is no record."""
    product = described_product(path)
    record = read_record(product) if product != path else None
    outputs = record.get("outputs") if record else None
    for output in outputs.values() if isinstance(outputs, dict) else ():
        if isinstance(output, dict) and Path(str(output.get("path", ""))).name == product.name:
            return str(output.get("checksum", "")) or None
    return None


def _checksum_of_product(path: Path, status: os.stat_result) -> str | None:
    record = read_record(path)
    try:
        for output in record["outputs"].values() if record else ():
            if Path(output["path"]).name == path.name and output["size"] == status.st_size:
                # Snakemake touches what its jobs wrote: a later time alone must not make another kind of checksum.
                untouched = output["mtime_ns"] == status.st_mtime_ns
                return str(output["checksum"]) if untouched else checksum(path, "xxh3")
    except (AttributeError, KeyError, TypeError):
        pass  # damaged: the file itself tells
    return None


def describe_output(path: Path, written: Path) -> dict[str, Any]:
    """Name a product, from the temporary file it was written to, with size, time of change and checksum."""
    status = written.stat()
    return {
        "path": os.fspath(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "checksum": checksum(written, "xxh3"),
    }


def make_record(
    *,
    line: str,
    stage: str,
    version: int,
    options: Mapping[str, Any],
    outcome: Outcome,
    inputs: Mapping[str, Sequence[Path]],
    outputs: Mapping[str, tuple[Path, Path]],
    figures: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Assemble the record of one job.

    Parameters
    ----------
    outputs : mapping of str to tuple of Path
        Final and written path by name.
    figures : sequence of mapping
        `Stopwatch.figures` of every rank: CPU time adds up, of memory the largest counts.
    """
    return {
        "levelworks_record": FORMAT,
        "line": line,
        "stage": stage,
        "version": version,
        "outcome": outcome.status.value,
        "reason": outcome.reason,
        "warnings": list(outcome.warnings),
        "quality": outcome.quality,
        "options": dict(options),
        "inputs": {name: [describe_input(path) for path in paths] for name, paths in inputs.items()},
        "outputs": {name: describe_output(final, written) for name, (final, written) in outputs.items()},
        "software": software(),
        "host": socket.gethostname(),
        "scheduler": scheduler(),
        "attempt": _attempt(),
        "earlier_attempts": _earlier_attempts(),
        "ranks": len(figures),
        "started": figures[0]["started"],
        "wall_s": figures[0]["wall_s"],
        "cpu_s": round(sum(one["cpu_s"] for one in figures), 4),
        "peak_memory_mb": max(one["peak_memory_mb"] for one in figures),
    }


def to_json(record: Mapping[str, Any]) -> str:
    """Write a record as JSON; numpy scalars become numbers, not-a-number becomes null."""
    return json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def software() -> dict[str, str]:
    """Return the versions of this package, Python, and the libraries that this process has loaded."""
    loaded = {name: _version(name) for name in SOFTWARE if name in sys.modules}
    return {"levelworks": __version__, "python": platform.python_version(), **loaded}


_version = cache(metadata.version)


def _attempt() -> int:
    """Return which attempt this is, as whoever started the job says; 1 where nobody does."""
    told = os.environ.get("LEVELWORKS_ATTEMPT", "")
    return int(told) if told.isdecimal() else 1


def _earlier_attempts() -> list[str]:
    """Return how earlier attempts ended, as whoever started the job says."""
    return os.environ.get("LEVELWORKS_EARLIER_ATTEMPTS", "").splitlines()


def scheduler() -> dict[str, str]:
    """Return which scheduler runs this process and its identifiers; empty outside of one."""
    for name, variables in SCHEDULER_VARIABLES.items():
        found = {variable.lower(): os.environ[variable] for variable in variables if variable in os.environ}
        if found:
            return {"name": name, **found}
    return {}
