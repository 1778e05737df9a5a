"""Diffuse light on slopes as the terrain itself shows it: the C of the modified C-correction, smooth over the image.

On a slope, sunlight is ``cos i + V K + (1 - V) b (cos z + K)`` of what falls straight down the beam: direct light, the
share K of the sky seen with view factor V, and what terrain of reflectance b sends; on level ground it is
``cos z + K`` (Kobayashi and Sanga-Ngoie 2008; spec section 15.3, where ``K = C f / (f0 h0)``). In theory
``K = f cos z`` with f diffuse over direct transmittance of the band. What SWIR2 shows beyond that over sloping ground
is shared: as far as the aerosol is uncertain it is propagated to other bands as f is; the rest is the same in all
bands, as errors of the elevation model and of Lambert's law are.
"""

from __future__ import annotations

import numpy as np

from levelworks.ard.surface.field import AtmosphereField
from levelworks.ard.surface.field_kernels import BACKGROUND, DIFFUSE, GAIN, GAIN_RISE, OFFSET, OFFSET_RISE
from levelworks.ard.surface.topographic_kernels import (
    COUNT,
    KINDS,
    LIGHT,
    LIGHT2,
    LIGHT_SIGNAL,
    SIGNAL,
    SIGNAL2,
    UNITS,
    add_slopes,
)
from levelworks.ard.terrain.illumination import Illumination

SPACING = 60.0
"""Metres between pixels that are taken."""
TILE = 10
"""Cells of the field along a side of a tile, 3 km; each tile is judged with the eight about it."""
FEWEST = 30
"""Pixels of a kind below which it is passed over."""
ALIKE = 25.0
"""Pixels that count as one: neighbours are alike."""
PRIOR = 0.1
"""Standard deviation of light that is the same in all bands before anything is seen, in cosines of incidence."""
MOST = 1.0
"""Light beyond theory at the most."""
MOST_FACTOR = 2.0
"""Of diffuse light to its theory, at the most: so wrong may the aerosol be."""
NEEDED = (GAIN, GAIN_RISE, OFFSET, OFFSET_RISE, DIFFUSE, BACKGROUND)


class SlopeSums:
    """Sums over the sloping pixels of an image, in tiles; blocks of rows are added in any order.

    Parameters
    ----------
    field : AtmosphereField
        With SWIR1 and SWIR2 among its bands, and with its background.
    """

    def __init__(self, field: AtmosphereField) -> None:
        self.field = field.of("SWIR1", "SWIR2")
        self.spacing = max(1, round(SPACING / field.grid.resolution))
        rows, columns = field.shape
        self.sums = np.zeros((-(-rows // TILE), -(-columns // TILE), KINDS, 6), np.int64)

    def add(
        self, swir1: np.ndarray, swir2: np.ndarray, clear: np.ndarray, start: int, illumination: Illumination
    ) -> None:
        """Add the rows that begin at `start`.

        Parameters
        ----------
        swir1, swir2 : ndarray, shape (rows, columns), float32
            Reflectance at the top of the atmosphere, NaN where off.
        clear : ndarray, shape (rows, columns), bool
            Land without cloud, shadow or snow.
        illumination : Illumination
            Of the same rows.
        """
        step = self.field.step
        first, last = start // step, (start + swir2.shape[0] - 1) // step + 1
        found = self.field.coefficients(first, last, variance=False)
        add_slopes(
            swir1,
            swir2,
            clear.astype(np.bool_),
            np.ascontiguousarray(found[:, list(NEEDED)]),
            np.cos(np.radians(self.field.cells[0, first:last])),
            first,
            step,
            start,
            self.spacing,
            TILE,
            illumination.elevation,
            illumination.direct,
            illumination.sky_view,
            illumination.flags,
            self.sums,
        )

    def merge(self, others: SlopeSums) -> None:
        """Add the sums of another rank."""
        self.sums += others.sums


def light_beyond_theory(sums: np.ndarray) -> np.ndarray:
    """Return the even light, in cosines of incidence, that explains how little or much slopes differ, per tile.

    Within a kind of surface, signal over its mean is a straight line over the light of theory, whose slope is one over
    the mean light in all: theory's and what is beyond it. The lines of all kinds are fitted together, and what they
    say is weighed against none at all by their standard error.

    Parameters
    ----------
    sums : ndarray, shape (rows, columns, KINDS, 6), int64
        Of `SlopeSums`.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        0 to `MOST`.
    """
    padded = np.pad(sums, ((1, 1), (1, 1), (0, 0), (0, 0)))
    rows, columns = sums.shape[:2]
    about = sum(padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3))
    whole = np.moveaxis(np.asarray(about).astype(np.float64), -1, 0)
    count = np.where(whole[COUNT] >= FEWEST, whole[COUNT], np.nan)
    light, signal = whole[LIGHT] / count / UNITS, whole[SIGNAL] / count / UNITS
    spread = whole[LIGHT2] / UNITS**2 - count * light**2
    along = (whole[LIGHT_SIGNAL] / UNITS**2 - count * light * signal) / signal
    scatter = (whole[SIGNAL2] / UNITS**2 - count * signal**2) / signal**2
    total = np.nansum(spread, axis=-1)
    usable = total > 0
    total = np.where(usable, total, 1.0)
    slope = np.nansum(along, axis=-1) / total
    mean = np.nansum(spread * light, axis=-1) / total
    freedom = np.maximum(np.nansum(count, axis=-1) - np.isfinite(count).sum(axis=-1) - 1, 1)
    residual = np.maximum(np.nansum(scatter, axis=-1) - slope * np.nansum(along, axis=-1), 0.0) / freedom
    # A line that runs the wrong way says as much as one that hardly rises.
    least = np.maximum(slope, 1.0 / (mean + MOST))
    error = np.sqrt(ALIKE * residual / total) / least**2
    beyond = (1.0 / least - mean) * PRIOR**2 / (PRIOR**2 + error**2)
    return np.where(usable, np.clip(beyond, 0.0, MOST), 0.0)


def diffuse_of_terrain(field: AtmosphereField, sums: SlopeSums) -> np.ndarray:
    """Return what terrain shows of diffuse light, for `AtmosphereField.with_diffuse`.

    Returns
    -------
    ndarray, shape (2, rows, columns), float32
        Factor of the theory's diffuse light of each band, and what is added to it in all bands.
    """
    from scipy.ndimage import map_coordinates

    tiles = light_beyond_theory(sums.sums)
    places = np.indices(field.shape).astype(np.float64)
    beyond = map_coordinates(tiles, (places + 0.5) / TILE - 0.5, order=1, mode="nearest")
    swir2 = field.of("SWIR2")
    theory = np.maximum(swir2.coefficients(0, field.shape[0], variance=False)[0, DIFFUSE], 1e-6)
    # Both explain what is seen: each by its variance.
    aerosol = np.minimum(field.cells[6] / np.maximum(field.cells[3], 1e-3), 1.0) * theory
    scaled = np.minimum(beyond * aerosol**2 / (aerosol**2 + PRIOR**2), (MOST_FACTOR - 1.0) * theory)
    return np.stack([1.0 + scaled / theory, beyond - scaled]).astype(np.float32)
