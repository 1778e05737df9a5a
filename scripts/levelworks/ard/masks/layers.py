"""The rasters in which the masks are made."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from levelworks.ard.masks.inputs import Inputs
from levelworks.ard.scratch import Scratch


@dataclass(frozen=True)
class Layers:
    """Rasters that the passes share."""

    flags: Scratch
    evidence: Scratch
    haze: Scratch
    moving: Scratch | None
    lift: Scratch | None
    probability: Scratch
    states: Scratch
    cloud: Scratch
    near_infrared: Scratch
    shortwave: Scratch
    water: Scratch
    kelvin: Scratch | None
    relief: Scratch | None
    counts: Scratch
    certainty: Scratch

    @classmethod
    def create(cls, inputs: Inputs) -> Layers:
        """Make the rasters."""
        make, cells = inputs.scratch, inputs.cells
        half = inputs.grid.coarser(2).shape
        return cls(
            make("mask-flags", np.uint16),
            make("mask-evidence", np.int8),
            make("mask-haze", np.uint8),
            make("mask-moving", np.int8, half) if inputs.has_parallax else None,
            make("mask-lift", np.uint16, cells) if inputs.has_parallax else None,
            make("mask-probability", np.uint8),
            make("mask-states", np.uint8),
            make("mask-cloud", np.uint8),
            make("mask-near-infrared", np.uint16, cells),
            make("mask-shortwave", np.uint16, cells),
            make("mask-water", np.uint8, cells),
            make("mask-kelvin", np.uint16, cells) if inputs.has_temperature else None,
            make("mask-relief", np.int16, cells) if inputs.elevation is not None else None,
            make("mask-counts", np.uint8, cells),
            make("mask-certainty", np.uint8, cells),
        )

    def remove(self) -> None:
        """Remove all rasters but the flags and the probability, which are of further use."""
        for name in fields(self):
            layer = getattr(self, name.name)
            if layer is not None and layer not in (self.flags, self.probability):
                layer.remove()
