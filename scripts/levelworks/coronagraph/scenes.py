"""Scenes, detectors and detector maps of simulated frames, with the nonlinearity table that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from astropy.io import fits

from levelworks.core.options import Options, option
from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph import emccd
from levelworks.coronagraph.geometry import Geometry
from levelworks.coronagraph.nonlinearity import NonlinearityTable


class SimulatedDetector(Options):
    """Figures of a simulated EXCAM, with typical values of its tests."""

    fwc_pp_e: float = option(90000.0, "full well of a pixel", unit="e-", gt=0)
    fwc_em_e: float = option(100000.0, "full well of the gain register", unit="e-", gt=0)
    quantum_efficiency: float = option(0.9, "photo-electrons per photon", gt=0, le=1)
    dark_current: float = option(9.0e-4, "mean dark current", unit="e-/pixel/s", ge=0)
    clock_induced_charge: float = option(8.8e-3, "mean clock-induced charge", unit="e-/pixel/frame", ge=0)
    fixed_pattern_sigma: float = option(69.0, "standard deviation of the fixed pattern", unit="e-", ge=0)
    read_noise: float = option(120.0, "read noise after the register", unit="e-", ge=0)
    k_gain: float = option(8.7, "electrons per DN", unit="e-/DN", gt=0)
    row_read_time: float = option(223.5e-6, "time in which one row is read", unit="s", ge=0)
    cosmic_ray_rate: float = option(5.0, "primary cosmic rays", unit="1/cm2/s", ge=0)
    bias: float = option(3120.0, "mean bias", unit="DN", ge=0)
    row_bias_sigma: float = option(7.0, "standard deviation of the bias over rows", unit="DN", ge=0)
    row_bias_law: Literal["walk", "white"] = option(
        "walk", "row biases wander (as in the real frame) or are independent"
    )
    bias_offset: float = option(0.0, "by how much the bias of the prescan exceeds the image's", unit="DN")
    stages: int = option(emccd.STAGES, "multiplication stages of the register", ge=3)
    register_law: emccd.RegisterLaw = option("branching", "law of the register: exact, or the gamma approximation")


@dataclass(frozen=True)
class Scene:
    """What falls on the image region: flux in photons/pixel/s, and the sources in it as (row, column, photons/s)."""

    flux: np.ndarray
    sources: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class DetectorMaps:
    """Maps of the image region, all float64: e-, e-/s, e-/frame, relative response, and bool bad pixels."""

    fixed_pattern: np.ndarray
    dark_current: np.ndarray
    clock_induced_charge: np.ndarray
    flat: np.ndarray
    bad_pixels: np.ndarray


def dark_scene(geometry: Geometry) -> Scene:
    """Return a scene without light."""
    return Scene(np.zeros((geometry.image.rows, geometry.image.columns)))


def flux_map_scene(path: Path, geometry: Geometry) -> Scene:
    """Place a flux map (FITS, photons/pixel/s, in the first HDU with data) in the centre of the image region."""
    with fits.open(path) as hdus:
        stamp = next((np.asarray(hdu.data, dtype=np.float64) for hdu in hdus if hdu.data is not None), None)
    flux = dark_scene(geometry).flux
    if stamp is None or stamp.ndim != 2 or any(s > f for s, f in zip(stamp.shape, flux.shape, strict=True)):
        raise InvalidInput(f"{path}: needs an image of at most {flux.shape[0]}x{flux.shape[1]} pixels")
    row, column = ((f - s) // 2 for f, s in zip(flux.shape, stamp.shape, strict=True))
    flux[row : row + stamp.shape[0], column : column + stamp.shape[1]] = stamp
    return Scene(flux)


def coronagraph_scene(
    geometry: Geometry, *, halo_flux: float = 5.0, hole_flux: float = 0.01, sky_flux: float = 0.001, seed: int = 0
) -> Scene:
    """Build a scene of a coronagraph: speckle halo, annular dark hole, two companions.

    Parameters
    ----------
    geometry : Geometry
        Its image region gives the shape; the star stands in its centre.
    halo_flux : float
        Mean flux of speckles at the outer edge of the dark hole, photons/pixel/s, falling with radius^-2.5.
    hole_flux : float
        Mean flux of speckles within the dark hole of 3 to 9.7 lambda/D (7 to 22 pixels).
    sky_flux : float
        Even background, photons/pixel/s.
    seed : int
        Of the speckles.

    Returns
    -------
    Scene
        Speckles are the squared modulus of 48 interfering plane waves of pupil frequencies, of unit mean.
        Companions of 20 and 5 times the hole's flux per pixel, as Gaussians of 2.3 pixels FWHM.
    """
    rows, columns = geometry.image.rows, geometry.image.columns
    centre_row, centre_column = rows // 2, columns // 2
    y, x = np.arange(rows)[:, None] - centre_row, np.arange(columns)[None, :] - centre_column
    radius = np.hypot(y, x)
    outer = 22.0
    envelope = halo_flux * (np.maximum(radius, outer) / outer) ** -2.5
    envelope[(radius >= 7.0) & (radius < outer)] = hole_flux
    envelope[radius < 7.0] = 2.0 * hole_flux
    generator = np.random.default_rng([seed, 1])
    # Frequencies fill a pupil of one lambda/D = 2.3 pixels, hence at most 1/4.6 cycles per pixel.
    reach, direction = np.sqrt(generator.random(48)) / 4.6, 2 * np.pi * generator.random(48)
    waves_down = np.exp(2j * np.pi * y * (reach * np.cos(direction)))
    waves_right = np.exp(2j * np.pi * x.T * (reach * np.sin(direction)) + 2j * np.pi * generator.random(48))
    speckles = np.abs(waves_down @ waves_right.T) ** 2 / 48
    flux = envelope * speckles + sky_flux
    sources = []
    for down, right, factor in ((-11.0, 6.0, 20.0), (4.0, -15.0, 5.0)):
        total = factor * hole_flux * 2 * np.pi * (2.3 / 2.3548) ** 2
        flux += total * point_source(flux.shape, centre_row + down, centre_column + right, 2.3)
        sources.append((centre_row + down, centre_column + right, total))
    return Scene(flux, tuple(sources))


def point_source(shape: tuple[int, int], row: float, column: float, fwhm: float) -> np.ndarray:
    """Return a Gaussian of unit sum sampled at pixel centres; float64 of the given shape, ``fwhm`` in pixels."""
    profiles = [
        np.exp(-4 * np.log(2) * ((np.arange(n) - at) / fwhm) ** 2) for n, at in zip(shape, (row, column), strict=True)
    ]
    image = np.outer(*profiles)
    return image / image.sum()


def uniform_maps(detector: SimulatedDetector, geometry: Geometry) -> DetectorMaps:
    """Return maps without structure: the detector's mean dark current and clock-induced charge, flat 1."""
    shape = geometry.image.rows, geometry.image.columns
    return DetectorMaps(
        fixed_pattern=np.zeros(shape),
        dark_current=np.full(shape, detector.dark_current),
        clock_induced_charge=np.full(shape, detector.clock_induced_charge),
        flat=np.ones(shape),
        bad_pixels=np.zeros(shape, dtype=bool),
    )


