"""Shadows: rays, objects, shade and heights by themselves, then clouds matched with the dark ground they cast."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from levelworks.ard.masks.force_pixels import Scene
from levelworks.ard.masks.force_shadow_kernels import match_objects
from levelworks.ard.masks.force_shadows import darkness_as_force, match_as_force
from levelworks.ard.masks.height_hints import (
    METRES,
    Hint,
    decks_by_parallax,
    decks_by_temperature,
    hint_by_parallax,
    hint_by_temperature,
)
from levelworks.ard.masks.heights import HIGHEST, LOWEST, agree_on_heights, trial_heights
from levelworks.ard.masks.object_kernels import (
    count_by_label,
    label_objects,
    number_pieces,
    order_cells,
    select_labels,
    sum_by_label,
)
from levelworks.ard.masks.objects import MOST_OBJECTS, Pieces, cut_pieces, remove_small, sure_objects
from levelworks.ard.masks.rays import Rays, trace_rays
from levelworks.ard.masks.settings import OBJECT_SIZE
from levelworks.ard.masks.shade import find_shade, hold_shaded
from levelworks.ard.masks.shade_kernels import (
    BIN,
    BINS,
    DARKEST,
    EVIDENCE_STEP,
    LARGEST_SHIFT,
    LEAST_SHIFT,
    STRONGEST,
    UNSEEN,
    colour_bin,
    count_colours,
    look_up_shade,
    separate_shade,
    shaded,
)
from levelworks.ard.masks.shadow_kernels import (
    cast,
    dark_without_source,
    hides_its_source,
    project_cells,
    score_heights,
    shadow_of,
)
from levelworks.ard.masks.shadows import (
    DARK,
    PLAINLY_LIT,
    Clouds,
    Ground,
    find_bright,
    find_unseen,
    match_shadows,
    shadow_shows,
)
from levelworks.ard.scene import FIELD_SPACING, Angles

FLAT = np.zeros((0, 0), np.int16)
SIZE = 240
"""Cells along a side of the scenes."""


def angles(sun_zenith=45.0, sun_azimuth=180.0, view_zenith=0.0, view_azimuth=90.0, shape=(4, 5)) -> Angles:
    return Angles(*(np.full(shape, one, np.float32) for one in (sun_zenith, sun_azimuth, view_zenith, view_azimuth)))


def disc(shape, row, column, radius) -> np.ndarray:
    rows, columns = np.indices(shape)
    return np.hypot(rows - row, columns - column) <= radius


def moved(mask: np.ndarray, down: int, across: int) -> np.ndarray:
    return ndimage.shift(mask.astype(np.uint8), (down, across), order=0) > 0


# Rays.


@pytest.mark.parametrize(
    ("given", "down", "across"),
    [
        ({"sun_azimuth": 180.0}, -1.0, 0.0),  # the sun in the south throws shadows north
        ({"sun_azimuth": 90.0}, 0.0, -1.0),
        ({"sun_azimuth": 0.0, "sun_zenith": 60.0}, np.sqrt(3), 0.0),
        ({"sun_azimuth": 180.0, "view_zenith": 45.0, "view_azimuth": 180.0}, 0.0, 0.0),  # seen along the rays
        ({"sun_azimuth": 180.0, "view_zenith": 45.0, "view_azimuth": 90.0}, -1.0, 1.0),
    ],
)
def test_shadows_lie_away_from_the_sun_and_clouds_away_from_the_view(given, down, across):
    rays = trace_rays(angles(**given))
    np.testing.assert_allclose(rays.down, down, atol=1e-6)
    np.testing.assert_allclose(rays.across, across, atol=1e-6)
    assert rays.tangent == pytest.approx(np.tan(np.radians(given.get("sun_zenith", 45.0))), rel=1e-6)


def test_missing_angles_are_taken_from_their_neighbours():
    broken = angles()
    broken.sun_zenith[1, 2] = np.nan
    np.testing.assert_allclose(trace_rays(broken).down, -1.0, atol=1e-6)
    nothing = trace_rays(angles(sun_zenith=np.nan))
    assert nothing.tangent == 1.0
    assert not nothing.down.any()


def test_rays_are_given_in_cells():
    rays = Rays(np.arange(6.0).reshape(2, 3), np.ones((2, 3)), 1.0)
    per_field = FIELD_SPACING / OBJECT_SIZE
    down, across = rays.at(np.array([0.0, per_field, 99.0]), np.array([0.0, 2 * per_field, 99.0]))
    np.testing.assert_allclose(down, np.array([0.0, 5.0, 5.0]) / OBJECT_SIZE)
    np.testing.assert_allclose(across, 1 / OBJECT_SIZE)
    np.testing.assert_allclose(rays.at(np.zeros(1), np.zeros(1), 30.0)[1], 1 / 30)


def test_rays_end_where_they_meet_the_ground():
    assert shadow_of(10.0, 5.0, 600.0, -1 / 60, 0.5 / 60, FLAT, 0.0) == (0, 10, True)
    step = np.zeros((30, 30), np.int16)
    step[:10] = 300  # the shadow falls on a plateau that is half as high as the cloud
    assert shadow_of(12.0, 5.0, 600.0, -1 / 60, 0.0, step, 0.0) == (7, 5, True)
    assert shadow_of(25.0, 5.0, 600.0, -1 / 60, 0.0, step, 0.0) == (15, 5, True)
    step[:10] = 900
    assert shadow_of(12.0, 5.0, 600.0, -1 / 60, 0.0, step, 0.0)[2] is False


# Objects.


@pytest.mark.parametrize("share", [0.05, 0.3, 0.42, 0.6])
def test_objects_are_what_touches_in_eight_directions(share):
    mask = np.random.default_rng(int(100 * share)).random((120, 90)) < share
    labels, number = label_objects(mask)
    expected, count = ndimage.label(mask, np.ones((3, 3)))
    assert number == count
    np.testing.assert_array_equal(labels, expected)
    values = np.random.default_rng(1).integers(0, 9, mask.shape).astype(np.uint8)
    index = np.arange(number + 1)
    np.testing.assert_array_equal(
        count_by_label(labels, number), ndimage.sum_labels(np.ones(mask.shape), labels, index)
    )
    np.testing.assert_array_equal(sum_by_label(labels, number, values), ndimage.sum_labels(values, labels, index))
    chosen = index % 2 == 1
    np.testing.assert_array_equal(select_labels(labels, chosen), chosen[labels])


def test_many_objects_are_labelled():
    mask = np.zeros((200, 200), bool)
    mask[::2, ::2] = True
    labels, number = label_objects(mask)
    assert number == 10_000
    assert labels[198, 198] == 10_000
    assert label_objects(np.zeros((3, 3), bool))[1] == 0


def test_cells_are_ordered_by_label():
    labels = np.array([[2, 0, 5], [5, 2, 0], [0, 0, 2]], np.int32)
    starts, rows, columns = order_cells(labels, 5)
    assert starts.tolist() == [0, 3, 5]
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 2), (0, 2), (1, 0)]


def test_large_objects_are_cut_and_small_ones_put_together():
    mask = np.zeros((20, 40), bool)
    mask[2:8, :] = True  # 240 cells over four squares
    mask[15, 1] = mask[17, 3] = mask[15, 25] = True
    labels, number = label_objects(mask)
    sizes = count_by_label(labels, number)
    largest = number_pieces(labels, sizes, np.zeros((0, 0), np.uint8), 1, 10, 5, 100)
    pieces = Pieces(*order_cells(labels, largest))
    assert sorted(pieces.sizes.tolist()) == [1, 2, 60, 60, 60, 60]
    assert labels[15, 1] == labels[17, 3] != labels[15, 25]


def test_decks_are_pieces_of_their_own():
    mask, decks = np.zeros((30, 30), bool), np.zeros((30, 30), np.uint8)
    mask[5:15, 5:25] = True
    decks[:, 15:] = 3
    assert cut_pieces(mask).sizes.tolist() == [200]
    assert cut_pieces(mask, decks).sizes.tolist() == [100, 100]
    assert cut_pieces(np.zeros((4, 4), bool)).number == 0


def test_pieces_know_their_means():
    pieces = cut_pieces(disc((30, 30), 8, 8, 3) | disc((30, 30), 20, 20, 4))
    values = np.indices((30, 30))[0].astype(np.int16)
    np.testing.assert_allclose(pieces.mean_of(values), [8, 20])


def test_more_objects_than_memory_allows_share_their_heights():
    mask = np.zeros((4 * 160, 4 * 160), bool)
    for row in range(3):
        for column in range(3):
            mask[row::4, column::4] = True
    assert label_objects(mask)[1] == 160 * 160 > MOST_OBJECTS
    pieces = cut_pieces(mask)
    assert pieces.number <= 49
    assert pieces.sizes.sum() == mask.sum()


def test_small_objects_go_by_their_pixels():
    counts = np.zeros((10, 12), np.uint8)
    counts[1, 1:3] = 4
    counts[6, 6] = 4
    counts[8, 1] = 1
    np.testing.assert_array_equal(np.argwhere(remove_small(counts, 5.0)), [[1, 1], [1, 2]])
    np.testing.assert_array_equal(remove_small(counts, 1.0), counts > 0)


def test_objects_are_sure_by_their_mean_probability():
    cloudy = disc((20, 30), 8, 8, 3) | disc((20, 30), 8, 22, 3)
    probability = np.where(np.indices((20, 30))[1] < 15, 90, 70).astype(np.uint8)
    np.testing.assert_array_equal(sure_objects(probability, cloudy, 80.0), disc((20, 30), 8, 8, 3))


# Shade.


def test_colours_fall_into_logarithmic_bins():
    assert colour_bin(0) == colour_bin(int(DARKEST)) == 0
    assert colour_bin(round(DARKEST * np.exp(BIN * 10.5))) == 10
    assert colour_bin(65535) == BINS - 1


def test_colours_are_counted_by_squares():
    near, short = np.full((6, 6), 3000, np.uint16), np.full((6, 6), 1500, np.uint16)
    seen = np.ones((6, 6), bool)
    seen[0, 0] = False
    counts = np.zeros((2, 2, BINS * BINS), np.int32)
    count_colours(near, short, seen, 3, counts)
    place = colour_bin(3000) * BINS + colour_bin(1500)
    assert counts[..., place].tolist() == [[8, 9], [9, 9]]
    assert counts.sum() == 35


def test_shade_moves_colours_along_the_diagonal():
    sunlit = np.zeros((BINS, BINS))
    sunlit[30, 20] = 1.0
    dark = shaded(sunlit)
    shifts = np.arange(LEAST_SHIFT, LARGEST_SHIFT + 1)
    expected = np.zeros((BINS, BINS))
    expected[30 - shifts, 20 - shifts] = 1 / shifts.size
    np.testing.assert_allclose(dark, expected)
    assert dark.sum() == pytest.approx(1.0)


def mixture(sunlit: int, dark: int) -> np.ndarray:
    """Return counts of one colour in the sun and, in all depths, in shadow."""
    counts = np.zeros((BINS, BINS), np.int32)
    counts[35, 30] = sunlit
    shifts = np.arange(LEAST_SHIFT, LARGEST_SHIFT + 1)
    counts[35 - shifts, 30 - shifts] = dark // shifts.size
    return counts


def test_shaded_colours_are_separated_from_sunlit_ones():
    counts = mixture(9000, 1400)
    table = separate_shade(counts.ravel(), 1400 / 10400)
    assert table.dtype == np.float32
    assert np.abs(table).max() <= STRONGEST
    assert table[24, 19] > 1.0
    assert table[35, 30] < -1.0
    squares = table.reshape(1, 1, BINS, BINS)
    near, short = (
        np.array([[round(DARKEST * np.exp(BIN * (bin_ + 0.5))) for bin_ in bins]], np.uint16)
        for bins in ((35, 24, 0), (30, 19, 0))
    )
    found = look_up_shade(near, short, np.array([[True, True, False]]), 10, squares)
    np.testing.assert_allclose(found[0, :2] / EVIDENCE_STEP, [table[35, 30], table[24, 19]], atol=0.5 / EVIDENCE_STEP)
    assert found[0, 2] == UNSEEN


def test_as_much_as_must_be_shaded_looks_shaded():
    counts = np.zeros((BINS, BINS), np.int32)
    counts[35, 30], counts[30, 25], counts[24, 19] = 500, 100, 400
    evidence = np.full((BINS, BINS), -1.0, np.float32)
    evidence[35, 30], evidence[30, 25], evidence[24, 19] = -1.9, -1.5, -0.6
    held = hold_shaded(evidence, counts.ravel(), 0.35)
    assert held[24, 19] == pytest.approx(0.0)
    assert held[30, 25] == pytest.approx(-0.9)
    assert hold_shaded(evidence, counts.ravel(), 0.45)[30, 25] == pytest.approx(0.0)
    assert hold_shaded(evidence, counts.ravel(), 0.0) is evidence
    evidence[24, 19] = 0.6  # what looks like shadow already is left
    np.testing.assert_array_equal(hold_shaded(evidence, counts.ravel(), 0.35), evidence)


# Heights.


def test_trial_heights_span_what_clouds_have():
    for tangent in (0.0, 0.5, 1.0, 3.0):
        heights = trial_heights(tangent)
        assert heights[0] == LOWEST
        assert heights[-1] >= HIGHEST
        moves = np.diff(heights) * max(tangent, 0.2) / OBJECT_SIZE
        assert moves.min() > 0.05
        assert np.diff(heights)[heights[:-1] < 2000].max() * max(tangent, 0.2) / OBJECT_SIZE <= max(
            0.76, 0.5 * max(tangent, 0.2)
        )


def spread_pieces(number: int, cells: int = 100) -> Pieces:
    """Return pieces of equal size, near each other."""
    place = np.arange(number * cells)
    return Pieces(np.arange(number + 1) * cells, (place // 200).astype(np.int32), (place % 200).astype(np.int32))


def peak(heights: np.ndarray, metres: float, top: float, width: float = 150.0) -> np.ndarray:
    return (top * np.exp(-0.5 * ((heights - metres) / width) ** 2)).astype(np.float32)


def test_a_cloud_by_itself_has_the_height_that_scores_best():
    heights = trial_heights(1.0)
    scores = peak(heights, 2500.0, 1.5)[None]
    found = agree_on_heights(spread_pieces(1), scores, heights, None, (100, 200))
    assert found.chosen[0] == heights[np.argmax(scores)]
    assert found.index[0] == np.argmax(scores)


def test_a_doubtful_cloud_follows_its_neighbours():
    heights = trial_heights(1.0)
    scores = np.stack([peak(heights, 1500.0, 1.5)] * 6 + [peak(heights, 1500.0, 1.0) + peak(heights, 9000.0, 1.2)])
    alone = agree_on_heights(spread_pieces(1), scores[-1:], heights, None, (100, 200))
    assert alone.chosen[0] == pytest.approx(9000, abs=200)
    together = agree_on_heights(spread_pieces(7), scores, heights, None, (100, 200))
    np.testing.assert_allclose(together.chosen, 1500, atol=100)


def test_many_doubtful_clouds_do_not_bear_each_other_out_by_being_doubtful():
    """What each one's own chance match says is not taken for what its neighbours say."""
    heights = trial_heights(1.0)
    random = np.random.default_rng(4)
    chances = random.uniform(3000, 11000, 8)
    scores = np.stack([peak(heights, 1200.0, 1.0) + peak(heights, chance, 1.1) for chance in chances])
    found = agree_on_heights(spread_pieces(8), scores, heights, None, (100, 200))
    np.testing.assert_allclose(found.chosen, 1200, atol=100)


