"""Angles by the rational polynomials of Landsat's angle coefficient files.

Source: USGS LSDS-1928, Landsat Angle Coefficient File description; the model of the USGS tool `landsat_angles`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _image_term(numerator: np.ndarray, denominator: np.ndarray, line: float, sample: float) -> float:
    """Return a line or sample of the raw image, at the mean height, less its mean."""
    above = numerator[0] + numerator[1] * line + numerator[2] * sample + numerator[4] * line * sample
    below = 1.0 + denominator[0] * line + denominator[1] * sample + denominator[3] * line * sample
    return float(above / below)


@njit(cache=True, nogil=True)
def _direction_term(
    n: np.ndarray, d: np.ndarray, line: float, sample: float, raw_line: float, raw_sample: float
) -> float:
    """Return a component of a direction, at the mean height, less its mean."""
    quadratic = raw_sample * raw_line * raw_line
    cubic = raw_line * raw_line * raw_line
    above = n[0] + n[1] * line + n[2] * sample + n[4] * raw_line + n[5] * line * line + n[6] * line * sample
    above += n[7] * sample * sample + n[8] * quadratic + n[9] * cubic
    below = 1.0 + d[0] * line + d[1] * sample + d[3] * raw_line + d[4] * line * line + d[5] * line * sample
    below += d[6] * sample * sample + d[7] * quadratic + d[8] * cubic
    return float(above / below)


@njit(cache=True, nogil=True)
def add_directions(
    lines: np.ndarray,
    samples: np.ndarray,
    modules: np.ndarray,
    module_means: np.ndarray,
    image_means: np.ndarray,
    extent: np.ndarray,
    direction_means: np.ndarray,
    numerators: np.ndarray,
    denominators: np.ndarray,
    totals: np.ndarray,
) -> None:
    """Add a band's unit vectors to satellite and sun at places of the image, of every sensor module that saw them.

    Parameters
    ----------
    lines, samples : ndarray, shape (rows,) and (columns,)
        Of the product's image, fractional.
    modules : ndarray, shape (modules, 2, 2, 5)
        By line and sample; numerator and denominator (its last coefficient unused).
    module_means : ndarray, shape (modules, 5)
        Means of the product's line and sample, of the raw line and sample, and the samples before the module.
    image_means : ndarray, shape (4,)
        Means of the product's line and sample, of the raw line and sample, of the directions' polynomials.
    extent : ndarray, shape (2,)
        Raw lines and samples of a module.
    direction_means : ndarray, shape (2, 3)
        To satellite and sun.
    numerators : ndarray, shape (2, 3, 10)
    denominators : ndarray, shape (2, 3, 9)
    totals : ndarray, shape (rows, columns, 2, 3)
        Sums of unit vectors, added to in place.
    """
    vector = np.empty(3)
    for row in range(lines.size):
        for column in range(samples.size):
            for module in range(modules.shape[0]):
                mean = module_means[module]
                line, sample = lines[row] - mean[0], samples[column] - mean[1]
                raw_sample = _image_term(modules[module, 1, 0], modules[module, 1, 1], line, sample) + mean[3]
                if raw_sample < 0.0 or raw_sample > extent[1] - 1.0:
                    continue
                raw_line = _image_term(modules[module, 0, 0], modules[module, 0, 1], line, sample) + mean[2]
                if raw_line < 0.0 or raw_line >= extent[0]:
                    continue
                line, sample = lines[row] - image_means[0], samples[column] - image_means[1]
                raw_line -= image_means[2]
                raw_sample += mean[4] - image_means[3]
                for kind in range(2):
                    length = 0.0
                    for axis in range(3):
                        vector[axis] = direction_means[kind, axis] + _direction_term(
                            numerators[kind, axis], denominators[kind, axis], line, sample, raw_line, raw_sample
                        )
                        length += vector[axis] ** 2
                    length = np.sqrt(length)
                    for axis in range(3):
                        totals[row, column, kind, axis] += vector[axis] / length
