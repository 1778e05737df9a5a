"""Level-1 frames of EXCAM with known truth, one at a time and as whole sets of files.

The chain is that of section 10 of the coronagraph spec: flux times flat, smear, photo-electrons, dark current
and clock-induced charge, cosmic rays, pixel full well, gain register, register overflow, read noise, fixed
pattern, conversion, nonlinearity, row bias, converter. A frame is a function of its inputs and its seed alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from levelworks.core.atomic import atomic_outputs, write_text
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph import cosmic_ray_hits, desmear, emccd
from levelworks.coronagraph.geometry import Geometry, geometries
from levelworks.coronagraph.level1 import Generation, level1_headers, level1_name, write_level1
from levelworks.coronagraph.nonlinearity import NonlinearityCurve, curve_at_gain
from levelworks.coronagraph.scenes import (
    DetectorMaps,
    Scene,
    SimulatedDetector,
    coronagraph_scene,
    nonlinearity_table,
    random_maps,
    uniform_maps,
)

PIXEL_PITCH = 13e-4
"""Centimetres."""


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated frame.

    Attributes
    ----------
    mean_electrons : ndarray, shape of the image region, float64
        Expected electrons per pixel and frame before the register, all sources of charge but cosmic rays.
    photoelectrons : ndarray, shape of the image region, float64
        Expected photo-electrons alone, without flat, smear and dark: what a perfect L2b image shows.
    hits : CosmicRayHits
        Cosmic rays, in pixels of the image region.
    cosmic_electrons : ndarray, shape of the image region, float32
        Electrons that cosmic rays left, before the pixel full well.
    head_pixels : ndarray, shape (n, 2), int32
        Row and column in the frame of every pixel whose own charge overflowed the register.
    head_charges : ndarray, shape (n,), float64
        Electrons of these pixels after multiplication, before overflow.
    row_bias : ndarray, shape (frame rows,), float64
        DN, without the offset of the prescan.
    settings : dict
        Gain, exposure time (s), geometry, switches and the detector's figures.
    """

    mean_electrons: np.ndarray
    photoelectrons: np.ndarray
    hits: cosmic_ray_hits.CosmicRayHits
    cosmic_electrons: np.ndarray
    head_pixels: np.ndarray
    head_charges: np.ndarray
    row_bias: np.ndarray
    settings: dict[str, Any]


def default_detector(generation: Generation) -> SimulatedDetector:
    """Return the detector that calibration takes for granted where a header says nothing: FFT frames don't."""
    return SimulatedDetector(k_gain=9.55, fwc_pp_e=66850.0) if generation == "fft" else SimulatedDetector()


def frame_seed(frame_id: str, base_seed: int = 0) -> np.random.SeedSequence:
    """Make the seed of a frame from its id, so that draws depend neither on order nor on neighbours."""
    return np.random.SeedSequence([base_seed, int.from_bytes(hashlib.sha256(frame_id.encode()).digest()[:16])])