def test_a_hint_decides_between_heights():
    heights = trial_heights(1.0)
    scores = np.stack([peak(heights, 1500.0, 1.0) + peak(heights, 8000.0, 1.1)] * 2)
    hint = Hint(np.array([-1500 * 0.0065, np.nan]), 0.0065, 0.0, 3.0)
    one = agree_on_heights(spread_pieces(1), scores[:1], heights, Hint(hint.value[:1], 0.0065, 0.0, 3.0), (100, 200))
    assert one.chosen[0] == pytest.approx(1500, abs=100)
    both = agree_on_heights(spread_pieces(2), scores, heights, hint, (100, 200))
    np.testing.assert_allclose(both.chosen, 1500, atol=100)


def test_what_is_impossible_gets_no_height():
    heights = trial_heights(1.0)
    scores = np.full((2, heights.size), -np.inf, np.float32)
    scores[1] = peak(heights, 3000.0, 1.0)
    found = agree_on_heights(spread_pieces(2), scores, heights, None, (100, 200))
    assert found.chosen[0] == 0.0
    assert found.chosen[1] == pytest.approx(3000, abs=100)


def test_hints_are_quantiles_over_pieces():
    pieces = spread_pieces(2, 5)
    raster = np.zeros((1, 200), np.uint16)
    raster[0, :5] = [0, 28000, 28100, 28200, 28300]
    warm = hint_by_temperature(pieces, raster, np.array([290.0, 290.0]))
    assert warm.value[0] == pytest.approx(280.75 - 290)
    assert np.isnan(warm.value[1])
    assert warm.slope == 0.0065
    raster[0, 5:10] = [0, 0, 3000, 3100, 3200]
    lifted = hint_by_parallax(pieces, raster)
    assert lifted.value[1] == pytest.approx(-3100 / METRES)
    assert lifted.value[1] + lifted.slope * 3100 == pytest.approx(0.0)


