"""Small campaigns of the plumes line: simulated granules with their winds, a configuration, the bytes of products."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from levelworks.core.record import read_record
from levelworks.plumes.names import level2_name
from levelworks.plumes.scene import Sensor
from levelworks.plumes.simulation.simulated_campaigns import simulate_granule

SIZES: dict[Sensor, tuple[int, int]] = {"EMIT": (96, 36), "EnMAP": (72, 40), "PRISMA": (72, 40)}
"""Rows and columns."""


def simulated_granules(folder: Path, sensors: Sequence[Sensor], *, first: int = 0, apart: int = 1) -> list[Path]:
    """Write a granule of each sensor named, some days apart, with the winds of its day."""
    return [
        simulate_granule(
            folder, sensor, "desert", *SIZES[sensor], plumes=1, rate=20.0, seed=first + number * apart
        ).radiance
        for number, sensor in enumerate(sensors)
    ]


def scenes_of(folder: Path) -> list[str]:
    """Return the Level-2 names of the granules in a folder."""
    found = [*folder.glob("EMIT_L1B_RAD*[0-9].nc"), *folder.glob("ENMAP*.ZIP"), *folder.glob("PRS_*.he5")]
    return sorted(level2_name(path.stem) for path in found)


def section(**more: Any) -> dict[str, Any]:
    """Return a configuration of the line with both sources of winds."""
    return {"granules": "raw", "era5": "raw/winds/era5", "geos-fp": "raw/winds/geos_fp", **more}


def products(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every product by its path, records and tables of outcomes aside."""
    root = folder / "results" / "plumes"
    found = {}
    for path in sorted(root.rglob("*")):
        record = path.suffix == ".json" and read_record(path.with_name(path.name.removesuffix(".json"))) is not None
        if path.is_file() and not record and path.name not in ("outcomes.tsv", "quarantine.tsv"):
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found
