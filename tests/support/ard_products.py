"""Runs stages of the ard line, and reads back what `process-image` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from levelworks.ard.image_options import ProcessImage
from levelworks.ard.image_stage import Ancillary, process
from levelworks.ard.masks.quality import inflate
from levelworks.ard.products.layers import LAYERS
from levelworks.core.outcome import Outcome
from levelworks.core.stage import run, stages

ANCILLARY = tuple(field.name for field in fields(Ancillary))


@dataclass(frozen=True)
class Product:
    """The folder of an image and the outcome that it was written with."""

    folder: Path
    outcome: Outcome

    @property
    def names(self) -> list[str]:
        """Return the names of the layers, in the order of `LAYERS`."""
        return [name for name in LAYERS if (self.folder / f"{name}.tif").exists()]

    @property
    def quality(self) -> dict[str, Any]:
        """Return the figures of the outcome."""
        return self.outcome.quality

    @property
    def facts(self) -> dict[str, Any]:
        """Return ``image.json``."""
        found: dict[str, Any] = json.loads((self.folder / "image.json").read_text())
        return found

    @cached_property
    def bits(self) -> dict[str, np.ndarray]:
        """Return the fields of the quality bits by name."""
        return inflate(self.stored("QAI"))

    def stored(self, name: str) -> np.ndarray:
        """Return the whole numbers of a layer, (bands, rows, columns), or (rows, columns) where it has one band."""
        with rasterio.open(self.folder / f"{name}.tif") as file:
            values = file.read()
        return values[0] if values.shape[0] == 1 else values

    def band(self, band: str, layer: str = "BOA") -> np.ndarray:
        """Return a band of reflectance, or of its uncertainty, as numbers; NaN where there is no data."""
        with rasterio.open(self.folder / f"{layer}.tif") as file:
            values = file.read(file.descriptions.index(band) + 1)
        return np.where(values == -9999, np.nan, values * 1e-4).astype(np.float32)

    def bytes(self) -> dict[str, bytes]:
        """Return the content of every file of layers."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.glob("*.tif"))}


def make(image: Path, folder: Path, *, dem: Path | None = None, **settings: Any) -> Product:
    """Process an image into a folder; what goes with an image and options by their names."""
    files = {name: settings.pop(name) for name in ANCILLARY if name in settings}
    options = ProcessImage.model_validate({name.replace("_", "-"): value for name, value in settings.items()})
    return Product(folder, process(image, Ancillary(dem=dem, **files), folder, options))


def run_stage(stage: str, settings: dict[str, Any] | None = None, **files: Path | list[Path]) -> Outcome:
    """Run a stage by its contract; options by their keys."""
    found = stages("ard")[stage]
    given = {name: one if isinstance(one, list) else [one] for name, one in files.items()}
    return run(found, given, found.options.model_validate(settings or {}))
