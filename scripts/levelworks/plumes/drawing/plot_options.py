"""Options of the stages that draw: quicklooks and the map of a scene, pictures of plumes, maps of many scenes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from levelworks.core.options import OneOrMore, Options, option
from levelworks.plumes.units import GASES

BaseLayer = Literal["esri", "google", "osm"]
OneOrMoreGases = Annotated[list[str], OneOrMore]


def _known(gases: list[str]) -> None:
    wrong = [one for one in gases if one not in ("all", *GASES)]
    if wrong:
        raise ValueError(f"gases are all, {', '.join(GASES)}; got {', '.join(wrong)}")


class PlotScene(Options):
    """Options of `plot-scene`."""

    gases: OneOrMoreGases = option(["all"], "gases that are drawn: all, or some of ch4, co2, co, no2")
    vmax: dict[str, float] = option(
        {}, "upper end of a gas's colours in the units of Level 2; those left out take the usual one of their gas"
    )
    long_side: int = option(2048, "longest side of a map overlay", unit="pixel", ge=64, le=8192)
    figures: bool = option(True, "draw a figure with title, colour bar and scale beside each overlay")
    base_layers: list[BaseLayer] = option(
        [], "background maps of the page; all come from the network: esri, google, osm"
    )
    inline_kb: int = option(0, "overlays up to this size stand in the page itself; others beside it", unit="kB", ge=0)
    pad: float | None = option(
        None, "half width of a second set of pictures about a point; null draws none", unit="degree", gt=0, le=10
    )
    longitude_zoom: float | None = option(
        None, "longitude of that point; null takes the source of the largest plume", unit="degree", ge=-180, le=360
    )
    latitude_zoom: float | None = option(None, "latitude of that point", unit="degree", ge=-90, le=90)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(self.gases)
        _known(list(self.vmax))
        if any(not value > 0 for value in self.vmax.values()):
            raise ValueError("vmax must be above 0")
        if (self.longitude_zoom is None) != (self.latitude_zoom is None):
            raise ValueError("longitude_zoom and latitude_zoom go together")
        if self.longitude_zoom is not None and self.pad is None:
            raise ValueError("a zoom needs pad, the half width of its box")
        return self


class MapScenes(Options):
    """Options of `map-scenes`."""

    name: str = option("", "first part of the pages' names; empty takes the name of the folder they are written to")
    chunk: int = option(5, "scenes of one page; 0 puts all on one", unit="scenes", ge=0)
    gases: OneOrMoreGases = option(["all"], "gases whose layers are offered: all, or some of ch4, co2, co, no2")
    base_layers: list[BaseLayer] = option(
        [], "background maps of the pages; all come from the network: esri, google, osm"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(self.gases)
        if any(one in self.name for one in "/\\\0") or self.name.startswith("."):
            raise ValueError("name becomes a file name: no slash, and no dot in front")
        return self


class PlotPlume(Options):
    """Options of `plot-plume`."""

    plot_csf: bool = option(True, "draw the cross sections and the rate through each of them")
    plot_cm: bool = option(False, "draw the mask after Carbon Mapper in a panel of its own")
    minimal: bool = option(False, "draw the enhancement and the source only: no title, colour bar, wind or scale")
    full_field: bool = option(False, "draw the enhancement in all of the frame, not only in the plume")
    base: Literal["rgb", "grey", "none"] = option("grey", "what lies below: the scene's colours, in grey, or nothing")
    pad: float | None = option(
        None, "half width of the frame about the source; null fits the plume", unit="degree", gt=0, le=10
    )
    vmax: dict[str, float] = option(
        {}, "upper end of a gas's colours in the units of the file; those left out take the plume's 99th percentile"
    )
    plot_markers: bool = option(False, "mark the sources of the scene's other plumes too")
    page: bool = option(True, "write a page with a map of every plume")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known(list(self.vmax))
        if any(not value > 0 for value in self.vmax.values()):
            raise ValueError("vmax must be above 0")
        return self
