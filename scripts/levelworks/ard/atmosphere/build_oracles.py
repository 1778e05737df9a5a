"""Make what the simulator and the tests have from 6S itself: `python -m levelworks.ard.atmosphere.build_oracles`.

Nothing here goes through the tables, so that they can be held against it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.atmosphere.coefficients import coefficients, direct_case, with_water_vapour
from levelworks.ard.atmosphere.sixs import Sixs, read_printed
from levelworks.ard.atmosphere.spectral_responses import band_responses

GEOMETRIES = (
    {"sun_zenith": 43.0, "view_zenith": 5.0, "relative_azimuth": 90.0},
    {"sun_zenith": 35.0, "view_zenith": 7.0, "relative_azimuth": 120.0},
)
LOADS = (0.05, 0.15, 0.30)
ALTITUDES = (0.0, 1.5)
WATER_VAPOUR = {"LND08": (2.0,), "SEN2A": (2.5, 1.0, 4.0)}
"""g cm-2; 6S sees the first, the others differ by their gas transmittance, also of 6S."""
OZONE = 0.30
SEED = 20240613
ABOUT = (
    "Runs of 6SV 1.1 over bands: apparent reflectance a + b rho/(1 - c rho) over uniform ground of reflectance rho. "
    "Gases are columns above the ground. Angles in degrees (relative azimuth 0: sensor on the sun's side), "
    "elevation in m, water vapour in g cm-2, ozone in atm-cm, pressure in hPa."
)


def simulator_cases(sixs: Sixs) -> list[dict[str, Any]]:
    """Return the coefficients of all bands over the simulator's geometries, aerosol loads, elevations and moistures."""
    cases = []
    for altitude in ALTITUDES:
        for geometry in GEOMETRIES:
            for sensor, amounts in WATER_VAPOUR.items():
                for load in LOADS:
                    common: dict[str, Any] = {**geometry, "aerosol": "continental", "aod": load, "ozone": OZONE}
                    there = {**common, "altitude": altitude}
                    found = {
                        band: coefficients(sixs, sensor, band, water_vapour=amounts[0], **there)
                        for band in band_responses(sensor)
                    }
                    for amount in amounts:
                        bands = {
                            band: one
                            if amount == amounts[0]
                            else with_water_vapour(sixs, sensor, band, one, amounts[0], amount, **there)
                            for band, one in found.items()
                        }
                        case = {**common, "elevation": 1000.0 * altitude, "water_vapour": amount}
                        cases.append({"sensor": sensor, **case, "bands": bands})
    return cases


