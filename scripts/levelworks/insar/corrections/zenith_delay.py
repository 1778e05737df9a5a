"""Zenith total delays as GACOS hands them out, in metres: a binary with a header, or a GeoTIFF.

The binary holds float32, little endian, rows from the north, 0 where there is none; its header is that of ROI_PAC,
whose ``X_FIRST`` and ``Y_FIRST`` are the centre of the first cell (LiCSBAS reads it so; Morishita et al. 2020,
doi:10.3390/rs12030424; on GACOS: Yu et al. 2018, doi:10.1029/2017JB015305).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.corrections.bilinear import interpolate
from levelworks.insar.corrections.delay_names import HEADER

ITEM = np.dtype("<f4")
LEAST, MOST = 0.3, 3.5
"""Zenith delays that the Earth has, m: some 0.7 above the highest peaks, 2.8 in wet air at the sea."""
GRID_KEYS = ("WIDTH", "FILE_LENGTH", "X_FIRST", "Y_FIRST", "X_STEP", "Y_STEP")
FIXED = {"Z_SCALE": 1.0, "Z_OFFSET": 0.0}
NAMES = {"PROJECTION": "LATLON", "DATUM": "WGS84"}


@dataclass(frozen=True)
class ZenithDelay:
    """Zenith delays on a geographic grid.

    Parameters
    ----------
    values : ndarray, shape (rows, columns), float32
        m, NaN where there is none; rows go south.
    west, north : float
        Centre of the first cell, degrees.
    steps : tuple of float
        From row to row and from column to column, degrees, both positive.
    hour : float or None
        Time of day, UTC, where the file says it.
    """

    values: np.ndarray
    west: float
    north: float
    steps: tuple[float, float]
    hour: float | None

    def at(self, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
        """Return the delays where rows of latitude and columns of longitude (degrees) cross, m, NaN beyond."""
        rows = (self.north - latitudes) / self.steps[0]
        half = 0.5 * self.steps[1]
        columns = (np.mod(longitudes - self.west + half, 360.0) - half) / self.steps[1]
        return interpolate(self.values, rows, columns)

    def inside(self, latitudes: np.ndarray, longitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which latitudes and which longitudes (degrees) the grid spans, whether it has delays there or not."""
        (rows, columns), half = self.values.shape, 0.5 * self.steps[1]
        row = (self.north - latitudes) / self.steps[0]
        column = (np.mod(longitudes - self.west + half, 360.0) - half) / self.steps[1]
        return (row >= -0.5) & (row <= rows - 0.5), column <= columns - 0.5


def read_zenith_delay(files: Sequence[Path]) -> ZenithDelay:
    """Read the zenith delays of a date.

    Parameters
    ----------
    files : sequence of Path
        ``YYYYMMDD.ztd`` and its ``.rsc``, in any order, or ``YYYYMMDD.ztd.tif``.

    Raises
    ------
    InvalidInput
        Where a file is missing, can't be read, has another size than its header says, or holds no delays in metres.
    """
    header = next((path for path in files if path.name.endswith(HEADER)), None)
    rest = [path for path in files if path is not header]
    if len(rest) != 1:
        raise InvalidInput(f"delays of a date are one file (.ztd with .ztd.rsc, or .ztd.tif), not {len(rest)}")
    path = rest[0]
    if path.suffix == ".tif":
        found = _read_geotiff(path)
    elif header is None:
        raise InvalidInput(f"{path} has no header {path.name}{HEADER} beside it: unpack the archive of GACOS anew")
    else:
        found = _read_binary(path, header)
    known = found.values[np.isfinite(found.values)]
    if not known.size:
        raise InvalidInput(f"{path} holds no delay at all")
    least, most = float(known.min()), float(known.max())
    if least < LEAST or most > MOST:
        raise InvalidInput(
            f"{path} holds values from {least:.4g} to {most:.4g}, which are no zenith delays in m "
            f"({LEAST} to {MOST}): download it again"
        )
    return found


