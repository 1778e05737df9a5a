"""Offsets of a resampled burst from its reference by cross correlation of amplitudes (specs/insar.md 4.9 a)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft

LEAST_CORRELATION = 0.2
LEAST_RATIO = 10.0
"""Of a peak's power to that of the correlation away from it."""
LEAST_PATCHES = 8
MOST_MISSING = 0.01
"""Share of a patch's pixels that may be absent."""
SEARCH = 8
"""Lines and samples that a peak may lie from the middle."""
CLEAR = 4
"""Lines and samples around a peak that don't count as away from it."""
DETECTION = 2
"""Pixels per pixel at which amplitudes are taken: their spectrum is twice as wide as the signal's."""
FINE = 8
"""Places per such pixel at which the correlation is evaluated around its peak."""
FLANK = 8
"""One part in so many of a patch, at either end, over which amplitudes are faded out: ends that stay where they are
in both images draw the peak to the middle."""
OUTLIER = 4.0
"""Robust standard deviations beyond which a patch is left out."""


@dataclass(frozen=True)
class PatchOffsets:
    """Offsets of patches (those that could be measured), each (n,) float64.

    ``row`` and ``column`` are the first pixels of the patches; ``line`` and ``sample`` what is to be added to places
    in the secondary; ``correlation`` the normalised peak, ``ratio`` its power over that away from it.
    """

    row: np.ndarray
    column: np.ndarray
    line: np.ndarray
    sample: np.ndarray
    correlation: np.ndarray
    ratio: np.ndarray

    @property
    def accepted(self) -> np.ndarray:
        """Return which patches have a peak that stands out."""
        return np.asarray((self.correlation > LEAST_CORRELATION) & (self.ratio > LEAST_RATIO))


@dataclass(frozen=True)
class AmplitudeOffset:
    """A constant offset: lines and samples to ADD to places in the secondary, with standard deviations.

    ``patches`` were measured, ``used`` of them agree. ``degraded`` says why there is no offset; it is 0 then, its
    standard deviations infinite.
    """

    line: float
    sample: float
    line_sigma: float
    sample_sigma: float
    patches: int
    used: int
    correlation: float
    degraded: str = ""


def patch_corners(
    shape: tuple[int, int], patch: tuple[int, int] = (64, 128), most: tuple[int, int] = (16, 24)
) -> list[tuple[int, int]]:
    """Return first lines and samples of patches spread evenly over a shape, at most so many along each axis."""
    axes = []
    for size, one, limit in zip(shape, patch, most, strict=True):
        count = min(size // one, limit)
        axes.append([round((k + 0.5) * size / count - one / 2) for k in range(count)] if count else [])
    return [(row, column) for row in axes[0] for column in axes[1]]


def patch_offsets(
    reference: np.ndarray,
    secondary: np.ndarray,
    corners: list[tuple[int, int]],
    patch: tuple[int, int] = (64, 128),
) -> PatchOffsets:
    """Measure the offset of each patch.

    Parameters
    ----------
    reference, secondary : ndarray, shape (lines, samples), complex64
        On the same grid, the reference's carrier taken off both; 0 where there is no pixel.
    corners : list of tuple of int
        First lines and samples of the patches.
    patch : tuple of int
        Lines and samples of a patch.

    Notes
    -----
    Signals are interpolated by 2 before amplitudes are taken, the correlation by 8 more around its peak (a discrete
    Fourier transform evaluated there), and a parabola through that peak gives the rest. Patches don't move with
    their offset, and amplitudes have finer detail than that: both draw peaks to the middle, by some two hundredths
    of the offset. Resample with it, and repeat.
    """
    found = []
    for row, column in corners:
        one, two = (image[row : row + patch[0], column : column + patch[1]] for image in (reference, secondary))
        absent = np.count_nonzero((one == 0) | (two == 0))
        if absent > MOST_MISSING * one.size:
            continue
        peak = _peak(_amplitude(one), _amplitude(two))
        if peak is not None:
            found.append((row, column, *peak))
    table = np.array(found, np.float64).reshape(-1, 6).T
    return PatchOffsets(*table)


def amplitude_offset(patches: PatchOffsets) -> AmplitudeOffset:
    """Take the constant offset of patches: the mean of those within four robust deviations of the median."""
    accepted = patches.accepted
    count = int(accepted.sum())
    if count < LEAST_PATCHES:
        reason = f"{count} of {patches.line.size} patches correlate; at least {LEAST_PATCHES} are needed"
        return _no_offset(patches, count, reason)
    values = np.stack([patches.line[accepted], patches.sample[accepted]])
    apart = np.abs(values - np.median(values, axis=1, keepdims=True))
    # Of two patches that are off in the same way the median deviation may be zero: a thousandth is always near.
    limit = np.maximum(OUTLIER * 1.4826 * np.median(apart, axis=1, keepdims=True), 1e-3)
    near = (apart <= limit).all(axis=0)
    used = int(near.sum())
    if used < max(LEAST_PATCHES, count / 2):
        return _no_offset(patches, used, f"{used} of {count} patches that correlate agree on an offset")
    mean, sigma = values[:, near].mean(axis=1), values[:, near].std(axis=1, ddof=1) / np.sqrt(used)
    correlation = float(np.median(patches.correlation[accepted][near]))
    line, sample = mean.tolist()
    line_sigma, sample_sigma = sigma.tolist()
    return AmplitudeOffset(line, sample, line_sigma, sample_sigma, patches.line.size, used, correlation)


def _no_offset(patches: PatchOffsets, used: int, reason: str) -> AmplitudeOffset:
    correlation = float(np.median(patches.correlation)) if patches.line.size else 0.0
    return AmplitudeOffset(0.0, 0.0, np.inf, np.inf, patches.line.size, used, correlation, reason)


def _amplitude(pixels: np.ndarray) -> np.ndarray:
    """Return amplitudes on a grid twice as fine, less their mean."""
    rows, columns = pixels.shape
    spectrum = scipy.fft.fft2(pixels)
    padded = np.zeros((DETECTION * rows, DETECTION * columns), np.complex64)
    above, left = (rows + 1) // 2, (columns + 1) // 2
    padded[:above, :left], padded[:above, left - columns :] = spectrum[:above, :left], spectrum[:above, left:]
    padded[above - rows :, :left] = spectrum[above:, :left]
    padded[above - rows :, left - columns :] = spectrum[above:, left:]
    amplitude = np.abs(scipy.fft.ifft2(padded, overwrite_x=True))
    amplitude -= amplitude.mean(dtype=np.float64).astype(np.float32)
    return np.asarray(amplitude * _flanks(amplitude.shape[0])[:, None] * _flanks(amplitude.shape[1]))


@cache
def _flanks(size: int) -> np.ndarray:
    """Return weights that rise from 0 at either end to 1 over an eighth of an axis (Tukey's window), float32."""
    place = np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) * FLANK / size
    return np.asarray(np.sin(np.pi / 2 * np.minimum(place, 1.0)) ** 2, np.float32)


