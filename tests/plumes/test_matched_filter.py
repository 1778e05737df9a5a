"""Matched filters: closed forms, peers' formulas, the curve of strong plumes, noise and sensitivity."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.retrieval.absorption import library_source, scene_absorption
from levelworks.plumes.retrieval.matched_filter import Filtered, apply_filter
from levelworks.plumes.retrieval.noise import noise_of
from levelworks.plumes.retrieval.sparse_filter import sparse_filter
from levelworks.plumes.scene import Spectral
from levelworks.plumes.tables import emit_spectral
from levelworks.plumes.units import PPM_M

AIR_MASS = 2.3
SIGMA = 0.004


@pytest.fixture(scope="module")
def table():
    spectral = emit_spectral(smile=False)
    bands = spectral.within([(2110, 2450)])
    found = scene_absorption(library_source(), Spectral(spectral.centres[:, bands], spectral.widths[:, bands]))
    return found, spectral.mean[bands]


def scene(seed: int, n: int, bands: int, spread: float = 0.25) -> np.ndarray:
    """Return radiance (n, bands): one surface of varying brightness and slope, and noise."""
    rng = np.random.default_rng(seed)
    shape = np.linspace(0.5, 0.25, bands)
    bright = np.exp(spread * rng.normal(size=(n, 1)))
    slope = 1 + 0.1 * rng.normal(size=(n, 1)) * np.linspace(-1, 1, bands)
    return (bright * slope * shape + SIGMA * rng.normal(size=(n, bands))).astype(np.float32)


def run(radiance: np.ndarray, table, method: str, used: np.ndarray | None = None, **settings) -> Filtered:
    """Filter one column of spectra (n, bands)."""
    absorption, wavelengths = table
    chosen = np.ones((1, radiance.shape[0]), dtype=bool)
    noise = np.stack([np.zeros(wavelengths.size), np.zeros(wavelengths.size), np.full(wavelengths.size, SIGMA)])
    return apply_filter(
        radiance[None],
        chosen if used is None else used[None],
        chosen,
        absorption.ln_transmittance,
        absorption.slant_columns,
        noise,
        method=method,
        **settings,
    )


def with_gas(radiance: np.ndarray, slant: np.ndarray, table) -> np.ndarray:
    """Return radiance darkened by gas (n,), exactly, from a table with many nodes."""
    spectral = emit_spectral(smile=False)
    bands = spectral.within([(2110, 2450)])
    fine = np.unique(np.concatenate([[0.0, 1e-3], slant]))
    curve = scene_absorption(
        library_source(), Spectral(spectral.centres[:, bands], spectral.widths[:, bands]), fine
    ).ln_transmittance[0]
    return radiance * np.exp(curve[:, np.searchsorted(fine, slant)].T).astype(np.float32)


def test_t2_plain_filter_is_the_textbook_formula(table) -> None:
    """(x - mu) C^-1 t / (t C^-1 t) with t = K mu, as long as the curve is straight."""
    absorption, _ = table
    radiance = scene(1, 900, absorption.unit.shape[1])
    straight = type(absorption)(
        "ch4", "straight", np.array([0.0, 1e3]), absorption.unit[..., None] * np.array([0.0, 1e-6])
    )
    found = run(radiance, (straight, table[1]), "normal", shrinkage=0.0)
    x = radiance.astype(float)
    mean = x.mean(axis=0)
    inverse = np.linalg.inv(np.cov(x, rowvar=False))
    # e^(K s) - 1 is K s where K s is this small
    target = absorption.unit[0] * 1e-9 * mean
    known = (x - mean) @ inverse @ target / (target @ inverse @ target)
    scale = known.std()
    assert np.abs(found.slant[0] - known).max() < 2e-5 * scale
    albedo = run(radiance, (straight, table[1]), "albedo", shrinkage=0.0)
    gain = x @ mean / (mean @ mean)
    assert np.abs(albedo.slant[0] - known / gain).max() < 2e-5 * scale


def test_t2_sparse_filter_without_iterations_is_the_plain_one(table) -> None:
    absorption, _ = table
    radiance = scene(2, 700, absorption.unit.shape[1]).astype(float)
    unit = absorption.unit[0]
    found = sparse_filter(radiance, unit, iterations=0, albedo=False, sparse=False)
    mean = radiance.mean(axis=0)
    inverse = np.linalg.inv(np.cov(radiance, rowvar=False, bias=True))
    target = unit * mean
    known = (radiance - mean) @ inverse @ target / (target @ inverse @ target)
    assert found == pytest.approx(np.maximum(known, 0), abs=1e-9 * known.std())


def test_d2_hypergas_target_lies_beside_the_exact_one(table) -> None:
    """(K s - 1) mu instead of K s mu: a leak of brightness, small beside the scatter (T2)."""
    absorption, _ = table
    radiance = scene(3, 1200, absorption.unit.shape[1])
    straight = type(absorption)(
        "ch4", "straight", np.array([0.0, 1e3]), absorption.unit[..., None] * np.array([0.0, 1e-6])
    )
    exact = run(radiance, (straight, table[1]), "normal", shrinkage=0.0).slant[0]
    theirs = run(radiance, (straight, table[1]), "hypergas-normal", shrinkage=0.0).slant[0]
    assert np.corrcoef(exact, theirs)[0, 1] > 0.99999
    assert 0 < np.abs(exact - theirs).max() < 0.05 * exact.std()


@pytest.mark.parametrize("ppm_m", [300, 1500, 5000, 16000, 40000])
def test_strong_and_weak_plumes_are_found_whole(table, ppm_m: float) -> None:
    """Within 2 % to 16000 ppm m, on a surface unlike the background's mean (the lognormal filter)."""
    absorption, _ = table
    rng = np.random.default_rng(ppm_m)
    radiance = scene(ppm_m, 3000, absorption.unit.shape[1])
    truth = np.zeros(3000)
    plume = rng.random(3000) < 0.1
    truth[plume] = ppm_m * PPM_M * AIR_MASS
    seen = with_gas(radiance, truth, table)
    found = run(seen, table, "lognormal", used=~plume)
    error = found.slant[0, plume].mean() / truth[plume].mean() - 1
    chance = found.slant[0, ~plume].std() / np.sqrt(plume.sum()) / truth[plume].mean()
    assert abs(error) < 0.02 + 2 * chance


