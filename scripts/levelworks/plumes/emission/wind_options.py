"""Options of the wind stage."""

from __future__ import annotations

from typing import Literal

from levelworks.core.options import Options, option

WindSource = Literal["ERA5", "GEOS-FP"]


class FindWind(Options):
    """Options of the wind stage."""

    sources: tuple[WindSource, ...] = option(("ERA5", "GEOS-FP"), "Sources to look in; each missing one is left out")
    preferred: Literal["ERA5", "GEOS-FP", "manual"] = option(
        "ERA5", "Source that emissions are reported for where it is there; a manual wind goes before it"
    )
    wind_speed_manual: float | None = option(
        None, "Wind speed at 10 m that a person gives; 0 is a value", unit="m/s", ge=0
    )
    wind_direction_manual: float | None = option(
        None, "Direction the manual wind comes from; none: that of the preferred source", unit="deg", ge=0, le=360
    )
    pressure_manual: float | None = option(
        None, "Surface pressure that a person gives; it replaces that of all sources", unit="Pa", gt=10000, le=110000
    )
    nodes: int = option(9, "Most nodes along rows and along columns at which winds are written", ge=2, le=257)
