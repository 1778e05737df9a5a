"""How much a band darkens as gas is added: ln T over the column along the path, for each band and detector column.

Everything is a function of the slant column, the added gas along the path down and up (mol m-2), so that one
table serves every pixel of a scene: a vertical column is the slant one over the air mass of its pixel. The curve is
kept at nodes rather than as one slope, as a slope depends on the range it is fitted over (specs/plumes.md D3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.plumes.retrieval.absorption_kernels import REACH, band_means
from levelworks.plumes.retrieval.methane_library import REFERENCE_AIR_MASS, load_library
from levelworks.plumes.scene import Spectral
from levelworks.plumes.units import AVOGADRO, PPM_M

FWHM_TO_SIGMA = 1 / (2 * np.sqrt(2 * np.log(2)))
NODES = np.array([0, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000]) * PPM_M * REFERENCE_AIR_MASS
"""Slant columns of the tables (mol m-2): up to 64,000 ppm m of methane; other gases scale them."""
SMILE_STEP = 0.1
"""nm between the centres for which responses are computed; columns between them are interpolated."""


@dataclass(frozen=True)
class Source:
    """Absorption of one gas at high resolution.

    Parameters
    ----------
    gas, name : str
        The gas, and where its absorption comes from.
    wavelengths : (n,) float64
        nm, ascending.
    weights : (n,) float64
        What a band sees of each channel without added gas, e.g. radiance.
    slant_columns : (k,) float64
        mol m-2, ascending from 0.
    optical_depth : (k, n) float64
        Of the added gas.
    """

    gas: str
    name: str
    wavelengths: np.ndarray
    weights: np.ndarray
    slant_columns: np.ndarray
    optical_depth: np.ndarray

    def transmittance(self, slant: np.ndarray) -> np.ndarray:
        """Return transmittance (slant.size, n); optical depth is linear between nodes and beyond the last."""
        known, depth = self.slant_columns, self.optical_depth
        left = np.clip(np.searchsorted(known, slant, side="right") - 1, 0, known.size - 2)
        share = (slant - known[left]) / (known[left + 1] - known[left])
        beyond = slant > known[-1]
        share = np.where(beyond, 0.0, share)[:, None]
        found = depth[left] * (1 - share) + depth[left + 1] * share
        # through the origin, as an absorber's optical depth goes with its amount
        found[beyond] = depth[-1] * (slant[beyond] / known[-1])[:, None]
        return np.exp(-found)


@dataclass(frozen=True)
class Absorption:
    """ln T of the bands of a scene.

    Parameters
    ----------
    gas, source : str
    slant_columns : (nodes,) float64
        mol m-2, ascending from 0.
    ln_transmittance : (columns or 1, bands, nodes) float64
        Not a number where the source does not cover a band.
    """

    gas: str
    source: str
    slant_columns: np.ndarray
    ln_transmittance: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """Return the unit absorption for little gas, d ln T / d slant column (m2 mol-1): (columns or 1, bands)."""
        return self.ln_transmittance[..., 1] / self.slant_columns[1]


def library_source() -> Source:
    """Return methane as the library that ships with the project has it."""
    library = load_library()
    return Source(
        "ch4",
        "MODTRAN library of mag1c",
        library.wavelengths,
        library.radiance[0].astype(float),
        library.slant_columns,
        library.optical_depth,
    )


def cross_section_source(
    gas: str, name: str, wavelengths: np.ndarray, cross_section: np.ndarray, weights: np.ndarray
) -> Source:
    """Return a gas from its absorption cross-section (cm2 per molecule): optical depth = sigma N_A s / 1e4 (Beer)."""
    slant = np.array([0.0, 1.0])
    depth = np.stack([np.zeros_like(cross_section), cross_section * AVOGADRO / 1e4])
    return Source(gas, name, wavelengths, weights, slant, depth)


def scene_absorption(source: Source, spectral: Spectral, nodes: np.ndarray = NODES) -> Absorption:
    """Return ln T of every band and detector column of a scene.

    Bands are Gaussian, weighted by what they see without added gas (D6). Smile is kept: responses are computed for
    centres at most `SMILE_STEP` apart and ln T is interpolated linearly in the centre.
    """
    spectra = np.ascontiguousarray(source.transmittance(nodes).T)
    columns, bands = spectral.centres.shape
    found = np.full((columns, bands, nodes.size), np.nan)
    low, high = source.wavelengths[[0, -1]]
    for band in range(bands):
        centres, sigma = spectral.centres[:, band], spectral.widths[:, band] * FWHM_TO_SIGMA
        reach = REACH * sigma.max()
        if centres.min() - reach < low or centres.max() + reach > high:
            continue
        count = 1 + int(np.ceil((centres.max() - centres.min()) / SMILE_STEP))
        at = np.linspace(centres.min(), centres.max(), count)
        # widths vary by less than centres across a detector: the width of the nearest column
        widths = np.interp(at, np.sort(centres), sigma[np.argsort(centres, kind="stable")])
        table = np.log(band_means(source.wavelengths, source.weights, spectra, at, widths))
        for node in range(nodes.size):
            found[:, band, node] = np.interp(centres, at, table[:, node])
    return Absorption(source.gas, source.name, nodes, found)


def geometric_air_mass(sun_zenith: np.ndarray, view_zenith: np.ndarray) -> np.ndarray:
    """Return 1/cos(sun zenith) + 1/cos(view zenith): the path down and up over the vertical, angles in degrees."""
    return 1 / np.cos(np.radians(sun_zenith)) + 1 / np.cos(np.radians(view_zenith))


def young_air_mass(zenith: np.ndarray | float) -> np.ndarray:
    """Return the relative air mass towards a zenith angle (degrees) in a spherical, refracting atmosphere.

    Source: Young (1994), Applied Optics 33, 1108, equation 5.
    """
    c = np.cos(np.radians(zenith))
    return (1.002432 * c**2 + 0.148386 * c + 0.0096467) / (c**3 + 0.149864 * c**2 + 0.0102963 * c + 0.000303978)


def young_path(sun_zenith: np.ndarray | float, view_zenith: np.ndarray | float) -> np.ndarray:
    """Return the air mass of the path down and up (Young 1994)."""
    return young_air_mass(sun_zenith) + young_air_mass(view_zenith)
