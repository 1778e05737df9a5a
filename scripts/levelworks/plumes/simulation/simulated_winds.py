"""Winds as files of ERA5 and GEOS-FP: names, variables, packing and order of the agencies, with known values.

ERA5 of single levels comes as GRIB edition 1 (WMO Manual on Codes, FM 92-IX) or as NetCDF of the Climate Data Store.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np

PARAMETERS = {165: "u10", 166: "v10", 134: "sp"}
ERA5_NAMES = {
    "u10": ("m s**-1", "10 metre U wind component"),
    "v10": ("m s**-1", "10 metre V wind component"),
    "sp": ("Pa", "Surface pressure"),
}
GEOS_FP_NAMES = {"U10M": ("u10", "m s-1"), "V10M": ("v10", "m s-1"), "PS": ("sp", "Pa")}


def write_winds(
    folder: Path,
    start: datetime,
    bounds: tuple[float, float, float, float],
    u: float,
    v: float,
    pressure: float = 101325.0,
    gradient: tuple[float, float] = (0.0, 0.0),
    trend: float = 0.0,
) -> dict[str, list[Path]]:
    """Write a day of ERA5 (GRIB and NetCDF) and the hours of GEOS-FP about a scene.

    Parameters
    ----------
    start : datetime
        Time of the scene, UTC; components are exact at that time.
    bounds : tuple of float
        West, south, east, north, degrees; east may lie beyond 180.
    u, v : float
        Eastward and northward wind at the centre of the bounds, m s-1.
    gradient : tuple of float
        Of u and v towards the east and towards the north, m s-1 per degree.
    trend : float
        Of u and v, m s-1 per hour.

    Returns
    -------
    dict of str to list of Path
        Files by ``era5_grib``, ``era5_netcdf``, ``geos_fp``.
    """
    west, south, east, north = bounds
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    centre = (west + east) / 2, (south + north) / 2

    def field(name: str, longitude: np.ndarray, latitude: np.ndarray, time: datetime) -> np.ndarray:
        if name == "sp":
            return np.full((len(latitude), len(longitude)), pressure)
        hours = (time - start).total_seconds() / 3600
        eastward = (longitude - centre[0] + 180) % 360 - 180
        grown = gradient[0] * eastward[None, :] + gradient[1] * (latitude - centre[1])[:, None]
        return (u if name == "u10" else v) + grown + trend * hours

    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [day + timedelta(hours=hour) for hour in range(25)]
    latitude, longitude = _axis(north, south, 0.25), _axis(west, east, 0.25)
    year = folder / "era5" / f"{start:%Y}"
    year.mkdir(parents=True, exist_ok=True)
    grib, netcdf = year / f"sl_{start:%Y%m%d}.grib", folder / "era5" / f"sl_{start:%Y%m%d}.nc"
    with grib.open("wb") as file:
        for time in hours:
            for number, name in PARAMETERS.items():
                file.write(grib_message(number, time, latitude, longitude, field(name, longitude, latitude, time)))
    _write_era5(netcdf, hours, latitude, longitude, field)
    geos = folder / "geos_fp"
    geos.mkdir(parents=True, exist_ok=True)
    written = []
    first = start.replace(minute=0, second=0, microsecond=0)
    for hour in (first - timedelta(hours=1), first, first + timedelta(hours=1)):
        path = geos / f"GEOS.fp.asm.tavg1_2d_slv_Nx.{hour:%Y%m%d_%H}30.V01.nc4"
        _write_geos_fp(path, hour, (west, south, east, north), field)
        written.append(path)
    return {"era5_grib": [grib], "era5_netcdf": [netcdf], "geos_fp": written}


def _axis(first: float, last: float, step: float) -> np.ndarray:
    """Return multiples of a step from one value to another and one step beyond both."""
    low, high = sorted((first, last))
    values = np.arange(np.floor(low / step) - 1, np.ceil(high / step) + 2) * step
    return values[::-1] if first > last else values


def _write_era5(
    path: Path, hours: list[datetime], latitude: np.ndarray, longitude: np.ndarray, field: Callable[..., np.ndarray]
) -> None:
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": "CF-1.7", "institution": "European Centre for Medium-Range Weather Forecasts"})
        for name, values in (("valid_time", hours), ("latitude", latitude), ("longitude", longitude)):
            file.createDimension(name, len(values))
        time = file.createVariable("valid_time", "i8", ("valid_time",))
        time.setncatts(
            {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian", "standard_name": "time"}
        )
        time[:] = [int(hour.timestamp()) for hour in hours]
        for name, values, units in (("latitude", latitude, "degrees_north"), ("longitude", longitude, "degrees_east")):
            axis = file.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        for name, (units, meaning) in ERA5_NAMES.items():
            variable = file.createVariable(
                name, "f4", ("valid_time", "latitude", "longitude"), fill_value=np.float32(np.nan), compression="zlib"
            )
            variable.setncatts({"units": units, "long_name": meaning})
            variable[...] = np.stack([field(name, longitude, latitude, hour) for hour in hours])


def _write_geos_fp(
    path: Path, hour: datetime, bounds: tuple[float, float, float, float], field: Callable[..., np.ndarray]
) -> None:
    west, south, east, north = bounds
    latitude, longitude = _axis(south, north, 0.25), _axis(west, east, 0.3125)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Title": "GEOS FP time-averaged 2d single-level diagnostics", "ShortName": "tavg1_2d_slv_Nx"})
        for name, size in (("lon", len(longitude)), ("lat", len(latitude)), ("time", 1)):
            file.createDimension(name, size)
        for name, values, units in (("lon", longitude, "degrees_east"), ("lat", latitude, "degrees_north")):
            axis = file.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        time = file.createVariable("time", "i4", ("time",))
        time.units = f"minutes since {hour:%Y-%m-%d %H}:30:00"
        time[:] = 0
        for name, (ours, units) in GEOS_FP_NAMES.items():
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=np.float32(1e15))
            variable.units = units
            variable[0] = field(ours, longitude, latitude, hour + timedelta(minutes=30))


def grib_message(
    parameter: int, time: datetime, latitude: np.ndarray, longitude: np.ndarray, values: np.ndarray
) -> bytes:
    """Return one GRIB edition 1 message of ECMWF: a field on a latitude-longitude grid, packed in 16 bits.

    Parameters
    ----------
    parameter : int
        Of ECMWF's table 128.
    latitude : ndarray, shape (n,)
        Descending, degrees; longitude (m,) ascending; both at even steps of whole thousandths.
    values : ndarray, shape (n, m)
    """
    century = (time.year - 1) // 100 + 1
    date = bytes([time.year - (century - 1) * 100, time.month, time.day, time.hour, time.minute])
    product = bytes([128, 98, 145, 255, 128, parameter, 1, 0, 0]) + date
    product += bytes([1, 0, 0, 0, 0, 0, 0, century, 0, 0, 0])
    places = (latitude[0], _east(longitude[0])), (latitude[-1], _east(longitude[-1]))
    corners = [b"".join(_signed(round(1000 * float(value))) for value in place) for place in places]
    steps = struct.pack(
        ">HH", round(1000 * float(longitude[1] - longitude[0])), round(1000 * float(latitude[0] - latitude[1]))
    )
    grid = bytes([0, 255, 0]) + struct.pack(">HH", len(longitude), len(latitude))
    grid += corners[0] + b"\x80" + corners[1] + steps + bytes(5)
    reference = _ibm(float(values.min()))
    lowest = _from_ibm(reference)
    span = float(values.max()) - lowest
    scale = int(np.ceil(np.log2(span / 65535))) if span > 0 else 0
    packed = np.clip(np.round((values - lowest) / 2.0**scale), 0, 65535).astype(">u2").tobytes()
    data = b"\x00" + struct.pack(">H", (0x8000 | -scale) if scale < 0 else scale) + reference + b"\x10" + packed
    body = b"".join((3 + len(part)).to_bytes(3, "big") + part for part in (product, grid, data)) + b"7777"
    return b"GRIB" + (8 + len(body)).to_bytes(3, "big") + b"\x01" + body


def _east(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def _signed(value: int) -> bytes:
    return ((0x800000 | -value) if value < 0 else value).to_bytes(3, "big")


def _ibm(value: float) -> bytes:
    """Return a number as IBM's single-precision float, rounded towards minus infinity, as a reference must be."""
    if value == 0:
        return bytes(4)
    exponent = 64
    magnitude = abs(value)
    while magnitude >= 1:
        magnitude, exponent = magnitude / 16, exponent + 1
    while magnitude < 1 / 16:
        magnitude, exponent = magnitude * 16, exponent - 1
    mantissa = int(np.ceil(magnitude * 2**24)) if value < 0 else int(magnitude * 2**24)
    if mantissa == 2**24:
        mantissa, exponent = mantissa >> 4, exponent + 1
    return bytes([(0x80 if value < 0 else 0) | exponent]) + mantissa.to_bytes(3, "big")


def _from_ibm(code: bytes) -> float:
    sign = -1.0 if code[0] & 0x80 else 1.0
    return float(sign * int.from_bytes(code[1:], "big") / 2**24 * 16.0 ** ((code[0] & 0x7F) - 64))