def test_decks_are_told_apart_by_what_is_around_them():
    cloudy = disc((40, 60), 20, 15, 8) | disc((40, 60), 20, 45, 8)
    kelvin = np.full((40, 60), 29000, np.uint16)
    kelvin[disc((40, 60), 20, 15, 7)] = 27000
    kelvin[disc((40, 60), 20, 45, 7)] = 24000
    decks = decks_by_temperature(cloudy, kelvin)
    first, second = (np.unique(decks[cloudy & (np.indices(cloudy.shape)[1] < 30) == side]) for side in (True, False))
    assert decks.dtype == np.uint8
    assert np.unique(decks[disc((40, 60), 20, 15, 8)]).size == 1  # semi-transparent edges belong to their cloud
    assert decks[20, 15] > decks[20, 45]
    assert first.size >= 1 <= second.size
    lift = np.zeros((40, 60), np.uint16)
    lift[disc((40, 60), 20, 15, 5)] = 1400
    lift[disc((40, 60), 20, 45, 5)] = 6300
    above = decks_by_parallax(cloudy, lift)
    assert (above[20, 15], above[20, 45]) == (1, 6)
    assert np.unique(above[disc((40, 60), 20, 15, 8)]).tolist() == [1]


# Matching.


def test_scores_peak_at_the_true_height():
    cloud = disc((80, 60), 60, 30, 6)
    shade = moved(cloud, -25, 0)
    darkness = np.where(shade, 40, -40).astype(np.int8)
    darkness[cloud] = UNSEEN
    pieces = cut_pieces(cloud)
    heights = np.arange(300.0, 4600.0, 60.0)
    scores, visible = (np.empty((1, heights.size), np.float32) for _ in range(2))
    where = pieces.starts, pieces.rows, pieces.columns
    steps = np.array([-1 / 60]), np.zeros(1)
    score_heights(*where, heights, *steps, darkness, FLAT, np.zeros(1), 10_000, scores, visible)
    assert heights[np.argmax(scores[0])] == 25 * 60
    assert scores.max() == pytest.approx(40 / EVIDENCE_STEP)
    assert visible[0, heights == 1500.0] == 1.0
    assert visible[0, 0] < 0.6  # at 300 m the cloud covers most of its own shadow
    assert visible[0, -1] == 0.0  # beyond the image
    np.testing.assert_allclose(scores[0, heights == 4500.0], 0.0)  # what cannot be seen says nothing
    hill = np.zeros(darkness.shape, np.int16)
    hill[:40] = 2000
    score_heights(*where, heights, *steps, darkness, hill, np.zeros(1), 10_000, scores, visible)
    assert scores[0, heights == 1500.0] == -np.inf


