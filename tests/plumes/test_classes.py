"""Clusters of like spectra: found again, deterministic, and signs of components fixed."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.retrieval.classes import cluster_centres, nearest_centre, principal_components


def test_separate_clusters_are_found() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([[0, 0, 0], [10, 0, 0], [20, 15, 0], [30, 0, 12.0]])
    owners = rng.integers(0, 4, 2000)
    scores = truth[owners] + rng.normal(size=(2000, 3))
    centres = cluster_centres(scores, 4)
    assert np.sort(centres[:, 0]) == pytest.approx([0, 10, 20, 30], abs=0.3)
    found = nearest_centre(scores, centres)
    names = [np.unique(found[owners == one]) for one in range(4)]
    assert [one.size for one in names] == [1] * 4
    assert np.array_equal(cluster_centres(scores, 4), centres)


def test_principal_components_point_one_way() -> None:
    rng = np.random.default_rng(4)
    sample = rng.normal(size=(500, 6)) @ np.diag([9, 5, 3, 1, 1, 1]) + 7
    mean, directions = principal_components(sample)
    assert directions @ directions.T == pytest.approx(np.eye(3), abs=1e-12)
    spread = ((sample - mean) @ directions.T).std(axis=0)
    assert spread[0] > spread[1] > spread[2] > 2
    assert np.all(np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1) > 0)