def random_maps(detector: SimulatedDetector, geometry: Geometry, seed: int = 0) -> DetectorMaps:
    """Draw maps with the scatter of the vacuum test's (2024-03-22), a flat of 1 % and 2e-4 of bad pixels.

    Half of the bad pixels are hot (a thousand times the dark current), half dead (a response of 0.2).
    """
    shape = geometry.image.rows, geometry.image.columns
    generator = np.random.default_rng([seed, 2])
    pattern = generator.normal(size=shape) + 0.1 * generator.normal(size=shape[1])
    pattern += 0.04 * generator.normal(size=(shape[0], 1)) - pattern.mean()
    dark = detector.dark_current * np.exp(generator.normal(-(0.18**2) / 2, 0.18, shape))
    clock = detector.clock_induced_charge * np.maximum(1 + generator.normal(0, 0.2, shape), 0.1)
    flat = 1 + generator.normal(0, 0.01, shape)
    flat /= flat.mean()
    draw = generator.random(shape)
    dark[draw < 1e-4] *= 1000.0
    flat[draw > 1 - 1e-4] = 0.2
    bad = (draw < 1e-4) | (draw > 1 - 1e-4)
    return DetectorMaps(detector.fixed_pattern_sigma * pattern / pattern.std(), dark, clock, flat, bad)


def nonlinearity_table() -> NonlinearityTable:
    """Return a smooth, monotone table of 40 counts and 12 gains whose factors lie within 0.94 and 1.06."""
    counts = np.linspace(1.0, 65536.0, 40)
    gains = np.array([1.0, 10, 50, 100, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000])
    return NonlinearityTable(counts, gains, 1 + np.outer(counts / 32768 - 0.95, 0.05 / (1 + 0.3 * np.log(gains))))
