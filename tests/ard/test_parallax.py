"""Parallax between bands: what moved is told from what stands, with its height; FORCE's displacement index."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ard_masks import Weather, run, scratches, simulate
from scipy import ndimage

from levelworks.ard.masks.displacement_index_kernels import (
    GROWTH,
    SEED,
    SIGMA,
    WIDE_WINDOW,
    WINDOW,
    blur,
    displacement_index,
    least_around,
    seeds_and_growth,
)
from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.parallax import (
    BORDER,
    PARALLAX,
    PIXEL,
    TELLING,
    cell_heights,
    find_moving,
    movement,
    whole_counts,
)
from levelworks.ard.masks.parallax_kernels import COUNTS, STRONGEST, WEAKEST, match_bands, sum_of_four
from levelworks.ard.masks.pixel_test_kernels import EVIDENCE_STEP
from levelworks.ard.masks.settings import CANDIDATE, VALID, MaskOptions
from levelworks.core.mpi import Serial

SIZE = 160


def texture(seed: int, shape=(SIZE, SIZE)) -> np.ndarray:
    """Return reflectance of even light and dark at 20 to 100 m."""
    random = np.random.default_rng(seed)
    return (
        0.4 + 0.3 * sum(ndimage.gaussian_filter(random.standard_normal(shape), sigma) * sigma for sigma in (2, 5)) / 2
    )


def bands(rows: float, columns: float = 0.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return two bands, the second moved."""
    first = texture(seed)
    second = ndimage.shift(first, (rows, columns), order=3, mode="nearest")
    return whole_counts(first), whole_counts(second)


