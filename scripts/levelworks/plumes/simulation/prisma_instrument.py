"""Bands of PRISMA's two detectors and their smile, for simulations.

Ranges, slots (66 VNIR and 173 SWIR, of which 63 and 171 measure) and sampling as lists of delivered files have them;
mean widths 13 and 11 nm that vary along the detector, and a smile of less than 5 nm: Cogliati et al., Remote Sensing of
Environment 262, 112499 (2021). Along a detector of 1000 columns the smile is a parabola.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from levelworks.plumes.scene import Spectral
from levelworks.plumes.simulation.simulated_bands import prism_centres

COLUMNS = 1000
"""Of a detector."""
UNUSED = {"Vnir": 3, "Swir": 2}
"""Slots without measurement."""
SMILE = {"Vnir": 3.0, "Swir": 2.5}
"""nm between the middle and the ends of a detector."""
BROADENING = 0.5
"""nm by which widths grow from the middle to the ends of a detector."""


@cache
def detector_bands(detector: str) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and widths (nm) of the measuring bands of Vnir or Swir, ascending, mean of all columns."""
    if detector == "Vnir":
        return prism_centres(63, 402.5, (7.5, 3.62, -0.12)), np.linspace(12.2, 13.8, 63)
    return prism_centres(171, 943.0, (8.6, 7.64, -9.84)), np.linspace(12.5, 9.5, 171)


def prisma_spectral(columns: int = COLUMNS, *, smile: bool = True) -> Spectral:
    """Return all 234 measuring bands, ascending by their mean: where detectors overlap, bands alternate.

    Parameters
    ----------
    columns : int
        Of the scene; fewer than 1000 are spread over the whole detector, so that small scenes have all of its smile.
    smile : bool
        Whether centres and widths change along the detector; else one row for all columns.
    """
    pairs = {detector: detector_bands(detector) for detector in UNUSED}
    centres = np.concatenate([pair[0] for pair in pairs.values()])
    widths = np.concatenate([pair[1] for pair in pairs.values()])
    order = np.argsort(centres, kind="stable")
    if not smile:
        return Spectral(centres[order][None], widths[order][None])
    across = np.linspace(-1.0, 1.0, columns)[:, None] if columns > 1 else np.zeros((1, 1))
    shape = across**2 - np.mean(across**2)
    bend = np.concatenate([np.full(pairs[detector][0].size, SMILE[detector]) for detector in UNUSED])
    return Spectral((centres + bend * shape)[:, order], (widths + BROADENING * shape)[:, order])
