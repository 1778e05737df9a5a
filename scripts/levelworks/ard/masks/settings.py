"""What decides about clouds, what a run of the masks hands back, and the bits it works with in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from levelworks.ard.scratch import Scratch

VALID = 1
CANDIDATE = 2
"""Bright, white and hazy enough for a cloud: the potential cloud pixel of Zhu & Woodcock (2012)."""
WATER = 4
SNOW = 8
CIRRUS = 16
CLEAR = 32
"""Stands for the clear surface in statistics."""
SATURATED = 64
FROZEN = 128
"""Snow by its spectrum alone, without regard to temperature."""
CLOUD = 256
SHADOW = 512
BRIGHT = 1024
ICY = 4096
"""Its colour is partly that of snow or ice."""
DEEP = 2048
"""Water dark enough in SWIR2 to stand for clear water."""

BLOCK_MULTIPLE = 12
"""Blocks of rows hold whole cells of 20, 40 and 60 m of both missions."""

LARGEST_BLOCK = 252
"""Rows."""

OBJECT_SIZE = 60.0
"""Metres of the cells on which clouds are objects and shadows are matched."""


@dataclass(frozen=True)
class MaskOptions:
    """Options of the masks.

    Parameters
    ----------
    compat : {"none", "force"}
        ``force`` applies the rules of spec sections 8.1 to 8.5 alone.
    cloud_threshold : float
        0 to 1. Added to the clear surface's cloud probability under ``force``; otherwise a higher value asks for more
        evidence, 0.225 for an even chance.
    shadow_threshold : float
        Darkness from which on a pixel may be shadow, reflectance (``force``).
    cloud_buffer, cirrus_buffer, shadow_buffer, snow_buffer : float
        Metres.
    max_cloud_cover : float
        Percent of valid pixels that cloud and shadow may cover.
    block_rows : int
        Rows worked on at a time; has no effect on what comes out.
    """

    compat: Literal["none", "force"] = "none"
    cloud_threshold: float = 0.225
    shadow_threshold: float = 0.02
    cloud_buffer: float = 300.0
    cirrus_buffer: float = 0.0
    shadow_buffer: float = 90.0
    snow_buffer: float = 30.0
    max_cloud_cover: float = 75.0
    block_rows: int = 512

    @property
    def block(self) -> int:
        """Return the rows of a block: the next multiple that holds whole cells, for ten bands stand in memory."""
        return min(math.ceil(self.block_rows / BLOCK_MULTIPLE) * BLOCK_MULTIPLE, LARGEST_BLOCK)


@dataclass(frozen=True)
class MaskStatistics:
    """Counts of pixels. `obscured` has cloud of any state (buffers and cirrus too) or shadow."""

    pixels: int
    valid: int
    cloud: int
    """Confident cloud, without buffers."""
    shadow: int
    """With its buffer."""
    snow: int
    """With its buffer."""
    water: int
    obscured: int

    @property
    def data_cover(self) -> float:
        """Return valid pixels, percent of all (dc)."""
        return _percent(self.valid, self.pixels)

    @property
    def water_cover(self) -> float:
        """Return water, percent of valid pixels (wc)."""
        return _percent(self.water, self.valid)

    @property
    def snow_cover(self) -> float:
        """Return snow, percent of valid pixels (sc)."""
        return _percent(self.snow, self.valid)

    @property
    def cloud_cover(self) -> float:
        """Return cloud of any state or shadow, percent of valid pixels (cc)."""
        return _percent(self.obscured, self.valid)


@dataclass(frozen=True)
class Masks:
    """Where clouds, shadows, snow and water are.

    Parameters
    ----------
    flags : Scratch, uint16
        Quality bits 0 to 5 and 9 of the product (`quality`); 1 where there is no data.
    probability : Scratch, uint8
        Of cloud, 0 to 100; 255 where there is no data.
    statistics : MaskStatistics
    cancelled : bool
        Cloud and shadow cover more than `max_cloud_cover` allows.
    """

    flags: Scratch
    probability: Scratch
    statistics: MaskStatistics
    cancelled: bool

    def remove(self) -> None:
        """Remove the rasters from disk."""
        self.flags.remove()
        self.probability.remove()


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
