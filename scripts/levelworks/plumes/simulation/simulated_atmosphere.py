"""The atmosphere of simulated scenes: what reaches the sensor per unit of reflectance, and how added gas darkens it.

From 1400 nm on, the methane library's own radiance is seen through every band, so that its background of water vapour,
carbon dioxide and methane lines is in. APPROXIMATE below 1400 nm, for quality flags and pictures: Rayleigh and aerosol
optical depths in closed form, and water vapour, oxygen and ozone as Gaussian bands.
Gases without a library get SYNTHETIC Gaussian absorption bands; their names say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.plumes.retrieval.absorption import FWHM_TO_SIGMA, Source, library_source
from levelworks.plumes.retrieval.absorption_kernels import REACH, band_means
from levelworks.plumes.retrieval.methane_library import load_library
from levelworks.plumes.scene import Spectral
from levelworks.plumes.tables import solar_irradiance
from levelworks.plumes.units import AVOGADRO

WINDOWS = ((1560.0, 1585.0), (1625.0, 1655.0), (2110.0, 2150.0))
"""nm where the library is clearest; there transmittance is taken as `CLEAR`."""
CLEAR = 0.97
VISIBLE_BANDS = (
    (600.0, 70.0, 0.025), (687.0, 2.0, 0.25), (720.0, 8.0, 0.08), (761.0, 2.5, 0.7), (818.0, 10.0, 0.07),
    (940.0, 22.0, 0.5), (1130.0, 25.0, 0.6), (1268.0, 5.0, 0.08), (1385.0, 28.0, 3.5),
)  # fmt: skip
"""Centre and standard deviation (nm) and optical depth of one air mass: ozone, oxygen and water vapour, roughly."""
AEROSOL = 0.08
"""Aerosol optical depth at 550 nm; an Angstrom exponent of 1.3."""
SYNTHETIC_BANDS = {
    "co2": ((2004.0, 9.0, 1.3e-3), (2060.0, 9.0, 9e-4), (1602.0, 8.0, 6e-5)),
    "co": ((2335.0, 10.0, 0.2), (2360.0, 8.0, 0.1)),
    "no2": ((430.0, 35.0, 30.0),),
}
"""Centre and standard deviation (nm) and peak (m2 mol-1) of the made-up absorption of gases without a library."""
NODES = 40
SPLICE = 1405.0
"""nm: shorter bands see the approximate atmosphere."""


def synthetic_cross_section(gas: str) -> tuple[np.ndarray, np.ndarray]:
    """Return wavelengths (nm) and the SYNTHETIC absorption cross-section (cm2 per molecule) of co2, co or no2."""
    wavelengths = solar_irradiance().wavelengths
    molar = sum(peak * np.exp(-0.5 * ((wavelengths - at) / wide) ** 2) for at, wide, peak in SYNTHETIC_BANDS[gas])
    return wavelengths, np.asarray(molar) * 1e4 / AVOGADRO


def gas_source(gas: str) -> Source:
    """Return the absorption of a gas in simulated scenes: the methane library, or SYNTHETIC bands."""
    if gas == "ch4":
        return library_source()
    wavelengths, cross_section = synthetic_cross_section(gas)
    depth = np.stack([np.zeros_like(cross_section), cross_section * AVOGADRO / 1e4])
    sun = solar_irradiance().irradiance
    return Source(gas, f"SYNTHETIC Gaussian bands of {gas}", wavelengths, sun, np.array([0.0, 1.0]), depth)


@dataclass(frozen=True)
class GasTable:
    """ln T of one gas for some detector columns.

    Parameters
    ----------
    columns : (n,) int
        Detector columns, ascending.
    nodes : (k,) float64
        Slant columns, mol m-2, from 0.
    ln_transmittance : (n, k, bands) float32
    """

    columns: np.ndarray
    nodes: np.ndarray
    ln_transmittance: np.ndarray

    def at(self, columns: np.ndarray, slant: np.ndarray) -> np.ndarray:
        """Return ln T of pixels in some detector columns with some slant columns, (pixels, bands)."""
        place = np.searchsorted(self.columns, columns)
        left = np.clip(np.searchsorted(self.nodes, slant, side="right") - 1, 0, self.nodes.size - 2)
        step = self.nodes[left + 1] - self.nodes[left]
        share = ((slant - self.nodes[left]) / step).astype(np.float32)[:, None]
        low, high = self.ln_transmittance[place, left], self.ln_transmittance[place, left + 1]
        return np.asarray(low + (high - low) * share)


def gas_table(source: Source, spectral: Spectral, columns: np.ndarray, largest: float) -> GasTable:
    """Tabulate ln T of added gas up to a slant column (mol m-2); 0 in bands that the source doesn't cover.

    Monochromatic transmittance is seen through the Gaussian response of each column's own bands, weighted by what the
    band sees without added gas.
    """
    nodes = max(largest, 1e-6) * np.linspace(0, 1, NODES) ** 2
    spectra = np.ascontiguousarray(source.transmittance(nodes).T)
    table = np.zeros((columns.size, NODES, spectral.bands), dtype=np.float32)
    for number, column in enumerate(columns):
        centres, sigma = _response(spectral, int(column))
        inside = np.flatnonzero(_covered(source.wavelengths, centres, sigma))
        means = band_means(source.wavelengths, source.weights, spectra, centres[inside], sigma[inside])
        table[number][:, inside] = np.log(means).T
        if spectral.centres.shape[0] == 1:
            table[:] = table[0]
            break
    return GasTable(columns, nodes, table)


def _response(spectral: Spectral, column: int) -> tuple[np.ndarray, np.ndarray]:
    column = min(column, spectral.centres.shape[0] - 1)
    return spectral.centres[column].astype(float), spectral.widths[column].astype(float) * FWHM_TO_SIGMA


def _covered(wavelengths: np.ndarray, centres: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return np.asarray(
        (centres - REACH * sigma >= wavelengths[0]) & (centres + REACH * sigma <= wavelengths[-1]), dtype=bool
    )


def band_means_of(wavelengths: np.ndarray, values: np.ndarray, centres: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return a spectrum seen through Gaussian bands, (bands,)."""
    return np.asarray(band_means(wavelengths, np.ones_like(wavelengths), values[:, None], centres, sigma)[:, 0])


