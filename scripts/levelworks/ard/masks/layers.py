"""The rasters in which the masks are made."""

from __future__ import annotations

from dataclasses import dataclass

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
        """Remove the rasters that are of no further use."""
        for layer in (
            self.evidence,
            self.haze,
            self.moving,
            self.states,
            self.cloud,
            self.near_infrared,
            self.shortwave,
            self.water,
            self.kelvin,
            self.relief,
            self.counts,
            self.certainty,
        ):
            if layer is not None:
                layer.remove()
