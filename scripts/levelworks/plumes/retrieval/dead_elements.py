"""Detector elements that measure nothing: a column goes without the bands that are dead in it."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.scene import Scene


def dead_elements(scene: Scene, columns: range, bands: np.ndarray) -> np.ndarray:
    """Return which elements are dead, (columns, bands) bool."""
    known = scene.attributes.get("dead_elements")
    if known is None:
        return np.zeros((len(columns), bands.size), dtype=bool)
    return np.asarray(known)[columns.start : columns.stop][:, bands]


def bridge(radiance: np.ndarray, dead: np.ndarray) -> None:
    """Put the mean of the nearest living bands in place of dead ones, so that a spectrum counts as whole.

    Parameters
    ----------
    radiance : (columns, rows, bands) float32
        Changed in place.
    dead : (columns, bands) bool
    """
    for column in np.flatnonzero(dead.any(axis=1) & ~dead.all(axis=1)):
        living = np.flatnonzero(~dead[column])
        for band in np.flatnonzero(dead[column]):
            at = int(np.searchsorted(living, band))
            beside = living[max(at - 1, 0) : at + 1]
            radiance[column, :, band] = radiance[column][:, beside].mean(axis=1)
