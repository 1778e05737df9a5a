"""The truth of a simulated scene: rasters beside it, and a page of facts."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import rasterio

from levelworks.ard.scene import ImageGrid
from levelworks.ard.simulation.ground_spectra import Cover
from levelworks.ard.simulation.rasters import create, write_rows
from levelworks.ard.simulation.scene_description import SceneDescription
from levelworks.ard.simulation.scene_maker import Block, SceneMaker
from levelworks.ard.simulation.smooth_noise import Window

CIRRUS_LIMIT = 0.01
"""Reflectance from which on cirrus counts."""
SURFACE_STEP = 2e-5
"""Of reflectance, in which the ground's is stored."""
DEM_RESOLUTION = 30.0
DEM_MARGIN = 100
"""Pixels of the DEM around the scene."""
DEM_ROWS = 512

MASKS = ("seen", "cover", "cloud", "shadow", "snow", "water", "cirrus")
"""Layers of uint8."""
QUANTITIES = ("opacity", "widest_opacity", "thickness", "cloud_height", "shade", "aod", "water_vapour", "elevation")
"""Layers of float32."""


@dataclass(frozen=True)
class SimulatedScene:
    """A scene on disk with its truth.

    Parameters
    ----------
    id : str
        The agency's identifier.
    path : Path
        Of the granule: a folder or an archive.
    truth : Path
        Folder of the truth.
    description : SceneDescription
    """

    id: str
    path: Path
    truth: Path
    description: SceneDescription

    @property
    def dem(self) -> Path:
        """Return the elevation model, metres, wider than the scene."""
        return self.truth / "dem.tif"

    @property
    def facts(self) -> dict[str, Any]:
        """Return what stands in ``truth.json``."""
        found: dict[str, Any] = json.loads((self.truth / "truth.json").read_text())
        return found

    def layer(self, name: str) -> np.ndarray:
        """Return a layer of the truth, (rows, columns) of the Level-2 grid; masks as bool.

        ``seen`` (number of the detector), ``cover`` (`ground_spectra.Cover`), ``cloud`` (hides at least half of the
        light in red), ``shadow`` (clouds keep away at least half of the beam), ``snow``, ``water``, ``cirrus``;
        ``opacity``, ``widest_opacity`` (the largest of any band), ``thickness``, ``cloud_height``, ``shade``, ``aod``,
        ``water_vapour``, ``elevation``.
        """
        with rasterio.open(self.truth / f"{name}.tif") as file:
            values = file.read(1)
        return values if name in ("seen", "cover") or name in QUANTITIES else values.astype(bool)

    def surface(self, band: str) -> np.ndarray:
        """Return the reflectance of the ground in a band, (rows, columns) float32, to 1e-5."""
        with rasterio.open(self.truth / "surface.tif") as file:
            counts = file.read(file.descriptions.index(band) + 1)
        return np.asarray(counts * np.float32(SURFACE_STEP))