def held_out_cases() -> list[dict[str, Any]]:
    """Return cases drawn at random, none of which the tables were made from."""
    draws = np.random.default_rng(SEED)
    bands = [(sensor, band) for sensor in WATER_VAPOUR for band in band_responses(sensor)]
    models = ["continental"] * 63 + ["maritime", "urban", "smoke", "desert"] * 6
    few = ("BLUE", "RED", "NIR", "GREEN", "SWIR1", "ULTRABLUE")
    order = [bands[place % 21] for place in range(63)]
    order += [(("LND08", "SEN2A")[place % 2], few[place // 4]) for place in range(24)]
    ranges = {
        "sun_zenith": (10, 70, 2),
        "view_zenith": (0, 12, 2),
        "relative_azimuth": (0, 180, 1),
        "aod": (0.02, 0.6, 3),
        "altitude": (0, 2, 2),
        "water_vapour": (0.3, 4.5, 2),
        "ozone": (0.22, 0.42, 3),
        "reflectance": (0, 0.5, 3),
    }
    cases = []
    for model, (sensor, band) in zip(models, order, strict=True):
        drawn = {name: round(float(draws.uniform(a, b)), digits) for name, (a, b, digits) in ranges.items()}
        cases.append({"sensor": sensor, "band": band, "aerosol": model, **drawn})
    return cases


def surroundings_cases() -> list[dict[str, Any]]:
    """Return cases of a target in other surroundings."""
    draws = np.random.default_rng(SEED + 1)
    cases = []
    for sensor, band, target, around, radius in (
        ("LND08", "BLUE", 0.05, 0.30, 0.25),
        ("LND08", "RED", 0.05, 0.40, 1.0),
        ("LND08", "NIR", 0.05, 0.50, 0.5),
        ("SEN2A", "GREEN", 0.30, 0.05, 2.0),
        ("SEN2A", "NIR", 0.50, 0.02, 0.1),
        ("SEN2A", "SWIR1", 0.02, 0.50, 0.1),
        ("SEN2A", "BLUE", 0.02, 0.20, 5.0),
        ("LND08", "GREEN", 0.10, 0.35, 0.1),
    ):
        case: dict[str, Any] = {"sensor": sensor, "band": band, "aerosol": "continental"}
        case |= {
            "sun_zenith": round(float(draws.uniform(20, 60)), 2),
            "view_zenith": round(float(draws.uniform(0, 10)), 2),
            "relative_azimuth": round(float(draws.uniform(0, 180)), 1),
            "aod": round(float(draws.uniform(0.2, 0.5)), 3),
            "altitude": 0.0,
            "water_vapour": 1.5,
            "ozone": 0.3,
        }
        cases.append({**case, "reflectance": target, "environment": around, "radius": radius})
    return cases


def _for_tests(case: dict[str, Any]) -> dict[str, Any]:
    named = {name: value for name, value in case.items() if name != "altitude"}
    return {**named, "elevation": 1000.0 * case["altitude"]}


def oracle_document(sixs: Sixs) -> dict[str, Any]:
    """Return the runs that the tests hold the tables against."""
    uniform = []
    for case in held_out_cases():
        printed = read_printed(sixs.run(direct_case(**case)))
        values = printed.values
        uniform.append(
            {
                **_for_tests(case),
                "toa": printed.apparent,
                "path": values["reflectance"][2],
                "down": values["transmittance"][0],
                "up": values["transmittance"][1],
                "albedo": values["albedo"][2],
                "rayleigh": values["depth"][0],
                "aerosol_depth": values["depth"][1],
                "gas": values["gas"][2],
            }
        )
    around = []
    for case in surroundings_cases():
        surface = (case["reflectance"], case["environment"], case["radius"])
        run = {name: value for name, value in case.items() if name not in {"environment", "radius"}}
        printed = read_printed(sixs.run(direct_case(**{**run, "reflectance": surface})))
        around.append({**_for_tests(case), "toa": printed.apparent})
    draws = np.random.default_rng(SEED + 2)
    moist = []
    for amount in (0.2, 0.35, 0.6, 0.9, 1.3, 1.8, 2.4, 3.1, 3.9, 4.8, 5.8, 7.0):
        case = {
            "sun_zenith": round(float(draws.uniform(10, 65)), 2),
            "view_zenith": round(float(draws.uniform(0, 11)), 2),
            "relative_azimuth": 0.0,
            "aerosol": "none",
            "aod": 0.0,
            "altitude": round(float(draws.uniform(0, 2)), 2),
            "water_vapour": amount,
            "ozone": 0.3,
            "reflectance": 0.3,
        }
        gas = {
            band: read_printed(sixs.run(direct_case(sensor="SEN2A", band=band, **case))).values["gas"][2]
            for band in ("VAPOR", "NIR")
        }
        moist.append({**_for_tests(case), **gas})
    return {"about": ABOUT, "uniform": uniform, "surroundings": around, "water_vapour": moist}


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, separators=(",", ":"))
    path.write_text(text.replace('{"sensor"', '\n{"sensor"').replace('{"sun_zenith"', '\n{"sun_zenith"') + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run 6S and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of 6S outputs")
    parser.add_argument("--processes", type=int, default=1, help="runs of 6S at a time")
    parser.add_argument("--tests", type=Path, help="file of the tests' runs")
    parser.add_argument("--simulator", type=Path, help="file of the simulator's coefficients", default=None)
    chosen = parser.parse_args(arguments)
    sixs = Sixs(chosen.cache, chosen.processes)
    if chosen.tests:
        _write(chosen.tests, oracle_document(sixs))
    if chosen.simulator:
        _write(chosen.simulator, {"about": ABOUT, "cases": simulator_cases(sixs)})


if __name__ == "__main__":
    main()
