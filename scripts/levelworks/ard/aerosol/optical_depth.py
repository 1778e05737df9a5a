"""Aerosol optical depth that is known beforehand: the global median, and tables by day of the year (spec 13.1).

ln tau = a0 + a1 ln l + a2 (ln l)^2, with the wavelength l in micrometres.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.core.sphere import great_circle_km

Coefficients = tuple[float, float, float]

GLOBAL_MEDIAN: Coefficients = (-2.8665, -1.4787, -0.0486)
"""Of AERONET: 0.135 at 550 nm."""


def optical_depth(coefficients: Coefficients, wavelength: float = 0.55) -> float:
    """Return the aerosol optical depth at a wavelength (micrometres) of a spectrum given by its coefficients."""
    logarithm = np.log(wavelength)
    a0, a1, a2 = coefficients
    return float(np.exp(a0 + a1 * logarithm + a2 * logarithm**2))


def aerosol_coefficients_at(folder: Path, longitude: float, latitude: float, day: date) -> Coefficients:
    """Read the coefficients of the nearest line of a day's table.

    Parameters
    ----------
    folder : Path
        With files ``AOD_001.txt`` to ``AOD_366.txt`` by day of the year: lines of lon, lat, a0, a1, a2.
    longitude, latitude : float
        Degrees.

    Raises
    ------
    InvalidReference
        The table is missing, empty or not of five columns.
    """
    path = folder / f"AOD_{day.timetuple().tm_yday:03d}.txt"
    try:
        words = path.read_text(encoding="ascii").split()
        table = np.array(words, np.float64).reshape(-1, 5)
    except OSError as error:
        raise InvalidReference(f"the aerosol table {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidReference(f"{path}: an aerosol table has lines of five numbers, lon lat a0 a1 a2") from error
    if not len(table):
        raise InvalidReference(f"{path}: the aerosol table is empty")
    distance = great_circle_km(table[:, 0], table[:, 1], longitude, latitude)
    a0, a1, a2 = table[int(np.argmin(distance)), 2:]
    return float(a0), float(a1), float(a2)
