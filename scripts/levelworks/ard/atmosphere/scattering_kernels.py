"""Scattering at given geometries: single scattering in closed form, and the smooth rest from tables.

Path reflectance is that of molecules, plus that which aerosol adds. Of both, single scattering is taken out of the
tables, since it carries the phase function's structure in angle; what is left is interpolated linearly on a fine grid.
"""

from __future__ import annotations

import numpy as np
from numba import njit

DEPOLARIZATION = 0.0279
"""Of air, as 6S has it."""
SHADE = 0.78
"""Share of the molecules above the aerosol's mean height: exp(-2 km / 8 km), the scale heights of 6S."""


@njit(nogil=True, cache=True)
def molecular_phase(cosine: float) -> float:
    """Return the Rayleigh phase function with depolarization at the cosine of the scattering angle."""
    share = 2.0 * (1.0 - DEPOLARIZATION) / (2.0 + DEPOLARIZATION)
    return share * 0.75 * (1.0 + cosine * cosine) + 3.0 * DEPOLARIZATION / (2.0 + DEPOLARIZATION)


@njit(nogil=True, cache=True)
def scatter(
    sun: np.ndarray,
    view: np.ndarray,
    azimuth: np.ndarray,
    aod: np.ndarray,
    pressure: np.ndarray,
    optics: np.ndarray,
    phase: np.ndarray,
    molecules: np.ndarray,
    aerosols: np.ndarray,
    albedos: np.ndarray,
    loads: np.ndarray,
    result: np.ndarray,
) -> None:
    """Fill in the scattering of a band.

    Parameters
    ----------
    sun, view, azimuth : ndarray, shape (n,), float64
        Degrees.
    aod, pressure : ndarray, shape (n,), float64
        At 550 nm; of the ground over that at sea level.
    optics : ndarray, shape (4,), float64
        Rayleigh depth at sea level, its two coefficients with pressure, aerosol depth for 1 at 550 nm.
    phase : ndarray, shape (m,), float64
        Aerosol phase function times single scattering albedo at cosines c of the scattering angle from -1 to 0.2, even
        in the root of 1 + c, which is nearly even in angle.
    molecules : ndarray, shape (zeniths, 4, 4), float64
        At every degree of sun zenith: for nadir and for three terms in view direction, four powers of pressure.
    aerosols : ndarray, shape (zeniths, loads, 8), float64
        Rest of path reflectance at sea level and its slope with pressure, three terms in view direction, and three
        powers of pressure of the logarithm of total transmittance.
    albedos : ndarray, shape (loads, 3), float64
        Powers of pressure of the spherical albedo.
    loads : ndarray, shape (loads,), float64
        Aerosol optical depths of the tables, their square roots even.
    result : ndarray, shape (9, n), float64
        Path, down, up, direct down, direct up, albedo, Rayleigh depth, aerosol depth, path of molecules alone.
    """
    radian = np.pi / 180.0
    last_zenith = molecules.shape[0] - 1
    last_load = loads.shape[0] - 1
    root_step = np.sqrt(loads[last_load]) / last_load
    last_phase = phase.shape[0] - 1
    for one in range(sun.shape[0]):
        if not np.isfinite(sun[one] + view[one] + azimuth[one] + aod[one] + pressure[one]):
            result[:, one] = np.nan
            continue
        cos_sun, cos_view = np.cos(sun[one] * radian), np.cos(view[one] * radian)
        sin_sun, sin_view = np.sin(sun[one] * radian), np.sin(view[one] * radian)
        cos_azimuth = np.cos(azimuth[one] * radian)
        cosine = -cos_sun * cos_view - sin_sun * sin_view * cos_azimuth
        air_mass = 1.0 / cos_sun + 1.0 / cos_view
        p = pressure[one]
        molecular_depth = optics[0] * p * (1.0 + optics[1] * (1.0 - p) + optics[2] * (1.0 - p) ** 2)
        load = min(max(aod[one], 0.0), loads[last_load])
        aerosol_depth = optics[3] * load

        # cells of the tables
        place = min(max(sun[one], 0.0), float(last_zenith))
        south = min(int(place), last_zenith - 1)
        to_south = place - south
        place = min(max(view[one], 0.0), float(last_zenith))
        steep = min(int(place), last_zenith - 1)
        to_steep = place - steep
        low = min(int(np.sqrt(load) / root_step), last_load - 1)
        to_low = (load - loads[low]) / (loads[low + 1] - loads[low])

        slope1 = sin_view * cos_azimuth
        slope2 = sin_view * sin_view
        slope3 = slope2 * (2.0 * cos_azimuth * cos_azimuth - 1.0)

        smooth = 0.0
        for term in range(4):
            factor = 1.0 if term == 0 else (slope1 if term == 1 else (slope2 if term == 2 else slope3))
            for row in range(2):
                weight = to_south if row else 1.0 - to_south
                cell = molecules[south + row, term]
                smooth += weight * factor * (cell[0] + p * (cell[1] + p * (cell[2] + p * cell[3])))
        molecular = smooth + molecular_phase(cosine) / (4.0 * (cos_sun + cos_view)) * (
            1.0 - np.exp(-molecular_depth * air_mass)
        )

        rest = 0.0
        down = 0.0
        up = 0.0
        for row in range(2):
            for column in range(2):
                share = to_low if column else 1.0 - to_low
                weight = (to_south if row else 1.0 - to_south) * share
                cell = aerosols[south + row, low + column]
                rest += weight * (
                    cell[0] + (p - 1.0) * cell[1] + slope1 * cell[2] + slope2 * cell[3] + slope3 * cell[4]
                )
                down += weight * (cell[5] + p * (cell[6] + p * cell[7]))
                weight = (to_steep if row else 1.0 - to_steep) * share
                cell = aerosols[steep + row, low + column]
                up += weight * (cell[5] + p * (cell[6] + p * cell[7]))
        place = np.sqrt(min(max((1.0 + cosine) / 1.2, 0.0), 1.0)) * last_phase
        left = min(int(place), last_phase - 1)
        scattered = phase[left] + (place - left) * (phase[left + 1] - phase[left])
        single = (
            scattered
            / (4.0 * (cos_sun + cos_view))
            * (1.0 - np.exp(-aerosol_depth * air_mass))
            * np.exp(-SHADE * molecular_depth * air_mass)
        )
        first, second = albedos[low], albedos[low + 1]
        result[0, one] = molecular + single + rest
        result[1, one] = np.exp(down)
        result[2, one] = np.exp(up)
        result[3, one] = np.exp(-(molecular_depth + aerosol_depth) / cos_sun)
        result[4, one] = np.exp(-(molecular_depth + aerosol_depth) / cos_view)
        result[5, one] = (1.0 - to_low) * (first[0] + p * (first[1] + p * first[2])) + to_low * (
            second[0] + p * (second[1] + p * second[2])
        )
        result[6, one] = molecular_depth
        result[7, one] = aerosol_depth
        result[8, one] = molecular
