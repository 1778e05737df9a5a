"""Photon counting: the mean electrons of a pixel from how often its gained signal passes a threshold.

Electrons of a frame are Poisson with mean L. A register of mean gain g multiplies n of them to X_n (none stay
none), and the read noise adds a Gaussian. The chance to pass the threshold t is then a Poisson mixture,
sum_n Pois(n; L) A_n, whose A_n = P(X_n + noise > t) hold no L: they are computed once and make the probability, its
derivatives and its inverse exact for any L. The law of X_n is the branching process of the register's stages, or the
gamma(n, g) that the peers assume.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.emccd import RegisterLaw
from levelworks.coronagraph.register_detection import passing_probabilities

LOW_THRESHOLD = 4.0
"""Thresholds under this many read noises let in tens of false counts a frame."""
BRIGHT_MEAN = 0.1
"""Mean electrons per pixel and frame beyond which coincidences cost precision."""
_NEWTON_TOLERANCE = 1e-13
_NEWTON_STEPS = 100
_MOST_FRAMES = 2**31 - 1


@dataclass(frozen=True)
class PhotonCountedMean:
    """Mean electrons by pixel, with all arrays in the shape of the counts.

    Attributes
    ----------
    mean : ndarray, float64
        Electrons per pixel and frame; NaN where no frame was usable, a lower limit where ``TOO_BRIGHT`` is set.
    error : ndarray, float64
        Its 1-sigma binomial error.
    bias : ndarray, float64
        What ``mean`` exceeds the truth by on average, to first order in 1/frames; not subtracted.
    dq : ndarray, uint16
        ``TOO_BRIGHT`` and ``ALL_MASKED`` bits.
    warnings : tuple of str
        Settings or fluxes that count photons badly.
    """

    mean: np.ndarray
    error: np.ndarray
    bias: np.ndarray
    dq: np.ndarray
    warnings: tuple[str, ...]


def check_settings(gain: float, threshold: float, read_noise: float) -> tuple[str, ...]:
    """Check settings: refuse those that can't count single electrons, return warnings for poor ones.

    Parameters
    ----------
    gain : float
        Mean EM gain.
    threshold, read_noise : float
        In gain-multiplied electrons.

    Raises
    ------
    InvalidOptions
        Unless 0 < threshold < gain and 0 <= read_noise < gain, all finite.
    """
    if not (np.isfinite(gain) and gain > 0):
        raise InvalidOptions(f"gain is {gain:g}, must be finite and above 0")
    if not 0 < threshold < gain:
        raise InvalidOptions(f"threshold is {threshold:g} e-, must be above 0 and below the gain of {gain:g}")
    if not 0 <= read_noise < gain:
        raise InvalidOptions(f"read_noise is {read_noise:g} e-, must be at least 0 and below the gain of {gain:g}")
    if threshold < LOW_THRESHOLD * read_noise:
        return (f"the threshold of {threshold:g} e- is below {LOW_THRESHOLD:g} read noises of {read_noise:g} e-",)
    return ()


def _mix(mean: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Return sum_n Pois(n; mean) terms_n."""
    weight = np.exp(-mean)
    total = weight * terms[0]
    for n, term in enumerate(terms[1:], start=1):
        weight = weight * (mean / n)
        total += weight * term
    return total


