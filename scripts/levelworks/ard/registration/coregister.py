"""Co-registration: the image's grid is moved onto its base, so that pixels are resampled once, into the cube."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from levelworks.ard.registration.base_image import base_file, read_base
from levelworks.ard.registration.tie_points import BLOCK, Shift, TiePoints, match_strip, robust_shift
from levelworks.ard.scene import ImageGrid
from levelworks.core import mpi
from levelworks.core.mpi import Communicator

STRIPS = 40
"""Of `BLOCK` rows over the height of an image, at the most."""
LARGEST_SHIFT = 6.0
"""Pixels beyond which a match is not believed."""


def find_shift(
    folder: Path,
    day: date,
    grid: ImageGrid,
    near_infrared: Callable[[int, int], np.ndarray],
    nodata: int,
    communicator: Communicator,
) -> tuple[Shift | None, str]:
    """Compare an image with the base of its month.

    Parameters
    ----------
    near_infrared : callable
        Reflectance of the rows start to stop, NaN where off, cloudy or shaded.

    Returns
    -------
    Shift or None
        None where the images can't be matched.
    str
        What a person should know of it; empty where all is well.

    Raises
    ------
    InvalidReference
        Where there is no usable base image.
    """
    path = base_file(folder, day)
    tops = range(0, grid.rows - BLOCK + 1, max(BLOCK, -(-grid.rows // (STRIPS * BLOCK)) * BLOCK))
    mine = mpi.split(len(tops), communicator.size, communicator.rank)
    parts = []
    with mpi.together(communicator):
        for index in mine:
            top = tops[index]
            base = read_base(path, day.month, grid, top, top + BLOCK, nodata)
            parts.append(match_strip(base, near_infrared(top, top + BLOCK), top))
    ties = TiePoints.joined([one for part in communicator.allgather(parts) for one in part])
    shift = robust_shift(ties)
    if shift is None:
        return None, f"not co-registered: {ties.down.size} tie points with {path.name}, too few agree"
    if max(abs(shift.down), abs(shift.right)) > LARGEST_SHIFT:
        far = f"{shift.right:.1f} and {shift.down:.1f} pixels"
        return None, f"not co-registered: {path.name} seems {far} away, more than {LARGEST_SHIFT:g}"
    return shift, ""


def moved(grid: ImageGrid, shift: Shift) -> ImageGrid:
    """Return the grid on which the image lies as its base does."""
    return replace(
        grid, west=grid.west - shift.right * grid.resolution, north=grid.north + shift.down * grid.resolution
    )
