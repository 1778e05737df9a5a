"""Column water vapour of Sentinel-2 images from the absorption at 0.945 um beside 0.865 um (spec 12).

Amounts are found pixel by pixel of 60 m by inverting a monotone table of the cell's geometry and elevation, averaged
over the cells of the field, smoothed at sea level's equivalent, and filled where there is no bright clear land.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from levelworks.ard.aerosol.inversion import RadiativeTransfer
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at
from levelworks.ard.fields import fill_missing
from levelworks.ard.scene import Angles
from levelworks.ard.water_vapour.retrieve_kernels import PER_CELL, PIXELS, UNIT, add_rows

BANDS = ("RED", "REDEDGE3", "NIR", "VAPOR")
"""That blocks must have, in this order."""
LARGEST = 7.0
"""g cm-2: the end of the table (spec 12)."""
SMALLEST = 0.01
NODES = 32
DARKEST = 0.15
"""Reflectance at 0.865 um of land that is bright enough (spec 12)."""
LIKELY_AOD = 0.135
"""Where the aerosol isn't known: the global median."""
SCALE_HEIGHT = 2000.0
"""Metres over which water vapour and aerosol thin out."""
SMOOTHING = 1.0
"""Cells over which the field is smoothed; each next scale of filling is four times the one before."""
SCALES = 5
ENOUGH = 0.15
"""Share of the pixels within reach of a scale that must have an amount, so that holes are filled from all sides."""
RATIO_ERROR = 0.02
"""Relative error of the ratio of the two bands of a cell: calibration, and what the slope of the ground leaves."""
FILL_ERROR = 0.15
"""Relative error that is added where a cell was filled."""


@dataclass(frozen=True)
class WaterVapourMap:
    """Water vapour of an image on its field; arrays (rows, columns).

    Parameters
    ----------
    amount, sigma : ndarray, float32
        g cm-2, and its standard error.
    filled : ndarray, bool
        Where no pixel of the cell gave an amount (bit 14 of the quality bits).
    quality : dict
        Figures for the record.
    """

    amount: np.ndarray
    sigma: np.ndarray
    filled: np.ndarray
    quality: dict[str, float] = field(default_factory=dict)


