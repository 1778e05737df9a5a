"""What the agencies say of pixels beyond their counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quality:
    """Of rows of the Level-2 grid; arrays of shape (rows, columns).

    Parameters
    ----------
    fill : ndarray of bool
        There is no image.
    dropped : ndarray of bool
        Data was lost or damaged on the way, in any band.
    saturated : ndarray of uint16
        Bit k is set where the sensor's k-th band is saturated, in the order of ``sensor.bands``.
    """

    fill: np.ndarray
    dropped: np.ndarray
    saturated: np.ndarray
