"""Distance to the sun."""

from __future__ import annotations

import numpy as np


def earth_sun_distance(day_of_year: np.ndarray | float) -> np.ndarray:
    """Return the distance between Earth and Sun.

    Parameters
    ----------
    day_of_year : ndarray or float
        1 on the first of January.

    Returns
    -------
    ndarray, float64
        Astronomical units. Spencer 1971 (spec section 4).
    """
    angle = 2.0 * np.pi * (np.asarray(day_of_year, float) - 1.0) / 365.0
    inverse_square = (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2.0 * angle)
        + 0.000077 * np.sin(2.0 * angle)
    )
    return np.asarray(inverse_square**-0.5)
