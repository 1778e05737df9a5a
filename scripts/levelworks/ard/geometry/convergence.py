"""Azimuths on a map: true north is not the map's north but on the projection's central meridian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from levelworks.ard.geometry.places import centres, to_geographic, to_projection
from levelworks.ard.scene import Angles, ImageGrid, field_step

STEP = 1e-3
"""Degrees of latitude towards which north is looked for."""


def grid_convergence(grid: ImageGrid) -> np.ndarray:
    """Return the direction of true north on the map at each pixel's centre, degrees clockwise from the map's north.

    Returns
    -------
    ndarray, shape (rows, columns), float64
    """
    x, y = np.meshgrid(*centres(grid))
    longitude, latitude = to_geographic(grid.crs, x, y)
    # Near the north pole one looks back to the south.
    step = np.where(latitude > 90.0 - 2 * STEP, -STEP, STEP)
    east, north = to_projection(grid.crs, longitude, latitude + step)
    return np.asarray(np.degrees(np.arctan2((east - x) * np.sign(step), (north - y) * np.sign(step))))


def on_grid(angles: Angles, grid: ImageGrid) -> Angles:
    """Return angles on the field of an image with azimuths clockwise from the map's north instead of true north."""
    turned = grid_convergence(grid.coarser(field_step(grid)))
    return replace(
        angles,
        sun_azimuth=(angles.sun_azimuth + turned) % 360.0,
        view_azimuth=(angles.view_azimuth + turned) % 360.0,
    )
