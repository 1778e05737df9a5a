"""Noise maps: exact recovery, least squares by another route, pulls on simulated truth, bits under any split."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.geometry import Geometry, choose_geometry
from levelworks.coronagraph.noise_maps import (
    fit_noise_maps,
    inverse_variances,
)
from levelworks.coronagraph.stack_sums import StackSums

K_GAIN = 8.7
READ_NOISE = 110.0
SETTINGS = tuple(product((1.0, 20.0, 300.0, 5000.0), (0.0, 20.0, 100.0)))
TELEMETRY = np.s_[-4:]


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    return choose_geometry((120, 220), "TEST")


def draw_truth(geometry: Geometry, fixed_pattern_sd: float = 60.0, seed: int | None = None) -> np.ndarray:
    """Draw F, C, D of a detector, with dark current in the imaging area only: (3, rows, columns)."""
    rng, shape = np.random.default_rng(seed), geometry.shape
    current = np.zeros(shape)
    area = geometry.imaging_area.slices
    current[area] = rng.uniform(3e-4, 2.5e-3, current[area].shape)
    return np.stack((rng.normal(0, fixed_pattern_sd, shape), rng.uniform(0.004, 0.019, shape), current))


def exact_stacks(truth: np.ndarray, settings: tuple = SETTINGS, frames: int = 10) -> list[StackSums]:
    """Make stacks whose means are F + G C + G t D."""
    shape = truth.shape[1:]
    return [
        StackSums(
            g, t, 0, frames * (truth[0] + g * truth[1] + g * t * truth[2]), np.full(shape, frames, np.int32), frames
        )
        for g, t in settings
    ]


def noisy_stacks(truth: np.ndarray, frames: int, settings: tuple = SETTINGS) -> list[StackSums]:
    """Draw sums of frames: electrons of all of them are Poisson, their gain a gamma variate, the noise Gaussian."""
    rng, stacks = np.random.default_rng(), []
    for gain, time in settings:
        electrons = rng.poisson(frames * (truth[1] + time * truth[2]))
        signal = np.where(electrons > 0, rng.gamma(np.maximum(electrons, 1), gain), 0) if gain > 1 else electrons
        total = signal + frames * truth[0] + rng.normal(0, READ_NOISE * math.sqrt(frames), electrons.shape)
        stacks.append(StackSums(gain, time, 0, total, np.full(electrons.shape, frames, np.int32), frames))
    return stacks


def test_noise_free_stacks_give_the_truth(geometry):
    truth = draw_truth(geometry)
    maps = fit_noise_maps(exact_stacks(truth), geometry, K_GAIN)
    fitted = np.stack((maps.fixed_pattern, maps.clock_induced_charge, maps.dark_current))
    assert np.all(np.isnan(fitted[:, TELEMETRY]))
    for plane, true, scale in zip(fitted, truth, (60.0, 0.01, 1e-3), strict=True):
        assert_allclose(plane[:-4], true[:-4], rtol=1e-9, atol=1e-9 * scale)
    assert_allclose(maps.adjusted_r2[geometry.imaging_area.slices], 1.0, atol=1e-9)
    assert maps.variance < 1e-12
    assert maps.bias_offset == pytest.approx(0.0, abs=1e-8)
    assert np.all(maps.good_stacks[:-4] == len(SETTINGS))
    assert_array_equal(maps.dq[TELEMETRY], DQ.INVALID_ADC)
    assert not maps.dq[:-4].any()
    assert maps.dq.dtype == np.uint16


@pytest.mark.parametrize("weighted", [False, True])
def test_fit_and_statistics_are_those_of_least_squares_by_pixel(geometry, weighted):
    stacks = noisy_stacks(draw_truth(geometry), 400)
    weights = inverse_variances(stacks, READ_NOISE, 0.01, 1e-3) if weighted else None
    maps = fit_noise_maps(stacks, geometry, K_GAIN, weights=weights, telemetry_rows=0)
    root = np.sqrt(weights if weighted else np.ones(len(stacks)))
    design = np.array([(1.0, g, g * t) for g, t in SETTINGS])
    means = np.stack([stack.total / 400 for stack in stacks]).reshape(len(stacks), -1)
    solution, squares, _, _ = np.linalg.lstsq(design * root[:, None], means * root[:, None])
    freedom = len(stacks) - 3
    variance = (squares / freedom).reshape(geometry.shape)
    centre = np.average(means, axis=0, weights=root**2)
    r2 = 1 - (squares / freedom) / (np.sum(root[:, None] ** 2 * (means - centre) ** 2, axis=0) / (len(stacks) - 1))
    spread = np.sqrt(
        variance[geometry.imaging_area.slices].mean() * np.diag(np.linalg.inv((design.T * root**2) @ design))
    )
    solution = solution.reshape(3, *geometry.shape)
    residuals = (means - design @ solution.reshape(3, -1)).reshape(-1, *geometry.shape)
    medians = np.median(residuals[:, :, slice(*geometry.good_columns)], axis=(1, 2)) / K_GAIN

    assert_allclose(maps.fixed_pattern, solution[0], rtol=1e-9, atol=1e-8)
    assert_allclose(maps.clock_induced_charge, np.maximum(solution[1], 0), rtol=1e-8, atol=1e-11)
    assert_allclose(maps.dark_current, np.maximum(solution[2], 0), rtol=1e-8, atol=1e-13)
    assert_allclose(maps.variance, variance[geometry.imaging_area.slices].mean(), rtol=1e-10)
    assert_allclose(maps.adjusted_r2.ravel(), r2, rtol=1e-8, atol=1e-10)
    assert_allclose(
        [e[5, 7] for e in (maps.fixed_pattern_error, maps.clock_induced_charge_error)], spread[:2], rtol=1e-9
    )
    assert_allclose(maps.dark_current_error, spread[2], rtol=1e-9)
    assert_allclose(maps.bias_offset, medians.mean(), atol=1e-8)
    assert_allclose(maps.bias_offset_error, medians.std(ddof=1) / math.sqrt(len(stacks)), rtol=1e-6)
    assert np.any(solution[2] < 0), "the test should see clipping"


def test_pulls_of_a_weighted_fit_are_unit_normal(geometry):
    """Weights of one typical pixel: all pixels are made like it."""
    shape = geometry.shape
    truth = np.stack([np.full(shape, value) for value in (25.0, 0.6, 0.02)])
    settings = tuple(product((1.0, 20.0, 300.0), (0.0, 20.0, 100.0)))
    stacks = noisy_stacks(truth, 1500, settings)
    maps = fit_noise_maps(stacks, geometry, K_GAIN, weights=inverse_variances_at(stacks, 0.6, 0.02))
    area = geometry.imaging_area.slices
    size = truth[0][area].size
    assert maps.variance == pytest.approx(1.0, abs=6 * math.sqrt(2 / (6 * size)) + 0.02)
    for name, true in zip(("fixed_pattern", "clock_induced_charge", "dark_current"), (25.0, 0.6, 0.02), strict=True):
        pulls = (getattr(maps, name)[area] - true) / getattr(maps, f"{name}_error")[area]
        assert abs(pulls.mean()) < 5.5 / math.sqrt(size)
        assert pulls.std() == pytest.approx(1.0, abs=5.5 / math.sqrt(2 * size) + 0.02)


def inverse_variances_at(stacks: list[StackSums], charge: float, current: float) -> np.ndarray:
    """Weigh with the gamma register of the simulation: excess noise 2 above a gain of 1, 1 at it."""
    predicted = inverse_variances(stacks, READ_NOISE, charge, current)
    for s, stack in enumerate(stacks):
        electrons = charge + stack.exposure_time * current
        excess = 2.0 if stack.gain > 1 else 1.0
        exact = stack.frames / (READ_NOISE**2 + excess * stack.gain**2 * electrons)
        assert predicted[s] == pytest.approx(exact, rel=0.12)
        predicted[s] = exact
    return predicted


def test_pixels_masked_in_most_of_a_stack_are_fitted_without_it(geometry):
    truth = draw_truth(geometry, seed=3)
    stacks = exact_stacks(truth)
    bad = ((5, 120), (9, 130), (20, 140), (30, 150))
    stacks[4].total[bad[0]], stacks[4].count[bad[0]] = 1e9, 4
    stacks[4].total[bad[1]], stacks[4].count[bad[1]] = stacks[4].total[bad[1]] / 2, 5
    for stack in stacks[3:]:
        stack.total[bad[2]], stack.count[bad[2]] = 0.0, 0
    for stack, (gain, time) in zip(stacks, SETTINGS, strict=True):
        if (gain, time) not in ((1.0, 0.0), (20.0, 20.0), (300.0, 100.0)):
            stack.total[bad[3]], stack.count[bad[3]] = 0.0, 0
    maps = fit_noise_maps(stacks, geometry, K_GAIN)
    planes = np.stack((maps.fixed_pattern, maps.clock_induced_charge, maps.dark_current))
    for pixel in (bad[0], bad[1], bad[3]):
        assert_allclose(planes[:, *pixel], truth[:, *pixel], rtol=1e-8)
    assert np.all(np.isnan(planes[:, *bad[2]])), "three times at one gain don't separate F and C"
    assert [int(maps.good_stacks[pixel]) for pixel in bad] == [11, 12, 3, 3]
    assert [int(maps.dq[pixel]) for pixel in bad] == [0, 0, DQ.UNRELIABLE, DQ.UNRELIABLE]
    assert np.count_nonzero(maps.dq[:-4]) == 2
    assert np.isnan(maps.adjusted_r2[bad[3]])
    assert maps.fixed_pattern_error[bad[0]] > maps.fixed_pattern_error[0, 0]
    assert any("2 pixels" in warning for warning in maps.warnings)


def test_negative_values_are_clipped_after_the_statistics(geometry):
    truth = draw_truth(geometry)
    truth[1, 3, 4], truth[2, 5, 150] = -0.02, -0.01
    maps = fit_noise_maps(exact_stacks(truth), geometry, K_GAIN)
    assert maps.clock_induced_charge[3, 4] == 0
    assert maps.dark_current[5, 150] == 0
    assert maps.variance < 1e-12
    assert_allclose(maps.fixed_pattern[3, 4], truth[0, 3, 4], rtol=1e-9)


@pytest.mark.parametrize("fixed_pattern_sd", [0.0, 40.0])
def test_read_noise_is_unbiased_with_any_fixed_pattern(geometry, fixed_pattern_sd):
    settings = tuple(product((1.0, 10.0, 100.0), (0.0, 20.0, 100.0)))
    maps = fit_noise_maps(noisy_stacks(draw_truth(geometry, fixed_pattern_sd), 100, settings), geometry, K_GAIN)
    pixels = geometry.imaging_area.rows * geometry.imaging_area.columns
    sigma = READ_NOISE / math.sqrt(2 * pixels)
    assert maps.read_noise == pytest.approx(READ_NOISE, abs=5.5 * 1.5 * sigma)
    if fixed_pattern_sd:
        # N var(F) - ((N - 1) corr + 1) var(F) is left in it, about the square of the read noise.
        assert maps.correlation > 0.9
        assert maps.read_noise_from_correlation > 1.15 * READ_NOISE
    else:
        assert abs(maps.correlation) < 5.5 / math.sqrt(pixels)


def test_correlation_formula_is_that_of_the_specification(geometry):
    """The least G t is that of gains 1 and 20 without exposure, stacks 0 and 3."""
    frames = 100
    stacks = noisy_stacks(draw_truth(geometry, 40.0), frames)
    maps = fit_noise_maps(stacks, geometry, K_GAIN)
    area = geometry.imaging_area.slices
    design = np.array([(1.0, g, g * t) for g, t in SETTINGS])
    means = np.stack([stack.total[area] / frames for stack in stacks]).reshape(len(stacks), -1)
    pattern, charge, _ = np.linalg.lstsq(design, means)[0]
    correlation = np.corrcoef(means[0], means[3])[0, 1]
    square = frames * means[0].var() - charge.var() - ((frames - 1) * correlation + 1) * pattern.var()
    assert maps.correlation == pytest.approx(correlation, abs=1e-12)
    expected = math.sqrt(square) if square >= 0 else math.nan
    assert maps.read_noise_from_correlation == pytest.approx(expected, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (((1.0, 0.0), (10.0, 1.0), (100.0, 2.0)), "at least 4 stacks"),
        (((10.0, 0.0), (10.0, 1.0), (10.0, 2.0), (10.0, 3.0)), "2 gains"),
        (((1.0, 5.0), (10.0, 5.0), (100.0, 5.0), (1000.0, 5.0)), "2 exposure times"),
        (((1.0, 5.0), (1.0, 5.0), (100.0, 50.0), (100.0, 50.0)), "separate"),
        (((0.5, 5.0), (1.0, 6.0), (100.0, 50.0), (100.0, 5.0)), "gain of at least 1"),
    ],
)
def test_designs_that_determine_nothing_are_refused(geometry, settings, message):
    with pytest.raises(InvalidInput, match=message):
        fit_noise_maps(exact_stacks(draw_truth(geometry), settings), geometry, K_GAIN)


def test_other_refusals(geometry):
    stacks = exact_stacks(draw_truth(geometry))
    for options in (
        {"weights": np.ones(3)},
        {"weights": np.zeros(12)},
        {"telemetry_rows": 120},
        {"telemetry_rows": -1},
    ):
        with pytest.raises(InvalidOptions):
            fit_noise_maps(stacks, geometry, K_GAIN, **options)
    with pytest.raises(InvalidOptions, match="electrons_per_dn"):
        fit_noise_maps(stacks, geometry, 0.0)
    with pytest.raises(InvalidInput, match="shapes"):
        fit_noise_maps(stacks, choose_geometry((1200, 2200), "SCI"), K_GAIN)
    for stack in stacks:
        stack.count[:] = 0
    with pytest.raises(InvalidInput, match="imaging area"):
        fit_noise_maps(stacks, geometry, K_GAIN)


def test_short_stacks_warn(geometry):
    truth = draw_truth(geometry)
    assert "12 of 12 stacks" in fit_noise_maps(exact_stacks(truth), geometry, K_GAIN).warnings[0]
    assert fit_noise_maps(noisy_stacks(truth, 1300), geometry, K_GAIN).warnings == ()
