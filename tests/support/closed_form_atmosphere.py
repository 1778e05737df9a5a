"""A radiative transfer in closed form, with the interface of the line's tables: truth that needs no tables.

Transmittances, spherical albedo and single scattering as in specs/ard.md 11, gases as exponentials.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from levelworks.ard.atmosphere.tables import Gases, Scattering
from levelworks.ard.surface.adjacency import environment_weights
from levelworks.ard.surface.local_tables import aerosol_share

WAVELENGTHS = {"BLUE": 0.482, "GREEN": 0.561, "RED": 0.654, "NIR": 0.865, "SWIR1": 1.609, "SWIR2": 2.201}
OZONE = {"GREEN": 0.1, "RED": 0.06, "BLUE": 0.018}
WATER = {"RED": 0.004, "NIR": 0.01, "SWIR1": 0.004, "SWIR2": 0.02}
OTHER = {"SWIR1": 0.01, "SWIR2": 0.015}
EXPONENT = {"continental": 1.3, "maritime": 0.4}


class ClosedFormTables:
    def at(self, band, model, *, sun_zenith, view_zenith, relative_azimuth, aod, pressure):
        sun, view = np.cos(np.radians(sun_zenith)), np.cos(np.radians(view_zenith))
        length = WAVELENGTHS[band]
        rayleigh = 0.0088 * length ** (-4.15 + 0.2 * length) * np.asarray(pressure) / 1013.25
        aerosol = np.asarray(aod) * (length / 0.55) ** -EXPONENT[model]
        tau = rayleigh + aerosol
        across = np.sqrt((1 - sun**2) * (1 - view**2)) * np.cos(np.radians(relative_azimuth))
        cosine = -sun * view - across
        molecules = 0.75 * (1 + cosine**2)
        particles = 0.948 * (1 - 0.801**2) / (1 + 0.801**2 - 2 * 0.801 * cosine) ** 1.5
        particles += 0.052 * (1 - 0.58**2) / (1 + 0.58**2 - 2 * 0.58 * cosine) ** 1.5
        path = (aerosol * particles + rayleigh * molecules) / (4 * sun * view)
        down, up = (np.exp(-(0.52 * rayleigh + 0.167 * aerosol) / mu) for mu in (sun, view))
        albedo = np.exp(-tau) * (0.92 * rayleigh + 0.333 * aerosol)
        clean = rayleigh * molecules / (4 * sun * view)
        return Scattering(path, down, up, np.exp(-tau / sun), np.exp(-tau / view), albedo, rayleigh, aerosol, clean)

    def gases(self, band, *, sun_zenith, view_zenith, water_vapour, ozone, pressure):
        mass = 1 / np.cos(np.radians(sun_zenith)) + 1 / np.cos(np.radians(view_zenith))
        scale = np.asarray(pressure) / 1013.25
        water, half = (np.exp(-WATER.get(band, 0) * (part * water_vapour * mass) ** 0.6) for part in (1, 0.5))
        return Gases(
            water * np.ones_like(mass * scale),
            half * np.ones_like(mass * scale),
            np.exp(-OZONE.get(band, 0) * ozone * mass) * np.ones_like(scale),
            np.exp(-OTHER.get(band, 0) * mass * scale),
        )


def to_top(tables, band, model, surface, surroundings, *, lit=1.0, brdf=1.0, water_vapour, ozone, **state):
    """Return the reflectance at the top of the atmosphere; `lit` is sunlight on the slope over that on level ground."""
    found = tables.at(band, model, **state)
    gases = tables.gases(
        band,
        water_vapour=water_vapour,
        ozone=ozone,
        **{name: state[name] for name in ("sun_zenith", "view_zenith", "pressure")},
    )
    leaving = found.direct_up * surface * lit * brdf + (found.up - found.direct_up) * surroundings
    signal = gases.water * found.down * leaving / (1 - found.albedo * surroundings)
    path = found.molecular_path + (found.path - found.molecular_path) * gases.half_water
    return gases.other * gases.ozone * (path + signal)


@cache
def _rings(size):
    """Return the spectra of the weights of molecules and aerosol over an endless tiling of an image of 30 m pixels."""
    found = []
    for depths in ((1.0, 0.0), (0.0, 1.0)):
        weights = environment_weights(30.0, *depths, reach=30.0)
        half, tiles = weights.shape[0] // 2, -(-weights.shape[0] // size)
        whole = np.zeros((tiles * size, tiles * size))
        whole[: weights.shape[0], : weights.shape[1]] = weights
        folded = whole.reshape(tiles, size, tiles, size).sum(axis=(0, 2))
        found.append(np.fft.rfft2(np.roll(folded, (-half, -half), axis=(0, 1))))
    return found


def surroundings(ground, rayleigh, aerosol):
    """Return what comes from about each pixel of a square image of 30 m pixels, which the world repeats endlessly."""
    molecules, particles = _rings(ground.shape[0])
    spectrum = np.fft.rfft2(ground) * (molecules + aerosol_share(rayleigh, aerosol) * (particles - molecules))
    return np.fft.irfft2(spectrum, ground.shape)