def test_d3_one_slope_underestimates_strong_plumes(table) -> None:
    absorption, _ = table
    radiance = scene(8, 3000, absorption.unit.shape[1])
    truth = np.zeros(3000)
    truth[::10] = 12000 * PPM_M * AIR_MASS
    seen = with_gas(radiance, truth, table)
    plume = truth > 0
    line = type(absorption)("ch4", "line", np.array([0.0, 1e3]), absorption.unit[..., None] * np.array([0.0, 1e3]))
    bent = run(seen, table, "lognormal", used=~plume).slant[0, plume].mean()
    straight = run(seen, (line, table[1]), "lognormal", used=~plume).slant[0, plume].mean()
    assert bent == pytest.approx(truth[plume].mean(), rel=0.02)
    assert straight < 0.92 * truth[plume].mean()


def test_d4_dark_surfaces_hide_no_gas(table) -> None:
    """A plume over ground of half the mean brightness: the normal filter loses nearly half, the others nothing."""
    absorption, _ = table
    radiance = scene(12, 4000, absorption.unit.shape[1], spread=0.05)
    truth = np.zeros(4000)
    plume = np.zeros(4000, dtype=bool)
    plume[:400] = True
    radiance[:800] *= 0.5
    truth[plume] = 2000 * PPM_M * AIR_MASS
    seen = with_gas(radiance, truth, table)
    found = {
        method: run(seen, table, method, used=~plume).slant[0, plume].mean() / truth[plume].mean()
        for method in ("normal", "albedo", "lognormal")
    }
    assert found["normal"] < 0.65
    assert found["albedo"] == pytest.approx(1, abs=0.05)
    assert found["lognormal"] == pytest.approx(1, abs=0.03)


def test_d5_plumes_in_the_statistics_are_underestimated(table) -> None:
    absorption, _ = table
    radiance = scene(13, 3000, absorption.unit.shape[1])
    truth = np.zeros(3000)
    plume = np.arange(3000) < 260
    truth[plume] = np.linspace(500, 6000, 260) * PPM_M * AIR_MASS
    seen = with_gas(radiance, truth, table)
    once = run(seen, table, "lognormal").slant[0, plume].sum() / truth[plume].sum()
    twice = run(seen, table, "lognormal", used=~plume).slant[0, plume].sum() / truth[plume].sum()
    assert once < 0.95
    assert twice == pytest.approx(1, abs=0.03)


def test_t11_noise_is_what_flat_ground_scatters_by(table) -> None:
    absorption, _ = table
    rng = np.random.default_rng(21)
    bands = absorption.unit.shape[1]
    radiance = (np.linspace(0.5, 0.25, bands) + SIGMA * rng.normal(size=(5000, bands))).astype(np.float32)
    for method in ("lognormal", "normal", "albedo"):
        found = run(radiance, table, method)
        assert found.noise[0].mean() == pytest.approx(found.slant[0].std(), rel=0.05), method


def test_t11_sensitivity_is_one_on_the_mean_spectrum(table) -> None:
    absorption, _ = table
    radiance = scene(22, 800, absorption.unit.shape[1])
    radiance[0] = radiance.mean(axis=0)
    radiance[1] = radiance[0] * 0.5
    # the first node is small, not nothing: e^x - 1 departs from x by a per mille
    found = run(radiance, table, "normal")
    assert found.sensitivity[0, 0] == pytest.approx(1, abs=0.01)
    assert found.sensitivity[0, 1] == pytest.approx(0.5, abs=0.01)
    assert np.all(run(radiance, table, "lognormal").sensitivity == 1)


def test_too_few_spectra_give_nothing(table) -> None:
    absorption, _ = table
    radiance = scene(23, 30, absorption.unit.shape[1])
    used = np.zeros(30, dtype=bool)
    used[:4] = True
    found = run(radiance, table, "lognormal", used=used)
    assert found.background is None
    assert np.isnan(found.slant).all()


def test_t11_noise_of_emit_at_unit_radiance() -> None:
    a, b, c = noise_of("EMIT", np.array([2300.7378584]), None)[:, 0]
    assert abs(a * np.sqrt(b + 1.0) + c) == pytest.approx(0.00173793 * np.sqrt(0.26829964 + 1), rel=1e-4)
    assert noise_of("PRISMA", np.array([2300.0]), None)[0, 0] > noise_of("EnMAP", np.array([2300.0]), None)[0, 0]
