"""Coefficients of apparent reflectance from direct runs of 6S over bands, for the simulator and the tests.

Over a uniform ground of reflectance rho, 6S sees a + b rho / (1 - c rho).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from levelworks.ard.atmosphere.sixs import Case, Sixs, read_printed
from levelworks.ard.atmosphere.spectral_responses import band_responses
from levelworks.ard.atmosphere.standard_atmosphere import ozone_share_above, water_share_above


def direct_case(
    sensor: str,
    band: str,
    *,
    sun_zenith: float,
    view_zenith: float,
    relative_azimuth: float,
    aerosol: str,
    aod: float,
    altitude: float,
    water_vapour: float,
    ozone: float,
    reflectance: float | tuple[float, float, float],
) -> Case:
    """Return the run of 6S over a band, gases given above the ground (altitude in km)."""
    response = band_responses(sensor)[band]
    return Case(
        response=(response.first, response.response),
        sun_zenith=sun_zenith,
        view_zenith=view_zenith,
        relative_azimuth=relative_azimuth,
        aerosol=aerosol,
        aod=aod,
        altitude=altitude,
        water_vapour=water_vapour / water_share_above(altitude),
        ozone=ozone / ozone_share_above(altitude),
        reflectance=reflectance,
    )


def coefficients(sixs: Sixs, sensor: str, band: str, **case: Any) -> dict[str, float]:
    """Run a band over black and bright ground.

    Returns
    -------
    dict of float
        a, b, c; and what 6S prints: path reflectance and that of molecules alone, total and direct transmittance down
        and up, spherical albedo, optical depths, two-way transmittance of all gases, water vapour and ozone, pressure.
    """
    texts = sixs.run_all(direct_case(sensor, band, reflectance=value, **case) for value in (0.0, 0.5))
    black, bright = (read_printed(text) for text in texts)
    values = black.values
    albedo, depth = values["albedo"][2], values["depth"][2]
    secants = [1.0 / np.cos(np.radians(case[name])) for name in ("sun_zenith", "view_zenith")]
    return {
        "a": black.apparent,
        "b": round((bright.apparent - black.apparent) * (1.0 - 0.5 * albedo) / 0.5, 7),
        "c": albedo,
        "path": values["reflectance"][2],
        "molecular_path": values["reflectance"][0],
        "down": values["transmittance"][0],
        "up": values["transmittance"][1],
        "direct_down": round(float(np.exp(-depth * secants[0])), 5),
        "direct_up": round(float(np.exp(-depth * secants[1])), 5),
        "rayleigh": values["depth"][0],
        "aerosol": values["depth"][1],
        "gas": values["gas"][2],
        "water": values["water"][2],
        "ozone": values["ozone"][2],
        "pressure": black.pressure,
    }


def with_water_vapour(
    sixs: Sixs, sensor: str, band: str, found: dict[str, float], before: float, amount: float, **case: Any
) -> dict[str, float]:
    """Return coefficients for another amount of water vapour, from runs of 6S without aerosol, which cost little.

    Parameters
    ----------
    sixs : Sixs
    sensor, band : str
    found : dict of float
        Coefficients at the amount `before`.
    before, amount : float
        Water vapour, g cm-2.
    **case
        The rest of the case, as for `coefficients`.
    """
    bare = {**case, "aerosol": "none", "aod": 0.0, "reflectance": 0.0}
    amounts = (before, amount, 0.5 * before, 0.5 * amount, 0.0)
    texts = sixs.run_all(direct_case(sensor, band, water_vapour=value, **bare) for value in amounts)
    old, new, old_half, new_half, dry = (read_printed(text).values for text in texts)
    by_aerosol = found["path"] - found["molecular_path"]
    return {
        **found,
        "a": round(found["a"] + by_aerosol * (new_half["gas"][2] - old_half["gas"][2]), 7),
        "b": round(found["b"] * new["gas"][2] / old["gas"][2], 7) if old["gas"][2] > 0 else 0.0,
        "gas": new["gas"][2],
        "water": new["water"][2],
        "ozone": dry["ozone"][2],
    }
