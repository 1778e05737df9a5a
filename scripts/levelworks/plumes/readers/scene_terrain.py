"""Heights under a scene for readers: from an elevation model's file, from a function, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.dem import read_dem
from levelworks.plumes.mapping.rpc import Heights

Terrain = Path | Heights
"""An elevation model (GeoTIFF, VRT or a folder of tiles), or a function of longitude and latitude (degrees) to m."""


def terrain_heights(
    terrain: Terrain, longitude: np.ndarray, latitude: np.ndarray, notes: list[str], mean_elevation: float = 0.0
) -> Heights:
    """Return the heights (m) of terrain as a function of longitude and latitude (degrees).

    Parameters
    ----------
    longitude, latitude : ndarray
        Where the scene about lies.
    notes : list of str
        Gets what the elevation model lacks.
    """
    if not isinstance(terrain, Path):
        return terrain
    model = read_dem(terrain, longitude, latitude, mean_elevation=mean_elevation)
    notes.extend(model.notes)
    return model.at
