"""How near an image's products come to the truth of a simulated scene, as specification section 26 counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

from levelworks.ard.masks.quality import inflate
from levelworks.ard.sensors import SENSORS
from levelworks.ard.simulation.ground_spectra import Cover
from levelworks.ard.simulation.truth import SURFACE_STEP, SimulatedScene

BRIGHT = (Cover.BARE_SOIL, Cover.BRIGHT_SOIL)


@dataclass(frozen=True)
class BandAccuracy:
    """Of a band's clear pixels: mean error A, root mean square error U, share within 0.005 + 0.05 rho."""

    bias: float
    uncertainty: float
    within: float


@dataclass(frozen=True)
class MaskAccuracy:
    """Of a mask: overall, producer's (recall) and user's (precision) accuracy."""

    overall: float
    producer: float
    user: float


@dataclass(frozen=True)
class Assessment:
    """Of an image."""

    bands: dict[str, BandAccuracy]
    aod_error: float
    cloud: MaskAccuracy
    shadow: MaskAccuracy
    bright_soil_as_cloud: float
    """Share of clear bright soil that is called confident cloud."""
    clear_flagged: float
    """Share of clear pixels within buffers of cloud or shadow, or called either."""


def assess(scene: SimulatedScene, product: Path, aod: float | None = None) -> Assessment:
    """Compare a product of `process-image` with the truth.

    Parameters
    ----------
    aod : float, optional
        AOD at 550 nm that was retrieved over the scene.
    """
    truth = {path.stem: _read(path) for path in scene.truth.glob("*.tif") if path.stem not in ("surface", "dem")}
    quality = inflate(_read(product / "QAI.tif"))
    valid = quality["nodata"] == 0
    cloud, shadow = truth["cloud"] > 0, truth["shadow"] > 0
    flagged = (quality["cloud"] > 0) | (quality["shadow"] > 0) | (quality["snow"] > 0)
    clear = valid & ~cloud & ~shadow & (truth["widest_opacity"] == 0) & (truth["cirrus"] == 0)
    confident = quality["cloud"] == 2
    bright = clear & np.isin(truth["cover"], [int(one) for one in BRIGHT])
    found = None if aod is None else aod - float(truth["aod"][valid].mean())
    return Assessment(
        _bands(scene, product, clear & ~flagged),
        float("nan") if found is None else found,
        _mask(confident[valid], cloud[valid]),
        _mask(quality["shadow"][valid] > 0, shadow[valid]),
        float(confident[bright].mean()) if bright.any() else 0.0,
        float(flagged[clear].mean()),
    )


def _bands(scene: SimulatedScene, product: Path, chosen: np.ndarray) -> dict[str, BandAccuracy]:
    sensor = SENSORS[scene.description.sensor]
    names = [band.name for band in sensor.reflective]
    found = {}
    with rasterio.open(product / "BOA.tif") as file, rasterio.open(scene.truth / "surface.tif") as surface:
        for number, name in enumerate(sensor.product, 1):
            true = surface.read(names.index(name) + 1)[chosen] * SURFACE_STEP
            error = file.read(number)[chosen] / 1e4 - true
            within = np.abs(error) <= 0.005 + 0.05 * true
            found[name] = BandAccuracy(float(error.mean()), float(np.sqrt(np.mean(error**2))), float(within.mean()))
    return found


def _mask(found: np.ndarray, true: np.ndarray) -> MaskAccuracy:
    both = float((found & true).sum())
    return MaskAccuracy(
        float((found == true).mean()), both / max(float(true.sum()), 1.0), both / max(float(found.sum()), 1.0)
    )


def _read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read(1)
