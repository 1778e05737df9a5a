"""Opens a Level-1 scene of Landsat 4 to 9: the folder of its MTL and its bands.

Source: specs/ard.md 3.1; of Collection 2's quality bands USGS LSDS-1619 and LSDS-1618.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from levelworks.ard.readers.band_files import BandFile
from levelworks.ard.readers.landsat_angles import ANGLE_BANDS, scene_angles
from levelworks.ard.readers.landsat_calibration import calibrations
from levelworks.ard.readers.mtl import Mtl, find_mtl, read_mtl
from levelworks.ard.readers.quality import Quality
from levelworks.ard.scene import Angles, ImageGrid, ImageMetadata
from levelworks.ard.sensors import SENSORS, Sensor
from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance

FILL, DROPPED = 1 << 0, 1 << 9
"""Bits of QA_PIXEL, and of QA_RADSAT before Landsat 8."""
ALIGNMENT = 0.01
"""Of a pixel: how far a clip may lie off the scene's own grid."""


class LandsatImage:
    """An opened scene; counts are read by rows, 8-bit of TM and ETM+."""

    def __init__(self, metadata: ImageMetadata, mtl: Mtl, bands: dict[str, BandFile], folder: Path) -> None:
        self.metadata = metadata
        self._mtl = mtl
        self._bands = bands
        self._folder = folder
        self._dtype = np.uint8 if metadata.sensor.saturation == 255 else np.uint16

    def grid_of(self, band: str) -> ImageGrid:
        """Return the grid of a band's own pixels."""
        return self._bands[band].grid

    def read(self, band: str, start: int, stop: int) -> np.ndarray:
        """Return counts of the rows start to stop of a band, shape (stop - start, columns); 0 is no data."""
        return self._bands[band].counts(start, stop, self._dtype)

    def angles(self) -> Angles:
        """Return the angles on the field of the Level-2 grid."""
        return self._angles[0]

    @property
    def angle_source(self) -> str:
        """Return what the angles are from."""
        return self._angles[1]

    @cached_property
    def _angles(self) -> tuple[Angles, str]:
        found = {
            name: _named_file(self._folder, self._mtl, tag, rf"_{name}\.TIFF?") for name, tag in ANGLE_BANDS.items()
        }
        files = {name: path for name, path in found.items() if path is not None}
        coefficients = _named_file(self._folder, self._mtl, "FILE_NAME_ANGLE_COEFFICIENT", r"_ANG\.txt")
        whole = files if len(files) == len(ANGLE_BANDS) else {}
        data = self.metadata
        return scene_angles(self._mtl, data.sensor, data.grid, data.time, whole, coefficients)

    def read_quality(self, start: int, stop: int) -> Quality | None:
        """Return what Collection 2's quality bands say of rows, or None where the scene has none."""
        files = self._quality
        if not files:
            return None
        shape = (stop - start, self.metadata.grid.columns)
        nothing = np.zeros(shape, np.uint16)
        pixel = files["PIXEL"].read(start, stop) if "PIXEL" in files else nothing
        saturation = files["RADSAT"].read(start, stop) if "RADSAT" in files else nothing
        early = self.metadata.sensor.saturation == 255
        dropped = (saturation & DROPPED) != 0 if early else np.zeros(shape, np.bool_)
        bits = np.zeros(shape, np.uint16)
        for index, band in enumerate(self.metadata.sensor.bands):
            number = int(band.key.partition("_")[0])
            bits |= ((saturation >> (number - 1)) & 1).astype(np.uint16) << np.uint16(index)
        return Quality((pixel & FILL) != 0, dropped, bits)

    @cached_property
    def _quality(self) -> dict[str, BandFile]:
        files: dict[str, BandFile] = {}
        for name, tag in (("PIXEL", "L1_PIXEL"), ("RADSAT", "L1_RADIOMETRIC_SATURATION")):
            path = _named_file(self._folder, self._mtl, f"FILE_NAME_QUALITY_{tag}", rf"_QA_{name}\.TIFF?")
            if path is not None:
                files[name] = BandFile(path)
                if files[name].shape != self.metadata.grid.shape:
                    raise InvalidInput(_sizes_differ(path, files[name].shape, self.metadata.grid.shape))
        return files

    def close(self) -> None:
        """Close the files."""
        for file in (*self._bands.values(), *self._quality.values()):
            file.close()


