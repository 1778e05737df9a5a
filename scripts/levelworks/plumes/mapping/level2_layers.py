"""The layers of a Level-2 product: HyperGas' variables with their attributes, and ours (specs/plumes.md 1.13, 6.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.plumes.emission.wind_files import Winds, read_wind
from levelworks.plumes.layers import Layer, Layers, open_layers
from levelworks.plumes.mapping.angles import relative_azimuth, sun_glint_angle
from levelworks.plumes.mapping.orthorectify import AreaWeights, PixelMap
from levelworks.plumes.units import (
    DISPLAY_UNITS,
    GAS_NAMES,
    HYPERGAS_COLUMN,
    STANDARD_PRESSURE,
    Unit,
    from_molar,
    standard_pressure,
)

HYPERGAS_SCALE_HEIGHT = 8000.0
"""Metres of air at one pressure by which HyperGas turns ppm into ppm m (specs/plumes.md 1.6)."""
ANGLES = {
    "sza": ("sun_zenith", "solar_zenith_angle"),
    "saa": ("sun_azimuth", "solar_azimuth_angle"),
    "vza": ("view_zenith", "sensor_zenith_angle"),
    "vaa": ("view_azimuth", "sensor_azimuth_angle"),
}
"""HyperGas' names: our layer, CF's standard name."""
QUALITY_PLANES = {"water": 4, "cloud": 1, "cirrus": 2, "invalid": 7}
"""Planes of HyperGas' quality mask: the bits of ours that they gather."""
OUTSIDE = 512
"""Quality bit of cells without a pixel."""
NO_CLASS, NO_PLANE = -1, 255
COLUMN_KINDS = {
    "": "",
    "_comb": "narrow and wide window combined",
    "_denoise": "denoised",
    "_comb_denoise": "narrow and wide window combined, denoised",
    "_unc": "standard uncertainty",
    "_unc_noise": "standard uncertainty by instrument noise",
    "_unc_clutter": "standard uncertainty by surface clutter",
    "_detlim": "detection limit",
}
"""Suffixes of layers in units of a column, and what they are."""


@dataclass(frozen=True)
class Sources:
    """The products that a Level-2 file is made from, open."""

    retrieval: Layers
    denoised: Layers | None = None
    labels: Layers | None = None
    winds: Winds | None = None

    @property
    def gases(self) -> list[str]:
        """Return the gases of the retrieval."""
        return str(self.retrieval.attributes.get("gases", "")).split()

    def holder(self, name: str) -> Layers | None:
        """Return the product that has a layer; None where none has."""
        return next((one for one in (self.denoised, self.labels, self.retrieval) if one and name in one), None)


def open_sources(
    stack: ExitStack, retrieval: Path, denoised: Path | None, labels: Path | None, wind: Path | None
) -> Sources:
    """Open the products of a scene; those of skipped stages have no layers and count as absent."""
    return Sources(
        stack.enter_context(open_layers(retrieval)),
        stack.enter_context(open_layers(denoised)) if denoised else None,
        stack.enter_context(open_layers(labels)) if labels else None,
        read_wind(wind) if wind else None,
    )


@dataclass(frozen=True)
class Columns:
    """How columns in mol m-2 are written.

    Parameters
    ----------
    units : str
        ``display`` or a unit of `levelworks.plumes.units.from_molar`.
    compat : str
        ``hypergas`` takes its fixed column of air.
    pressure : ndarray or float
        At the surface of each cell of the map, Pa.
    """

    units: str = "display"
    compat: str = "none"
    pressure: np.ndarray | float = STANDARD_PRESSURE

    def unit(self, gas: str) -> Unit:
        """Return the unit of a gas."""
        return DISPLAY_UNITS[gas] if self.units == "display" else self.units  # type: ignore[return-value]

    def factor(self, gas: str) -> np.ndarray | float:
        """Return what to multiply mol m-2 by."""
        unit = self.unit(gas)
        fixed = {"ppm": 1.0, "ppb": 1e3, "ppm m": HYPERGAS_SCALE_HEIGHT}
        if self.compat == "hypergas" and unit in fixed:
            return HYPERGAS_COLUMN * fixed[unit]
        return from_molar(unit, self.pressure)


