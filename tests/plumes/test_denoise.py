from __future__ import annotations

import time

import numpy as np
import pytest
from plume_fields import clutter, gaussian_plume, write_retrieval
from skimage.restoration import calibrate_denoiser, denoise_tv_chambolle

from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.plumes.detection.denoise import (
    clip_isolated,
    denoise_classes,
    denoise_field,
    denoise_invariant,
    denoise_total_variation,
    held_out_risk,
    least,
)
from levelworks.plumes.detection.denoise_kernels import total_variation
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.detection.denoise_stage import denoise_fields
from levelworks.plumes.layers import open_layers


def scene(seed, shape=(140, 150), plumes=3, rate=(3, 9)):
    rng = np.random.default_rng(seed)
    truth = np.zeros(shape)
    for _ in range(plumes):
        truth += gaussian_plume(shape, rng.uniform(20, 120, 2), rng.uniform(*rate), 4.0, rng.uniform(0, 6.28), 100.0, 2)
    return truth, (truth + clutter(rng, shape)).astype(np.float32)


@pytest.mark.parametrize("weight", [0.1, 0.5, 1.5])
def test_kernel_equals_scikit_image(weight):
    field = np.random.default_rng(31).standard_normal((97, 83)).astype(np.float32)
    field[30:50, 20:60] += 3
    result = np.empty_like(field)
    steps = total_variation(field, np.ones_like(field), weight, 2e-4, 200, result)
    peer = denoise_tv_chambolle(field.astype(np.float64), weight, eps=0, max_num_iter=steps + 1)
    assert np.abs(result - peer).max() < 1e-5


def test_kernel_stops_where_scikit_image_does():
    field = np.random.default_rng(32).standard_normal((97, 83)).astype(np.float32)
    result = np.empty_like(field)
    steps = total_variation(field, np.ones_like(field), 0.5, 2e-4, 200, result)
    stopped = denoise_tv_chambolle(field.astype(np.float64), 0.5)
    same = denoise_tv_chambolle(field.astype(np.float64), 0.5, eps=0, max_num_iter=steps)
    assert np.array_equal(stopped, same)


def test_constant_field_and_mean_are_kept():
    assert np.allclose(denoise_total_variation(np.full((40, 50), 2.5), 0.7), 2.5)
    field = np.random.default_rng(33).standard_normal((60, 70))
    assert denoise_total_variation(field, 0.8).mean(dtype=float) == pytest.approx(field.mean(), abs=1e-6)


def test_gaps_stay_and_nothing_passes_through_them():
    rng = np.random.default_rng(34)
    field = rng.standard_normal((30, 61))
    field[:, 30] = np.nan
    left = denoise_total_variation(field, 0.6, tolerance=0, iterations=40)
    other = field.copy()
    other[:, 31:] = 50 * rng.standard_normal((30, 30))
    changed = denoise_total_variation(other, 0.6, tolerance=0, iterations=40)
    assert np.isnan(left[:, 30]).all()
    assert np.array_equal(left[:, :30], changed[:, :30])
    # A gap is a border: the left half is as it would be alone.
    alone = denoise_total_variation(field[:, :30], 0.6, tolerance=0, iterations=40)
    assert np.allclose(left[:, :30], alone, atol=1e-6)


def test_isolated_values_are_clipped_and_clusters_kept():
    field = np.random.default_rng(35).uniform(-1, 1, (100, 100))
    field[10, 10] = 40
    field[50:54, 50:54] = 30
    clipped = clip_isolated(field)
    assert clipped[10, 10] < 30
    assert (clipped[50:54, 50:54] == 30).all()


def test_search_finds_a_minimum_and_the_better_of_two_valleys():
    best, _ = least(lambda x: (np.log(x) - np.log(0.37)) ** 2, 0.1, 3.0, 12)
    assert best == pytest.approx(0.37, rel=0.01)
    best, count = least(lambda x: min((np.log(x / 0.3)) ** 2, (np.log(x / 2.0)) ** 2 * 0.5 - 0.3), 0.1, 3.0, 5)
    assert best == pytest.approx(2.0, rel=0.05)
    assert count == 14