def test_cells_are_projected_one_by_one():
    cloud = np.zeros((30, 20), bool)
    cloud[20, 5:8] = True
    pieces = cut_pieces(cloud)
    downs, acrosses = np.full((30, 20), 7, np.int16), np.full((30, 20), 7, np.int16)
    shadow = np.zeros((30, 20), bool)
    project_cells(
        pieces.starts, pieces.rows, pieces.columns, np.array([600.0, 0.0, 1200.0]), np.full(pieces.number, -1 / 60),
        np.full(pieces.number, 0.5 / 60), FLAT, np.zeros(pieces.number), downs, acrosses, shadow,
    )  # fmt: skip
    assert np.argwhere(shadow).tolist() == [[0, 17], [10, 10]]
    assert downs[20, 5:8].tolist() == [-600, 0, -1200]
    assert acrosses[20, 5:8].tolist() == [300, 0, 600]
    assert downs[0, 0] == 7  # elsewhere left


def test_shadows_fall_into_other_blocks():
    cloud = np.zeros((12, 20), bool)
    cloud[3:6, 4:8] = True
    downs, acrosses = np.zeros((6, 10), np.int16), np.zeros((6, 10), np.int16)
    downs[:, :3], acrosses[:, :3] = -20, 2
    shadow = np.zeros((12, 20), bool)
    cast(cloud, downs, acrosses, 2, 24, 0, shadow)
    expected = np.zeros((12, 20), bool)
    expected[24 + 3 - 20 : 24 + 6 - 20, 6:8] = True  # the other cells cast none
    np.testing.assert_array_equal(shadow, expected)