def sunlit_radiance(spectral: Spectral, air_mass: float, distance: float) -> np.ndarray:
    """Return radiance over a white surface under an overhead sun, (columns or 1, bands) uW cm-2 sr-1 nm-1.

    Parameters
    ----------
    air_mass : float
        Of the path down and up.
    distance : float
        Earth-Sun, astronomical units.
    """
    sun, library = solar_irradiance(), load_library()
    smooth = sun.irradiance * np.exp(-optical_depth(sun.wavelengths) * air_mass)
    at_sensor = library.radiance[0].astype(float)
    clear = np.concatenate([_ratio(library.wavelengths, at_sensor, *window) for window in WINDOWS])
    scale = CLEAR / np.median(clear)
    found = np.empty(spectral.centres.shape)
    for column in range(len(found)):
        centres, sigma = _response(spectral, column)
        lines = (centres >= SPLICE + REACH * sigma) & (centres + REACH * sigma <= library.wavelengths[-1])
        found[column, ~lines] = band_means_of(sun.wavelengths, smooth, centres[~lines], sigma[~lines])
        found[column, lines] = scale * band_means_of(library.wavelengths, at_sensor, centres[lines], sigma[lines])
    return found / (np.pi * distance**2)


def _ratio(wavelengths: np.ndarray, radiance: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return library radiance over sunlight, means over 5 nm."""
    centres = np.arange(low, high, 5.0)
    sigma = np.full(centres.size, 2.0)
    sun = solar_irradiance()
    return band_means_of(wavelengths, radiance, centres, sigma) / band_means_of(
        sun.wavelengths, sun.irradiance, centres, sigma
    )


def optical_depth(wavelengths: np.ndarray) -> np.ndarray:
    """Return the APPROXIMATE optical depth of one air mass: half the scattered light goes on downwards."""
    scattered = 0.5 * rayleigh_depth(wavelengths) + 0.25 * AEROSOL * (wavelengths / 550.0) ** -1.3
    bands = sum(depth * np.exp(-0.5 * ((wavelengths - at) / wide) ** 2) for at, wide, depth in VISIBLE_BANDS)
    return np.asarray(scattered + bands)


def rayleigh_depth(wavelengths: np.ndarray) -> np.ndarray:
    """Return the Rayleigh optical depth at sea level (Leckner 1978, doi:10.1016/0038-092X(78)90187-1)."""
    return np.asarray(0.008735 * (wavelengths / 1000.0) ** -4.08)


def path_reflectance(wavelengths: np.ndarray, sun_zenith: float, view_zenith: float) -> np.ndarray:
    """Return the reflectance of the air itself, single scattering: tau P / (4 cos cos); APPROXIMATE."""
    cosines = np.cos(np.radians(sun_zenith)) * np.cos(np.radians(view_zenith))
    scattered = rayleigh_depth(wavelengths) + 0.15 * AEROSOL * (wavelengths / 550.0) ** -1.3
    return np.asarray(scattered / (4 * cosines))
