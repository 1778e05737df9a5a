"""Options of the elevation of a frame."""

from __future__ import annotations

from typing import Literal

from levelworks.core.options import Options, option


class PrepareDem(Options):
    """Elevation models to ellipsoidal heights around a frame."""

    margin: float = option(
        0.15,
        "around the frame's grid: at the least incidence of 29 degrees, peaks of 9 km fold in from as far",
        unit="degrees",
        ge=0,
        le=1,
    )
    step: float | None = option(
        None,
        "from height to height; null: the model's own where it is 1/3600 or coarser, else that",
        unit="degrees",
        gt=0,
        le=0.1,
    )
    geoid_height: float = option(
        0.0,
        "added to the model's heights where no raster of the geoid is named: the geoid's height above the ellipsoid; "
        "0 where they are ellipsoidal",
        unit="m",
        ge=-120,
        le=120,
        alias="geoid-height",
    )
    void: Literal["sea-level", "interpolate", "refuse"] = option(
        "sea-level",
        "where the model has no height: 0 m above the geoid, heights from the edges of the void, or no product",
    )
    most_void: float = option(
        0.5, "share of the frame without heights above which it is refused", ge=0, le=1, alias="most-void"
    )
