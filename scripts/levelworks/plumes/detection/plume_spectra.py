"""Spectra of a plume, of its background and of places like it without plume, read from the granule."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.detection.false_positives import (
    GAS_WINDOWS,
    MATCHING_WINDOWS,
    STRONGEST,
    SpectralEvidence,
    shifted_pixels,
    spectral_evidence,
)
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.retrieval.dead_elements import bridge, dead_elements
from levelworks.plumes.scene import Scene
from levelworks.plumes.seeds import seed_of

REACH = (200, 60)
"""Rows and columns about a plume where its background lies."""

CANDIDATES = 2000
"""Pixels of background, at most."""


def widened(box: tuple[slice, slice], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return a box of rows and columns with the surroundings in which a plume's background lies."""
    rows, columns = (
        slice(max(part.start - reach, 0), min(part.stop + reach, size))
        for part, reach, size in zip(box, REACH, shape, strict=True)
    )
    return rows, columns


def evidence_of_plume(
    scene: Scene,
    absorption: Absorption,
    mask: np.ndarray,
    enhancement: np.ndarray,
    clear: np.ndarray,
    plume_id: str,
    controls: int,
    origin: tuple[int, int] = (0, 0),
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
    origin : (row, column)
        Of the arrays in the scene, where they are a part of it.
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
    usable = clear[box]
    pixels = pixels - low
    places = np.argwhere(usable)
    places = places[:: max(-(-len(places) // CANDIDATES), 1)]
    moved = shifted_pixels(pixels, usable, controls, seed_of(plume_id), max(REACH)) if controls else []
    column = int(np.clip(np.median(pixels[:, 1]) + low[1] + origin[1], 0, absorption.unit.shape[0] - 1))
    wanted = np.concatenate([pixels, places, *moved]) + low + origin
    spectra = scene.read_pixels(wanted[:, 0], wanted[:, 1], bands)
    dead = dead_elements(scene, range(scene.columns), bands)[wanted[:, 1]]
    bridge(spectra[:, None], dead)
    own, background, *controlled = np.split(
        spectra, np.cumsum([len(pixels), *(len(one) for one in (places, *moved))])[:-1]
    )
    return spectral_evidence(
        own,
        background,
        controlled,
        absorption.unit[column][bands],
        wavelengths,
        windows,
        np.flatnonzero(~in_gas),
    )
