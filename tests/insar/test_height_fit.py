"""Slopes of phase against height: closed forms, outliers, weights, windows, and when there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from levelworks.insar.corrections import height_fit
from levelworks.insar.corrections.atmosphere import UnwrappedLayers, correct, fill_nearest, window_sides
from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere
from levelworks.insar.corrections.height_fit import fit_height
from levelworks.insar.corrections.height_windows import fit_windows

SHAPE = (80, 100)
STEP, LATITUDE = 0.001, 60.0


def hills(shape=SHAPE):
    """Return heights from some 0 to 1500 m."""
    i, j = np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")
    return 700 * (1 + np.sin(7 * i + 2 * j) * np.cos(5 * j)) + 100 * j


def layers(phase, coherence=0.8, height=None, components=None):
    components = np.ones(phase.shape, np.uint16) if components is None else components
    weight = np.broadcast_to(np.float32(coherence), phase.shape)
    return UnwrappedLayers.of(phase, components, weight, hills(phase.shape) if height is None else height)


def run(phase, delay=None, **options):
    options = {"method": "gacos" if delay is not None else "height"} | options
    return correct(layers(phase), delay, STEP, LATITUDE, CorrectAtmosphere(**options))


def test_a_line_is_found_exactly():
    height = hills().ravel()
    found = fit_height(3.0 - 0.004 * height, height, np.full(height.size, 0.5))
    assert found.slope == pytest.approx(-0.004, rel=1e-12)
    assert found.correlation == pytest.approx(-1.0, abs=1e-12)
    low, high = np.percentile(height, (1, 99))
    assert found.relief == pytest.approx(high - low)


def test_noise_leaves_the_slope_within_its_standard_deviation():
    """The mean square of errors over many draws is that of least squares over the efficiency of the estimate."""
    rng, height, sigma = np.random.default_rng(3), hills((30, 40)).ravel(), 0.5
    weight = np.ones(height.size)
    expected = sigma / (np.std(height) * np.sqrt(height.size))
    errors = [
        fit_height(0.002 * height + sigma * rng.normal(size=height.size), height, weight).slope - 0.002
        for _ in range(200)
    ]
    ratio = np.sqrt(np.mean(np.square(errors))) / expected
    assert 0.85 < ratio < 1.2  # 1.03 for 95 % efficiency, within 3 standard deviations of 200 draws


def test_deformation_is_an_outlier():
    """A fifth of the cells has moved by a fringe and more, all in the valleys: least squares would be far off."""
    rng, height = np.random.default_rng(5), hills().ravel()
    phase = 0.003 * height + 0.3 * rng.normal(size=height.size)
    low = height < np.quantile(height, 0.2)
    phase[low] += 8.0
    plain = np.polyfit(height, phase, 1)[0]
    assert abs(plain - 0.003) > 0.002
    found = fit_height(phase, height, np.ones(height.size))
    assert found.slope == pytest.approx(0.003, abs=2e-5)


def test_coherence_weighs():
    """Cells without coherence may say what they will."""
    rng, height = np.random.default_rng(7), hills().ravel()
    phase, weight = 0.003 * height, np.ones(height.size)
    wild = rng.random(height.size) < 0.45
    phase[wild], weight[wild] = 20 * rng.normal(size=wild.sum()), 1e-6
    found = fit_height(phase, height, weight)
    assert found.slope == pytest.approx(0.003, rel=1e-3)
    assert found.correlation > 0.99


def test_of_many_cells_every_nth_is_fitted(monkeypatch):
    height = hills().ravel()
    phase = 0.003 * height + np.random.default_rng(1).normal(size=height.size)
    monkeypatch.setattr(height_fit, "MOST_CELLS", height.size // 4)
    found = fit_height(phase, height, np.ones(height.size))
    assert found.cells == height.size // 4
    assert found.slope == pytest.approx(0.003, rel=0.05)


@pytest.mark.parametrize("height", [np.zeros(500), np.zeros(0), hills().ravel()[:99]], ids=["level", "none", "few"])
def test_nothing_to_fit(height):
    found = fit_height(np.arange(height.size, dtype=float), height, np.ones(height.size))
    assert (found.slope, found.correlation) == (0.0, 0.0)
    assert not found.applies(0.0, 1.0)


def test_a_delay_that_goes_with_height_is_taken_off():
    """What is left is the mean: a constant of unwrapped phase means nothing, and stays as it was."""
    height = hills()
    found = run(5.0 + 0.006 * height)
    np.testing.assert_allclose(found.model, 0.006 * (height - height.mean()), atol=1e-9)
    assert found.applied == ["height"]
    assert found.figures["height_slope_rad_per_km"] == pytest.approx(6.0)
    assert found.figures["rms_before_rad"] == pytest.approx(0.006 * height.std())
    assert found.figures["rms_after_rad"] == pytest.approx(0.0, abs=1e-9)


def test_a_constant_delay_changes_no_rms():
    phase = np.random.default_rng(2).normal(size=SHAPE)
    found = run(phase, np.full(SHAPE, 7.5))
    np.testing.assert_array_equal(found.model, np.full(SHAPE, 7.5))
    assert found.figures["gacos_rms_after_rad"] == pytest.approx(found.figures["gacos_rms_before_rad"], rel=1e-12)


@pytest.mark.parametrize(("noise", "applied"), [(0.9, ["height"]), (2.5, [])])
def test_the_correlation_decides(noise, applied):
    """Of correlation r, noise has sqrt(1 / r^2 - 1) times the standard deviation of the signal: 1.73 at 0.5."""
    height = hills()
    signal = 0.002 * (height - height.mean())
    found = run(signal + noise * signal.std() * np.random.default_rng(4).normal(size=SHAPE))
    assert found.applied == applied
    assert found.figures["height_correlation"] == pytest.approx(1 / np.hypot(1, noise), abs=0.03)
    assert bool(found.unfit) != bool(applied)
    if not applied:
        assert not found.model.any()
        assert found.figures["rms_after_rad"] == found.figures["rms_before_rad"]


def test_level_ground_says_nothing():
    """Of 50 m of relief no slope is taken, whatever the correlation."""
    height = hills() * 50 / 1500
    phase = 0.1 * height
    found = correct(layers(phase, height=height), None, STEP, LATITUDE, CorrectAtmosphere(method="height"))
    assert found.unfit == [f"height: the relief of {found.figures['height_relief_m']:.0f} m is below 100 m"]


def test_the_largest_component_decides_and_all_are_corrected():
    """Whole cycles between components are none of the slope's business."""
    height, components = hills(), np.full(SHAPE, 2, np.uint16)
    components[:, :30] = 1
    phase = 0.004 * height
    phase[:, :30] = -0.002 * height[:, :30] + 40 * np.pi
    known = layers(phase, components=components)
    found = correct(known, None, STEP, LATITUDE, CorrectAtmosphere(method="height"))
    assert found.figures["height_slope_rad_per_km"] == pytest.approx(4.0)
    middle = height[:, 30:].mean()
    np.testing.assert_allclose(found.model, 0.004 * (height - middle), atol=1e-9)
    assert found.figures["rms_after_rad"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("worse", "applied"), [("leave-out", ["height"]), ("apply", ["gacos", "height"])])
