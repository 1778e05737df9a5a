"""How well spectra agree with a library, whatever member they are of."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def mixture_likelihood(spectra: np.ndarray, library: np.ndarray, inverse: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mean of the likelihoods of a library's members.

    Parameters
    ----------
    spectra : ndarray, shape (spectra, bands), float64
    library, inverse : ndarray, shape (members, bands), float64
        Members, and one over their standard errors.
    level : ndarray, shape (members,), float64
        Logarithm of the likelihood of a member's own spectrum.

    Returns
    -------
    ndarray, shape (spectra,), float64
    """
    count, bands = spectra.shape
    members = library.shape[0]
    each = np.empty(members)
    result = np.empty(count)
    for s in range(count):
        best = -np.inf
        for m in range(members):
            square = 0.0
            for b in range(bands):
                away = (spectra[s, b] - library[m, b]) * inverse[m, b]
                square += away * away
            each[m] = level[m] - 0.5 * square
            best = max(best, each[m])
        total = 0.0
        for m in range(members):
            if each[m] > best - 30.0:
                total += np.exp(each[m] - best)
        result[s] = best + np.log(total / members)
    return result
