"""Rasters of earlier stages on a frame's geographic grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame import FrameGrid


def read_layer(path: Path, grid: FrameGrid) -> np.ndarray:
    """Read the one band of a raster on a frame's grid.

    Raises
    ------
    InvalidReference
        Where it can't be read or lies on another grid.
    """
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path) as file:
            place = np.array(tuple(file.transform)[:6])
            values = np.asarray(file.read(1))
    except RasterioError as error:
        raise InvalidReference(f"{path} can't be read ({error}): make it again") from None
    wanted = np.array((grid.step, 0.0, grid.west, 0.0, -grid.step, grid.north))
    if values.shape != grid.shape or np.abs(place - wanted).max() > 1e-6 * grid.step:
        raise InvalidReference(f"{path} of {values.shape} cells does not lie on the frame's grid of {grid.shape}")
    return values
