"""Options of emission rates: of new plumes, and of plumes that people have edited."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OneOrMore, Options, option

Gas = Literal["ch4", "co2", "co", "no2"]
Sector = Literal[
    "",
    "Electricity Generation (1A1)",
    "Coal Mining (1B1a)",
    "Oil & Gas (1B2)",
    "Livestock (4B)",
    "Solid Waste (6A)",
    "Other",
]
SECTORS: tuple[str, ...] = Sector.__args__  # type: ignore[attr-defined]
"""Of the IPCC, as HyperGas lists them (specs/plumes.md 1.2); Solid Waste is an area source, all others are points."""
AREA_SECTORS = ("Solid Waste (6A)",)
Method = Literal["ime", "csf", "fetch", "carbon-mapper"]
METHODS: tuple[Method, ...] = ("ime", "csf", "fetch", "carbon-mapper")


class EmissionSettings(Options):
    """How an emission rate is made of a plume."""

    compat: Literal["none", "hypergas"] = option(
        "none", "hypergas: its constants, masses by local pressure, touched pixels, fetch lengths and effective winds"
    )
    methods: Annotated[list[Method], OneOrMore] = option(list(METHODS), "methods to apply to every plume")
    effective_wind: Literal["levelworks", "hypergas"] = option(
        "levelworks", "table of effective winds: fitted to this line's masks, or HyperGas's"
    )
    wspd_manual: float | None = option(
        None, "wind speed at 10 m that replaces all sources; 0 is a value", unit="m/s", ge=0
    )
    pressure_manual: float | None = option(
        None, "surface pressure that replaces that of the winds", unit="Pa", gt=10000, le=110000
    )
    draws: int = option(1000, "random draws of the percentiles of a rate", ge=100, le=1_000_000)

    @property
    def table(self) -> Literal["levelworks", "hypergas"]:
        """Return the table of effective winds that applies."""
        return "hypergas" if self.compat == "hypergas" else self.effective_wind


class Quantify(EmissionSettings):
    """Options of quantify."""

    scene: str = option("", "Level-2 name that products are named after; empty takes the granule's")
    gas: Annotated[list[Gas], OneOrMore] = option(["ch4", "co2", "co", "no2"], "gases, of those that have plumes")
    ipcc_sector: Sector = option("", "sector of the sources; Solid Waste takes the coefficients of area sources")
    name: str = option("", "name of the site")
    wind_source: Literal["auto", "ERA5", "GEOS-FP", "manual"] = option(
        "auto", "source of the reported rates; auto takes the preferred one of the wind stage"
    )
    land_only: bool = option(True, "background of land only, where a plume's source is on land")
    crop_margin: float = option(2500.0, "what Level 3 keeps about a plume", unit="m", ge=300)


class ReprocessPlumes(EmissionSettings):
    """Options of reprocess-plumes."""

    scene: str = option("", "Level-2 name that products are named after; empty keeps it")
    reprocess_nc: bool = option(True, "measure masks anew; else keep masses and lines, and take other winds only")
    wind_data: Literal["auto", "ERA5", "GEOS-FP", "manual"] = option(
        "auto", "source of the reported rates; auto keeps each plume's"
    )
