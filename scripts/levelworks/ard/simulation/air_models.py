"""Where the air of a scene comes from: direct runs of 6S for a few cases, the tables of the line for all others.

The runs are exact for their case, so that retrievals are not judged by the tables that they use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.atmosphere.tables import load_tables, pressure_at
from levelworks.ard.simulation.air import AirModel, AirState
from levelworks.ard.simulation.scene_description import SceneDescription
from levelworks.core.outcome import InvalidOptions

RUNS = Path(__file__).parent / "data" / "sixs_coefficients.json"
SAME = 1e-6


@cache
def _cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RUNS.read_text())["cases"]
    return found


class TableAir:
    """Air from the tables of a sensor.

    Parameters
    ----------
    sensor : str
    aerosol : str
        Model of the aerosol.
    """

    name = "tables"

    def __init__(self, sensor: str, aerosol: str) -> None:
        self._tables = load_tables(sensor)
        self._aerosol = aerosol
        if aerosol not in self._tables.models:
            raise InvalidOptions(f"aerosol: {aerosol!r} is none of {', '.join(self._tables.models)}")

    def coefficients(self, band: str, state: AirState) -> np.ndarray:
        """Return the eight coefficients of a band; see air.py."""
        pressure = pressure_at(state.elevation)
        light = self._tables.at(
            band,
            self._aerosol,
            sun_zenith=state.sun_zenith,
            view_zenith=state.view_zenith,
            relative_azimuth=state.azimuth,
            aod=state.aod,
            pressure=pressure,
        )
        gases = self._tables.gases(
            band,
            sun_zenith=state.sun_zenith,
            view_zenith=state.view_zenith,
            water_vapour=state.water_vapour,
            ozone=state.ozone,
            pressure=pressure,
        )
        dry = np.asarray(gases.ozone * gases.other)
        # molecules scatter above the water vapour, aerosol amid it
        molecules = np.asarray(light.molecular_path / light.path)
        path_gas = dry * (molecules + (1 - molecules) * gases.half_water)
        return np.stack(
            [
                np.asarray(one)
                for one in (
                    light.path,
                    light.direct_down,
                    light.down - light.direct_down,
                    light.direct_up,
                    light.up - light.direct_up,
                    light.albedo,
                    dry * gases.water,
                    path_gas,
                )
            ]
        )


@dataclass(frozen=True)
class SixsAir:
    """Air from direct runs of 6S at one or more elevations, one geometry and one load of aerosol.

    Parameters
    ----------
    runs : list of dict
        By rising elevation.
    """

    runs: list[dict[str, Any]]
    name: str = "sixs"

    def coefficients(self, band: str, state: AirState) -> np.ndarray:
        """Return the eight coefficients of a band; between runs they are linear in elevation."""
        heights = [run["elevation"] for run in self.runs]
        found = []
        for run in self.runs:
            one = run["bands"][band]
            gas = one["b"] / (one["down"] * one["up"])
            path_gas = one["a"] / one["path"] if one["path"] > 0 else 1.0
            direct_down, direct_up = one["direct_down"], one["direct_up"]
            parts = (one["path"], direct_down, one["down"] - direct_down, direct_up, one["up"] - direct_up)
            found.append((*parts, one["c"], gas, path_gas))
        values = np.array(found)
        return np.stack([np.interp(state.elevation, heights, values[:, number]) for number in range(values.shape[1])])


def runs_for(description: SceneDescription) -> list[dict[str, Any]]:
    """Return the runs of 6S that hold for a scene, by rising elevation; none where there is no such case."""
    air, ground = description.air, description.landscape
    if air.aod_change != 0 or air.water_vapour_change != 0 or air.aerosol_height is not None:
        return []
    if description.view is None or description.sun_zenith is None:
        return []
    wanted = {
        "sun_zenith": description.sun_zenith,
        "view_zenith": description.view[0],
        "relative_azimuth": description.view[1],
        "aod": air.aod,
        "water_vapour": air.water_vapour,
        "ozone": air.ozone,
    }
    names = {"sensor": description.sensor, "aerosol": air.aerosol}
    runs = [
        run
        for run in _cases()
        if all(run[key] == value for key, value in names.items())
        and all(abs(run[key] - value) < SAME for key, value in wanted.items())
    ]
    runs.sort(key=lambda run: run["elevation"])
    heights = [run["elevation"] for run in runs]
    lowest, highest = ground.base, ground.base + ground.relief
    return runs if runs and heights[0] - SAME <= lowest and highest <= heights[-1] + SAME else []


def air_model(description: SceneDescription) -> AirModel:
    """Return where the air of a scene comes from.

    Raises
    ------
    InvalidOptions
        Where runs of 6S are asked for and there are none for the case.
    """
    if description.air.source != "tables":
        runs = runs_for(description)
        if runs:
            return SixsAir(runs)
        if description.air.source == "sixs":
            known = sorted(
                {
                    (run["sensor"], run["sun_zenith"], run["view_zenith"], run["relative_azimuth"], run["aod"])
                    for run in _cases()
                }
            )
            cases = ", ".join("/".join(f"{one}" for one in case) for case in known)
            raise InvalidOptions(
                f"air.source: sixs has no run for this scene; it has sensor/sun zenith/view zenith/azimuth/AOD {cases}"
            )
    return TableAir(description.sensor, description.air.aerosol)
