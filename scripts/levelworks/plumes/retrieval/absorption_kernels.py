"""The inner loop of the absorption model: spectra of many channels seen through the response of a band."""

from __future__ import annotations

import numba
import numpy as np

REACH = 4.0
"""Standard deviations of a response beyond which it counts as nothing."""


@numba.njit(cache=True, nogil=True)
def band_means(
    wavelengths: np.ndarray, weights: np.ndarray, spectra: np.ndarray, centres: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """Return means of spectra (n, nodes) weighted by Gaussian responses times ``weights`` (n): (bands, nodes).

    ``wavelengths`` ascend; the response is integrated by trapezoids, so that an uneven grid doesn't matter.
    """
    nodes = spectra.shape[1]
    found = np.zeros((centres.size, nodes))
    last = wavelengths.size - 1
    for band in range(centres.size):
        reach = REACH * sigmas[band]
        first = np.searchsorted(wavelengths, centres[band] - reach)
        end = np.searchsorted(wavelengths, centres[band] + reach)
        total = 0.0
        for channel in range(first, end):
            width = wavelengths[min(channel + 1, last)] - wavelengths[max(channel - 1, 0)]
            distance = (wavelengths[channel] - centres[band]) / sigmas[band]
            weight = np.exp(-0.5 * distance * distance) * weights[channel] * width
            total += weight
            for node in range(nodes):
                found[band, node] += weight * spectra[channel, node]
        for node in range(nodes):
            found[band, node] = found[band, node] / total if total > 0 else np.nan
    return found