def test_sources_are_hidden_beyond_the_image_and_below_higher_clouds():
    data, above = np.full((50, 50), 2000, np.uint16), np.zeros((50, 50), np.int16)
    above[30:40, 20:30] = 5000
    low, high = np.array([1500.0]), np.array([5000.0])
    rays = (-1 / 60, 0.0)
    assert hides_its_source(10, 25, low, *rays, data, above)  # 25 cells to the south stands a higher cloud
    assert not hides_its_source(10, 10, low, *rays, data, above)
    assert not hides_its_source(10, 25, np.array([4900.0]), 0.1 * rays[0], 0.0, data, above)
    assert hides_its_source(10, 10, high, *rays, data, above)  # 83 cells to the south is no image
    data[35, 10] = 0
    assert hides_its_source(10, 10, low, *rays, data, above)


def test_only_dark_ground_without_a_source_is_marked():
    darkness = np.full((40, 40), -30, np.int8)
    darkness[30:36, 5:11] = 50
    darkness[30:36, 20:26] = 15
    darkness[5:11, 5:11] = 50
    known = np.zeros((40, 40), bool)
    known[30:36, 5:7] = True
    data, above = np.full((40, 40), 2000, np.uint16), np.zeros((40, 40), np.int16)
    field = np.full((8, 8), -1.0), np.zeros((8, 8))
    found = dark_without_source(darkness, known, data, above, np.array([900.0]), *field, 5.0, 0.3, 1.0)
    assert found[32, 9] == 2
    assert found[32, 22] == 1
    assert not found[:20].any()  # a cloud that shades this would be seen
    assert not found[known].any()
    assert not found[15:28].any()


