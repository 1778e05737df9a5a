"""Detector physics of an electron-multiplying CCD: exposure, gain register, serial overflow, digitisation.

Pure functions of arrays. Charge is in electrons, converter values are in DN.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numba import njit

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.nonlinearity import NonlinearityCurve, measure

STAGES = 604
"""Multiplication stages of EXCAM's register."""

RegisterLaw = Literal["branching", "gamma"]

_TABULATED_ELECTRONS = 8


def stage_probability(gain: float, stages: int = STAGES) -> float:
    """Return the probability p that a stage doubles an electron, ``(1 + p)^stages = gain``.

    Raises
    ------
    InvalidOptions
        Where the gain is below 1.
    """
    if not gain >= 1:
        raise InvalidOptions(f"EM gain is {gain}: it must be at least 1")
    return float(np.expm1(np.log(gain) / stages))


def excess_noise_factor_squared(gain: float, stages: int = STAGES) -> float:
    """Return ENF^2, by which the register multiplies the variance of a Poisson signal referred to its input.

    ``2 (G - 1) G^(-(N+1)/N) + 1/G``: 1 at unit gain, towards 2 at high gain (Robbins & Hadwen 2003, IEEE
    Trans. Electron Devices 50, 1227).
    """
    return 2.0 * (gain - 1.0) * gain ** (-(stages + 1) / stages) + 1.0 / gain


def register_variance(gain: float, stages: int = STAGES) -> float:
    """Return the variance (e-^2) of the output of one electron, ``G (G - 1) (1 - p) / (1 + p)``.

    The variance of a Galton-Watson process whose every generation has mean 1 + p and variance p (1 - p).
    """
    probability = stage_probability(gain, stages)
    return gain * (gain - 1.0) * (1.0 - probability) / (1.0 + probability)


@lru_cache(maxsize=1)
def _transform_of_one_electron(gain: float, stages: int) -> tuple[np.ndarray, int]:
    # The longest tail wanted is that of _TABULATED_ELECTRONS; less than 1e-16 of it lies beyond 70 gains.
    size = 1 << int(np.ceil(np.log2(71.0 * gain + 64.0)))
    probability = stage_probability(gain, stages)
    values = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    for _ in range(stages):
        values *= (1.0 - probability) + probability * values
    return values, size


def register_distribution(electrons: int, gain: float, stages: int = STAGES) -> np.ndarray:
    """Return the exact distribution of the register's output for a few electrons at its input.

    The probability generating function of one stage, s -> s (1 - p + p s), is composed ``stages`` times on
    the roots of unity, raised to the power ``electrons`` and transformed back (Harris 1963, The Theory of
    Branching Processes, chapter 1). Exact to rounding, about 1e-15.

    Parameters
    ----------
    electrons : int
        At the input, 1 to 8.
    gain : float
        Mean output of one electron.

    Returns
    -------
    ndarray, float64
        Probability of each output 0, 1, 2, ... electrons.
    """
    if not 1 <= electrons <= _TABULATED_ELECTRONS:
        raise ValueError(f"the distribution is tabulated for 1..{_TABULATED_ELECTRONS} electrons, not {electrons}")
    transform, size = _transform_of_one_electron(gain, stages)
    distribution = np.fft.irfft(transform**electrons, size)
    distribution[distribution < 1e-17] = 0.0
    return distribution[: np.flatnonzero(distribution)[-1] + 1] / distribution.sum()


@lru_cache(maxsize=_TABULATED_ELECTRONS)
def _cumulative(electrons: int, gain: float, stages: int) -> np.ndarray:
    cumulative = np.cumsum(register_distribution(electrons, gain, stages))
    return cumulative / cumulative[-1]