class WaterVapourRetrieval:
    """The retrieval of one image: blocks of rows are added, then the map is made.

    Parameters
    ----------
    tables : Tables
        Radiative transfer of the sensor.
    angles : Angles
        On the field.
    elevation : ndarray, shape of the field
        Metres.
    ozone : float
        atm-cm.
    aod : ndarray of the field's shape, or float
        At 550 nm at each cell's elevation; the global median, thinning out with elevation, where None.
    model : str
        Aerosol model.
    """

    def __init__(
        self,
        tables: RadiativeTransfer,
        angles: Angles,
        elevation: np.ndarray,
        ozone: float,
        *,
        aod: np.ndarray | float | None = None,
        model: str = "continental",
    ) -> None:
        ground = fill_missing(np.asarray(elevation, np.float64))
        self.elevation = np.where(np.isfinite(ground), ground, 0.0)
        shape = self.elevation.shape
        if aod is None:
            aod = LIKELY_AOD * np.exp(-self.elevation / SCALE_HEIGHT)
        place = {
            "sun_zenith": fill_missing(angles.sun_zenith),
            "view_zenith": fill_missing(angles.view_zenith),
            "pressure": pressure_at(self.elevation),
        }
        self.roots = np.linspace(SMALLEST**0.5, LARGEST**0.5, NODES)
        self.air = np.empty((*shape, len(BANDS), 6))
        for number, band in enumerate(BANDS):
            scattering = tables.at(
                band, model, relative_azimuth=fill_missing(angles.relative_azimuth), aod=aod, **place
            )
            gases = tables.gases(band, water_vapour=2.0, ozone=ozone, **place)
            parts = (
                gases.ozone * gases.other,
                scattering.molecular_path,
                scattering.path - scattering.molecular_path,
                scattering.down * scattering.up,
                scattering.albedo,
                -np.log(gases.water),
            )
            for place_of, part in enumerate(parts):
                self.air[..., number, place_of] = part
        self.water, self.half = np.empty((*shape, NODES)), np.empty((*shape, NODES))
        for node, root in enumerate(self.roots):
            gases = tables.gases("VAPOR", water_vapour=root**2, ozone=ozone, **place)
            self.water[..., node], self.half[..., node] = gases.water, gases.half_water
        self.counts, self.sums = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def add(self, start: int, toa: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Add a block of rows of 10 m pixels.

        Parameters
        ----------
        start : int
            Row of the image that is the block's first, a multiple of 6: pixels of 60 m can't be cut.
        toa : ndarray, shape (4, rows, columns), float32
            Reflectance at the top of the atmosphere of `BANDS`, coarser bands repeated.
        valid : ndarray, shape (rows, columns)
            True of land that is neither cloud nor shadow nor snow.

        Returns
        -------
        ndarray, shape (rows of 60 m, columns of 60 m), float32
            g cm-2; NaN where nothing was found.
        """
        rows, columns = toa.shape[1:]
        if start % PIXELS:
            raise ValueError(f"blocks of rows must begin at a multiple of {PIXELS}, not at {start}")
        amounts = np.empty((-(-rows // PIXELS), -(-columns // PIXELS)), np.float32)
        add_rows(
            np.ascontiguousarray(toa, np.float32),
            np.ascontiguousarray(valid).astype(np.uint8),
            start,
            self.air,
            self.water,
            self.half,
            self.roots,
            DARKEST,
            amounts,
            self.counts,
            self.sums,
        )
        return amounts

    def merge(self, counts: np.ndarray, sums: np.ndarray) -> None:
        """Add what another rank has counted and summed."""
        self.counts += counts
        self.sums += sums

    def map(self, fallback: float) -> WaterVapourMap:
        """Return the water vapour of the field.

        Parameters
        ----------
        fallback : float
            g cm-2 at sea level, taken where the image has no clear bright land at all.
        """
        raise_by = np.exp(self.elevation / SCALE_HEIGHT)
        weight = self.counts.astype(np.float64)
        total = self.sums * UNIT * raise_by
        level = np.full(weight.shape, np.nan)
        for scale in range(SCALES):
            below = np.isnan(level)
            if not below.any():
                break
            near, wet = _spread(weight, total, SMOOTHING * 4.0**scale)
            good = below & (near > ENOUGH * PER_CELL**2)
            level[good] = wet[good] / near[good]
        seen = weight.sum()
        level[np.isnan(level)] = total.sum() / seen if seen else fallback
        amount = np.clip(level / raise_by, SMALLEST, LARGEST)
        filled = self.counts == 0
        relative = RATIO_ERROR / self._steepness(amount)
        sigma = amount * np.hypot(relative, np.where(filled, FILL_ERROR if seen else 0.5, 0.0))
        quality = {
            "water_vapour_pixels": int(seen),
            "water_vapour_filled_share": float(filled.mean()),
            "water_vapour_error": float(sigma.mean()),
        }
        return WaterVapourMap(amount.astype(np.float32), sigma.astype(np.float32), filled, quality)

    def _steepness(self, amount: np.ndarray) -> np.ndarray:
        """Return -d ln T / d ln u of the water vapour's transmittance at each cell's amount."""
        step = self.roots[1] - self.roots[0]
        node = np.clip(((np.sqrt(amount) - self.roots[0]) / step).astype(int), 0, NODES - 2)[..., None]
        fall = np.log(np.take_along_axis(self.water, node, -1) / np.take_along_axis(self.water, node + 1, -1))[..., 0]
        return np.maximum(fall / step * np.sqrt(amount) / 2.0, 1e-3)


def _spread(weight: np.ndarray, total: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Gaussian means of the cells' pixels and of their summed amounts."""
    from scipy.ndimage import gaussian_filter

    near, wet = (gaussian_filter(one, scale, mode="constant", truncate=3.0) for one in (weight, total))
    return near, wet