@pytest.mark.parametrize("seed", [41, 42, 43])
def test_weight_agrees_with_fifty_weights_of_scikit_image(seed):
    _, field = scene(seed, plumes=12)
    started = time.process_time()
    found = denoise_field(field)
    ours = time.process_time() - started
    clipped = clip_isolated(field)
    weights = np.linspace(field.std() / 10, 3 * field.std(), 50)
    started = time.process_time()
    _, (_, losses) = calibrate_denoiser(
        clipped.astype(np.float64), denoise_tv_chambolle, {"weight": weights}, extra_output=True
    )
    theirs = time.process_time() - started
    risk = held_out_risk(clipped)
    best = weights[int(np.argmin(losses))]
    # What is minimised is the same, and ours is no worse than the best of the fifty.
    assert risk(best) == pytest.approx(min(losses), rel=0.005)
    assert risk(found.weight) <= risk(best) * 1.002
    assert theirs > 4 * ours


def test_weight_is_scikit_images_where_the_risk_has_one_valley():
    rng = np.random.default_rng(44)
    blocks = np.kron(rng.choice([-4.0, 0.0, 5.0], (10, 11)), np.ones((14, 14)))
    field = (blocks + rng.standard_normal(blocks.shape)).astype(np.float32)
    noise = float(field.std())
    weights = np.linspace(noise / 10, 3 * noise, 50)
    _, (_, losses) = calibrate_denoiser(
        clip_isolated(field).astype(np.float64), denoise_tv_chambolle, {"weight": weights}, extra_output=True
    )
    best = weights[int(np.argmin(losses))]
    assert denoise_field(field).weight == pytest.approx(best, abs=1.5 * (weights[1] - weights[0]))


def test_denoising_lowers_the_true_error_and_knows_its_strength():
    truth, field = scene(45)
    found = denoise_field(field)
    before, after = np.mean((field - truth) ** 2), np.mean((found.field - truth) ** 2)
    assert after < 0.35 * before
    assert found.weight == pytest.approx(found.relative_weight * found.noise)
    invariant = denoise_field(field, found.relative_weight, invariant=True)
    # The invariant estimate cuts peaks of a pixel off, which is why it is not the default.
    assert np.mean((invariant.field - truth) ** 2) > after
    assert found.field.max() > invariant.field.max()


def test_invariant_estimate_does_not_see_a_pixels_own_value():
    field = np.random.default_rng(46).standard_normal((33, 38)).astype(np.float32)
    changed = field.copy()
    changed[10, 12] += 100
    assert denoise_invariant(field, 0.5)[10, 12] == denoise_invariant(changed, 0.5)[10, 12]


def test_classes_have_strengths_of_their_own():
    rng = np.random.default_rng(47)
    classes = np.zeros((80, 80), dtype=np.int16)
    classes[:, 40:] = 1
    field = np.where(classes == 1, 10 * rng.standard_normal((80, 80)), rng.standard_normal((80, 80)))
    result, found = denoise_classes(field, classes)
    assert set(found) == {0, 1}
    assert found[1].noise == pytest.approx(10, rel=0.1)
    assert np.array_equal(result[:, :40], denoise_field(field[:, :40]).field)


def test_too_few_pixels_or_no_noise_give_nothing():
    assert denoise_field(np.full((30, 30), np.nan)) is None
    assert denoise_field(np.ones((30, 30))) is None


def test_stage_writes_denoised_layers_with_their_strength(tmp_path):
    _, field = scene(48)
    field[20:40, 30:50] = np.nan
    retrieval = write_retrieval(tmp_path / "r.nc", {"ch4": field, "ch4_comb": field / 2})
    outcomes = [denoise_fields(retrieval, tmp_path / f"{k}.nc", Denoise()) for k in (0, 1)]
    assert (tmp_path / "0.nc").read_bytes() == (tmp_path / "1.nc").read_bytes()
    assert outcomes[0].quality["ch4_relative_weight_0"] > 0
    with open_layers(tmp_path / "0.nc") as product:
        assert product.names == ["ch4_denoise", "ch4_comb_denoise"]
        denoised = product.read("ch4_denoise")
        assert np.array_equal(np.isnan(denoised), np.isnan(field))
        attributes = product.attributes_of("ch4_denoise")
        assert attributes["weight"] > 0
        assert "Chambolle" in attributes["method"]


def test_stage_tells_bad_products_from_empty_ones(tmp_path):
    cloudy = write_retrieval(tmp_path / "c.nc", {"ch4": np.full((20, 20), np.nan)})
    with pytest.raises(NothingToProduce):
        denoise_fields(cloudy, tmp_path / "o.nc", Denoise())
    (tmp_path / "bad.nc").write_bytes(b"no file")
    with pytest.raises(InvalidInput):
        denoise_fields(tmp_path / "bad.nc", tmp_path / "o.nc", Denoise())
