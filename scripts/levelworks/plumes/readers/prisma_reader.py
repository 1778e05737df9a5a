"""PRISMA Level-1 granules: two coregistered cubes in one HDF5 file, joined by wavelength (specs/plumes.md 4.5, 1.3)."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance
from levelworks.plumes.readers import prisma_layout as layout
from levelworks.plumes.readers.detector_bands import SWIR, VNIR, JoinedBands, whole_columns
from levelworks.plumes.readers.hdf5_files import dataset, open_hdf5, text_attribute
from levelworks.plumes.readers.prisma_orientation import across_axis
from levelworks.plumes.readers.prisma_spectra import join_slots, read_slots
from levelworks.plumes.readers.prisma_view import satellite_angles, sun_angles
from levelworks.plumes.readers.scene_terrain import Terrain, terrain_heights
from levelworks.plumes.scene import Geometry, Scene

MICROWATT = 0.1
"""uW cm-2 nm-1 in one W m-2 um-1."""
SLAB = 64
"""Entries of a cube's first axis that are read at once."""
SEEN = (1250.0, 1650.0, 2200.0)
"""nm, where light always arrives: a pixel without a number in all of them was not measured."""


@dataclass(frozen=True)
class Cube:
    """One detector's raw numbers: radiance in W m-2 sr-1 um-1 is ``number / scale - offset``."""

    data: Any
    scale: float
    offset: float


