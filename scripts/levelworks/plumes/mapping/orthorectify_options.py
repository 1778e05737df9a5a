"""Options of the stage that puts a scene on the map and writes its Level-2 product."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from levelworks.core.options import Options, option

Method = Literal["auto", "geolocation", "glt", "rpc", "gcp"]
DisplayUnit = Literal["display", "ppm m", "ppb", "ppm", "umol m-2", "mol m-2"]


class Orthorectify(Options):
    """Options of `orthorectify`."""

    method: Method = option(
        "auto",
        "geolocation places pixels by their own positions, glt by EMIT's lookup table, rpc by polynomials and heights, "
        "gcp by control points; auto takes gcp where there are points, rpc for EnMAP with a granule, else geolocation",
    )
    resolution: float | None = option(
        None, "cell of the map; null takes 60 for EMIT, 30 for EnMAP and PRISMA", unit="m", ge=1, le=10000
    )
    weighting: Literal["nearest", "area"] = option(
        "nearest", "area averages radiance and enhancements by exact overlap; flags, classes and angles stay nearest"
    )
    units: DisplayUnit = option(
        "display", "of enhancements; display is ppb for CH4, CO and NO2, and ppm for CO2, by local surface pressure"
    )
    compat: Literal["none", "hypergas"] = option(
        "none", "hypergas takes 2900 mol of air m-2 per 1000 everywhere, as HyperGas does whatever the pressure"
    )
    gcp_order: Literal[1, 2, "thin-plate"] = option(1, "degree of the polynomial through control points, or a spline")
    largest_residual: float = option(
        90.0, "root mean square miss of control points from which a warning is given", unit="m", gt=0
    )
    largest_shift: float = option(300.0, "greatest shift to the reference image along an axis", unit="m", gt=0)
    least_correlation: float = option(
        0.3, "correlation of the edges with the reference image below which the scene is not shifted", ge=0, le=1
    )
    dem_buffer: float = option(0.01, "heights are read this far around the scene", unit="degree", ge=0, le=1)
    geoid: float = option(
        0.0, "height of the geoid above the ellipsoid, added to the elevation model; plumes.geoid is a raster", unit="m"
    )
    cog_layers: list[str] | None = option(
        None, "layers that become GeoTIFFs; null takes each gas's own, the mask, quality, radiance and colours"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.weighting == "area" and self.method in ("glt", "rpc"):
            raise ValueError(f"weighting is area: method {self.method} has no pixel outlines; take geolocation or gcp")
        return self
