"""Weighted least squares of three coefficients by pixel over stacks, some of which a pixel may lack."""

from __future__ import annotations

import numpy as np

_SINGULAR = 1e-12


def invert_normal(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Invert (pixels, 3, 3) normal matrices, scaled to a unit diagonal; also return which are regular."""
    diagonal = np.sqrt(np.diagonal(normal, axis1=1, axis2=2))
    scale = 1.0 / np.where(diagonal > 0, diagonal, 1.0)
    scaled = normal * scale[:, :, None] * scale[:, None, :]
    eigenvalues = np.linalg.eigvalsh(scaled)
    regular = eigenvalues[:, 0] > _SINGULAR * eigenvalues[:, 2]
    inverse = np.linalg.inv(np.where(regular[:, None, None], scaled, np.eye(3)))
    inverse = inverse * scale[:, :, None] * scale[:, None, :]
    return np.where(regular[:, None, None], inverse, np.nan), regular


def fit_partial(mean: np.ndarray, weights: np.ndarray, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and diagonals of the inverse, (3, pixels), of pixels that lack some stacks."""
    covariance, _ = invert_normal(np.einsum("sp,si,sj->pij", weights, design, design))
    moments = np.einsum("sp,si->pi", weights * mean, design)
    return np.einsum("pij,pj->ip", covariance, moments), np.diagonal(covariance, axis1=1, axis2=2).T


def dispersion(
    mean: np.ndarray, weights: np.ndarray, design: np.ndarray, coefficients: np.ndarray, good: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return residual variance and adjusted R^2 by pixel, NaN without a degree of freedom."""
    residual_squares = total_squares = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = sum(w * m for w, m in zip(weights, mean, strict=True)) / sum(weights)
        for w, m, x in zip(weights, mean, design, strict=True):
            residual_squares = residual_squares + w * (m - model_stack(x, coefficients)) ** 2
            total_squares = total_squares + w * (m - centre) ** 2
        freedom = np.where(good > 3, good - 3.0, np.nan)
        variance = residual_squares / freedom
        return variance, 1.0 - variance / (total_squares / (good - 1.0))


def model_stack(row: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the mean that the coefficients of every pixel give a stack, whose row of the design this is."""
    return row[0] * coefficients[0] + row[1] * coefficients[1] + row[2] * coefficients[2]
