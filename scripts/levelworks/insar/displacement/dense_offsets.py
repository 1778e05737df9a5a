"""Offsets of a dense grid of overlapping patches by the correlation of amplitudes (specs/insar.md 1.4, 4.9 a)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from levelworks.insar.displacement.amplitude_kernels import double_amplitude
from levelworks.insar.displacement.correlation_kernels import correlate_patches, refine_peaks, sum_before
from levelworks.insar.displacement.peak_taps import peak_taps
from levelworks.insar.refinement.cross_correlation import CLEAR, DETECTION, MOST_MISSING
from levelworks.insar.resampling.taps import FRACTIONS, interpolation_taps
from levelworks.insar.safe.annotation import SpectralWindow

CELL = 8
"""Lines and samples of the cells that products are summed over: windows and steps are multiples of it."""
REACH = 6
"""Lags of half a pixel around the best whole one, each way."""
SMEAR = 16
"""Pixels beyond a patch that its half pixels are interpolated from, at most."""


@dataclass(frozen=True)
class PatchLayout:
    """Patches of one size, side by side or overlapping.

    Parameters
    ----------
    window, steps : tuple of int
        Lines and samples of a patch, and from one patch to the next; multiples of 8.
    search : int
        Lines and samples by which a patch is looked for.
    """

    window: tuple[int, int] = (64, 128)
    steps: tuple[int, int] = (8, 40)
    search: int = 8

    @property
    def margin(self) -> int:
        """Return by how many pixels the images must reach beyond the patches, each way."""
        return self.search + REACH // DETECTION + SMEAR

    def extent(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the lines and samples that a grid of patches covers."""
        return (shape[0] - 1) * self.steps[0] + self.window[0], (shape[1] - 1) * self.steps[1] + self.window[1]


@dataclass(frozen=True)
class DenseOffsets:
    """Offsets of a grid of patches, each (rows, columns) float32, NaN where there is none.

    ``line`` and ``sample`` are what is to be added to places in the second image, ``line_sigma`` and
    ``sample_sigma`` their standard deviations, ``correlation`` the normalised peak (0 where patches lack no pixel and
    have no peak), and ``ratio`` the square of its height above the correlation's mean away from it
    over the variance there.
    """

    line: np.ndarray
    sample: np.ndarray
    line_sigma: np.ndarray
    sample_sigma: np.ndarray
    correlation: np.ndarray
    ratio: np.ndarray


LAYERS = tuple(field.name for field in fields(DenseOffsets))


