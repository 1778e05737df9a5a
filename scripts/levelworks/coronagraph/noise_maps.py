"""Noise maps from dark frames: fixed pattern, clock-induced charge and dark current of every pixel.

A stack is a set of dark frames of one gain G and exposure time t. The mean of its frames, in gain-multiplied
electrons, is F + G C + G t D; least squares over stacks of several gains and times gives F, C and D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.emccd import excess_noise_factor_squared
from levelworks.coronagraph.geometry import Geometry
from levelworks.coronagraph.pixel_least_squares import dispersion, fit_partial, invert_normal, model_stack
from levelworks.coronagraph.stack_sums import StackSums

RECOMMENDED_FRAMES = 1300
"""Frames a stack should have."""
_FEW_STACKS = 3
_PIXELS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class NoiseMaps:
    """Noise maps of a detector; maps are (rows, columns) of the frame, float64 unless said, NaN where not fitted.

    Attributes
    ----------
    fixed_pattern, clock_induced_charge, dark_current : ndarray
        F (e-, after the register), C (e-/pixel/frame, >= 0), D (e-/pixel/s, >= 0).
    fixed_pattern_error, clock_induced_charge_error, dark_current_error : ndarray
        Their 1-sigma errors, from ``variance`` and the stacks that each pixel had.
    adjusted_r2 : ndarray
        Adjusted coefficient of determination.
    good_stacks : ndarray, uint16
        Stacks that had the pixel in half of their frames or more; only these are fitted.
    dq : ndarray, uint16
        ``UNRELIABLE`` at 3 good stacks or fewer, ``INVALID_ADC`` in telemetry rows.
    variance : float
        Residual variance of unit weight (e-^2 for equal weights), averaged over the imaging area.
    bias_offset, bias_offset_error : float
        Mean over stacks of the median residual in the good prescan columns, and its standard error, DN.
    read_noise : float
        e-; from the residuals of the two stacks of least G t, in which the fixed pattern cancels.
    read_noise_from_correlation, correlation : float
        The peer's estimate (e-), and the correlation of these two stacks that it uses; see `fit_noise_maps`.
    warnings : tuple of str
    """

    fixed_pattern: np.ndarray
    clock_induced_charge: np.ndarray
    dark_current: np.ndarray
    fixed_pattern_error: np.ndarray
    clock_induced_charge_error: np.ndarray
    dark_current_error: np.ndarray
    adjusted_r2: np.ndarray
    good_stacks: np.ndarray
    dq: np.ndarray
    variance: float
    bias_offset: float
    bias_offset_error: float
    read_noise: float
    read_noise_from_correlation: float
    correlation: float
    warnings: tuple[str, ...]


def inverse_variances(
    stacks: Sequence[StackSums], read_noise: float, clock_induced_charge: float, dark_current: float
) -> np.ndarray:
    """Predict the inverse variance of each stack's mean, N / (rn^2 + ENF^2 G^2 (C + t D)), as weights of the fit.

    Parameters
    ----------
    stacks : sequence of StackSums
    read_noise, clock_induced_charge, dark_current : float
        Typical values: e-, e-/pixel/frame, e-/pixel/s.

    Returns
    -------
    ndarray, shape (stacks,), float64, 1/e-^2
    """
    gain, time, frames = _settings(stacks)
    electrons = clock_induced_charge + time * dark_current
    return frames / (read_noise**2 + _excess_noise(gain) * gain**2 * electrons)


def fit_noise_maps(
    stacks: Sequence[StackSums],
    geometry: Geometry,
    electrons_per_dn: float,
    *,
    weights: np.ndarray | None = None,
    telemetry_rows: int = 4,
) -> NoiseMaps:
    """Fit mean = F + G C + G t D by pixel over stacks, by least squares (coronagraph spec, 7.1).

    Variance is the sum of squared residuals over (stacks - 3), averaged over the imaging area; times
    diag((X'WX)^-1) it gives errors. Negative C and D become 0 after all statistics.

    With 1 the stack of least G t, N its frames and 2 the next, the peer's read noise is
    rn^2 = N var(mean_1) - G^2 var(D t + C) - ((N - 1) corr + 1) var(F), variances over the imaging area. It
    counts part of the fixed pattern as noise where that is strong. ``read_noise`` takes the difference of the
    residuals of 1 and 2, a contrast a of the stacks with a'X = 0, whose variance is
    sum_s a_s^2 (rn^2 + ENF^2 G^2 (C + t D)) / N_s.

    Parameters
    ----------
    stacks : sequence of StackSums
        One for each set of gain and time, full frames, bias-subtracted, in e-.
    geometry : Geometry
        Of the frames.
    electrons_per_dn : float
        K gain, e-/DN.
    weights : ndarray, shape (stacks,), optional
        Relative inverse variances of stack means, see `inverse_variances`; equal if not given.
    telemetry_rows : int
        Rows at the end of the frame that are not pixels.

    Raises
    ------
    InvalidInput
        Fewer than 4 stacks, 2 gains or 2 times, a singular design, or frames that don't fit the geometry.
    InvalidOptions
        Weights, K gain or telemetry rows out of range.
    """
    gain, time, frames = _settings(stacks)
    shape = geometry.shape
    if any(stack.total.shape != shape or stack.count.shape != shape for stack in stacks):
        raise InvalidInput(f"stacks have other shapes than the frames of {geometry.name}, {shape}")
    if not 0 < electrons_per_dn < np.inf:
        raise InvalidOptions(f"electrons_per_dn is {electrons_per_dn:g}, must be above 0")
    if not 0 <= telemetry_rows < shape[0]:
        raise InvalidOptions(f"telemetry_rows is {telemetry_rows}, must be between 0 and {shape[0] - 1}")
    weights = np.ones(len(stacks)) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != gain.shape or not np.all((weights > 0) & np.isfinite(weights)):
        raise InvalidOptions(f"weights must be {gain.size} finite values above 0")
    design = np.stack((np.ones_like(gain), gain, gain * time), axis=1)
    covariance, regular = invert_normal(np.einsum("s,si,sj->ij", weights, design, design)[None])
    if not regular[0]:
        raise InvalidInput("the gains and times of the stacks don't separate F, C and D")
    projection = covariance[0] @ (design.T * weights)

    coefficients, leverage = np.full((3, *shape), np.nan), np.full((3, *shape), np.nan)
    residual_variance, adjusted_r2 = np.full(shape, np.nan), np.full(shape, np.nan)
    good = np.zeros(shape, np.uint16)
    height, end = max(1, _PIXELS_AT_ONCE // shape[1]), shape[0] - telemetry_rows
    for row in range(0, end, height):
        rows = np.s_[row : min(row + height, end)]
        count = np.stack([stack.count[rows] for stack in stacks])
        reliable = (2 * count >= frames[:, None, None]) & (count > 0)
        mean = np.stack([stack.total[rows] for stack in stacks]) / np.maximum(count, 1)
        good[rows] = reliable.sum(axis=0)
        # Sums over stacks run in Python: a BLAS may order them by its number of threads.
        coefficients[:, rows] = sum(projection[:, s, None, None] * mean[s] for s in range(gain.size))
        leverage[:, rows] = np.diagonal(covariance[0])[:, None, None]
        partial = ~reliable.all(axis=0)
        if partial.any():
            fitted = fit_partial(mean[:, partial], weights[:, None] * reliable[:, partial], design)
            coefficients[:, rows][:, partial], leverage[:, rows][:, partial] = fitted
        residual_variance[rows], adjusted_r2[rows] = dispersion(
            mean, weights[:, None, None] * reliable, design, coefficients[:, rows], good[rows]
        )

    area = geometry.imaging_area.slices
    seen = np.isfinite(coefficients[0])
    determined = np.isfinite(residual_variance[area])
    if not determined.any():
        raise InvalidInput(f"no pixel of the imaging area has more than {_FEW_STACKS} good stacks")
    variance = float(residual_variance[area][determined].mean())
    errors = np.sqrt(variance * leverage)
    offsets = _prescan_residuals(stacks, design, coefficients, geometry) / electrons_per_dn
    noise = _read_noises(stacks, design, projection, coefficients, area)

    dq = np.where(good <= _FEW_STACKS, DQ.UNRELIABLE, 0).astype(np.uint16)
    dq[end:] = DQ.INVALID_ADC
    warnings = _warnings(frames, int(np.count_nonzero(dq[area] & DQ.UNRELIABLE)), noise)
    for index in (1, 2):
        coefficients[index][seen] = np.maximum(coefficients[index][seen], 0.0)
    return NoiseMaps(
        fixed_pattern=coefficients[0],
        clock_induced_charge=coefficients[1],
        dark_current=coefficients[2],
        fixed_pattern_error=errors[0],
        clock_induced_charge_error=errors[1],
        dark_current_error=errors[2],
        adjusted_r2=adjusted_r2,
        good_stacks=good,
        dq=dq,
        variance=variance,
        bias_offset=float(offsets.mean()),
        bias_offset_error=float(offsets.std(ddof=1) / np.sqrt(offsets.size)),
        read_noise=noise[0],
        read_noise_from_correlation=noise[1],
        correlation=noise[2],
        warnings=warnings,
    )


def _excess_noise(gains: np.ndarray) -> np.ndarray:
    return np.array([excess_noise_factor_squared(float(gain)) for gain in gains])


def _settings(stacks: Sequence[StackSums]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return gains, times and frames of the stacks, each (stacks,), once they can determine F, C and D."""
    gain = np.array([stack.gain for stack in stacks], np.float64)
    time = np.array([stack.exposure_time for stack in stacks], np.float64)
    frames = np.array([stack.frames for stack in stacks], np.int64)
    if gain.size <= _FEW_STACKS:
        raise InvalidInput(f"noise maps need at least {_FEW_STACKS + 1} stacks, have {gain.size}")
    if not np.all((gain >= 1) & (gain < np.inf) & (time >= 0) & (time < np.inf) & (frames > 0)):
        raise InvalidInput("every stack needs a gain of at least 1, a time of at least 0 s, and a frame")
    if np.unique(gain).size < 2 or np.unique(time).size < 2:
        raise InvalidInput("noise maps need stacks of at least 2 gains and 2 exposure times")
    return gain, time, frames


def _prescan_residuals(
    stacks: Sequence[StackSums], design: np.ndarray, coefficients: np.ndarray, geometry: Geometry
) -> np.ndarray:
    """Return the median residual of each stack in the columns the bias is taken from, e-."""
    region = (geometry.prescan.slices[0], slice(*geometry.good_columns))
    medians = []
    for stack, row in zip(stacks, design, strict=True):
        count = stack.count[region]
        residual = stack.total[region] / np.maximum(count, 1) - model_stack(row, coefficients[:, region[0], region[1]])
        usable = (2 * count >= stack.frames) & np.isfinite(residual)
        medians.append(np.median(residual[usable]) if usable.any() else np.nan)
    return np.array(medians)


def _read_noises(
    stacks: Sequence[StackSums],
    design: np.ndarray,
    projection: np.ndarray,
    coefficients: np.ndarray,
    area: tuple[slice, slice],
) -> tuple[float, float, float]:
    """Return read noise by contrast, read noise by correlation, both e-, and the correlation."""
    one, two = np.lexsort((design[:, 1], design[:, 2]))[:2]
    usable = np.isfinite(coefficients[0][area])
    for stack in stacks:
        usable &= 2 * stack.count[area] >= stack.frames
    if np.count_nonzero(usable) < 2:
        return np.nan, np.nan, np.nan
    first, second = (stacks[s].total[area][usable] / stacks[s].count[area][usable] for s in (one, two))
    pattern, charge, current = (plane[area][usable] for plane in coefficients)
    time = np.array([stack.exposure_time for stack in stacks])
    gain = design[:, 1]

    contrast = (np.eye(gain.size) - design @ projection)[[one, two]]
    contrast = contrast[0] - contrast[1]
    residual = first - second - model_stack(design[one] - design[two], np.stack((pattern, charge, current)))
    shot = _excess_noise(gain) * gain**2 * (charge.mean() + time * current.mean())
    share = contrast**2 * [np.mean(1.0 / stack.count[area][usable]) for stack in stacks]
    by_contrast = (residual.var() - np.sum(share * shot)) / np.sum(share)

    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = float(np.corrcoef(first, second)[0, 1])
    dark = gain[one] ** 2 * (time[one] * current + charge).var()
    frames = stacks[one].frames
    by_correlation = frames * first.var() - dark - ((frames - 1) * correlation + 1) * pattern.var()
    return _root(by_contrast), _root(by_correlation), correlation


def _root(square: float) -> float:
    return float(np.sqrt(square)) if square >= 0 else np.nan


def _warnings(frames: np.ndarray, unreliable: int, noise: tuple[float, float, float]) -> tuple[str, ...]:
    warnings = []
    if (few := int(np.count_nonzero(frames < RECOMMENDED_FRAMES))) > 0:
        warnings.append(f"{few} of {frames.size} stacks have fewer than {RECOMMENDED_FRAMES} frames")
    if unreliable:
        warnings.append(f"{unreliable} pixels of the imaging area have {_FEW_STACKS} good stacks or fewer")
    if not np.isfinite(noise[0]):
        warnings.append(
            "the read noise can't be estimated: no pixel is in every stack, or shot noise exceeds the residuals"
        )
    return tuple(warnings)
