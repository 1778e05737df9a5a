"""The scene that plumes are quantified in: what it says of itself, and one gas with its background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.plumes.detection.detect_options import JOINING
from levelworks.plumes.emission.background_error import MovableBackground
from levelworks.plumes.emission.quantify_crop import WATER
from levelworks.plumes.emission.quantify_options import Quantify
from levelworks.plumes.layers import Layers
from levelworks.plumes.names import level3_name
from levelworks.plumes.scene import PLATFORMS

OUTLINE_ROWS = 9
"""Rows at which the outline of a scene is written."""


@dataclass(frozen=True)
class ViewedScene:
    """What a scene says of all its plumes."""

    name: str
    level3: str
    sensor: str
    start: datetime
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class GasField:
    """One gas of a scene with all its plumes."""

    gas: str
    layers: dict[str, np.ndarray]
    labels: np.ndarray
    water: np.ndarray
    backgrounds: dict[bool, MovableBackground] = field(default_factory=dict)

    def background(self, *, land: bool) -> MovableBackground:
        """Return the background, of land alone or of all pixels; made once."""
        if land not in self.backgrounds:
            usable = ~self.water if land else np.ones_like(self.water)
            self.backgrounds[land] = MovableBackground(self.layers["enhancement"], usable, self.labels > 0)
        return self.backgrounds[land]


def describe_scene(layers: Layers, masks: Layers, options: Quantify) -> ViewedScene:
    """Return what a retrieval says of its scene, and its masks of how pieces of plumes were joined.

    Raises
    ------
    NothingToProduce
        Where it is the empty product of a skipped or quarantined scene.
    InvalidInput
        Where it lacks the scene's id, sensor or start.
    """
    attributes = layers.attributes
    if attributes.get("outcome"):
        raise NothingToProduce(f"there is no retrieval: {attributes.get('reason', '')}")
    try:
        granule, sensor = str(attributes["scene"]), str(attributes["sensor"])
        start = datetime.fromisoformat(str(attributes["start_time"]))
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{layers.path} has no valid scene, sensor and start_time ({error})") from None
    if sensor not in PLATFORMS:
        raise InvalidInput(f"{layers.path}: {sensor!r} is none of {', '.join(PLATFORMS)}")
    level3 = options.scene.replace("L2", "L3", 1) if options.scene else level3_name(granule)
    joined = {name: value for name, value in masks.attributes.items() if name in JOINING}
    return ViewedScene(options.scene or granule, level3, sensor, start, attributes | joined)


def what_was_seen(layers: Layers, scene: ViewedScene) -> dict[str, Any]:
    """Return what was looked at: the outline runs along the outermost pixels with a place."""
    longitude, latitude = layers.read("longitude"), layers.read("latitude")
    known = np.isfinite(longitude) & np.isfinite(latitude)
    rows = np.flatnonzero(known.any(axis=1))
    rows = rows[np.unique(np.linspace(0, max(rows.size - 1, 0), min(rows.size, OUTLINE_ROWS)).astype(int))]
    left = [(row, int(np.argmax(known[row]))) for row in rows]
    right = [(row, known.shape[1] - 1 - int(np.argmax(known[row, ::-1]))) for row in rows]
    outline = [[round(float(longitude[place]), 6), round(float(latitude[place]), 6)] for place in left + right[::-1]]
    return {"scene": scene.name, "start_time": f"{scene.start:%Y-%m-%dT%H:%M:%SZ}", "outline": outline}


def read_field(layers: Layers, gas: str, labels: np.ndarray, path: Path) -> GasField:
    """Read one gas of a scene.

    Raises
    ------
    InvalidInput
        Where the mask of plumes has another shape.
    """
    enhancement = layers.read(gas).astype(float)
    if labels.shape != enhancement.shape:
        raise InvalidInput(f"{path} has {enhancement.shape} pixels of {gas}, the mask of its plumes {labels.shape}")
    nothing = np.full(enhancement.shape, np.nan)
    noise = next(
        (layers.read(name).astype(float) for name in (f"{gas}_unc_noise", f"{gas}_unc") if name in layers), nothing
    )
    water = (layers.read("quality") & WATER) > 0 if "quality" in layers else np.zeros(labels.shape, dtype=bool)
    found = {name: layers.read(name).astype(float) for name in ("pixel_area", "longitude", "latitude")}
    found |= {"enhancement": enhancement, "noise": noise, "usable": ~water}
    found["elevation"] = layers.read("elevation").astype(float) if "elevation" in layers else nothing
    return GasField(gas, found, labels, water)
