"""Along-track motion in the overlap of two bursts by the double difference of interferograms (specs/insar.md 4.9 b).

Ground that moves along the flight by a line is seen a line later, and turns the interferogram of a burst by its
Doppler frequency times that time. What the line of sight, the air and the terrain add is the same in both bursts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from levelworks.insar.interferograms.equivalent_looks import debias_coherence
from levelworks.insar.interferograms.look_sums import LookSums
from levelworks.insar.interferograms.phase_noise import phase_variance
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.refinement.overlaps import Overlap, overlap_cells
from levelworks.insar.refinement.spectral_diversity import estimate_shift


@dataclass(frozen=True)
class OverlapLayers:
    """The cells of an overlap, each (rows, columns) float32, NaN without data.

    ``phase`` (rad) of the earlier burst's interferogram less the later one's, averaged over a window; ``turning``
    metres along the flight per radian; ``sigma`` (m) of the phase's motion; ``coherence`` of both bursts.
    """

    phase: np.ndarray
    turning: np.ndarray
    sigma: np.ndarray
    coherence: np.ndarray


@dataclass(frozen=True)
class OverlapMotion:
    """The mean motion of an overlap along the flight.

    Parameters
    ----------
    first, second : str
        Keys of the bursts.
    metres, sigma : float
        Motion, beyond what coregistration took out, and its standard deviation. Where it is degraded NaN, and the
        deviation of a motion that may be anything within a period.
    period : float
        m by which the phase turns once: motions that differ by it look alike.
    spacing : float
        m along the flight per line.
    doppler : float
        Hz, of the earlier burst less the later one.
    cells, used : int
    coherence : float
        Median over all cells.
    degraded : str
        Why there is no mean; empty where there is.
    """

    first: str
    second: str
    metres: float
    sigma: float
    period: float
    spacing: float
    doppler: float
    cells: int
    used: int
    coherence: float
    degraded: str


def aligned_overlap(overlap: Overlap, place: Placement, mosaic: Mosaic) -> tuple[Overlap, tuple[slice, slice]] | None:
    """Cut an overlap to whole cells of the frame's radar grid, within the samples that its swath gives the frame.

    Parameters
    ----------
    overlap : Overlap
    place : Placement
        Of its first burst.
    mosaic : Mosaic

    Returns
    -------
    Overlap, tuple of slice, or None
        The overlap, and its rows and columns of cells; None where no whole cell is left.
    """
    looks, corner = mosaic.looks, place.corner
    lines = _whole(overlap.lines[0] + corner[0], overlap.lines[1] + corner[0], looks[0])
    inside = (
        max(overlap.samples[0] + corner[1], place.samples[0]),
        min(overlap.samples[1] + corner[1], place.samples[1]),
    )
    samples = _whole(*inside, looks[1])
    if lines[1] <= lines[0] or samples[1] <= samples[0]:
        return None
    cut = replace(
        overlap,
        lines=(lines[0] - corner[0], lines[1] - corner[0]),
        samples=(samples[0] - corner[1], samples[1] - corner[1]),
    )
    cells = slice(lines[0] // looks[0], lines[1] // looks[0]), slice(samples[0] // looks[1], samples[1] // looks[1])
    return cut, cells


def _whole(start: int, stop: int, step: int) -> tuple[int, int]:
    return -(-start // step) * step, stop // step * step


def overlap_layers(
    sums: tuple[LookSums, LookSums], metres_per_radian: np.ndarray, looks: float, window: int
) -> OverlapLayers:
    """Form the double differences of cells, averaged over a window of them.

    Parameters
    ----------
    sums : tuple of LookSums
        Of the same cells in the earlier burst and the later one.
    metres_per_radian : ndarray, shape (rows, columns), float64
    looks : float
        Equivalent number of independent looks of a cell.
    window : int
        Cells along a side.

    Notes
    -----
    The noise of both bursts is independent, as their spectra are apart: variances add up, and fall with the number of
    cells (`interferograms.phase_noise`).
    """
    there = (sums[0].count > 0) & (sums[1].count > 0)
    product = np.where(there, sums[0].interferogram.astype(np.complex128) * np.conj(sums[1].interferogram), 0)
    averaged = _box(product.real, window) + 1j * _box(product.imag, window)
    number = _box(there.astype(np.float64), window) * window**2
    coherences = [_coherence(one, window) for one in sums]
    debiased = [debias_coherence(one, max(looks * window**2, 1.5)) for one in coherences]
    variance = sum(phase_variance(one, looks).astype(np.float64) for one in debiased) / np.maximum(number, 1)
    # A phase that says nothing lies anywhere within a turn.
    sigma = np.sqrt(np.minimum(variance, np.pi**2 / 3)) * np.abs(metres_per_radian)
    known = there & (np.abs(averaged) > 0)
    layers = np.angle(averaged), metres_per_radian, sigma, np.sqrt(coherences[0].astype(np.float64) * coherences[1])
    return OverlapLayers(*(np.where(known, layer, np.nan).astype(np.float32) for layer in layers))


def _coherence(sums: LookSums, window: int) -> np.ndarray:
    """Return the coherence over a window of cells, float32; 0 where there is none."""
    powers = np.maximum(_box(sums.reference, window) * _box(sums.secondary, window), 0)
    size = np.abs(_box(sums.interferogram.real, window) + 1j * _box(sums.interferogram.imag, window))
    found = np.divide(size, np.sqrt(powers), out=np.zeros_like(size), where=powers > 0)
    return np.minimum(found, 1.0).astype(np.float32)


def _box(values: np.ndarray, window: int) -> np.ndarray:
    return np.asarray(ndimage.uniform_filter(values.astype(np.float64), window, mode="constant"))


def overlap_motion(
    overlap: Overlap,
    sums: tuple[LookSums, LookSums],
    doppler: np.ndarray,
    spacing: float,
    ladder: Sequence[float],
    least: tuple[int, float, float],
) -> OverlapMotion:
    """Estimate the mean motion of an overlap; never fails, but says where it is degraded.

    Parameters
    ----------
    overlap : Overlap
    sums : tuple of LookSums
        Of its cells in the earlier burst and the later one.
    doppler : ndarray, shape (rows, columns), float64
        Hz, of the earlier burst less the later one, at the cells.
    spacing : float
        m along the flight per line.
    ladder : sequence of float
        Coherences, falling (`estimate_shift`).
    least : tuple
        Cells that must be coherent, their share of all, and the scatter of phases (rad) that is allowed.
    """
    cells = overlap_cells(sums[0], sums[1], doppler, overlap.interval)
    found = estimate_shift([cells], ladder, *least)
    mean = float(np.mean(doppler))
    period = spacing / (abs(mean) * overlap.interval)
    metres = math.nan if found.degraded else found.line * spacing
    sigma = period / math.sqrt(12) if found.degraded else min(found.sigma * spacing, period / math.sqrt(12))
    return OverlapMotion(
        overlap.first,
        overlap.second,
        metres,
        sigma,
        period,
        spacing,
        mean,
        found.cells,
        found.used,
        found.coherence,
        found.degraded,
    )
