"""Unwrap an interferogram: valid pixels, whole cycles, components, reference (specs/insar.md 4.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce
from levelworks.insar.unwrapping.bridge_regions import bridge_regions
from levelworks.insar.unwrapping.components import connected_components
from levelworks.insar.unwrapping.minimum_cost_flow import minimum_cost_cycles
from levelworks.insar.unwrapping.snaphu import snaphu_cycles

CYCLE = 2 * np.pi
LEAST_COHERENCE = 0.05
LEAST_FRACTION = 0.01

Solver = Literal["flow", "snaphu"]
SOLVERS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]] = {
    "flow": minimum_cost_cycles,
    "snaphu": snaphu_cycles,
}


@dataclass(frozen=True)
class Unwrapped:
    """An unwrapped phase.

    ``phase`` (rows, columns) float32, rad, NaN where there is no data; ``components`` uint16, 1 the largest, 0 none;
    ``constant`` rad, that was taken off so that the median of the largest component is 0.
    """

    phase: np.ndarray
    components: np.ndarray
    constant: float

    @property
    def fraction(self) -> float:
        """Return the share of pixels with data that are in a component."""
        valid = np.isfinite(self.phase)
        return float(np.count_nonzero(self.components[valid])) / max(int(np.count_nonzero(valid)), 1)


def valid_pixels(
    interferogram: np.ndarray,
    coherence: np.ndarray,
    mask: np.ndarray | None = None,
    least_coherence: float = LEAST_COHERENCE,
) -> np.ndarray:
    """Return where an interferogram has a phase that is worth unwrapping.

    Parameters
    ----------
    interferogram : ndarray, shape (rows, columns), complex64
        0 or NaN is no data.
    coherence : ndarray, shape (rows, columns), float32
        NaN is no data.
    mask : ndarray, shape (rows, columns), bool, optional
        True where to unwrap: land.
    least_coherence : float

    Raises
    ------
    InvalidInput
        Where shapes differ.
    """
    shapes = {interferogram.shape, coherence.shape} | ({mask.shape} if mask is not None else set())
    if len(shapes) != 1 or len(interferogram.shape) != 2:
        raise InvalidInput(f"interferogram, coherence and mask are on one grid, not on {sorted(shapes)}")
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(interferogram) & (interferogram != 0) & (coherence >= least_coherence)
    return valid if mask is None else valid & mask


def solve_cycles(
    phase: np.ndarray, coherence: np.ndarray, valid: np.ndarray, looks: float, solver: Solver = "flow"
) -> np.ndarray:
    """Find the whole cycles to add to each pixel with the solver of that name.

    Raises
    ------
    InvalidOptions
        Where there is no such solver, or it is not installed.
    """
    if solver not in SOLVERS:
        raise InvalidOptions(f"solver is one of {', '.join(SOLVERS)}, not {solver!r}")
    return SOLVERS[solver](phase, coherence, valid, looks)


def finish(
    phase: np.ndarray, cycles: np.ndarray, valid: np.ndarray, least_fraction: float = LEAST_FRACTION
) -> Unwrapped:
    """Add cycles, bring separate regions together, number components and refer phase to the largest.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Wrapped, rad.
    cycles : ndarray, shape (rows, columns), int32
    valid : ndarray, shape (rows, columns), bool
    least_fraction : float
        Of the valid pixels, that a component has at least.

    Raises
    ------
    NothingToProduce
        Where no pixel is valid.
    """
    if not valid.any():
        raise NothingToProduce("no pixel of the interferogram has data and enough coherence")
    wrapped = np.where(valid, phase, 0).astype(np.float64)
    cycles = cycles + bridge_regions(wrapped + CYCLE * cycles, valid)
    unwrapped = wrapped + CYCLE * cycles
    components = connected_components(unwrapped, valid, least_fraction=least_fraction)
    constant = float(np.median(unwrapped[components == 1 if components.any() else valid]))
    return Unwrapped(np.where(valid, unwrapped - constant, np.nan).astype(np.float32), components, constant)


def unwrap(
    interferogram: np.ndarray,
    coherence: np.ndarray,
    looks: float,
    *,
    mask: np.ndarray | None = None,
    least_coherence: float = LEAST_COHERENCE,
    solver: Solver = "flow",
) -> Unwrapped:
    """Unwrap an interferogram; pixels without data stay without.

    Parameters
    ----------
    interferogram : ndarray, shape (rows, columns), complex64
        Filtered or not; 0 or NaN is no data.
    coherence : ndarray, shape (rows, columns), float32
    looks : float
        Equivalent number of independent looks.
    mask : ndarray, shape (rows, columns), bool, optional
        True where to unwrap.
    least_coherence : float
    solver : str
        ``flow``, or ``snaphu`` where it is installed (free for non-commercial use only).

    Raises
    ------
    InvalidInput, InvalidOptions, NothingToProduce
        Where grids differ, the solver is not there, or no pixel is valid.
    """
    valid = valid_pixels(interferogram, coherence, mask, least_coherence)
    if not valid.any():
        raise NothingToProduce("no pixel of the interferogram has data and enough coherence")
    phase = np.where(valid, np.angle(interferogram), 0).astype(np.float32)
    return finish(phase, solve_cycles(phase, coherence, valid, looks, solver), valid)


def transfer_cycles(wrapped: np.ndarray, unwrapped: np.ndarray, constant: float = 0.0) -> np.ndarray:
    """Give the cycles of an unwrapped filtered phase to the phase before the filter.

    Parameters
    ----------
    wrapped : ndarray, float
        rad, before the filter.
    unwrapped : ndarray, float
        rad, NaN where there is no data.
    constant : float
        rad, that was taken off the unwrapped phase, and is taken off the result.

    Returns
    -------
    ndarray, float32
        ``wrapped + 2 pi round((unwrapped + constant - wrapped) / 2 pi) - constant``.
    """
    exact = np.asarray(wrapped, np.float64) - constant
    return (exact + CYCLE * np.round((unwrapped - exact) / CYCLE)).astype(np.float32)
