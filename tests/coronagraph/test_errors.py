"""Variances: the formula of the specification in plain numpy, smear, flat, and pulls of drawn pixels."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.coronagraph import emccd
from levelworks.coronagraph.desmear import desmear, desmear_variance, smear
from levelworks.coronagraph.errors import variances

SHAPE = (60, 70)


@pytest.fixture
def terms() -> dict:
    """Arguments of `variances`: an exposure at a gain of 100 and 9.55 e-/DN, without flat and smear."""
    rng = np.random.default_rng(7)
    gain, k_gain = 100.0, 9.55
    return {
        "signal": rng.exponential(3.0, SHAPE),
        "electrons": rng.normal(3.0, 2.0, SHAPE),
        "register_dark": rng.uniform(0.002, 0.02, SHAPE).astype(np.float32),
        "dark_variance": rng.uniform(0.0, 1e-3, SHAPE).astype(np.float32),
        "flat": None,
        "bias_variance": rng.uniform(0.5, 2.0, SHAPE[0]) * (k_gain / gain) ** 2,
        "read_variance": (120.0 / gain) ** 2,
        "excess": emccd.excess_noise_factor_squared(gain),
        "flat_error": 0.0,
        "to_counts": gain / k_gain,
        "smear": 0.0,
    }


def plain(terms: dict, exposure_time: float | None = None, row_read_time: float = 0.0) -> dict[str, np.ndarray]:
    """Write the specification's 4.2 out in float64, with the desmearing of independent pixels."""
    shot = terms["excess"] * np.maximum(terms["signal"] + terms["register_dark"], 0.0)
    read = np.full(SHAPE, terms["read_variance"])
    bias = terms["bias_variance"][:, None]
    counts_error = terms["to_counts"] * np.sqrt(read + shot + bias)
    if exposure_time is not None:
        shot, read = (desmear_variance(v, exposure_time, row_read_time) for v in (shot, read))
    calibration = bias + terms["dark_variance"]
    if terms["flat"] is not None:
        with np.errstate(divide="ignore"):
            inverse = np.where(terms["flat"] != 0, 1.0 / terms["flat"] ** 2, 0.0)
        shot, read = shot * inverse, read * inverse
        calibration = calibration * inverse + (terms["electrons"] * terms["flat_error"]) ** 2
    return {
        "poisson": shot, "read_noise": read, "calibration": calibration,
        "error": np.sqrt(shot + read + calibration), "counts_error": counts_error,
    }  # fmt: skip


def compare(terms: dict, expected: dict[str, np.ndarray]) -> None:
    found = variances(**terms)
    for name, plane in expected.items():
        ours = getattr(found, name)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, plane, rtol=2e-6, atol=1e-30, err_msg=name)


def test_formula(terms):
    compare(terms, plain(terms))


def test_faint_terms_are_not_below_nothing(terms):
    terms["signal"][:] = -1.0
    found = variances(**terms)
    assert not found.poisson.any()
    np.testing.assert_allclose(found.read_noise, 1.44, rtol=1e-6)


@pytest.mark.parametrize("exposure_time", [0.05, 0.6, 100.0])
def test_smear_follows_the_variance_of_desmearing(terms, exposure_time):
    terms["smear"] = 223.5e-6 / exposure_time
    compare(terms, plain(terms, exposure_time, 223.5e-6))


def test_a_tall_image_does_not_gather_rounding():
    rng = np.random.default_rng(8)
    signal = rng.exponential(100.0, (1024, 8))
    flat_planes = {name: np.zeros(signal.shape, np.float32) for name in ("register_dark", "dark_variance")}
    found = variances(
        signal, signal, **flat_planes, flat=None, bias_variance=np.zeros(1024), read_variance=4.0, excess=2.0,
        flat_error=0.0, to_counts=1.0, smear=223.5e-6 / 0.05,
    )  # fmt: skip
    expected = desmear_variance(2.0 * signal, 0.05, 223.5e-6)
    np.testing.assert_allclose(found.poisson, expected, rtol=1e-5)
    np.testing.assert_allclose(found.read_noise, desmear_variance(np.full(signal.shape, 4.0), 0.05), rtol=1e-5)


@pytest.mark.parametrize("smear", [0.0, 223.5e-6 / 0.6])
def test_flat_divides_and_adds_its_own_error(terms, smear):
    terms["flat"] = np.random.default_rng(9).normal(1.0, 0.05, SHAPE)
    terms["flat"][3, 4] = 0.0
    terms["flat_error"], terms["smear"] = 0.02, smear
    compare(terms, plain(terms, 0.6 if smear else None, 223.5e-6))
    found = variances(**terms)
    assert (found.poisson[3, 4], found.read_noise[3, 4]) == (0.0, 0.0)
    assert found.error[3, 4] == pytest.approx(0.02 * abs(terms["electrons"][3, 4]), rel=1e-6)


def test_flat_of_one_is_no_flat(terms):
    without = variances(**terms)
    terms["flat"] = np.ones(SHAPE)
    for ours, theirs in zip(vars(variances(**terms)).values(), vars(without).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_single_precision_input(terms):
    expected = plain(terms)
    terms["signal"], terms["electrons"] = (terms[name].astype(np.float32) for name in ("signal", "electrons"))
    compare(terms, expected)


@pytest.mark.parametrize("gain", [1.0, 100.0, 5000.0])
def test_pulls_of_drawn_pixels_are_unit_normal(gain):
    """Electrons with smear through the register, read, desmeared and flat-fielded: (x - truth) / error has sd 1."""
    rng, shape, time, read, read_noise = np.random.default_rng(), (256, 512), 0.05, 223.5e-6, 110.0
    flux, dark = 400.0, 0.01
    flat = rng.normal(1.0, 0.05, shape[1]) * np.ones((shape[0], 1))
    seen = smear(flux * flat, time, read)
    output = emccd.multiply(rng.poisson(seen + dark), gain, rng) + rng.normal(0.0, read_noise, shape)
    image = desmear(output / gain - dark, time, read) / flat
    found = variances(
        seen, image, register_dark=np.full(shape, dark, np.float32), dark_variance=np.zeros(shape, np.float32),
        flat=flat, bias_variance=np.zeros(shape[0]), read_variance=(read_noise / gain) ** 2,
        excess=emccd.excess_noise_factor_squared(gain), flat_error=0.0, to_counts=gain / 9.55, smear=read / time,
    )  # fmt: skip
    pulls = (image - flux * time) / found.error
    assert abs(pulls.mean()) < 0.02 + 5.5 / np.sqrt(pulls.size)
    assert pulls.std() == pytest.approx(1.0, abs=0.02)
