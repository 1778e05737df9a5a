"""From the radar to the ground: where the range circles of lines and samples meet the terrain (specs/insar.md 4.5)."""

from __future__ import annotations

import numpy as np

from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.geo2rdr import bounds
from levelworks.insar.geometry.rdr2geo_kernels import rdr2geo_grid
from levelworks.insar.orbits.state_vectors import OrbitArc


def rdr2geo(
    arc: OrbitArc, times: np.ndarray, ranges: np.ndarray, elevation: Elevation, *, right: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Locate lines and samples on the ground.

    Parameters
    ----------
    arc : OrbitArc
        Of the satellite; holds all times.
    times : ndarray, shape (lines,)
        Zero-Doppler times, s since the orbit's epoch.
    ranges : ndarray, shape (samples,)
        Slant ranges, m.
    elevation : Elevation
    right : bool
        Whether the radar looks to the right of the flight, as Sentinel-1 does.

    Returns
    -------
    latitude, longitude, height : ndarray, shape (lines, samples), float64
        Degrees, degrees, m; NaN where the elevation is unknown. In layover one of the places that share the pixel.
    """
    result = np.empty((3, np.size(times), np.size(ranges)))
    lowest, highest = elevation.bounds
    rdr2geo_grid(
        np.atleast_1d(np.asarray(times, np.float64)),
        np.atleast_1d(np.asarray(ranges, np.float64)),
        1.0 if right else -1.0,
        arc.coefficients,
        bounds(arc),
        elevation.heights,
        elevation.grid,
        elevation.cubic,
        lowest,
        highest,
        result,
    )
    return result[0], result[1], result[2]
