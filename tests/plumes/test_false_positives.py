from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.detection.false_positives import (
    Finding,
    SpectralEvidence,
    combine,
    judge_spectra,
    log_ratio,
    prepare_spectra,
    shifted_pixels,
    spectral_evidence,
    spectral_match,
)
from levelworks.plumes.detection.plume_flags import judge_place
from levelworks.plumes.seeds import seed_of

WAVELENGTHS = np.concatenate([np.arange(450, 1300, 25.0), np.arange(1490, 1750, 7.4), np.arange(2030, 2455, 7.4)])
WINDOWS = ((1620.0, 1720.0), (2200.0, 2450.0))
IN_GAS = np.logical_or.reduce([abs(WAVELENGTHS - (low + high) / 2) <= (high - low) / 2 for low, high in WINDOWS])
MATCHING = np.flatnonzero(~IN_GAS)


def absorption():
    """Return a comb of lines in both windows, per mol m-2."""
    lines = sum(
        depth * np.exp(-(((WAVELENGTHS - centre) / 9) ** 2))
        for centre, depth in (
            (1650, 0.04),
            (1666, 0.1),
            (1695, 0.03),
            (2265, 0.1),
            (2300, 0.2),
            (2345, 0.25),
            (2390, 0.15),
        )
    )
    return -lines


def surfaces(rng, number, noise=0.003):
    """Return spectra of mixtures of two surfaces, radiances about 1."""
    smooth = np.array([1 + 0.2 * np.sin(WAVELENGTHS / 400), 0.7 + 0.3 * np.cos(WAVELENGTHS / 250)])
    share = rng.uniform(0, 1, (number, 1))
    mixed = (share * smooth[0] + (1 - share) * smooth[1]) * rng.uniform(0.5, 1.5, (number, 1))
    return mixed * (1 + noise * rng.standard_normal(mixed.shape))


def evidence(rng, column, spectra=None):
    plume = surfaces(rng, 30) if spectra is None else spectra
    plume = plume * np.exp(column * absorption())
    background = surfaces(rng, 600)
    controls = [background[k * 30 : (k + 1) * 30] for k in range(20)]
    return spectral_evidence(plume, background, controls, absorption(), WAVELENGTHS, WINDOWS, MATCHING)


def test_gas_is_recognised_and_its_column_is_right():
    found = evidence(np.random.default_rng(81), 0.06)
    assert found.correlation > 0.9
    assert found.column == pytest.approx(0.06, rel=0.1)
    assert found.control == 0
    assert all(value > 0.7 for value in found.windows)
    assert combine(judge_spectra(found, WINDOWS))[0] < 0.05


def test_no_gas_or_a_surface_is_a_false_positive():
    rng = np.random.default_rng(82)
    nothing = evidence(rng, 0.0)
    assert combine(judge_spectra(nothing, WINDOWS))[0] > 0.6
    # A surface with one broad band of its own, as carbonates have, where the matched filter sees the gas.
    carbonate = surfaces(rng, 30) * (1 - 0.04 * np.exp(-(((WAVELENGTHS - 2335) / 40) ** 2)))
    looks_like = evidence(rng, 0.0, carbonate)
    score, reasons = combine(judge_spectra(looks_like, WINDOWS))
    assert score > 0.4
    assert any("1620-1720" in reason or "correlation" in reason for reason in reasons)


def test_score_falls_as_the_plume_grows():
    scores = [combine(judge_spectra(evidence(np.random.default_rng(83), c), WINDOWS))[0] for c in (0.0, 0.004, 0.03)]
    assert scores[0] > scores[1] > scores[2]


def test_match_is_exact_without_noise_and_blind_to_a_baseline():
    tilt = 0.3 + 1e-4 * (WAVELENGTHS - 2000) + 1e-7 * (WAVELENGTHS - 2000) ** 2
    correlation, column, windows = spectral_match(0.05 * absorption() + tilt, absorption(), WAVELENGTHS, WINDOWS)
    assert correlation == pytest.approx(1)
    assert column == pytest.approx(0.05)
    assert windows == pytest.approx((1, 1))
    flipped = spectral_match(-0.05 * absorption(), absorption(), WAVELENGTHS, WINDOWS)
    assert flipped[0] == pytest.approx(-1)
    unknown = spectral_match(tilt, absorption(), WAVELENGTHS, ((3000.0, 3100.0),))
    assert np.isnan(unknown[0])


