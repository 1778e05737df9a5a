"""Impulse noise of 8-bit sensors against the definition (specs/ard.md 6)."""

from __future__ import annotations

import numpy as np

from levelworks.ard.readers.impulse_noise import HALO, impulse_noise


def by_definition(bands: list[np.ndarray], valid: np.ndarray) -> np.ndarray:
    found = np.zeros(valid.shape, bool)
    for row, column in np.argwhere(valid):
        window = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        inside = valid[window]
        if inside.sum() > 1:
            second, largest = sorted(float(band[window][inside].std(ddof=1)) for band in bands)[1:]
            found[row, column] = largest - second > 15
    return found


def test_it_follows_the_definition_and_the_true_second_largest() -> None:
    random = np.random.default_rng(17)
    bands = [random.normal(90, 12, (40, 50)).clip(1, 255).astype(np.uint8) for _ in range(3)]
    for band, place in zip(bands, [(5, 7), (20, 30), (39, 0)], strict=True):
        band[place] = 255
    valid = random.random((40, 50)) > 0.1
    expected = by_definition(bands, valid)
    assert 20 < expected.sum() < 1000
    np.testing.assert_array_equal(impulse_noise(*bands, valid, spikes=False), expected)
    # The order of the bands tells nothing.
    np.testing.assert_array_equal(impulse_noise(bands[2], bands[0], bands[1], valid, spikes=False), expected)
    ours = impulse_noise(*bands, valid)
    assert (expected | ~ours).all()
    assert ours[5, 7]
    assert ours[20, 30]


def test_fields_that_meet_are_no_noise_though_they_differ_in_one_band() -> None:
    bands = [np.full((20, 20), 60, np.uint8) for _ in range(3)]
    ground = np.hypot(*np.mgrid[-2:18, -4:16]) < 11
    bands[2][ground] = 110
    valid = np.ones((20, 20), bool)
    assert impulse_noise(*bands, valid, spikes=False).sum() > 20
    assert not impulse_noise(*bands, valid).any()
    bands[2][10, 14:16] = 200
    found = impulse_noise(*bands, valid)
    assert found[9:12, 13:17].all()
    assert found.sum() == 12


def test_a_spike_in_one_band_is_noise_and_an_edge_in_all_is_not() -> None:
    bands = [np.full((7, 9), 80, np.uint8) for _ in range(3)]
    valid = np.ones((7, 9), bool)
    assert not impulse_noise(*bands, valid).any()
    for band in bands:
        band[:, 5:] = 200
    assert not impulse_noise(*bands, valid).any()
    bands[1][3, 2] = 160
    found = impulse_noise(*bands, valid)
    assert np.argwhere(found).tolist() == [[row, column] for row in (2, 3, 4) for column in (1, 2, 3)]


def test_blocks_with_a_row_about_them_give_the_whole() -> None:
    random = np.random.default_rng(18)
    bands = [random.integers(1, 256, (31, 20)).astype(np.uint8) for _ in range(3)]
    valid = random.random((31, 20)) > 0.2
    whole = impulse_noise(*bands, valid)
    for start, stop in ((0, 8), (8, 16), (16, 31)):
        top, bottom = max(start - HALO, 0), min(stop + HALO, 31)
        part = impulse_noise(*(band[top:bottom] for band in bands), valid[top:bottom])
        np.testing.assert_array_equal(part[start - top :][: stop - start], whole[start:stop])


def test_pixels_without_data_are_neither_flagged_nor_counted() -> None:
    bands = [np.full((5, 5), 80, np.uint8) for _ in range(3)]
    bands[0][2, 2] = 0
    valid = bands[0] > 0
    assert not impulse_noise(*bands, valid).any()
    assert not impulse_noise(*bands, np.zeros((5, 5), bool)).any()