def _peak(one: np.ndarray, two: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return line, sample, correlation and ratio of the peak of two amplitudes; none where it isn't inside."""
    rows, columns = one.shape
    norm = np.sqrt(np.sum(one.astype(np.float64) ** 2) * np.sum(two.astype(np.float64) ** 2))
    if norm == 0:
        return None
    cross = np.conj(scipy.fft.fft2(one)) * scipy.fft.fft2(two)
    surface = scipy.fft.fftshift(scipy.fft.ifft2(cross).real) / norm
    middle, reach = (rows // 2, columns // 2), DETECTION * SEARCH
    inside = surface[middle[0] - reach : middle[0] + reach + 1, middle[1] - reach : middle[1] + reach + 1]
    at = np.unravel_index(int(np.argmax(inside)), inside.shape)
    line, sample = int(at[0]) - reach, int(at[1]) - reach
    if max(abs(line), abs(sample)) == reach:
        return None
    away = np.ones(surface.shape, bool)
    clear = DETECTION * CLEAR
    top, left = middle[0] + line - clear, middle[1] + sample - clear
    away[max(top, 0) : top + 2 * clear + 1, max(left, 0) : left + 2 * clear + 1] = False
    power = float(np.mean(surface[away].astype(np.float64) ** 2))
    fine, places = _around(cross, line, sample)
    fine = fine / norm
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(fine)), fine.shape))
    if i in (0, fine.shape[0] - 1) or j in (0, fine.shape[1] - 1):
        return None
    line_rest = _vertex(fine[i - 1, j], fine[i, j], fine[i + 1, j]) / FINE
    sample_rest = _vertex(fine[i, j - 1], fine[i, j], fine[i, j + 1]) / FINE
    found = places[0][i] + line_rest, places[1][j] + sample_rest
    peak = float(fine[i, j])
    return float(found[0]) / DETECTION, float(found[1]) / DETECTION, peak, peak**2 / max(power, 1e-24)


def _around(cross: np.ndarray, line: int, sample: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the correlation at fine places around a pixel, and the places."""
    waves, places = [], []
    for size, whole in zip(cross.shape, (line, sample), strict=True):
        place = whole + np.arange(-FINE - 1, FINE + 2) / FINE
        frequency = np.fft.fftfreq(size)
        waves.append(np.exp(2j * np.pi * place[:, None] * frequency).astype(np.complex64))
        places.append(place)
    fine = (waves[0] @ cross @ waves[1].T).real / cross.size
    return fine.astype(np.float64), (places[0], places[1])


def _vertex(before: float, at: float, after: float) -> float:
    """Return the place of a parabola's vertex from the middle of three values a step apart."""
    bend = before - 2 * at + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
