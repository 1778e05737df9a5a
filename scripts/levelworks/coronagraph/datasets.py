"""Whole datasets in bounded memory: row stripes of all frames, shared among ranks.

A rank takes a contiguous share of the rows and walks through it in stripes; each pixel is combined over all frames
at once and in their order, so that neither the stripes nor the ranks leave a trace in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from levelworks.core.mpi import Communicator, blocks, split, together
from levelworks.core.progress import track
from levelworks.coronagraph.combine import Combination, combine_stripe
from levelworks.coronagraph.dq import UNUSABLE
from levelworks.coronagraph.photon_counting import PhotonCountedMean, count_photons, invert_counts
from levelworks.coronagraph.product_reader import Product

Planes = TypeVar("Planes")


def _stripes(rows: int, row_bytes: int, memory_mb: int, communicator: Communicator) -> list[range]:
    """Return the stripes of this rank's share of the rows, each within the memory."""
    share = split(rows, communicator.size, communicator.rank)
    height = max(1, (memory_mb << 20) // max(row_bytes, 1))
    return [range(share.start + one.start, share.start + one.stop) for one in blocks(len(share), height)]


def _gather(parts: list[dict[str, np.ndarray]], communicator: Communicator) -> dict[str, np.ndarray] | None:
    """Put the stripes of all ranks together on rank 0; None elsewhere."""
    gathered = communicator.gather(parts)
    if gathered is None:
        return None
    stripes = [part for rank in gathered for part in rank]
    return {name: np.concatenate([part[name] for part in stripes]) for name in stripes[0]}


def combine_dataset(
    products: Sequence[Product],
    communicator: Communicator,
    *,
    memory_mb: int,
    empty_value: float,
    scale_to_sum: bool,
) -> Combination | None:
    """Combine Level 2b frames into mean and median.

    Parameters
    ----------
    products : sequence of Product
        Frames with SCI, ERR and DQ planes, in the order in which they are summed.
    memory_mb : int
        Memory for the samples of one stripe, on each rank.
    empty_value : float
        Value where no frame has a usable sample.
    scale_to_sum : bool
        Multiply values and errors by the number of frames.

    Returns
    -------
    Combination or None
        On rank 0 of the whole frame; None on the others.
    """
    rows, columns = products[0].shape
    itemsize = abs(int(products[0].units["SCI"].values["BITPIX"])) // 8
    # Values, errors and flags of every frame, and as much again while they are put in native order.
    row_bytes = len(products) * columns * (itemsize + 4 + 2)
    stripes = _stripes(rows, row_bytes, memory_mb, communicator)
    parts = []
    with together(communicator):
        for stripe in track(stripes, len(stripes), "stripes combined"):
            values, errors, dq = (_stack(products, plane, stripe) for plane in ("SCI", "ERR", "DQ"))
            part = combine_stripe(values, errors=errors, dq=dq, empty_value=empty_value, scale_to_sum=scale_to_sum)
            parts.append({field.name: getattr(part, field.name) for field in fields(part)})
    whole = _gather(parts, communicator)
    return None if whole is None else Combination(**whole)


def _stack(products: Sequence[Product], plane: str, rows: range) -> np.ndarray:
    first = products[0].rows(plane, rows)
    stack = np.empty((len(products), *first.shape), dtype=first.dtype)
    stack[0] = first
    for number, product in enumerate(products[1:], start=1):
        stack[number] = product.rows(plane, rows)
    return stack


@dataclass(frozen=True)
class PhotonCounts:
    """Photons counted over a dataset: numbers of detections and of usable frames, and the mean they give."""

    counts: np.ndarray
    frames: np.ndarray
    mean: PhotonCountedMean


def count_dataset(
    products: Sequence[Product],
    communicator: Communicator,
    *,
    fixed_pattern: np.ndarray | None,
    gain: float,
    k_gain: float,
    threshold: float,
    read_noise: float,
) -> PhotonCounts | None:
    """Count photons in Level 2a frames of one gain and exposure time and invert the counts.

    Parameters
    ----------
    products : sequence of Product
        Frames with SCI (DN) and DQ planes.
    fixed_pattern : ndarray, shape (rows, columns), optional
        Fixed pattern behind the register, e-; subtracted before counting.
    gain, k_gain : float
        EM gain; e-/DN.
    threshold, read_noise : float
        In e- behind the register.

    Returns
    -------
    PhotonCounts or None
        On rank 0; None on the others.
    """
    share = split(products[0].shape[0], communicator.size, communicator.rank)
    pattern = 0.0 if fixed_pattern is None else fixed_pattern[share.start : share.stop]

    def frames() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for product in track(products, len(products), "frames counted"):
            electrons = product.rows("SCI", share).astype(np.float64) * k_gain - pattern
            yield electrons, (product.rows("DQ", share) & np.uint16(UNUSABLE)) == 0

    parts = []
    with together(communicator):
        if len(share):
            counts, usable = count_photons(frames(), threshold)
            parts.append({"counts": counts, "frames": usable})
    whole = _gather(parts, communicator)
    if whole is None:
        return None
    mean = invert_counts(whole["counts"], whole["frames"], gain, threshold, read_noise)
    return PhotonCounts(whole["counts"], whole["frames"], mean)