def multiply(
    electrons: np.ndarray,
    gain: float,
    generator: np.random.Generator,
    *,
    stages: int = STAGES,
    law: RegisterLaw = "branching",
) -> np.ndarray:
    """Draw the output of the gain register for electrons at its input.

    Up to 8 electrons are drawn from the exact distribution of the branching process. Above, the electrons
    added follow a negative binomial of the exact mean and variance: the law of the same process in continuous
    time, from whose exact one it differs by less than 7e-4 in total variation, falling with the number.
    The law "gamma" is the usual approximation, gamma(shape=n, scale=G), whose variance is too large by
    (1 + p)/(1 - p): 2.4 % at a gain of 1000.

    Parameters
    ----------
    electrons : ndarray
        Whole electrons at the input, >= 0, any shape, integers or floats.
    gain : float
        Mean output of one electron, >= 1.
    generator : numpy.random.Generator
        Source of the draws.
    stages : int
        Multiplication stages, at least 3.
    law : str
        "branching" or "gamma".

    Returns
    -------
    ndarray of the same shape, float64
        Electrons after the register; 0 stays 0, and a gain of 1 changes nothing.

    Raises
    ------
    InvalidOptions
        Where the gain is below 1.
    """
    probability = stage_probability(gain, stages)
    output = np.asarray(electrons).astype(np.float64)
    if probability == 0.0:
        return output
    flat = output.reshape(-1)
    lit = np.flatnonzero(flat)
    number = flat[lit]
    if law == "gamma":
        flat[lit] = generator.gamma(number, gain)
        return output
    for count in range(1, _TABULATED_ELECTRONS + 1):
        chosen = lit[number == count]
        if chosen.size:
            drawn = generator.random(chosen.size)
            flat[chosen] = np.searchsorted(_cumulative(count, gain, stages), drawn, side="right")
    many = number > _TABULATED_ELECTRONS
    if many.any():
        mean = gain - 1.0
        scale = register_variance(gain, stages) / mean - 1.0
        added = generator.poisson(generator.gamma(number[many] * (mean / scale), scale))
        flat[lit[many]] = number[many] + added
    return output


def overflow(stream: np.ndarray, full_well: float, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Let charge beyond the register's full well spill into the pixels that are read next.

    Parameters
    ----------
    stream : ndarray, shape (rows, columns)
        Electrons in read order: row by row, so that the end of a row spills into the next one.
    full_well : float
        Electrons that a register element holds.
    weights : ndarray, shape (length,)
        Shares of an excess that the following pixels receive, of sum 1; ``[1.0]`` gives all to the next one.
        A pixel that overflows by what it received passes that on in turn.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        At most ``full_well`` everywhere.
    float
        Electrons that ran out behind the last pixel; with them charge is conserved.
    """
    out = np.array(stream, dtype=np.float64)
    return out, _overflow(out.reshape(-1), float(full_well), np.asarray(weights, dtype=np.float64))


@njit(cache=True, nogil=True)
def _overflow(stream: np.ndarray, full_well: float, weights: np.ndarray) -> float:
    lost = 0.0
    for i in range(stream.size):
        excess = stream[i] - full_well
        if excess > 0.0:
            stream[i] = full_well
            for k in range(weights.size):
                if i + 1 + k < stream.size:
                    stream[i + 1 + k] += excess * weights[k]
                else:
                    lost += excess * weights[k]
    return lost


def counts(electrons: np.ndarray, k_gain: float, curve: NonlinearityCurve | None) -> np.ndarray:
    """Convert electrons after the register to bias-subtracted counts as the detector measures them.

    Parameters
    ----------
    electrons : ndarray
        Electrons with read noise and fixed pattern, any sign.
    k_gain : float
        Electrons per DN.
    curve : NonlinearityCurve or None
        The nonlinearity that calibration will correct; inverted here. None for a linear detector.

    Returns
    -------
    ndarray, float64
        DN, not yet digitised.
    """
    linear = np.asarray(electrons, dtype=np.float64) / k_gain
    return linear if curve is None else measure(linear, curve)


def digitise(values: np.ndarray) -> np.ndarray:
    """Round counts (DN, bias included) to the 16 bits of the converter: uint16, clipped to 0..65535."""
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)
