"""Level 1 with known truth: a scene is described, made and written. All of it is a function of its description."""

from __future__ import annotations

from pathlib import Path

from levelworks.ard.simulation.air_models import air_model
from levelworks.ard.simulation.landsat_files import LandsatWriter
from levelworks.ard.simulation.packing import pack
from levelworks.ard.simulation.placement import Placement
from levelworks.ard.simulation.scene_description import SceneDescription
from levelworks.ard.simulation.scene_maker import SceneMaker
from levelworks.ard.simulation.sentinel2_files import Sentinel2Writer
from levelworks.ard.simulation.truth import SimulatedScene, TruthWriter
from levelworks.core.atomic import remove, replace, temporary_name
from levelworks.core.outcome import InvalidOptions


def make_scene(description: SceneDescription) -> SceneMaker:
    """Put a described scene together; its pixels are made when they are asked for."""
    return SceneMaker(Placement(description), air_model(description))


def simulate_landsat(description: SceneDescription, folder: Path) -> SimulatedScene:
    """Write a Landsat scene as USGS does: Level 1, Collection 2.

    Parameters
    ----------
    description : SceneDescription
    folder : Path
        In it ``<id>/`` (or an archive) and ``<id>_truth/`` are written.

    Raises
    ------
    InvalidOptions
        Where the sensor is no Landsat, or the scene can't be.
    """
    if not description.of.is_landsat:
        raise InvalidOptions(f"sensor: {description.sensor} is no Landsat")
    return _write(LandsatWriter(make_scene(description)), folder)


def simulate_sentinel2(description: SceneDescription, folder: Path) -> SimulatedScene:
    """Write a Sentinel-2 product as ESA does: Level 1C of one tile.

    Parameters
    ----------
    description : SceneDescription
    folder : Path
        In it ``<id>.SAFE/`` (or an archive) and ``<id>_truth/`` are written.

    Raises
    ------
    InvalidOptions
        Where the sensor is no Sentinel-2, or the scene can't be.
    """
    if description.of.is_landsat:
        raise InvalidOptions(f"sensor: {description.sensor} is no Sentinel-2")
    return _write(Sentinel2Writer(make_scene(description)), folder)


def simulate(description: SceneDescription, folder: Path) -> SimulatedScene:
    """Write a scene of any sensor; see `simulate_landsat` and `simulate_sentinel2`."""
    return (simulate_landsat if description.of.is_landsat else simulate_sentinel2)(description, folder)


def _write(writer: LandsatWriter | Sentinel2Writer, folder: Path) -> SimulatedScene:
    description = writer.maker.description
    path, truth_folder = folder / writer.folder_name, folder / f"{writer.id}_truth"
    folder.mkdir(parents=True, exist_ok=True)
    made, made_truth = temporary_name(path), temporary_name(truth_folder)
    try:
        with TruthWriter(made_truth, writer.maker) as truth:
            writer.write(made, truth)
            truth.finish(writer.id, path.name)
        replace(made_truth, truth_folder)
        replace(made, path)
    finally:
        remove(made)
        remove(made_truth)
    if description.archive is not None:
        path = pack(path, description.archive)
    return SimulatedScene(writer.id, path, truth_folder, description)
