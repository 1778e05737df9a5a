"""Sums over the frames of a stack, one frame in memory at a time, in blocks that merge to the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput


@dataclass
class StackSums:
    """Streaming sums of one block of the frames of a stack.

    Attributes
    ----------
    gain, exposure_time : float
        Mean EM gain and seconds of every frame.
    block : int
        Place of the block in the stack; `merge_sums` adds in this order.
    total : ndarray, shape (rows, columns), float64
        Sum of usable gain-multiplied electrons.
    count : ndarray, shape (rows, columns), int32
        Number of usable frames.
    frames : int
        Number of frames.
    """

    gain: float
    exposure_time: float
    block: int
    total: np.ndarray
    count: np.ndarray
    frames: int = 0

    @classmethod
    def empty(cls, shape: tuple[int, int], gain: float, exposure_time: float, block: int = 0) -> StackSums:
        """Start a block without frames."""
        return cls(gain, exposure_time, block, np.zeros(shape), np.zeros(shape, np.int32))

    def add(self, electrons: np.ndarray, usable: np.ndarray) -> None:
        """Add a frame of gain-multiplied electrons where ``usable`` (boolean) and finite."""
        if electrons.shape != self.total.shape or usable.shape != self.total.shape:
            raise InvalidInput(f"frame {electrons.shape} and mask {usable.shape} differ from sums {self.total.shape}")
        sound = usable & np.isfinite(electrons)
        np.add(self.total, electrons, out=self.total, where=sound)
        self.count += sound
        self.frames += 1


def merge_sums(blocks: Sequence[StackSums]) -> StackSums:
    """Add all blocks of a stack in the order of their ``block``, so that who summed them changes no bit.

    Raises
    ------
    InvalidInput
        Where there is no block, one comes twice, or gain, time or shape differ.
    """
    if not blocks:
        raise InvalidInput("there is no block of frames to merge")
    first, *rest = sorted(blocks, key=lambda block: block.block)
    if len({block.block for block in blocks}) != len(blocks):
        raise InvalidInput("a block of frames comes twice")
    total, count, frames = first.total.copy(), first.count.copy(), first.frames
    for block in rest:
        same = (block.gain, block.exposure_time) == (first.gain, first.exposure_time)
        if not same or block.total.shape != total.shape:
            raise InvalidInput(f"blocks {first.block} and {block.block} differ in gain, time or shape")
        total += block.total
        count += block.count
        frames += block.frames
    return StackSums(first.gain, first.exposure_time, first.block, total, count, frames)
