"""How far a scene lies beside a reference image: phase correlation of their edges.

PRISMA's own positions miss by up to 200 m (specs/plumes.md 1.9). The shift is that of Kuglin and Hines (1975), "The
phase correlation image alignment method", of gradients, so that bands and dates of other brightness do; its fraction of
a cell is the vertex of a parabola through the peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import fft, ndimage

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.mapping.utm import OrthoGrid, project

LEAST_OVERLAP = 0.1
"""Of the cells of the map, which both images must have."""
SMOOTHING = 1.0
"""Cells: noise of single pixels must not make the edges."""


@dataclass(frozen=True)
class Shift:
    """What must be added to the positions of a scene (m), and the correlation of the edges before and after it."""

    east: float
    north: float
    before: float
    after: float

    @property
    def distance(self) -> float:
        """Return its length (m)."""
        return float(np.hypot(self.east, self.north))


def estimate_shift(image: np.ndarray, reference: np.ndarray, resolution: float, largest: float) -> Shift:
    """Estimate how far an image must be moved to lie on a reference.

    Parameters
    ----------
    image, reference : ndarray, shape (rows, columns)
        On one map from north to south; not a number where there is none.
    resolution : float
        Side of a cell, m.
    largest : float
        Greatest shift along either axis that is sought, m.

    Raises
    ------
    InvalidReference
        Where too few cells have both, or either has no edges there.
    """
    both = np.isfinite(image) & np.isfinite(reference)
    if both.mean() < LEAST_OVERLAP:
        raise InvalidReference(f"the reference image covers {100 * both.mean():.0f} % of the scene's map; too little")
    edges = [_edges(one, both) for one in (image, reference)]
    if any(one.std() == 0 for one in edges):
        raise InvalidReference("the scene or the reference image has no edges to register by")
    reach = min(int(np.ceil(largest / resolution)), min(image.shape) // 2 - 1)
    down, right = _peak(_phase_correlation(*edges), reach)
    moved = ndimage.shift(edges[0], (down, right), order=1)
    before, after = (float(np.corrcoef(one.ravel(), edges[1].ravel())[0, 1]) for one in (edges[0], moved))
    return Shift(right * resolution, -down * resolution, before, after)


def read_reference(path: Path, grid: OrthoGrid) -> np.ndarray:
    """Return the first band of an image, averaged onto a map grid, float32; not a number outside it.

    Raises
    ------
    InvalidReference
        Where it is no georeferenced image.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.warp import Resampling, reproject

    values = np.full(grid.shape, np.nan, np.float32)
    try:
        with rasterio.open(path) as file:
            if file.crs is None:
                raise InvalidReference(f"{path} has no coordinate reference system")
            reproject(
                rasterio.band(file, 1),
                values,
                dst_transform=grid.transform,
                dst_crs=f"EPSG:{grid.epsg}",
                dst_nodata=np.nan,
                resampling=Resampling.average if abs(file.transform.a) < grid.resolution else Resampling.bilinear,
            )
    except RasterioError as error:
        raise InvalidReference(f"{path} can't be read as a reference image ({error})") from None
    return values


def moved_positions(
    longitude: np.ndarray, latitude: np.ndarray, shift: Shift, grid: OrthoGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (degrees) moved by a shift on the map of a grid."""
    from pyproj import Transformer

    x, y = project(grid.epsg, longitude, latitude)
    known = np.isfinite(x) & np.isfinite(y)
    east, north = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    inverse = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    east[known], north[known] = inverse.transform(x[known] + shift.east, y[known] + shift.north)
    return east, north


def _edges(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the size of the gradient where it comes from known cells only, without its mean, tapered to the border."""
    filled = np.where(known, image, image[known].mean(dtype=np.float64)).astype(np.float64)
    size = ndimage.gaussian_gradient_magnitude(filled, SMOOTHING)
    inside = ndimage.binary_erosion(known, iterations=int(4 * SMOOTHING), border_value=0)
    # The outline of the scene is an edge in both images, which would vote for no shift.
    taper = ndimage.gaussian_filter(inside.astype(np.float64), 2 * SMOOTHING) * inside
    level = size[inside].mean() if inside.any() else 0.0
    return (size - level) * taper


def _phase_correlation(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the correlation of phases by shift, zero shift first."""
    shape = [fft.next_fast_len(2 * size, real=True) for size in image.shape]
    cross = fft.rfft2(reference, shape) * np.conj(fft.rfft2(image, shape))
    size = np.abs(cross)
    # Frequencies without signal have no phase.
    return np.asarray(fft.irfft2(cross / np.maximum(size, 1e-3 * size.mean()), shape))


def _peak(correlation: np.ndarray, reach: int) -> tuple[float, float]:
    """Return the shift of the highest value within reach, with its fraction."""
    span = np.arange(-reach, reach + 1)
    window = ndimage.gaussian_filter(correlation[np.ix_(span, span)], 1.0, mode="nearest")
    row, column = np.unravel_index(int(np.argmax(window)), window.shape)
    fractions = []
    for line, place in ((window[:, column], int(row)), (window[row], int(column))):
        if not 0 < place < 2 * reach:
            fractions.append(float(place - reach))
            continue
        low, top, high = np.log(np.maximum(line[place - 1 : place + 2], 1e-12))
        curvature = low - 2 * top + high
        fractions.append(place - reach + (0.5 * (low - high) / curvature if curvature < 0 else 0.0))
    return fractions[0], fractions[1]
