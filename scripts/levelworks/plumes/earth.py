"""The Earth's size and shape: the mean sphere, and the ellipsoid of WGS 84."""

from __future__ import annotations

import numpy as np

from levelworks.core.sphere import EARTH_RADIUS_KM

EARTH_RADIUS = 1000 * EARTH_RADIUS_KM
"""m, mean."""
SEMI_MAJOR_AXIS = 6378137.0
"""Of WGS 84, m."""
ECCENTRICITY_SQUARED = 0.0066943799901413165
"""Of WGS 84's ellipsoid."""


def curvature_radii(latitude: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return the radii of curvature (m) at latitudes (radians): of the prime vertical and of the meridian."""
    factor = 1 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    prime_vertical = SEMI_MAJOR_AXIS / np.sqrt(factor)
    return np.asarray(prime_vertical), np.asarray(SEMI_MAJOR_AXIS * (1 - ECCENTRICITY_SQUARED) / factor**1.5)
