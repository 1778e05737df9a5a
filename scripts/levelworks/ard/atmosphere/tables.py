"""Radiative transfer tables of a sensor: scattering and gas absorption of its bands at any geometry and atmosphere.

Made from 6S by `build_tables`; spec sections 11, 12 and 22. The reference is 6SV 1.1 (Vermote et al. 1997; Kotchenova
et al. 2006).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from levelworks.ard.atmosphere.gas_kernels import absorb
from levelworks.ard.atmosphere.scattering_kernels import scatter
from levelworks.ard.atmosphere.spectral_responses import DATA, STAND_INS, BandResponse, band_responses
from levelworks.ard.atmosphere.standard_atmosphere import SEA_LEVEL_PRESSURE, pressure_at
from levelworks.core.outcome import InvalidReference

__all__ = ["Gases", "Scattering", "Tables", "load_tables", "pressure_at"]

MODELS = ("continental", "maritime", "urban", "smoke", "desert")
"""Aerosol models in the order of their use."""

Values = np.ndarray | float


class Scattering(NamedTuple):
    """Scattering of a band, without gases; arrays of one shape, float64.

    Parameters
    ----------
    path : ndarray
        Reflectance of the atmosphere over a black ground.
    down, up : ndarray
        Total transmittance (direct and diffuse) along the sun's and the sensor's direction.
    direct_down, direct_up : ndarray
        The direct part.
    albedo : ndarray
        Spherical albedo.
    rayleigh, aerosol : ndarray
        Optical depths of molecules and aerosol in the band.
    molecular_path : ndarray or float
        The part of `path` that molecules make without aerosol: water vapour lies below most of it.
    """

    path: Values
    down: Values
    up: Values
    direct_down: Values
    direct_up: Values
    albedo: Values
    rayleigh: Values
    aerosol: Values
    molecular_path: Values = 0.0


class Gases(NamedTuple):
    """Transmittance of gases along the way down and up; arrays of one shape, float64.

    Parameters
    ----------
    water, half_water : ndarray
        Of water vapour, and of half of it, for light that aerosol scatters.
    ozone : ndarray
    other : ndarray
        Of oxygen, carbon dioxide, methane, nitrous oxide and carbon monoxide together.
    """

    water: Values
    half_water: Values
    ozone: Values
    other: Values


@dataclass(frozen=True)
class _GasTables:
    water: np.ndarray
    ozone: np.ndarray
    other: np.ndarray
    steps: np.ndarray


@cache
def _archive(name: str) -> dict[str, np.ndarray]:
    path = DATA / name
    if not path.exists():
        raise InvalidReference(
            f"the radiative transfer table {path} is missing: reinstall the package, or make it anew with "
            "python -m levelworks.ard.atmosphere.build_tables"
        )
    with np.load(path) as file:
        return {key: file[key] for key in file.files}


@dataclass(frozen=True)
class Tables:
    """Tables of a sensor's reflective bands.

    Parameters
    ----------
    sensor : str
        Its id, as LND08.
    bands : dict of BandResponse
    models : tuple of str
        Aerosol models that there are tables for.
    """

    sensor: str
    bands: dict[str, BandResponse]
    models: tuple[str, ...]
    _scattering: dict[tuple[str, str], tuple[np.ndarray, ...]] = field(default_factory=dict, repr=False)
    _gases: dict[str, _GasTables] = field(default_factory=dict, repr=False)

    def at(
        self,
        band: str,
        model: str,
        *,
        sun_zenith: Values,
        view_zenith: Values,
        relative_azimuth: Values,
        aod: Values,
        pressure: Values,
    ) -> Scattering:
        """Return the scattering of a band.

        Parameters
        ----------
        band, model : str
        sun_zenith, view_zenith : array-like
            Degrees; tables reach to a sun zenith of 80 and were made for view zeniths up to 20.
        relative_azimuth : array-like
            Azimuth of the sensor minus that of the sun, degrees; 0 is a sensor on the sun's side (backscattering).
        aod : array-like
            Aerosol optical depth at 550 nm; what is less than 0 or more than 2 is taken for these.
        pressure : array-like
            At the ground, hPa.

        Returns
        -------
        Scattering
            Of the shape that the arguments have together; NaN where one of them is.

        Raises
        ------
        KeyError
            The sensor hasn't got the band, or the model isn't known.
        """
        values = np.broadcast_arrays(
            *(np.asarray(value, np.float64) for value in (sun_zenith, view_zenith, relative_azimuth, aod, pressure))
        )
        sun, view, azimuth, load, ground = (np.ascontiguousarray(value).reshape(-1) for value in values)
        result = np.empty((9, sun.size))
        optics, phase, molecules, aerosols, albedos, loads = self._scattering_tables(band, model)
        ground = ground / SEA_LEVEL_PRESSURE
        scatter(sun, view, azimuth, load, ground, optics, phase, molecules, aerosols, albedos, loads, result)
        return Scattering(*result.reshape(9, *values[0].shape))

    def gases(
        self,
        band: str,
        *,
        sun_zenith: Values,
        view_zenith: Values,
        water_vapour: Values,
        ozone: Values,
        pressure: Values,
    ) -> Gases:
        """Return the transmittances of gases in a band.

        Parameters
        ----------
        band : str
        sun_zenith, view_zenith : array-like
            Degrees.
        water_vapour, ozone : array-like
            Above the ground, g cm-2 (up to 8 at an air mass of 7) and atm-cm.
        pressure : array-like
            At the ground, hPa.

        Returns
        -------
        Gases
            Of the shape that the arguments have together; NaN where one of them is.
        """
        values = np.broadcast_arrays(
            *(np.asarray(value, np.float64) for value in (sun_zenith, view_zenith, water_vapour, ozone, pressure))
        )
        sun, view, vapour, column, ground = (np.ascontiguousarray(value).reshape(-1) for value in values)
        result = np.empty((4, sun.size))
        of = self._gas_tables(band)
        absorb(sun, view, vapour, column, ground / SEA_LEVEL_PRESSURE, of.water, of.ozone, of.other, of.steps, result)
        return Gases(*result.reshape(4, *values[0].shape))

    def solar_irradiance(self, band: str) -> float:
        """Return the sunlight in a band above the atmosphere at one astronomical unit, W m-2 um-1."""
        return self.bands[band].solar_irradiance

    def wavelength(self, band: str) -> float:
        """Return the mean wavelength under the response of a band, micrometres."""
        return self.bands[band].centre

    def rayleigh_depth(self, band: str) -> float:
        """Return the optical depth of molecules in a band at sea level."""
        return float(self._scattering_tables(band, self.models[0])[0][0])

    def _scattering_tables(self, band: str, model: str) -> tuple[np.ndarray, ...]:
        found = self._scattering.get((band, model))
        if found is None:
            from levelworks.ard.atmosphere.band_tables import LOADS, band_tables

            if model not in self.models:
                raise KeyError(model)
            made = band_tables(_archive("molecular.npz"), _archive(f"aerosol_{model}.npz"), self.bands[band])
            found = (made.optics, made.phase, made.molecules, made.aerosols, made.albedos, LOADS)
            self._scattering[band, model] = found
        return found

    def _gas_tables(self, band: str) -> _GasTables:
        found = self._gases.get(band)
        if found is None:
            found = _spread_gases(self.sensor, band)
            self._gases[band] = found
        return found


def _spread_gases(sensor: str, band: str) -> _GasTables:
    from scipy.interpolate import CubicSpline

    archive = _archive("gases.npz")
    prefix = f"{STAND_INS.get(sensor, sensor)}/{band}/"
    water_roots, ozone_roots = np.sqrt(archive["water_paths"]), np.sqrt(archive["ozone_paths"])
    steps = np.array([water_roots[-1] / 240.0, ozone_roots[-1] / 40.0, 0.1])
    fine_water, fine_ozone = steps[0] * np.arange(241.0), steps[1] * np.arange(41.0)
    masses = np.arange(2.0, 7.05, steps[2])
    thinness = np.log(archive["pressures"][1:].astype(float) / archive["pressures"][0])
    basis = np.linalg.inv(np.column_stack([thinness, thinness**2]))

    def with_exponents(layers: np.ndarray) -> np.ndarray:
        low, *others = np.maximum(layers.astype(float), 1e-9)
        slopes = np.tensordot(basis, np.log(np.stack(others) / low), axes=1)
        # the printed digits of next to no absorption say nothing of pressure
        slopes = np.where(low > 1e-3, slopes, np.array([1.0, 0.0]).reshape(2, *[1] * low.ndim))
        return np.stack([np.where(low > 1e-8, low, 0.0), *slopes])

    water = with_exponents(archive[prefix + "water"])
    start = np.stack([np.zeros_like(water[0, :, :1]), *water[1:, :, :1]])
    water = CubicSpline(np.append(0.0, water_roots), np.concatenate([start, water], axis=-1), axis=-1)(fine_water)
    powers, fine = np.vander(np.log(archive["water_air_masses"]), 3), np.vander(np.log(masses), 3)
    water = np.einsum("mk,kn,lnr->lmr", fine, np.linalg.inv(powers), water)
    ozone = CubicSpline(np.append(0.0, ozone_roots), np.append(0.0, archive[prefix + "ozone"]))(fine_ozone)
    other = CubicSpline(archive["air_masses"], with_exponents(archive[prefix + "other"]), axis=-1)(masses)
    return _GasTables(
        np.ascontiguousarray(water),
        np.ascontiguousarray(np.maximum(ozone, 0.0)),
        np.ascontiguousarray(other),
        steps,
    )


@cache
def load_tables(sensor: str) -> Tables:
    """Load the tables of a sensor; the same object at every call.

    Parameters
    ----------
    sensor : str
        LND04, LND05, LND07, LND08, LND09 or SEN2A to SEN2D.

    Raises
    ------
    KeyError
        The sensor isn't known.
    InvalidReference
        A table file is missing.
    """
    models = tuple(model for model in MODELS if (Path(DATA) / f"aerosol_{model}.npz").exists())
    return Tables(sensor, band_responses(sensor), models)
