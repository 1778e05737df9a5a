"""Options of the reference's geometry."""

from __future__ import annotations

from levelworks.core.options import Options, option


class ReferenceGeometry(Options):
    """The radar grid of a frame, and the ground under the reference's bursts."""

    lines: int = option(8, "lines between places whose ground is computed; fewer in steep terrain", ge=1, le=64)
    samples: int = option(32, "samples between places whose ground is computed", ge=1, le=256)
