"""The peers' series for photon counting: their constants, and how far they are off at high flux."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.photon_count_series import photon_count_series, series_objective
from levelworks.coronagraph.photon_counting import detection_probability, invert_probability


def test_peers_constants():
    """PhotonCount's own test constants and corgidrp's objective and estimates (oracle F)."""
    arguments = (50, 100, 5000.0, 1000.0)
    for mean, series, expected in [
        (0.943408566833047, "photoncount", (3.918879853876746, 37.62258292251463)),
        (0.839245600086509, "photoncount", (-0.178674777567025, 41.10079379928366)),
        (0.943408566833047, "corgidrp", (3.37019199, 36.20540537)),
    ]:
        rtol = 2e-9 if series == "corgidrp" else 1e-13
        assert_allclose(series_objective(mean, *arguments, series), expected, rtol=rtol)
    counts = np.array([1, 2])
    photoncount = photon_count_series(counts, 3, 5000.0, 1000.0, "photoncount")
    corgidrp = photon_count_series(counts, 3, 5000.0, 1000.0, "corgidrp")
    assert_allclose(photoncount, [0.4934795083952269, 1.342380368984298], rtol=1e-14)
    assert_allclose(corgidrp, [0.4950902906434597, 1.3908811924], rtol=1e-10)
    assert_allclose(corgidrp[0], 0.4950902906434597, rtol=1e-13)


def test_peers_series_are_biased_at_high_flux_and_ours_is_not():
    """At the exact rate of each mean: relative errors of the series and of the inversion."""
    means = np.array([0.01, 0.08, 0.5, 1.0, 1.5, 2.0])
    rates, _ = detection_probability(means, 5000.0, 500.0, 0.0, "gamma")
    ours = invert_probability(rates, 5000.0, 500.0, 0.0, "gamma") / means - 1
    photoncount, corgidrp = (
        photon_count_series(rates, 1, 5000.0, 500.0, series) / means - 1 for series in ("photoncount", "corgidrp")
    )
    assert np.max(np.abs(ours)) < 1e-9
    for bias in (photoncount, corgidrp):
        assert np.all(np.abs(bias[:2]) < 1e-3)
        assert np.all(np.diff(np.abs(bias[2:])) > 0)
        assert np.abs(bias[-1]) > 0.002
    assert np.abs(corgidrp[-1]) > 0.05


def test_series_without_frames_and_of_unknown_name():
    assert np.isnan(photon_count_series(np.array([0]), np.array([0]), 5000.0, 500.0, "corgidrp")[0])
    with pytest.raises(InvalidOptions, match="series"):
        photon_count_series(np.array([1]), 3, 5000.0, 500.0, "other")
