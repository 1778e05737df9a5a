"""Sun and view of a Landsat scene, from the best that comes with it.

In this order: bands of angles for each pixel; the angle coefficient file; the nadir line of the full scene that the
MTL tells of; the nominal track of path and row. None of them looks at which pixels are valid, so that clips of a scene
keep its angles (specs/ard.md 4 and 28 D6).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from levelworks.ard.geometry.directions import spread_to_neighbours, to_vectors
from levelworks.ard.geometry.places import earth_fixed, to_geographic, to_projection
from levelworks.ard.geometry.track import Track, track_of_row, track_through
from levelworks.ard.geometry.view import angles_of, directions_of_track
from levelworks.ard.readers.angle_coefficients import read_angle_coefficients
from levelworks.ard.readers.band_files import BandFile
from levelworks.ard.readers.mtl import Mtl
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.sensors import Sensor
from levelworks.core.outcome import InvalidInput
from levelworks.core.sphere import EARTH_RADIUS_KM

ANGLE_BANDS = {
    "SZA": "FILE_NAME_ANGLE_SOLAR_ZENITH_BAND_4",
    "SAA": "FILE_NAME_ANGLE_SOLAR_AZIMUTH_BAND_4",
    "VZA": "FILE_NAME_ANGLE_SENSOR_ZENITH_BAND_4",
    "VAA": "FILE_NAME_ANGLE_SENSOR_AZIMUTH_BAND_4",
}
ANGLE_SCALE = 0.01
CORNERS = ("UL", "UR", "LL", "LR")
FULL_SCENE_KM = 185.0
"""Least width and height of the box about a full scene; the swath is as wide and turned against it."""
OFF_TRACK_KM = 120.0
"""From the nominal centre: a frame farther off is no frame of its path and row."""
OFF_NADIR_DEGREES = 1.0
READ_ROWS = 512
"""Of a band of angles that are read at a time, a multiple of the usual tiles and strips."""
MARGIN = 3.0
"""Cells about the swath that take the nearest direction, so that its outer pixels can be interpolated."""
DESCENDING_ROWS = range(1, 123)


def scene_angles(
    mtl: Mtl, sensor: Sensor, grid: ImageGrid, time: datetime, files: dict[str, Path], coefficients: Path | None
) -> tuple[Angles, str]:
    """Return the angles on an image's field, and where they are from.

    Parameters
    ----------
    mtl : Mtl
    sensor : Sensor
    grid : ImageGrid
        Of the image, which may be a clip of the scene.
    time : datetime
        At the scene's centre, UTC.
    files : dict
        Paths of the four bands of angles by SZA, SAA, VZA and VAA; empty where there are none.
    coefficients : Path, optional
        The angle coefficient file.
    """
    field = grid.coarser(field_step(grid))
    track, source = scene_track(mtl, grid.crs, steered=int(sensor.id[-1]) >= 8)
    sun, view = directions_of_track(field, track, time)
    if files:
        sun, view = _from_bands(files, grid, sun)
        source = "bands of angles"
    elif coefficients is not None:
        read = read_angle_coefficients(coefficients)
        if read.scene in ("", mtl.get("LANDSAT_SCENE_ID")):
            bands = [sensor.band(name).key for name in sensor.product]
            view = spread_to_neighbours(read.directions(field, bands)[:, :, 0], MARGIN)
            source = "angle coefficients"
    return angles_of(sun, view), source


def _from_bands(files: dict[str, Path], grid: ImageGrid, sun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return directions to sun and satellite from bands of angles; where they have no sun, the computed one stands."""
    values = {name: _at_centres(path, grid) for name, path in files.items()}
    # Fill is 0 in all four; a sun at the zenith to the hundredth degree would not have an azimuth of 0 as well.
    known = np.any([one != 0 for one in values.values()], axis=0) & (np.min(list(values.values()), axis=0) > -32768)
    degrees = {name: np.where(known, one * ANGLE_SCALE, np.nan) for name, one in values.items()}
    view = spread_to_neighbours(to_vectors(degrees["VZA"], degrees["VAA"]), MARGIN)
    given = to_vectors(degrees["SZA"], degrees["SAA"])
    return np.where(np.isfinite(given), given, sun), view


def _at_centres(path: Path, grid: ImageGrid) -> np.ndarray:
    """Return a band at the middle pixels of the field's cells, shape of the field."""
    step = field_step(grid)
    file = BandFile(path)
    if file.shape != grid.shape:
        raise InvalidInput(
            f"{path} has {file.shape[0]} x {file.shape[1]} pixels and the image {grid.rows} x {grid.columns}"
        )
    field = grid.coarser(step)
    rows = np.minimum(np.arange(field.rows) * step + step // 2, grid.rows - 1)
    columns = np.minimum(np.arange(field.columns) * step + step // 2, grid.columns - 1)
    values = np.empty((field.rows, field.columns), np.int32)
    # Some hundred rows at a time: of a compressed file, one row costs as much as the whole tile that it is in.
    for start in range(0, grid.rows, READ_ROWS):
        inside = np.flatnonzero((rows >= start) & (rows < start + READ_ROWS))
        if inside.size:
            read = file.read(start, min(start + READ_ROWS, grid.rows))
            values[inside] = read[np.ix_(rows[inside] - start, columns)]
    file.close()
    return values


def scene_track(mtl: Mtl, crs: str, *, steered: bool) -> tuple[Track, str]:
    """Return the satellite's track over a scene, and what it is from.

    The MTL of a clip may have been edited to it, often in its projection's corners alone; a corner box that is smaller
    than a full scene, or far from the place of its path and row, is not believed.
    """
    row, path = int(mtl.number("WRS_ROW")), int(mtl.number("WRS_PATH"))
    nominal = track_of_row(path, row, steered=steered)
    roll = abs(mtl.find_number("ROLL_ANGLE") or 0.0)
    if roll < OFF_NADIR_DEGREES and mtl.get("NADIR_OFFNADIR") != "OFFNADIR" and row in DESCENDING_ROWS:
        expected = nominal.position(np.asarray(nominal.centre))
        for x, y in _corner_boxes(mtl, crs):
            if min(np.ptp(x), np.ptp(y)) < FULL_SCENE_KM * 1000.0:
                continue
            longitude, latitude = (float(value) for value in to_geographic(crs, float(x.mean()), float(y.mean())))
            if _angle_between(earth_fixed(longitude, latitude), expected) * EARTH_RADIUS_KM < OFF_TRACK_KM:
                return track_through(longitude, latitude, steered=steered), "nadir line of the full scene"
    return nominal, "nominal track of path and row"


def _corner_boxes(mtl: Mtl, crs: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield x and y of the product's corners in the image's projection, of those corners that the MTL names."""
    for kinds in (("PROJECTION_X", "PROJECTION_Y"), ("LON", "LAT")):
        corners = [[mtl.find_number(f"CORNER_{corner}_{kind}_PRODUCT") for corner in CORNERS] for kind in kinds]
        if any(value is None for row in corners for value in row):
            continue
        across, along = np.asarray(corners, dtype=float)
        yield to_projection(crs, across, along) if kinds[0] == "LON" else (across, along)


def _angle_between(one: np.ndarray, other: np.ndarray) -> float:
    cosine = (one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))
