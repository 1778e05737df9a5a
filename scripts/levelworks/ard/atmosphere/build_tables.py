"""Make the radiative transfer tables anew: `python -m levelworks.ard.atmosphere.build_tables --cache FOLDER`.

The outputs of 6S stay in the cache, so that a second call only reads them. All five models take one to two hours of a
core.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from levelworks.ard.atmosphere.gas_runs import (
    AIR_MASSES,
    ALTITUDES,
    OZONE_PATHS,
    WATER_AIR_MASSES,
    WATER_PATHS,
    gas_tables,
)
from levelworks.ard.atmosphere.scattering_runs import aerosol_tables, molecular_tables
from levelworks.ard.atmosphere.sixs import Sixs
from levelworks.ard.atmosphere.spectral_responses import DATA, band_responses
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at
from levelworks.ard.atmosphere.tables import MODELS

SENSORS = ("LND05", "LND07", "LND08", "LND09", "SEN2A", "SEN2B", "SEN2C")
"""Sensors with responses of their own."""


def write_archive(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as float32 into a compressed archive whose bytes only depend on them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(arrays[name], "<f4", order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)


def all_gases(sixs: Sixs) -> dict[str, np.ndarray]:
    """Return the gas tables of all sensors, keys sensor/band/gas, with their grids."""
    arrays = {
        "air_masses": np.array(AIR_MASSES),
        "water_air_masses": np.array(WATER_AIR_MASSES),
        "water_paths": np.array(WATER_PATHS),
        "ozone_paths": np.array(OZONE_PATHS),
        "pressures": pressure_at(1000.0 * np.array(ALTITUDES)),
    }
    for sensor in SENSORS:
        for name, band in band_responses(sensor).items():
            found = gas_tables(sixs, (band.first, band.response))
            arrays |= {f"{sensor}/{name}/{gas}": values for gas, values in found.items()}
    return arrays


def main(arguments: Sequence[str] | None = None) -> None:
    """Run 6S and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of 6S outputs")
    parser.add_argument("--processes", type=int, default=1, help="runs of 6S at a time")
    parser.add_argument("--models", nargs="*", default=list(MODELS), help="aerosol models")
    parser.add_argument("--output", type=Path, default=DATA, help="folder of the tables")
    chosen = parser.parse_args(arguments)
    sixs = Sixs(chosen.cache, chosen.processes)
    write_archive(chosen.output / "molecular.npz", molecular_tables(sixs))
    write_archive(chosen.output / "gases.npz", all_gases(sixs))
    for model in chosen.models:
        write_archive(chosen.output / f"aerosol_{model}.npz", aerosol_tables(sixs, model))


if __name__ == "__main__":
    main()