@dataclass(frozen=True)
class Placed:
    """A scene on the map.

    Parameters
    ----------
    origin : str
        Where the positions are from.
    winds : mapping of str to ndarray
        See `winds_on_map`.
    common : mapping
        Attributes that every layer of the scene gets.
    """

    pixel_map: PixelMap
    weights: AreaWeights | None = None
    origin: str = "pixel positions"
    winds: Mapping[str, np.ndarray] = field(default_factory=dict)
    common: Mapping[str, Any] = field(default_factory=dict)

    def continuous(self, layer: np.ndarray) -> np.ndarray:
        """Return radiance or a column on the map, float32."""
        if self.weights is not None:
            return self.weights.average(layer)
        return self.pixel_map.take(layer.astype(np.float32, copy=False), np.nan)


def level2_layers(sources: Sources, placed: Placed, columns: Columns) -> Iterator[Layer]:
    """Yield the layers of a Level-2 product one by one, on the map; what the sources lack is left out.

    Parameters
    ----------
    sources : Sources
        Products of one scene.
    placed : Placed
        Where its pixels are.
    columns : Columns
        Units of enhancements.
    """
    yield from _wind_layers(placed)
    yield from _scene_layers(sources, placed)
    yield from _angle_layers(sources.retrieval, placed)
    for gas in sources.gases:
        yield from _gas_layers(gas, sources, placed, columns)


def surface_pressure(sources: Sources, placed: Placed) -> tuple[np.ndarray, str]:
    """Return the pressure (Pa) at the surface of each cell and where it is from.

    That of the preferred wind source, else of the first that has one, else of the U.S. Standard Atmosphere at the
    pixel's elevation.
    """
    pixel_map = placed.pixel_map
    preferred = sources.winds.preferred if sources.winds is not None else ""
    for name in sorted(placed.winds, key=lambda one: one != preferred):
        pressure = placed.winds[name][2]
        if np.isfinite(pressure[pixel_map.shown]).all():
            return pressure, name
    if "elevation" not in sources.retrieval:
        return np.full(pixel_map.grid.shape, STANDARD_PRESSURE), "standard pressure at sea level"
    elevation = pixel_map.take(sources.retrieval.read("elevation").astype(np.float64), 0.0)
    return standard_pressure(np.nan_to_num(elevation)), "U.S. Standard Atmosphere at the pixel's elevation"


def winds_on_map(winds: Winds | None, pixel_map: PixelMap) -> dict[str, np.ndarray]:
    """Return u, v (m s-1) and pressure (Pa) of each source on the map, float32, (3, map rows, map columns)."""
    if winds is None:
        return {}
    rows, columns = (np.arange(size, dtype=np.float64) for size in pixel_map.shape)
    fields = {name: winds.at(name, rows[:, np.newaxis], columns[np.newaxis]) for name in winds.sources}
    return {name: pixel_map.take(np.stack(one).astype(np.float32), np.nan) for name, one in fields.items()}


def _wind_layers(placed: Placed) -> Iterator[Layer]:
    described = (
        ("u10", "m s-1", "eastward wind at 10 m", "eastward_wind"),
        ("v10", "m s-1", "northward wind at 10 m", "northward_wind"),
        ("sp", "Pa", "surface pressure", "surface_air_pressure"),
    )
    for number, (name, units, meaning, standard) in enumerate(described if placed.winds else ()):
        data = np.stack([one[number] for one in placed.winds.values()])
        yield Layer(name, data, units, meaning, "source", {"standard_name": standard})


def _scene_layers(sources: Sources, placed: Placed) -> Iterator[Layer]:
    retrieval, pixel_map = sources.retrieval, placed.pixel_map
    if "rgb" in retrieval:
        comment = "0 where there is no pixel"
        colours = pixel_map.take(retrieval.read("rgb"), 0)
        yield Layer("rgb", colours, "1", "true colours", "bands", {**placed.common, "comment": comment})
    if "quality" in retrieval:
        quality = retrieval.read("quality")
        planes = np.stack([(quality & bits) > 0 for bits in QUALITY_PLANES.values()]).astype(np.uint8)
        words = {"flag_values": np.array([0, 1], np.uint8), "flag_meanings": "no yes", "_FillValue": NO_PLANE}
        on_map = pixel_map.take(planes, NO_PLANE)
        yield Layer("quality_mask", on_map, "1", "quality mask", "quality_flag", {**placed.common, **words})
        flags = {**retrieval.attributes_of("quality"), **placed.common}
        yield Layer("quality", pixel_map.take(quality, OUTSIDE), "1", "quality flags", attributes=_plain(flags))
    if "segmentation" in retrieval:
        classes = pixel_map.take(retrieval.read("segmentation").astype(np.int16), NO_CLASS)
        words = {**retrieval.attributes_of("segmentation"), **placed.common, "_FillValue": NO_CLASS}
        yield Layer("segmentation", classes, "1", "class of the statistics", attributes=_plain(words, keep_fill=True))
    if "radiance_2100" in retrieval:
        radiance = placed.continuous(retrieval.read("radiance_2100"))
        found = retrieval.attributes_of("radiance_2100")
        words = {**_plain(found), **placed.common, "standard_name": "toa_outgoing_radiance_per_unit_wavelength"}
        units = found.get("units", "uW cm-2 sr-1 nm-1")
        yield Layer("radiance_2100", radiance, units, "radiance near 2100 nm", attributes=words)