def open_landsat(folder: Path, *, max_tier: int = 1) -> LandsatImage:
    """Open a scene.

    Parameters
    ----------
    folder : Path
        Where ``*_MTL.txt`` lies.
    max_tier : int
        Worst tier that is taken: 1 terrain-corrected and of known accuracy, 2 the others, 3 real time.

    Raises
    ------
    InvalidInput
        Where the scene is of a sensor that the line doesn't take or of a worse tier, a file is missing, truncated or
        of another size than the others, or the MTL is not whole.
    """
    mtl = read_mtl(find_mtl(folder))
    sensor = _sensor_of(mtl)
    tier = _tier_of(mtl)
    if tier > max_tier:
        kind = f"{mtl.text('PROCESSING_LEVEL')} {mtl.get('COLLECTION_CATEGORY') or ''}".strip()
        raise InvalidInput(f"{mtl.identifier} is of tier {tier} ({kind}) and `tier` takes none above {max_tier}")
    time = mtl.scene_centre_time
    distance = mtl.find_number("EARTH_SUN_DISTANCE") or sun_distance(time)
    calibration = calibrations(mtl, sensor, distance)
    files = {band.name: _band_file(folder, mtl, band.key) for band in sensor.bands}
    bands = {name: BandFile(path) for name, path in files.items()}
    grid, clipped = _common_grid(mtl, sensor, bands)
    extras = {
        "processing_level": mtl.text("PROCESSING_LEVEL"),
        "collection": mtl.get("COLLECTION_NUMBER") or "pre-collection",
        "cloud_cover": mtl.get("CLOUD_COVER") or "",
        "clip": "yes" if clipped else "no",
    }
    reference = f"{int(mtl.number('WRS_PATH')):03d}{int(mtl.number('WRS_ROW')):03d}"
    metadata = ImageMetadata(mtl.identifier, sensor, time, grid, reference, tier, calibration, files, distance, extras)
    return LandsatImage(metadata, mtl, bands, folder)


def _sensor_of(mtl: Mtl) -> Sensor:
    level = mtl.text("PROCESSING_LEVEL")
    if not level.startswith("L1"):
        raise InvalidInput(f"{mtl.path} is of a {level} product: the line begins at Level 1 (L1TP)")
    spacecraft, instrument = mtl.text("SPACECRAFT_ID"), mtl.text("SENSOR_ID").upper()
    if instrument.startswith("MSS"):
        raise InvalidInput(
            f"{mtl.path} is of Landsat's MSS, which has no blue and no short-wave infrared band: "
            "the line takes TM, ETM+ and OLI"
        )
    if instrument == "TIRS":
        raise InvalidInput(f"{mtl.path} is of TIRS alone: there is no reflectance in it")
    sensor = SENSORS.get(f"LND0{spacecraft[-1]}")
    if sensor is None:
        raise InvalidInput(f"{mtl.path}: SPACECRAFT_ID = {spacecraft} is none of Landsat 4, 5, 7, 8 and 9")
    if instrument == "OLI":
        return replace(sensor, instrument="OLI", bands=sensor.reflective)
    return sensor


def _tier_of(mtl: Mtl) -> int:
    category = mtl.get("COLLECTION_CATEGORY") or ""
    if category == "RT":
        return 3
    precise = mtl.text("PROCESSING_LEVEL") in ("L1T", "L1TP")
    return 1 if precise and category != "T2" else 2


