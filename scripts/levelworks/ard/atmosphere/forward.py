"""Reflectance at the top of the atmosphere from that of the ground, and back.

6S's coupling (Vermote et al. 1997, doi:10.1109/36.581987; Vermote and Saleous 2006): ozone and the other gases act on
all light, water vapour on light from the ground, half of it on light that aerosol scatters, none on what molecules
scatter, most of which lie above it.
"""

from __future__ import annotations

import numpy as np

from levelworks.ard.atmosphere.tables import Gases, Scattering, Values


def path_reflectance(scattering: Scattering, gases: Gases) -> Values:
    """Return the reflectance of the atmosphere over black ground, dimmed by its gases."""
    molecules = scattering.molecular_path
    return gases.other * gases.ozone * (molecules + (scattering.path - molecules) * gases.half_water)


def toa_reflectance(
    scattering: Scattering, gases: Gases, surface: Values, environment: Values | None = None
) -> np.ndarray:
    """Return the reflectance at the top of the atmosphere.

    Parameters
    ----------
    scattering : Scattering
    gases : Gases
    surface : array-like
        Reflectance of the ground, Lambertian.
    environment : array-like, optional
        Mean reflectance of the surroundings as the air mixes them in (`environment_fraction`); the ground's own where
        not given.

    Returns
    -------
    ndarray, float64
        path + Tg Td (tu_direct rho + tu_diffuse rho_e) / (1 - S rho_e); spec section 11.
    """
    around = np.asarray(surface if environment is None else environment)
    diffuse_up = scattering.up - scattering.direct_up
    lit = gases.other * gases.ozone * gases.water * scattering.down / (1.0 - scattering.albedo * around)
    return np.asarray(
        path_reflectance(scattering, gases) + lit * (scattering.direct_up * np.asarray(surface) + diffuse_up * around)
    )


def surface_reflectance(
    scattering: Scattering, gases: Gases, toa: Values, environment: Values | None = None
) -> np.ndarray:
    """Return the reflectance of the ground: the inverse of `toa_reflectance`.

    Parameters
    ----------
    scattering : Scattering
    gases : Gases
    toa : array-like
        Reflectance at the top of the atmosphere.
    environment : array-like, optional
        Mean reflectance of the surroundings; uniform ground where not given.

    Returns
    -------
    ndarray, float64
    """
    above = np.asarray(toa) - path_reflectance(scattering, gases)
    lit = above / (gases.other * gases.ozone * gases.water * scattering.down)
    if environment is None:
        return np.asarray(lit / (scattering.up + scattering.albedo * lit))
    around = np.asarray(environment)
    diffuse_up = scattering.up - scattering.direct_up
    return np.asarray((lit * (1.0 - scattering.albedo * around) - diffuse_up * around) / scattering.direct_up)


def environment_fraction(radius_km: Values, rayleigh: Values, aerosol: Values) -> np.ndarray:
    """Return the share of diffuse light from the ground that comes from within a radius, seen from nadir.

    Parameters
    ----------
    radius_km : array-like
        Kilometres.
    rayleigh, aerosol : array-like
        Optical depths of the band.

    Returns
    -------
    ndarray, float64
        Of molecules and of aerosol, weighted by the light that each scatters upward. Vermote et al. 1997,
        doi:10.1109/36.581987, with the constants of 6SV 1.1, which runs over a bright surroundings gave back to 0.002.
    """
    radius = np.asarray(radius_km, float)
    by_molecules = 1.0 - 0.930 * np.exp(-0.08 * radius) - 0.070 * np.exp(-1.10 * radius)
    by_aerosol = 1.0 - 0.448 * np.exp(-0.27 * radius) - 0.552 * np.exp(-2.83 * radius)
    # diffuse transmittances of 6S for either alone, fitted at nadir
    molecular = np.exp(-0.48 * np.asarray(rayleigh)) - np.exp(-np.asarray(rayleigh))
    hazy = np.exp(-0.20 * np.asarray(aerosol)) - np.exp(-np.asarray(aerosol))
    return np.asarray((molecular * by_molecules + hazy * by_aerosol) / (molecular + hazy))
