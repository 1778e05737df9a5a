"""Writes a simulated scene as the EnMAP Level-1B product that DLR would deliver (specs/plumes.md 4.4)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers.zip_files import write_zip
from levelworks.plumes.scene import Rpc
from levelworks.plumes.simulation.enmap_instrument import calibration, swir_bands, vnir_bands
from levelworks.plumes.simulation.enmap_xml import QUICKLOOK, WrittenBands, metadata_xml
from levelworks.plumes.simulation.rpc_fit import fit_scene
from levelworks.plumes.simulation.simulated_bands import split_bands
from levelworks.plumes.simulation.written_scene import WrittenScene, blocks, serial_number

REVISION = "010502"
LINE_TIME = timedelta(milliseconds=4.38)
"""A row: 30 m at the speed of the point below the satellite."""
BACKGROUND = 0
BOUNDARY = 950.0
"""nm, from which on bands that no camera has are written as SWIR."""
REFERENCE = 2300.0
KEYSTONE = 0.02
"""Pixels that a band's place moves across for each micrometre from the reference wavelength (nm)."""
VNIR_SHIFT = 0.2
"""Lines that the VNIR camera looks ahead."""
MICROWATT = 100.0
"""uW cm-2 in one W m-2."""
LAND, WATER, NO_CLASS = 1, 2, 3
SATURATED = {"VNIR": 1 << 5, "SWIR": 1 << 4}
ARTEFACT = {"VNIR": 1 << 7, "SWIR": 1 << 6}
FLAGS = {"CLOUD": "cloud", "CLOUDSHADOW": "shadow", "HAZE": "haze", "CIRRUS": "cirrus", "SNOW": "snow"}


def write_enmap(
    folder: Path,
    scene: WrittenScene,
    *,
    masks: Mapping[str, np.ndarray] | None = None,
    dead_elements: np.ndarray | None = None,
    water_vapour: float = 1.5,
    aerosol_optical_thickness: float = 0.12,
) -> Path:
    """Write ``ENMAP01-____L1B-*.ZIP`` and return its path.

    Parameters
    ----------
    folder : Path
        It is made where it doesn't exist.
    scene : WrittenScene
        With bands of both cameras; those of `enmap_spectral` are split as the instrument has them, others at 950 nm.
    masks : mapping of str to (rows, columns) bool, optional
        Any of cloud, shadow, haze, cirrus, snow, water, fill, saturated, bad: the quality layers.
    dead_elements : (columns, bands) bool, optional
        Detector elements of the scene's bands that the pixel masks call defective.
    water_vapour : float
        Mean of the scene, g cm-2.

    Raises
    ------
    InvalidInput
        Where the scene has no bands of one camera.
    """
    folder.mkdir(parents=True, exist_ok=True)
    processed = scene.start + timedelta(days=1)
    name = (
        f"ENMAP01-____L1B-DT{serial_number(scene, 10)}_{scene.start:%Y%m%dT%H%M%SZ}_001_V{REVISION}_"
        f"{processed:%Y%m%dT%H%M%SZ}"
    )
    centres = scene.spectral.mean
    is_vnir = split_bands(centres, vnir_bands()[0], swir_bands()[0], BOUNDARY)
    bands = {"VNIR": np.flatnonzero(is_vnir), "SWIR": np.flatnonzero(~is_vnir)}
    absent = [detector for detector, own in bands.items() if own.size == 0]
    if absent:
        raise InvalidInput(f"{name}: the scene has no {absent[0]} bands; an EnMAP product has both cameras")
    cameras = _cameras(scene, bands)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}") as space:
        work = Path(space)
        over = _write_cubes(work, name, scene, cameras, bands, masks or {})
        _write_quality(work, name, scene, bands, masks or {}, over, dead_elements)
        files = sorted([path.name for path in work.iterdir()] + [f"{name}-METADATA.XML"])
        text = metadata_xml(
            name,
            files,
            (scene.start, scene.start + scene.rows * LINE_TIME),
            scene.geometry,
            cameras,
            revision=REVISION,
            background=BACKGROUND,
            water_vapour=water_vapour,
            aerosol_optical_thickness=aerosol_optical_thickness,
        )
        (work / f"{name}-METADATA.XML").write_bytes(text)
        archive = work / f"{name}.ZIP"
        write_zip(archive, [work / file for file in files], scene.start)
        return archive.replace(folder / archive.name)


