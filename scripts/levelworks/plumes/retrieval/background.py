"""Background statistics of spectra: means and a covariance that is shrunk as far as leaving one out says.

Source: Theiler (2012), Proc. SPIE 8391, "The incredible shrinking covariance estimator", in the eigenbasis of the
correlation matrix (specs/plumes.md 6.8): one decomposition serves every candidate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.linalg.blas import dsyrk

CANDIDATES = np.concatenate([np.logspace(-8, -1, 29), np.linspace(0.15, 1.0, 8)])
"""Shrinkages tried, 1 being no correlation at all."""
LEFT_OUT = 512
"""Spectra left out in turn, evenly spread; more hardly change which candidate is best."""


@dataclass(frozen=True)
class Background:
    """Statistics of the background of some neighbouring detector columns.

    Parameters
    ----------
    means : (columns, bands) float64
    inverse : (bands, bands) float64
        Of the shrunk covariance.
    shrinkage : float
    pixels : int
        Spectra that the covariance was made of.
    """

    means: np.ndarray
    inverse: np.ndarray
    shrinkage: float
    pixels: int


def covariance(centred: np.ndarray, lost: int) -> np.ndarray:
    """Return the covariance of centred spectra (n, bands), ``lost`` degrees of freedom having gone into means."""
    # the transposed array is in Fortran's order: one triangle, half the work
    half = dsyrk(1.0 / max(centred.shape[0] - lost, 1), centred.T, trans=0, lower=1)
    return half + np.tril(half, -1).T


def shrunk_inverse(
    sample: np.ndarray, centred: np.ndarray, shrinkage: float | None = None, candidates: np.ndarray = CANDIDATES
) -> tuple[np.ndarray, float]:
    """Return the inverse of (1 - a) S + a diag(S), and a.

    Parameters
    ----------
    sample : (bands, bands) float64
        Sample covariance S.
    centred : (n, bands)
        Spectra it was made of, less their mean.
    shrinkage : float or None
        The a to take; None finds that of the largest likelihood of spectra left out of S.
    """
    scale = np.sqrt(np.maximum(np.diag(sample), np.finfo(float).tiny))
    correlation = sample / np.outer(scale, scale)
    eigenvalues, vectors, failed = lapack.dsyevd(correlation)
    if failed:
        eigenvalues, vectors = np.linalg.eigh(correlation)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    if shrinkage is None:
        step = max(1, centred.shape[0] // LEFT_OUT)
        likelihoods = _left_out(eigenvalues, (centred[::step] / scale) @ vectors, centred.shape[0], candidates)
        shrinkage = float(candidates[np.argmin(likelihoods)])
    whitening = vectors / np.sqrt((1 - shrinkage) * eigenvalues + shrinkage) / scale[:, None]
    return whitening @ whitening.T, shrinkage


def _left_out(eigenvalues: np.ndarray, projected: np.ndarray, n: int, candidates: np.ndarray) -> np.ndarray:
    """Return the mean negative log-likelihood of left-out spectra for each candidate, less what none changes."""
    beta = (1 - candidates) / max(n - 1, 1)
    spectrum = n * beta * eigenvalues[:, None] + candidates
    distance = projected**2 @ (1 / spectrum)
    kept = np.maximum(1 - beta * distance, np.finfo(float).eps)
    return 0.5 * np.log(spectrum).sum(axis=0) + 0.5 * (np.log(kept) + distance / kept).mean(axis=0)


def find_background(
    spectra: np.ndarray, used: np.ndarray, least: int, shrinkage: float | None = None
) -> Background | None:
    """Return the statistics of neighbouring columns: a mean for each, one covariance about those means.

    Parameters
    ----------
    spectra : (columns, rows, bands)
    used : (columns, rows) bool
        Spectra of the background.
    least : int
        A column of fewer takes the mean of all; with fewer in all there are no statistics.

    Returns
    -------
    Background or None
    """
    counts = used.sum(axis=1)
    if counts.sum() < max(least, 2):
        return None
    own = counts >= least
    picked = spectra[used].astype(float)
    owners = np.repeat(np.arange(counts.size), counts)
    overall = picked.mean(axis=0)
    means = np.tile(overall, (counts.size, 1))
    start = 0
    for column, count in enumerate(counts):
        if own[column]:
            means[column] = picked[start : start + count].mean(axis=0)
        start += count
    picked -= means[owners]
    sample = covariance(picked, max(int(own.sum()), 1))
    inverse, found = shrunk_inverse(sample, picked, shrinkage)
    return Background(means, inverse, found, int(counts.sum()))
