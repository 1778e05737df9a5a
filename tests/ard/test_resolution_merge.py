"""The resolution merge: detail comes back, means of cells stay, blocks do not show."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.ard.resolution.merge import HALO, sharpen

METHODS = ["improphe", "regression", "starfm"]


def fields(seed: int, rows: int = 64, columns: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictors and truth at 10 m, and the 20 m bands: fields of eight surfaces with texture."""
    rng = np.random.default_rng(seed)
    spectra = rng.uniform(0.03, 0.4, (8, 9)).astype(np.float32)
    corners = rng.uniform(0, 1, (40, 2)) * (rows, columns)
    y, x = np.mgrid[:rows, :columns]
    nearest = np.argmin((y[..., None] - corners[:, 0]) ** 2 + (x[..., None] - corners[:, 1]) ** 2, axis=-1) % 8
    texture = 1 + 0.02 * rng.standard_normal((rows, columns, 1)).astype(np.float32)
    bands = np.moveaxis(spectra[nearest] * texture, -1, 0).astype(np.float32)
    truth = bands[3:]
    coarse = truth.reshape(6, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4), dtype=np.float32)
    return np.ascontiguousarray(bands[:3]), truth, np.ascontiguousarray(coarse)


@pytest.mark.parametrize("method", METHODS)
def test_means_of_cells_are_kept(method):
    fine, truth, coarse = fields(11)
    keep = np.random.default_rng(3).random(truth.shape[1:]) < 0.1
    merged = sharpen(fine, coarse, keep, 0, method)
    means = merged.reshape(6, 32, 2, 40, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(means, coarse, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_sharpened_is_nearer_to_the_truth_than_replicated(method):
    for seed in (101, 102, 103):
        fine, truth, coarse = fields(seed)
        keep = np.zeros(truth.shape[1:], bool)
        replicated = sharpen(fine, coarse, keep, 0, "none")
        merged = sharpen(fine, coarse, keep, 0, method)
        assert np.sqrt(np.mean((merged - truth) ** 2)) < 0.8 * np.sqrt(np.mean((replicated - truth) ** 2))


@pytest.mark.parametrize("method", METHODS)
def test_blocks_with_a_halo_give_what_the_whole_gives(method):
    fine, truth, coarse = fields(7)
    keep = np.zeros(truth.shape[1:], bool)
    whole = sharpen(fine, coarse, keep, 0, method)
    parts = []
    for start, stop in ((0, 18), (18, 40), (40, 64)):
        top, bottom = max(start - HALO, 0), min(stop + HALO, 64)
        rows = np.ascontiguousarray(fine[:, top:bottom])
        cells = np.ascontiguousarray(coarse[:, top // 2 : bottom // 2])
        parts.append(sharpen(rows, cells, keep[start:stop], start - top, method))
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("method", METHODS)
def test_a_uniform_scene_stays_uniform_and_unknown_pixels_spread_to_no_cell_but_their_own(method):
    fine = np.full((3, 12, 12), 0.1, np.float32)
    coarse = np.full((6, 6, 6), 0.25, np.float32)
    fine[:, 4, 4] = np.nan
    coarse[:, 2, 2] = np.nan
    merged = sharpen(fine, coarse, np.zeros((12, 12), bool), 0, method)
    outside = np.ones((12, 12), bool)
    outside[4:6, 4:6] = False
    np.testing.assert_allclose(merged[:, outside], 0.25, atol=1e-6)
    assert np.isnan(merged[:, 4:6, 4:6]).all()


def test_pixels_under_cloud_keep_the_coarse_value():
    fine, truth, coarse = fields(5)
    keep = np.ones(truth.shape[1:], bool)
    np.testing.assert_allclose(
        sharpen(fine, coarse, keep, 0, "improphe"), sharpen(fine, coarse, keep, 0, "none"), atol=1e-6
    )
