"""Granules of all sensors open by one function, by name and by content."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from level1_scene import Level1Scene

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.names import partner, sensor_of
from levelworks.plumes.readers.emit_reader import EmitScene
from levelworks.plumes.readers.enmap_reader import EnmapScene
from levelworks.plumes.readers.open_scene import content_of, open_scene
from levelworks.plumes.readers.prisma_reader import PrismaScene
from levelworks.plumes.scene import Scene, Spectral
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import enmap_spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_scenes import simulate_emit

KINDS: dict[str, type[Scene]] = {"EMIT": EmitScene, "EnMAP": EnmapScene, "PRISMA": PrismaScene}


def few(spectral: Spectral) -> Spectral:
    return Spectral(spectral.centres[:, ::20], spectral.widths[:, ::20])


@pytest.fixture(scope="module")
def granules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("granules")
    return {
        "EMIT": simulate_emit(folder, SceneDescription(), 12, 6, mask=True).radiance,
        "EnMAP": write_enmap(folder, Level1Scene(few(enmap_spectral()), 12, 6)),
        "PRISMA": write_prisma(folder, Level1Scene(few(prisma_spectral(6)), 12, 6), zipped=True),
    }


@pytest.mark.parametrize("sensor", KINDS)
def test_each_sensor_opens(granules: dict[str, Path], sensor: str) -> None:
    path = granules[sensor]
    assert sensor_of(path.name) == sensor
    with open_scene(path, partner(path, "OBS"), partner(path, "MASK")) as scene:
        assert isinstance(scene, KINDS[sensor])
        assert scene.sensor == sensor
        assert scene.name == path.stem
        assert scene.read(range(1, 3), np.array([0, 2])).shape == (2, 12, 2)
        assert scene.read(range(6), np.array([1])).dtype == np.float32
        for values in (scene.geometry.longitude, scene.geometry.elevation, scene.geometry.view_azimuth):
            assert values.shape == (12, 6)
        for mask in scene.masks.values():
            assert (mask.shape, mask.dtype) == ((12, 6), bool)


@pytest.mark.parametrize("sensor", KINDS)
def test_content_counts_where_the_name_says_nothing(granules: dict[str, Path], tmp_path: Path, sensor: str) -> None:
    path = tmp_path / f"granule{granules[sensor].suffix}"
    path.write_bytes(granules[sensor].read_bytes())
    assert content_of(path) == sensor
    with open_scene(path) as scene:
        assert scene.sensor == sensor


def test_an_unpacked_product_opens(granules: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(granules["EnMAP"]) as archive:
        archive.extractall(tmp_path / "folder")
    with open_scene(tmp_path) as scene:
        assert scene.sensor == "EnMAP"


def test_name_and_content_must_agree(granules: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / granules["EnMAP"].name
    path.write_bytes(granules["PRISMA"].read_bytes())
    with pytest.raises(InvalidInput, match="name of EnMAP and the content of PRISMA"):
        open_scene(path)


def test_options_reach_the_readers(granules: dict[str, Path]) -> None:
    with open_scene(granules["PRISMA"], terrain=lambda longitude, _: np.full(longitude.shape, 77.0)) as scene:
        assert (scene.geometry.elevation == 77).all()
        assert scene.spectral.centres.shape[0] == 6
    with open_scene(granules["PRISMA"], smile=False) as scene:
        assert scene.spectral.centres.shape[0] == 1
    with open_scene(granules["EnMAP"], terrain=lambda longitude, _: np.full(longitude.shape, 77.0)) as scene:
        assert (scene.geometry.elevation == 77).all()


def test_observations_are_of_emit_alone(granules: dict[str, Path]) -> None:
    with pytest.raises(InvalidInput, match="of EnMAP, which takes no"):
        open_scene(granules["EnMAP"], granules["EMIT"])


@pytest.mark.parametrize("name", ["EMIT_L1B_RAD_001_20220815T042838_2222703_003.nc", "anything.zip"])
def test_what_is_no_granule_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(InvalidInput, match="does not exist"):
        open_scene(path)
    path.write_bytes(b"no granule")
    with pytest.raises(InvalidInput, match="neither a whole ZIP nor a whole HDF5"):
        open_scene(path)
    with h5py.File(path, "w") as file:
        file["temperature"] = np.zeros(3)
    with pytest.raises(InvalidInput, match="holds no granule"):
        open_scene(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(InvalidInput, match="holds no granule"):
        open_scene(path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no granule"):
        open_scene(tmp_path)
