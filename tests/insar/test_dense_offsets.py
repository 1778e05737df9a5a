"""Dense offsets: shifts of band-limited speckle come back within what is said, and what can't be known is said."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from pydantic import ValidationError

from levelworks.insar.displacement.correlation_kernels import correlate_patches, sum_before
from levelworks.insar.displacement.dense_offsets import PatchLayout, dense_offsets
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.displacement.outliers import agree_with_neighbours
from levelworks.insar.displacement.patch_grid import patch_grid
from levelworks.insar.displacement.peak_taps import peak_taps
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.refinement.cross_correlation import patch_offsets
from levelworks.insar.safe.annotation import SpectralWindow
from levelworks.insar.simulation.burst_signal import white_noise

WINDOWS = (
    (SpectralWindow(327.0, "Hamming", 0.70), 486.486),
    (SpectralWindow(56.5e6, "Hamming", 0.75), 64.345e6),
)
SHAPE = (390, 584)
APART = PatchLayout(steps=(64, 128))
PATCHES = (5, 4)
LEAST = (0.1, 20.0)


def field(seed):
    """Return the spectrum of a field as the processor of the agency limits it."""
    spectrum = np.fft.fft2(white_noise(SHAPE, [seed]))
    for axis, (window, rate) in enumerate(WINDOWS):
        place = np.fft.fftfreq(SHAPE[axis]) * rate / window.bandwidth
        taper = window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * place)
        taper = np.where(np.abs(place) <= 0.5, taper, 0.0)
        spectrum *= taper[:, None] if axis == 0 else taper
    return spectrum


def moved_pair(seed, line, sample, coherence):
    """Return a field and a second one that must be sampled so many lines and samples later."""
    one, other = field(seed), field(seed + 5000)
    turn = np.exp(-2j * np.pi * (np.fft.fftfreq(SHAPE[0])[:, None] * line + np.fft.fftfreq(SHAPE[1]) * sample))
    two = (coherence * one + np.sqrt(1 - coherence**2) * other) * turn
    return np.fft.ifft2(one).astype(np.complex64), np.fft.ifft2(two).astype(np.complex64)


DRAWN = 0.005
"""Pixels by which peaks may be drawn to half pixels, as the stage adds to what is said."""


@pytest.mark.parametrize(("coherence", "least"), [(0.95, 0.6), (0.65, 0.85), (0.45, 0.85)])
def test_shifts_within_what_is_said(coherence, least):
    """Patches that share no pixel are independent: their errors are as large as their standard deviations say.

    At high coherence these are as small as the pull to half pixels, which not every shift knows.
    """
    scores = []
    for seed, (line, sample) in enumerate([(0.0, 0.0), (0.13, -0.4), (-2.3, 1.7), (0.25, 6.1)]):
        found = dense_offsets(moved_pair(8100 + seed, line, sample, coherence), WINDOWS, PATCHES, APART, LEAST)
        there = np.isfinite(found.line)
        assert there.mean() > 0.9
        scores += list(((found.line - line) / np.hypot(found.line_sigma, DRAWN))[there])
        scores += list(((found.sample - sample) / np.hypot(found.sample_sigma, DRAWN))[there])
    assert len(scores) > 140
    assert least < np.sqrt(np.mean(np.square(scores))) < 1.2
    assert np.abs(scores).max() < 4.5


def test_brightness_is_not_taken_for_coherence():
    """Soft patches of brightness correlate whatever their speckle does: a peak is as sure as it rises above that."""
    lines, samples = np.arange(SHAPE[0])[:, None], np.arange(SHAPE[1])
    bright = (0.35 + 0.325 * (1 + np.sin(lines / 7.0) * np.sin(samples / 20.0))).astype(np.float32)
    scores = []
    for seed in range(8150, 8154):
        pair = [bright * image for image in moved_pair(seed, 0.0, 0.0, 0.5)]
        found = dense_offsets((pair[0], pair[1]), WINDOWS, PATCHES, APART, LEAST)
        assert 0.3 < np.median(found.correlation) < 0.5  # of speckle alone it would be a fourth
        scores += [found.line / found.line_sigma, found.sample / found.sample_sigma]
    assert 0.8 < np.sqrt(np.mean(np.square(scores))) < 1.25


def test_the_same_as_patch_by_patch():
    """Against the correlation that refines coregistration, of other code: tapered patches, one by one."""
    pair = moved_pair(8200, 0.3, -0.2, 0.9)
    found = dense_offsets(pair, WINDOWS, PATCHES, APART, LEAST)
    corners = [(APART.margin + 64 * i, APART.margin + 128 * j) for i in range(PATCHES[0]) for j in range(PATCHES[1])]
    known = patch_offsets(*pair, corners)
    sigma = np.hypot(np.std(known.line), np.std(found.line))
    assert np.abs(found.line.ravel() - known.line).max() < 4 * sigma
    assert np.abs(found.sample.ravel() - known.sample).max() < 4 * sigma
    assert np.std(found.line) < np.std(known.line)


def test_correlation_is_the_definition():
    random = np.random.default_rng(3)
    one, two = random.normal(5, 1, (2, 64, 80)).astype(np.float32)
    two[:60, :70] += one[4:, 10:]
    before = np.empty((2, 2, 65, 81))
    for image, table in zip((one, two), before, strict=True):
        sum_before(image, table)
    chosen = np.array([[True, False, True], [True, True, False]])
    result = np.full((2, 3, 5, 5), np.nan, np.float32)
    correlate_patches(one, two, before, 8, 12, (3, 4), (1, 1), (-3, -9), 2, chosen, result)
    assert np.isnan(result[~chosen]).all()
    for row, column in np.argwhere(chosen):
        top, left = 12 + 8 * row, 12 + 8 * column
        for p in range(5):
            for q in range(5):
                down, right = top - 5 + p, left - 11 + q
                patch, place = one[top : top + 24, left : left + 32], two[down : down + 24, right : right + 32]
                expected = np.corrcoef(patch.ravel(), place.ravel())[0, 1]
                assert result[row, column, p, q] == pytest.approx(expected, abs=2e-5)
    # What was copied 4 lines and 10 samples up and left is there.
    assert result[0, 0].argmax() == np.ravel_multi_index((1, 1), (5, 5))


def test_interpolation_between_lags():
    """The correlation of intensities is the squared autocorrelation of the signal: its fractions are known."""
    for window, rate in WINDOWS:
        place = np.linspace(-0.5, 0.5, 4001)
        power = (window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * place)) ** 2

        def peak(lags, power=power, place=place, band=window.bandwidth / rate):
            turns = np.cos(2 * np.pi * np.asarray(lags)[..., None] / 2 * place * band)
            return ((turns * power).mean(-1) / power.mean()) ** 2

        for shift in (0.0, 0.3, -0.7):
            lags = np.arange(8) - 3 - shift
            found = peak_taps(window, rate) @ peak(lags)
            np.testing.assert_allclose(found, peak(np.linspace(0, 1, 9) - shift), atol=2e-3)


def test_nothing_in_common_and_pixels_that_are_absent():
    one, two = moved_pair(8300, 0.0, 0.0, 0.0)
    found = dense_offsets((one, two), WINDOWS, PATCHES, APART, LEAST)
    assert np.isnan(found.line).all()
    assert (found.correlation == 0).all()
    _, two = moved_pair(8300, 0.0, 0.0, 0.9)
    two[: APART.margin + 32] = 0
    found = dense_offsets((one, two), WINDOWS, PATCHES, APART, LEAST)
    assert np.isnan(found.correlation[0]).all()
    assert np.isfinite(found.line[1:]).all()


def test_patches_that_disagree_with_their_neighbours():
    random = np.random.default_rng(11)
    slope = np.linspace(0, 1, 60)[:, None] * np.ones(40)
    values = (slope + 0.01 * random.standard_normal(slope.shape)).astype(np.float32)
    values[:, 20:] += 5  # a fault, which stays, though wild patches beside it may too
    wild = random.choice(values.size, 60, replace=False)
    values.ravel()[wild] += 2.0
    values[:, :2] = np.nan
    values[30, 30] = np.nan
    sigmas = np.full(values.shape, 0.01, np.float32)
    good = agree_with_neighbours(values, sigmas, (4, 2), 4.0)
    known = np.isfinite(values)
    bad = np.zeros(values.size, bool)
    bad[wild] = True
    bad = bad.reshape(values.shape) & known
    assert not good[~known].any()
    bad[:, 16:24] = False
    assert bad.sum() > 30
    assert not good[bad].any()
    right = known.copy()
    right.ravel()[wild] = False
    assert good[right].mean() > 0.97
    alone = np.full((20, 20), np.nan, np.float32)
    alone[10, 10] = 1.0
    assert not agree_with_neighbours(alone, np.ones_like(alone), (4, 2), 5.0).any()


def test_every_patch_is_of_one_burst():
    parts = [((0, 1300), (0, 1000)), ((1300, 2600), (0, 1000)), ((4, 1340), (1000, 2100)), ((1340, 2640), (1000, 2100))]
    places = tuple(Placement(f"iw{k}", (0, 0), *part) for k, part in enumerate(parts))
    mosaic = Mosaic(dt.date(2025, 4, 6), 0.0, 8e5, 2e-3, 2.3, 0.055, (4, 20), (660, 105), places)
    layout = PatchLayout()
    grid = patch_grid(mosaic, layout)
    assert grid.shape == (330, 52)
    times = np.zeros(grid.shape, int)
    for place in places:
        rows, columns = grid.part_of(place)
        times[rows.start : rows.stop, columns.start : columns.stop] += 1
        for axis, (numbers, part) in enumerate(zip((rows, columns), (place.lines, place.samples), strict=True)):
            middles = grid.middles(axis, np.array(numbers))
            assert part[0] <= middles.min() + 0.5
            assert middles.max() + 0.5 <= part[1]
            first = grid.first(axis, numbers[0])
            assert first + layout.window[axis] / 2 - 0.5 == middles[0]
    assert times.max() == 1
    # Below the last line of the first swath there is nothing.
    assert times[:325, :25].all()
    assert not times[325:, :25].any()
    np.testing.assert_allclose(grid.numbers(0, grid.middles(0, np.arange(5))), np.arange(5))


def test_windows_are_multiples_of_the_cells():
    with pytest.raises(ValidationError, match="multiple of 8"):
        EstimateAzimuthOffsets.model_validate({"range-window": 100})
    options = EstimateAzimuthOffsets.model_validate({"range-window": 104})
    assert options.range_window == 104
