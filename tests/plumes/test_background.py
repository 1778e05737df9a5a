"""Background statistics: the shrinkage that leaving one out finds, against leaving each out in earnest."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.retrieval.background import CANDIDATES, _left_out, covariance, find_background, shrunk_inverse


def correlated(rng: np.random.Generator, n: int, bands: int) -> np.ndarray:
    mixing = rng.normal(size=(bands, bands)) @ np.diag(np.logspace(0, -2, bands))
    return rng.normal(size=(n, bands)) @ mixing.T


def brute_likelihood(spectra: np.ndarray, shrinkage: float) -> float:
    """Return the mean negative log-likelihood of each spectrum under the statistics of all others (Theiler 2012).

    The mean is known; the sum over the others is divided by their number, and shrunk towards the diagonal of all.
    """
    n, bands = spectra.shape
    diagonal = np.diag(np.diag(spectra.T @ spectra / n))
    total = 0.0
    for left in range(n):
        others = np.delete(spectra, left, axis=0)
        matrix = (1 - shrinkage) * others.T @ others / (n - 1) + shrinkage * diagonal
        sign, log_determinant = np.linalg.slogdet(matrix)
        assert sign > 0
        total += 0.5 * (log_determinant + spectra[left] @ np.linalg.solve(matrix, spectra[left]))
    return total / n + 0.5 * bands * np.log(2 * np.pi)


@pytest.mark.parametrize("seed", [4, 19])
def test_left_out_likelihoods_are_those_of_leaving_each_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spectra = correlated(rng, 60, 6)
    sample = spectra.T @ spectra / 60
    scale = np.sqrt(np.diag(sample))
    values, vectors = np.linalg.eigh(sample / np.outer(scale, scale))
    shrinkages = np.array([0.02, 0.1, 0.4, 0.9])
    found = _left_out(values, (spectra / scale) @ vectors, 60, shrinkages)
    known = np.array([brute_likelihood(spectra, one) for one in shrinkages])
    constant = np.log(scale).sum() + 3 * np.log(2 * np.pi)
    assert found + constant == pytest.approx(known, rel=1e-9)


def test_inverse_is_that_of_the_shrunk_covariance() -> None:
    rng = np.random.default_rng(77)
    spectra = correlated(rng, 200, 12)
    sample = covariance(spectra, 1)
    assert sample == pytest.approx(spectra.T @ spectra / 199)
    for asked in (0.0, 0.03, 1.0):
        inverse, _ = shrunk_inverse(sample, spectra, asked)
        shrunk = (1 - asked) * sample + asked * np.diag(np.diag(sample))
        assert inverse @ shrunk == pytest.approx(np.eye(12), abs=1e-6)


def test_few_spectra_are_shrunk_more_than_many() -> None:
    rng = np.random.default_rng(5)
    spectra = correlated(rng, 4000, 20)
    found = [shrunk_inverse(covariance(part, 0), part)[1] for part in (spectra[:25], spectra[:100], spectra)]
    assert found[0] > found[1] > found[2]
    assert set(found) <= set(CANDIDATES)


def test_columns_have_means_of_their_own_and_share_one_covariance() -> None:
    rng = np.random.default_rng(9)
    spectra = correlated(rng, 300, 5).reshape(3, 100, 5)
    offsets = rng.normal(size=(3, 1, 5)) * 50
    used = np.ones((3, 100), dtype=bool)
    plain = find_background(spectra, used, 10, 0.0)
    moved = find_background(spectra + offsets, used, 10, 0.0)
    assert plain is not None
    assert moved is not None
    assert moved.means - plain.means == pytest.approx(offsets[:, 0], rel=1e-9)
    assert moved.inverse == pytest.approx(plain.inverse, rel=1e-6)
    assert moved.pixels == 300


def test_column_of_few_spectra_takes_the_mean_of_all() -> None:
    rng = np.random.default_rng(10)
    spectra = rng.normal(size=(2, 50, 4))
    used = np.ones((2, 50), dtype=bool)
    used[1, 3:] = False
    found = find_background(spectra, used, 10, 0.0)
    assert found is not None
    assert found.means[1] == pytest.approx(spectra[used].mean(axis=0))
    assert find_background(spectra, np.zeros((2, 50), dtype=bool), 10) is None
