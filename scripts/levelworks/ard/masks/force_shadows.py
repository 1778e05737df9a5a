"""Objects and shadows by FORCE's rules alone (`compat: force`, spec section 8.5).

Memory is not bounded as it is elsewhere: the cells of objects are 30 m wide.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.ard.masks.coarse_kernels import COUNTS
from levelworks.ard.masks.force_pixels import Scene
from levelworks.ard.masks.force_shadow_kernels import match_objects
from levelworks.ard.masks.heights import HIGHEST, LOWEST
from levelworks.ard.masks.object_kernels import count_by_label, label_objects, order_cells, select_labels
from levelworks.ard.masks.rays import Rays
from levelworks.ard.masks.reconstruction_kernels import fill_hollows

LEAST_CELLS = 3
CORE_EDGE = 8.0
"""Cells that an object's core lies within its edge."""
DRY_LAPSE_RATE, INVERSION_LAPSE_RATE = 0.0098, 0.001
"""Kelvin a metre, the most and the least that the air cools."""
MARGIN = 4.0
"""Kelvin beyond the cold and warm ends of clear ground."""
HEIGHT_STEP = 50.0
"""Metres by which shadows move from one height to the next."""


def darkness_as_force(
    near_infrared: np.ndarray, shortwave: np.ndarray, cloudy: np.ndarray, scene: Scene, reach: float
) -> np.ndarray:
    """Return what reflectance is missing to the surroundings, the lesser of NIR and SWIR1, float32.

    Parameters
    ----------
    near_infrared, shortwave : ndarray, shape (rows, columns), uint16
        Times 10000; zero where there is no data.
    cloudy : ndarray of bool, shape (rows, columns)
    reach : float
        Cells from a cloud beyond which no shadow can lie.
    """
    near_cloud = ndimage.distance_transform_edt(~cloudy) <= reach if cloudy.any() else np.zeros(cloudy.shape, bool)
    lost = np.full(cloudy.shape, np.inf, np.float32)
    for band, level in ((near_infrared, scene.near_infrared), (shortwave, scene.shortwave)):
        background = np.uint16(round(level * COUNTS))
        image = np.where((band == 0) | ~near_cloud, background, band).astype(np.uint16)
        image[[0, -1]] = image[:, [0, -1]] = background
        filled = fill_hollows(image, np.zeros(image.shape, bool))
        lost = np.minimum(lost, (filled - image) / np.float32(COUNTS))
    return lost


def match_as_force(
    counts: np.ndarray,
    near_infrared: np.ndarray,
    shortwave: np.ndarray,
    flat_water: np.ndarray,
    kelvin: np.ndarray,
    scene: Scene,
    rays: Rays,
    size: float,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Find objects and their shadows.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns), uint8
        Cloudy pixels of each cell.
    flat_water : ndarray of bool, shape (rows, columns)
    kelvin : ndarray, shape (rows, columns) or (0, 0), uint16
        Times 100.
    size : float
        Of a cell, metres.
    threshold : float
        Darkness from which on a pixel may be shadow, reflectance.

    Returns
    -------
    cloudy, shadow : ndarray of bool, shape (rows, columns)
    """
    labels, number = label_objects(counts > 0)
    large = count_by_label(labels, number) >= LEAST_CELLS
    large[0] = False
    cloudy = select_labels(labels, large)
    labels, number = label_objects(cloudy)
    shadow = np.zeros(cloudy.shape, bool)
    if not number:
        return cloudy, shadow
    starts, rows, columns = order_cells(labels, number)
    darkness = darkness_as_force(near_infrared, shortwave, cloudy, scene, HIGHEST * rays.tangent / size)
    sizes = np.diff(starts)
    middle_row, middle_column = (np.add.reduceat(part, starts[:-1], dtype=np.int64) / sizes for part in (rows, columns))
    down, across = rays.at(middle_row, middle_column, size)
    low, high, drops = _heights(starts, rows, columns, kelvin, scene)
    match_objects(
        starts, rows, columns, drops, low, high, HEIGHT_STEP / max(rays.tangent, 0.05), down, across, labels,
        darkness, flat_water, threshold, shadow,
    )  # fmt: skip
    return cloudy, shadow


def _heights(
    starts: np.ndarray, rows: np.ndarray, columns: np.ndarray, kelvin: np.ndarray, scene: Scene
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ranges of base heights in metres, and by how much cells are colder than their base, kelvin."""
    number = starts.size - 1
    low, high, drops = np.full(number, LOWEST), np.full(number, HIGHEST), np.zeros(rows.size)
    if not kelvin.size or not np.isfinite(scene.cold):
        return low, high, drops
    values = kelvin[rows, columns] / 100.0
    for i in range(number):
        cells = slice(starts[i], starts[i + 1])
        radius = np.sqrt((starts[i + 1] - starts[i]) / np.pi)
        core = ((radius - CORE_EDGE) / radius) ** 2 if radius > CORE_EDGE else 0.0
        base = float(np.quantile(values[cells], core))
        drops[cells] = np.maximum(base - values[cells], 0.0)
        low[i] = max(LOWEST, (scene.cold - MARGIN - base) / DRY_LAPSE_RATE)
        high[i] = min(HIGHEST, (scene.warm + MARGIN - base) / INVERSION_LAPSE_RATE)
    return low, high, drops