def _common_grid(mtl: Mtl, sensor: Sensor, bands: dict[str, BandFile]) -> tuple[ImageGrid, bool]:
    """Return the grid that the reflective bands share, and whether it is a clip of the scene that the MTL tells of."""
    first = sensor.reflective[0].name
    grid = bands[first].grid
    if abs(grid.resolution - mtl.number("GRID_CELL_SIZE_REFLECTIVE")) > ALIGNMENT * grid.resolution:
        raise InvalidInput(
            f"{bands[first].path} has pixels of {grid.resolution:g} m and its MTL says "
            f"{mtl.text('GRID_CELL_SIZE_REFLECTIVE')}: it has been resampled"
        )
    for name, file in bands.items():
        if name == "TEMP":
            _require_cover(file, grid)
        elif file.shape != grid.shape:
            raise InvalidInput(_sizes_differ(file.path, file.shape, grid.shape))
        elif file.grid != grid:
            raise InvalidInput(f"{file.path} does not lie where the other bands do: fetch the image again")
    west = mtl.number("CORNER_UL_PROJECTION_X_PRODUCT") - grid.resolution / 2
    north = mtl.number("CORNER_UL_PROJECTION_Y_PRODUCT") + grid.resolution / 2
    lines, samples = int(mtl.number("REFLECTIVE_LINES")), int(mtl.number("REFLECTIVE_SAMPLES"))
    column, row = (grid.west - west) / grid.resolution, (north - grid.north) / grid.resolution
    inside = row >= -ALIGNMENT and column >= -ALIGNMENT
    inside = inside and row + grid.rows <= lines + ALIGNMENT and column + grid.columns <= samples + ALIGNMENT
    if not inside:
        raise InvalidInput(
            f"{bands[first].path} ({grid.rows} x {grid.columns} pixels at {grid.west:g}, {grid.north:g}) does not lie "
            f"in the scene of its MTL ({lines} x {samples} at {west:g}, {north:g}): the files are of different scenes"
        )
    return grid, (grid.rows, grid.columns) != (lines, samples)


def _require_cover(file: BandFile, grid: ImageGrid) -> None:
    """See that a thermal band, which may be coarser, begins where the others do and covers them."""
    own = file.grid
    factor = round(own.resolution / grid.resolution)
    if (
        factor < 1
        or own != replace(grid.coarser(factor), rows=own.rows, columns=own.columns)
        or own.rows * factor < grid.rows
        or own.columns * factor < grid.columns
    ):
        raise InvalidInput(_sizes_differ(file.path, file.shape, grid.shape))


def _sizes_differ(path: Path, shape: tuple[int, int], expected: tuple[int, int]) -> str:
    return (
        f"{path} has {shape[0]} x {shape[1]} pixels where {expected[0]} x {expected[1]} are expected: "
        "fetch the image again"
    )


def _band_file(folder: Path, mtl: Mtl, key: str) -> Path:
    pattern = rf"_B{key.replace('6_VCID_1', '6(?:_VCID_)?1').lstrip('0')}\.TIFF?"
    found = _named_file(folder, mtl, f"FILE_NAME_BAND_{key}", pattern)
    if found is None:
        name = mtl.get(f"FILE_NAME_BAND_{key}") or f"*_B{key}.TIF"
        raise InvalidInput(f"{folder / name} is missing: fetch the image again")
    return found


def _named_file(folder: Path, mtl: Mtl, tag: str, ending: str) -> Path | None:
    """Return the file that the MTL names, in any case; else the one whose name ends as the agency's; else None."""
    wanted = (mtl.get(tag) or "").lower()
    names = sorted(path.name for path in folder.iterdir())
    exact = next((name for name in names if wanted and name.lower() == wanted), None)
    pattern = re.compile(rf".*{ending}", re.IGNORECASE)
    found = exact or next((name for name in names if pattern.fullmatch(name)), None)
    return folder / found if found is not None else None
