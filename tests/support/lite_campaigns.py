"""Small campaigns of the xco2 line: simulated days, a configuration on small grids, and the bytes of all stores."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
from levelworks.xco2.targets import write_targets

FIRST = dt.date(2020, 3, 3)
GRID = {"latitude": 60, "longitude": 60}
DATASETS = ("oco2", "oco3", "oco3_sif")


def simulated_days(
    folder: Path, days: int = 3, targets: int = 3, datasets: tuple[str, ...] = DATASETS, **kinds: Any
) -> list[Path]:
    """Write small days of several datasets and their targets file."""
    folder.mkdir(parents=True, exist_ok=True)
    sites = campaign_targets(targets)
    write_targets(sites, folder / "targets.json")
    paths = []
    for day in (FIRST + dt.timedelta(days=number) for number in range(days)):
        for dataset in datasets:
            looks = looks_of_day(sites, day, dataset, looks=2, frames=8)
            paths.append(simulate_day(folder, dataset, day, looks, background=20, **kinds))
    return paths


def section(**more: Any) -> dict[str, Any]:
    """Return a configuration of the line on small grids."""
    return {"granules": "raw", "targets": "raw/targets.json", "grid-capture": GRID, **more}


def stores(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of the cubes and mosaics, records and locks aside."""
    found = {}
    for stage in ("update-cube", "update-global"):
        root = folder / "results" / "xco2" / stage
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and path.suffix != ".json" and path.suffix != ".lock":
                found[f"{stage}/{inside}"] = path.read_bytes()
    return found
