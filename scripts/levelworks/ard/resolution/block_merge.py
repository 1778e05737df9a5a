"""The resolution merge of a whole image, by blocks of rows on ranks."""

from __future__ import annotations

import numpy as np

from levelworks.ard.level1 import MERGED_SCALE, Level1
from levelworks.ard.resolution.merge import HALO, PREDICTORS, TARGETS, Method, sharpen
from levelworks.ard.scratch import Scratch
from levelworks.core import mpi

CLOUDED = 0b1110
"""Quality bits of cloud of any state, and of shadow: such pixels keep the 20 m value."""


def merge_resolutions(level1: Level1, flags: Scratch, method: Method, block_rows: int) -> None:
    """Put Sentinel-2's 20 m bands on the 10 m grid; from then on the image hands them out so.

    Parameters
    ----------
    flags : Scratch, uint16
        Quality bits of the masks.
    """
    rows = level1.grid.rows
    merged = {name: level1.scratch(f"merged-{name}", np.uint16) for name in TARGETS}
    with mpi.together(level1.communicator):
        for block in level1.blocks(block_rows + block_rows % 2):
            top, bottom = max(block.start - HALO, 0), min(block.stop + HALO, rows)
            fine = level1.stack(PREDICTORS, top, bottom)
            coarse = np.stack([level1.native(name, top // 2, bottom // 2) for name in TARGETS])
            keep = (flags.read(block.start, block.stop) & CLOUDED) != 0
            sharp = sharpen(fine, coarse, keep, block.start - top, method)
            for index, name in enumerate(TARGETS):
                stored = np.nan_to_num(np.rint(sharp[index] * MERGED_SCALE), nan=0.0)
                merged[name].write(block.start, np.clip(stored, 1, 65535).astype(np.uint16))
    level1.merged.update(merged)
