"""Integrated mass enhancement: the gas above the background within a plume's mask, and what leaves it per second.

Source: Varon et al. (2018), doi:10.5194/amt-11-5673-2018; specs/plumes.md 1.12, 6.7, D1, D15.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HYPERGAS_GRAVITY = 9.8
HYPERGAS_MOLAR_MASS = {"ch4": 16.04e-3, "co2": 44.01e-3, "co": 28.01e-3, "no2": 46.0e-3}
HYPERGAS_MOLAR_MASS_AIR = 28.964e-3
HYPERGAS_PIXEL_SIZE = {"EMIT": 60.0, "EnMAP": 30.0, "PRISMA": 30.0}
HYPERGAS_PPM_PER_MOLE = 2.9
"""ppm of one mol m-2 in its retrieval, which takes every column of air for 3.448e5 mol m-2 (D1)."""


@dataclass(frozen=True)
class Mass:
    """Mass within a mask.

    Parameters
    ----------
    mass : float
        kg; not a number where no pixel counts.
    noise : float
        1 sigma of the mass from the retrieval's own noise, kg.
    area : float
        m2.
    length : float
        Effective length, the root of the area, m.
    pixels : int
        That count: in the mask and with an enhancement.
    """

    mass: float
    noise: float
    area: float
    length: float
    pixels: int


def integrated_mass(
    enhancement: np.ndarray,
    mask: np.ndarray,
    area: np.ndarray,
    molar_mass: float,
    noise: np.ndarray | None = None,
) -> Mass:
    """Integrate an enhancement over a mask, each pixel with its own area.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        mol m-2; pixels that are not a number don't count.
    mask : ndarray of bool
    area : ndarray
        m2.
    molar_mass : float
        kg mol-1.
    noise : ndarray, optional
        1 sigma of the enhancement, mol m-2, uncorrelated between pixels.
    """
    inside = mask & np.isfinite(enhancement) & np.isfinite(area)
    pixels = int(inside.sum())
    if not pixels:
        return Mass(np.nan, np.nan, 0.0, 0.0, 0)
    areas = area[inside].astype(float)
    moles = float(np.sum(enhancement[inside] * areas))
    spread = np.nan if noise is None else float(np.sqrt(np.sum((noise[inside] * areas) ** 2)))
    total = float(areas.sum())
    return Mass(moles * molar_mass, spread * molar_mass, total, float(np.sqrt(total)), pixels)


def hypergas_mass(enhancement: np.ndarray, mask: np.ndarray, pixel_size: float, gas: str, pressure: float) -> Mass:
    """Integrate as HyperGas does: mixing ratios of a fixed column, taken back to mass with the local pressure (D1).

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        mol m-2.
    pixel_size : float
        Nominal, m.
    pressure : float
        At the surface, Pa.
    """
    inside = mask & np.isfinite(enhancement)
    pixels = int(inside.sum())
    if not pixels:
        return Mass(np.nan, np.nan, 0.0, 0.0, 0)
    mass = float(enhancement[inside].sum()) * hypergas_mass_per_mole(gas, pressure) * pixel_size**2
    area = pixels * pixel_size**2
    return Mass(mass, np.nan, area, float(np.sqrt(area)), pixels)


def hypergas_mass_per_mole(gas: str, pressure: float) -> float:
    """Return the kg that HyperGas makes of a mole of enhancement above a surface pressure (Pa)."""
    ratio = HYPERGAS_MOLAR_MASS[gas] / HYPERGAS_MOLAR_MASS_AIR
    return HYPERGAS_PPM_PER_MOLE * 1e3 * 1e-9 * ratio * pressure / HYPERGAS_GRAVITY


def farthest_distance(x: np.ndarray, y: np.ndarray, source: tuple[float, float]) -> float:
    """Return the distance (m) from a source to the farthest of some points; it is a vertex of their convex hull."""
    return float(np.hypot(x - source[0], y - source[1]).max()) if x.size else np.nan
