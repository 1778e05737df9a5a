"""Options of the reference's geometry."""

from __future__ import annotations

from levelworks.core.options import Options, option


class ReferenceGeometry(Options):
    """The radar grid of a frame, and the ground under the reference's bursts."""

    lines: int = option(8, "lines between places whose ground is computed, at most", ge=1, le=64)
    samples: int = option(32, "samples between places whose ground is computed, at most", ge=1, le=256)
    height_tolerance: float = option(
        1.0,
        "height by which terrain may bend between places before they are halved, down to 2 lines and 8 samples",
        unit="m",
        gt=0,
        alias="height-tolerance",
    )
