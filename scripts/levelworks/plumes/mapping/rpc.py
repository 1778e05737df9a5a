"""Rational polynomial coefficients (RPC00B): from the ground to the image and back.

Lines and samples are 0 at the centre of the first pixel; heights are metres above the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.mapping.rpc_kernels import to_ground, to_image
from levelworks.plumes.scene import Rpc

Heights = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Heights (m) at longitudes and latitudes (degrees)."""
SETTLED = 0.01
"""Change of height (m) from which on a ray has met the terrain: a millimetre on the ground at ten degrees."""
RAY_ROUNDS = 30


def ground_to_image(
    rpc: Rpc, longitude: np.ndarray, latitude: np.ndarray, height: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return line and sample of points on the ground.

    Parameters
    ----------
    longitude, latitude : ndarray
        Degrees, WGS 84, any shape.
    height : ndarray or float
        Metres above the ellipsoid.

    Raises
    ------
    InvalidInput
        Where the coefficients are not twenty each or a scale is zero.
    """
    points, shape = _columns(longitude, latitude, height)
    image = np.empty((len(points), 2))
    to_image(*_packed(rpc), points, image)
    return image[:, 0].reshape(shape), image[:, 1].reshape(shape)


def image_to_ground(
    rpc: Rpc, line: np.ndarray, sample: np.ndarray, height: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude (-180 to 180) and latitude (degrees) of points of the image at a height (m).

    Not a number where Newton's method finds none.
    """
    points, shape = _columns(line, sample, height)
    ground = np.empty((len(points), 2))
    to_ground(*_packed(rpc), points, ground)
    return ground[:, 0].reshape(shape), ground[:, 1].reshape(shape)


def image_to_terrain(
    rpc: Rpc, line: np.ndarray, sample: np.ndarray, heights: Heights
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return longitude, latitude (degrees) and height (m) at which the rays of points of the image meet the terrain.

    Each round takes the terrain's height where the ray met the last one. That settles where terrain is less steep
    than the rays; rounds are damped by half after ten, for slopes at which they would swing.
    """
    longitude, latitude = image_to_ground(rpc, line, sample, rpc.height_offset)
    height = heights(longitude, latitude)
    for number in range(RAY_ROUNDS):
        longitude, latitude = image_to_ground(rpc, line, sample, height)
        found = heights(longitude, latitude)
        change = np.abs(found - height)
        height = found if number < 10 else 0.5 * (found + height)
        if not (change > SETTLED).any():
            break
    return longitude, latitude, height


def _columns(*given: np.ndarray | float) -> tuple[np.ndarray, tuple[int, ...]]:
    arrays = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in given))
    return np.stack([one.ravel() for one in arrays], axis=-1), arrays[0].shape


def _packed(rpc: Rpc) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = ("line_numerator", "line_denominator", "sample_numerator", "sample_denominator")
    for name in names:
        if len(getattr(rpc, name)) != 20:
            raise InvalidInput(f"RPC {name} has {len(getattr(rpc, name))} coefficients; RPC00B has 20")
    axes = ("line", "sample", "longitude", "latitude", "height")
    scales = np.array([getattr(rpc, f"{axis}_scale") for axis in axes], np.float64)
    if not (np.isfinite(scales) & (scales != 0)).all():
        raise InvalidInput(f"RPC scales are {scales.tolist()}; none may be zero")
    coefficients = np.array([getattr(rpc, name) for name in names], np.float64)
    return coefficients, np.array([getattr(rpc, f"{axis}_offset") for axis in axes], np.float64), scales
