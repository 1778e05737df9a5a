"""Which layers of a scene are drawn, in what order, and with which colours and limits (specs/plumes.md 1.15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from levelworks.core.plots import Limits, robust_limits
from levelworks.plumes.units import GAS_NAMES, GASES, from_molar

Kind = Literal["rgb", "radiance", "gas", "denoised", "mask"]

VARIANTS = ("", "_comb", "_denoise", "_comb_denoise", "_mask")
COLOURS: dict[Kind, str] = {"radiance": "viridis", "gas": "plasma", "denoised": "plasma", "mask": "tab20c", "rgb": ""}
USUAL_TOP = {"ch4": (300.0, "ppb"), "co2": (10.0, "ppm"), "no2": (80.0, "umol m-2")}
"""Upper end of a gas's colours, and its unit; CO has none and takes the 99th percentile."""
LEAST_MASK = 5
"""Plumes of so many pixels or fewer are not drawn."""
FORMULAS = {"ch4": "CH₄", "co2": "CO₂", "co": "CO", "no2": "NO₂"}
WORDS = {
    "": "enhancement",
    "_comb": "enhancement, windows combined",
    "_denoise": "enhancement, denoised",
    "_comb_denoise": "enhancement, windows combined, denoised",
    "_mask": "plumes",
}


@dataclass(frozen=True)
class PictureLayer:
    """One layer as it is drawn: the variable, what it is in words, how it is coloured."""

    variable: str
    title: str
    kind: Kind
    gas: str = ""

    @property
    def opacity(self) -> float:
        """Return the opacity on maps."""
        return 0.9 if self.kind == "rgb" else 0.7


def layers_of(names: Sequence[str], gases: Sequence[str]) -> list[PictureLayer]:
    """Return the layers to draw of a file's variables: true colours, radiance, then each gas in all its variants.

    Parameters
    ----------
    gases : sequence of str
        ``all``, or those asked for.
    """
    layers = [
        PictureLayer("rgb", "true colours", "rgb"),
        PictureLayer("radiance_2100", "radiance at 2100 nm", "radiance"),
    ]
    for gas in GASES:
        if "all" not in gases and gas not in gases:
            continue
        for variant in VARIANTS:
            kind: Kind = "mask" if variant == "_mask" else "denoised" if variant.endswith("denoise") else "gas"
            layers.append(PictureLayer(gas + variant, f"{FORMULAS[gas]} {WORDS[variant]}", kind, gas))
    return [one for one in layers if one.variable in names]


def shown_first(layers: Sequence[PictureLayer]) -> str:
    """Return the one variable that a map shows when it opens: a gas, denoised where there is such a layer."""
    present = {one.variable for one in layers}
    gas = next((one.gas for one in layers if one.gas), "")
    for variant in ("_comb_denoise", "_denoise", "_comb", ""):
        if gas and gas + variant in present:
            return gas + variant
    return layers[0].variable if layers else ""


def limits_of(layer: PictureLayer, values: np.ndarray, units: str, vmax: Mapping[str, float]) -> Limits:
    """Return the colour limits of a layer of numbers.

    Plain enhancements run from 0 to the gas's usual top, denoised ones from their mean to the 99th percentile,
    radiance from the 1st to the 99th percentile.

    Parameters
    ----------
    values : ndarray
        In ``units``; not a number where there is none.
    vmax : mapping
        Upper ends that a person asks for, by gas, in ``units``.
    """
    finite = values[np.isfinite(values)]
    if layer.kind == "radiance" or not finite.size:
        return robust_limits(finite, 1, 99)
    high = vmax.get(layer.gas)
    if layer.kind == "denoised":
        low = float(finite.mean())
        top = high if high is not None else float(np.percentile(finite, 99))
        return (low, top) if top > low else robust_limits(finite, 0, 100)
    if high is None:
        high = usual_top(layer.gas, units)
    if high is None:
        high = max(float(np.percentile(finite, 99)), 0.0) or 1.0
    return 0.0, high


def usual_top(gas: str, units: str) -> float | None:
    """Return the usual upper end of a gas's colours in some units; None where the gas has none or units are others."""
    if gas == "ch4" and units == "ppm m":
        return 2400.0
    if gas not in USUAL_TOP or units not in ("ppm m", "ppb", "ppm", "umol m-2", "mol m-2"):
        return None
    top, own = USUAL_TOP[gas]
    return float(f"{top * float(from_molar(units)) / float(from_molar(own)):.3g}")  # type: ignore[arg-type]


def large_plumes(mask: np.ndarray) -> np.ndarray:
    """Return a label image without background and plumes of few pixels: labels from 1 on, else 0."""
    labels = np.where(mask > 0, mask, 0).astype(np.int64)
    counts = np.bincount(labels.ravel())
    return np.where(counts[labels] > LEAST_MASK, labels, 0)


def gas_of(variable: str) -> str:
    """Return the gas that a variable is of; empty where it is of none."""
    head = variable.partition("_")[0]
    return head if head in GAS_NAMES else ""


def written_unit(units: str) -> str:
    """Return a unit as people read it."""
    raised = {"-1": "⁻¹", "-2": "⁻²", "-3": "⁻³"}
    for plain, sign in raised.items():
        units = units.replace(plain, sign)
    return units.replace("umol", "µmol").replace("uW", "µW").replace("um", "µm")
