"""Saturation and cosmic rays: exhibits of the peers' masks, a literal transcription of theirs, simulated tails."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.cosmic_rays import (
    AdaptiveTail,
    CosmicRaySearch,
    automatic_tail,
    flag_cosmic_rays,
    flag_saturation,
    level_from_histogram,
)
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.geometry import Region, geometries

LEVEL = 70.0
TEST = geometries()["TEST"]


def search(**changes):
    return CosmicRaySearch(**{"head_level": LEVEL, "plateau_level": LEVEL, "compat": True} | changes)


def mask_of(image, options, region=None):
    dq = np.zeros(image.shape, np.uint16)
    rows, columns = flag_cosmic_rays(image, dq, options, region)
    assert set(np.unique(dq)) <= {0, int(DQ.COSMIC_RAY)}
    return dq != 0, list(zip(rows.tolist(), columns.tolist(), strict=True))


def heads_of(columns, options, width=60):
    image = np.zeros((1, width))
    image[0, columns] = 100.0
    return [column for _, column in mask_of(image, options)[1]]


def peer_mask(image, options, region=None):
    """Transcribe the peer's mask step by step, slowly."""
    rows, columns = image.shape
    mask = np.zeros(image.shape, bool)
    for i in range(rows):
        row = image[i]
        if row.max() < options.head_level:
            continue
        filtered = median_filter(row, size=options.filter + 1, mode="nearest")
        heads = set()
        for start in np.flatnonzero(filtered >= options.head_level):
            j = int(start)
            while j > 0 and row[j] >= options.plateau_level:
                j -= 1
            if row[j] < options.plateau_level:
                j += 1
            heads.add(j)
        for j in heads:
            if region is None:
                inside = j < columns
            else:
                inside = (
                    region.row <= i <= region.row + region.rows
                    and region.column <= j <= region.column + region.columns
                    and j < columns
                )
            if not inside:
                continue
            stop = j + options.filter + options.tail + 1
            mask[i, j : min(stop, columns)] = True
            mask[max(0, i - options.box) : i + options.box + 1, max(0, j - options.box) : j + options.box + 1] = True
            if region is not None and stop > columns:
                first = (i + 1) * columns - 1
                mask.reshape(-1)[first : first + stop - columns] = True
    return mask


SPARSE = arrays(np.float64, (9, 40), elements=st.sampled_from([0.0, 50.0, 65.0, 75.0, 100.0]), fill=st.just(0.0))


@pytest.mark.parametrize(
    ("bright", "changes", "heads"),
    [
        ([20], {}, [20, 22]),
        (range(20, 25), {}, [20, 26]),
        (range(3), {}, [0, 4]),
        (range(57, 60), {}, [57]),
        ([20], {"filter": 2}, []),
        (range(20, 25), {"filter": 2}, [20]),
        ([20], {"compat": False}, [20]),
        (range(20, 25), {"compat": False}, [20]),
        (range(3), {"compat": False}, [0]),
        (range(57, 60), {"compat": False}, [57]),
        ([20], {"compat": False, "filter": 2}, [20]),
        ([59], {"compat": False}, [59]),
        ([20, 22], {"compat": False}, [20, 22]),
    ],
)
def test_heads_of_plateaus(bright, changes, heads):
    assert heads_of(list(bright), search(**changes)) == heads


def test_a_plateau_needs_one_pixel_of_the_head_level():
    image = np.zeros((1, 60))
    image[0, 20:25] = [75, 75, 95, 75, 60]
    image[0, 40:44] = 80
    assert mask_of(image, search(head_level=90.0, compat=False))[1] == [(0, 20)]


def test_mask_of_one_plateau():
    image = np.zeros((20, 60))
    image[10, 20:25] = 100.0
    mask, heads = mask_of(image, search())
    assert heads == [(10, 20), (10, 26)]
    assert mask.sum() == 99
    assert np.flatnonzero(mask.any(axis=1)).tolist() == list(range(7, 14))
    assert np.flatnonzero(mask[10]).tolist() == list(range(17, 38))
    assert np.flatnonzero(mask[8]).tolist() == list(range(17, 30))


def test_corrected_mask_of_one_plateau():
    image = np.zeros((20, 60))
    image[10, 20:25] = 100.0
    from_head = mask_of(image, search(compat=False))[0]
    assert np.flatnonzero(from_head[10]).tolist() == list(range(17, 32))
    assert np.flatnonzero(from_head[8]).tolist() == list(range(17, 24))
    from_end = mask_of(image, search(compat=False, tail_from="end"))[0]
    assert np.flatnonzero(from_end[10]).tolist() == list(range(17, 36))


@settings(max_examples=120, deadline=None)
@given(SPARSE, st.integers(0, 4), st.integers(0, 3), st.integers(0, 12), st.sampled_from([50.0, 70.0, 90.0]))
def test_compat_equals_the_transcription(image, cosm_filter, box, tail, plateau_level):
    options = search(filter=cosm_filter, box=box, tail=tail, plateau_level=plateau_level)
    np.testing.assert_array_equal(mask_of(image, options)[0], peer_mask(image, options))
    region = Region(rows=5, columns=20, row=2, column=15)
    np.testing.assert_array_equal(mask_of(image, options, region)[0], peer_mask(image, options, region))