def read_header(path: Path) -> dict[str, str]:
    """Read a header of ROI_PAC: a key and a value a line."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read as a header ({error})") from None
    words = [line.split(None, 1) for line in lines if line.strip()]
    return {pair[0]: pair[1].strip() for pair in words if len(pair) == 2}


def _read_binary(path: Path, header: Path) -> ZenithDelay:
    found = read_header(header)
    absent = [key for key in GRID_KEYS if key not in found]
    if absent:
        raise InvalidInput(f"{header} lacks {', '.join(absent)}")
    columns, rows = (_whole(found, key, header) for key in ("WIDTH", "FILE_LENGTH"))
    west, north, dx, dy = (_number(found, key, header) for key in GRID_KEYS[2:])
    if dx <= 0 or dy >= 0:
        raise InvalidInput(f"{header}: X_STEP {dx} and Y_STEP {dy} are not of rows that go south, columns that go east")
    for key, value in FIXED.items():
        if key in found and _number(found, key, header) != value:
            raise InvalidInput(f"{header}: {key} is {found[key]}, {value:g} is what can be read")
    for key, name in NAMES.items():
        if found.get(key, name).upper() != name:
            raise InvalidInput(f"{header}: {key} is {found[key]}, {name} is what can be read")
    size, wanted = path.stat().st_size, rows * columns * ITEM.itemsize
    if size != wanted:
        raise InvalidInput(
            f"{path} has {size} bytes, its header {header.name} asks for {wanted} ({rows} x {columns} float32): "
            "download it again"
        )
    values = np.fromfile(path, ITEM).reshape(rows, columns).astype(np.float32)
    return ZenithDelay(_without_zeros(values), west, north, (-dy, dx), _hour(found))


def _read_geotiff(path: Path) -> ZenithDelay:
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path) as file:
            if file.count != 1 or not np.issubdtype(file.dtypes[0], np.floating):
                raise InvalidInput(f"{path} has {file.count} bands of {file.dtypes[0]}, not one of floating point")
            if file.crs is None or file.crs.to_epsg() != 4326:
                raise InvalidInput(f"{path} is in {file.crs}, not in EPSG:4326")
            dx, turn, west, skew, dy, north = tuple(file.transform)[:6]
            if turn or skew or dx <= 0 or dy >= 0:
                raise InvalidInput(f"{path} is not north up")
            values, nodata = file.read(1).astype(np.float32), file.nodata
    except RasterioError as error:
        raise InvalidInput(f"{path} can't be read ({error}): download it again") from None
    if nodata is not None and np.isfinite(nodata):
        values[values == np.float32(nodata)] = np.nan
    return ZenithDelay(_without_zeros(values), west + dx / 2, north + dy / 2, (-dy, dx), None)


def _without_zeros(values: np.ndarray) -> np.ndarray:
    values[values == 0] = np.nan
    return values


def _number(found: Mapping[str, str], key: str, header: Path) -> float:
    try:
        number = float(found[key].split()[0])
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise InvalidInput(f"{header}: {key} is {found[key]!r}, not a number")
    return number


def _whole(found: Mapping[str, str], key: str, header: Path) -> int:
    number = _number(found, key, header)
    if number != int(number) or number < 1:
        raise InvalidInput(f"{header}: {key} is {found[key]!r}, not a number of cells")
    return int(number)


def _hour(found: Mapping[str, str]) -> float | None:
    """Return the time of day, hours (``12.350000UTC`` or ``12:21UTC``); None where it tells none, as it may lack."""
    text = found.get("TIME_OF_DAY", "").upper().removesuffix("UTC").strip()
    try:
        hours, *rest = [float(part) for part in text.split(":")]
    except ValueError:
        return None
    if len(rest) > 2 or not all(0 <= part < 60 for part in rest):
        return None
    hour = hours + sum(part / 60 ** (k + 1) for k, part in enumerate(rest))
    return hour if 0 <= hour <= 24 else None
