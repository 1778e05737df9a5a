"""The inner loops of the matched filters: one pass over the spectra of a detector column."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def solve_on_curve(
    residuals: np.ndarray,
    gains: np.ndarray,
    weights: np.ndarray,
    products: np.ndarray,
    nodes: np.ndarray,
    slant: np.ndarray,
    segment: np.ndarray,
) -> None:
    """Find the point of a target curve that is nearest to each residual, in the metric of the background.

    The curve t(s) is straight between nodes; before the first and after the last it goes on as it was.

    Parameters
    ----------
    residuals : (n, bands) float32
        Spectra less the mean.
    gains : (n,) float64
        Factor of the target in each spectrum; 1 where the target is not scaled.
    weights : (nodes, bands) float64
        Inverse covariance times the target at each node.
    products : (nodes, nodes) float64
        t_i C^-1 t_j.
    nodes : (nodes,) float64
        Ascending from 0.
    slant, segment : (n,) float64 and int8
        Written: the position found, and the segment it lies on.
    """
    last = nodes.size - 2
    bands = residuals.shape[1]
    scores = np.empty(nodes.size)
    for pixel in range(residuals.shape[0]):
        gain = gains[pixel]
        scores[0] = 0.0
        known = 1
        at = 0
        share = 0.0
        while True:
            while known <= at + 1:
                total = 0.0
                for band in range(bands):
                    total += residuals[pixel, band] * weights[known, band]
                scores[known] = total / gain
                known += 1
            length = products[at + 1, at + 1] - 2 * products[at, at + 1] + products[at, at]
            along = (scores[at + 1] - scores[at]) - (products[at, at + 1] - products[at, at])
            share = along / length
            if share > 1.0 and at < last:
                at += 1
                continue
            break
        if at > 0 and share < 0.0:
            share = 0.0
        slant[pixel] = nodes[at] + share * (nodes[at + 1] - nodes[at])
        segment[pixel] = at


@numba.njit(cache=True, nogil=True)
def propagate_noise(
    radiance: np.ndarray,
    noise: np.ndarray,
    responses: np.ndarray,
    gains: np.ndarray,
    segment: np.ndarray,
    relative: bool,
    deviation: np.ndarray,
) -> None:
    """Propagate instrument noise |a sqrt(b + L) + c| into each position found.

    Parameters
    ----------
    radiance : (n, bands) float32
    noise : (3, bands) float64
        a, b, c.
    responses : (segments, bands) float64
        Change of the position with each element of a residual, for a gain of 1.
    relative : bool
        Whether residuals are of ln L, whose noise is sigma / L.
    deviation : (n,) float64
        Written: one standard deviation.
    """
    for pixel in range(radiance.shape[0]):
        at = segment[pixel]
        total = 0.0
        for band in range(radiance.shape[1]):
            level = radiance[pixel, band]
            sigma = noise[0, band] * np.sqrt(max(noise[1, band] + level, 0.0)) + noise[2, band]
            if relative:
                sigma /= level
            share = responses[at, band] * sigma
            total += share * share
        deviation[pixel] = np.sqrt(total) / gains[pixel]
