"""Writing Lite files as the agency's are: dimensions, types, groups, attributes and missing values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from levelworks.xco2.granule import Dataset, Mode
from levelworks.xco2.lite_dataset import FILL
from levelworks.xco2.lite_tables import FLOAT_GROUPS, GLOBAL_ATTRIBUTES, INTEGERS, SIF_FLOAT_GROUPS
from levelworks.xco2.lite_times import SIF_EPOCH
from levelworks.xco2.overpasses import Footprints

if TYPE_CHECKING:
    import netCDF4

MISSING: dict[str, Any] = {"f4": FILL, "f8": FILL, "i1": 127, "i2": -9999, "i4": -9999, "u1": 255, "u8": 0}
"""Missing values by type; the files give them as ``missing_value``, not as ``_FillValue``."""
LEVELS = 20
SIF_MODES = {Mode.NADIR: 0, Mode.GLINT: 1, Mode.TARGET: 2, Mode.AREA_MAP: 3, Mode.TRANSITION: 4}
SEQUENCE_MODES = {Mode.TARGET: "Target", Mode.AREA_MAP: "Area Map", Mode.NADIR: "Nadir", Mode.GLINT: "Glint"}


@dataclass(frozen=True)
class Target:
    """The target of one overpass, and the mode in which it was looked at."""

    id: str
    name: str
    mode: int


@dataclass(frozen=True, eq=False)
class Day:
    """What a Lite file is made of: one sounding after the other, in the order of their ids.

    ``sequence`` is the index into ``targets``, -1 where there is none; ``unassigned`` are soundings of an overpass that
    LtSIF gives no sequence. ``value`` is XCO2 (ppm) or daily SIF at 757 nm (W/m2/sr/um). ``random`` gives the numbers
    of all other variables, which have no truth.
    """

    dataset: Dataset
    footprints: Footprints
    mode: np.ndarray
    orbit: np.ndarray
    sequence: np.ndarray
    unassigned: np.ndarray
    targets: list[Target]
    quality: np.ndarray
    value: np.ndarray
    uncertainty: np.ndarray
    random: np.random.Generator


def write_lite(path: Path, granule: str, day: Day) -> None:
    """Write a Lite file.

    Parameters
    ----------
    path : Path
        File to write.
    granule : str
        The granule's id, of which build and day are noted inside.
    day : Day
        Its soundings.
    """
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4") as dataset:
        dataset.set_auto_maskandscale(False)
        writer = _Writer(dataset)
        if day.dataset == "oco3_sif":
            _write_sif(writer, granule, day)
        else:
            _write_co2(writer, granule, day)


def sounding_ids(frame: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Make sounding ids YYYYMMDDhhmmssmf.

    Parameters
    ----------
    frame : ndarray, shape (N,), int64
        Middle of the frame, tenths of seconds since 1970-01-01 UTC.
    footprint : ndarray, shape (N,)
        1 to 8.

    Returns
    -------
    ndarray, shape (N,), uint64
    """
    year, month, day, hour, minute, second, _ = calendar(frame * 100).astype(np.int64).T
    date = ((year * 100 + month) * 100 + day) * 1_000_000 + (hour * 100 + minute) * 100 + second
    return (date * 100 + frame % 10 * 10 + footprint).astype(np.uint64)


