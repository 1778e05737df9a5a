"""Total-variation denoising of enhancements: the strength chosen by self-supervision, gaps left alone.

Source: specs/plumes.md 1.8 and 6.5; Rudin, Osher and Fatemi 1992, Physica D 60, 259; Chambolle 2004, J. Math. Imaging
Vis. 20, 89; Batson and Royer 2019, Noise2Self, ICML, 524.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.plumes.detection.denoise_kernels import total_variation

TOLERANCE = 2e-4
ITERATIONS = 200
"""Where Chambolle's iteration ends: scikit-image's values, which HyperGas takes."""

STRIDE = 4
"""Distance of the pixels that are held out, as HyperGas has it."""

WEIGHTS = (0.1, 3.0)
"""Bounds of the strength in standard deviations of the field, those of HyperGas."""

SCAN = 8
"""Strengths that are tried before the search narrows down."""

CLIP_QUANTILES = (0.01, 0.99)
CLIP_CLUSTER = 10
"""Values beyond the quantiles in clusters of fewer pixels than this are clipped, as in HyperGas."""

ROBUST_SIGMA = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

MIN_PIXELS = 64
"""Fewer valid pixels than this say nothing of their noise."""


@dataclass(frozen=True)
class Denoised:
    """A denoised field (float32, not-a-number in gaps), the strength in the field's units and in those of its noise."""

    field: np.ndarray
    weight: float
    relative_weight: float
    noise: float
    evaluations: int


def robust_noise(values: np.ndarray) -> tuple[float, float]:
    """Return the median and the robust standard deviation of finite values (any shape)."""
    centre = float(np.median(values))
    return centre, ROBUST_SIGMA * float(np.median(np.abs(values - centre)))


def denoise_total_variation(
    field: np.ndarray, weight: float, tolerance: float = TOLERANCE, iterations: int = ITERATIONS
) -> np.ndarray:
    """Denoise a field with gaps by minimising ``sum((u - f)^2) / 2 + weight * TV(u)``.

    Parameters
    ----------
    field : ndarray, shape (rows, columns)
        Not a number in gaps, which stay so and through which nothing passes.
    weight : float
        In units of the field.
    """
    valid = np.isfinite(field)
    filled = np.where(valid, field, 0).astype(np.float32)
    result = np.empty_like(filled)
    total_variation(filled, valid.astype(np.float32), weight, tolerance, iterations, result)
    result[~valid] = np.nan
    return result


def clip_isolated(
    field: np.ndarray, quantiles: tuple[float, float] = CLIP_QUANTILES, cluster: int = CLIP_CLUSTER
) -> np.ndarray:
    """Return a copy whose values beyond the quantiles are clipped where fewer than ``cluster`` of them touch."""
    clipped = np.array(field, dtype=np.float32)
    valid = np.isfinite(clipped)
    if not valid.any():
        return clipped
    low, high = np.quantile(clipped[valid], quantiles)
    filled = np.where(valid, clipped, low)
    for beyond, bound in ((valid & (filled < low), low), (filled > high, high)):
        labels, _ = ndimage.label(beyond, structure=np.ones((3, 3), dtype=bool))
        isolated = np.bincount(labels.ravel()) < cluster
        isolated[0] = False
        clipped[isolated[labels]] = bound
    return clipped


def from_neighbours(field: np.ndarray, held: tuple[slice, slice]) -> np.ndarray:
    """Return a copy whose held-out pixels are the mean of their valid neighbours; not a number without any.

    Parameters
    ----------
    held : tuple of slice
        A grid of pixels of which no two touch.
    """
    valid = np.isfinite(field)
    filled = np.where(valid, field, 0).astype(np.float32)
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32)
    total = ndimage.convolve(filled, cross, mode="constant")[held]
    count = ndimage.convolve(valid.astype(np.float32), cross, mode="constant")[held]
    replaced = np.array(field, dtype=np.float32)
    known = valid[held] & (count > 0)
    replaced[held] = np.where(known, total / np.maximum(count, 1), np.nan)
    return replaced


def held_out_risk(
    field: np.ndarray, stride: int = STRIDE, offset: tuple[int, int] = (2, 0)
) -> Callable[[float], float]:
    """Return the self-supervised risk of a strength: the mean squared error at pixels it was not shown.

    Its least value lies where that of the true error lies, as long as the noise of pixels is independent
    (Batson and Royer 2019, proposition 1). One grid of pixels is held out, as in scikit-image's approximate loss.
    """
    held = (slice(offset[0], None, stride), slice(offset[1], None, stride))
    shown = from_neighbours(field, held)
    counted = np.isfinite(shown[held])
    truth = field[held][counted]
    valid = np.isfinite(shown)
    filled = np.where(valid, shown, 0).astype(np.float32)
    weights = valid.astype(np.float32)
    result = np.empty_like(filled)

    def risk(weight: float) -> float:
        total_variation(filled, weights, weight, TOLERANCE, ITERATIONS, result)
        return float(np.mean((result[held][counted] - truth) ** 2, dtype=np.float64))

    return risk


