"""Bad granules on purpose: what reaches a campaign from broken transfers, wrong orders and hostile archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio

from levelworks.ard.simulation.packing import pack
from levelworks.ard.simulation.scene_description import DAMAGES, Damage, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.ard.simulation.truth import SimulatedScene
from levelworks.core.outcome import InvalidOptions

ESCAPE = "../escaped.txt"
"""Where the member of a hostile archive wants to be unpacked."""


def simulate_damaged(description: SceneDescription, folder: Path, damage: Damage) -> SimulatedScene:
    """Write a scene that a campaign can't use, or can't use as it is.

    Parameters
    ----------
    description : SceneDescription
        Where it names an archive, the bad granule is packed.
    folder : Path
    damage : str
        One of `DAMAGES`. ``wrong-tier`` is tier 2 of Landsat, ``wrong-level`` a Level-2 product by its metadata;
        ``all-cloud`` and ``no-data`` are whole granules without any ground to see; ``truncated-archive`` and
        ``hostile-archive``, which unpacks beside its folder, are archives whether asked for or not.

    Raises
    ------
    InvalidOptions
        Where there is no such damage, or it can't happen to the sensor.
    """
    landsat = description.of.is_landsat
    if damage not in DAMAGES:
        raise InvalidOptions(f"damage: {damage!r} is none of {', '.join(DAMAGES)}")
    if damage == "wrong-tier":
        if not landsat:
            raise InvalidOptions("damage: wrong-tier is of Landsat; Sentinel-2 has no tiers")
        return simulate(description.changed(tier="T2"), folder)
    if damage == "all-cloud":
        return simulate(description.changed(clouds=replace(description.clouds, cover=1.0)), folder)
    if damage in ("truncated-archive", "hostile-archive"):
        scene = simulate(description.changed(archive=description.archive or ("tar" if landsat else "zip")), folder)
        (_cut_archive if damage == "truncated-archive" else _add_escape)(scene.path)
        return scene
    scene = simulate(description.changed(archive=None), folder)
    _DAMAGES[damage](scene)
    if description.archive is not None:
        scene = replace(scene, path=pack(scene.path, description.archive))
    return scene


def bands_of(scene: SimulatedScene) -> list[Path]:
    """Return the images of the bands of a granule's folder."""
    if scene.description.of.is_landsat:
        return sorted(scene.path.glob("*_B*.TIF"))
    return sorted(scene.path.glob("GRANULE/*/IMG_DATA/*_B??.jp2"))


def metadata_of(scene: SimulatedScene) -> Path:
    """Return the file of the granule's metadata."""
    if scene.description.of.is_landsat:
        return next(scene.path.glob("*_MTL.txt"))
    return next(scene.path.glob("GRANULE/*/MTD_TL.xml"))


def _red(scene: SimulatedScene) -> Path:
    key = scene.description.of.band("RED").key
    return next(path for path in bands_of(scene) if path.stem.endswith(f"_B{key}"))


def _missing_band(scene: SimulatedScene) -> None:
    _red(scene).unlink()


def _truncated_band(scene: SimulatedScene) -> None:
    _cut(_red(scene), 0.6)


def _missing_metadata(scene: SimulatedScene) -> None:
    metadata_of(scene).unlink()


def _truncated_metadata(scene: SimulatedScene) -> None:
    _cut(metadata_of(scene), 0.5)


def _cut_archive(path: Path) -> None:
    _cut(path, 0.7)


def _cut(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def _wrong_level(scene: SimulatedScene) -> None:
    if scene.description.of.is_landsat:
        path = metadata_of(scene)
        path.write_text(path.read_text().replace('PROCESSING_LEVEL = "L1', 'PROCESSING_LEVEL = "L2'))
        return
    path = scene.path / "MTD_MSIL1C.xml"
    text = path.read_text(encoding="utf-8").replace(">Level-1C<", ">Level-2A<").replace("S2MSI1C", "S2MSI2A")
    path.write_text(text, encoding="utf-8")


def _no_data(scene: SimulatedScene) -> None:
    from levelworks.ard.simulation.sentinel2_files import TILES, to_jpeg2000

    for path in bands_of(scene):
        if path.suffix == ".TIF":
            with rasterio.open(path, "r+") as file:
                for _, window in file.block_windows(1):
                    file.write(np.zeros((window.height, window.width), file.dtypes[0]), 1, window=window)
            continue
        with rasterio.open(path) as file:
            profile, values = {**file.profile, "driver": "GTiff"}, np.zeros(file.shape, file.dtypes[0])
            resolution = round(file.transform.a)
        for name in ("blockxsize", "blockysize", "tiled"):
            profile.pop(name, None)
        raw = path.with_suffix(".tif")
        with rasterio.open(raw, "w", **profile) as file:
            file.write(values, 1)
        path.unlink()
        to_jpeg2000(raw, path, TILES[resolution])
        raw.unlink()


def _add_escape(path: Path) -> None:
    content = b"this file must not leave its archive\n"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(ESCAPE, content)
        return
    member = tarfile.TarInfo(ESCAPE)
    member.size = len(content)
    if path.name.endswith(".gz"):
        with tarfile.open(path, "r:gz") as source:
            members = [(one, _content(source, one)) for one in source.getmembers()]
        with tarfile.open(path, "w:gz") as archive:
            for one, data in [*members, (member, content)]:
                archive.addfile(one, io.BytesIO(data))
        return
    with tarfile.open(path, "a") as archive:
        archive.addfile(member, io.BytesIO(content))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


_DAMAGES: dict[str, Callable[[SimulatedScene], None]] = {
    "missing-band": _missing_band,
    "truncated-band": _truncated_band,
    "missing-metadata": _missing_metadata,
    "truncated-metadata": _truncated_metadata,
    "wrong-level": _wrong_level,
    "no-data": _no_data,
}
