"""From enhancements to denoised enhancements, in sensor geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.plumes.detection.denoise import denoise_classes
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.layers import Layer, Layers, open_layers, write_layers


def denoise_fields(retrieval: Path, out: Path, options: Denoise) -> Outcome:
    """Denoise the enhancements of every gas, narrow window and combination.

    Raises
    ------
    InvalidInput
        Where the product can't be read or has no layer of one of its gases.
    NothingToProduce
        Where no gas has a valid pixel.
    """
    with open_layers(retrieval) as product:
        attributes = product.attributes
        gases = str(attributes.get("gases", "")).split()
        layers: list[Layer] = []
        quality: dict[str, Any] = {}
        for name in [f"{gas}{kind}" for gas in gases for kind in ("", "_comb")]:
            if name.endswith("_comb") and name not in product:
                continue
            layer, figures = _denoise_layer(product, name, options)
            if layer is not None:
                layers.append(layer)
            quality |= figures
    if not layers:
        raise NothingToProduce("no valid pixel of any gas to denoise")
    write_layers(out, layers, attributes)
    return Outcome(quality=quality)


def _denoise_layer(product: Layers, name: str, options: Denoise) -> tuple[Layer | None, dict[str, Any]]:
    """Return the denoised layer, None without a valid pixel, and its figures."""
    field = product.read(name)
    if not np.isfinite(field).any():
        return None, {}
    result, found = denoise_classes(
        field,
        _classes(product, field, options),
        options.weight,
        options.steps,
        invariant=options.estimate == "invariant",
    )
    weights = [one.weight for one in found.values()]
    attributes = {
        "weight": np.array(weights or [0.0]),
        "relative_weight": np.array([one.relative_weight for one in found.values()] or [0.0]),
        "classes": np.array(list(found) or [-1], dtype=np.int32),
        "method": f"total variation (Chambolle 2004), strength by held-out error, {options.estimate} estimate",
    }
    units = product.attributes_of(name).get("units", "mol m-2")
    figures = {f"{name}_relative_weight_{value}": one.relative_weight for value, one in found.items()}
    return Layer(f"{name}_denoise", result, units, f"{name} denoised", attributes=attributes), figures


def _classes(product: Layers, field: np.ndarray, options: Denoise) -> np.ndarray:
    """Return the classes that are denoised apart; one class where they are not asked for or too many."""
    if options.by_class != "off" and "segmentation" in product:
        classes = product.read("segmentation")
        if options.by_class == "on" or np.unique(classes[np.isfinite(field)]).size <= 2:
            return classes
    return np.zeros(field.shape, dtype=np.int16)
