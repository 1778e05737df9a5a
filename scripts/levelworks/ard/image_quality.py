"""Quality bits of an image's pixels, from masks, illumination, aerosol and water vapour."""

from __future__ import annotations

import numpy as np

from levelworks.ard.fields import rows_of
from levelworks.ard.masks.quality import BY_NAME, NO_DATA
from levelworks.ard.scene import ImageGrid, field_step
from levelworks.ard.surface.correct import OFF, SATURATED, SUBZERO
from levelworks.ard.terrain.illumination import CLASS, SLOPING

LOW_SUN = 75.0
"""Degrees of the sun's zenith beyond which reflectance is not to be trusted."""


def nearest_rows(field: np.ndarray, grid: ImageGrid, start: int, stop: int) -> np.ndarray:
    """Return the cell that each pixel of the rows start to stop lies in."""
    step = field_step(grid)
    rows = np.arange(start, stop) // step
    columns = np.arange(grid.columns) // step
    return np.asarray(field[rows[:, None], columns[None, :]])


def quality_bits(
    masks: np.ndarray,
    flags: np.ndarray,
    start: int,
    grid: ImageGrid,
    *,
    sun_zenith: np.ndarray,
    aerosol: np.ndarray | None,
    vapour_filled: np.ndarray | None,
) -> np.ndarray:
    """Return the quality bits of a block of rows.

    Parameters
    ----------
    masks : ndarray, shape (rows, columns), uint16
        Bits of cloud, shadow, snow, water and saturation.
    flags : ndarray, shape (rows, columns), uint8
        Of the correction of the same rows.
    sun_zenith : ndarray
        On the field, degrees.
    aerosol : ndarray or None
        State of aerosol on the field.
    vapour_filled : ndarray or None
        Where water vapour was filled, on the field.

    Returns
    -------
    ndarray, shape (rows, columns), int16
    """
    stop = start + masks.shape[0]
    bits = masks.astype(np.int16)
    bits |= (flags & CLASS).astype(np.int16) << np.int16(BY_NAME["illumination"].shift)
    for flag, name in ((SLOPING, "slope"), (SUBZERO, "subzero"), (SATURATED, "saturation")):
        bits[(flags & flag) != 0] |= np.int16(BY_NAME[name].mask)
    bits[rows_of(sun_zenith, grid, start, stop) > LOW_SUN] |= np.int16(BY_NAME["low_sun"].mask)
    if aerosol is not None:
        bits |= nearest_rows(aerosol.astype(np.int16), grid, start, stop) << np.int16(BY_NAME["aerosol"].shift)
    if vapour_filled is not None:
        bits[nearest_rows(vapour_filled, grid, start, stop)] |= np.int16(BY_NAME["water_vapour_fill"].mask)
    bits[((flags & OFF) != 0) | ((bits & NO_DATA) != 0)] = NO_DATA
    return bits
