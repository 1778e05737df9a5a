"""Writes a simulated scene as the PRISMA Level-1 file that ASI would deliver (specs/plumes.md 4.5)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers import prisma_layout as layout
from levelworks.plumes.readers.satellite_view import satellite_positions
from levelworks.plumes.readers.zip_files import write_zip
from levelworks.plumes.simulation.prisma_instrument import UNUSED, detector_bands
from levelworks.plumes.simulation.simulated_bands import split_bands
from levelworks.plumes.simulation.written_scene import WrittenScene, blocks

SCALE, OFFSET = 100.0, 0.0
"""Radiance in W m-2 sr-1 um-1 is number / scale - offset."""
MICROWATT = 0.1
"""uW cm-2 nm-1 in one W m-2 um-1."""
LARGEST = np.iinfo(np.uint16).max
LINE_TIME = timedelta(milliseconds=4.31)
"""A row: 30 m at the speed of the point below the satellite."""
BOUNDARY = 950.0
"""nm, from which on bands that no detector has are written as SWIR."""
ALTITUDE = 615e3
LAND, WATER = 2, 0
NO_CLASS = 255
SLOT_NOT_USED = 0.0
ORBIT_STEP = 1.0
"""Seconds between positions of the satellite."""


@dataclass(frozen=True)
class _Detector:
    """One detector's slots in the file's order: which of the scene's bands each has, -1 for none."""

    name: str
    slots: np.ndarray

    @property
    def label(self) -> str:
        return self.name.upper()

    def listed(self, values: np.ndarray) -> np.ndarray:
        """Return values (..., bands) of the scene by slot, zero where a slot is unused."""
        return np.where(self.slots >= 0, values[..., self.slots], SLOT_NOT_USED)


