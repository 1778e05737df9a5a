"""The chance that a known number of electrons, multiplied by the gain register and read with noise, passes a threshold.

Two laws of the register: the gamma law of high gain, in closed form, and the exact branching process of its stages.
At a gain of 5000 an electron passes a tenth of the gain 0.5 % more often than the gamma law says.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import erfc, gammaln, ndtr, xlogy

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.emccd import STAGES, RegisterLaw, stage_probability

_NOISE_REACH = 9.0
_QUADRATURE_NODES = 160
_MOST_ELECTRONS = 37.0
"""Mean electrons at which no more than 1e-16 of the pixels fail to pass."""


@lru_cache(maxsize=64)
def passing_probabilities(
    gain: float, threshold: float, read_noise: float, register_law: RegisterLaw
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute how likely 0, 1, 2, ... electrons pass, up to where they do to double precision.

    Parameters
    ----------
    gain, threshold, read_noise : float
        Mean EM gain; threshold and noise in gain-multiplied electrons.
    register_law : {"branching", "gamma"}
        Of the register.

    Returns
    -------
    passing, failing, step : ndarray, shape (n,), float64, read-only
        A_n, 1 - A_n with small relative error, and A_{n+1} - A_n >= 0. Beyond the last A_n is 1.

    Raises
    ------
    InvalidOptions
        Where the law is unknown, or the branching process is asked for a gain below 1.
    """
    highest = (threshold + _NOISE_REACH * read_noise) / gain
    electrons = int(highest + 10.0 * np.sqrt(highest) + 20.0)
    false_count = 0.5 * erfc(threshold / (np.sqrt(2.0) * read_noise)) if read_noise > 0 else 0.0
    if register_law == "gamma":
        step = _gamma_steps(electrons, gain, threshold, read_noise)
        failing = np.cumsum(step[::-1])[::-1].copy()
        passing = false_count + np.concatenate(([0.0], np.cumsum(step)[:-1]))
    elif register_law == "branching":
        failing = np.append(1.0 - false_count, _branching_failures(electrons, gain, threshold, read_noise))
        failing = np.minimum.accumulate(np.maximum(failing, 0.0))
        step = -np.diff(failing, append=0.0)
        passing = np.append(false_count, 1.0 - failing[1:])
    else:
        raise InvalidOptions(f"register_law is {register_law!r}, must be 'branching' or 'gamma'")
    for array in (passing, failing, step):
        array.setflags(write=False)
    return passing, failing, step


def _gamma_steps(electrons: int, gain: float, threshold: float, read_noise: float) -> np.ndarray:
    """Return A_{n+1} - A_n of the gamma law for n = 0, 1, ... below a number of electrons.

    P(gamma(n, g) > s) = P(Poisson(s/g) < n) for s >= 0, so the difference is the Poisson probability of n at
    (t - z)/g, averaged over the noise z. It is 0 for z > t: the quadrature ends at that kink and sees a smooth
    function only.
    """
    number = np.arange(electrons)[:, None]
    if read_noise == 0:
        level, weights = np.array([threshold / gain]), np.ones(1)
    else:
        nodes, weights = np.polynomial.legendre.leggauss(_QUADRATURE_NODES)
        kink = min(threshold / read_noise, _NOISE_REACH)
        noise = 0.5 * (kink + _NOISE_REACH) * (nodes + 1.0) - _NOISE_REACH
        level = np.maximum(threshold - read_noise * noise, 0.0) / gain
        weights = weights * 0.5 * (kink + _NOISE_REACH) * np.exp(-0.5 * noise**2) / np.sqrt(2 * np.pi)
    return np.exp(xlogy(number, level) - level - gammaln(number + 1.0)) @ weights


def _branching_failures(electrons: int, gain: float, threshold: float, read_noise: float) -> np.ndarray:
    """Return 1 - A_n of the branching process for n = 1, 2, ... below a number of electrons.

    1 - A_n = sum_x f_n(x) w(x), f_n being the distribution of the output and w(x) the chance that noise keeps x
    under the threshold. The generating function of f_n is the n-th power of that of one electron, itself the
    composition of ``STAGES`` stages s -> s (1 - p + p s) (Harris 1963, The Theory of Branching Processes, chapter
    1). By Parseval's theorem the sum is one over values on a circle, here of radius r < 1: on the unit circle
    rounding errors of 1e-16 would drown the tiny failures of many electrons. The radius minimises the rounding of
    the Poisson mixture at ``_MOST_ELECTRONS``, bounded by r^-x F(r)^n; the size makes what wraps around, r^size,
    as small as that.
    """
    output = np.arange(np.floor(threshold + _NOISE_REACH * read_noise) + 1.0)
    kept = ndtr((threshold - output) / read_noise) if read_noise > 0 else np.ones(output.size)
    exponents = np.geomspace(1e-3 / gain, 1e3, 400)
    bound = exponents * output[-1] + _MOST_ELECTRONS * _one_electron(np.exp(-exponents), gain)
    exponent = exponents[np.argmin(bound)]
    size = 1 << int(np.ceil(np.log2(max(2 * _MOST_ELECTRONS / exponent, 2.0 * output.size))))

    circle = np.exp(-exponent - 2j * np.pi * np.arange(size // 2 + 1) / size)
    transform = _one_electron(circle, gain)
    terms = np.conj(np.fft.rfft(kept * np.exp(exponent * output), size)) * (2.0 / size)
    terms[[0, -1]] *= 0.5
    failures = np.empty(electrons - 1)
    for n in range(electrons - 1):
        terms *= transform
        failures[n] = terms.real.sum()
    return failures


def _one_electron(values: np.ndarray, gain: float) -> np.ndarray:
    """Return the generating function of the output of one electron."""
    probability = stage_probability(gain)
    values = values.copy()
    for _ in range(STAGES):
        values *= (1.0 - probability) + probability * values
    return values
