"""Absorption from files that users bring: the look-up table of Foote et al. and tables of cross-sections.

The look-up table (dataset_ch4_full.hdf5, dataset_co2_full.hdf5 of the University of Utah; Foote et al. 2021,
doi:10.1016/j.rse.2021.112574) holds MODTRAN radiance on a grid of zenith angle, sensor height, ground elevation, water
vapour and concentration (specs/plumes.md 1.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.retrieval.absorption import Source, cross_section_source
from levelworks.plumes.tables import solar_irradiance
from levelworks.plumes.units import AVOGADRO, PPM_M

ZENITHS = np.arange(0.0, 81.0, 5.0)
SENSOR_HEIGHTS = np.array([1.0, 2.0, 4.0, 10.0, 20.0, 120.0])
GROUNDS = np.array([0.0, 0.5, 1.0, 2.0, 3.0])
WATER_VAPOURS = np.arange(0.0, 7.0)
CONCENTRATIONS = {
    "ch4": np.array([0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3]),
    "co2": np.array([0, 2e4, 4e4, 8e4, 16e4, 32e4, 64e4, 128e4]),
}
"""ppm m."""


@dataclass(frozen=True)
class Atmosphere:
    """Where a look-up table is read: sun zenith (degrees), sensor and ground (km), water vapour (g cm-2)."""

    sun_zenith: float
    sensor: float = 100.0
    ground: float = 0.0
    water_vapour: float = 1.3


def read_lookup_table(path: Path, gas: str, atmosphere: Atmosphere, air_mass: float) -> Source:
    """Read the spectra of one atmosphere from a look-up table, multilinear in all four of its dimensions.

    Parameters
    ----------
    air_mass : float
        Of the scene; columns of the table are vertical ones, seen along this path.

    Raises
    ------
    InvalidReference
        Where the file is no such table, or the table has not this gas.
    """
    if gas not in CONCENTRATIONS:
        raise InvalidReference(f"{path}: look-up tables are of ch4 and co2, not of {gas}; name its cross-sections")
    concentrations = CONCENTRATIONS[gas]
    shape = (ZENITHS.size, SENSOR_HEIGHTS.size, GROUNDS.size, WATER_VAPOURS.size, concentrations.size)
    try:
        with h5py.File(path, "r") as file:
            missing = {"modtran_data", "wave"} - set(file)
            if missing:
                raise InvalidReference(f"{path} has no dataset {' and '.join(sorted(missing))}: it is no look-up table")
            data, wavelengths = file["modtran_data"], np.asarray(file["wave"], dtype=float).ravel()
            if data.shape != (*shape, wavelengths.size):
                raise InvalidReference(
                    f"{path}: modtran_data has the shape {data.shape}; a look-up table of {gas} has "
                    f"{(*shape, wavelengths.size)}"
                )
            radiance = _interpolate(data, atmosphere)
    except OSError as error:
        raise InvalidReference(f"{path} can't be read as HDF5 ({error})") from None
    if not np.any(radiance[-1] < radiance[0] * 0.999):
        raise InvalidReference(f"{path}: radiance does not fall with the concentration of {gas}")
    ratio = np.divide(radiance, radiance[0], out=np.ones_like(radiance), where=radiance[0] > 0)
    depth = -np.log(np.clip(ratio, 1e-12, 1.0))
    return Source(gas, f"look-up table {path.name}", wavelengths, radiance[0], concentrations * PPM_M * air_mass, depth)


def _interpolate(data: h5py.Dataset, atmosphere: Atmosphere) -> np.ndarray:
    """Return spectra (concentrations, wavelengths) between the sixteen nodes around an atmosphere."""
    axes = (ZENITHS, SENSOR_HEIGHTS, GROUNDS, WATER_VAPOURS)
    wanted = (atmosphere.sun_zenith, atmosphere.sensor, atmosphere.ground, atmosphere.water_vapour)
    corners: list[tuple[slice, np.ndarray]] = []
    for axis, value in zip(axes, wanted, strict=True):
        inside = float(np.clip(value, axis[0], axis[-1]))
        left = min(int(np.searchsorted(axis, inside, side="right")) - 1, axis.size - 2)
        share = (inside - axis[left]) / (axis[left + 1] - axis[left])
        corners.append((slice(left, left + 2), np.array([1 - share, share])))
    found = np.asarray(data[tuple(place for place, _ in corners)], dtype=float)
    for _, weights in corners:
        found = np.tensordot(weights, found, axes=(0, 0))
    return found


def read_cross_sections(path: Path, gas: str, background: float = 0.0) -> Source:
    """Read absorption cross-sections: text columns of wavelength (nm) and cross-section (cm2 per molecule).

    Parameters
    ----------
    background : float
        Of the gas along the path before any is added (mol m-2): where it leaves no light, added gas takes none. Without
        it line-by-line cross-sections of carbon dioxide near 2 um give bands several times too much absorption.

    Raises
    ------
    InvalidReference
        Where the table has not these columns.
    """
    try:
        table = np.loadtxt(path, comments="#", ndmin=2, delimiter="," if path.suffix == ".csv" else None)
    except (OSError, ValueError) as error:
        raise InvalidReference(f"{path} is no table of wavelength and cross-section ({error})") from None
    if table.shape[1] < 2 or table.shape[0] < 2:
        raise InvalidReference(f"{path}: cross-sections are two columns, wavelength (nm) and cm2 per molecule")
    table = table[np.argsort(table[:, 0], kind="stable")]
    wavelengths, section = table[:, 0], table[:, 1]
    if np.any(section < 0) or section.max() > 1e-15 or section.max() <= 0:
        raise InvalidReference(
            f"{path}: cross-sections reach {section.max():.3g} and {section.min():.3g}; in cm2 per molecule they lie "
            "between 0 and 1e-15"
        )
    sun = solar_irradiance()
    weights = np.interp(wavelengths, sun.wavelengths, sun.irradiance) * np.exp(-section * AVOGADRO / 1e4 * background)
    return cross_section_source(gas, f"cross-sections {path.name}", wavelengths, section, weights)
