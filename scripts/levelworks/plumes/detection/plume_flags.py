"""False positives by their place and shape: bright edges, shores, clouds, flares, single detector columns.

Source: specs/plumes.md 6.9.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.plumes.detection.false_positives import Finding
from levelworks.plumes.detection.plume_pieces import EIGHT, principal_direction

MARGIN = 5
"""Pixels about a plume in which its surroundings are looked at."""

FOLLOWS = 0.5
"""Rank correlation with the surface from which an enhancement is taken to follow it."""

FRINGE = 0.3
"""Part of a plume's border that may lie at clouds or at the shore."""


def judge_place(
    mask: np.ndarray,
    enhancement: np.ndarray,
    radiance: np.ndarray | None,
    cloud: np.ndarray,
    flare: np.ndarray,
    classes: np.ndarray | None,
) -> list[Finding]:
    """Say what of a plume's place and shape speaks against it.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        The plume, at least one pixel.
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    radiance : ndarray, shape (rows, columns), optional
        Of a band outside of the gas's, e.g. at 2100 nm.
    cloud, flare : ndarray of bool, shape (rows, columns)
    classes : ndarray of int, shape (rows, columns), optional
        Land and water.
    """
    rows, columns = np.nonzero(mask)
    box = tuple(slice(max(int(x.min()) - MARGIN, 0), int(x.max()) + MARGIN + 1) for x in (rows, columns))
    inside = mask[box]
    border = ndimage.binary_dilation(inside, EIGHT) & ~inside
    findings = _shape(inside)
    if radiance is not None:
        findings += _surface(inside, enhancement[box], radiance[box])
    share = _share(ndimage.binary_dilation(cloud[box], EIGHT), border)
    if share > FRINGE:
        findings.append(Finding(0.5 * share, f"{share:.0%} of its border lies at clouds."))
    if (flare[box] & ndimage.binary_dilation(inside, EIGHT, iterations=3)).any():
        findings.append(Finding(0.3, "A flare or hot surface stands in it or within three pixels."))
    if classes is not None:
        shore = ndimage.maximum_filter(classes[box], 3) != ndimage.minimum_filter(classes[box], 3)
        share = _share(shore, inside)
        if share > FRINGE:
            findings.append(
                Finding(0.6 * share, f"{share:.0%} of it lies on the border of two surfaces, such as a shore.")
            )
    return findings


def _share(found: np.ndarray, within: np.ndarray) -> float:
    count = np.count_nonzero(within)
    return np.count_nonzero(found & within) / count if count else 0.0


def _shape(inside: np.ndarray) -> list[Finding]:
    pixels = np.argwhere(inside)
    height, width = np.ptp(pixels, axis=0) + 1
    findings = []
    if width <= 2 and height >= 8:
        findings.append(Finding(0.8, f"It is {height} rows long in {width} detector columns, as stripes are."))
    else:
        _, elongation = principal_direction(pixels, np.ones(len(pixels)))
        if elongation > 8:
            findings.append(Finding(0.4, f"It is {elongation:.0f} times as long as wide, as roads are."))
    filled = ndimage.binary_fill_holes(inside)
    compactness = np.count_nonzero(inside) / np.count_nonzero(filled)
    if compactness < 0.6:
        findings.append(Finding(0.3, f"It is a net: holes take {1 - compactness:.0%} of it."))
    return findings


def _surface(inside: np.ndarray, enhancement: np.ndarray, radiance: np.ndarray) -> list[Finding]:
    """Compare the enhancement in the plume with brightness and with its edges."""
    lit = np.isfinite(radiance) & (radiance > 0)
    brightness = np.log(np.where(lit, radiance, 1))
    edges = ndimage.generic_gradient_magnitude(brightness, ndimage.sobel)
    usable = inside & np.isfinite(enhancement) & ndimage.binary_erosion(lit, EIGHT, border_value=1)
    if np.count_nonzero(usable) < 10:
        return []
    findings = []
    for values, what in ((brightness, "the brightness of the surface"), (edges, "edges of the surface")):
        correlation = abs(_rank_correlation(enhancement[usable], values[usable]))
        if correlation > FOLLOWS:
            findings.append(
                Finding(
                    0.7 * correlation, f"The enhancement follows {what} with a rank correlation of {correlation:.2f}."
                )
            )
    return findings


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import rankdata

    a, b = (rankdata(x) - (x.size + 1) / 2 for x in (first, second))
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0
