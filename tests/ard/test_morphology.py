"""Growth, filling, widening and cells of masks against other ways to the same result, and against their own blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from levelworks.ard.masks.coarse_kernels import cell_means, count_in_cells, means_in_cells, mostly_water, of_cells
from levelworks.ard.masks.morphology_kernels import fill_by_majority, grow, widen
from levelworks.ard.masks.reconstruction_kernels import fill_hollows
from levelworks.ard.masks.settings import VALID, WATER

AROUND = np.ones((3, 3), bool)


def specks(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize("radius", [0.0, 1.0, 1.5, 3.0, 10.0, 33.3])
def test_masks_widen_by_distance_up_to_the_borders(radius):
    mask = specks((70, 90), 0.002, 1)
    mask[0, 0] = mask[-1, 40] = True
    expected = ndimage.distance_transform_edt(~mask) <= radius
    np.testing.assert_array_equal(widen(mask, 0, 70, radius), expected)


def test_widening_does_not_depend_on_blocks():
    mask, radius = specks((90, 60), 0.003, 2), 7.4
    whole = widen(mask, 0, 90, radius)
    for start in range(0, 90, 13):
        stop = min(start + 13, 90)
        first, last = max(start - 7, 0), min(stop + 7, 90)
        part = widen(mask[first:last], start - first, stop - first, radius)
        np.testing.assert_array_equal(part, whole[start:stop])


def test_nothing_widens_to_nothing():
    assert not widen(np.zeros((5, 6), bool), 1, 4, 3.0).any()
    assert widen(np.zeros((5, 6), bool), 1, 4, 3.0).shape == (3, 6)


def test_five_neighbours_of_eight_fill_a_pixel():
    mask, valid = specks((60, 80), 0.55, 3), specks((60, 80), 0.9, 4)
    neighbours = ndimage.convolve(mask.astype(int), np.ones((3, 3), int), mode="constant") - mask
    np.testing.assert_array_equal(fill_by_majority(mask, valid), mask | (valid & (neighbours >= 5)))


def test_filling_is_not_fed_by_what_it_fills():
    """Five of eight neighbours once: the pixel beside the filled one has four, and would have five in place."""
    mask = np.zeros((3, 4), bool)
    mask[0] = True
    mask[1, 0] = mask[2, 0] = True
    filled = fill_by_majority(mask, np.ones(mask.shape, bool))
    assert filled[1, 1]
    assert not filled[1, 2]


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_growth_goes_over_allowed_pixels_alone(steps):
    seeds, allowed = specks((80, 70), 0.01, 5), specks((80, 70), 0.45, 6)
    expected = ndimage.binary_dilation(seeds, AROUND, steps, mask=allowed) | seeds
    np.testing.assert_array_equal(grow(seeds, allowed, steps), expected)


def test_growth_over_thousands_of_pixels():
    """More than the queues first hold."""
    seeds = np.zeros((299, 299), bool)
    seeds[::4, ::4] = True
    assert grow(seeds, np.ones(seeds.shape, bool), 2).all()


def test_growth_does_not_depend_on_blocks():
    seeds, allowed, steps = specks((90, 50), 0.01, 7), specks((90, 50), 0.6, 8), 8
    whole = grow(seeds, allowed, steps)
    for start in range(0, 90, 17):
        stop = min(start + 17, 90)
        first, last = max(start - steps, 0), min(stop + steps, 90)
        part = grow(seeds[first:last], allowed[first:last], steps)
        np.testing.assert_array_equal(part[start - first : stop - first], whole[start:stop])


def slowly_filled(image: np.ndarray, outlets: np.ndarray) -> np.ndarray:
    """Fill hollows as the definition says: fall from above to the lowest neighbour, until nothing changes."""
    edge = np.ones(image.shape, bool)
    edge[1:-1, 1:-1] = False
    level = np.where(edge | outlets, image, 65535)
    while True:
        lower = np.maximum(image, np.minimum(level, ndimage.minimum_filter(level, 3, mode="nearest")))
        if (lower == level).all():
            return lower.astype(np.uint16)
        level = lower


@pytest.mark.parametrize("seed", range(4))
def test_hollows_are_filled_to_where_they_overflow(seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random((70, 60)), 1.5)
    image = (1000 + 60000 * (noise - noise.min())).astype(np.uint16)
    outlets = specks(image.shape, 0.002, 50 + seed)
    filled = fill_hollows(image, outlets)
    np.testing.assert_array_equal(filled, slowly_filled(image, outlets))
    np.testing.assert_array_equal(fill_hollows(filled, outlets), filled)


def test_a_winding_valley_drains():
    """The way out goes round corners, against both sweeps."""
    image = np.full((41, 41), 500, np.uint16)
    for k in range(1, 20, 2):
        image[k * 2 : k * 2 + 2, 1:40] = 100
        image[k * 2 + 1 : k * 2 + 5, 1 if k % 4 == 1 else 39] = 100
    np.testing.assert_array_equal(
        fill_hollows(image, np.zeros(image.shape, bool)), slowly_filled(image, np.zeros(image.shape, bool))
    )


def cells_of(values: np.ndarray, step: int, fill: float) -> np.ndarray:
    rows, columns = values.shape
    full = np.pad(values.astype(float), ((0, -rows % step), (0, -columns % step)), constant_values=fill)
    return full.reshape(full.shape[0] // step, step, full.shape[1] // step, step)


@pytest.mark.parametrize(("shape", "step"), [((24, 30), 2), ((25, 31), 2), ((40, 37), 6)])
def test_cells_hold_what_their_pixels_hold(shape, step):
    generator = np.random.default_rng(9)
    flags = np.where(generator.random(shape) < 0.8, VALID, 0).astype(np.uint16)
    flags[flags > 0] |= np.where(generator.random((flags > 0).sum()) < 0.5, WATER, 0).astype(np.uint16)
    values = generator.random(shape, np.float32)
    values[3, 4] = np.nan
    flags[:step, :step] = 0
    known = (flags > 0) & np.isfinite(values)
    sums = cells_of(np.where(known, values, 0.0), step, 0).sum(axis=(1, 3))
    counts = cells_of(known, step, 0).sum(axis=(1, 3))
    expected = np.where(counts > 0, np.maximum(sums / np.maximum(counts, 1) * 10000, 1), 0)
    found = cell_means(values, flags, step, 10000.0)
    assert found.dtype == np.uint16
    assert found[0, 0] == 0
    np.testing.assert_allclose(found, expected, atol=0.51)

    valid, water = (cells_of((flags & bit) > 0, step, 0).sum(axis=(1, 3)) for bit in (VALID, WATER))
    np.testing.assert_array_equal(mostly_water(flags, step), 2 * water > valid)

    mask, percent = generator.random(shape) < 0.4, generator.integers(0, 101, shape).astype(np.uint8)
    counts = cells_of(mask, step, 0).sum(axis=(1, 3)).astype(int)
    np.testing.assert_array_equal(count_in_cells(mask, step), counts)
    sums = cells_of(np.where(mask, percent, 0), step, 0).sum(axis=(1, 3)).astype(int)
    np.testing.assert_array_equal(means_in_cells(percent, mask, step), sums // np.maximum(counts, 1))


def test_small_values_are_not_taken_for_no_data():
    flags = np.full((2, 2), VALID, np.uint16)
    assert cell_means(np.full((2, 2), -0.01, np.float32), flags, 2, 10000.0).tolist() == [[1]]
    assert cell_means(np.full((2, 2), 99.0, np.float32), flags, 2, 10000.0).tolist() == [[65535]]


def test_pixels_follow_their_cells():
    cells = specks((9, 8), 0.5, 10).astype(np.uint8)
    wide = np.repeat(np.repeat(cells, 3, axis=0), 3, axis=1) > 0
    mask = specks((20, 23), 0.7, 11)
    expected = mask & wide[2:22, :23]
    of_cells(cells, 3, 2, mask)
    np.testing.assert_array_equal(mask, expected)
