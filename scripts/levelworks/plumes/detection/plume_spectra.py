"""Spectra of a plume, of its background and of places like it without plume, read from the granule."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.detection.false_positives import (
    GAS_WINDOWS,
    MATCHING_WINDOWS,
    STRONGEST,
    SpectralEvidence,
    seed_of,
    shifted_pixels,
    spectral_evidence,
)
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.scene import Scene

REACH = (200, 60)
"""Rows and columns about a plume where its background lies."""

CANDIDATES = 2000
"""Pixels of background, at most."""


def evidence_of_plume(
    scene: Scene,
    absorption: Absorption,
    mask: np.ndarray,
    enhancement: np.ndarray,
    clear: np.ndarray,
    plume_id: str,
    controls: int,
) -> SpectralEvidence:
    """Compare the strongest pixels of a plume with clear pixels about it that are in no plume.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        The plume.
    enhancement : ndarray, shape (rows, columns)
    clear : ndarray of bool, shape (rows, columns)
        Pixels that may be background.
    plume_id : str
        From which the places of the controls are drawn.
    controls : int
        Places without plume.
    """
    windows = GAS_WINDOWS[absorption.gas]
    bands = scene.spectral.within([*windows, *MATCHING_WINDOWS])
    wavelengths = scene.spectral.mean[bands]
    in_gas = np.any([(wavelengths >= low) & (wavelengths <= high) for low, high in windows], axis=0)
    pixels = np.argwhere(mask)
    order = np.argsort(-np.nan_to_num(enhancement[mask]), kind="stable")[:STRONGEST]
    pixels = pixels[np.sort(order)]
    low = np.maximum(pixels.min(axis=0) - REACH, 0)
    high = np.minimum(pixels.max(axis=0) + REACH + 1, mask.shape)
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    spectra = scene.read(range(low[1], high[1]), bands)[:, box[0]].transpose(1, 0, 2)
    usable = clear[box]
    pixels = pixels - low
    places = np.argwhere(usable)
    places = places[:: max(-(-len(places) // CANDIDATES), 1)]
    moved = shifted_pixels(pixels, usable, controls, seed_of(plume_id), max(REACH)) if controls else []
    column = int(np.clip(np.median(pixels[:, 1]) + low[1], 0, absorption.unit.shape[0] - 1))
    return spectral_evidence(
        spectra[tuple(pixels.T)],
        spectra[tuple(places.T)],
        [spectra[tuple(one.T)] for one in moved],
        absorption.unit[column][bands],
        wavelengths,
        windows,
        np.flatnonzero(~in_gas),
    )
