"""Running every kernel of the line once, on small images, so that its compiled code lies on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import levelworks.ard
from levelworks.ard.cube.cube_options import MergeTile, TileImage
from levelworks.ard.cube.merge_stage import merge_tile
from levelworks.ard.cube.tile_stage import tile_image
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.image_stage import Ancillary, process
from levelworks.ard.simulation.scene_description import Clouds, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import simulate_landsat, simulate_sentinel2
from levelworks.core.kernels import say_compiled

SIDE = 120


def warm() -> str:
    """Compile the kernels for every type of array that the stages work on, and say how many were new."""
    with tempfile.TemporaryDirectory() as directory:
        for sensor in ("LND05", "LND08", "SEN2A"):
            _run(Path(directory) / sensor, sensor)
    return say_compiled(levelworks.ard)


def _run(folder: Path, sensor: str) -> None:
    description = SceneDescription(
        sensor=sensor,
        rows=SIDE,
        columns=SIDE,
        landscape=Landscape(relief=300.0, snow=0.05),
        clouds=Clouds(cover=0.2, size=600.0, cirrus=0.02),
        truth="masks",
    )
    folder.mkdir()
    scene = (simulate_sentinel2 if sensor.startswith("SEN") else simulate_landsat)(description, folder)
    methods = ("improphe", "regression", "starfm") if sensor == "SEN2A" else ("improphe",)
    for method in methods:
        options = ProcessImage.model_validate({"resolution-merge": method, "max-cloud-cover": 100})
        process(scene.path, Ancillary(dem=scene.dem), folder / method, options)
    tiling = TileImage.model_validate({"projection": "EPSG:3035", "max-cloud-cover": 100, "distance": True})
    tile_image(folder / "improphe", None, tiles=folder / "tiles", options=tiling)
    cube = MergeTile.model_validate({"cube": str(folder / "cube")})
    merge_tile([folder / "tiles"], None, merged=folder / "merged.json", options=cube)
