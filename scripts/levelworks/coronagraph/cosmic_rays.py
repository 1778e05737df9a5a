"""Saturation and cosmic rays of EMCCD frames: saturated pixels, plateaus of the gain register and their tails.

A cosmic ray that fills the gain register leaves a plateau along its row, followed by a tail of trapped charge in
the pixels read out after it. Its head is the first pixel of the plateau; masked are a streak from the head over
the tail, and a box around the head. The sensor is read row by row, so in a whole frame a streak that reaches the
end of a row goes on at the start of the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.cosmic_ray_kernels import find_heads, flag_level, mask_heads, rows_reaching
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.geometry import Region

TAIL_AT_GAIN_1000 = 40
"""Pixels over which a tail spreads at an EM gain of 1000; the length is proportional to the gain."""


@dataclass(frozen=True)
class AdaptiveTail:
    """How far a streak follows a tail that stays above the background of its row.

    Attributes
    ----------
    noise : float
        Standard deviation of one background pixel in DN: read noise and amplified shot noise.
    significance : float
        The streak goes on while the mean of the next pixels exceeds the background by so many standard errors.
    window : int
        Number of pixels in that mean.
    longest : int
        Most pixels masked after the last pixel of the plateau.
    """

    noise: float
    significance: float = 2.0
    window: int = 8
    longest: int = 120

    def __post_init__(self) -> None:
        if not (self.noise > 0 and self.significance > 0 and self.window >= 1 and self.longest >= 1):
            raise InvalidOptions(f"adaptive tail: every value must be positive, not {self}")


@dataclass(frozen=True)
class CosmicRaySearch:
    """How cosmic rays are sought and masked.

    Attributes
    ----------
    head_level : float
        A plateau needs a pixel of at least this many DN.
    plateau_level : float
        Adjacent pixels of at least this many DN belong to one plateau.
    filter : int
        The peers' ``cosm_filter``. A streak is longer by it; with ``compat`` heads are sought in the running
        median of ``filter + 1`` pixels of the row.
    box : int
        Pixels masked on every side of a head.
    tail : int
        The peers' ``cosm_tail``: the streak ends ``filter + tail`` pixels after the head or the plateau's end.
    tail_from : {"head", "end"}
        Where the tail starts to count.
    compat : bool
        Reproduce cgi_iit_drp pixel for pixel: its even-window median finds a second, false head two pixels after
        a plateau, its odd-window median loses lone pixels, a streak that wraps starts one pixel early and ends one
        early, and the image region of a whole frame is one row and one column too large.
    adaptive_tail : AdaptiveTail, optional
        Follow the tail beyond the fixed length.
    excluded : tuple of float, optional
        Row, column and radius (pixels of the array searched) of a circle in which no heads are sought.
    """

    head_level: float
    plateau_level: float
    filter: int = 1
    box: int = 3
    tail: int = 10
    tail_from: Literal["head", "end"] = "head"
    compat: bool = False
    adaptive_tail: AdaptiveTail | None = None
    excluded: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if min(self.filter, self.box, self.tail) < 0:
            raise InvalidOptions(f"cosmic rays: filter, box and tail must be at least 0, not {self}")
        if self.tail_from not in ("head", "end"):
            raise InvalidOptions(f"cosmic rays: tail_from is {self.tail_from!r}, must be 'head' or 'end'")
        if self.compat and self.adaptive_tail is not None:
            raise InvalidOptions("cosmic rays: an adaptive tail can't be combined with compat, whose tail is fixed")


def automatic_tail(gain: float) -> int:
    """Return the length of a tail in pixels, 40 at an EM gain of 1000 and proportional to the gain."""
    return round(gain * TAIL_AT_GAIN_1000 / 1000.0)


def level_from_histogram(image: np.ndarray, window: int = 10, bins: int = 21) -> tuple[np.ndarray, float]:
    """Subtract a running median from an image and find the level that parts hits from background.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Bias-subtracted DN; what is not finite counts as background.
    window : int
        Side of the square of the median, in pixels.
    bins : int
        Number of bins of the histogram from the lowest to the highest difference.

    Returns
    -------
    difference : ndarray, shape (rows, columns)
        Image minus median, DN: the array to search.
    level : float
        Centre of the first bin above the fullest one that is no fuller than the next: the head and plateau
        level (DN); infinite where there is none.
    """
    # This import takes longer than those of the whole line, and few runs need it.
    from scipy.ndimage import median_filter

    finite = np.isfinite(image)
    filled = image if finite.all() else np.where(finite, image, np.median(image[finite])).astype(image.dtype)
    difference = filled - median_filter(filled, size=window, mode="nearest")
    counts, edges = np.histogram(difference, bins=bins)
    above = np.arange(int(np.argmax(counts)) + 1, bins - 1)
    minima = above[counts[above] <= counts[above + 1]]
    level = 0.5 * (edges[minima[0]] + edges[minima[0] + 1]) if minima.size else np.inf
    return difference, float(level)


def flag_saturation(image: np.ndarray, dq: np.ndarray, level: float) -> int:
    """Set ``DQ.SATURATED`` in place where an image is at or above the saturation level.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float64 or float32
        Bias-subtracted DN.
    dq : ndarray, shape (rows, columns), uint16
        Changed in place.
    level : float
        DN: the threshold times the lesser of register full well and pixel full well times gain.

    Returns
    -------
    int
        Number of saturated pixels.
    """
    image = np.ascontiguousarray(image)
    return flag_level(image, dq, float(level), np.uint16(DQ.SATURATED), rows_reaching(image, float(level)))


def flag_cosmic_rays(
    image: np.ndarray, dq: np.ndarray, search: CosmicRaySearch, region: Region | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the heads of cosmic rays and set ``DQ.COSMIC_RAY`` in place over their streaks and boxes.

    Parameters
    ----------
    image : ndarray, shape (rows, columns), float64 or float32
        Bias-subtracted DN; NaN is never bright.
    dq : ndarray, shape (rows, columns), uint16
        Changed in place.
    search : CosmicRaySearch
        Levels and lengths.
    region : Region, optional
        For a whole frame: the image region, outside of which no head lies; streaks then wrap to the next rows.

    Returns
    -------
    rows, columns : ndarray, shape (heads,), int64
        The heads in order of readout, in pixels of the array given.
    """
    image = np.ascontiguousarray(image)
    rows, columns = image.shape
    if region is None:
        bounds = (0, rows, 0, columns)
    else:
        excess = int(search.compat)
        last_row, last_column = region.row + region.rows + excess, region.column + region.columns + excess
        bounds = (region.row, min(last_row, rows), region.column, min(last_column, columns))
    heads = find_heads(
        image,
        rows_reaching(image, float(search.head_level)),
        float(search.head_level),
        float(search.plateau_level),
        search.filter + 1,
        search.compat,
        bounds,
        search.excluded or (0.0, 0.0, -1.0),
    )
    tail = search.adaptive_tail
    level = search.plateau_level if search.compat else min(search.plateau_level, search.head_level)
    mask_heads(
        image,
        dq,
        heads,
        float(level),
        search.filter + search.tail,
        search.tail_from == "end",
        search.box,
        region is not None,
        search.compat,
        (tail.noise * tail.significance, tail.window, tail.longest) if tail else (0.0, 1, 0),
        np.uint16(DQ.COSMIC_RAY),
    )
    return heads[:, 0], heads[:, 1]
