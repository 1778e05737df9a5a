"""From reflectance at the top of the atmosphere to that of the surface, by blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from levelworks.ard.scene import FIELD_SPACING, Angles, ImageGrid
from levelworks.ard.surface.correct_kernels import OFF, SATURATED, SUBZERO, correct_rows
from levelworks.ard.surface.field import AtmosphereField, build_field
from levelworks.ard.surface.local_tables import RadiativeTransfer
from levelworks.ard.terrain.illumination import Illumination

MOST = 5.0
"""By which a slope's correction multiplies at the most: beyond, sunlight is too little to tell."""
PIXEL_OF_ITS_OWN = FIELD_SPACING
"""Resolution (m) at which a cell of the field is a pixel."""
__all__ = ["OFF", "SATURATED", "SUBZERO", "Corrected", "correct_block", "toa_to_surface"]


@dataclass(frozen=True)
class Corrected:
    """A block of rows.

    Parameters
    ----------
    reflectance : ndarray, shape (bands, rows, columns), int16
        Times 10000; -9999 in all bands where a band has no data.
    uncertainty : ndarray or None, shape (bands, rows, columns), int16
        Standard error, times 10000.
    flags : ndarray, shape (rows, columns), uint8
        Those of `Illumination`, and `SUBZERO`, `SATURATED`; `OFF` alone where there is no data.
    """

    reflectance: np.ndarray
    uncertainty: np.ndarray | None
    flags: np.ndarray


def correct_block(
    field: AtmosphereField,
    toa: np.ndarray,
    start: int,
    illumination: Illumination,
    *,
    topographic: bool,
    uncertainty: bool = True,
) -> Corrected:
    """Correct the rows of an image that begin at `start`; the same values however rows are cut.

    Parameters
    ----------
    field : AtmosphereField
    toa : ndarray, shape (bands, rows, columns), float32
        The field's bands at the top of the atmosphere, NaN where off.
    illumination : Illumination
        Of the same rows.
    topographic : bool
        Put slopes level (spec section 15.3).
    uncertainty : bool
        Return standard errors (spec section 22).
    """
    return _correct(field, toa, start, illumination, topographic, uncertainty, exact=False)[0]


def _correct(
    field: AtmosphereField,
    toa: np.ndarray,
    start: int,
    illumination: Illumination,
    topographic: bool,
    uncertainty: bool,
    exact: bool,
) -> tuple[Corrected, np.ndarray]:
    rows, step = toa.shape[1], field.step
    first = max(int((start + 0.5) / step - 0.5), 0)
    last = min(int((start + rows - 0.5) / step - 0.5) + 2, field.shape[0])
    nothing = (0, 0, 0)
    reflectance = np.empty(toa.shape, np.int16)
    errors = np.empty(toa.shape if uncertainty else nothing, np.int16)
    values = np.empty(toa.shape if exact else nothing, np.float32)
    flags = illumination.flags.copy()
    correct_rows(
        np.ascontiguousarray(toa, np.float32),
        field.coefficients(first, last, variance=uncertainty),
        first,
        np.cos(np.radians(field.cells[0, first:last])),
        step,
        start,
        illumination.elevation,
        illumination.direct,
        illumination.sky_view,
        illumination.tilt,
        not topographic,
        MOST,
        reflectance,
        errors,
        values,
        flags,
    )
    return Corrected(reflectance, errors if uncertainty else None, flags), values


def toa_to_surface(
    tables: RadiativeTransfer,
    model: str,
    bands: Sequence[str],
    toa: np.ndarray,
    *,
    sun_zenith: np.ndarray | float,
    view_zenith: np.ndarray | float,
    relative_azimuth: np.ndarray | float,
    aod: np.ndarray | float,
    water_vapour: np.ndarray | float,
    ozone: float,
    elevation: np.ndarray | float = 0.0,
    background: np.ndarray | None = None,
) -> np.ndarray:
    """Return the surface reflectance of a small array, each pixel under an atmosphere of its own.

    The same kernel as for images, on a grid whose cells are pixels.

    Parameters
    ----------
    toa : ndarray, shape (bands, rows, columns)
        Reflectance at the top of the atmosphere, NaN where off.
    sun_zenith, view_zenith, relative_azimuth, aod, water_vapour, elevation : ndarray, shape (rows, columns), or float
        Degrees, AOD at 550 nm, g cm-2, m.
    ozone : float
        atm-cm.
    background : ndarray, shape (bands, rows, columns)
        Reflectance of the surroundings; None takes each pixel's own.

    Returns
    -------
    ndarray, shape (bands, rows, columns), float32
        NaN in all bands where one is off.
    """
    shape = toa.shape[1:]
    grid = ImageGrid("", 0.0, 0.0, PIXEL_OF_ITS_OWN, *shape)
    sun, view, azimuth = (np.broadcast_to(one, shape) for one in (sun_zenith, view_zenith, relative_azimuth))
    field = build_field(
        tables,
        model,
        grid,
        bands,
        Angles(sun, np.zeros(shape), view, azimuth),
        elevation=np.broadcast_to(elevation, shape),
        aod=np.broadcast_to(aod, shape),
        aod_error=0.0,
        water_vapour=water_vapour,
        ozone=ozone,
    )
    # The surroundings are given: none of them are the pixel itself.
    field = replace(field, background=background, own=(0.0, 0.0))
    flat = np.ones(shape, np.float32)
    heights = np.ascontiguousarray(np.broadcast_to(elevation, shape), np.float32)
    level = Illumination(heights, flat, flat, 0 * flat, np.zeros(shape, np.uint8))
    return _correct(field, toa, 0, level, topographic=False, uncertainty=False, exact=True)[1]