class TruthWriter:
    """Writes the truth of a scene, block by block.

    Parameters
    ----------
    folder : Path
    maker : SceneMaker
    """

    def __init__(self, folder: Path, maker: SceneMaker) -> None:
        self.folder = folder
        self.maker = maker
        self.bands = tuple(band.name for band in maker.sensor.reflective)
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}
        self._sums = dict.fromkeys(MASKS[2:], 0)
        self._covers = np.zeros(len(Cover), np.int64)
        self._valid = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = self.maker.description.truth
        if wanted == "none":
            return self
        for name in (*MASKS, *QUANTITIES):
            dtype = "uint8" if name in MASKS else "float32"
            self._files[name] = self._stack.enter_context(create(self.folder / f"{name}.tif", self.maker.grid, dtype))
        if wanted == "full":
            path = self.folder / "surface.tif"
            file = self._stack.enter_context(create(path, self.maker.grid, "uint16", len(self.bands)))
            file.descriptions = self.bands
            file.scales = [SURFACE_STEP] * len(self.bands)
            self._files["surface"] = file
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def write(self, block: Block) -> None:
        """Write the truth of some rows."""
        layers = truth_layers(block)
        valid = layers["seen"] > 0
        self._valid += int(valid.sum())
        for name in self._sums:
            self._sums[name] += int((layers[name] & valid).sum())
        self._covers += np.bincount(layers["cover"][valid], minlength=len(Cover))
        if not self._files:
            return
        for name, values in layers.items():
            write_rows(self._files[name], values, block.start)
        if "surface" in self._files:
            for number, band in enumerate(self.bands, start=1):
                counts = np.rint(block.surface(band) / np.float32(SURFACE_STEP))
                write_rows(self._files["surface"], counts, block.start, number)

    @property
    def cloud_cover(self) -> float:
        """Return the percentage of clouds in what was written so far."""
        return 100 * self._sums["cloud"] / max(self._valid, 1)

    def finish(self, scene_id: str, name: str) -> None:
        """Write the elevation model and the page of facts.

        Parameters
        ----------
        scene_id, name : str
            The agency's identifier, and the name of the granule beside the truth.
        """
        write_dem(self.folder / "dem.tif", self.maker)
        maker, placement = self.maker, self.maker.placement
        zenith, azimuth = (float(one) for one in placement.sun(placement.time))
        valid = max(self._valid, 1)
        facts = {
            "id": scene_id,
            "granule": name,
            "time": placement.time.isoformat(),
            "sun_zenith": zenith,
            "sun_azimuth": azimuth,
            "heading_on_grid": placement.heading,
            "convergence": placement.convergence,
            "crs": maker.grid.crs,
            "west": maker.grid.west,
            "north": maker.grid.north,
            "air": maker.air.name,
            "cloud_heights_m": [float(height) for height in maker.clouds.heights],
            "bands": self.bands,
            "valid_share": self._valid / (maker.grid.rows * maker.grid.columns),
            "shares": {name: total / valid for name, total in self._sums.items()},
            "covers": {cover.name.lower(): int(self._covers[cover]) / valid for cover in Cover},
            "description": asdict(maker.description),
        }
        (self.folder / "truth.json").write_text(json.dumps(facts, indent=1, default=str) + "\n")


def truth_layers(block: Block) -> dict[str, np.ndarray]:
    """Return the layers of some rows by their names."""
    clouds, cirrus = block.clouds, block.cirrus
    nothing = np.zeros(block.window.shape, np.float32)
    opacity = nothing if clouds is None else clouds.opacity
    return {
        "seen": block.seen,
        "cover": block.ground.cover,
        "cloud": opacity >= 0.5,
        "shadow": block.shade >= 0.5,
        "snow": block.snow,
        "water": block.ground.water,
        "cirrus": np.zeros(opacity.shape, bool) if cirrus is None else cirrus > CIRRUS_LIMIT,
        "opacity": opacity,
        "widest_opacity": block.widest_opacity,
        "thickness": nothing if clouds is None else clouds.thickness,
        "cloud_height": nothing if clouds is None else clouds.height,
        "shade": block.shade,
        "aod": block.aod,
        "water_vapour": block.water_vapour,
        "elevation": block.ground.elevation,
    }


def write_dem(path: Path, maker: SceneMaker) -> None:
    """Write the elevation of the scene and around it, float32 metres."""
    west, south, east, north = maker.grid.bounds
    margin = DEM_MARGIN * DEM_RESOLUTION
    columns = int(np.ceil((east - west) / DEM_RESOLUTION)) + 2 * DEM_MARGIN
    rows = int(np.ceil((north - south) / DEM_RESOLUTION)) + 2 * DEM_MARGIN
    grid = ImageGrid(maker.grid.crs, west - margin, north + margin, DEM_RESOLUTION, rows, columns)
    with create(path, grid, "float32", nodata=-32768) as file:
        for start in range(0, rows, DEM_ROWS):
            window = Window.of(grid, start, min(start + DEM_ROWS, rows))
            write_rows(file, maker.ground_maker.elevation(window), start)
