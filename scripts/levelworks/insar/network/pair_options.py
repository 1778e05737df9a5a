"""Options of the choice of pairs."""

from __future__ import annotations

from levelworks.core.options import Options, option


class Pairs(Options):
    """Which pairs are formed; every date only looks back, so that a later one adds pairs and changes none."""

    neighbours: int = option(4, "earlier dates that each date is paired with, the nearest", ge=1, le=50)
    longest: int = option(180, "of pairs of neighbours", unit="days", ge=1)
    seasons: list[int] = option(
        [3, 6, 12],
        "months back, at which dates of a season month take the pair of least perpendicular baseline; [] for none",
    )
    season_months: list[int] = option(
        [3, 6, 9, 12], "months of the year whose dates take seasonal pairs", alias="season-months"
    )
    season_tolerance: int = option(
        18, "by which a seasonal pair may differ from its span", unit="days", ge=0, alias="season-tolerance"
    )
    longest_connection: int = option(
        400, "of pairs that connect parts of the network", unit="days", ge=1, alias="longest-connection"
    )
    excluded: list[str] = option([], "pairs YYYYMMDD_YYYYMMDD that are never formed")
