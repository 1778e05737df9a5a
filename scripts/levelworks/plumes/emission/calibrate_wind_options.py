"""Options of the calibration of effective winds."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OneOrMore, Options, option


class CalibrateWind(Options):
    """Options of calibrate-wind."""

    sensors: Annotated[list[Literal["EMIT", "EnMAP", "PRISMA"]], OneOrMore] = option(
        ["EMIT", "EnMAP", "PRISMA"], "sensors to calibrate for"
    )
    kinds: Annotated[list[Literal["point", "area"]], OneOrMore] = option(["point", "area"], "kinds of sources")
    plumes: int = option(100, "simulated plumes for each sensor and kind", ge=5, le=10000)
    slowest: float = option(1.0, "lowest wind at 10 m", unit="m/s", gt=0)
    fastest: float = option(10.0, "highest wind at 10 m", unit="m/s", gt=0)
    weakest: float = option(1.0, "lowest emission rate of methane", unit="t/h", gt=0)
    strongest: float = option(30.0, "highest emission rate of methane", unit="t/h", gt=0)
    noise: dict[Literal["EMIT", "EnMAP", "PRISMA"], float] = option(
        {"EMIT": 0.01, "EnMAP": 0.02, "PRISMA": 0.035}, "noise of a pixel as a share of 10 g m-2 of methane", unit="1"
    )
    clutter: float = option(0.3, "correlated part of the noise, in its standard deviation", unit="1", ge=0, le=1)
    logarithm: bool = option(False, "fit a term in the logarithm of the wind too")
    seed: int = option(20240, "of the ensemble; tests use others", ge=0)