def calendar(milliseconds: np.ndarray) -> np.ndarray:
    """Turn milliseconds since 1970-01-01 UTC, int64 (N,), into year, month, day, hour, minute, second, millisecond.

    Returns
    -------
    ndarray, shape (N, 7), int16
    """
    moment = milliseconds.astype("datetime64[ms]")
    days, months, years = (moment.astype(f"datetime64[{unit}]") for unit in "DMY")
    parts = [
        years.astype(np.int64) + 1970,
        months.astype(np.int64) % 12 + 1,
        (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        milliseconds // 3_600_000 % 24,
        milliseconds // 60_000 % 60,
        milliseconds // 1000 % 60,
        milliseconds % 1000,
    ]
    return np.stack(parts, axis=-1).astype(np.int16)


class _Writer:
    """Makes variables as the agency's files have them."""

    def __init__(self, dataset: netCDF4.Dataset) -> None:
        self.dataset = dataset

    def put(
        self, name: str, kind: str, values: np.ndarray, dimensions: tuple[str, ...], units: str, comment: str = ""
    ) -> None:
        group, _, last = name.rpartition("/")
        node = self.dataset.createGroup(group) if group else self.dataset
        variable = node.createVariable(last, kind, dimensions, zlib=True, complevel=1, shuffle=True)
        variable.units = units
        variable.long_name = last
        variable.missing_value = np.dtype(kind).type(MISSING[kind])
        if comment:
            variable.comment = comment
        variable[...] = values.astype(kind)

    def put_strings(self, name: str, values: list[str], dimension: str, comment: str = "") -> None:
        group, _, last = name.rpartition("/")
        node = self.dataset.createGroup(group) if group else self.dataset
        variable = node.createVariable(last, str, (dimension,))
        variable.long_name = last
        if comment:
            variable.comment = comment
        variable[...] = np.array(values, dtype=object)

    def put_floats(self, groups: dict[str, str], size: int, dimension: str, random: np.random.Generator) -> None:
        """Put variables of which a table gives name, units, mean and standard deviation."""
        for group, table in groups.items():
            for row in table.split():
                name, units, mean, deviation = row.split(":")
                values = float(mean) + float(deviation) * random.normal(size=size)
                self.put(f"{group}/{name}", "f4", values, (dimension,), units.replace("_", " "))


def _attributes(dataset: netCDF4.Dataset, granule: str, kind: Dataset) -> None:
    mission, _, _, build, _ = granule.split("_")
    attributes = {
        **GLOBAL_ATTRIBUTES[kind],
        "Platform": {"oco2": "OCO2", "oco3": "ISS"}[mission],
        "Sensor": {"oco2": "OCO-2", "oco3": "OCO-3"}[mission],
        "BuildId": build,
        "CollectionLabel": f"{'OCO2' if mission == 'oco2' else 'OCO3'}_{build}",
    }
    dataset.setncatts(attributes)


def _write_co2(writer: _Writer, granule: str, day: Day) -> None:
    n, levels = ("sounding_id",), ("sounding_id", "levels")
    seen, size, random = day.footprints, len(day.footprints), day.random
    sizes = {"sounding_id": size, "levels": LEVELS, "vertices": 4, "epoch_dimension": 7, "bands": 3, "footprints": 8}
    _attributes(writer.dataset, granule, day.dataset)
    orbits = np.unique(day.orbit)
    for name, length in {**sizes, "source_files": len(orbits)}.items():
        writer.dataset.createDimension(name, length)
    for name in ("levels", "vertices", "bands", "footprints"):
        writer.put(name, "i4", np.arange(1, sizes[name] + 1), (name,), "none")
    ids = sounding_ids(seen.frame, seen.footprint)
    writer.put("sounding_id", "u8", ids, n, "YYYYMMDDhhmmssmf", "from scan time in UTC")
    _put_positions(writer, seen, "latitude longitude vertex_latitude vertex_longitude", "sounding_id", "vertices")
    writer.put("time", "f8", seen.time, n, "seconds since 1970-01-01 00:00:00")
    date = calendar(np.rint(seen.time * 1000).astype(np.int64))
    writer.put("date", "i2", date, ("sounding_id", "epoch_dimension"), "none", "Y, M, D, h, m, s, ms")
    writer.put("xco2", "f4", day.value, n, "ppm", "Column-averaged dry-air mole fraction of CO2")
    scaled = np.where(day.value == FILL, FILL, day.value * 1.0005)
    writer.put("xco2_x2019", "f4", scaled, n, "ppm", "XCO2 on the X2019 scale")
    writer.put("xco2_uncertainty", "f4", day.uncertainty, n, "ppm")
    writer.put("xco2_apriori", "f4", np.full(size, 411.0), n, "ppm")
    writer.put("xco2_quality_flag", "i1", day.quality, n, "none", "0=Good, 1=Bad")
    writer.put("xco2_qf_bitflag", "u8", day.quality * 4, n, "none")
    writer.put("xco2_qf_simple_bitflag", "u1", day.quality * 2, n, "none")
    writer.put("solar_zenith_angle", "f4", 40 + random.normal(size=size), n, "degrees")
    writer.put("sensor_zenith_angle", "f4", seen.view_zenith, n, "degrees")
    height = np.linspace(0.0001, 1, LEVELS)
    profile = np.ones((size, 1))
    writer.put("pressure_levels", "f4", profile * height * 1000, levels, "hPa")
    writer.put("pressure_weight", "f4", profile * np.full(LEVELS, 1 / LEVELS), levels, "none")
    writer.put("xco2_averaging_kernel", "f4", profile * (0.8 + 0.2 * height), levels, "none")
    writer.put("co2_profile_apriori", "f4", profile * (405 + 8 * height), levels, "ppm")
    writer.put("file_index", "i4", np.searchsorted(orbits, day.orbit) + 1, n, "none", "1-based, of source_files")
    writer.put_strings("source_files", [f"{granule[:4]}_L2DiaND_{orbit:05d}a.h5" for orbit in orbits], "source_files")
    writer.put("Sounding/orbit", "i4", day.orbit, n, "none")
    writer.put("Sounding/footprint", "i1", seen.footprint, n, "none", "1-8")
    writer.put(
        "Sounding/operation_mode", "i1", day.mode, n, "none", "0=Nadir, 1=Glint, 2=Target, 3=Transition, 4=Area Map"
    )
    if day.dataset == "oco3":
        targets = [*day.targets, Target("none", "none", 0)]
        writer.put_strings("Sounding/target_id", [targets[number].id for number in day.sequence], "sounding_id")
        writer.put_strings("Sounding/target_name", [targets[number].name for number in day.sequence], "sounding_id")
    for name, (kind, highest) in INTEGERS[day.dataset].items():
        writer.put(name, kind, random.integers(0, highest + 1, size), n, "none")
    writer.put_floats(FLOAT_GROUPS, size, "sounding_id", random)


def _write_sif(writer: _Writer, granule: str, day: Day) -> None:
    n = ("sounding_dim",)
    seen, size, random = day.footprints, len(day.footprints), day.random
    _attributes(writer.dataset, granule, day.dataset)
    span = [dt.datetime.fromtimestamp(seen.time[place], dt.UTC).isoformat() for place in (0, -1)] if size else ["", ""]
    writer.dataset.setncattr_string("date_time_coverage", span)
    for name, length in {"sounding_dim": size, "vertex_dim": 4, "sequences_dim": len(day.targets)}.items():
        writer.dataset.createDimension(name, length)
    _put_positions(writer, seen, "Latitude Longitude Latitude_Corners Longitude_Corners", "sounding_dim", "vertex_dim")
    writer.put("Delta_Time", "f8", seen.time - SIF_EPOCH.timestamp(), n, "")
    # A CF attribute of this name would have readers decode it; the files name it otherwise.
    delta = writer.dataset["Delta_Time"]
    delta.delncattr("units")
    delta.Units = "seconds since 1990-01-01 00:00:00 UTC"
    writer.put("Quality_Flag", "i1", day.quality, n, "none", "0=best, 1=good, 2=bad, -1=not investigated")
    flux = "W/m^2/sr/um"
    filled = day.value == FILL
    for name, factor in {
        "Daily_SIF_757nm": 1.0,
        "Daily_SIF_740nm": 1.6,
        "Daily_SIF_771nm": 0.7,
        "SIF_740nm": 4.0,
    }.items():
        writer.put(name, "f4", np.where(filled, FILL, day.value * factor), n, flux)
    writer.put("SIF_Uncertainty_740nm", "f4", day.uncertainty * 4, n, flux)
    for name, angle in {"SZA": 40.0, "SAz": 150.0, "VZA": 0.0, "VAz": 200.0}.items():
        writer.put(name, "f4", angle + (seen.view_zenith if name == "VZA" else random.normal(size=size)), n, "degrees")
    modes = np.array([SIF_MODES.get(Mode(code), 0) for code in range(5)])
    writer.put("Metadata/MeasurementMode", "i1", modes[day.mode], n, "none", "0=Nadir, 1=Glint, 2=Target, 3=Area Map")
    writer.put("Metadata/OrbitId", "i4", day.orbit, n, "none")
    writer.put("Metadata/SoundingId", "u8", sounding_ids(seen.frame, seen.footprint), n, "YYYYMMDDhhmmssmf")
    writer.put("Metadata/FootprintId", "i1", seen.footprint, n, "none")
    for name in ("BuildId", "CollectionLabel"):
        writer.put_strings(f"Metadata/{name}", [writer.dataset.getncattr(name)] * size, "sounding_dim")
    index = np.where(day.unassigned, -1, day.sequence)
    writer.put("Sequences/SequencesIndex", "i2", index, n, "none", "-1 where there is none")
    writer.put_strings("Sequences/SequencesId", [target.id for target in day.targets], "sequences_dim")
    writer.put_strings("Sequences/SequencesName", [target.name for target in day.targets], "sequences_dim")
    modes_named = [SEQUENCE_MODES[Mode(target.mode)] for target in day.targets]
    writer.put_strings("Sequences/SequencesMode", modes_named, "sequences_dim")
    writer.put("Sequences/SegmentsIndex", "i4", np.arange(len(day.targets)), ("sequences_dim",), "none")
    for name, (kind, highest) in INTEGERS[day.dataset].items():
        writer.put(name, kind, random.integers(0, highest + 1, size), n, "none")
    writer.put("Geolocation/time_tai93", "f8", seen.time - dt.datetime(1993, 1, 1, tzinfo=dt.UTC).timestamp(), n, "s")
    _put_positions(
        writer,
        seen,
        "Geolocation/latitude Geolocation/longitude Geolocation/footprint_latitude_vertices "
        "Geolocation/footprint_longitude_vertices",
        "sounding_dim",
        "vertex_dim",
    )
    writer.put_floats(SIF_FLOAT_GROUPS, size, "sounding_dim", random)


def _put_positions(writer: _Writer, seen: Footprints, names: str, dimension: str, vertices: str) -> None:
    north, east, corners_north, corners_east = names.split()
    writer.put(north, "f4", seen.latitude, (dimension,), "degrees_north")
    writer.put(east, "f4", seen.longitude, (dimension,), "degrees_east")
    writer.put(corners_north, "f4", seen.vertex_latitude, (dimension, vertices), "degrees_north")
    writer.put(corners_east, "f4", seen.vertex_longitude, (dimension, vertices), "degrees_east")
