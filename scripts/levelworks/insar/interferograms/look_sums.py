"""Interferograms summed over looks, burst by burst; full resolution is never written (specs/insar.md 4.10, 4.11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.geometry.pair_offsets import PairOffsets
from levelworks.insar.interferograms.look_sums_kernels import sum_looks


@dataclass(frozen=True)
class LookSums:
    """Sums over the pixels of cells that both images have.

    ``interferogram`` (rows, columns) complex64, flattened; ``reference`` and ``secondary`` powers float32;
    ``count`` of pixels int32.
    """

    interferogram: np.ndarray
    reference: np.ndarray
    secondary: np.ndarray
    count: np.ndarray

    @property
    def coherence(self) -> np.ndarray:
        """Return the coherence of each cell, float32; NaN where there is no pixel."""
        power = np.sqrt(self.reference.astype(np.float64) * self.secondary)
        with np.errstate(invalid="ignore"):
            return (np.abs(self.interferogram) / np.where(power > 0, power, np.nan)).astype(np.float32)


def look_sums(
    reference: np.ndarray,
    secondary: np.ndarray,
    offsets: PairOffsets,
    wavelength: float,
    looks: tuple[int, int],
    corner: tuple[int, int] = (0, 0),
) -> LookSums:
    """Form the flattened interferogram of a part of a burst and sum it over cells.

    Parameters
    ----------
    reference, secondary : ndarray, shape (lines, samples), complex64
        The part on the reference's grid; 0 where there is no pixel. Lines and samples beyond whole cells are left out.
    offsets : PairOffsets
        Of the whole burst; their range difference is taken off as ``exp(-j 4 pi dR / lambda)``.
    wavelength : float
        m.
    looks : tuple of int
        Lines and samples of a cell.
    corner : tuple of int
        Line and sample of the burst at which the part begins.
    """
    rows, columns = reference.shape[0] // looks[0], reference.shape[1] // looks[1]
    interferogram = np.empty((rows, columns), np.complex64)
    powers, counts = np.empty((2, rows, columns), np.float32), np.empty((rows, columns), np.int32)
    sum_looks(
        np.ascontiguousarray(reference),
        np.ascontiguousarray(secondary),
        2 / wavelength * offsets.range_difference,
        offsets.steps,
        *corner,
        looks,
        interferogram,
        powers,
        counts,
    )
    return LookSums(interferogram, powers[0], powers[1], counts)
