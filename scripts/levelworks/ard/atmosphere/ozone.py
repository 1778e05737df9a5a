"""How much ozone is over a place on a day of the year."""

from __future__ import annotations

import numpy as np


def ozone_column(
    latitude: np.ndarray | float, longitude: np.ndarray | float, day_of_year: np.ndarray | float
) -> np.ndarray:
    """Return the climatological column of ozone.

    Parameters
    ----------
    latitude, longitude : ndarray or float
        Degrees, north and east positive.
    day_of_year : ndarray or float
        1 on the first of January.

    Returns
    -------
    ndarray, float64
        atm-cm. Van Heuklon 1979, doi:10.1016/0038-092X(79)90060-4 (spec section 12).
    """
    north = np.asarray(latitude, float) > 0.0
    east = np.asarray(longitude, float) > 0.0
    amplitude = np.where(north, 150.0, 100.0)
    season = np.where(north, 40.0, 30.0)
    shift = np.where(north, -30.0, 152.625)
    waves = np.where(north, 3.0, 2.0)
    turn = np.where(north, np.where(east, 20.0, 0.0), -75.0)
    stretch = np.where(north, 1.28, 1.5)
    yearly = season * np.sin(np.radians(0.9856 * (np.asarray(day_of_year, float) + shift)))
    zonal = 20.0 * np.sin(np.radians(waves * (np.asarray(longitude, float) + turn)))
    height = np.sin(np.radians(stretch * np.asarray(latitude, float))) ** 2
    return np.asarray((235.0 + (amplitude + yearly + zonal) * height) / 1000.0)
