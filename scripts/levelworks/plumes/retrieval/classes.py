"""Which pixels share background statistics: land and water, or clusters of like spectra."""

from __future__ import annotations

import numpy as np

SAMPLE = 20_000
ITERATIONS = 30


def sample_rows(columns: int, rows: int) -> int:
    """Return the step between sampled rows that leaves about `SAMPLE` spectra of a scene."""
    return max(1, columns * rows // SAMPLE)


def principal_components(sample: np.ndarray, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the first principal directions (count, bands) of spectra (n, bands), signs fixed."""
    mean = sample.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(sample - mean, rowvar=False))
    directions = vectors[:, np.argsort(values)[::-1][:count]].T
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return mean, directions * np.sign(largest)


def cluster_centres(scores: np.ndarray, clusters: int) -> np.ndarray:
    """Return the centres of clusters of scores (n, components) by k-medians, the metric that of absolute differences.

    Deterministic: it starts at quantiles along the first component (specs/plumes.md 1.5: ten clusters, 30 iterations,
    L1 distance).
    """
    order = np.argsort(scores[:, 0], kind="stable")
    at = ((np.arange(clusters) + 0.5) / clusters * scores.shape[0]).astype(int)
    centres = scores[order[at]]
    for _ in range(ITERATIONS):
        nearest = nearest_centre(scores, centres)
        moved = np.stack(
            [
                np.median(scores[nearest == index], axis=0) if (nearest == index).any() else centres[index]
                for index in range(clusters)
            ]
        )
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def nearest_centre(scores: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the index of the nearest centre for each score (n, components), in absolute differences."""
    best = np.full(scores.shape[0], np.inf)
    found = np.zeros(scores.shape[0], dtype=np.int16)
    for index, centre in enumerate(centres):
        distance = np.abs(scores - centre).sum(axis=1)
        closer = distance < best
        best[closer] = distance[closer]
        found[closer] = index
    return found
