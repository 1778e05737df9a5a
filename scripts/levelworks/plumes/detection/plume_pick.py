"""The plume of a marker: the pieces of a mask that belong to a source, as HyperGas picks them.

Source: specs/plumes.md 1.11.
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy import ndimage

from levelworks.plumes.detection.plume_pieces import EIGHT


def footprint_polygon(pixels: np.ndarray) -> shapely.Geometry:
    """Return the union of square pixels as a polygon; x are columns, y are rows (pixels).

    Parameters
    ----------
    pixels : ndarray, shape (n, 2)
        Rows and columns.
    """
    rows, columns = pixels.T
    return shapely.union_all(shapely.box(columns - 0.5, rows - 0.5, columns + 0.5, rows + 0.5))


def rectangle_azimuth(polygon: shapely.Geometry) -> float:
    """Return the direction of the longer side of the minimum rotated rectangle (degrees, 0 to 180)."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))
    sides = np.diff(corners[:3], axis=0)
    long = sides[int(np.argmax(np.hypot(*sides.T)))]
    return float(np.degrees(np.arctan2(long[0], long[1])) % 180)


def pick_plume(
    labels: np.ndarray, source: tuple[int, int], pixel_size: float, dist_max: float, azimuth_diff_max: float
) -> np.ndarray:
    """Return the pixels of the plume that a source belongs to.

    The mask, widened by ``int(dist_max / pixel_size)`` pixels, falls into components; of the one that holds the source
    the labels are taken in the order of their distance from the source's own. One that lies apart and points elsewhere
    than the last one taken ends the chain for itself: it is dropped.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
        Pieces of plumes, 0 background.
    source : tuple of int
        Row and column; in the background the nearest pixel of the mask stands for it.
    pixel_size, dist_max : float
        Metres.
    azimuth_diff_max : float
        Degrees.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        Nowhere true where there is no mask.
    """
    mask = labels > 0
    if not mask.any():
        return mask
    if not mask[source]:
        pixels = np.argwhere(mask)
        source = tuple(pixels[np.argmin(((pixels - source) ** 2).sum(axis=1))])
    iterations = int(dist_max / pixel_size)
    widened = ndimage.binary_dilation(mask, EIGHT, iterations=iterations) if iterations else mask
    components, _ = ndimage.label(widened, structure=EIGHT)
    inside = mask & (components == components[source])
    own = int(labels[source])
    polygons = {
        int(label): footprint_polygon(np.argwhere(inside & (labels == label))) for label in np.unique(labels[inside])
    }
    distances = {label: float(polygons[own].distance(polygon)) for label, polygon in polygons.items()}
    order = sorted(polygons, key=lambda label: (label != own, distances[label], label))
    kept, last = [own], rectangle_azimuth(polygons[own])
    for label in order[1:]:
        azimuth = rectangle_azimuth(polygons[label])
        difference = abs(azimuth - last) % 180
        if min(difference, 180 - difference) > azimuth_diff_max and distances[label] > 0:
            continue
        kept.append(label)
        last = azimuth
    return inside & np.isin(labels, kept)
