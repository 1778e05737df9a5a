"""The product of `absorption`: ln T of each gas for the bands and detector columns of a scene, in a NetCDF file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from levelworks.core.outcome import Outcome
from levelworks.plumes.layers import open_netcdf
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.scene import Spectral


def write_absorption(
    path: Path, found: Sequence[Absorption], spectral: Spectral | None, attributes: Mapping[str, Any]
) -> None:
    """Write the absorption of some gases; none, and no bands, for a scene that can't be used."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": "CF-1.11", "gases": " ".join(one.gas for one in found), **attributes})
        if spectral is None:
            return
        file.createDimension("column", spectral.centres.shape[0])
        file.createDimension("band", spectral.bands)
        for name, values in (("wavelength", spectral.centres), ("fwhm", spectral.widths)):
            variable = file.createVariable(name, "f8", ("column", "band"), compression="zlib", shuffle=True)
            variable.units = "nm"
            variable[...] = values
        for one in found:
            file.createDimension(f"{one.gas}_node", one.slant_columns.size)
            node = file.createVariable(f"{one.gas}_node", "f8", (f"{one.gas}_node",))
            node.setncatts({"units": "mol m-2", "long_name": "added column along the path down and up"})
            node[...] = one.slant_columns
            table = file.createVariable(
                f"{one.gas}_ln_transmittance",
                "f4",
                ("column", "band", f"{one.gas}_node"),
                fill_value=np.nan,
                compression="zlib",
                shuffle=True,
            )
            table.setncatts({"units": "1", "source": one.source})
            table[...] = one.ln_transmittance


def write_empty_absorption(path: Path, outcome: Outcome) -> None:
    """Write the valid, empty product of a scene that can't be used."""
    write_absorption(path, [], None, {"outcome": outcome.status.value, "reason": outcome.reason})


def read_absorption(path: Path) -> dict[str, Absorption]:
    """Return the absorption of every gas of a product.

    Raises
    ------
    InvalidInput
        Where it can't be read.
    """
    with open_netcdf(path) as file:
        found = {}
        for gas in str(getattr(file, "gases", "")).split():
            table = file.variables[f"{gas}_ln_transmittance"]
            nodes = np.asarray(file.variables[f"{gas}_node"][...])
            found[gas] = Absorption(gas, str(table.source), nodes, np.asarray(table[...], dtype=float))
        return found
