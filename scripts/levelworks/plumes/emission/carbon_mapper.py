"""Carbon Mapper's mask: what lies above a percentile of the neighbourhood.

Source: specs/plumes.md 1.11, last paragraph (Carbon Mapper quantification, version 2, as HyperGas follows it).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.plumes.detection.plume_pieces import EIGHT

HALF_CROP = 2500.0
"""m about the source that the mask may cover."""
HALF_NEIGHBOURHOOD = 1000.0
"""m about the source that the threshold is taken from."""
PERCENTILE = 90.0
SMALLEST = 5
"""Pixels of a cluster."""
REACH = 15
"""Pixels from the source within which a cluster must begin."""


def carbon_mapper_mask(enhancement: np.ndarray, east: np.ndarray, north: np.ndarray, pixel_size: float) -> np.ndarray:
    """Return the mask, (rows, columns) bool; empty where no cluster qualifies.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Of any unit; not a number where there is none.
    east, north : ndarray
        m from the source.
    pixel_size : float
        m.
    """
    known = np.isfinite(enhancement)
    crop = (np.abs(east) <= HALF_CROP) & (np.abs(north) <= HALF_CROP) & known
    near = (np.abs(east) <= HALF_NEIGHBOURHOOD) & (np.abs(north) <= HALF_NEIGHBOURHOOD) & known
    if not near.any():
        return np.zeros(enhancement.shape, dtype=bool)
    above = crop & (np.where(known, enhancement, -np.inf) > np.percentile(enhancement[near], PERCENTILE))
    clusters, count = ndimage.label(above, structure=EIGHT)
    if not count:
        return above
    numbers = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(above, clusters, numbers)
    closest = ndimage.minimum(np.hypot(east, north), clusters, numbers)
    kept = numbers[(sizes >= SMALLEST) & (closest <= REACH * pixel_size)]
    return np.asarray(np.isin(clusters, kept))
