"""Options of the elevation of a frame."""

from __future__ import annotations

from levelworks.core.options import Options, option


class PrepareDem(Options):
    """Elevation models to ellipsoidal heights around a frame."""

    margin: float = option(
        0.1, "around the frame's grid: mountains beside it fold into its range", unit="degrees", ge=0, le=1
    )
    geoid_height: float = option(
        0.0, "added to the model's heights, those of the geoid above the ellipsoid; 0 where they are ellipsoidal",
        unit="m", ge=-120, le=120, alias="geoid-height",
    )  # fmt: skip
    most_void: float = option(
        0.5, "share of the frame without heights above which it is refused; 0 m is taken in voids", ge=0, le=1,
        alias="most-void",
    )  # fmt: skip