@settings(max_examples=60, deadline=None)
@given(SPARSE, st.booleans(), st.integers(0, 3))
def test_mask_is_monotone_in_the_head_level(image, compat, cosm_filter):
    masks = [
        mask_of(image, search(head_level=level, plateau_level=60.0, compat=compat, filter=cosm_filter))[0]
        for level in (60.0, 70.0, 90.0, 101.0)
    ]
    for lower, higher in pairwise(masks):
        assert not np.any(higher & ~lower)
    assert not masks[-1].any()


@settings(max_examples=60, deadline=None)
@given(SPARSE, st.booleans())
def test_every_pixel_of_the_head_level_lies_on_a_masked_plateau(image, single):
    image = image.astype(np.float32 if single else np.float64)
    options = search(compat=False, tail=0, filter=0, box=0, tail_from="end")
    np.testing.assert_array_equal(mask_of(image, options)[0], image >= LEVEL)


def test_streak_wraps_to_the_next_row():
    image = np.zeros(TEST.shape)
    image[50, 211] = 100.0
    corrected = mask_of(image, search(compat=False), TEST.image)[0]
    assert np.flatnonzero(corrected[50]).tolist() == list(range(208, 220))
    assert np.flatnonzero(corrected[51]).tolist() == [0, 1, 2, *range(208, 215)]
    compat = mask_of(image, search(), TEST.image)[0]
    # The false head at 213 stands one column past the image, where the peer still takes it for one.
    assert np.flatnonzero(compat[51]).tolist() == [0, 1, 2, 3, *range(208, 217)]
    assert not mask_of(image, search(compat=False))[0][51, :200].any()


def test_streak_ends_with_the_frame():
    image = np.zeros((5, 30))
    image[4, 25] = 100.0
    region = Region(rows=5, columns=30, row=0, column=0)
    for compat in (True, False):
        assert mask_of(image, search(compat=compat, box=0), region)[0].sum() == 5


@pytest.mark.parametrize(("row", "column"), [(50, 213), (106, 150), (1, 150), (50, 107)])
def test_heads_lie_in_the_image_region(row, column):
    image = np.zeros(TEST.shape)
    image[row, column] = 100.0
    assert mask_of(image, search(compat=False), TEST.image)[1] == []
    if row == 106 or column == 213:
        assert (row, column) in mask_of(image, search(), TEST.image)[1]


def test_excluded_circle():
    image = np.zeros((40, 60))
    image[[20, 20, 26, 3], [30, 36, 31, 5]] = 100.0
    options = search(compat=False, excluded=(20.0, 30.0, 6.0))
    assert mask_of(image, options)[1] == [(3, 5), (26, 31)]


def test_nan_and_other_bits():
    image = np.zeros((9, 40))
    image[4, 10:13] = [np.nan, 100.0, np.nan]
    dq = np.full(image.shape, int(DQ.DEAD), np.uint16)
    assert flag_saturation(image, dq, LEVEL) == 1
    rows, columns = flag_cosmic_rays(image, dq, search(compat=False))
    assert (rows.tolist(), columns.tolist()) == ([4], [11])
    assert dq[4, 11] == DQ.DEAD | DQ.SATURATED | DQ.COSMIC_RAY
    assert dq[0, 0] == DQ.DEAD
    np.testing.assert_array_equal((dq & DQ.SATURATED) != 0, image >= LEVEL)


def test_figures():
    assert [automatic_tail(gain) for gain in (1.0, 25.0, 1000.0, 5000.0)] == [0, 1, 40, 200]


def test_level_from_histogram():
    image = np.random.default_rng(3).normal(500.0, 10.0, (80, 90))
    hits = [(10, 20), (40, 50), (70, 8)]
    for row, column in hits:
        image[row, column] += 4000.0
    difference, level = level_from_histogram(image)
    assert 60.0 < level < 3000.0
    assert mask_of(difference, CosmicRaySearch(level, level))[1] == hits


def test_level_from_histogram_passes_over_what_is_not_finite():
    image = np.random.default_rng(3).normal(500.0, 10.0, (80, 90))
    image[40, 50] += 4000.0
    image[[10, 20], [11, 21]] = np.nan, np.inf
    difference, level = level_from_histogram(image)
    assert mask_of(difference, CosmicRaySearch(level, level))[1] == [(40, 50)]


def test_no_level_where_the_histogram_only_falls():
    image = np.zeros((100, 100))
    values = np.arange(21.0).repeat(np.arange(21, 0, -1))
    image.reshape(-1)[np.random.default_rng(4).permutation(image.size)[: values.size]] = values
    assert level_from_histogram(image)[1] == np.inf


@pytest.mark.parametrize(
    "make",
    [
        lambda: search(tail=-1),
        lambda: search(tail_from="middle"),
        lambda: search(adaptive_tail=AdaptiveTail(10.0)),
        lambda: AdaptiveTail(0.0),
    ],
)
def test_wrong_options(make):
    with pytest.raises(InvalidOptions):
        make()