def simulate_frame(
    scene: Scene,
    detector: SimulatedDetector,
    gain: float,
    exposure_time: float,
    seed: int | np.random.SeedSequence,
    *,
    geometry: Geometry | None = None,
    maps: DetectorMaps | None = None,
    nonlinearity: NonlinearityCurve | None = None,
    smear: bool = True,
    cosmic_rays: bool = True,
) -> tuple[np.ndarray, Truth]:
    """Simulate one raw frame.

    Each effect draws from a stream of its own: with cosmic rays on or off, the photons, the clock-induced charge,
    the read noise and the bias are the same.

    Parameters
    ----------
    scene : Scene
        Flux on the image region.
    gain : float
        EM gain, from 1 to about 7000.
    exposure_time : float
        Seconds.
    seed : int or SeedSequence
        See `frame_seed`.
    geometry : Geometry, optional
        SCI by default.
    maps : DetectorMaps, optional
        `uniform_maps` by default.
    nonlinearity : NonlinearityCurve, optional
        The curve at this gain with which calibration corrects; None for a linear detector.

    Returns
    -------
    ndarray, shape of the frame, uint16
        Raw counts, with telemetry words in the last rows.
    Truth
        What went in.

    Raises
    ------
    InvalidOptions
        Where gain or exposure time are out of range.
    InvalidInput
        Where scene or maps don't fit the geometry.
    """
    geometry = geometry or geometries()["SCI"]
    maps = maps or uniform_maps(detector, geometry)
    image = geometry.image.slices
    shape = geometry.image.rows, geometry.image.columns
    if not exposure_time >= 0:
        raise InvalidOptions(f"exposure time is {exposure_time} s: it must not be negative")
    for name, array in {"scene": scene.flux, **vars(maps)}.items():
        if array.shape != shape:
            raise InvalidInput(f"{name} is {array.shape}, the image region of {geometry.name} is {shape}")
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    # A SeedSequence counts its children; a copy keeps the caller's untouched, so that the same seed repeats.
    root = np.random.SeedSequence(root.entropy, spawn_key=root.spawn_key)
    light, clock, rays, register, read, bias = (np.random.default_rng(child) for child in root.spawn(6))

    exposed = desmear.smear(scene.flux * maps.flat, exposure_time, detector.row_read_time if smear else 0.0)
    mean = detector.quantum_efficiency * exposed
    mean += maps.dark_current * exposure_time + maps.clock_induced_charge
    electrons = np.zeros(geometry.shape)
    _add_clock_induced_charge(electrons, detector.clock_induced_charge, clock)
    electrons[image] = light.poisson(mean)

    rate = detector.cosmic_ray_rate * PIXEL_PITCH**2 * mean.size if cosmic_rays else 0.0
    hits = cosmic_ray_hits.draw_hits(shape, rate * exposure_time, rays)
    cosmic = cosmic_ray_hits.deposit(hits, shape)
    electrons[image] += np.rint(cosmic)
    np.minimum(electrons, detector.fwc_pp_e, out=electrons)

    gained = emccd.multiply(electrons, gain, register, stages=detector.stages, law=detector.register_law)
    heads = np.argwhere(gained > detector.fwc_em_e).astype(np.int32)
    head_charges = gained[heads[:, 0], heads[:, 1]]
    gained, _ = emccd.overflow(gained, detector.fwc_em_e, cosmic_ray_hits.tail_weights(gain))

    gained += detector.read_noise * read.standard_normal(geometry.shape)
    gained[image] += maps.fixed_pattern
    row_bias = _row_bias(detector, geometry.shape[0], bias)
    values = emccd.counts(gained, detector.k_gain, nonlinearity)
    values += row_bias[:, None]
    values[geometry.prescan.slices] += detector.bias_offset
    raw = emccd.digitise(values)
    _write_telemetry(raw, geometry.telemetry_rows, bias)
    settings = {
        "gain": gain,
        "exposure_time_s": exposure_time,
        "geometry": geometry.name,
        "smear": smear,
        "cosmic_rays": cosmic_rays,
        "nonlinearity": nonlinearity is not None,
        "detector": detector.model_dump(),
    }
    photoelectrons = detector.quantum_efficiency * exposure_time * scene.flux
    truth = Truth(mean, photoelectrons, hits, cosmic.astype(np.float32), heads, head_charges, row_bias, settings)
    return raw, truth


def _add_clock_induced_charge(electrons: np.ndarray, mean: float, generator: np.random.Generator) -> None:
    """Add Poisson charge of one mean: the number of all events and then their places, for they are few."""
    number = generator.poisson(mean * electrons.size)
    np.add.at(electrons.reshape(-1), generator.integers(0, electrons.size, number), 1.0)


def _row_bias(detector: SimulatedDetector, rows: int, generator: np.random.Generator) -> np.ndarray:
    """Draw the bias of each row; the mean square of a walk of unit steps about its mean is rows / 6."""
    steps = generator.standard_normal(rows)
    if detector.row_bias_law == "walk":
        steps = np.cumsum(steps) * np.sqrt(6.0 / rows)
        steps -= steps.mean()
    return detector.bias + detector.row_bias_sigma * steps


def _write_telemetry(raw: np.ndarray, rows: int, generator: np.random.Generator) -> None:
    """Overwrite the last rows as in the real frame: words of 16 bits in the first 170 columns, then zeros."""
    if rows:
        raw[-rows:] = 0
        words = raw[-rows:, :170]
        words[...] = generator.integers(0, 65536, words.shape) * (generator.random(words.shape) < 0.6)


