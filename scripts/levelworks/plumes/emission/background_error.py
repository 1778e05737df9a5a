"""What a plume's mask would have measured elsewhere in the scene: every legal place of it, by exact correlation.

HyperGas tries random places; here all of them count, so that nothing is drawn and nothing depends on luck.
Source: specs/plumes.md 1.12, 6.7, D13.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

TRIM = 0.001
"""Share of values left out at either tail."""
LEAST_VALID = 0.9
"""Share of a moved mask's pixels that must be valid."""
FEWEST_SHIFTS = 100
QUANTILES = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Background:
    """What a weighted sum over the background comes to.

    Parameters
    ----------
    spread : float
        Standard deviation without the tails, in the unit of the weighted sum.
    mean : float
        Of the same values.
    quantiles : ndarray, shape (101,)
        At 0, 1, ... 100 per cent; empty where no places were legal.
    shifts : int
        Legal places.
    white : float
        What the spread would be, were pixels not correlated.
    """

    spread: float
    mean: float
    quantiles: np.ndarray
    shifts: int
    white: float


class MovableBackground:
    """An enhancement with its valid pixels and its plumes, ready to be measured at every place.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        Not a number where there is none.
    usable : ndarray of bool
        Pixels that may count, e.g. land.
    plumes : ndarray of bool
        Pixels of any plume: a moved mask must not touch them.
    """

    def __init__(self, enhancement: np.ndarray, usable: np.ndarray, plumes: np.ndarray) -> None:
        self.shape = enhancement.shape
        self.valid = usable & np.isfinite(enhancement)
        quiet = self.valid & ~plumes
        self.pixels = int(quiet.sum())
        values = enhancement[quiet].astype(float)
        # A missing pixel counts as the mean of the background: it moves no sum away from it.
        self.level = float(values.mean()) if self.pixels else 0.0
        self.pixel_spread = trimmed_spread(values) if self.pixels else 0.0
        filled = np.where(self.valid, enhancement, self.level).astype(float) - self.level
        size = [fft.next_fast_len(length, real=True) for length in self.shape]
        self._size = size
        self._values = fft.rfft2(filled, s=size)
        self._valid = fft.rfft2(self.valid.astype(float), s=size)
        self._plumes = fft.rfft2(plumes.astype(float), s=size)

    def moved_sums(self, weights: np.ndarray) -> np.ndarray:
        """Return the weighted sum at every legal place of a plume's weights, in the order of rows and columns.

        Parameters
        ----------
        weights : ndarray, shape (rows, columns)
            0 outside of what is moved. Legal: fully inside, at least 90 % valid, no pixel of a plume.
        """
        rows, columns = np.nonzero(weights)
        if rows.size == 0:
            return np.zeros(0)
        piece = weights[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(float)
        support = piece != 0
        inside = np.s_[: self.shape[0] - piece.shape[0] + 1, : self.shape[1] - piece.shape[1] + 1]
        kernel = np.conj(fft.rfft2(support.astype(float), s=self._size))
        valid = fft.irfft2(self._valid * kernel, s=self._size)[inside]
        touched = fft.irfft2(self._plumes * kernel, s=self._size)[inside]
        count = int(support.sum())
        legal = (np.round(valid) >= LEAST_VALID * count) & (touched < 0.5)
        weighted = np.conj(fft.rfft2(piece, s=self._size))
        sums = fft.irfft2(self._values * weighted, s=self._size)[inside]
        return np.asarray(sums[legal] + self.level * float(piece.sum()))

    def measure(self, weights: np.ndarray) -> Background:
        """Return the statistics of the weighted sums at all legal places."""
        sums = np.sort(self.moved_sums(weights))
        white = self.pixel_spread * float(np.sqrt(np.sum(weights.astype(float) ** 2)))
        if sums.size == 0:
            return Background(np.nan, np.nan, np.zeros(0), 0, white)
        kept = _without_tails(sums)
        return Background(float(kept.std()), float(kept.mean()), np.quantile(sums, QUANTILES), sums.size, white)


def trimmed_spread(values: np.ndarray, share: float = TRIM) -> float:
    """Return the standard deviation of values without a share of them at either tail."""
    return float(_without_tails(np.sort(values), share).std()) if values.size else np.nan


def _without_tails(ordered: np.ndarray, share: float = TRIM) -> np.ndarray:
    cut = int(share * ordered.size)
    return ordered[cut : ordered.size - cut]