def _cameras(scene: WrittenScene, bands: Mapping[str, np.ndarray]) -> list[WrittenBands]:
    base = fit_scene(scene.geometry)
    cameras = []
    for detector, own in bands.items():
        centres, widths = scene.spectral.mean[own], scene.spectral.widths.mean(axis=0)[own]
        ahead = VNIR_SHIFT if detector == "VNIR" else 0.0
        rpcs = [_shifted(base, ahead, KEYSTONE * (centre - REFERENCE) / 1000) for centre in centres]
        cameras.append(WrittenBands(detector, centres, widths, *calibration(centres), rpcs))
    return cameras


def _shifted(rpc: Rpc, lines: float, samples: float) -> Rpc:
    return replace(rpc, line_offset=rpc.line_offset + lines, sample_offset=rpc.sample_offset + samples)


def _write_cubes(
    work: Path,
    name: str,
    scene: WrittenScene,
    cameras: Sequence[WrittenBands],
    bands: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Write both cubes and their quicklooks; return for each camera which pixels left the range of numbers."""
    shape = (scene.rows, scene.columns)
    colours = {camera.detector: np.zeros((3, *shape), dtype=np.uint8) for camera in cameras}
    over = {camera.detector: np.zeros(shape, dtype=bool) for camera in cameras}
    fill = masks.get("fill", np.zeros(shape, dtype=bool))
    with ExitStack() as stack:
        files = {
            camera.detector: stack.enter_context(
                _create(work / f"{name}-SPECTRAL_IMAGE_{camera.detector}.TIF", shape, camera.centres.size, "uint16")
            )
            for camera in cameras
        }
        for camera in cameras:
            # sets the order of the file: bands one after the other, as blocks of rows would not be written
            for band in range(camera.centres.size):
                files[camera.detector].write(np.full(shape, BACKGROUND, dtype=np.uint16), band + 1)
        for rows in blocks(scene.rows):
            radiance = scene.radiance(rows)
            here = slice(rows.start, rows.stop)
            for camera in cameras:
                values = radiance[..., bands[camera.detector]] / MICROWATT
                numbers = np.rint((values - camera.offsets) / camera.gains)
                valid = np.isfinite(numbers) & ~fill[here, :, None]
                over[camera.detector][here] = (valid & (numbers > np.iinfo(np.uint16).max)).any(axis=-1)
                clipped = np.clip(np.where(valid, numbers, 1), 1, np.iinfo(np.uint16).max)
                stored = np.where(valid, clipped, BACKGROUND).astype(np.uint16)
                files[camera.detector].write(
                    np.moveaxis(stored, -1, 0), window=((rows.start, rows.stop), (0, scene.columns))
                )
                for plane, wavelength in enumerate(QUICKLOOK[camera.detector.lower()]):
                    nearest = int(np.argmin(np.abs(camera.centres - wavelength)))
                    colours[camera.detector][plane, here] = stored[..., nearest] >> 8
    for detector, picture in colours.items():
        with _create(work / f"{name}-QL_{detector}.TIF", shape, 3, "uint8") as file:
            file.write(picture)
    return over


def _write_quality(
    work: Path,
    name: str,
    scene: WrittenScene,
    bands: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
    over: Mapping[str, np.ndarray],
    dead_elements: np.ndarray | None,
) -> None:
    shape = (scene.rows, scene.columns)
    none = np.zeros(shape, dtype=bool)

    def write(part: str, values: np.ndarray) -> None:
        cube = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
        with _create(work / f"{name}-QL_{part}.TIF", shape, len(cube), "uint8") as file:
            file.write(cube.astype(np.uint8))

    for part, mask in FLAGS.items():
        write(f"QUALITY_{part}", masks.get(mask, none))
    classes = np.where(masks.get("water", none), WATER, LAND)
    write("QUALITY_CLASSES", np.where(masks.get("fill", none), NO_CLASS, classes))
    for detector, own in bands.items():
        saturated = masks.get("saturated", none) | over[detector]
        flags = saturated * SATURATED[detector] + masks.get("bad", none) * ARTEFACT[detector]
        write(f"QUALITY_TESTFLAGS_{detector}", flags)
        dead = np.zeros((scene.columns, own.size), dtype=bool) if dead_elements is None else dead_elements[:, own]
        write(f"PIXELMASK_{detector}", np.broadcast_to(dead, (scene.rows, *dead.shape)))


def _create(path: Path, shape: tuple[int, int], count: int, kind: str) -> Any:
    import warnings

    import rasterio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(
            path, "w", driver="GTiff", height=shape[0], width=shape[1], count=count, dtype=kind, interleave="band"
        )
