"""From raw counts to Level 2a (linear DN) and Level 2b (photoelectrons), one frame in memory.

The order is cgi_iit_drp's: bias, saturation and cosmic rays, nonlinearity; then electrons, EM gain, dark, desmear,
flat. Arithmetic is in float64; images are kept in the precision asked for, with float64 every value equals the peer's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.bias import RowBias, row_bias
from levelworks.coronagraph.cosmic_rays import (
    AdaptiveTail,
    CosmicRaySearch,
    automatic_tail,
    flag_cosmic_rays,
    flag_saturation,
    level_from_histogram,
)
from levelworks.coronagraph.desmear import desmear, smear_is_significant
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.emccd import excess_noise_factor_squared
from levelworks.coronagraph.errors import Variances, variances
from levelworks.coronagraph.expected_signal import expected_signal
from levelworks.coronagraph.geometry import Region
from levelworks.coronagraph.nonlinearity import Coverage, NonlinearityCurve, linearise
from levelworks.coronagraph.options import CalibrateFrame, Detector
from levelworks.coronagraph.readers import Level1Frame

FFT_DETECTOR = {"k_gain": 9.55, "pixel_full_well": 66850.0}
"""Full Functional Test 2023-11 (cgi_iit_drp config_file.yaml)."""

FLIGHT_DETECTOR = {"k_gain": 8.7, "pixel_full_well": 90000.0}
"""Flight defaults (corgidrp DetectorParams)."""

INVALID_ADC = np.uint16(DQ.INVALID_ADC)


@dataclass(frozen=True)
class References:
    """Calibration arrays at one setting, all of the image region's shape.

    Attributes
    ----------
    dark : ndarray, float64
        Master dark, e-/px/frame.
    register_dark : ndarray, float32
        The part of it that passed the register, e-/px/frame.
    dark_variance : ndarray, float32
        (e-/px/frame)^2.
    flat : ndarray, float64, or None
        Relative response; None is 1 everywhere.
    dq : ndarray, uint16
        Flags that references give to pixels.
    curve : NonlinearityCurve or None
        None leaves counts as they are.
    """

    dark: np.ndarray
    register_dark: np.ndarray
    dark_variance: np.ndarray
    flat: np.ndarray | None
    dq: np.ndarray
    curve: NonlinearityCurve | None

    @cached_property
    def flat_single(self) -> np.ndarray | None:
        """Return the flat in single precision, enough for errors."""
        return None if self.flat is None else self.flat.astype(np.float32)


@dataclass(frozen=True)
class Level2a:
    """Linear counts (DN) with flags, row bias, and the figures of the way there."""

    counts: np.ndarray
    dq: np.ndarray
    bias: RowBias
    gain: float
    exposure_time: float
    k_gain: float
    pixel_full_well: float
    read_noise: float
    saturation_level: float
    heads: int
    coverage: Coverage | None


@dataclass(frozen=True)
class Level2b:
    """Photoelectrons per pixel and frame with flags, and variances where they were asked for."""

    electrons: np.ndarray
    dq: np.ndarray
    desmeared: bool
    errors: Variances


def detector_value(options: Detector, frame: Level1Frame, name: str) -> float:
    """Return k_gain or pixel_full_well: the option, else the header's KGAINPAR, else the generation's value."""
    given = getattr(options, name)
    if given is not None:
        return float(given)
    stated = frame.header.image.get("KGAINPAR") if name == "k_gain" else None
    if isinstance(stated, int | float) and stated > 0:
        return float(stated)
    return (FLIGHT_DETECTOR if frame.header.generation == "flight" else FFT_DETECTOR)[name]


@njit(cache=True, nogil=True)
def _subtract_bias(raw: np.ndarray, level: np.ndarray, flag_invalid: Any, out: np.ndarray, dq: np.ndarray) -> int:
    """Subtract the bias, start the flags, and return the number of invalid converter values."""
    invalid = 0
    for row in range(raw.shape[0]):
        bias = level[row]
        number = np.uint32(0)
        for column in range(raw.shape[1]):
            value = raw[row, column]
            wrong = (value == 0) | (value == 65535) | (value != value)
            out[row, column] = value - bias
            dq[row, column] = flag_invalid if wrong else 0
            number += np.uint32(wrong)
        invalid += int(number)
    return invalid


def to_level2a(
    frame: Level1Frame,
    curve: NonlinearityCurve | None,
    options: Detector,
    *,
    region: Region | None = None,
    precision: str = "float64",
) -> Level2a:
    """Subtract the bias, flag saturation and cosmic rays, and linearise.

    Parameters
    ----------
    region : Region, optional
        Part of the frame to calibrate: the image region where None; the whole frame for noise maps, where heads
        of cosmic rays still lie in the image region only and streaks wrap along the serial stream.
    precision : {'float64', 'float32'}
        Type of the counts; every single operation is in float64.

    Raises
    ------
    InvalidInput
        Where the header gives no gain or exposure time, no pixel holds a value, or more pixels are saturated than
        allowed.
    """
    geometry, header = frame.geometry, frame.header
    gain, exposure_time = header.gain, header.exposure_time
    k_gain = detector_value(options, frame, "k_gain")
    well = detector_value(options, frame, "pixel_full_well")
    whole = region is not None
    area = region or geometry.image
    rows, columns = area.slices
    bias = row_bias(
        frame.counts(rows, slice(*geometry.good_columns)),
        offset=options.bias_offset,
        outlier_sigma=options.bias_outlier_sigma,
    )
    if not (np.isfinite(bias.level).all() and np.isfinite(bias.noise)):
        raise InvalidInput(f"{frame.name}: the prescan holds values that are not finite; there is no bias to subtract")
    raw = frame.counts(rows, columns)
    image = np.empty(raw.shape, dtype=precision)
    dq = np.empty(raw.shape, dtype=np.uint16)
    # The peer knows no invalid converter values.
    invalid = np.uint16(0) if options.compat == "iit" else INVALID_ADC
    if _subtract_bias(raw, bias.level, invalid, image, dq) == image.size:
        raise InvalidInput(f"{frame.name}: every pixel is 0, 65535 or not a number; the converter gave no values")
    if bias.replaced.any():
        dq[bias.replaced] |= np.uint16(DQ.BIAS_REPLACED)

    register, pixel = options.register_full_well / k_gain, well / k_gain * gain
    saturation_level = options.saturation_threshold * min(register, pixel)
    saturated = flag_saturation(image, dq, saturation_level)
    lit = geometry.image.rows * geometry.image.columns
    if saturated > options.max_saturated * lit:
        raise InvalidInput(
            f"{frame.name}: {100 * saturated / lit:.1f} % of the pixels are saturated "
            f"(max_saturated is {100 * options.max_saturated:g} %)"
        )
    read_noise = bias.noise * k_gain * (float(curve.factors[0]) if curve is not None else 1.0)
    noise = _background_noise(image, bias.noise, gain / k_gain)
    search = _search(options, frame, area, gain, register, pixel, noise)
    searched = image
    if options.cosmic_ray_level == "histogram":
        searched, level = level_from_histogram(image)
        search = replace(search, head_level=level, plateau_level=level)
    heads, _ = flag_cosmic_rays(searched, dq, search, geometry.image if whole else None)
    coverage = linearise(image, curve, dq, out=image)[1] if curve is not None else None
    return Level2a(
        counts=image,
        dq=dq,
        bias=bias,
        gain=gain,
        exposure_time=exposure_time,
        k_gain=k_gain,
        pixel_full_well=well,
        read_noise=read_noise,
        saturation_level=saturation_level,
        heads=len(heads),
        coverage=coverage,
    )


def _background_noise(image: np.ndarray, read_noise: float, counts_per_electron: float) -> float:
    """Return the standard deviation (DN) of a background pixel: read noise and shot noise of the mean level."""
    some = image[::8]
    mean = float(some.mean(dtype=np.float64))
    mean = max(mean if np.isfinite(mean) else float(np.nanmean(some)), 0.0)
    return float(np.sqrt(read_noise**2 + 2 * mean * counts_per_electron))


def _search(
    options: Detector, frame: Level1Frame, area: Region, gain: float, register: float, pixel: float, noise: float
) -> CosmicRaySearch:
    well = register if options.plateau_well == "register" else min(register, pixel)
    head = options.saturation_threshold if options.head_threshold is None else options.head_threshold
    tail = automatic_tail(gain) if options.cosmic_ray_tail == "auto" else int(options.cosmic_ray_tail)
    image = frame.geometry.image
    centre = (image.row - area.row + (image.rows - 1) / 2, image.column - area.column + (image.columns - 1) / 2)
    return CosmicRaySearch(
        head_level=head * well,
        plateau_level=options.plateau_threshold * well,
        filter=options.cosmic_ray_filter,
        box=options.cosmic_ray_box,
        tail=tail,
        tail_from=options.tail_from,
        compat=options.compat == "iit",
        adaptive_tail=AdaptiveTail(noise=max(noise, 0.5)) if options.adaptive_tail and gain > 1 else None,
        excluded=(*centre, options.excluded_radius) if options.excluded_radius > 0 else None,
    )


@njit(cache=True, nogil=True)
def _to_electrons(counts: np.ndarray, k_gain: float, gain: float, dark: np.ndarray, out: np.ndarray) -> None:
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            out[row, column] = counts[row, column] * k_gain / gain - dark[row, column]


@njit(cache=True, nogil=True)
def _divide_flat(image: np.ndarray, flat: np.ndarray) -> None:
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            value = flat[row, column]
            image[row, column] = image[row, column] / value if value != 0.0 else 0.0


def to_level2b(level2a: Level2a, references: References, options: CalibrateFrame) -> Level2b:
    """Convert counts to photoelectrons, subtract dark and smear, divide by the flat, propagate errors.

    Returns
    -------
    Level2b
        Where the flat is 0 the value is 0 and flagged `DQ.DEAD` by the references.
    """
    gain, k_gain = level2a.gain, level2a.k_gain
    dq = level2a.dq | references.dq
    electrons = np.empty_like(level2a.counts)
    _to_electrons(level2a.counts, k_gain, gain, references.dark, electrons)

    noise = options.read_noise if options.read_noise is not None else level2a.read_noise
    excess = excess_noise_factor_squared(gain)
    signal = expected_signal(electrons, dq, int(UNUSABLE), (noise / gain) ** 2, excess)
    desmeared = _remove_smear(electrons, dq, level2a, noise / gain, options)
    if references.flat is not None:
        _divide_flat(electrons, references.flat)
    errors = variances(
        signal,
        electrons,
        register_dark=references.register_dark,
        dark_variance=references.dark_variance,
        flat=references.flat_single,
        bias_variance=(level2a.bias.error * noise / max(level2a.bias.noise, 1e-9) / gain) ** 2,
        read_variance=(noise / gain) ** 2,
        excess=excess,
        flat_error=options.flat_relative_error if references.flat is not None else 0.0,
        to_counts=gain / k_gain,
        smear=options.row_read_time / level2a.exposure_time if desmeared else 0.0,
    )
    if options.masked_value == "nan":
        masked = (dq & np.uint16(UNUSABLE)) != 0
        electrons[masked] = np.nan
        dq[masked] |= np.uint16(DQ.REPLACED)
    return Level2b(electrons, dq, desmeared, errors)


def _remove_smear(
    electrons: np.ndarray, dq: np.ndarray, level2a: Level2a, noise: float, options: CalibrateFrame
) -> bool:
    """Desmear in place where asked for; tells whether it was done."""
    if options.desmear == "off" or level2a.exposure_time == 0:
        return False
    times = (level2a.exposure_time, options.row_read_time)
    fill = None if options.compat == "iit" else (dq & np.uint16(UNUSABLE)) != 0
    if options.desmear == "auto" and not smear_is_significant(electrons, noise, *times, fill_mask=fill):
        return False
    desmear(electrons, *times, fill_mask=fill, out=electrons)
    return True