def write_prisma(
    folder: Path,
    scene: WrittenScene,
    *,
    zipped: bool = False,
    along_first: bool = False,
    masks: Mapping[str, np.ndarray] | None = None,
    dead_elements: np.ndarray | None = None,
) -> Path:
    """Write ``PRS_L1_STD_OFFL_*.he5``, or the ZIP that it comes in, and return its path.

    Parameters
    ----------
    folder : Path
        It is made where it doesn't exist.
    scene : WrittenScene
        With bands of both detectors; those of `prisma_spectral` are split as the instrument has them, others at
        950 nm.
    along_first : bool
        Whether cubes have the order (along, band, across), and not (across, band, along).
    masks : mapping of str to (rows, columns) bool, optional
        Any of cloud, water, fill, saturated, bad.
    dead_elements : (columns, bands) bool, optional
        Detector elements of the scene's bands that the error matrices call defective.

    Raises
    ------
    InvalidInput
        Where the scene has no bands of one detector.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = scene.start + (scene.rows - 1) * LINE_TIME
    name = f"PRS_L1_STD_OFFL_{scene.start:%Y%m%d%H%M%S}_{end:%Y%m%d%H%M%S}_0001"
    detectors = _detectors(scene, name)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}") as space:
        path = Path(space) / f"{name}.he5"
        with h5py.File(path, "w", libver="earliest") as file:
            _attributes(file, name, scene, end, detectors)
            _Writer(file, along_first).write(scene, detectors, masks or {}, dead_elements)
            _orbit(file, scene, end)
            file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(_structure(scene, detectors, along_first))
        if zipped:
            packed = path.with_suffix(".zip")
            write_zip(packed, [path], scene.start)
            path = packed
        return path.replace(folder / path.name)


@dataclass(frozen=True)
class _Writer:
    """Writes arrays in the order of axes that the file has."""

    file: Any
    along_first: bool

    def write(
        self,
        scene: WrittenScene,
        detectors: list[_Detector],
        masks: Mapping[str, np.ndarray],
        dead_elements: np.ndarray | None,
    ) -> None:
        none = np.zeros((scene.rows, scene.columns), dtype=bool)
        fill = masks.get("fill", none)
        for detector in detectors:
            for part, kind in (("Cube", np.uint16), ("PIXEL_SAT_ERR_MATRIX", np.uint8)):
                shape = (scene.rows, detector.slots.size, scene.columns)
                self.file.create_dataset(
                    f"{layout.DATA}/{detector.label}_{part}", shape if self.along_first else shape[::-1], kind
                )
        for rows in blocks(scene.rows):
            radiance = scene.radiance(rows)
            here = slice(rows.start, rows.stop)
            for detector in detectors:
                values = detector.listed(radiance).astype(float)
                numbers = np.rint((values / MICROWATT + OFFSET) * SCALE)
                valid = np.isfinite(numbers) & ~fill[here, :, None] & (detector.slots >= 0)
                stored = np.clip(np.where(valid, numbers, 0), 0, LARGEST).astype(np.uint16)
                self._put(f"{detector.label}_Cube", here, stored)
                saturated = (valid & (numbers > LARGEST)) | masks.get("saturated", none)[here, :, None]
                defective = np.broadcast_to(masks.get("bad", none)[here, :, None], stored.shape)
                if dead_elements is not None:
                    defective = defective | (detector.listed(dead_elements) != 0)
                codes = saturated * layout.SATURATED + defective * layout.DEFECTIVE
                self._put(f"{detector.label}_PIXEL_SAT_ERR_MATRIX", here, codes.astype(np.uint8))
        clouds = np.where(fill, NO_CLASS, masks.get("cloud", none) * layout.CLOUDY)
        cover = np.where(fill, NO_CLASS, np.where(masks.get("water", none), WATER, LAND))
        for field, values in (("Cloud_Mask", clouds), ("LandCover_Mask", cover), ("SunGlint_Mask", none)):
            self._plane(f"{layout.DATA}/{field}", values.astype(np.uint8))
        self.file[f"{layout.DATA}/FrameNumber"] = np.arange(scene.rows, dtype="<u4")
        for detector in detectors:
            self._plane(f"{layout.PLACES}/Longitude_{detector.label}", scene.geometry.longitude.astype(np.float32))
            self._plane(f"{layout.PLACES}/Latitude_{detector.label}", scene.geometry.latitude.astype(np.float32))
        seconds = scene.start.hour * 3600 + scene.start.minute * 60 + scene.start.second
        self.file[f"{layout.PLACES}/Time"] = seconds + np.arange(scene.rows) * LINE_TIME.total_seconds()

    def _put(self, field: str, rows: slice, values: np.ndarray) -> None:
        """Write a block of (rows, columns, slots)."""
        data = self.file[f"{layout.DATA}/{field}"]
        if self.along_first:
            data[rows] = np.swapaxes(values, 1, 2)
        else:
            data[:, :, rows] = np.transpose(values, (1, 2, 0))

    def _plane(self, name: str, values: np.ndarray) -> None:
        self.file[name] = values if self.along_first else np.ascontiguousarray(values.T)


def _detectors(scene: WrittenScene, name: str) -> list[_Detector]:
    """Split the scene's bands: descending, VNIR with its unused slots first, SWIR with them last."""
    is_vnir = split_bands(scene.spectral.mean, detector_bands("Vnir")[0], detector_bands("Swir")[0], BOUNDARY)
    vnir, swir = np.flatnonzero(is_vnir)[::-1], np.flatnonzero(~is_vnir)[::-1]
    for label, own in (("VNIR", vnir), ("SWIR", swir)):
        if own.size == 0:
            raise InvalidInput(f"{name}: the scene has no {label} bands; a PRISMA product has both detectors")
    unused = {detector: np.full(count, -1) for detector, count in UNUSED.items()}
    return [
        _Detector("Vnir", np.concatenate([unused["Vnir"], vnir])),
        _Detector("Swir", np.concatenate([swir, unused["Swir"]])),
    ]


