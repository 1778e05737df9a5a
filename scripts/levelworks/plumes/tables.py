"""The small tables that ship with the line: sunlight, Earth-Sun distance, the EMIT instrument, surface reflectance.

Sources, licences and how each was made: data/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from levelworks.plumes.scene import Spectral

DATA = Path(__file__).parent / "data"


@cache
def _load(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / name) as file:
        arrays = {key: file[key] for key in file.files}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


@dataclass(frozen=True)
class SolarIrradiance:
    """Sunlight above the atmosphere at one astronomical unit.

    Parameters
    ----------
    wavelengths : (n,) float64
        nm, ascending by 0.5 from 340 to 2600.
    irradiance : (n,) float64
        uW cm-2 nm-1: means over half a nanometre of the TSIS-1 hybrid reference spectrum.
    """

    wavelengths: np.ndarray
    irradiance: np.ndarray


@cache
def solar_irradiance() -> SolarIrradiance:
    """Load the solar spectrum."""
    arrays = _load("solar_irradiance.npz")
    return SolarIrradiance(arrays["wavelength"].astype(float), arrays["irradiance"].astype(float))


def earth_sun_distance(day_of_year: int) -> float:
    """Return the Earth-Sun distance (astronomical units) of a day of the year, 1 to 366."""
    arrays = _load("earth_sun_distance.npz")
    return float(arrays["distance"][int(np.searchsorted(arrays["day"], day_of_year))])


@dataclass(frozen=True)
class NoiseModel:
    """Noise of an instrument's radiance: standard deviation |a sqrt(b + L) + c| by band, L in uW cm-2 sr-1 nm-1.

    Source: emit-ghg, instrument noise parameters (specs/plumes.md 4.6).
    """

    centres: np.ndarray
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray

    def sigma(self, radiance: np.ndarray) -> np.ndarray:
        """Return one standard deviation of noise for radiance (..., bands), uW cm-2 sr-1 nm-1."""
        return np.abs(self.a * np.sqrt(np.maximum(self.b + radiance, 0.0)) + self.c)

    def at(self, wavelengths: np.ndarray) -> NoiseModel:
        """Return the model at other band centres (nm), linear between bands and constant beyond the last."""
        return NoiseModel(
            wavelengths, *(np.interp(wavelengths, self.centres, values) for values in (self.a, self.b, self.c))
        )


@cache
def emit_noise() -> NoiseModel:
    """Load the noise model of EMIT at its 285 bands."""
    arrays = _load("emit_instrument.npz")
    return NoiseModel(arrays["centre"], *arrays["noise"].T)


EMIT_COLUMNS = 1242
"""Detector columns of an EMIT granule."""


def emit_spectral(columns: range | None = None, *, smile: bool = True) -> Spectral:
    """Return centres and widths of EMIT's 285 bands for some of its 1242 detector columns.

    Parameters
    ----------
    columns : range, optional
        All by default.
    smile : bool
        Whether centres move along the detector, by at most 0.02 nm either way; else one row for all columns.
    """
    arrays = _load("emit_instrument.npz")
    if not smile:
        return Spectral(arrays["centre"][None], arrays["width"][None])
    across = np.linspace(-1.0, 1.0, EMIT_COLUMNS)[np.arange(EMIT_COLUMNS) if columns is None else np.asarray(columns)]
    centres = arrays["centre"] + arrays["smile"] * across[:, None]
    return Spectral(centres, np.broadcast_to(arrays["width"], centres.shape))


@dataclass(frozen=True)
class SurfaceLibrary:
    """Reflectance of natural and built surfaces.

    Parameters
    ----------
    wavelengths : (n,) float64
        nm, ascending.
    reflectance : (spectra, n) float64
    surfaces : (spectra,) str
        vegetation, dry_vegetation, soil, rock, built or water.
    """

    wavelengths: np.ndarray
    reflectance: np.ndarray
    surfaces: np.ndarray

    def of(self, surface: str, wavelengths: np.ndarray) -> np.ndarray:
        """Return the spectra of one kind of surface at other wavelengths, (spectra, wavelengths)."""
        chosen = self.reflectance[self.surfaces == surface]
        return np.stack([np.interp(wavelengths, self.wavelengths, spectrum) for spectrum in chosen])


@cache
def surface_library() -> SurfaceLibrary:
    """Load the reflectance spectra."""
    arrays = _load("surface_reflectance.npz")
    return SurfaceLibrary(arrays["wavelength"].astype(float), arrays["reflectance"].astype(float), arrays["surface"])