def test_log_ratio_takes_the_background_most_alike():
    rng = np.random.default_rng(84)
    background = surfaces(rng, 400, noise=0)
    ratio = log_ratio(background[:20] * 1.3, prepare_spectra(background, MATCHING), skip=1)
    flat = ratio - ratio.mean()
    assert np.abs(flat).max() < 0.02
    assert np.isnan(log_ratio(np.full((3, WAVELENGTHS.size), np.nan), prepare_spectra(background, MATCHING))).all()
    holed = background[:20].copy()
    holed[3, IN_GAS.argmax()] = 0
    assert np.isnan(log_ratio(holed, prepare_spectra(background, MATCHING))).sum() == 1


def test_unknown_spectra_say_so_and_do_not_count():
    unknown = SpectralEvidence(float("nan"), float("nan"), (float("nan"),) * 2, float("nan"))
    score, reasons = combine(judge_spectra(unknown, WINDOWS))
    assert score == 0
    assert reasons == ["The spectra could not be compared with the background."]


def test_combination_is_bounded_and_the_gravest_comes_first():
    assert combine([]) == (0.0, [])
    score, reasons = combine([Finding(0.2, "a"), Finding(0.5, "b")])
    assert score == pytest.approx(0.6)
    assert reasons == ["b", "a"]
    assert combine([Finding(1.5, "a")])[0] == 1


def test_shifts_are_valid_and_repeatable():
    valid = np.ones((100, 100), dtype=bool)
    valid[40:60] = False
    pixels = np.argwhere(np.ones((5, 7), dtype=bool)) + 10
    shifts = [shifted_pixels(pixels, valid, 30, seed_of("emi-20220815t042838-plume0"), 80) for _ in range(2)]
    assert len(shifts[0]) == 30
    assert all(np.array_equal(a, b) for a, b in zip(*shifts, strict=True))
    assert all(valid[tuple(one.T)].all() for one in shifts[0])
    assert seed_of("a") != seed_of("b")
    assert shifted_pixels(pixels, np.zeros((100, 100), bool), 5, 1) == []


def place(shape=(60, 60)):
    rng = np.random.default_rng(85)
    mask = np.zeros(shape, dtype=bool)
    mask[20:40, 20:32] = True
    enhancement = rng.uniform(0.5, 1.5, shape)
    return mask, enhancement, 5 + 0.05 * rng.standard_normal(shape), np.zeros(shape, bool), np.zeros(shape, bool)


def said(*arguments):
    return " ".join(finding.reason for finding in judge_place(*arguments))


def test_ordinary_plume_has_no_doubt_about_its_place():
    assert judge_place(*place(), None) == []


def test_each_doubt_about_a_place_has_its_sentence():
    mask, enhancement, radiance, cloud, flare = place()
    bright = np.where(mask, 3 * enhancement, radiance)
    assert "brightness" in said(mask, enhancement, bright, cloud, flare, None)
    sky = cloud.copy()
    sky[:, :20] = sky[:20] = True
    assert "clouds" in said(mask, enhancement, radiance, sky, flare, None)
    hot = flare.copy()
    hot[18, 25] = True
    assert "flare" in said(mask, enhancement, radiance, cloud, hot, None)
    shore = np.random.default_rng(86).integers(0, 2, mask.shape)
    assert "shore" in said(mask, enhancement, radiance, cloud, flare, shore)
    stripe = np.zeros_like(mask)
    stripe[10:50, 30] = True
    assert "detector column" in said(stripe, enhancement, radiance, cloud, flare, None)
    road = np.eye(60, dtype=bool)
    assert "roads" in said(road, enhancement, radiance, cloud, flare, None)
    net = mask.copy()
    net[21:39, 21:31] = False
    assert "net" in said(net, enhancement, radiance, cloud, flare, None)


def test_gaps_in_radiance_are_no_edges():
    mask, enhancement, radiance, cloud, flare = place()
    radiance[25:30, 22:28] = np.nan
    assert judge_place(mask, enhancement, radiance, cloud, flare, None) == []
    assert judge_place(mask, enhancement, np.full_like(radiance, np.nan), cloud, flare, None) == []
