"""Tables of one band and aerosol model on the fine grid of the kernels, from 6S's values at its own wavelengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import eval_legendre

from levelworks.ard.atmosphere.nodes import band_mean
from levelworks.ard.atmosphere.scattering_kernels import SHADE, molecular_phase
from levelworks.ard.atmosphere.spectral_responses import BandResponse
from levelworks.ard.atmosphere.standard_atmosphere import SEA_LEVEL_PRESSURE

ZENITHS = np.arange(81.0)
LOADS = np.linspace(0.0, np.sqrt(2.0), 61) ** 2
"""The fine grid: degrees of zenith, and aerosol optical depth at 550 nm."""
COSINES = 1.2 * np.linspace(0.0, 1.0, 601) ** 2 - 1.0
TRUNCATED = 80
"""Order of the Legendre term that 6S leaves out of the phase function: a ripple of some per cent in angle."""


@dataclass(frozen=True)
class BandTables:
    """What `scattering_kernels.scatter` takes for a band and an aerosol model; shapes as there."""

    optics: np.ndarray
    phase: np.ndarray
    molecules: np.ndarray
    aerosols: np.ndarray
    albedos: np.ndarray


@dataclass(frozen=True)
class _Geometry:
    air_mass: np.ndarray
    cosine: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, sun: np.ndarray, view: float = 0.0, azimuth: np.ndarray | float = 0.0) -> _Geometry:
        sun_angle, view_angle = np.radians(sun), np.radians(view)
        cos_sun, cos_view = np.cos(sun_angle), np.cos(view_angle)
        cosine = -cos_sun * cos_view - np.sin(sun_angle) * np.sin(view_angle) * np.cos(np.radians(azimuth))
        return cls(1.0 / cos_sun + 1.0 / cos_view, cosine, 4.0 * (cos_sun + cos_view))


def _powers(pressures: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the coefficients, last axis, of the polynomial through values at some pressures, first axis."""
    count = len(pressures)
    coefficients = np.linalg.solve(np.vander(pressures, count, increasing=True), values.reshape(count, -1))
    return np.moveaxis(coefficients.reshape(values.shape), 0, -1)


def _directions(rest: np.ndarray, nadir: np.ndarray, view: float) -> np.ndarray:
    """Return the terms in sin v cos a, sin2 v and sin2 v cos 2a of what views beyond nadir add.

    Parameters
    ----------
    rest : ndarray, shape (..., azimuths)
        At the oblique view and azimuths 0, 90 and 180.
    nadir : ndarray, shape (...)
    view : float
        Zenith of the oblique view, degrees.

    Returns
    -------
    ndarray, shape (..., 3)
    """
    sine = np.sin(np.radians(view))
    toward, across, away = np.moveaxis(rest - nadir[..., None], -1, 0)
    along = 0.5 * (toward + away)
    return np.stack(
        [0.5 * (toward - away) / sine, 0.5 * (along + across) / sine**2, 0.5 * (along - across) / sine**2], axis=-1
    )