GAIN, EPERDN, READ_NOISE, RATE = 1000.0, 8.7, 120.0, 0.2
BACKGROUND_NOISE = np.hypot(READ_NOISE, np.sqrt(2.0 * RATE) * GAIN) / EPERDN
REGISTER_LEVEL = 0.7 * 1e5 / EPERDN


def simulate_tails(seed, size=512, hits=20, gain=GAIN):
    """Simulate hits that overflow the register by a/2, a/3, ... over 40 pixels; return image and hits in DN."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(RATE, (size, size))
    image = np.where(electrons > 0, rng.gamma(np.maximum(electrons, 1), gain), 0.0)
    weights = 1.0 / np.arange(2, 2 + 40)
    truth = np.zeros((size, size + 41))
    for row, column in rng.integers(0, size, (hits, 2)):
        charge = max(300.0, rng.normal(2360.0, 700.0)) * gain
        truth[row, column] += min(charge, 1e5)
        truth[row, column + 1 : column + 41] += max(charge - 1e5, 0.0) * weights / weights.sum()
    truth = truth[:, :size]
    image = np.minimum(image + truth, 1e5) + rng.normal(0.0, READ_NOISE, image.shape)
    return image / EPERDN, truth / EPERDN


def test_adaptive_tail_leaves_less_and_masks_less():
    left, masked = {}, {}
    choices = {
        "peer": search(head_level=REGISTER_LEVEL, plateau_level=REGISTER_LEVEL),
        "fixed": CosmicRaySearch(REGISTER_LEVEL, REGISTER_LEVEL),
        "adaptive": CosmicRaySearch(
            REGISTER_LEVEL, REGISTER_LEVEL, tail=0, tail_from="end", adaptive_tail=AdaptiveTail(BACKGROUND_NOISE)
        ),
    }
    for seed in range(4):
        image, truth = simulate_tails(seed)
        for name, options in choices.items():
            mask = mask_of(image, options)[0] | (image >= REGISTER_LEVEL)
            left[name] = left.get(name, 0.0) + truth[~mask].sum() * EPERDN / GAIN / truth.size
            masked[name] = masked.get(name, 0) + mask.sum()
    assert left["peer"] > 0.03
    assert left["adaptive"] < 0.01 * left["peer"]
    assert left["adaptive"] < 0.01 * left["fixed"]
    assert masked["adaptive"] < masked["peer"]


def test_adaptive_tail_stops_with_the_tail_the_row_and_the_limit():
    image = np.random.default_rng(5).normal(0.0, 10.0, (3, 400))
    image[1, 100:105] = 5000.0
    image[1, 105:155] = 500.0
    adaptive = AdaptiveTail(10.0, significance=5.0, window=8, longest=120)

    def last_masked(**changes):
        options = {"tail": 0, "box": 0, "filter": 0, "tail_from": "end", "adaptive_tail": adaptive} | changes
        mask = mask_of(image, CosmicRaySearch(4000.0, 4000.0, **options))[0]
        assert not mask[[0, 2]].any()
        assert mask[1, 100]
        return int(np.flatnonzero(mask[1])[-1])

    assert last_masked() == 154
    assert last_masked(adaptive_tail=AdaptiveTail(10.0, 5.0, 8, 20)) == 124
    assert last_masked(tail=70) == 174
    image[1, 105:] = 500.0
    image[1, :100] = 500.0
    # A level that the whole row has is its background, not a tail.
    assert last_masked() == 104


def test_adaptive_tail_follows_the_stream_in_a_whole_frame():
    image = np.zeros(TEST.shape)
    image[50, 205:210] = 5000.0
    image[50, 210:] = 400.0
    image[51, :6] = 400.0
    options = CosmicRaySearch(
        4000.0, 4000.0, filter=0, box=0, tail=0, tail_from="end", adaptive_tail=AdaptiveTail(10.0, 20.0, 2)
    )
    mask = mask_of(image, options, TEST.image)[0]
    np.testing.assert_array_equal(np.flatnonzero(mask), np.arange(50 * 220 + 205, 51 * 220 + 6))
    assert np.flatnonzero(mask_of(image, options)[0])[-1] == 51 * 220 - 1


def test_real_frame(shared_data):
    fits = pytest.importorskip("astropy.io.fits")
    raw = fits.getdata(shared_data / "coronagraph" / "example_L1_input.fits").astype(np.float64)
    science = geometries()["SCI"]
    frame = raw - np.median(raw[:, slice(*science.good_columns)], axis=1, keepdims=True)
    register, pixel = 100000.0 / 9.55, 66850.0 / 9.55
    for compat in (True, False):
        options = CosmicRaySearch(0.7 * register, 0.7 * register, compat=compat)
        for array, region, expected in ((frame[science.image.slices], None, 491), (frame, science.image, 516)):
            dq = np.zeros(array.shape, np.uint16)
            flag_saturation(array, dq, 0.7 * min(register, pixel))
            flag_cosmic_rays(array, dq, options, region)
            assert np.count_nonzero(dq) == expected