def everywhere() -> np.ndarray:
    return np.ones((SIZE // 2, SIZE // 2), bool)


INNER = slice(16, -16)


def test_counts_are_whole_and_no_data_is_negative():
    counts = whole_counts(np.array([0.0, 0.12344, np.nan, -0.1, 99.0]))
    assert counts.dtype == np.int32
    assert counts.tolist() == [0, 1234, -1, 0, 60000]


def test_four_pixels_are_summed():
    fine = np.arange(12, dtype=np.int32).reshape(3, 4)
    wide = np.pad(fine, ((0, 1), (0, 1)), mode="edge")
    expected = wide[:-1, :-1] + wide[1:, :-1] + wide[:-1, 1:] + wide[1:, 1:]
    np.testing.assert_array_equal(sum_of_four(fine), expected)
    fine[1, 1] = -1
    assert np.argwhere(sum_of_four(fine) == -1).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize("pixels", [1.5, -2.0, 3.0, 6.0, -11.0])
def test_what_moves_has_the_height_of_its_shift(pixels):
    evidence, heights = movement(*bands(pixels), everywhere())
    assert np.median(evidence[INNER, INNER]) > TELLING
    assert (evidence[INNER, INNER] > TELLING).mean() > 0.9
    found = heights[INNER, INNER]
    expected = abs(pixels) * PIXEL / PARALLAX
    assert np.nanmedian(found) == pytest.approx(expected, abs=max(0.06 * expected, 90))
    assert (evidence <= STRONGEST).all()


def test_what_stands_speaks_against_clouds():
    first, second = bands(0.0)
    random = np.random.default_rng(2)
    noisy = second + np.rint(random.normal(0, 20, second.shape)).astype(np.int32)
    evidence, heights = movement(first, noisy, everywhere())
    assert (evidence[INNER, INNER] < -2).mean() > 0.95
    assert evidence.min() >= WEAKEST
    assert np.isnan(heights).all()


def test_even_surfaces_say_nothing():
    even = np.full((SIZE, SIZE), 4000, np.int32)
    evidence, heights = movement(even, even, everywhere())
    assert np.abs(evidence).max() < 0.1
    assert np.isnan(heights).all()


def test_evidence_is_given_where_it_is_wanted_alone():
    wanted = np.zeros((SIZE // 2, SIZE // 2), bool)
    wanted[30:50, 30:50] = True
    evidence, heights = movement(*bands(3.0), wanted)
    assert not evidence[~wanted].any()
    assert np.isnan(heights[~wanted]).all()
    assert (evidence[wanted] > TELLING).mean() > 0.9


def test_a_gap_in_either_band_says_nothing_around_it():
    first, second = bands(3.0)
    second[80, 80] = -1
    found = movement(first, second, everywhere())[0]
    near = found[40 - BORDER : 40 + BORDER + 1, 40 - BORDER : 40 + BORDER + 1]
    assert (near <= 0).all()
    assert found[40, 20] > TELLING


def test_cells_near_what_stands_are_not_said_to_move():
    """A window half over a cloud sees movement: all cells around must."""
    first, moving = bands(4.0)
    second = np.where(np.arange(SIZE)[None, :] < SIZE // 2, moving, first)
    evidence, _ = movement(first, second, everywhere())
    edge = SIZE // 4
    assert (evidence[INNER, edge + 4 :] < TELLING).mean() > 0.95
    assert (evidence[INNER, 16 : edge - 6] > TELLING).mean() > 0.8


def test_bands_are_matched_window_by_window():
    """The best shift by brute force."""
    first, second = bands(2.0, 0.0, seed=7)
    coarse, fine = sum_of_four(first)[::2, ::2].copy(), sum_of_four(second)
    wanted = np.zeros(coarse.shape, bool)
    wanted[40, 37] = True
    evidence, shift = np.zeros(coarse.shape, np.float32), np.full(coarse.shape, np.nan, np.float32)
    match_bands(coarse, fine, wanted, 4, 1, 3, evidence, shift)
    misfits = {}
    for down in range(-4, 5):
        for across in (-1, 0, 1):
            window = np.ix_(range(37, 44), range(34, 41))
            moved = fine[2 * np.arange(37, 44)[:, None] + down, 2 * np.arange(34, 41)[None] + across]
            misfits[down, across] = (coarse[window] - moved).astype(float).var()
    best = min((key for key in misfits if key[0] != 0), key=misfits.get)
    floor = (0.004 * 4 * COUNTS) ** 2
    ratio = 2.0 * np.log((misfits[0, 0] + floor) / (misfits[best] + floor))
    assert best == (2, 0)
    assert evidence[40, 37] == pytest.approx(min(ratio, STRONGEST), abs=1e-4)
    assert shift[40, 37] == pytest.approx(2.0, abs=0.25)
    assert np.isnan(shift[~wanted]).all()


def test_heights_are_averaged_where_known():
    metres = np.full((5, 7), np.nan, np.float32)
    metres[0, 0], metres[1, 1], metres[4, 6] = 1000, 2000, 7000.4
    found = cell_heights(metres, 3)
    assert found.dtype == np.uint16
    assert found.tolist() == [[1500, 0, 0], [0, 0, 7000]]


def test_movement_does_not_depend_on_blocks(tmp_path):
    scene = simulate("SEN2A", 240, 41, Weather(cloud_fraction=0.3, height=2000))
    results = []
    for rows in (36, 252):
        folder = tmp_path / str(rows)
        folder.mkdir()
        make = scratches(folder, scene.grid)
        inputs = Inputs(
            lambda band, start, stop: scene.toa[band][start:stop].copy(), frozenset(scene.toa), scene.grid,
            scene.sensor, scene.angles, None, None, lambda start, stop: scene.saturated[start:stop], make,
            MaskOptions(block_rows=rows), Serial(),
        )  # fmt: skip
        flags = make("flags", np.uint16)
        flags.write(0, np.where(scene.toa["RED"] > 0.2, VALID | CANDIDATE, VALID))
        moving, lift = make("moving", np.int8, scene.grid.coarser(2).shape), make("lift", np.uint16, inputs.cells)
        for block in inputs.blocks():
            find_moving(inputs, flags, moving, lift, block)
        results.append((moving.read(0, moving.rows), lift.read(0, lift.rows)))
    for few, many in zip(*results, strict=True):
        np.testing.assert_array_equal(few, many)
    moving, lift = results[0]
    assert moving.max() > TELLING * EVIDENCE_STEP
    assert np.median(lift[lift > 0]) == pytest.approx(2000, rel=0.2)


# The displacement index of FORCE.


def test_blurring_keeps_what_is_even_and_skips_gaps():
    even = np.full((9, 9), 0.3, np.float32)
    even[4, 4] = np.nan
    blurred = blur(even)
    np.testing.assert_allclose(blurred, 0.3, rtol=1e-6)
    point = np.zeros((9, 9), np.float32)
    point[4, 4] = 1.0
    beside, next_to_it = (np.exp(-0.5 * (distance / SIGMA) ** 2) for distance in (1, 2))
    assert blur(point)[4, 4] == pytest.approx((1 + 2 * beside + 2 * next_to_it) ** -2, rel=1e-5)
    # Half of a Gaussian of this width lies within its own pixel.
    assert math.erf(0.5 / SIGMA / math.sqrt(2)) ** 2 == pytest.approx(0.5, abs=1e-3)
    assert blur(point).sum() == pytest.approx(1.0, rel=1e-5)


def test_the_index_is_that_of_two_variances():
    random = np.random.default_rng(3)
    near, far = (1 + 0.1 * random.standard_normal((30, 30)).astype(np.float32) for _ in range(2))
    candidate = random.random((30, 30)) < 0.7
    index = displacement_index(near, far, candidate)
    assert np.isnan(index[~candidate]).all()
    for row, column in np.argwhere(candidate)[::37]:
        window = (
            slice(max(row - WINDOW, 0), row + WINDOW + 1),
            slice(max(column - WINDOW, 0), column + WINDOW + 1),
        )
        one, two = (band[window][candidate[window]].astype(float).var() for band in (near, far))
        assert index[row, column] == pytest.approx((one - two) / (one + two), abs=1e-4)
    assert displacement_index(near, near, candidate)[candidate] == pytest.approx(0.0, abs=1e-6)
    lonely = np.zeros((30, 30), bool)
    lonely[5, 5] = True
    assert np.isnan(displacement_index(near, far, lonely)).all()


def test_the_least_around_is_of_candidates():
    random = np.random.default_rng(4)
    values, candidate = random.random((40, 40)).astype(np.float32), random.random((40, 40)) < 0.02
    expected = ndimage.minimum_filter(
        np.where(candidate, values, np.inf), 2 * WIDE_WINDOW + 1, mode="constant", cval=np.inf
    )
    found = least_around(values, candidate)
    np.testing.assert_array_equal(found, np.where(np.isfinite(expected), expected, np.nan))


def test_seeds_are_well_inside_of_what_moves():
    index = np.full((9, 9), -0.7, np.float32)
    least = np.full((9, 9), 0.5, np.float32)
    index[:, 6] = -0.3
    index[:, 7] = -0.2
    index[:, 8] = np.nan
    states = seeds_and_growth(index, least)
    assert (states[:, :5] == SEED).all()
    assert (states[:, 5] == GROWTH).all()  # its neighbour is no seed
    assert (states[:, 6] == GROWTH).all()
    assert (states[:, 7:] == 0).all()
    assert (seeds_and_growth(index, np.full((9, 9), 0.9, np.float32))[:, :7] == SEED).all()


def test_bright_roofs_stand_and_clouds_move(tmp_path):
    weather = Weather(cloud_fraction=0.15, height=1800, style="desert")
    scene = simulate("SEN2A", 360, 77, weather)
    found = run(scene, tmp_path / "run")
    ground = ~ndimage.binary_dilation(scene.cloud, iterations=12)
    assert found.cloud[ground].mean() < 0.005
    core = ndimage.binary_erosion(scene.cloud, iterations=12)
    assert found.cloud[core].mean() > 0.95