def scene(parts, *, seed=0, brightness=3000):
    """Return ground with the shadows of clouds given as (mask, down, across), and the clouds that are seen."""
    random = np.random.default_rng(seed)
    shape = (SIZE, SIZE)
    lit = np.exp(0.08 * random.standard_normal(shape))
    light = np.ones(shape)
    cloudy = np.zeros(shape, bool)
    for mask, down, across in parts:
        light[moved(mask, down, across)] = 0.35
    for mask, *_ in parts:
        cloudy |= mask
    near = (brightness * lit * light).astype(np.uint16)
    short = (0.6 * brightness * lit * light).astype(np.uint16)
    near[cloudy], short[cloudy] = 6000, 5000
    return Ground(near, short, np.zeros(shape, bool), FLAT), cloudy


def rays_north() -> Rays:
    return trace_rays(angles(shape=(SIZE // 5, SIZE // 5)))


def cold_ground(kelvin: float = 290.0) -> np.ndarray:
    return np.full((3, 3), kelvin)


def test_shade_is_dark_ground_whatever_its_kind():
    ground, cloudy = scene([(disc((SIZE, SIZE), 120, 120, 25), -60, 0)])
    near, short = ground.near_infrared.copy(), ground.shortwave.copy()
    near[:, :120] = near[:, :120] // 2  # two kinds of ground
    short[:, 120:] = short[:, 120:] // 2
    true = moved(cloudy, -60, 0) & ~cloudy
    shade = find_shade(near, short, ~cloudy, cloudy, np.zeros(cloudy.shape, bool))
    assert (shade[cloudy] == UNSEEN).all()
    assert shade[true].mean() > DARK * EVIDENCE_STEP
    assert shade[~true & ~cloudy].mean() < PLAINLY_LIT * EVIDENCE_STEP
    again = find_shade(near, short, ~cloudy, cloudy, true)  # where shadows are known, sunlit ground is too
    assert (again[true] > 0).mean() > 0.99
    assert (again[~true & ~cloudy] > 0).mean() < 0.01


def test_a_cloud_is_matched_with_its_shadow():
    cloud = disc((SIZE, SIZE), 150, 110, 14)
    ground, cloudy = scene([(cloud, -40, 0)])
    found = match_shadows(Clouds(cloudy, None, cold_ground(), None), ground, rays_north())
    assert np.unique(found.down[cloudy]).size == 1
    assert found.down[150, 110] == pytest.approx(-40 * OBJECT_SIZE, abs=OBJECT_SIZE)
    assert found.heights[150, 110] == pytest.approx(2400, abs=OBJECT_SIZE)
    assert not found.across.any()
    assert not found.down[~cloudy].any()
    assert not found.unseen.any()
    assert not found.bright.any()


def test_decks_of_two_temperatures_have_heights_of_their_own():
    low, high = disc((SIZE, SIZE), 120, 100, 16), disc((SIZE, SIZE), 120, 125, 15)
    ground, cloudy = scene([(low, -25, 0), (high, -75, 0)])
    kelvin = np.full((SIZE, SIZE), 29200, np.uint16)
    kelvin[low], kelvin[high] = 28200, 26200
    found = match_shadows(Clouds(cloudy, kelvin, cold_ground(), None), ground, rays_north())
    assert found.heights[120, 90] == pytest.approx(25 * 60, abs=90)
    assert found.heights[120, 135] == pytest.approx(75 * 60, abs=120)


@pytest.mark.parametrize(("metres", "cells"), [(2400, 40), (5400, 90)])
def test_parallax_tells_which_of_two_dark_places_is_the_shadow(metres, cells):
    cloud = disc((SIZE, SIZE), 150, 110, 14)
    ground, cloudy = scene([(cloud, -40, 0), (cloud, -90, 0)])
    lift = np.where(cloudy, metres, 0).astype(np.uint16)
    found = match_shadows(Clouds(cloudy, None, cold_ground(), lift), ground, rays_north())
    assert found.heights[150, 110] == pytest.approx(cells * OBJECT_SIZE, abs=90)


def test_no_clouds_throw_no_shadows():
    ground, cloudy = scene([])
    found = match_shadows(Clouds(cloudy, None, cold_ground(), None), ground, rays_north())
    for layer in (found.down, found.across, found.heights, found.unseen, found.bright):
        assert layer.shape == (SIZE, SIZE)
        assert not layer.any()


def test_shadows_of_clouds_that_are_not_seen_are_found():
    seen, higher = disc((SIZE, SIZE), 150, 60, 12), disc((SIZE, SIZE), 150, 170, 20)
    below = disc((SIZE, SIZE), 150, 170, 12)
    beyond = np.zeros((SIZE, SIZE), bool)
    beyond[SIZE - 25 : SIZE - 8, 90:120] = True
    ground, cloudy = scene([(seen, -40, 0), (higher, -90, 0), (below, -40, 0)])
    ground.near_infrared[beyond] //= 3
    ground.shortwave[beyond] //= 3
    found = match_shadows(Clouds(cloudy, None, cold_ground(), None), ground, rays_north())
    assert found.heights[150, 60] == pytest.approx(2400, abs=90)
    assert found.heights[150, 170] == pytest.approx(5400, abs=150)
    assert found.unseen[beyond].mean() > 0.95
    hidden = moved(below, -40, 0) & ~cloudy
    assert found.unseen[hidden].mean() > 0.9
    other = ~beyond & ~ndimage.binary_dilation(moved(below, -40, 0), iterations=2)
    other &= ~ndimage.binary_dilation(beyond, iterations=2)
    assert found.unseen[other].mean() < 0.001


def test_nothing_is_unseen_where_nothing_is_seen():
    ground, cloudy = scene([])
    dark = np.full((SIZE, SIZE), 60, np.int8)
    none = np.zeros((SIZE, SIZE), np.int16)
    assert not find_unseen(dark, cloudy, cloudy, ground, rays_north(), none).any()


def test_bright_things_that_throw_no_shadow_are_found():
    roof, cloud = disc((SIZE, SIZE), 150, 60, 12), disc((SIZE, SIZE), 150, 170, 12)
    ground, cloudy = scene([(cloud, -40, 0)])
    cloudy = cloudy | roof
    darkness = np.where(moved(cloud, -40, 0), 60, -60).astype(np.int8)
    darkness[cloudy] = UNSEEN
    pieces = cut_pieces(cloudy)
    along = np.full(pieces.number, -1 / 60), np.zeros(pieces.number)
    bright = find_bright(cloudy, pieces, np.full(pieces.rows.size, 2400.0), along, darkness)
    np.testing.assert_array_equal(bright, roof)
    assert not find_bright(cloudy, pieces, np.zeros(pieces.rows.size), along, darkness).any()
    assert ground.near_infrared.shape == bright.shape


def test_plainly_lit_ground_takes_no_shadow():
    heights = trial_heights(1.0)
    scores = np.full((4, heights.size), -1.0, np.float32)
    scores[0] = peak(heights, 2000.0, 1.0)
    scores[3] = -np.inf
    visible = np.ones(scores.shape, np.float32)
    visible[2] = 0.05
    found = agree_on_heights(spread_pieces(4), scores, heights, None, (100, 200))
    assert shadow_shows(found, scores, visible).tolist() == [True, False, True, False]


def test_matching_is_the_same_twice():
    parts = [(disc((SIZE, SIZE), 150, 40 + 40 * k, 8 + k), -30 - 5 * k, 0) for k in range(4)]
    ground, cloudy = scene(parts, seed=5)
    first, second = (match_shadows(Clouds(cloudy, None, cold_ground(), None), ground, rays_north()) for _ in range(2))
    for name in ("down", "across", "heights", "unseen", "bright"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


# FORCE's own rules.


def force_scene(**changes) -> Scene:
    return Scene(**{"cold": 290.0, "warm": 296.0, "cold_water": 291.0, "near_infrared": 0.25, "shortwave": 0.15,
                    "valid": SIZE * SIZE, "overcast": False, **changes})  # fmt: skip


def test_force_measures_what_reflectance_is_missing():
    cloud = disc((100, 100), 70, 50, 8)
    near, short = np.full((100, 100), 3000, np.uint16), np.full((100, 100), 2000, np.uint16)
    hollow = disc((100, 100), 40, 50, 8)
    near[hollow], short[hollow] = 1000, 800
    lost = darkness_as_force(near, short, cloud, force_scene(), 60.0)
    assert lost[40, 50] == pytest.approx(min(0.30 - 0.10, 0.20 - 0.08), abs=1e-4)
    assert lost[10, 10] == pytest.approx(0.0, abs=1e-6)
    near_only = darkness_as_force(near, short, cloud, force_scene(), 10.0)
    assert not near_only[hollow].any()
    assert not darkness_as_force(near, short, np.zeros_like(cloud), force_scene(), 60.0).any()


def test_force_draws_objects_where_they_match():
    cloud = disc((100, 60), 80, 30, 6)
    labels, number = label_objects(cloud)
    starts, rows, columns = order_cells(labels, number)
    dark = moved(cloud, -40, 0)
    darkness = np.where(dark, 0.1, 0.0).astype(np.float32)
    shadow = np.zeros(cloud.shape, bool)
    one = np.ones(1)
    match_objects(
        starts, rows, columns, np.zeros(rows.size), 200 * one, 5000 * one, 50.0, -one / 30, 0 * one, labels, darkness,
        np.zeros(cloud.shape, bool), 0.02, shadow,
    )  # fmt: skip
    assert shadow[dark].all()
    assert (shadow & ~ndimage.binary_dilation(dark, iterations=8)).sum() == 0


@pytest.mark.parametrize("thermal", [True, False])
def test_force_finds_the_shadow_of_a_cloud(thermal):
    cloud = disc((SIZE, SIZE), 150, 110, 14)
    ground, cloudy = scene([(cloud, -40, 0)])
    counts = cloudy.astype(np.uint8)
    counts[10, 10] = counts[10, 11] = 1  # fewer than three cells
    kelvin = np.where(cloudy, 28300, 29400).astype(np.uint16) if thermal else np.zeros((0, 0), np.uint16)
    found, shadow = match_as_force(
        counts, ground.near_infrared, ground.shortwave, ground.water, kelvin, force_scene(), rays_north(), 30.0, 0.02
    )
    np.testing.assert_array_equal(found, cloudy)
    true = moved(cloud, -40, 0)
    assert shadow[true].mean() > 0.95
    nothing = match_as_force(
        np.zeros_like(counts), ground.near_infrared, ground.shortwave, ground.water, kelvin, force_scene(),
        rays_north(), 30.0, 0.02,
    )  # fmt: skip
    assert not nothing[0].any()
    assert not nothing[1].any()