def detection_probability(
    mean: np.ndarray | float,
    gain: float,
    threshold: float,
    read_noise: float,
    register_law: RegisterLaw = "branching",
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the probability that a pixel passes the threshold, and its derivative.

    P = e^-L erfc(t / (sqrt2 rn)) / 2 + sum_{n>=1} Pois(n; L) P(X_n + N(0, rn) > t). With the gamma law and without
    read noise it is the Skellam tail P(Poisson(L) > Poisson(t/g)). dP/dL = sum_n Pois(n; L) (A_{n+1} - A_n) > 0.

    Parameters
    ----------
    mean : array_like, any shape
        L, electrons per pixel and frame, >= 0.
    gain, threshold, read_noise : float
        As for `check_settings`.
    register_law : {"branching", "gamma"}
        Exact law of the register, or the usual approximation: at a gain of 5000 and a threshold of a tenth of it,
        estimates by "gamma" are 0.4 % too high.

    Returns
    -------
    probability, derivative : ndarray, float64, shape of ``mean``

    Raises
    ------
    InvalidInput
        Where a mean is negative or not finite.
    InvalidOptions
        From `check_settings`, or where the branching process is asked for a gain below 1.
    """
    check_settings(gain, threshold, read_noise)
    mean = np.asarray(mean, dtype=np.float64)
    if not np.all((mean >= 0) & (mean < np.inf)):
        raise InvalidInput("mean electrons must be finite and not negative")
    passing, _, step = passing_probabilities(float(gain), float(threshold), float(read_noise), register_law)
    return _mix(mean, passing) + gammainc(float(passing.size), mean), _mix(mean, step)


def invert_probability(
    probability: np.ndarray | float,
    gain: float,
    threshold: float,
    read_noise: float,
    register_law: RegisterLaw = "branching",
) -> np.ndarray:
    """Invert `detection_probability`, by Newton on -ln(1 - P), nearly linear in L, inside a bracket.

    Under the probability P0 of a false count there is no root L >= 0; the tangent (P - P0) / P'(0) continues there.

    Parameters
    ----------
    probability : array_like, any shape
        At least 0 and below 1.
    gain, threshold, read_noise, register_law
        As for `detection_probability`.

    Returns
    -------
    ndarray, float64, shape of ``probability``
        Mean electrons per pixel and frame to 1e-10 of max(L, 0.1); each the same bits whatever the others are.

    Raises
    ------
    InvalidInput
        Where a probability is outside [0, 1).
    InvalidOptions
        From `check_settings`, or where the branching process is asked for a gain below 1.
    """
    check_settings(gain, threshold, read_noise)
    probability = np.asarray(probability, dtype=np.float64)
    if not np.all((probability >= 0) & (probability < 1)):
        raise InvalidInput("probabilities must be at least 0 and below 1")
    passing, failing, step = passing_probabilities(float(gain), float(threshold), float(read_noise), register_law)
    result = np.asarray((probability - passing[0]) / step[0])
    curved = probability > passing[0]
    target = -np.log1p(-probability[curved])

    def excess(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        missed = _mix(mean, failing)
        passed = _mix(mean, passing) + gammainc(float(passing.size), mean)
        # Either form of the logarithm alone loses digits at one end.
        log_missed = np.where(passed < 0.5, np.log1p(-np.minimum(passed, 0.5)), np.log(missed))
        return -log_missed - target, _mix(mean, step) / missed

    low, high = np.zeros_like(target), target + 1.0
    while np.any(short := excess(high)[0] < 0):
        high = np.where(short, 2.0 * high, high)
    mean, settled = target, np.zeros(target.shape, dtype=bool)
    for _ in range(_NEWTON_STEPS):
        value, slope = excess(mean)
        low, high = np.where(value < 0, mean, low), np.where(value >= 0, mean, high)
        new = mean - value / slope
        new = np.where(((new > low) & (new < high)) | (value == 0), new, 0.5 * (low + high))
        new = np.where(settled, mean, new)
        settled |= np.abs(new - mean) <= _NEWTON_TOLERANCE * np.maximum(new, 0.1)
        mean = new
        if np.all(settled):
            break
    result[curved] = mean
    return result


def invert_counts(
    counts: np.ndarray,
    frames: np.ndarray | int,
    gain: float,
    threshold: float,
    read_noise: float,
    register_law: RegisterLaw = "branching",
) -> PhotonCountedMean:
    """Invert counts to the mean electrons per pixel and frame, the maximum-likelihood estimate.

    Under the false-count probability P0 the estimate is the tangent at L = 0, (n/N - P0) / P'(0) < 0: as
    E[n/N] = P0 at L = 0, dark pixels average to 0, where zeros would push the mean up. A pixel that passed in
    every frame has no finite root: its value is the solution for half a count less, a lower limit, flagged
    ``TOO_BRIGHT``. The error is sqrt(p (1 - p) / N) / P', with p kept half a count from 0 and 1 so that it is
    never 0.

    Parameters
    ----------
    counts : ndarray of integers, any shape
        Frames in which the pixel was above the threshold.
    frames : ndarray of integers, or int
        Frames in which it was usable.
    gain, threshold, read_noise, register_law
        As for `detection_probability`.

    Raises
    ------
    InvalidInput
        Where counts or frames are not integers, negative, or counts exceed frames.
    InvalidOptions
        From `check_settings`, or where the branching process is asked for a gain below 1.
    """
    warnings = check_settings(gain, threshold, read_noise)
    counts, frames = np.asarray(counts), np.asarray(frames)
    if counts.dtype.kind not in "iu" or frames.dtype.kind not in "iu":
        raise InvalidInput(f"counts and frames must be integers, are {counts.dtype} and {frames.dtype}")
    counts, frames = counts.astype(np.int64), np.broadcast_to(frames, counts.shape).astype(np.int64)
    if np.any((counts < 0) | (counts > frames)):
        raise InvalidInput("counts must lie between 0 and the number of usable frames")
    if frames.max(initial=0) > _MOST_FRAMES:
        raise InvalidInput(f"more than {_MOST_FRAMES} frames")

    # An image holds some hundreds of distinct pairs.
    radix = int(frames.max(initial=0)) + 1
    pairs, inverse = np.unique(counts * radix + frames, return_inverse=True)
    n, total = pairs // radix, pairs % radix
    usable = total > 0
    full = usable & (n == total)
    trials = np.maximum(total, 1)
    rate = np.where(full, n - 0.5, n) / trials

    passing, _, step = passing_probabilities(float(gain), float(threshold), float(read_noise), register_law)
    mean = invert_probability(rate, gain, threshold, read_noise, register_law)
    curved = rate > passing[0]
    slope = _mix(np.maximum(mean, 0.0), step)
    curvature = np.where(curved, _mix(np.maximum(mean, 0.0), np.diff(step, append=0.0)), 0.0)
    binomial = np.clip(n, 0.5, trials - 0.5) / trials
    variance = binomial * (1.0 - binomial) / trials / slope**2
    bias = -0.5 * curvature / slope * variance
    mean, error, bias = (np.where(usable, value, np.nan) for value in (mean, np.sqrt(variance), bias))
    dq = np.where(full, DQ.TOO_BRIGHT, 0) | np.where(usable, 0, DQ.ALL_MASKED)

    image = mean[inverse].reshape(counts.shape)
    if usable.any() and (average := float(np.nanmean(image))) > BRIGHT_MEAN:
        warnings += (f"the mean of {average:.3g} e-/pixel/frame is above {BRIGHT_MEAN:g}",)
    error, bias = (table[inverse].reshape(counts.shape) for table in (error, bias))
    return PhotonCountedMean(image, error, bias, dq.astype(np.uint16)[inverse].reshape(counts.shape), warnings)


def count_photons(frames: Iterable[tuple[np.ndarray, np.ndarray]], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Count by pixel the usable frames above the threshold, and the usable frames, one frame in memory at a time.

    Parameters
    ----------
    frames : iterable of (electrons, usable)
        Gain-multiplied electrons (not divided by the gain) and a boolean mask of the same 2-D shape. Electrons
        that are not finite are not usable.
    threshold : float
        In gain-multiplied electrons; a count is an excess over it.

    Returns
    -------
    counts, frames : ndarray, int32
        Sums of blocks of frames add up exactly, in any order.

    Raises
    ------
    InvalidInput
        Where there is no frame or shapes differ.
    """
    counts = total = None
    for electrons, usable in frames:
        if counts is None:
            counts, total = np.zeros(electrons.shape, np.int32), np.zeros(electrons.shape, np.int32)
        if electrons.shape != counts.shape or usable.shape != counts.shape:
            raise InvalidInput(f"frame {electrons.shape} and mask {usable.shape} differ from the first {counts.shape}")
        sound = usable & np.isfinite(electrons)
        counts += sound & (electrons > threshold)
        total += sound
    if counts is None or total is None:
        raise InvalidInput("there is no frame to count photons in")
    return counts, total
