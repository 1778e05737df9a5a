"""Matched filters: how much gas each spectrum of some detector columns holds, against the background around it.

All methods are one: the position s on a curve of targets t(s) nearest to a residual, in the metric of the inverse
background covariance. They differ in what a residual and a target are:

=============  ==================  ==========================  ======================================================
method         residual            target t(s)                 gain of the target in a pixel
=============  ==================  ==========================  ======================================================
lognormal      ln L - mean(ln L)   ln T(s)                     1: absorption multiplies, whatever the surface
normal         L - mu              mu (T(s) - 1)               1
albedo         L - mu              mu (T(s) - 1)               R = L.mu / mu.mu (Foote et al. 2020, equation 6)
hypergas       as normal/lognormal (K s - 1) mu, or K          1 (specs/plumes.md 1.7, defect D2)
=============  ==================  ==========================  ======================================================

As s runs on the curve instead of along one slope, strong plumes are not underestimated (D3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelworks.plumes.retrieval.background import Background, find_background
from levelworks.plumes.retrieval.filter_kernels import propagate_noise, solve_on_curve

DARKEST = 1e-6
"""uW cm-2 sr-1 nm-1, below which ln L is taken of this."""

Method = Literal["lognormal", "normal", "albedo", "hypergas-normal", "hypergas-lognormal"]


@dataclass(frozen=True)
class Filtered:
    """What a filter finds for the pixels it was applied to; all (columns, rows) float32, NaN elsewhere.

    Parameters
    ----------
    slant : array
        Added gas along the path, mol m-2.
    noise : array
        Its standard deviation from the noise of the instrument, mol m-2.
    sensitivity : array
        Response to little gas in this pixel; 1 is nominal.
    score : array
        Adaptive cosine estimate, signed: cosine squared between spectrum and target, where asked for.
    background : Background or None
        None where there were too few spectra.
    """

    slant: np.ndarray
    noise: np.ndarray
    sensitivity: np.ndarray
    score: np.ndarray
    background: Background | None


def apply_filter(
    radiance: np.ndarray,
    used: np.ndarray,
    wanted: np.ndarray,
    ln_transmittance: np.ndarray,
    nodes: np.ndarray,
    noise: np.ndarray,
    *,
    method: Method = "lognormal",
    least: int = 10,
    shrinkage: float | None = None,
    score: bool = False,
) -> Filtered:
    """Filter the spectra of neighbouring detector columns that belong to one class.

    Parameters
    ----------
    radiance : (columns, rows, bands) float32
        Positive and finite wherever ``used`` or ``wanted``.
    used : (columns, rows) bool
        Spectra of the background.
    wanted : (columns, rows) bool
        Spectra to filter.
    ln_transmittance : (columns or 1, bands, nodes) float64
    nodes : (nodes,) float64
        Slant columns of the targets (mol m-2), ascending from 0.
    noise : (3, bands) float64
        a, b, c of the noise |a sqrt(b + L) + c|.
    least : int
        Fewest background spectra.
    shrinkage : float or None
        Of the covariance; None finds it.
    score : bool
        Whether to find the adaptive cosine estimate too (Kraut et al. 2005), which costs as much again.
    """
    relative = method in ("lognormal", "hypergas-lognormal")
    spectra = radiance
    if relative:
        # spectra that are neither used nor wanted may be dark or not finite
        spectra = np.maximum(radiance, np.float32(DARKEST))
        np.log(spectra, out=spectra)
    background = find_background(spectra, used, least, shrinkage)
    empty = np.full(wanted.shape, np.nan, dtype=np.float32)
    found = Filtered(empty, empty.copy(), empty.copy(), empty.copy(), background)
    if background is None:
        return found
    for column in range(radiance.shape[0]):
        picked = np.flatnonzero(wanted[column])
        if picked.size == 0:
            continue
        mean = background.means[column]
        table = ln_transmittance[min(column, ln_transmittance.shape[0] - 1)]
        target = _target(method, table.T, mean, nodes)
        weights = target @ background.inverse
        products = target @ weights.T
        level = radiance[column, picked]
        residuals = spectra[column, picked] - mean.astype(np.float32)
        gains = np.ones(picked.size)
        if method == "albedo":
            gains = np.maximum(level.astype(float) @ mean / (mean @ mean), 1e-3)
        slant, segment = np.empty(picked.size), np.empty(picked.size, dtype=np.int8)
        solve_on_curve(residuals, gains, weights, products, nodes, slant, segment)
        steps = np.diff(weights, axis=0)
        lengths = np.einsum("ij,ij->i", np.diff(target, axis=0), steps)
        responses = steps * (np.diff(nodes) / lengths)[:, None]
        deviation = np.empty(picked.size)
        propagate_noise(level, noise, responses, gains, segment, relative, deviation)
        found.slant[column, picked] = slant
        found.noise[column, picked] = deviation
        if score:
            along = residuals @ weights[1]
            distance = np.einsum("ij,ij->i", residuals @ background.inverse, residuals)
            found.score[column, picked] = np.sign(along) * along**2 / (products[1, 1] * distance)
        found.sensitivity[column, picked] = (
            1.0 if relative else level @ (table[:, 1] * weights[1]) / products[1, 1] / gains
        )
    return found


def _target(method: Method, ln_transmittance: np.ndarray, mean: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Return the targets at the nodes, (nodes, bands)."""
    if method == "lognormal":
        return ln_transmittance
    if method in ("normal", "albedo"):
        return mean * np.expm1(ln_transmittance)
    # one slope, scaled so that its weakest band is -1, as HyperGas does; its answer is then scaled back
    slope = ln_transmittance[1] / nodes[1]
    weakest = slope[slope < 0].max(initial=-np.inf)
    scale = float(np.round(-1 / weakest, 1)) if np.isfinite(weakest) and weakest > -1 else 1.0
    whole = slope * scale
    return np.outer(nodes / scale, (whole - 1) * mean if method == "hypergas-normal" else whole)
