"""Noise of interferometric phase from coherence and looks (specs/insar.md 4.11)."""

from __future__ import annotations

import numpy as np

UNIFORM_VARIANCE = np.pi**2 / 3
"""rad2, of a phase that says nothing."""
LEAST_COHERENCE = 1e-3


def phase_variance(coherence: np.ndarray, looks: float) -> np.ndarray:
    """Return the variance of multilooked phase, rad2, not above that of a uniform phase.

    Parameters
    ----------
    coherence : ndarray, float
        Magnitude, 0 to 1; NaN counts as 0.
    looks : float
        Equivalent number of independent looks.

    Returns
    -------
    ndarray, float32
        ``(1 - g^2) / (2 L g^2)``, the Cramer-Rao bound (Rodriguez and Martin 1992, doi:10.1049/ip-f-2.1992.0018).
    """
    square = np.clip(np.nan_to_num(np.asarray(coherence, np.float32)), LEAST_COHERENCE, 1.0) ** 2
    return np.minimum((1 - square) / (2 * np.float32(looks) * square), np.float32(UNIFORM_VARIANCE)).astype(np.float32)
