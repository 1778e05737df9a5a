"""Options of the revisit table."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OneOrMore, Options, option


class Revisit(Options):
    """Options of revisit."""

    radius: float = option(500.0, "plumes whose sources lie within it of each other are of one site", unit="m", gt=0)
    site_radius: float = option(1500.0, "farthest that a plume may lie from a named site", unit="m", gt=0)
    gases: Annotated[list[Literal["ch4", "co2", "co", "no2"]], OneOrMore] = option(
        ["ch4", "co2", "co", "no2"], "gases that count, each with sites of its own"
    )
    method: Literal["ime", "csf", "fetch"] = option("ime", "method whose rates are averaged")
    most_uncertain: float | None = option(
        None, "largest uncertainty of a rate that is averaged, in the rate itself", gt=0
    )
