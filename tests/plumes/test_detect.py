from __future__ import annotations

import numpy as np
import pytest
from plume_fields import METHANE, PIXEL, clutter, gaussian_plume

from levelworks.plumes.detection.clutter import local_clutter, signal_to_noise, smooth
from levelworks.plumes.detection.detect import Criteria, excluded_mask, expand, find_plumes, order_by_mass
from levelworks.plumes.detection.plume_pieces import axis_difference, gap, principal_direction

CRITERIA = Criteria()


def test_smoothing_of_noise_has_the_noise_it_says():
    rng = np.random.default_rng(51)
    field = rng.standard_normal((300, 300))
    field[:, 150:160] = np.nan
    smoothed = smooth(field, 2.0)
    inner = smoothed.field[20:-20, 20:120]
    assert inner.std() == pytest.approx(1 / np.sqrt(4 * np.pi * 4), rel=0.08)
    beside = smoothed.field[20:-20, 149]
    assert beside.std() / inner.std() == pytest.approx(smoothed.inflation[150, 149], rel=0.2)
    assert smoothed.inflation[150, 149] > 1.2
    assert np.isnan(smoothed.field[:, 155]).all()


def test_local_clutter_follows_the_noise_and_not_the_plume():
    rng = np.random.default_rng(52)
    noise = np.where(np.arange(400) < 200, 1.0, 3.0)
    field = rng.standard_normal((300, 400)) * noise + 7
    field[100:115, 50:65] += 100
    median, spread = local_clutter(field, 100)
    assert np.allclose(median[:, :100], 7, atol=0.15)
    assert np.allclose(spread[:, :100], 1, atol=0.1)
    assert np.allclose(spread[:, 300:], 3, atol=0.25)


def test_signal_to_noise_of_clutter_has_unit_variance_even_where_correlated():
    field = clutter(np.random.default_rng(53), (400, 400), 0.006, 0.005)
    for scale in (1.5, 3.0):
        assert signal_to_noise(field, scale, 100).std() == pytest.approx(1, abs=0.06)


def test_flat_field_has_no_plume():
    assert find_plumes(np.zeros((120, 120)), CRITERIA).count == 0
    assert find_plumes(np.full((120, 120), np.nan), CRITERIA).count == 0


@pytest.mark.parametrize(("white", "correlated"), [(0.008, 0.0), (0.0062, 0.005)])
def test_clutter_alone_gives_hardly_a_plume(white, correlated):
    rng = np.random.default_rng(540)
    found = [find_plumes(clutter(rng, (640, 621), white, correlated), CRITERIA) for _ in range(8)]
    # Eight quarters are two scenes of EMIT: fewer than half a plume each is expected.
    assert sum(one.count for one in found) <= 1
    assert sum(one.mirrored for one in found) <= 1


def trial(rng, rate, white, correlated, shape=(160, 160)):
    source = rng.uniform(50, 110, 2)
    truth = gaussian_plume(shape, source, rate, 5.0, rng.uniform(0, 2 * np.pi))
    field = (truth + clutter(rng, shape, white, correlated)).astype(np.float32)
    found = find_plumes(field, CRITERIA)
    bright = truth > 0.3 * truth.max()
    labels = np.unique(found.labels[bright & (found.labels > 0)])
    return truth, field, found, np.isin(found.labels, labels) if labels.size else np.zeros(shape, bool)


@pytest.mark.parametrize(("white", "correlated"), [(0.008, 0.0), (0.0062, 0.005)])
def test_plumes_of_two_and_a_half_tonnes_an_hour_are_found(white, correlated):
    rng = np.random.default_rng(55)
    hits = [trial(rng, 2.5, white, correlated)[3].any() for _ in range(15)]
    assert sum(hits) >= 14


def test_masks_hold_the_plume_and_no_chosen_noise():
    rng = np.random.default_rng(56)
    excess, mass, held, whole = [], [], [], []
    for _ in range(20):
        truth, field, _, mask = trial(rng, 3.5, 0.008, 0.0)
        excess.append(float((field - truth)[mask].sum(dtype=float)))
        mass.append(float(truth[mask].sum()))
        held.append(mass[-1])
        whole.append(float(truth.sum()))
    assert abs(sum(excess)) / sum(mass) < 0.03
    assert sum(held) / sum(whole) > 0.85


