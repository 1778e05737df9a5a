"""Options of the geographic geometry of a frame."""

from __future__ import annotations

from levelworks.core.options import Options, option


class GeocodeGeometry(Options):
    """The lookup of a frame, its lines of sight, heights and land."""

    sea_level: float | None = option(
        None,
        "height above the ellipsoid at and below which a cell is water where there is no land mask; null: all is land",
        unit="m",
        alias="sea-level",
    )