def write_references(directory: Path, detector: SimulatedDetector, maps: DetectorMaps) -> None:
    """Write the calibration references that undo a simulation.

    ``fixed_pattern.fits`` (e-), ``dark_current.fits`` (e-/s), ``clock_induced_charge.fits`` (e-/pixel/frame) and
    ``flat.fits`` as float64 and ``bad_pixels.fits`` as int64 in primary HDUs, ``nonlinearity.csv``, and
    ``detector.json`` with the detector's figures.
    """
    outputs = {name: directory / f"{name}.fits" for name in vars(maps)}
    with atomic_outputs(outputs) as temporary:
        for name, array in vars(maps).items():
            kind = np.int64 if array.dtype == bool else np.float64
            fits.PrimaryHDU(array.astype(kind)).writeto(temporary[name], overwrite=True)
    table = nonlinearity_table()
    rows = [np.concatenate(([np.nan], table.gains)), *np.column_stack((table.counts, table.factors))]
    write_text(directory / "nonlinearity.csv", "\n".join(",".join(repr(float(v)) for v in row) for row in rows) + "\n")
    write_text(directory / "detector.json", json.dumps(detector.model_dump(), indent=1) + "\n")


def simulate_dataset(
    directory: Path,
    *,
    frames: int,
    gain: float,
    exposure_time: float,
    generation: Generation = "fft",
    seed: int = 0,
    geometry: Geometry | None = None,
    detector: SimulatedDetector | None = None,
    scene: Scene | None = None,
    first_frame: int = 0,
    smear: bool = True,
    cosmic_rays: bool = True,
    nonlinearity: bool = True,
    photon_counting: bool = False,
) -> list[Path]:
    """Write Level-1 frames, their truth and the references that calibrate them.

    Several calls may share a directory, e.g. darks at several gains and times, as long as their frame numbers
    don't meet: maps depend on seed, detector and geometry alone.

    Parameters
    ----------
    directory : Path
        Receives the frames, ``truth/<id>.npz`` (arrays of `Truth`) with ``truth/<id>.json`` (settings), and
        ``references/`` (see `write_references`).
    frames, first_frame : int
        How many frames, and the number of the first.
    seed : int
        Base seed; a frame's own is `frame_seed` of its id.
    scene : Scene, optional
        `coronagraph_scene` by default; `dark_scene` gives dark frames.

    Returns
    -------
    list of Path
        The frames, in order of their numbers.
    """
    geometry = geometry or geometries()["SCI"]
    detector = detector or default_detector(generation)
    scene = scene or coronagraph_scene(geometry, seed=seed)
    maps = random_maps(detector, geometry, seed)
    directory = Path(directory)
    write_references(directory / "references", detector, maps)
    curve = curve_at_gain(nonlinearity_table(), gain) if nonlinearity else None
    paths = []
    for number in range(first_frame, first_frame + frames):
        path = directory / level1_name(generation, number, exposure_time)
        raw, truth = simulate_frame(
            scene,
            detector,
            gain,
            exposure_time,
            frame_seed(path.stem, seed),
            geometry=geometry,
            maps=maps,
            nonlinearity=curve,
            smear=smear,
            cosmic_rays=cosmic_rays,
        )
        headers = level1_headers(
            generation,
            geometry=geometry,
            gain=gain,
            exposure_time=exposure_time,
            frame_number=number,
            k_gain=detector.k_gain,
            photon_counting=photon_counting,
            dark=not scene.flux.any(),
        )
        write_level1(path, raw, headers)
        write_truth(directory / "truth" / path.stem, truth)
        paths.append(path)
    return paths


def write_truth(stem: Path, truth: Truth) -> None:
    """Write the arrays of a truth to ``<stem>.npz`` and its settings to ``<stem>.json``."""
    arrays: dict[str, Any] = {name: value for name, value in vars(truth).items() if isinstance(value, np.ndarray)}
    arrays |= {f"hit_{name}": value for name, value in vars(truth.hits).items()}
    with atomic_outputs({"arrays": stem.with_name(f"{stem.name}.npz")}) as temporary:
        np.savez(temporary["arrays"], **arrays)
    write_text(stem.with_name(f"{stem.name}.json"), json.dumps(truth.settings, indent=1) + "\n")
