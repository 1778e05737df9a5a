"""Signal-to-noise of smoothed enhancements: the noise is the clutter about a pixel, measured on the smoothed field.

Source: specs/plumes.md 6.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.plumes.detection.denoise import ROBUST_SIGMA

SUPPORT = 0.3
"""A smoothed value stands where at least this part of the kernel's weight lies on valid pixels."""

WINDOW_SHARE = 0.1
"""A window with fewer valid pixels than this part takes its clutter from its neighbours."""

WINDOW_SAMPLES = 4096
"""Pixels from which the clutter of a window is estimated, at most: two per cent of error."""


@dataclass(frozen=True)
class Smoothed:
    """A smoothed field and how much noisier its values are than with full support (1 there); NaN without support."""

    field: np.ndarray
    inflation: np.ndarray


def smooth(field: np.ndarray, scale: float) -> Smoothed:
    """Smooth a field with gaps by a Gaussian kernel over its valid pixels.

    Parameters
    ----------
    field : ndarray, shape (rows, columns)
        Not a number in gaps.
    scale : float
        Standard deviation of the kernel (pixels).
    """
    valid = np.isfinite(field)
    weights = valid.astype(np.float32)
    filled = np.where(valid, field, 0).astype(np.float32)
    total = ndimage.gaussian_filter(filled, scale, mode="constant")
    support = ndimage.gaussian_filter(weights, scale, mode="constant")
    # The square of a Gaussian is a Gaussian of a standard deviation smaller by the root of two.
    squares = ndimage.gaussian_filter(weights, scale / np.sqrt(2), mode="constant")
    enough = (support >= SUPPORT) & valid
    safe = np.where(enough, support, 1)
    inflation = np.sqrt(np.maximum(squares, 1e-6)) / safe
    return Smoothed(
        np.where(enough, total / safe, np.nan).astype(np.float32), np.where(enough, inflation, 1).astype(np.float32)
    )


def local_clutter(field: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the median and the robust standard deviation of a field about each pixel.

    Taken in windows that overlap by half and interpolated between their centres.

    Parameters
    ----------
    field : ndarray, shape (rows, columns)
        Not a number in gaps and where it must not count.
    window : int
        Side of a window (pixels).

    Returns
    -------
    median, clutter : ndarray, shape (rows, columns), float32
        Not a number everywhere where no window has enough pixels.
    """
    starts = [_starts(size, window) for size in field.shape]
    medians = np.full((len(starts[0]), len(starts[1])), np.nan)
    deviations = np.full_like(medians, np.nan)
    for i, top in enumerate(starts[0]):
        for j, left in enumerate(starts[1]):
            part = field[top : top + window, left : left + window]
            values = part[np.isfinite(part)]
            if values.size < max(WINDOW_SHARE * part.size, 16):
                continue
            values = values[:: -(-values.size // WINDOW_SAMPLES)]
            medians[i, j] = np.median(values)
            deviations[i, j] = ROBUST_SIGMA * np.median(np.abs(values - medians[i, j]))
    known = np.isfinite(medians)
    if not known.any():
        nothing = np.full(field.shape, np.nan, dtype=np.float32)
        return nothing, nothing
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    coordinates = [
        np.interp(np.arange(size), np.array(start) + (min(window, size) - 1) / 2, np.arange(len(start)))
        for size, start in zip(field.shape, starts, strict=True)
    ]
    return tuple(_bilinear(found[tuple(nearest)], *coordinates) for found in (medians, deviations))  # type: ignore[return-value]


def _bilinear(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolate a table at rows and columns that are fractions of its own: row by row, then column by column."""
    for axis, position in enumerate((rows, columns)):
        low = np.minimum(position.astype(int), max(table.shape[axis] - 2, 0))
        high = np.minimum(low + 1, table.shape[axis] - 1)
        share = np.expand_dims(position - low, 1 - axis)
        table = np.take(table, low, axis) * (1 - share) + np.take(table, high, axis) * share
    return table.astype(np.float32)


def _starts(size: int, window: int) -> list[int]:
    """Return where windows start: half a window apart, the last at the end."""
    last = max(size - window, 0)
    return [*range(0, last, max(window // 2, 1)), last]


def signal_to_noise(
    enhancement: np.ndarray, scale: float, window: int, left_out: np.ndarray | None = None
) -> np.ndarray:
    """Return the smoothed enhancement above the local median, in units of the local clutter of the smoothed field.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    left_out : ndarray of bool, optional
        Pixels that are not to count in median and clutter: plumes found before.

    Returns
    -------
    ndarray, shape (rows, columns), float32
        Not a number in gaps.
    """
    smoothed = smooth(enhancement, scale)
    counted = smoothed.field if left_out is None else np.where(left_out, np.nan, smoothed.field)
    median, clutter = local_clutter(counted, window)
    noise = clutter * smoothed.inflation
    usable = np.isfinite(noise) & (noise > 0)
    return np.where(usable, (smoothed.field - median) / np.where(usable, noise, 1), np.nan).astype(np.float32)


def signal_to_noise_of_scales(
    enhancement: np.ndarray, scales: Sequence[float], window: int, left_out: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return `signal_to_noise` for each scale."""
    return [signal_to_noise(enhancement, scale, window, left_out) for scale in scales]
