"""Pictures of all lines: limits, reductions, palettes and files without metadata."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from levelworks.core import plots
from levelworks.core.outcome import Outcome, Status


def test_limits_are_percentiles_of_finite_values() -> None:
    values = np.append(np.arange(101.0), [np.nan, np.inf])
    assert plots.robust_limits(values, 1, 99) == (1.0, 99.0)
    assert plots.robust_limits(values - 90, 0, 100, symmetric=True) == (-90.0, 90.0)


@pytest.mark.parametrize("values", [np.empty(0), np.full(5, np.nan), np.zeros(5), np.full(5, -3.0)])
def test_limits_always_span_something(values: np.ndarray) -> None:
    for symmetric in (False, True):
        low, high = plots.robust_limits(values, 1, 99, symmetric=symmetric)
        assert low < high


def test_robust_sd_of_a_normal_distribution_ignores_outliers() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 100_000)
    values[:500] = 1e6
    median, spread = plots.median_and_robust_sd(values)
    assert median == pytest.approx(5.0, abs=0.05)
    assert spread == pytest.approx(2.0, rel=0.02)
    assert all(math.isnan(one) for one in plots.median_and_robust_sd(np.array([np.nan])))


def test_block_mean_takes_usable_pixels_only() -> None:
    values = np.array([[1.0, 3.0, 5.0], [np.nan, 5.0, 7.0], [9.0, 9.0, 100.0]])
    usable = np.ones((3, 3), dtype=bool)
    usable[2, 2] = False
    reduced = plots.block_mean(values, usable, 2)
    np.testing.assert_array_equal(reduced.mask, [[False, False], [False, True]])
    np.testing.assert_allclose(reduced.compressed(), [3.0, 6.0, 9.0])
    np.testing.assert_array_equal(plots.block_mean(values, usable, 1).mask, ~(usable & np.isfinite(values)))


def test_block_max_keeps_single_flags() -> None:
    values = np.zeros((5, 7), dtype=np.uint8)
    values[4, 6] = 3
    np.testing.assert_array_equal(plots.block_max(values, 4), [[0, 0], [0, 3]])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1024, 1024), (2, 1)), ((104, 105), (1, 4)), ((2048, 1024), (4, 1)), ((1200, 2200), (5, 1))],
)
def test_reduction_is_by_whole_numbers(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert plots.reduction(shape, 512, 512) == expected


def test_asinh_keeps_masks_and_is_increasing() -> None:
    norm = plots.colour_norm((-1.0, 1000.0), "asinh", 0.5, centre=2.0)
    mapped = norm(np.ma.array([-1.0, 0.0, 10.0, 1000.0, 5.0], mask=[0, 0, 0, 0, 1]))
    assert list(np.ma.getmaskarray(mapped)) == [False, False, False, False, True]
    assert np.all(np.diff(mapped[:4]) > 0)
    assert (mapped[0], mapped[3]) == (0.0, 1.0)


@pytest.mark.parametrize("width", [0.0, math.nan, 1e-9])
def test_asinh_survives_a_spread_of_nothing(width: float) -> None:
    norm = plots.colour_norm((0.0, 10.0), "asinh", width)
    assert 0.7 < float(norm(5.0)) < 1.0


@pytest.mark.parametrize("limits", [(-0.3, 7.0), (3000.0, 40000.0), (3095.0, 3700.0), (-150.0, 150.0), (0.0, 1e-4)])
@pytest.mark.parametrize("stretch", ["linear", "asinh"])
def test_ticks_lie_inside_and_apart(limits: plots.Limits, stretch: plots.Stretch) -> None:
    norm = plots.colour_norm(limits, stretch, (limits[1] - limits[0]) / 50)
    found = plots.ticks(norm, gap=0.05)
    assert len(found) >= 2
    assert limits[0] <= min(found) < max(found) <= limits[1]
    if stretch == "asinh":
        assert np.all(np.diff([float(norm(value)) for value in found]) >= 0.05 - 1e-9)


def test_colour_bar_extends_where_values_lie_beyond() -> None:
    values = np.array([0.0, 1.0, 2.0])
    limits = {(0, 2): "neither", (1, 2): "min", (0, 1): "max", (0.5, 1.5): "both"}
    assert {plots.extension(values, key): word for key, word in limits.items()} == {w: w for w in limits.values()}


def test_tick_words() -> None:
    assert [plots.plain(value) for value in (-0.02, 10000.0, 0.0)] == ["−0.02", "10000", "0"]
    assert [plots.power_of_ten(10.0**n) for n in (0, 1, 2, 6, -3)] == ["1", "10", "10²", "10⁶", "10⁻³"]
    assert plots.power_of_ten(20.0) == plots.power_of_ten(0.0) == ""


def test_frequent_colours_are_exact_and_nothing_else_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "colours.png"
    ramp = plots.colours(plots.SEQUENTIAL)(np.arange(plots.LEVELS))
    with plots.sheet(plots.LEVELS * 8, 200) as page:
        page.axes(0, 0, plots.LEVELS * 8, 100).imshow(ramp[None], aspect="auto")
        page.text(10, 120, "$not a formula$ ÅÄ", color="#123456")
        page.save(path)
    with Image.open(path) as image:
        assert image.info == {}
        row = np.asarray(image.convert("RGB"))[50, 4::8]
    np.testing.assert_allclose(row, 255 * ramp[:, :3], atol=1)


def test_a_rare_colour_with_a_meaning_stays_among_many_others(tmp_path: Path) -> None:
    path = tmp_path / "rare.png"
    many = np.random.default_rng(2).random((100, 100, 3))
    many[50, 50] = (0.2, 0.4, 0.6)
    with plots.sheet(100, 100) as page:
        page.axes(0, 0, 100, 100).imshow(many, aspect="auto")
        page.keep([many[50, 50]])
        page.save(path)
    with Image.open(path) as image:
        assert image.mode == "P"
        colours = image.convert("RGB").getcolors()
    assert (51, 102, 153) in {colour for _, colour in colours}


def test_user_settings_do_not_reach_pictures(tmp_path: Path) -> None:
    import matplotlib as mpl

    def picture(name: str) -> bytes:
        with plots.sheet(300, 200) as page:
            page.axes(60, 40, 200, 100).plot([1, 2, 3])
            page.save(tmp_path / name)
        return (tmp_path / name).read_bytes()

    first = picture("a.png")
    with mpl.rc_context({"lines.linewidth": 9.0, "font.size": 30.0, "axes.facecolor": "black"}):
        assert picture("b.png") == first
        assert mpl.rcParams["lines.linewidth"] == 9.0


def test_outcome_in_words(tmp_path: Path) -> None:
    path = tmp_path / "nothing.png"
    plots.draw_outcome(path, Outcome(Status.SKIPPED, reason="no frame\n" + "and a long reason " * 30), "coronagraph")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size[0] == 800
    assert path.stat().st_size < 60_000
