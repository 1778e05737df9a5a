"""Mass enhancement within growing discs about a source (IME-fetch), and the rate of its growth.

Source: specs/plumes.md 1.12, D9; Duren et al. (2019), doi:10.1038/s41586-019-1720-3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP = 0.25
"""Of radii, pixels."""
FARTHEST = 2500.0
"""m."""


@dataclass(frozen=True)
class Fetch:
    """Mean mass per length of fetch, kg m-1, and its relative spread over the radii."""

    mass_per_length: float
    relative_spread: float
    radii: int


def mass_by_fetch(
    mass: np.ndarray,
    distance: np.ndarray,
    pixel_size: float,
    *,
    farthest: float = FARTHEST,
    hypergas: bool = False,
    edge: float = np.inf,
) -> Fetch:
    """Average the mass within discs over the same radii as their lengths.

    Parameters
    ----------
    mass : ndarray, shape (n,)
        kg of each pixel of the plume.
    distance : ndarray, shape (n,)
        m from the source.
    pixel_size : float
        m.
    farthest : float
        Largest radius, m; no disc reaches beyond the plume's farthest pixel, where the mass no longer grows.
    hypergas : bool
        Average lengths over all radii up to ``farthest``, masses up to where the disc covers the piece of the scene
        (``edge``, m), as HyperGas does: biased low (D9).

    Returns
    -------
    Fetch
        Not a number where no radius has mass in it.
    """
    step = STEP * pixel_size
    limit = min(farthest, edge) if hypergas else min(farthest, float(distance.max(initial=0.0)) + pixel_size / 2)
    radii = step * np.arange(1, int(limit / step + 1e-9) + 1)
    order = np.argsort(distance, kind="stable")
    within = np.concatenate([[0.0], np.cumsum(mass[order])])[np.searchsorted(distance[order], radii, side="right")]
    filled = np.searchsorted(distance[order], radii, side="right") > 0
    if not filled.any():
        return Fetch(np.nan, np.nan, 0)
    if not hypergas:
        radii, within = radii[filled], within[filled]
    lengths = step * np.arange(1, int(farthest / step + 1e-9) + 1) if hypergas else radii
    average = float(within.mean() / lengths.mean())
    ratio = within / radii
    relative = float(ratio.std() / abs(ratio.mean())) if ratio.mean() != 0 else np.nan
    return Fetch(average, relative, radii.size)
