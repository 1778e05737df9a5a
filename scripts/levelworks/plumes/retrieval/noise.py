"""Noise of the instruments: what one spectrum scatters by, as |a sqrt(b + L) + c| in each band."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.tables import NoiseModel, emit_noise

SIGNAL_TO_NOISE = {"EnMAP": 377.0, "PRISMA": 220.0}
"""Median over the bands, measured on real scenes (specs/plumes.md section 3), where no table is given."""
TYPICAL_RADIANCE = 0.3
"""uW cm-2 sr-1 nm-1 near 2300 nm over land, at which those ratios are taken to hold."""


def read_noise(path: Path) -> NoiseModel:
    """Read a noise model: a text table of wavelength (nm), a, b and c, as JPL's instrument noise files are.

    Raises
    ------
    InvalidReference
        Where the table has not these columns.
    """
    try:
        table = np.loadtxt(path, comments="#", ndmin=2)
    except (OSError, ValueError) as error:
        raise InvalidReference(f"{path} is no noise table of wavelength, a, b and c ({error})") from None
    if table.shape[1] < 4 or table.shape[0] < 2 or not np.all(np.diff(table[:, 0]) > 0):
        raise InvalidReference(f"{path}: a noise table has ascending wavelengths (nm) and columns a, b, c")
    return NoiseModel(*table[:, :4].T)


def noise_of(sensor: str, wavelengths: np.ndarray, table: Path | None) -> np.ndarray:
    """Return a, b, c of some bands, (3, bands) float64: of a table, else of the sensor.

    EMIT has the model that JPL publishes. EnMAP and PRISMA, without a table, have noise that goes with the root of
    radiance (photons), their median signal-to-noise ratio at `TYPICAL_RADIANCE`.
    """
    if table is not None:
        model = read_noise(table)
    elif sensor == "EMIT":
        model = emit_noise()
    else:
        a = np.sqrt(TYPICAL_RADIANCE) / SIGNAL_TO_NOISE[sensor]
        return np.stack([np.full(wavelengths.size, a), np.zeros(wavelengths.size), np.zeros(wavelengths.size)])
    found = model.at(wavelengths)
    return np.stack([found.a, found.b, found.c])
