"""The iterative, sparse, albedo-corrected matched filter of mag1c (Foote et al. 2020, doi:10.1109/TGRS.2020.2976888).

Written from the paper's equations as specs/plumes.md 5.2 states them.
"""

from __future__ import annotations

import numpy as np

ITERATIONS = 30
TINY = 1e-9


def sparse_filter(
    spectra: np.ndarray,
    unit: np.ndarray,
    *,
    iterations: int = ITERATIONS,
    albedo: bool = True,
    sparse: bool = True,
    scale: float = 1.0,
) -> np.ndarray:
    """Return the amount of gas in each spectrum of a detector column, none below zero.

    Parameters
    ----------
    spectra : (n, bands) float64
        Radiance, all finite.
    unit : (bands,) float64
        Relative change of radiance for a unit of gas, negative where it absorbs.
    iterations : int
        0 gives one plain matched filter.
    albedo : bool
        Scale the target with each spectrum's brightness.
    sparse : bool
        Weigh small amounts down, reweighted in each iteration.
    scale : float
        Multiplies ``unit`` inside: amounts in units 1/scale enter the weights, as mag1c's 1e5 ppm m do.

    Returns
    -------
    (n,) float64
        In the unit of ``unit``.
    """
    n = spectra.shape[0]
    mean = spectra.mean(axis=0)
    gain = spectra @ mean / (mean @ mean) if albedo else np.ones(n)
    shape = unit * scale
    target = shape * mean
    centred = spectra - mean
    inverse = np.linalg.inv(centred.T @ centred / n)
    white = inverse @ target
    amount = np.maximum(centred @ white / (gain * (target @ white)), 0.0)
    for _ in range(iterations):
        weight = 1 / (gain * (amount + TINY)) if sparse else 0.0
        clean = spectra - (gain * amount)[:, None] * target
        mean = clean.mean(axis=0)
        left = clean - mean
        inverse = np.linalg.inv(left.T @ left / n)
        target = shape * mean
        white = inverse @ target
        strength = max(target @ white, 1.0)
        amount = np.maximum(((spectra - mean) @ white - weight) / (gain * strength), 0.0)
    return amount * scale
