"""Bands of two detectors as one ascending list: where both see the same wavelengths, the short-wave one is kept.

The short-wave infrared detector carries the gases, and its bands beside each other share one geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VNIR, SWIR = 0, 1


@dataclass(frozen=True)
class JoinedBands:
    """For each band of a scene, ascending, the detector (VNIR or SWIR) and the band's place in that detector's cube."""

    detector: np.ndarray
    band: np.ndarray


def join_detectors(vnir: np.ndarray, swir: np.ndarray) -> JoinedBands:
    """Join the bands of two detectors.

    Bands whose centre isn't above zero were never measured and are dropped, and so are VNIR bands at or beyond the
    first SWIR centre.

    Parameters
    ----------
    vnir, swir : (bands,) float
        Centres (nm) in the order of the cubes, whichever that is.
    """
    measured = swir[swir > 0]
    first = measured.min() if measured.size else np.inf
    places = np.concatenate([np.flatnonzero((vnir > 0) & (vnir < first)), np.flatnonzero(swir > 0)])
    split = places.size - measured.size
    detector = np.repeat([VNIR, SWIR], [split, measured.size])
    centres = np.concatenate([vnir[places[:split]], swir[places[split:]]])
    order = np.argsort(centres, kind="stable")
    return JoinedBands(detector[order], places[order])


def whole_columns(flags: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Return which columns of one band are flagged along most of their rows: dead detector elements.

    Parameters
    ----------
    flags : (rows, columns) bool
    share : float
        Of the rows that must be flagged, at least.
    """
    return flags.mean(axis=0) >= share