def dense_offsets(
    images: tuple[np.ndarray, np.ndarray],
    windows: tuple[tuple[SpectralWindow, float], tuple[SpectralWindow, float]],
    shape: tuple[int, int],
    layout: PatchLayout,
    least: tuple[float, float],
) -> DenseOffsets:
    """Measure the offsets of a grid of patches.

    Parameters
    ----------
    images : tuple of ndarray, complex64
        Both on one grid, the carrier taken off, 0 where there is no pixel; the first patch begins ``layout.margin``
        lines and samples in, and so much is there beyond the last.
    windows : tuple of (SpectralWindow, float)
        Of the processing along lines and along samples, each with its rate of pixels (Hz).
    shape : tuple of int
        Rows and columns of patches.
    layout : PatchLayout
    least : tuple of float
        Correlation and ratio below which a peak is none.

    Notes
    -----
    The correlation is ``sum (a - a_m) (b - b_m) / sqrt(sum (a - a_m)^2 sum (b - b_m)^2)`` of amplitudes, over a patch
    of the first image and, with its own mean and energy, the place of the second that a lag leads to: neither the
    ends of a patch nor bright edges draw it to the middle. It is computed at whole lags first, then at half ones
    around the best, and interpolated between. Products of pixels are summed over cells of 8 by 8 once
    and shared by the patches that overlap.

    Standard deviations: write ``b = r a + sqrt(1 - r^2) e``, ``e`` of the same autocorrelation ``R`` as ``a`` and
    independent of it. The slope of the correlation at the true place is then the mean of ``n`` products ``a de/dx``,
    of variance ``(1 - r^2) sum_k R'(k)^2 / n``, and moves the peak by itself over the curvature ``r R''``. ``r R`` is
    what the correlation around its peak shows. That holds for Gaussian amplitudes; those of speckle raise the variance
    by ``(2 + 7 r) / (2 + 2 r)`` (De Zan 2014, IEEE GRSL 11, 264, of intensities, where ``r`` is the
    squared coherence). Brightness that varies over more than some pixels correlates as well at any lag: ``r`` is what
    rises above it.
    """
    half = [interpolation_taps(*window)[FRACTIONS // 2] for window in windows]
    one, two = (_amplitudes(image, (half[0], half[1])) for image in images)
    weights = [peak_taps(*window) for window in windows]
    found = DenseOffsets(*(np.full(shape, np.nan, np.float32) for _ in LAYERS))
    complete = _complete(images, shape, layout)
    lines, samples, ratio, ground = _whole_lags((one, two), complete, shape, layout, least)
    found.correlation[complete] = 0.0
    before = _tables((one, two))
    cells = layout.window[0] // CELL, layout.window[1] // CELL
    steps = layout.steps[0] // CELL, layout.steps[1] // CELL
    there = np.isfinite(ratio)
    pairs = np.unique(np.stack([lines[there], samples[there]], axis=1), axis=0)
    size = 2 * REACH + 1
    count = DETECTION**2 * layout.window[0] * layout.window[1]
    for line, sample in pairs.tolist():
        chosen = there & (lines == line) & (samples == sample)
        surfaces = np.zeros((*shape, size, size), np.float32)
        lag = DETECTION * line, DETECTION * sample
        corner = DETECTION * layout.margin
        correlate_patches(one, two, before, DETECTION * CELL, corner, cells, steps, lag, REACH, chosen, surfaces)
        peaks = np.empty((int(chosen.sum()), 5))
        refine_peaks(surfaces[chosen], ground[chosen], weights[0], weights[1], count, peaks)
        peaks[~(peaks[:, 2] > least[0])] = np.nan
        found.line[chosen], found.sample[chosen] = line + peaks[:, 0] / DETECTION, sample + peaks[:, 1] / DETECTION
        found.correlation[chosen] = np.nan_to_num(peaks[:, 2])
        found.line_sigma[chosen], found.sample_sigma[chosen] = (peaks[:, 3:] / DETECTION).T
        found.ratio[chosen] = np.where(np.isfinite(peaks[:, 2]), ratio[chosen], np.nan)
    return found


def _amplitudes(pixels: np.ndarray, half_taps: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return amplitudes on a grid twice as fine, less their mean where there are pixels."""
    result = np.empty((DETECTION * pixels.shape[0], DETECTION * pixels.shape[1]), np.float32)
    double_amplitude(np.ascontiguousarray(pixels), *half_taps, result)
    total, count = float(result.sum(dtype=np.float64)), int(np.count_nonzero(result))
    result -= np.float32(total / max(count, 1))
    return result


def _complete(images: tuple[np.ndarray, np.ndarray], shape: tuple[int, int], layout: PatchLayout) -> np.ndarray:
    """Return which patches have nearly all of their pixels in both images."""
    absent = (images[0] == 0) | (images[1] == 0)
    table = np.zeros((absent.shape[0] + 1, absent.shape[1] + 1), np.int32)
    table[1:, 1:] = np.cumsum(np.cumsum(absent, axis=0, dtype=np.int32), axis=1)
    rows = layout.margin + layout.steps[0] * np.arange(shape[0])[:, None]
    columns = layout.margin + layout.steps[1] * np.arange(shape[1])
    below, right = rows + layout.window[0], columns + layout.window[1]
    missing = table[below, right] - table[rows, right] - table[below, columns] + table[rows, columns]
    return np.asarray(missing <= MOST_MISSING * layout.window[0] * layout.window[1])


def _tables(amplitudes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return sums of both amplitudes, and of their squares, over all lines and samples before each."""
    rows, columns = amplitudes[0].shape
    result = np.empty((2, 2, rows + 1, columns + 1))
    for k, amplitude in enumerate(amplitudes):
        sum_before(amplitude, result[k])
    return result


def _whole_lags(
    amplitudes: tuple[np.ndarray, np.ndarray],
    complete: np.ndarray,
    shape: tuple[int, int],
    layout: PatchLayout,
    least: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return lines, samples and ratios of the highest correlations at whole lags, and the mean away from them.

    Ratios are NaN where there is no peak.
    """
    one, two = (np.ascontiguousarray(amplitude[::DETECTION, ::DETECTION]) for amplitude in amplitudes)
    size = 2 * layout.search + 1
    surfaces = np.zeros((*shape, size, size), np.float32)
    cells = layout.window[0] // CELL, layout.window[1] // CELL
    steps = layout.steps[0] // CELL, layout.steps[1] // CELL
    correlate_patches(
        one, two, _tables((one, two)), CELL, layout.margin, cells, steps, (0, 0), layout.search, complete, surfaces
    )
    flat = surfaces.reshape(*shape, -1)
    best = flat.argmax(axis=-1)
    peak = np.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
    line, sample = best // size - layout.search, best % size - layout.search
    lags = np.arange(size) - layout.search
    away = (np.abs(lags - line[..., None])[..., :, None] > CLEAR) | (
        np.abs(lags - sample[..., None])[..., None, :] > CLEAR
    )
    count = away.sum((-2, -1))
    ground = np.sum(surfaces, axis=(-2, -1), where=away, dtype=np.float64) / count
    power = np.sum(surfaces**2, axis=(-2, -1), where=away, dtype=np.float64) / count
    ratio = (peak - ground) ** 2 / np.maximum(power - ground**2, 1e-12)
    inside = np.maximum(np.abs(line), np.abs(sample)) < layout.search
    good = complete & inside & (peak > least[0]) & (ratio > least[1])
    return line, sample, np.where(good, ratio, np.nan), np.clip(ground, 0.0, 0.99)