def _attributes(file: Any, name: str, scene: WrittenScene, end: datetime, detectors: list[_Detector]) -> None:
    geometry, spectral = scene.geometry, scene.spectral
    middle = (scene.rows // 2, scene.columns // 2)
    texts = {
        "Product_Name": f"{name}.he5",
        "Product_ID": "PRS_L1_STD",
        "Processing_Level": "1",
        "Processing_Mode": "OFFL",
        "L1_Processor_Version": "3.9-10",
        "Product_StartTime": scene.start.strftime(layout.TIME),
        "Product_StopTime": end.strftime(layout.TIME),
    }
    for key, text in texts.items():
        file.attrs[key] = np.bytes_(text)
    numbers = {
        "Sun_zenith_angle": np.mean(geometry.sun_zenith, dtype=float),
        "Sun_azimuth_angle": geometry.sun_azimuth[middle],
        "Product_center_lat": geometry.latitude[middle],
        "Product_center_long": geometry.longitude[middle],
    }
    for key, number in numbers.items():
        file.attrs[key] = np.float32(number)
    corners = {"UL": (0, 0), "UR": (0, -1), "LL": (-1, 0), "LR": (-1, -1)}
    for corner, pixel in corners.items():
        file.attrs[f"Product_{corner}corner_lat"] = np.float32(geometry.latitude[pixel])
        file.attrs[f"Product_{corner}corner_long"] = np.float32(geometry.longitude[pixel])
    for detector in detectors:
        used = detector.slots >= 0
        file.attrs[f"ScaleFactor_{detector.name}"] = np.float32(SCALE)
        file.attrs[f"Offset_{detector.name}"] = np.float32(OFFSET)
        file.attrs[f"List_Cw_{detector.name}"] = detector.listed(spectral.mean).astype(np.float32)
        file.attrs[f"List_Fwhm_{detector.name}"] = detector.listed(spectral.widths.mean(axis=0)).astype(np.float32)
        file.attrs[f"List_Cw_{detector.name}_Flags"] = used.astype(np.uint8)
        first, last = np.flatnonzero(used)[[0, -1]]
        file.attrs[f"Start_index_EO_{detector.label}"] = np.uint16(first + 1)
        file.attrs[f"Stop_index_EO_{detector.label}"] = np.uint16(last + 1)
        for short, values in (("Cw", spectral.centres), ("Fwhm", spectral.widths)):
            every = np.broadcast_to(values, (scene.columns, spectral.bands))
            file[f"{layout.MATRICES}/{short}_{detector.name}_Matrix"] = detector.listed(every).astype(np.float32)


def _orbit(file: Any, scene: WrittenScene, end: datetime) -> None:
    """Write positions of the satellite that see the middle of each row at the scene's angles."""
    column = scene.columns // 2
    geometry = scene.geometry
    zenith = geometry.view_zenith[:, column].astype(float)
    places = satellite_positions(
        geometry.longitude[:, column],
        geometry.latitude[:, column],
        zenith,
        geometry.view_azimuth[:, column].astype(float),
        ALTITUDE / np.cos(np.radians(zenith.mean())),
    )
    duration = (end - scene.start).total_seconds()
    lines = np.linspace(0.0, duration, scene.rows)
    times = np.arange(-ORBIT_STEP, duration + 2 * ORBIT_STEP, ORBIT_STEP)
    # a scene lasts four seconds, in which the orbit is straight enough
    for name, values in zip(layout.ORBIT_POSITIONS, places.T, strict=True):
        slope, start = np.polyfit(lines, values, 1) if scene.rows > 1 else (0.0, values[0])
        file[name] = start + slope * times
    start = scene.start
    seconds = start.hour * 3600 + start.minute * 60 + start.second + start.microsecond * 1e-6
    file[layout.ORBIT_TIMES] = (seconds + layout.GPS_AHEAD + times) % 86400


def _structure(scene: WrittenScene, detectors: list[_Detector], along_first: bool) -> str:
    """Return HDF-EOS's own description of the swath."""
    sizes = {"Along": scene.rows, "Across": scene.columns}
    sizes |= {f"Bands_{detector.label}": detector.slots.size for detector in detectors}
    lines = ["GROUP=SwathStructure", "GROUP=SWATH_1", f'SwathName="{layout.SWATH.rsplit("/", 1)[-1]}"']
    lines.append("GROUP=Dimension")
    for number, (name, size) in enumerate(sizes.items(), 1):
        block = f"Dimension_{number}"
        lines += [f"OBJECT={block}", f'DimensionName="{name}"', f"Size={size}", f"END_OBJECT={block}"]
    lines += ["END_GROUP=Dimension", "GROUP=DataField"]
    for number, detector in enumerate(detectors, 1):
        block, order = f"DataField_{number}", ("Along", f"Bands_{detector.label}", "Across")
        named = ",".join(f'"{name}"' for name in (order if along_first else order[::-1]))
        lines += [f"OBJECT={block}", f'DataFieldName="{detector.label}_Cube"', "DataType=H5T_NATIVE_UINT16"]
        lines += [f"DimList=({named})", f"END_OBJECT={block}"]
    lines += ["END_GROUP=DataField", "END_GROUP=SWATH_1", "END_GROUP=SwathStructure"]
    return "\n".join([*lines, "GROUP=GridStructure", "END_GROUP=GridStructure", "END", ""])
