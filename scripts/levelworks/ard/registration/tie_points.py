"""How far two images of a place are apart: tie points by phase correlation of blocks, then a robust shift.

The blocks' displacements follow Guizar-Sicairos et al. 2008 (doi:10.1364/OL.33.000156), as scikit-image has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.registration import phase_cross_correlation

BLOCK = 128
"""Pixels along a side of a block."""
UPSAMPLING = 20
LEAST_CLEAR = 0.7
"""Share of a block that must be clear in both images."""
LEAST_CORRELATION = 0.6
"""Of the block and its counterpart once it is moved."""
SEARCH = 16.0
"""Pixels beyond which a displacement is no match."""
DATA_BAND = 0.1
"""Reflectance below which nothing is known of a base or an image: water has no features."""


@dataclass(frozen=True)
class TiePoints:
    """Displacements of an image from its base, pixels.

    Parameters
    ----------
    rows, columns : ndarray, shape (ties,)
        Centres of the blocks.
    down, right : ndarray, shape (ties,)
        By which features of the image lie below and right of where the base has them.
    """

    rows: np.ndarray
    columns: np.ndarray
    down: np.ndarray
    right: np.ndarray

    @staticmethod
    def joined(parts: list[TiePoints]) -> TiePoints:
        """Return the tie points of several strips as one set."""
        names = ("rows", "columns", "down", "right")
        return TiePoints(*(np.concatenate([np.zeros(0), *(getattr(one, name) for one in parts)]) for name in names))


@dataclass(frozen=True)
class Shift:
    """The shift of an image from its base: pixels down and right, the residual of the ties, and how many held."""

    down: float
    right: float
    rmse: float
    ties: int
    trend: float
    """Largest displacement that an affine transform would add to the shift within the image, pixels."""


def match_strip(base: np.ndarray, image: np.ndarray, top: int) -> TiePoints:
    """Find tie points in a strip of `BLOCK` rows.

    Parameters
    ----------
    base, image : ndarray, shape (BLOCK, columns), float32
        Near-infrared reflectance, NaN where unknown, cloudy or shaded.
    top : int
        Row of the image that the strip begins with.
    """
    window = np.hanning(BLOCK)[:, None] * np.hanning(BLOCK)
    found: list[tuple[float, float, float, float]] = []
    for left in range(0, base.shape[1] - BLOCK + 1, BLOCK):
        one, two = base[:, left : left + BLOCK], image[:, left : left + BLOCK]
        known = (one > DATA_BAND) & (two > DATA_BAND)
        if known.mean() < LEAST_CLEAR:
            continue
        first, second = _standardised(one, known), _standardised(two, known)
        if first is None or second is None:
            continue
        moved, _, _ = phase_cross_correlation(
            first * window, second * window, upsample_factor=UPSAMPLING, normalization=None
        )
        if np.hypot(*moved) > SEARCH or _correlation(first, second, known, moved) < LEAST_CORRELATION:
            continue
        found.append((top + BLOCK / 2, left + BLOCK / 2, -float(moved[0]), -float(moved[1])))
    columns = np.array(found, np.float64).reshape(-1, 4).T
    return TiePoints(*columns)


def _standardised(block: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    values = block[known].astype(np.float64)
    spread = values.std()
    if not spread > 1e-3:
        return None
    return np.where(known, (block - values.mean()) / spread, 0.0)


def _correlation(base: np.ndarray, image: np.ndarray, known: np.ndarray, moved: np.ndarray) -> float:
    """Return the correlation of two blocks, the second moved by whole pixels."""
    rows, columns = (round(float(one)) for one in moved)
    shifted = np.roll(image, (rows, columns), (0, 1))
    both = known & np.roll(known, (rows, columns), (0, 1))
    edge = max(abs(rows), abs(columns), 1)
    inside = np.zeros_like(both)
    inside[edge:-edge, edge:-edge] = both[edge:-edge, edge:-edge]
    if inside.sum() < both.size // 4:
        return 0.0
    return float(np.corrcoef(base[inside], shifted[inside])[0, 1])


def robust_shift(ties: TiePoints, *, least_ties: int = 12, tolerance: float = 1.0) -> Shift | None:
    """Return the shift on which most tie points agree; None where too few do.

    Parameters
    ----------
    least_ties : int
        Ties that must agree.
    tolerance : float
        Pixels from the median within which a tie agrees.
    """
    if ties.down.size < least_ties:
        return None
    down, right = float(np.median(ties.down)), float(np.median(ties.right))
    agree = np.hypot(ties.down - down, ties.right - right) <= tolerance
    if agree.sum() < max(least_ties, ties.down.size // 2):
        return None
    down, right = float(ties.down[agree].mean()), float(ties.right[agree].mean())
    residual = np.hypot(ties.down[agree] - down, ties.right[agree] - right)
    return Shift(down, right, float(np.sqrt(np.mean(residual**2))), int(agree.sum()), _trend(ties, agree))


def _trend(ties: TiePoints, agree: np.ndarray) -> float:
    """Return the largest change that a plane through the displacements has over the tie points."""
    place = np.stack([np.ones(int(agree.sum())), ties.rows[agree], ties.columns[agree]], axis=1)
    if np.linalg.matrix_rank(place) < 3:
        return 0.0
    planes = [place @ np.linalg.lstsq(place, one[agree], rcond=None)[0] for one in (ties.down, ties.right)]
    return float(max(np.abs(plane - plane.mean()).max() for plane in planes))
