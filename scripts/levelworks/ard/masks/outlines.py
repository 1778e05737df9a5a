"""From objects back to pixels: clouds, the shadows they cast, what lies around them, and the bits of the product."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from levelworks.ard.masks import quality
from levelworks.ard.masks.coarse_kernels import of_cells
from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.masks.layers import Layers
from levelworks.ard.masks.morphology_kernels import fill_by_majority, widen
from levelworks.ard.masks.settings import CIRRUS, CLOUD, SATURATED, SHADOW, SNOW, VALID, WATER, Masks, MaskStatistics
from levelworks.ard.masks.shadow_kernels import cast
from levelworks.ard.masks.shadows import Shadows
from levelworks.ard.scratch import Scratch


@dataclass(frozen=True)
class Outlines:
    """Objects on cells, which ranks read to draw their blocks.

    Parameters
    ----------
    stands : Scratch, uint8
        1 where a cell belongs to a cloud.
    down, across : Scratch, int16
        Pixels from a cell of cloud to its shadow.
    unseen : Scratch, uint8
        1 in shadows of clouds that the image does not show.
    """

    stands: Scratch
    down: Scratch
    across: Scratch
    unseen: Scratch

    @classmethod
    def create(cls, inputs: Inputs) -> Outlines:
        """Make the rasters."""
        make, cells = inputs.scratch, inputs.cells
        return cls(
            make("mask-stands", np.uint8, cells),
            make("mask-down", np.int16, cells),
            make("mask-across", np.int16, cells),
            make("mask-unseen", np.uint8, cells),
        )

    def write(self, inputs: Inputs, cloudy: np.ndarray, shadows: Shadows) -> tuple[int, int]:
        """Write what was found; return the least and the greatest shift of a shadow in rows of pixels."""
        resolution = inputs.grid.resolution
        down = np.rint(shadows.down / resolution).astype(np.int16)
        self.stands.write(0, cloudy)
        self.down.write(0, down)
        self.across.write(0, np.rint(shadows.across / resolution).astype(np.int16))
        self.unseen.write(0, shadows.unseen)
        return min(int(down.min(initial=0)), 0), max(int(down.max(initial=0)), 0)

    def remove(self) -> None:
        """Remove the rasters."""
        for layer in (self.stands, self.down, self.across, self.unseen):
            layer.remove()


def finish(inputs: Inputs, layers: Layers, outlines: Outlines, reach: tuple[int, int]) -> Masks:
    """Draw clouds and shadows, widen what is widened, and write the bits of the product."""
    for block in inputs.blocks():
        _draw(inputs, layers, outlines, reach, block)
    inputs.wait()
    result = inputs.scratch("mask-quality", np.uint16)
    own = np.zeros(6, np.int64)
    for block in inputs.blocks():
        own += _surround(inputs, layers.flags, result, block)
    counts = [int(count) for count in np.sum(inputs.communicator.allgather(own), axis=0)]
    statistics = MaskStatistics(inputs.grid.rows * inputs.grid.columns, *counts)
    layers.flags.remove()
    cancelled = statistics.cloud_cover > inputs.options.max_cloud_cover
    return Masks(result, layers.probability, statistics, cancelled)


def _draw(inputs: Inputs, layers: Layers, outlines: Outlines, reach: tuple[int, int], block: range) -> None:
    """Set the bits of cloud and shadow in the flags of a block."""
    step = inputs.step
    cloud = layers.cloud.read(block.start, block.stop) > 0
    of_cells(outlines.stands.read(block.start // step, -(-block.stop // step)), step, 0, cloud)
    around = inputs.with_halo(block, 1)
    shadow = np.zeros((len(around), inputs.grid.columns), bool)
    first = max(around.start - reach[1], 0) // step * step
    last = min(-(-(around.stop - reach[0]) // step) * step, inputs.grid.rows)
    for start in range(first, last, inputs.options.block):
        stop = min(start + inputs.options.block, last)
        cells = start // step, -(-stop // step)
        source = layers.cloud.read(start, stop) > 0
        of_cells(outlines.stands.read(*cells), step, 0, source)
        cast(source, outlines.down.read(*cells), outlines.across.read(*cells), step, start, around.start, shadow)
    flags = layers.flags.read(around.start, around.stop)
    valid = (flags & VALID) > 0
    unseen = np.ones(shadow.shape, bool)
    of_cells(outlines.unseen.read(around.start // step, -(-around.stop // step)), step, around.start % step, unseen)
    shadow |= unseen
    if not inputs.as_force:
        shadow = fill_by_majority(shadow, valid)
    inner = slice(block.start - around.start, block.stop - around.start)
    shadow, valid, flags = shadow[inner] & valid[inner], valid[inner], flags[inner]
    flags |= np.where(cloud & valid, np.uint16(CLOUD), np.uint16(0))
    flags |= np.where(shadow, np.uint16(SHADOW), np.uint16(0))
    layers.flags.write(block.start, flags)


def _surround(inputs: Inputs, flags: Scratch, result: Scratch, block: range) -> np.ndarray:
    """Write the quality bits of a block; return the counts of `MaskStatistics` from `valid` on."""
    options, resolution = inputs.options, inputs.grid.resolution
    whole = math.trunc if inputs.as_force else float
    radii = [
        whole(metres / resolution)
        for metres in (options.cloud_buffer, options.cirrus_buffer, options.shadow_buffer, options.snow_buffer)
    ]
    rows = inputs.with_halo(block, math.floor(max(radii)))
    bits = flags.read(rows.start, rows.stop)
    first, last = block.start - rows.start, block.stop - rows.start
    hidden = 0 if inputs.as_force else CLOUD
    cloud, open_snow = (bits & CLOUD) > 0, (bits & (SNOW | hidden)) == SNOW
    veil = (bits & (CIRRUS | SNOW | CLOUD)) == CIRRUS
    near_cloud, near_veil, near_shadow, near_snow = (
        widen(mask, first, last, radius)
        for mask, radius in zip((cloud, veil, (bits & SHADOW) > 0, open_snow), radii, strict=True)
    )
    bits, cloud = bits[first:last], cloud[first:last]
    valid = (bits & VALID) > 0
    uncovered = valid if inputs.as_force else valid & ~cloud
    # Shadows may fall on ground that clouds hide.
    shadow, snow, water = near_shadow & valid, near_snow & uncovered, ((bits & WATER) > 0) & uncovered
    state = np.where(
        cloud,
        int(quality.Cloud.CONFIDENT),
        np.where(near_cloud, int(quality.Cloud.BUFFER), np.where(near_veil, int(quality.Cloud.CIRRUS), 0)),
    )
    packed = quality.pack(
        nodata=~valid, cloud=state, shadow=shadow, snow=snow, water=water, saturation=(bits & SATURATED) > 0
    )
    result.write(block.start, packed.astype(np.uint16))
    obscured = ((state > 0) | shadow) & valid
    return np.array([int(mask.sum()) for mask in (valid, cloud & valid, shadow, snow, water, obscured)], np.int64)
