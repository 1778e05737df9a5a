"""Opens EMIT Level-1B granules: radiance, observations where there are any, and the Level-2A mask where there is one.

Layouts: specs/plumes.md 4.1 to 4.3; tolerances: 6.2.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance, sun_position
from levelworks.plumes.readers import emit_layout as layout
from levelworks.plumes.readers.emit_kernels import gather_columns
from levelworks.plumes.readers.emit_masks import read_masks
from levelworks.plumes.readers.hdf5_files import dataset, open_hdf5, text_attribute
from levelworks.plumes.readers.radiance_units import radiance_factor
from levelworks.plumes.scene import Geometry, LookupTable, Scene, Spectral

BLOCK_ROWS = 64
"""Rows that are read at a time from files that can't be mapped."""
MAPPED_ROWS = 256
"""Rows of a mapped file that are gathered before their pages are given back."""
STAMP = re.compile(r"\d{8}T\d{6}")
TIMES = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")


@dataclass
class EmitScene(Scene):
    """An open EMIT granule; ``file`` stays open until `close`."""

    file: Any = None
    path: Path = Path()
    radiance: Any = None
    mapped: np.ndarray | None = None
    pages: Any = None
    order: np.ndarray | None = None
    factor: float = 1.0
    fill: float = layout.FILL

    def read(self, columns: range, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance, (columns, rows, bands) float32; see `Scene.read`."""
        if columns.step != 1:
            raise ValueError(f"columns {columns}: one after the other")
        stored = np.ascontiguousarray(np.asarray(self.order)[np.asarray(bands)], dtype=np.int64)
        found = np.empty((len(columns), self.rows, stored.size), dtype=np.float32)
        if self.mapped is not None:
            for first in range(0, self.rows, MAPPED_ROWS):
                block = self.mapped[first : first + MAPPED_ROWS]
                rows = slice(first, first + block.shape[0])
                found[:, rows] = gather_columns(block, columns.start, columns.stop, stored, self.fill, self.factor)
                # What has been gathered stays in the system's cache; here it would count as this job's memory.
                self.pages.madvise(mmap.MADV_DONTNEED)
            return found
        for first in range(0, self.rows, BLOCK_ROWS):
            last = min(first + BLOCK_ROWS, self.rows)
            try:
                block = self.radiance[first:last, columns.start : columns.stop, :]
            except OSError as error:
                raise InvalidInput(f"{self.path}: rows {first} to {last} of radiance can't be read ({error})") from None
            block = np.ascontiguousarray(block, dtype=np.float32)
            found[:, first:last] = gather_columns(block, 0, len(columns), stored, self.fill, self.factor)
        return found

    def read_pixels(self, rows: np.ndarray, columns: np.ndarray, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance of single pixels, (n, bands) float32; see `Scene.read_pixels`."""
        if self.mapped is None:
            return super().read_pixels(rows, columns, bands)
        stored = np.asarray(self.order)[np.asarray(bands)]
        spectra = self.mapped[rows, columns][:, stored]
        return np.where(spectra == np.float32(self.fill), np.float32(np.nan), spectra * np.float32(self.factor))

    def close(self) -> None:
        """Close the file of radiance."""
        self.mapped = None
        if self.file is not None:
            self.file.close()


def open_emit(radiance: Path, observations: Path | None = None, mask: Path | None = None) -> EmitScene:
    """Open an EMIT granule.

    Parameters
    ----------
    radiance : Path
        ``EMIT_L1B_RAD_*.nc``.
    observations : Path, optional
        ``EMIT_L1B_OBS_*.nc``; without it the sun's angles are computed and the view is taken as nadir.
    mask : Path, optional
        ``EMIT_L2A_MASK_*.nc``.

    Raises
    ------
    InvalidInput
        Where a file is truncated, of another level, scene, shape or unit, or lacks what it must have.
    """
    file = open_hdf5(radiance)
    try:
        return _open(file, radiance, observations, mask)
    except BaseException:
        file.close()
        raise


def _open(file: Any, radiance: Path, observations: Path | None, mask: Path | None) -> EmitScene:
    cube = dataset(file, "radiance", radiance, dimensions=3)
    rows, columns, bands = cube.shape
    if cube.dtype.kind != "f":
        raise InvalidInput(f"{radiance}: radiance is {cube.dtype}, not floating-point")
    if 0 in cube.shape:
        raise InvalidInput(f"{radiance}: radiance of shape {cube.shape} has no pixels")
    factor = radiance_factor(text_attribute(cube, "units"), f"{radiance}: radiance")
    notes: list[str] = []
    spectral, order = _spectral(file, radiance, bands, columns, notes)
    start, end = _times(file, radiance)
    places = {name: _place(file, name, radiance, (rows, columns)) for name in ("lon", "lat", "elev")}
    if not np.isfinite(places["lon"]).any():
        raise InvalidInput(f"{radiance}: location/lon has no valid value")
    angles, distance = _observe(observations, radiance, (rows, columns), start, end, places, notes)
    geometry = Geometry(
        longitude=places["lon"],
        latitude=places["lat"],
        elevation=places["elev"].astype(np.float32),
        lookup=_lookup(file, radiance, (rows, columns), notes),
        sun_zenith=angles["sun_zenith"],
        sun_azimuth=angles["sun_azimuth"],
        view_zenith=angles["view_zenith"],
        view_azimuth=angles["view_azimuth"],
    )
    masks, attributes = read_masks(mask, radiance, (rows, columns), notes) if mask else ({}, {})
    mapped = _map(cube, radiance)
    return EmitScene(
        name=radiance.stem,
        sensor="EMIT",
        start=start,
        end=end,
        rows=rows,
        columns=columns,
        spectral=spectral,
        geometry=geometry,
        earth_sun=distance,
        masks=masks,
        attributes={key: text_attribute(file, key) for key in ("flight_line", "product_version") if key in file.attrs}
        | attributes,
        notes=notes,
        file=file,
        path=radiance,
        radiance=cube,
        mapped=mapped,
        pages=None if mapped is None else mapped.base,
        order=order,
        factor=factor,
        fill=float(np.ravel(cube.attrs.get("_FillValue", layout.FILL))[0]),
    )


def _map(cube: Any, path: Path) -> np.ndarray | None:
    """Return the cube as it lies in the file, or nothing where it is chunked, compressed or of another type."""
    if cube.chunks is not None or cube.dtype != np.dtype("<f4") or cube.external:
        return None
    offset = cube.id.get_offset()
    if offset is None:
        return None
    if offset + cube.size * cube.dtype.itemsize > path.stat().st_size:
        raise InvalidInput(f"{path}: truncated, radiance ends before its {cube.shape[0]} rows are full")
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.ndarray(cube.shape, dtype="<f4", buffer=pages, offset=offset)


def _spectral(file: Any, path: Path, bands: int, columns: int, notes: list[str]) -> tuple[Spectral, np.ndarray]:
    """Return the bands in ascending order without duplicates, and where each stands in the file."""
    found = {}
    for name in ("wavelengths", "fwhm"):
        values = np.asarray(dataset(file, f"sensor_band_parameters/{name}", path)[...], dtype=float)
        if values.shape not in {(bands,), (columns, bands)}:
            raise InvalidInput(f"{path}: {name} has shape {values.shape} and radiance {bands} bands")
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise InvalidInput(f"{path}: {name} has values that are no wavelength in nm")
        found[name] = np.atleast_2d(values)
    mean = found["wavelengths"].mean(axis=0)
    if mean.max() < 100:
        raise InvalidInput(f"{path}: wavelengths end at {mean.max():g}; they must be in nm")
    order = np.argsort(mean, kind="stable")
    if not np.array_equal(order, np.arange(bands)):
        notes.append("The bands do not ascend in wavelength; they were sorted.")
    kept = order[np.concatenate([[True], np.diff(mean[order]) > 0])]
    if kept.size < bands:
        notes.append(f"{bands - kept.size} bands have the wavelength of another; the first of each was kept.")
    shape = (found["wavelengths"].shape[0], kept.size)
    return Spectral(found["wavelengths"][:, kept], np.broadcast_to(found["fwhm"][:, kept], shape)), kept


def _times(file: Any, path: Path) -> tuple[datetime, datetime]:
    """Return start and end in UTC; the start of the file's name and an end like it where attributes are missing."""
    start, end = (_time(text_attribute(file, f"time_coverage_{which}")) for which in ("start", "end"))
    stamp = STAMP.search(path.name)
    if start is None and stamp:
        start = _time(f"{stamp[0][:4]}-{stamp[0][4:6]}-{stamp[0][6:11]}:{stamp[0][11:13]}:{stamp[0][13:]}+0000")
    if start is None:
        raise InvalidInput(f"{path}: neither time_coverage_start nor the file's name tells the time")
    return start, end if end is not None and end >= start else start


def _time(text: str) -> datetime | None:
    for form in TIMES:
        try:
            return datetime.strptime(text.strip().replace("Z", "+0000"), form).astimezone(UTC)
        except ValueError:
            continue
    return None


def _place(file: Any, name: str, path: Path, shape: tuple[int, int]) -> np.ndarray:
    values = np.asarray(dataset(file, f"location/{name}", path)[...], dtype=float)
    if values.shape != shape:
        raise InvalidInput(f"{path}: location/{name} has shape {values.shape} and radiance {shape}")
    values[values == layout.FILL] = np.nan
    return values


def _lookup(file: Any, path: Path, shape: tuple[int, int], notes: list[str]) -> LookupTable | None:
    names = ("location/glt_x", "location/glt_y")
    transform = np.ravel(np.asarray(file.attrs.get("geotransform", ()), dtype=float))
    if any(name not in file for name in names) or transform.size != 6:
        notes.append("The granule has no geographic lookup table; pixels are placed by longitude and latitude.")
        return None
    sample, line = (np.asarray(file[name][...], dtype=np.int32) for name in names)
    if sample.shape != line.shape or np.abs(sample).max(initial=0) > shape[1] or np.abs(line).max(initial=0) > shape[0]:
        raise InvalidInput(f"{path}: the geographic lookup table points outside the {shape[0]} x {shape[1]} pixels")
    west, width, tilt, north, skew, height = (float(value) for value in transform)
    return LookupTable(sample, line, (west, width, tilt, north, skew, height))


def _observe(
    observations: Path | None,
    radiance: Path,
    shape: tuple[int, int],
    start: datetime,
    end: datetime,
    places: dict[str, np.ndarray],
    notes: list[str],
) -> tuple[dict[str, np.ndarray], float]:
    """Return the angles, float32 (rows, columns), and the Earth-Sun distance."""
    middle = start + (end - start) / 2
    if observations is not None:
        return _read_observations(observations, radiance, shape, middle)
    notes.append("No file of observations: the sun's angles were computed and the view was taken as nadir.")
    zenith, azimuth = sun_position(middle, places["lon"], places["lat"])
    nadir = np.where(np.isfinite(zenith), 0.0, np.nan)
    angles = {"sun_zenith": zenith, "sun_azimuth": azimuth, "view_zenith": nadir, "view_azimuth": nadir}
    return {name: values.astype(np.float32) for name, values in angles.items()}, sun_distance(middle)


def _read_observations(
    path: Path, radiance: Path, shape: tuple[int, int], middle: datetime
) -> tuple[dict[str, np.ndarray], float]:
    own, other = STAMP.search(radiance.name), STAMP.search(path.name)
    if own and other and own[0] != other[0]:
        raise InvalidInput(f"{path} is of another scene than {radiance.name}: {other[0]} and {own[0]}")
    with open_hdf5(path) as file:
        cube = dataset(file, "obs", path, dimensions=3)
        if cube.shape[:2] != shape:
            raise InvalidInput(f"{path}: obs has shape {cube.shape[:2]} and radiance {shape}: of another scene?")
        names = dataset(file, "sensor_band_parameters/observation_bands", path).asstr()[...]
        titles = [str(name).strip().lower() for name in names]
        if len(titles) != cube.shape[2]:
            raise InvalidInput(f"{path}: {len(titles)} names of observations and {cube.shape[2]} observations")
        wanted = layout.ANGLES | {"distance": layout.DISTANCE}
        places = {}
        for key, beginning in wanted.items():
            matching = [number for number, title in enumerate(titles) if title.startswith(beginning)]
            if not matching and key != "distance":
                raise InvalidInput(f"{path}: no observation is named {beginning!r}; there are {', '.join(titles)}")
            if matching:
                places[key] = matching[0]
        try:
            values = cube[...]
        except OSError as error:
            raise InvalidInput(f"{path}: obs can't be read ({error})") from None
        found = {}
        for key, number in places.items():
            layer = values[..., number].astype(np.float32)
            layer[layer == np.float32(layout.FILL)] = np.nan
            found[key] = layer
    for key in ("sun_zenith", "view_zenith"):
        if not np.isfinite(found[key]).any() or np.nanmax(found[key]) > 90 or np.nanmin(found[key]) < 0:
            raise InvalidInput(f"{path}: {layout.ANGLES[key]} has no values from 0 to 90 degrees")
    distance = found.pop("distance", None)
    known = distance[np.isfinite(distance)] if distance is not None else np.empty(0)
    return found, float(np.median(known)) if known.size else sun_distance(middle)