def _angle_layers(retrieval: Layers, placed: Placed) -> Iterator[Layer]:
    have = {name: retrieval.read(layer) for name, (layer, _) in ANGLES.items() if layer in retrieval}
    found: dict[str, tuple[np.ndarray, str]] = {name: (have[name], ANGLES[name][1]) for name in have}
    if {"saa", "vaa"} <= have.keys():
        relative = relative_azimuth(have["saa"], have["vaa"])
        found["raa"] = relative, "relative_azimuth_angle"
        if {"sza", "vza"} <= have.keys():
            found["sga"] = sun_glint_angle(have["sza"], have["vza"], relative), "sun_glint_angle"
    for name, (values, standard) in found.items():
        data = placed.pixel_map.take(values.astype(np.float32), np.nan)
        attributes = {**placed.common, "standard_name": standard}
        yield Layer(name, data, "degrees", standard.replace("_", " "), attributes=attributes)


def _gas_layers(gas: str, sources: Sources, placed: Placed, columns: Columns) -> Iterator[Layer]:
    factor, unit = columns.factor(gas), columns.unit(gas)
    standard = f"{GAS_NAMES[gas]}_enhancement"
    for suffix, kind in COLUMN_KINDS.items():
        name = f"{gas}{suffix}"
        holder = sources.holder(name)
        if holder is None:
            continue
        data = (placed.continuous(holder.read(name)) * factor).astype(np.float32)
        words = _plain(holder.attributes_of(name))
        matched = sources.retrieval.attributes_of(gas).get("matched_filter", "normal matched filter")
        attributes = {
            **words,
            **placed.common,
            "standard_name": standard,
            "matched_filter": matched,
            "description": _describe(gas, kind, words, sources, placed),
        }
        yield Layer(name, data, unit, f"{standard}{', ' if kind else ''}{kind}", attributes=attributes)
    if f"{gas}_sens" in sources.retrieval:
        data = placed.continuous(sources.retrieval.read(f"{gas}_sens"))
        attributes = {**_plain(sources.retrieval.attributes_of(f"{gas}_sens")), **placed.common}
        yield Layer(f"{gas}_sens", data, "1", f"{standard}, sensitivity", attributes=attributes)
    mask = sources.holder(f"{gas}_mask")
    if mask is not None:
        data = placed.pixel_map.take(mask.read(f"{gas}_mask").astype(np.int32), 0)
        words = {**placed.common, "description": "0 background, 1 to N plumes"}
        yield Layer(f"{gas}_mask", data, "1", f"{standard}, plumes", attributes=words)


def _describe(gas: str, kind: str, words: Mapping[str, Any], sources: Sources, placed: Placed) -> str:
    """Return HyperGas' sentence on a layer: window, denoising, orthorectification."""
    window = sources.retrieval.attributes_of(gas).get("window_nm")
    parts = [f"{GAS_NAMES[gas].replace('_', ' ')} enhancement"]
    if window is not None:
        ends = "-".join(f"{float(one):g}" for one in np.atleast_1d(window)) if not isinstance(window, str) else window
        parts.append(f"retrieved in {ends} nm")
    if kind:
        parts.append(kind)
    if "denoised" in kind and "weight" in words:
        weights = ", ".join(f"{float(one):.4g}" for one in np.atleast_1d(words["weight"]))
        parts.append(f"total variation of weight {weights}")
    return "; ".join([*parts, f"orthorectified by {placed.origin}"])


def _plain(attributes: Mapping[str, Any], *, keep_fill: bool = False) -> dict[str, Any]:
    """Return the attributes of a layer without those that the writer sets."""
    own = {"units", "long_name", "units_display"} | (set() if keep_fill else {"_FillValue"})
    return {name: value for name, value in attributes.items() if name not in own}
