"""Offsets by amplitudes: shifts of band-limited fields come back within what is said, and what can't be is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from levelworks.insar.refinement.cross_correlation import (
    PatchOffsets,
    amplitude_offset,
    patch_corners,
    patch_offsets,
)
from levelworks.insar.simulation.burst_signal import white_noise

SHAPE, PATCH = (384, 512), (64, 128)
CORNERS = patch_corners(SHAPE, PATCH)
BANDS = 327 / 486.486, 56.5 / 64.345


def field(seed):
    """Return the spectrum of a field as the processor of the agency limits it."""
    spectrum = np.fft.fft2(white_noise(SHAPE, [seed]))
    for axis, (band, window) in enumerate(zip(BANDS, (0.70, 0.75), strict=True)):
        place = np.fft.fftfreq(SHAPE[axis]) / band
        taper = np.where(np.abs(place) <= 0.5, window + (1 - window) * np.cos(2 * np.pi * place), 0.0)
        spectrum *= taper[:, None] if axis == 0 else taper
    return spectrum


def moved_pair(seed, line, sample, coherence):
    """Return a field and a secondary that must be sampled so many lines and samples later."""
    one, other = field(seed), field(seed + 5000)
    turn = np.exp(-2j * np.pi * (np.fft.fftfreq(SHAPE[0])[:, None] * line + np.fft.fftfreq(SHAPE[1]) * sample))
    two = (coherence * one + np.sqrt(1 - coherence**2) * other) * turn
    return np.fft.ifft2(one).astype(np.complex64), np.fft.ifft2(two).astype(np.complex64)


PULL = 0.03
"""Share of an offset by which peaks may be drawn to the middle."""


@pytest.mark.parametrize(("coherence", "sigma"), [(0.95, 0.002), (0.65, 0.012)])
def test_small_shifts_within_what_is_said(coherence, sigma):
    scores = []
    for seed, line in enumerate([0.0, 0.004, -0.02, 0.05]):
        pair = moved_pair(7100 + seed, line, -line / 2, coherence)
        found = amplitude_offset(patch_offsets(*pair, CORNERS, PATCH))
        assert found.degraded == ""
        assert found.used >= 20
        assert found.line_sigma < sigma
        scores.append((found.line - line) / np.hypot(found.line_sigma, PULL * line))
        scores.append((found.sample + line / 2) / np.hypot(found.sample_sigma, PULL * line / 2))
    assert np.abs(scores).max() < 3.5
    assert np.sqrt(np.mean(np.square(scores))) < 1.6


@pytest.mark.parametrize("shift", [(0.5, -0.5), (2.3, 1.7), (-6.4, 5.2)])
def test_large_shifts_nearly(shift):
    """What is left after one step goes with the next; specs/insar.md 4.9 takes two."""
    found = amplitude_offset(patch_offsets(*moved_pair(7300, *shift, 0.9), CORNERS, PATCH))
    assert (found.line, found.sample) == pytest.approx(shift, abs=0.05)
    assert found.correlation > 0.6


def test_fields_that_have_nothing_in_common():
    one, two = moved_pair(7400, 0.0, 0.0, 0.0)
    found = amplitude_offset(patch_offsets(one, two, CORNERS, PATCH))
    assert "patches correlate; at least 8 are needed" in found.degraded
    assert (found.line, found.sample, found.line_sigma) == (0.0, 0.0, np.inf)
    nothing = amplitude_offset(patch_offsets(one, np.zeros_like(one), CORNERS, PATCH))
    assert nothing.degraded.startswith("0 of 0 patches")


def test_patches_without_pixels_are_left_out():
    one, two = moved_pair(7500, 0.0, 0.0, 0.9)
    two[:70] = 0
    found = patch_offsets(one, two, CORNERS, PATCH)
    assert found.row.size == len(CORNERS) - 8
    assert found.row.min() >= 100


def test_an_image_with_itself():
    one, _ = moved_pair(7600, 0.0, 0.0, 0.9)
    found = patch_offsets(one, one, CORNERS, PATCH)
    np.testing.assert_allclose(found.correlation, 1.0, atol=1e-4)
    np.testing.assert_allclose([found.line, found.sample], 0.0, atol=1e-5)
    back = patch_offsets(*moved_pair(7600, 0.2, 0.1, 0.9)[::-1], CORNERS, PATCH)
    there = patch_offsets(*moved_pair(7600, 0.2, 0.1, 0.9), CORNERS, PATCH)
    np.testing.assert_allclose(back.line, -there.line, atol=1e-4)


def test_outliers_and_disagreement():
    rng = np.random.default_rng(8)
    many = np.full(60, 0.8)
    line, sample = 0.03 + 0.004 * rng.standard_normal(60), -0.01 + 0.003 * rng.standard_normal(60)
    patches = PatchOffsets(np.zeros(60), np.zeros(60), line, sample, many, 100 * many)
    line[::10] += 3.0
    found = amplitude_offset(patches)
    assert 50 <= found.used <= 54
    assert found.line == pytest.approx(0.03, abs=4 * found.line_sigma)
    assert found.line_sigma == pytest.approx(0.004 / np.sqrt(54), rel=0.3)
    weak = replace(patches, ratio=np.where(np.arange(60) < 55, 5.0, 100.0))
    assert amplitude_offset(weak).degraded.startswith("5 of 60")


def test_where_patches_are():
    assert patch_corners((1500, 22600), PATCH, (6, 24))[:2] == [(93, 407), (93, 1348)]
    corners = np.array(patch_corners((200, 260), PATCH))
    assert corners.tolist() == [[1, 1], [1, 131], [68, 1], [68, 131], [135, 1], [135, 131]]
    assert patch_corners((63, 500), PATCH) == []
