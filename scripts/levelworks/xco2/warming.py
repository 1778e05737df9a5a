"""Running every kernel of the line once, on a small day, so that its compiled code lies on disk."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import levelworks.xco2
from levelworks.core.kernels import say_compiled
from levelworks.xco2.cut_stage import cut
from levelworks.xco2.grid_stage import grid
from levelworks.xco2.options import CutCaptures, GridCapture
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
from levelworks.xco2.target_tools import Centre, targets_from_centres
from levelworks.xco2.targets import write_targets

DAY = dt.date(2020, 3, 3)
POLE = Centre("pole", "Pole", (10.0, 86.0))
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"geometry": "planar", "precision": "float64", "scaling": 1.2, "area_power": 1, "error_power": 2},
    {"compat": "seed", "method": "linear"},
)
"""Options of grid-capture between which kernels differ in their types."""


def warm() -> str:
    """Compile the kernels for every type of array that the stages work on, and say how many were new."""
    targets = [*campaign_targets(3), *targets_from_centres([POLE], 1.0)]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        sites = directory / "targets.json"
        write_targets(targets, sites)
        looks = looks_of_day(targets, DAY, "oco3", looks=len(targets), frames=6)
        granule = simulate_day(directory, "oco3", DAY, looks, background=10)
        captures = directory / "captures.nc"
        flags = ["/xco2", "/xco2_uncertainty", "/Sounding/polarization_angle", "/Auxiliary/n_dem_points"]
        cut(granule, sites, captures, CutCaptures(variables=flags))
        for variant in VARIANTS:
            options = GridCapture(latitude=40, longitude=40, world_latitude=90, world_longitude=180, **variant)
            grid(captures, sites, directory / "grids.nc", directory / "world.nc", options)
    return say_compiled(levelworks.xco2)
