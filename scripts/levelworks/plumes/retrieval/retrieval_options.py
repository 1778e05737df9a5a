"""Options of absorption and retrieval."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from levelworks.core.options import OnOff, Options, option
from levelworks.plumes.units import DISPLAY_UNITS, from_molar

Gas = Literal["ch4", "co2", "co", "no2"]
Window = tuple[float, float]

NARROW: dict[str, list[Window]] = {
    "ch4": [(2110.0, 2450.0)],
    "co2": [(1930.0, 2200.0)],
    "co": [(2305.0, 2385.0)],
    "no2": [(400.0, 500.0)],
}
"""nm: the window of each gas's strong bands (specs/plumes.md 1.6)."""
WIDE: dict[str, list[Window]] = {gas: [(1300.0, 2500.0)] if gas != "no2" else [(400.0, 700.0)] for gas in NARROW}
"""nm."""
NEVER: list[Window] = [(1275.0, 1321.0), (1358.0, 1453.0), (1814.0, 1961.0)]
"""nm: where EMIT's order-sorting filter has a seam, and the bands of water vapour."""
STRONG = {"ch4": 1200.0}
"""In display units (specs/plumes.md 1.2): from there on a normal filter loses what a lognormal one keeps."""

HYPERGAS = {
    "primary": "narrow",
    "method": "hypergas-normal",
    "shrinkage": 0.0,
    "air_mass": "young",
    "destripe": "off",
}
"""What `compat: hypergas` sets where nothing else is asked for."""


class AbsorptionSettings(Options):
    """How absorption is tabulated."""

    compat: Literal["none", "hypergas"] = option(
        "none", "hypergas: one slope over HyperGas's concentrations, bands not weighted by sunlight"
    )
    ground: float | None = option(None, "ground elevation for a lookup table; null takes the scene's mean", unit="km")
    water_vapour: float | None = option(
        None, "water vapour for a lookup table; null takes the scene's, else 1.3", unit="g cm-2", ge=0
    )
    sensor_height: float = option(100.0, "height of the sensor for a lookup table", unit="km", gt=0)


class Absorption(AbsorptionSettings):
    """Options of `absorption`."""

    gases: list[Gas] = Field(["ch4"], description="gases whose absorption is tabulated")


class RetrieveSettings(Options):
    """How gases are retrieved."""

    compat: Literal["none", "hypergas"] = option("none", "hypergas: HyperGas's targets, air mass and statistics")
    method: Literal["lognormal", "normal", "albedo", "sparse", "auto", "hypergas-normal", "hypergas-lognormal"] = (
        option(
            "lognormal",
            "matched filter: of ln radiance, of radiance, of radiance with the surface's albedo, the iterative "
            "sparse one of mag1c, or HyperGas's; auto is normal, and lognormal in the pixels of strong enhancement",
        )
    )
    strong: dict[Gas, Annotated[float, Field(gt=0)]] = option(
        {},
        "enhancements from which method auto is lognormal, in a gas's display unit under standard pressure, over the "
        "default of 1200 ppb of ch4; gases without one stay normal",
    )
    primary: Literal["wide", "narrow"] = option(
        "wide", "window that enhancements, errors, plumes and emission rates come from"
    )
    windows: Literal["primary", "both"] = option("both", "both adds the other window and the combination of the two")
    narrow: dict[Gas, list[Window]] = option({}, "narrow windows by gas, over the defaults", unit="nm")
    wide: dict[Gas, list[Window]] = option({}, "wide windows by gas, over the defaults", unit="nm")
    excluded_bands: list[Window] = option(NEVER, "bands that are never used", unit="nm")
    detector_score: Annotated[Literal["off", "on"], OnOff] = option(
        "off", "add the adaptive cosine estimator (ACE), a detection score between 0 and 1"
    )
    classes: Literal["land-water", "clusters", "none"] = option("land-water", "pixels that share statistics")
    clusters: int = option(10, "clusters of like spectra, for classes: clusters", ge=2, le=64)
    water: Literal["skip", "own"] = option("skip", "leave water out, or give it statistics of its own")
    clouds: Literal["skip", "keep"] = option("skip", "leave clouds and cirrus out, or filter them too")
    columns_per_group: int | None = option(
        None, "detector columns that share a covariance; null takes as many as bands need", unit="px", ge=1
    )
    least_pixels: int = option(10, "background spectra below which a column is flagged", unit="px", ge=2)
    shrinkage: float | None = option(None, "towards no correlation between bands; null finds the likeliest", ge=0, le=1)
    air_mass: Literal["pixel", "young"] = option(
        "pixel", "path over vertical: 1/cos of each pixel's angles, or Young's of the scene's means"
    )
    destripe: Annotated[Literal["off", "on"], OnOff] = option(
        "on", "subtract the median of each detector column's background"
    )
    min_radiance: float = option(
        0.003, "spectra that fall below in any band are not filtered", unit="uW cm-2 sr-1 nm-1", gt=0
    )
    water_reflectance: float = option(0.05, "darker at 1000 nm is water", ge=0, le=1)
    cloud_reflectance: tuple[float, float, float] = option(
        (0.28, 0.46, 0.22), "brighter at 450, 1250 and 1650 nm is cloud"
    )
    cirrus_reflectance: float = option(0.1, "brighter at 1380 nm is cirrus", ge=0)
    flare_radiance: float = option(1.5, "brighter at 2390 nm may be a flare", unit="uW cm-2 sr-1 nm-1", gt=0)
    saturated_radiance: float = option(6.0, "brighter beyond 1945 nm is saturated", unit="uW cm-2 sr-1 nm-1", gt=0)
    block_columns: int = option(64, "detector columns read at a time; changes nothing but memory", unit="px", ge=1)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_peer(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("compat") == "hypergas":
            return {**HYPERGAS, **values}
        return values

    @model_validator(mode="after")
    def _check_windows(self) -> Self:
        for name in ("narrow", "wide"):
            for gas, windows in getattr(self, name).items():
                if not windows or any(low >= high for low, high in windows):
                    raise ValueError(f"{name}.{gas}: windows are pairs of wavelengths, the lower one first")
        return self

    def windows_of(self, gas: str, kind: Literal["narrow", "wide"]) -> list[Window]:
        """Return the windows of a gas (nm)."""
        asked = self.narrow if kind == "narrow" else self.wide
        return asked.get(gas) or (NARROW if kind == "narrow" else WIDE)[gas]  # type: ignore[call-overload]

    @property
    def filters(self) -> tuple[str, str]:
        """Return the method of all pixels and that of strong ones, which is empty where there is one method only."""
        if self.method != "auto":
            return self.method, ""
        return ("hypergas-normal", "hypergas-lognormal") if self.compat == "hypergas" else ("normal", "lognormal")

    def strong_column(self, gas: str) -> float:
        """Return the vertical column from which method auto is lognormal (mol m-2); infinite for gases without one."""
        amount = (STRONG | self.strong).get(gas, float("inf"))
        return amount / float(from_molar(DISPLAY_UNITS[gas]))


class Retrieve(RetrieveSettings):
    """Options of `retrieve` and `retrieve-again`."""

    gases: list[Gas] = Field(["ch4"], description="gases to retrieve")