def test_one_plume_is_one_and_two_are_two():
    rng = np.random.default_rng(57)
    shape = (160, 200)
    one = gaussian_plume(shape, (40.0, 30.0), 4.0, 5.0, 0.2)
    two = one + gaussian_plume(shape, (110.0, 60.0), 8.0, 5.0, 0.3)
    assert find_plumes(one + clutter(rng, shape), CRITERIA).count == 1
    found = find_plumes(two + clutter(rng, shape), CRITERIA)
    assert found.count == 2
    assert found.labels[110, 63] == 1  # the heavier one comes first
    assert found.labels[41, 33] == 2


def test_touching_plumes_are_parted_and_a_torn_one_is_joined():
    rng = np.random.default_rng(58)
    shape = (160, 200)
    beside = gaussian_plume(shape, (70.0, 40.0), 6.0, 5.0, 0.0) + gaussian_plume(shape, (79.0, 40.0), 6.0, 5.0, 0.0)
    found = find_plumes(beside + clutter(rng, shape, 0.004), CRITERIA)
    assert found.count == 2
    assert {int(found.labels[70, 43]), int(found.labels[79, 43])} == {1, 2}
    torn = gaussian_plume(shape, (70.0, 40.0), 8.0, 5.0, 0.0)
    torn[:, 62:65] = 0
    assert find_plumes(torn + clutter(rng, shape, 0.006), Criteria(scales=(1.5,), reach=6)).count == 1


def test_gaps_are_in_no_plume_and_scale_does_not_matter():
    rng = np.random.default_rng(59)
    shape = (150, 150)
    field = gaussian_plume(shape, (70.0, 40.0), 6.0, 5.0, 0.4) + clutter(rng, shape)
    field[:, 60:64] = np.nan
    found = find_plumes(field, CRITERIA)
    assert found.count >= 1
    assert (found.labels[:, 60:64] == 0).all()
    assert np.array_equal(found.labels, find_plumes(field * 1024, CRITERIA).labels)
    assert np.array_equal(found.labels, find_plumes(field, CRITERIA).labels)


def test_what_the_second_pass_leaves_out_covers_more_than_the_plume():
    rng = np.random.default_rng(60)
    truth, field, _, mask = trial(rng, 4.0, 0.008, 0.0)
    excluded = excluded_mask(field, Criteria(seed=4.5, grow=2.0), 3)
    assert excluded[mask].mean() > 0.97
    assert truth[excluded].sum() / truth.sum() > 0.95
    assert excluded.mean() < 0.4


def test_labels_are_ordered_by_mass_then_place():
    labels = np.zeros((4, 9), dtype=np.int32)
    labels[1, 0:2], labels[1, 3:5], labels[1, 6:8] = 1, 2, 3
    weight = np.ones((4, 9))
    weight[1, 6:8] = 5
    assert order_by_mass(labels, weight)[1].tolist() == [2, 2, 0, 3, 3, 0, 1, 1, 0]
    assert (order_by_mass(np.zeros((3, 3), np.int32), np.ones((3, 3))) == 0).all()


def test_rims_meet_and_stay_in_the_valid_pixels():
    labels = np.zeros((5, 12), dtype=np.int32)
    labels[2, 3], labels[2, 7] = 1, 2
    valid = np.ones((5, 12), dtype=bool)
    valid[2, 2] = False
    wide = expand(labels, 2, valid)
    assert wide[2].tolist()[:10] == [0, 1, 0, 1, 1, wide[2, 5], 2, 2, 2, 2]
    assert set(np.unique(wide)) == {0, 1, 2}


def test_directions_and_gaps():
    pixels = np.array([[k, 2 * k] for k in range(20)])
    angle, ratio = principal_direction(pixels, np.ones(20))
    assert axis_difference(angle, np.arctan2(1, 2)) < 0.01
    assert ratio > 10
    assert axis_difference(0.1, 0.1 + np.pi) == pytest.approx(0, abs=1e-12)
    assert gap(np.array([[0, 0]]), np.array([[1, 1]])) == 0
    assert gap(np.array([[0, 0]]), np.array([[0, 4], [9, 9]])) == 3
    assert gap(np.array([[0, 0]]), np.array([[4, 5]])) == pytest.approx(5)


def test_helper_plume_carries_its_rate():
    plume = gaussian_plume((120, 160), (60.0, 20.0), 3.0, 5.0, 0.0)
    line = plume[:, 60:140].sum(axis=0) * PIXEL
    assert np.allclose(line, 3.0 * 1000 / 3600 / METHANE / 5.0, rtol=0.01)