def test_delays_that_make_it_worse(worse, applied):
    """Delays of the wrong sign are kept out, and the fit against height takes the phase as it was."""
    height = hills()
    phase = 0.004 * (height - height.mean())
    found = run(phase, -phase, method="gacos-height", worse=worse)
    assert found.applied == applied
    assert found.figures["gacos_rms_after_rad"] == pytest.approx(2 * found.figures["gacos_rms_before_rad"])
    np.testing.assert_allclose(found.model, phase, atol=1e-9)
    expected = [f"gacos: it would raise the rms from {phase.std():.2f} to {2 * phase.std():.2f} rad"]
    assert found.worse == (expected if worse == "leave-out" else [])
    assert found.unfit == []


def test_one_step_after_the_other():
    height = hills()
    delay = np.linspace(0, 9, SHAPE[1]) * np.ones(SHAPE)
    found = run(delay + 0.004 * height, delay, method="gacos-height")
    assert found.applied == ["gacos", "height"]
    np.testing.assert_allclose(found.model, delay + 0.004 * (height - height.mean()), atol=1e-9)


def test_windows_of_one_slope_are_the_frame_s():
    height = hills()
    found = run(1.0 + 0.005 * height, window=5.0)
    np.testing.assert_allclose(found.model, 0.005 * (height - height.mean()), atol=1e-9)
    assert found.figures["height_windows"] == found.figures["height_windows_applied"] > 3