@dataclass
class PrismaScene(Scene):
    """One PRISMA granule; its HDF5 file stays open until `close`."""

    path: Path = field(kw_only=True)
    file: Any = field(kw_only=True, repr=False)
    cubes: tuple[Cube, Cube] = field(kw_only=True, repr=False)
    across: int = field(kw_only=True)
    joined: JoinedBands = field(kw_only=True, repr=False)
    unpacked: tempfile.TemporaryDirectory[str] | None = field(default=None, kw_only=True, repr=False)

    def read(self, columns: range, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance, (columns, rows, bands) float32; see `Scene.read`."""
        radiance = np.empty((len(columns), self.rows, len(bands)), dtype=np.float32)
        for detector in (VNIR, SWIR):
            places = np.flatnonzero(self.joined.detector[bands] == detector)
            if places.size:
                cube, slots = self.cubes[detector], self.joined.band[bands][places]
                numbers = self.raw_numbers(cube.data, columns, slots)
                radiance[..., places] = (numbers / np.float32(cube.scale) - np.float32(cube.offset)) * MICROWATT
        fill = self.masks.get("fill")
        if fill is not None:
            radiance[fill[:, columns.start : columns.stop : columns.step].T] = np.nan
        return radiance

    def close(self) -> None:
        """Close the file, and remove it where it was unpacked from a ZIP."""
        self.file.close()
        if self.unpacked is not None:
            self.unpacked.cleanup()

    def raw_numbers(self, data: Any, columns: range, slots: np.ndarray) -> np.ndarray:
        """Return raw numbers of a cube of the file, (columns, rows, slots)."""
        low, high = int(slots.min()), int(slots.max()) + 1
        numbers = np.empty((len(columns), self.rows, slots.size), dtype=data.dtype)
        length = len(columns) if self.across == 0 else self.rows
        for first in range(0, length, SLAB):
            part = slice(first, min(first + SLAB, length))
            try:
                if self.across == 0:
                    chosen = columns[part]
                    block = data[chosen.start : chosen.stop, low:high, :][:: columns.step]
                    numbers[part] = np.moveaxis(block[:, slots - low], 1, 2)
                else:
                    block = data[part, low:high, columns.start : columns.stop][..., :: columns.step]
                    numbers[:, part] = np.transpose(block[:, slots - low], (2, 0, 1))
            except OSError as error:
                raise InvalidInput(f"{self.path} can't be read ({error}): fetch the product again") from None
        return numbers


def open_prisma(path: Path, terrain: Terrain | None = None, *, smile: bool = True) -> PrismaScene:
    """Open a PRISMA Level-1 file.

    Parameters
    ----------
    path : Path
        ``PRS_L1_*.he5``, or the ZIP that it comes in: HDF5 needs a file, so that it is unpacked to a temporary folder,
        which `PrismaScene.close` removes.
    terrain : Path or callable, optional
        An elevation model, or heights (m) at longitudes and latitudes; else sea level, as the file has no heights.
    smile : bool
        Whether each detector column has its own band centres and widths (the file's KDP matrices) or all have those of
        the lists. Both have served users better on some scenes (specs/plumes.md 1.3).

    Returns
    -------
    PrismaScene
        ``attributes`` has ``dead_elements`` ((columns, bands) bool: detector elements without measurement).

    Raises
    ------
    InvalidInput
        Where it is truncated, of another level, or lacks a cube, a calibration, wavelengths or places.
    """
    unpacked, local = _unpack(path)
    try:
        file = open_hdf5(local)
        try:
            scene = _open(file, path, local, terrain, smile)
        except BaseException as error:
            file.close()
            if isinstance(error, OSError):
                raise InvalidInput(f"{path} can't be read ({error}): fetch the product again") from None
            raise
    except BaseException:
        if unpacked is not None:
            unpacked.cleanup()
        raise
    scene.unpacked = unpacked
    return scene


def _unpack(path: Path) -> tuple[tempfile.TemporaryDirectory[str] | None, Path]:
    """Return the temporary folder, where one was needed, and the HDF5 file."""
    if path.suffix.lower() != ".zip":
        return None, path
    space = None
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.lower().endswith(".he5")]
            if len(members) != 1:
                raise InvalidInput(f"{path} holds {len(members)} files *.he5 and not one: it is no PRISMA product")
            space = tempfile.TemporaryDirectory(prefix="prisma-")
            return space, Path(archive.extract(members[0], space.name))
    except FileNotFoundError:
        raise InvalidInput(f"{path} does not exist") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        if space is not None:
            space.cleanup()
        raise InvalidInput(f"{path} is no whole ZIP ({error}): fetch the product again") from None


def _open(file: Any, path: Path, local: Path, terrain: Terrain | None, smile: bool) -> PrismaScene:
    _check_level(file, path)
    notes: list[str] = []
    cubes = tuple(_cube(file, path, detector) for detector in layout.DETECTORS)
    shapes = {(cube.data.shape[0], cube.data.shape[2]) for cube in cubes}
    if len(shapes) != 1:
        raise InvalidInput(f"{path}: the VNIR and the SWIR cube have other sizes: {sorted(shapes)}")
    shape = shapes.pop()
    latitude, longitude = (_place(file, path, name, shape) for name in ("Latitude", "Longitude"))
    matrix = file.get(f"{layout.MATRICES}/Cw_Swir_Matrix")
    across = across_axis(shape, latitude, None if matrix is None else matrix.shape[0], notes)
    columns, rows = shape[across], shape[1 - across]

    def plane(name: str) -> np.ndarray | None:
        if name not in file:
            return None
        values = np.asarray(file[name][...])
        if values.shape != shape:
            notes.append(f"{name} has shape {values.shape} and the cubes {shape}; it was passed over.")
            return None
        return values.T if across == 0 else values

    vnir, swir = (
        read_slots(file, path, detector, cube.data.shape[1], columns, smile=smile, notes=notes)
        for detector, cube in zip(layout.DETECTORS, cubes, strict=True)
    )
    joined, spectral = join_slots(vnir, swir)
    if across == 0:
        latitude, longitude = latitude.T, longitude.T
    start, end = (_time(file, path, name) for name in ("Product_StartTime", "Product_StopTime"))
    if terrain is None:
        notes.append("No terrain: all pixels are taken to lie at sea level.")
        elevation = np.zeros((rows, columns))
    else:
        elevation = terrain_heights(terrain, longitude, latitude, notes)(longitude, latitude)
    sun = sun_angles(file, plane, start + (end - start) / 2, longitude, latitude, notes)
    view = satellite_angles(file, plane, (start, end), (longitude, latitude), sun[1], notes)
    scene = PrismaScene(
        name=local.stem,
        sensor="PRISMA",
        start=start,
        end=end,
        rows=rows,
        columns=columns,
        spectral=spectral,
        geometry=Geometry(longitude, latitude, elevation.astype(np.float32), *sun, *view),
        earth_sun=sun_distance(start),
        notes=notes,
        path=path,
        file=file,
        cubes=(cubes[0], cubes[1]),
        across=across,
        joined=joined,
    )
    _read_masks(scene, plane(f"{layout.DATA}/Cloud_Mask"), plane(f"{layout.DATA}/LandCover_Mask"))
    return scene


def _check_level(file: Any, path: Path) -> None:
    level = text_attribute(file, "Processing_Level").strip()
    swaths = sorted(file.get("HDFEOS/SWATHS", {}))
    if level not in ("", "1") or (swaths and layout.SWATH not in file):
        found = f"of Level {level}" if level not in ("", "1") else f"a file with {', '.join(swaths)}"
        raise InvalidInput(f"{path} is {found}; the plumes line takes Level 1 radiance (PRS_L1_*, swath PRS_L1_HCO)")
    if layout.SWATH not in file:
        raise InvalidInput(f"{path} has no {layout.SWATH}: it is no PRISMA product")


def _cube(file: Any, path: Path, detector: str) -> Cube:
    data = dataset(file, f"{layout.DATA}/{detector.upper()}_Cube", path, dimensions=3)
    if data.dtype.kind != "u":
        raise InvalidInput(f"{path}: {data.name} holds {data.dtype} values, not the raw numbers of Level 1")
    values = []
    for name in (f"ScaleFactor_{detector}", f"Offset_{detector}"):
        value = np.ravel(file.attrs.get(name, np.nan))
        if value.size != 1 or not np.isfinite(float(value[0])):
            raise InvalidInput(f"{path} has no number in the attribute {name}: fetch the product again")
        values.append(float(value[0]))
    if values[0] <= 0:
        raise InvalidInput(f"{path}: ScaleFactor_{detector} is {values[0]:g}; it must be above zero")
    return Cube(data, values[0], values[1])


def _place(file: Any, path: Path, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Return longitudes or latitudes (degrees) as the file has them; not a number where it has none."""
    own = f"{layout.PLACES}/{name}_SWIR"
    values = np.asarray(
        dataset(file, own if own in file else f"{layout.PLACES}/{name}_VNIR", path, dimensions=2)[...], dtype=float
    )
    if values.shape != shape:
        raise InvalidInput(f"{path}: {name} has shape {values.shape} and the cubes {shape}")
    values[~(np.abs(values) <= (90 if name == "Latitude" else 180))] = np.nan
    if not np.isfinite(values).any():
        raise InvalidInput(f"{path}: {name} has no valid value")
    return values


def _time(file: Any, path: Path, name: str) -> datetime:
    text = text_attribute(file, name).strip().rstrip("Z")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(f"{path}: the attribute {name} is {text!r}, not a time as 2020-05-24T10:37:04.000") from None


def _read_masks(scene: PrismaScene, clouds: np.ndarray | None, cover: np.ndarray | None) -> None:
    """Set the scene's masks and its dead elements."""
    if clouds is not None:
        scene.masks["cloud"] = clouds == layout.CLOUDY
    if cover is not None:
        scene.masks["water"] = cover == layout.WATER
    slots = [
        int(scene.joined.band[band])
        for band in {scene.spectral.nearest(wavelength) for wavelength in SEEN}
        if scene.joined.detector[band] == SWIR
    ]
    if slots:
        numbers = scene.raw_numbers(scene.cubes[SWIR].data, range(scene.columns), np.array(slots))
        scene.masks["fill"] = (numbers == 0).all(axis=-1).T
    dead = np.zeros((scene.columns, scene.spectral.bands), dtype=bool)
    for detector, label in enumerate(layout.DETECTORS):
        name = f"{layout.DATA}/{label.upper()}_PIXEL_SAT_ERR_MATRIX"
        if name not in scene.file:
            scene.notes.append(f"The file has no {label.upper()}_PIXEL_SAT_ERR_MATRIX; no pixel is taken as saturated.")
            continue
        _read_errors(scene, scene.file[name], np.flatnonzero(scene.joined.detector == detector), dead)
    scene.attributes["dead_elements"] = dead


def _read_errors(scene: PrismaScene, errors: Any, bands: np.ndarray, dead: np.ndarray) -> None:
    """Add one detector's errors to the masks saturated and bad, and whole columns of errors to the dead elements."""
    shape = (scene.rows, scene.columns)
    for name in ("saturated", "bad"):
        scene.masks.setdefault(name, np.zeros(shape, dtype=bool))
    for band in bands:
        codes = scene.raw_numbers(errors, range(scene.columns), scene.joined.band[[band]])[..., 0].T
        if codes.any():
            scene.masks["saturated"] |= (codes == layout.SATURATED) | (codes == layout.BOTH)
            defective = (codes == layout.DEFECTIVE) | (codes == layout.BOTH)
            dead[:, band] = whole_columns(defective)
            scene.masks["bad"] |= defective & ~dead[:, band]
