"""The product of `cut-captures`: the soundings of one granule that were taken in capture modes, and its captures."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.captures import Capture, Dropped, Reason
from levelworks.xco2.granule import Granule, Variable
from levelworks.xco2.screening import Screen, usable

ARRAYS = {
    "latitude": ("latitude", "degrees_north", "latitude of the footprint's centre"),
    "longitude": ("longitude", "degrees_east", "longitude of the footprint's centre"),
    "vertex_latitude": ("", "degrees_north", "latitude of the footprint's corners"),
    "vertex_longitude": ("", "degrees_east", "longitude of the footprint's corners"),
    "time": ("time", "seconds since 1970-01-01 00:00:00", "time of the sounding"),
    "sounding_id": ("", "", "sounding id, YYYYMMDDhhmmssmf"),
    "mode": ("", "", "observation mode: 0 nadir, 1 glint, 2 target, 3 transition, 4 snapshot area map"),
    "quality": ("", "", "quality flag as in the granule"),
    "orbit": ("", "", "orbit number"),
}
"""Of each sounding: standard name, units and long name."""
TABLE = ("id", "target_id", "target_name", "mode", "orbit", "start", "end")
STRINGS = ("id", "target_id", "target_name", "mode")


@dataclass(frozen=True, eq=False)
class CutGranule:
    """A granule cut into captures.

    Attributes
    ----------
    granule : Granule
        Its soundings in capture modes, in the order of the file, those in no capture too.
    captures : tuple of Capture
        Indices are positions in ``granule``.
    dropped : tuple of Dropped
        What is in no capture; indices as those of captures.
    flags : ndarray, shape (N,), uint8
        Bits of `Screen`.
    wanted : tuple of str
        Full paths of the variables to grid; others were read for their errors.
    positions : ndarray, shape (N,), int64
        Positions of the soundings in the file.
    """

    granule: Granule
    captures: tuple[Capture, ...]
    dropped: tuple[Dropped, ...]
    flags: np.ndarray
    wanted: tuple[str, ...]
    positions: np.ndarray

    @property
    def usable(self) -> np.ndarray:
        """Return which soundings may be gridded, bool (N,)."""
        return usable(self.flags)


def write_captures(path: Path, cut: CutGranule) -> None:
    """Write the captures of a granule as NetCDF-4."""
    import netCDF4

    granule = cut.granule
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(
            {
                "Conventions": "CF-1.11",
                "title": f"captures of {granule.path_name}",
                "dataset": granule.kind,
                "day": granule.day.isoformat(),
                "build": granule.build,
                "production": granule.production,
                "source": granule.path_name,
                "source_attributes": json.dumps(dict(granule.attributes), sort_keys=True),
                "wanted": json.dumps(list(cut.wanted)),
                "missing_variables": json.dumps(list(granule.missing_variables)),
                "dropped": json.dumps([_as_values(one) for one in cut.dropped]),
            }
        )
        members = [capture.indices for capture in cut.captures]
        sizes = {
            "sounding": len(granule),
            "vertex": 4,
            "capture": len(cut.captures),
            "member": sum(map(len, members)),
        }
        for name, size in sizes.items():
            file.createDimension(name, size)
        for name, (standard_name, units, long_name) in ARRAYS.items():
            dimensions = ("sounding", "vertex") if name.startswith("vertex") else ("sounding",)
            attributes = {"standard_name": standard_name, "units": units, "long_name": long_name}
            _put(file, name, getattr(granule, name), dimensions, attributes)
        _put(file, "position", cut.positions, ("sounding",), {"long_name": "position in the granule"})
        flags = [flag for flag in Screen if flag.name]
        _put(
            file,
            "screen",
            cut.flags.astype(np.uint8),
            ("sounding",),
            {
                "long_name": "why a sounding is not gridded; swath_jump is a remark",
                "flag_masks": np.array([flag.value for flag in flags], np.uint8),
                "flag_meanings": " ".join(str(flag.name).lower() for flag in flags),
            },
        )
        ids, place = np.unique(granule.target_id, return_inverse=True)
        names = [str(granule.target_name[np.argmax(place == number)]) for number in range(len(ids))]
        file.createDimension("target", len(ids))
        _put_strings(file, "target_id", [str(one) for one in ids], "target")
        _put_strings(file, "target_name", names, "target")
        _put(file, "target", place.astype(np.int32), ("sounding",), {"long_name": "position in target_id"})
        _put(
            file,
            "member",
            np.concatenate([np.zeros(0, np.int64), *members]),
            ("member",),
            {"long_name": "soundings of the captures, one capture after the other"},
        )
        _put(file, "capture_size", np.array([len(one) for one in members], np.int64), ("capture",), {})
        for name in TABLE:
            values = [getattr(capture, name) for capture in cut.captures]
            if name in STRINGS:
                _put_strings(file, f"capture_{name}", values, "capture")
            else:
                dtype = np.int32 if name == "orbit" else np.float64
                _put(file, f"capture_{name}", np.array(values, dtype), ("capture",), {})
        group = file.createGroup("variables")
        for number, variable in enumerate(granule.variables.values()):
            attributes = {
                "path": variable.name,
                "kind": variable.kind,
                "source_units": variable.units,
                "source_attributes": json.dumps(dict(variable.attributes), sort_keys=True),
            }
            _put(group, f"v{number:03d}", variable.values, ("sounding",), attributes)


def read_captures(path: Path) -> CutGranule:
    """Read the captures of a granule.

    Raises
    ------
    InvalidInput
        Where the file is no product of `cut-captures`.
    """
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_maskandscale(False)
            return _read(file)
    except (OSError, RuntimeError, KeyError, IndexError, AttributeError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        raise InvalidInput(
            f"{path.name}: no product of cut-captures, or damaged ({cause}); remove it, then it is made again"
        ) from None


def _read(file: Any) -> CutGranule:
    arrays = {name: np.asarray(file[name][...]) for name in ARRAYS}
    target = np.asarray(file["target"][...])
    ids, names = (np.asarray(_strings(file, name), dtype=str) for name in ("target_id", "target_name"))
    variables = {}
    for stored in file["variables"].variables.values():
        attributes = json.loads(stored.getncattr("source_attributes"))
        variable = Variable(
            stored.getncattr("path"),
            np.asarray(stored[...]),
            stored.getncattr("source_units"),
            attributes,
            stored.getncattr("kind"),
        )
        variables[variable.name] = variable
    granule = Granule(
        kind=file.dataset,
        path_name=file.source,
        day=dt.date.fromisoformat(file.day),
        build=file.build,
        production=file.production,
        target_id=ids[target] if len(ids) else np.zeros(0, "U1"),
        target_name=names[target] if len(ids) else np.zeros(0, "U1"),
        variables=variables,
        attributes=json.loads(file.source_attributes),
        missing_variables=tuple(json.loads(file.missing_variables)),
        **arrays,
    )
    table: dict[str, Sequence[Any]] = {
        name: _strings(file, f"capture_{name}") if name in STRINGS else file[f"capture_{name}"][...].tolist()
        for name in TABLE
    }
    sizes = np.asarray(file["capture_size"][...])
    members = np.split(np.asarray(file["member"][...]), np.cumsum(sizes)[:-1]) if len(sizes) else []
    captures = tuple(
        Capture(dataset=file.dataset, indices=members[number], **{name: table[name][number] for name in TABLE})
        for number in range(len(sizes))
    )
    dropped = tuple(_from_values(one, file.dataset) for one in json.loads(file.dropped))
    return CutGranule(
        granule,
        captures,
        dropped,
        np.asarray(file["screen"][...]),
        tuple(json.loads(file.wanted)),
        np.asarray(file["position"][...]),
    )


def _as_values(one: Dropped) -> dict[str, Any]:
    """Return what is in no capture as JSON has it; soundings as ranges, times that are unknown as null."""
    parted = np.flatnonzero(np.diff(one.indices) != 1) + 1
    ranges = [[int(part[0]), int(part[-1]) + 1] for part in np.split(one.indices, parted)]
    times = {name: None if np.isnan(getattr(one, name)) else getattr(one, name) for name in ("start", "end")}
    named = {"reason": one.reason.value, "target_id": one.target_id, "orbit": one.orbit, "mode": one.mode}
    return {**named, **times, "soundings": ranges}


def _from_values(values: dict[str, Any], dataset: str) -> Dropped:
    indices = np.concatenate([np.arange(*one) for one in values.pop("soundings")])
    times = {name: np.nan if values[name] is None else values[name] for name in ("start", "end")}
    return Dropped(**{**values, **times, "reason": Reason(values["reason"])}, dataset=dataset, indices=indices)


def _put(group: Any, name: str, values: np.ndarray, dimensions: tuple[str, ...], attributes: Mapping[str, Any]) -> None:
    # A dimension of size 0 is unlimited in NetCDF, where values of a size of 0 need not be written.
    packed = {"zlib": True, "complevel": 1, "shuffle": True} if values.size else {}
    variable = group.createVariable(name, values.dtype, dimensions, **packed)
    variable.setncatts({key: value for key, value in attributes.items() if value is not None and len(value)})
    if values.size:
        variable[...] = values


def _put_strings(group: Any, name: str, values: Sequence[str], dimension: str) -> None:
    variable = group.createVariable(name, str, (dimension,))
    for position, value in enumerate(values):
        variable[position] = value


def _strings(group: Any, name: str) -> list[str]:
    return [str(one) for one in group[name][...]]