def test_windows_follow_a_slope_that_changes():
    """A slope that goes linearly from one end to the other: right within a node's distance, where blending is even."""
    shape = (120, 240)
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    height = 500 * (1 + np.sin(i / 5) * np.cos(j / 7))
    slope = 0.002 + 0.004 * j / shape[1]
    phase = slope * (height - height.mean())
    slopes = fit_windows(phase, height, np.ones(shape), np.ones(shape, bool), (40, 40), (0.5, 100))
    found = slopes.on_grid(shape)
    middle = np.s_[30:-30, 50:-50]
    np.testing.assert_allclose(found[middle], slope[middle], atol=2e-4)
    assert np.abs(phase - found * (height - height.mean())).std() < 0.15 * phase.std()
    # Smooth: from cell to cell no more than twice the true change.
    assert np.abs(np.diff(found, axis=1)).max() < 2 * 0.004 / shape[1]
    assert np.abs(np.diff(found, axis=0)).max() < 1e-5


def test_windows_without_relief_or_data_take_their_neighbours_slope():
    shape = (120, 240)
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    height = np.where(j < 120, 500 * (1 + np.sin(i / 5) * np.cos(j / 7)), 10.0)
    phase = 0.003 * height
    slopes = fit_windows(phase, height, np.ones(shape), j < 180, (40, 40), (0.5, 100))
    assert np.isnan(slopes.values[:, -3:]).all()
    np.testing.assert_allclose(slopes.on_grid(shape), 0.003, rtol=1e-9)


def test_windows_without_correlation_take_nothing_off():
    shape = (120, 240)
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    height = 500 * (1 + np.sin(i / 5) * np.cos(j / 7))
    phase = np.where(j < 120, 0.003 * height, np.random.default_rng(8).normal(size=shape))
    slopes = fit_windows(phase, height, np.ones(shape), np.ones(shape, bool), (40, 40), (0.5, 100))
    found = slopes.on_grid(shape)
    np.testing.assert_allclose(found[:, :40], 0.003, rtol=1e-3)
    np.testing.assert_allclose(found[:, -20:], 0.0, atol=1e-5)


def test_level_ground_between_hills_takes_their_slope():
    """Noise hides the slope where there is little relief: that is no evidence of none."""
    shape = (120, 360)
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    relief = np.where(np.abs(j - 180) < 50, 75.0, 750.0)
    height = relief * (1 + np.sin(i / 5) * np.cos(j / 7))
    phase = 0.003 * height + 0.5 * np.random.default_rng(10).normal(size=shape)
    slopes = fit_windows(phase, height, np.ones(shape), np.ones(shape, bool), (40, 40), (0.5, 100))
    assert (slopes.values == 0).any()
    found = slopes.on_grid(shape)
    assert found.min() > 0.85 * 0.003
    assert found.max() < 1.05 * 0.003
    alike = replace(slopes, leverage=np.isfinite(slopes.values).astype(float))
    assert alike.on_grid(shape).min() < 0.5 * 0.003


def test_no_window_goes_with_height():
    phase = np.random.default_rng(9).normal(size=SHAPE)
    found = run(phase, window=5.0)
    assert found.applied == []
    assert found.figures["height_windows_applied"] == 0
    assert found.unfit[0].startswith("height: in none of")


def test_windows_are_as_wide_as_they_are_long():
    rows, columns = window_sides(20.0, 0.001, 60.0)
    assert rows * 0.001 * 111.195 == pytest.approx(20, abs=0.06)
    assert columns == pytest.approx(2 * rows, abs=1)


def test_unknown_cells_take_the_nearest_delay():
    delay, wanted = np.arange(20.0).reshape(4, 5), np.ones((4, 5), bool)
    wanted[3] = False
    delay[1, 1] = delay[3, 4] = np.nan
    filled, share = fill_nearest(delay, wanted)
    assert share == pytest.approx(1 / 15)
    assert filled[1, 1] in (1.0, 5.0, 7.0, 11.0)
    assert fill_nearest(delay, delay > 2)[1] == 0.0