def least(function: Callable[[float], float], low: float, high: float, steps: int) -> tuple[float, int]:
    """Return where a function is least: a scan in equal ratios, then golden-section steps about its best argument.

    The scan comes first because the risk may have a second valley: Chambolle's iteration ends early for some
    strengths.

    Returns
    -------
    argument : float
        The best of those tried.
    evaluations : int
    """
    scanned = np.linspace(np.log(low), np.log(high), SCAN)
    tried = [(function(float(np.exp(x))), float(x)) for x in scanned]
    best = int(np.argmin([value for value, _ in tried]))
    a, b = scanned[max(best - 1, 0)], scanned[min(best + 1, SCAN - 1)]
    golden = (np.sqrt(5.0) - 1) / 2
    left = right = None
    for _ in range(steps):
        x, y = b - golden * (b - a), a + golden * (b - a)
        left = function(float(np.exp(x))) if left is None else left
        right = function(float(np.exp(y))) if right is None else right
        tried += [(left, float(x)), (right, float(y))]
        if left <= right:
            b, right, left = y, left, None
        else:
            a, left, right = x, right, None
    return float(np.exp(min(tried)[1])), SCAN + (steps + 1 if steps else 0)


def choose_weight(
    field: np.ndarray, scale: float, steps: int, bounds: tuple[float, float] = WEIGHTS
) -> tuple[float, int]:
    """Return the strength of least held-out risk, in the field's units, and how many were tried.

    Parameters
    ----------
    scale : float
        What the bounds are multiples of.
    """
    weight, evaluations = least(held_out_risk(field / np.float32(scale)), *bounds, steps)
    return weight * scale, evaluations


def denoise_invariant(field: np.ndarray, weight: float, stride: int = STRIDE) -> np.ndarray:
    """Denoise so that no pixel's own value counts in its result: one pass for each grid of held-out pixels."""
    result = np.full(field.shape, np.nan, dtype=np.float32)
    for row in range(stride):
        for column in range(stride):
            held = (slice(row, None, stride), slice(column, None, stride))
            result[held] = denoise_total_variation(from_neighbours(field, held), weight)[held]
    # A pixel without a valid neighbour has nothing but itself.
    return np.where(np.isfinite(result) | ~np.isfinite(field), result, field).astype(np.float32)


def denoise_field(
    field: np.ndarray, weight: float | None = None, steps: int = 5, *, invariant: bool = False
) -> Denoised | None:
    """Denoise one field: isolated values clipped, strength chosen unless given.

    The plain estimate is the default: the chosen strength is right for it too, it loses no peak of one pixel, and it
    costs one pass rather than sixteen (Batson and Royer 2019, section 4). HyperGas takes the invariant one.

    Parameters
    ----------
    field : ndarray, shape (rows, columns)
        Not a number in gaps, which stay so.
    weight : float, optional
        Strength in units of the noise; chosen by `choose_weight` where None.
    steps : int
        Steps of the search.

    Returns
    -------
    Denoised or None
        None where the field has no noise, or too few pixels to tell.
    """
    valid = np.isfinite(field)
    if np.count_nonzero(valid) < MIN_PIXELS:
        return None
    centre, noise = robust_noise(field[valid])
    if noise <= 0:
        return None
    scaled = (clip_isolated(field) - np.float32(centre)) / np.float32(noise)
    relative, evaluations = weight or 0.0, 0
    if weight is None:
        relative, evaluations = choose_weight(scaled, float(np.std(field[valid], dtype=np.float64)) / noise, steps)
    denoised = denoise_invariant(scaled, relative) if invariant else denoise_total_variation(scaled, relative)
    return Denoised(denoised * np.float32(noise) + np.float32(centre), relative * noise, relative, noise, evaluations)


def denoise_classes(
    field: np.ndarray, classes: np.ndarray, weight: float | None = None, steps: int = 5, *, invariant: bool = False
) -> tuple[np.ndarray, dict[int, Denoised]]:
    """Denoise each class of surface for itself, with a strength of its own; classes are borders of each other.

    Parameters
    ----------
    classes : ndarray of int, shape (rows, columns)

    Returns
    -------
    field : ndarray, shape (rows, columns), float32
        What could not be denoised, because a class has too few pixels, is as it was.
    found : dict of class to Denoised
    """
    result = np.array(field, dtype=np.float32)
    found = {}
    for value in np.unique(classes[np.isfinite(field)]):
        inside = classes == value
        denoised = denoise_field(np.where(inside, field, np.nan), weight, steps, invariant=invariant)
        if denoised is not None:
            result[inside] = denoised.field[inside]
            found[int(value)] = denoised
    return result, found
