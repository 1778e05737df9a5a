"""Unwrap an image coarsely, and bring the regions of tiles near to what that says (specs/insar.md 4.13)."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.insar.unwrapping.tiles import Tile
from levelworks.insar.unwrapping.unwrap import CYCLE, Solver, solve_cycles
from levelworks.insar.unwrapping.unwrap_tiles import TileCycles

FACTOR = 5
LEAST_VALID = 0.5
"""Share of a coarse cell that has data."""


def coarse_phase(
    phase: np.ndarray,
    coherence: np.ndarray,
    valid: np.ndarray,
    looks: float,
    solver: Solver = "flow",
    factor: int = FACTOR,
) -> np.ndarray:
    """Unwrap the mean phasors of squares.

    Parameters
    ----------
    phase, coherence : ndarray, shape (rows, columns), float32
        Wrapped, rad; what stands at pixels that are not valid is not read.
    valid : ndarray, shape (rows, columns), bool
    looks : float
        Of a pixel.
    solver : str
    factor : int
        Pixels, side of a square.

    Returns
    -------
    ndarray, shape (ceil(rows / factor), ceil(columns / factor)), float64
        Unwrapped, rad; NaN where less than half of a square has data.
    """
    there = _sum(valid.astype(np.float32), factor)
    phasor = _sum(np.where(valid, np.exp(1j * phase), 0), factor)
    mean = _sum(np.where(valid, coherence, 0), factor) / np.maximum(there, 1)
    enough = there >= LEAST_VALID * factor**2
    angle = np.angle(phasor).astype(np.float32)
    cycles = solve_cycles(angle, mean.astype(np.float32), enough, looks * factor, solver)
    return np.where(enough, angle + CYCLE * cycles, np.nan)


def place_tile(tile: Tile, part: TileCycles, phase: np.ndarray, coarse: np.ndarray, factor: int = FACTOR) -> TileCycles:
    """Shift each region of a tile by the whole cycles that bring it nearest to the coarse phase.

    Parameters
    ----------
    tile : Tile
    part : TileCycles
    phase : ndarray, shape (rows, columns), float32
        Wrapped, of the whole image, rad.
    coarse : ndarray
        From `coarse_phase`.
    """
    lines, samples = (np.arange(*span) // factor for span in (tile.rows, tile.columns))
    apart = coarse[np.ix_(lines, samples)] - (phase[tile.window] + CYCLE * part.cycles)
    known = np.isfinite(apart) & (part.regions > 0)
    count = int(part.regions.max(initial=0))
    shifts = np.zeros(count + 1, np.int32)
    if known.any():
        found = np.unique(part.regions[known])
        medians = ndimage.median(apart, np.where(known, part.regions, 0), found)
        shifts[found] = np.round(np.asarray(medians) / CYCLE)
    return TileCycles(part.cycles + shifts[part.regions], part.regions)


def _sum(values: np.ndarray, factor: int) -> np.ndarray:
    """Sum squares; those at the ends are of what there is."""
    for axis, length in enumerate(values.shape):
        values = np.add.reduceat(values, np.arange(0, length, factor), axis=axis)
    return values
