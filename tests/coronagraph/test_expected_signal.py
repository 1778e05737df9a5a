"""Expected signal: constant scenes, masks, and the quadtree rule written out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.expected_signal import LEVELS, SIGNIFICANCE, expected_signal

BAD = int(DQ.COSMIC_RAY)


def significant(total: float, pixels: int, noise_variance: float, excess: float) -> bool:
    """Tell whether a positive sum is at least so many of its own standard deviations."""
    return pixels > 0 and total > 0 and total**2 >= SIGNIFICANCE**2 * (pixels * noise_variance + excess * total)


def plain_rule(image: np.ndarray, dq: np.ndarray, noise_variance: float, excess: float) -> np.ndarray:
    """Give every pixel the mean of the smallest significant block around it, else of the largest block, if above 0."""
    usable = ((dq & int(UNUSABLE)) == 0) & ~np.isnan(image)
    result = np.empty(image.shape)
    for row, column in np.ndindex(image.shape):
        for level in range(LEVELS + 1):
            size = 1 << level
            top, left = row // size * size, column // size * size
            block = np.s_[top : top + size, left : left + size]
            values = image[block][usable[block]]
            total = values.sum()
            if level == 0 and not usable[row, column]:
                continue
            if significant(total, values.size, noise_variance, excess):
                result[row, column] = total / values.size
                break
            if level == LEVELS:
                result[row, column] = max(total, 0.0) / max(values.size, 1)
    return result


def estimate(image: np.ndarray, dq: np.ndarray | None = None, noise: float = 1.0, excess: float = 1.0) -> np.ndarray:
    dq = np.zeros(image.shape, np.uint16) if dq is None else dq
    return expected_signal(image, dq, int(UNUSABLE), noise, excess)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (104, 105), (130, 129), (1, 300), (131, 1)])
@pytest.mark.parametrize("scale", [0.0, 0.3, 200.0])
def test_is_the_plain_rule(shape, scale):
    """Whole electrons and quarters of variance, so that sums and thresholds are exact whatever their order."""
    rng = np.random.default_rng()
    gradient = np.linspace(0.0, 2.0, shape[0])[:, None] * np.ones(shape[1])
    image = np.rint(rng.poisson(scale * gradient) + rng.normal(0.0, 1.3, shape))
    dq = np.where(rng.random(shape) < 0.05, BAD, 0).astype(np.uint16)
    dq[rng.random(shape) < 0.1] |= int(DQ.NONLINEAR)
    image[rng.random(shape) < 0.02] = np.nan
    expected = plain_rule(image, dq, 1.75, 2.0)
    np.testing.assert_allclose(estimate(image, dq, 1.75, 2.0), expected, rtol=1e-14, atol=0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.floats(0.0, 1.0))
@settings(max_examples=80, deadline=None)
def test_is_the_plain_rule_on_small_shapes_and_dense_masks(seed, rows, columns, masked):
    rng = np.random.default_rng(seed)
    image = np.rint(rng.normal(0.0, 1.0, (rows, columns)) * 10.0 ** rng.integers(0, 4))
    dq = np.where(rng.random(image.shape) < masked, BAD, 0).astype(np.uint16)
    np.testing.assert_allclose(estimate(image, dq), plain_rule(image, dq, 1.0, 1.0), rtol=1e-14, atol=0)


@pytest.mark.parametrize("level", [0.0, 0.1, 7.0, 1e5])
@pytest.mark.parametrize("shape", [(104, 105), (1024, 1024)])
def test_constant_scene_is_recovered(level, shape):
    np.testing.assert_allclose(estimate(np.full(shape, level)), level, rtol=1e-12)


def test_faint_scene_is_recovered_from_its_surroundings():
    """0.05 electrons a pixel under a noise of 0.1: each block of 128 pixels knows its mean to 1.5 %."""
    rng = np.random.default_rng()
    shape, level, noise = (512, 512), 0.05, 0.1
    image = rng.poisson(level, shape) + rng.normal(0.0, noise, shape)
    found = estimate(image, noise=noise**2)
    assert found.min() > 0
    # A block stands for itself from 7 sigma on: those that reach it early are too bright by a sigma or two.
    assert found.mean() == pytest.approx(level, rel=0.1)
    assert found.std() < 0.5 * level
    own = np.maximum(image, 0.0)
    assert np.abs(found - level).mean() < 0.2 * np.abs(own - level).mean()


def test_bright_pixels_stand_for_themselves():
    image = np.zeros((40, 50))
    image[11, 17] = 1000.0
    found = estimate(image)
    assert found[11, 17] == 1000.0
    # Its own block is significant with it, so that its three neighbours share its mean; the rule's price.
    assert found[10, 16] == 250.0
    assert found[30, 40] == pytest.approx(1000.0 / image.size)


def test_masked_pixels_are_ignored_and_get_their_surroundings():
    rng = np.random.default_rng(4)
    image = np.full((104, 105), 60.0)
    hits = rng.random(image.shape) < 0.2
    dq = np.where(hits, BAD, 0).astype(np.uint16)
    for value in (1e7, -1e7, np.nan):
        image[hits] = value
        np.testing.assert_allclose(estimate(image, dq), 60.0, rtol=1e-12)
    image[hits] = np.nan
    np.testing.assert_allclose(estimate(image), 60.0, rtol=1e-12)


def test_bits_that_only_inform_keep_a_pixel():
    image = np.full((8, 8), 500.0)
    image[2, 2] = 900.0
    dq = np.full(image.shape, int(DQ.NONLINEAR | DQ.BIAS_REPLACED), np.uint16)
    assert estimate(image, dq)[2, 2] == 900.0


def test_nothing_usable_and_nothing_positive_give_zero():
    image = np.full((20, 20), 50.0)
    assert not estimate(image, np.full(image.shape, BAD, np.uint16)).any()
    assert not estimate(-image).any()


def test_never_negative_nor_of_other_tiles():
    rng = np.random.default_rng(5)
    image = rng.normal(0.0, 3.0, (256, 256))
    assert estimate(image).min() >= 0
    changed = image.copy()
    changed[:128, :128] += 1000.0
    before, after = estimate(image), estimate(changed)
    np.testing.assert_array_equal(after[128:], before[128:])
    np.testing.assert_array_equal(after[:128, 128:], before[:128, 128:])


def test_without_any_noise_every_positive_pixel_is_significant():
    image = np.array([[0.5, 0.0], [-1.0, 2.0]])
    found = expected_signal(image, np.zeros(image.shape, np.uint16), int(UNUSABLE), 0.0, 0.0)
    np.testing.assert_allclose(found, [[0.5, 0.375], [0.375, 2.0]])