def _even_spline(sun: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Spread values along the second axis over the fine zeniths, alike on both sides of the zenith."""
    mirrored = np.flatnonzero(sun > 0.0)[::-1]
    angles = np.concatenate([-sun[mirrored], sun])
    return np.asarray(CubicSpline(angles, np.concatenate([values[:, mirrored], values], axis=1), axis=1)(ZENITHS))


class _Band:
    """A band's means of the archives, and single scattering in it."""

    def __init__(
        self, molecular: Mapping[str, np.ndarray], aerosol: Mapping[str, np.ndarray], band: BandResponse
    ) -> None:
        wavelengths, weights = band.wavelengths, band.weights

        def mean(values: np.ndarray) -> np.ndarray:
            return band_mean(np.asarray(values, float), wavelengths, weights)

        self.mean = mean
        self.molecular, self.aerosol = molecular, aerosol
        self.pressures = molecular["pressures"].astype(float) / SEA_LEVEL_PRESSURE
        self.depths = mean(molecular["depth"])
        self.extinction = float(mean(aerosol["extinction"]))
        scattered = aerosol["extinction"] * aerosol["single_scattering_albedo"] * aerosol["phase"]
        self._phase = CubicSpline(aerosol["angles"].astype(float), np.log(mean(scattered) / self.extinction))
        self._ripple = 0.0
        self._ripple = self._find_ripple()

    def depth_at(self, pressure: float) -> float:
        return float(np.polynomial.polynomial.polyval(pressure, _powers(self.pressures, self.depths)))

    def phase(self, cosines: np.ndarray) -> np.ndarray:
        smooth = np.exp(self._phase(np.degrees(np.arccos(cosines))))
        return np.asarray(smooth + self._ripple * eval_legendre(TRUNCATED, cosines))

    def lit(self, at: _Geometry, load: np.ndarray | float, pressure: float) -> np.ndarray:
        """Return single scattering by aerosol for a phase function of 1."""
        shade = np.exp(-SHADE * self.depth_at(pressure) * at.air_mass)
        return np.asarray((1.0 - np.exp(-self.extinction * load * at.air_mass)) * shade / at.spread)

    def by_aerosol(self, at: _Geometry, load: np.ndarray | float, pressure: float) -> np.ndarray:
        return self.phase(at.cosine) * self.lit(at, load, pressure)

    def _find_ripple(self) -> float:
        """Return the factor of the truncated term, from path reflectance at close steps of the sun.

        Whatever else the smooth phase function leaves is smooth: a polynomial in the sun's zenith.
        """
        sun = self.aerosol["close_sun"].astype(float)
        if sun.size == 0:
            return 0.0
        at = _Geometry.of(sun)
        lit = self.lit(at, float(self.aerosol["close_load"]), self.pressures[0])
        wave = lit * eval_legendre(TRUNCATED, at.cosine)
        basis = np.column_stack([np.vander((sun - sun.mean()) / np.ptp(sun), 4), wave])
        rest = self.mean(self.aerosol["close"]) - lit * self.phase(at.cosine) - by_molecules(at, self.depths[0])
        return float(np.linalg.lstsq(basis, rest, rcond=None)[0][-1])


def by_molecules(at: _Geometry, depths: np.ndarray | float) -> np.ndarray:
    """Return single scattering by molecules alone."""
    return np.asarray(np.vectorize(molecular_phase)(at.cosine) / at.spread * (1.0 - np.exp(-depths * at.air_mass)))


def band_tables(
    molecular: Mapping[str, np.ndarray], aerosol: Mapping[str, np.ndarray], band: BandResponse
) -> BandTables:
    """Average 6S's values over a band and spread them over the fine grid.

    Parameters
    ----------
    molecular, aerosol : mapping of ndarray
        As `scattering_runs.molecular_tables` and `aerosol_tables` give them.
    band : BandResponse
    """
    of = _Band(molecular, aerosol, band)
    ratios = _powers(1.0 - of.pressures, of.depths / of.pressures)[:3]
    optics = np.array([ratios[0], ratios[1] / ratios[0], ratios[2] / ratios[0], of.extinction])
    aerosols = np.concatenate([_path_terms(of), _transmittance_terms(of)], axis=-1)
    pressures, depths = aerosol["pressures"] / SEA_LEVEL_PRESSURE, aerosol["depths"].astype(float)
    albedos = CubicSpline(depths, _powers(pressures, of.mean(aerosol["albedo"])))(LOADS)
    return BandTables(
        optics,
        of.phase(COSINES),
        _molecular_terms(of),
        np.ascontiguousarray(aerosols.transpose(1, 0, 2)),
        np.ascontiguousarray(albedos),
    )


def _molecular_terms(of: _Band) -> np.ndarray:
    """Return the rest of molecular path reflectance: powers of pressure of four terms, by zenith."""
    sun, view = of.molecular["sun"].astype(float), float(of.molecular["view"])
    nadir = of.mean(of.molecular["nadir"]) - by_molecules(_Geometry.of(sun), of.depths[:, None])
    beside = _Geometry.of(sun[:, None], view, of.molecular["azimuths"])
    oblique = of.mean(of.molecular["oblique"]) - by_molecules(beside, of.depths[:, None, None])
    terms = np.concatenate([nadir[..., None], _directions(oblique, nadir, view)], axis=-1)
    return np.ascontiguousarray(CubicSpline(sun, _powers(of.pressures, terms))(ZENITHS))


def _path_terms(of: _Band) -> np.ndarray:
    """Return what aerosol adds to path reflectance beyond single scattering.

    At sea level, its slope with pressure, and three terms in view direction; shape (loads, zeniths, 5).
    """
    sun, loads = of.aerosol["sun"].astype(float), of.aerosol["loads"].astype(float)
    within = np.searchsorted(of.molecular["sun"], sun)
    bare, bare_high = of.mean(of.molecular["nadir"])[:, within][[0, _layer(of)]]
    sea_level = of.pressures[0]
    path = of.mean(of.aerosol["nadir"])
    rest = path - bare - of.by_aerosol(_Geometry.of(sun), loads[:, None], sea_level)
    # the run with next to no aerosol tells where no aerosol is; what is added by optical depth changes slowly
    none = rest[0] - (rest[1] - rest[0]) / (loads[1] - loads[0]) * loads[0]
    each = (rest[1:] - none) / loads[1:, None]
    fine = none + CubicSpline(loads[1:], each)(LOADS) * LOADS[:, None]

    few_loads, few_sun = of.aerosol["corner_loads"].astype(float), of.aerosol["corner_sun"].astype(float)
    row, column = np.searchsorted(loads, few_loads), np.searchsorted(sun, few_sun)
    below, low = _Geometry.of(few_sun), rest[np.ix_(row, column)]
    height = float(of.aerosol["high_pressure"]) / SEA_LEVEL_PRESSURE
    high = of.mean(of.aerosol["high"]) - bare_high[column] - of.by_aerosol(below, few_loads[:, None], height)
    slope = (high - low) / (height - sea_level)
    view, azimuths = float(of.molecular["view"]), of.molecular["azimuths"]
    tilted = of.mean(of.aerosol["oblique"]) - of.mean(of.molecular["oblique"])[0, within][column]
    beside = _Geometry.of(few_sun[:, None], view, azimuths)
    tilted = tilted - of.by_aerosol(beside, few_loads[:, None, None], sea_level)
    # the terms in azimuth vanish with the sine of the sun's zenith, so they are spread without it
    powers = np.array([1.0, 0.0, 2.0])
    directions = _directions(tilted, low, view) / np.sin(np.radians(few_sun))[:, None] ** powers
    spread = _spread(few_loads, few_sun, np.concatenate([slope[..., None], directions], axis=-1))
    spread[..., 1:] *= np.sin(np.radians(ZENITHS))[:, None] ** powers
    terms = np.concatenate([_even_spline(sun, fine)[..., None], spread], axis=-1)
    terms[..., 0] += terms[..., 1] * (1.0 - sea_level)
    return terms


def _layer(of: _Band) -> int:
    return int(np.argmin(np.abs(of.pressures * SEA_LEVEL_PRESSURE - of.aerosol["high_pressure"])))


def _transmittance_terms(of: _Band) -> np.ndarray:
    """Return powers of pressure of the logarithm of total transmittance, shape (loads, zeniths, 3)."""
    pressures = of.aerosol["pressures"] / SEA_LEVEL_PRESSURE
    logs = _powers(pressures, np.log(of.mean(of.aerosol["transmittance"])))
    logs = CubicSpline(of.aerosol["depths"].astype(float), logs, axis=0)(LOADS)
    return _even_spline(of.aerosol["zeniths"].astype(float), logs)


def _spread(loads: np.ndarray, sun: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Spread values (loads, sun, terms) over the fine grid, smooth in the sun's cosine, none without aerosol."""
    # by optical depth they change slowly, and a straight line leads to none
    each = values / loads[:, None, None]
    first = each[0] - (each[1] - each[0]) / (loads[1] - loads[0]) * loads[0]
    each = PchipInterpolator(np.append(0.0, loads), np.concatenate([first[None], each]), axis=0)(LOADS)
    values = each * LOADS[:, None, None]
    order = np.argsort(np.cos(np.radians(sun)))
    at_sun = CubicSpline(np.cos(np.radians(sun))[order], values[:, order], axis=1)
    return np.asarray(at_sun(np.cos(np.radians(ZENITHS))))
