"""From a cube to its time means, as NetCDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.xco2.climatology import Slice, SpanStatistics, span_bounds, span_statistics
from levelworks.xco2.cube_attributes import TIME_UNITS, axes_of, grid_mapping
from levelworks.xco2.cubes import StandingCube
from levelworks.xco2.layers import COVERAGE, EFFECTIVE_NUMBER, NUMBER
from levelworks.xco2.lite_variables import DEFAULT_VARIABLES
from levelworks.xco2.options import MakeClimatology
from levelworks.xco2.sounding_errors import error_name
from levelworks.xco2.verify_stage import standing_cube

DIGEST = "cube_digest"
"""Attribute: what of a cube and of options the climatology was made of."""
COMPRESSION = {"zlib": True, "complevel": 4, "shuffle": True}
FLOATS = {
    "mean": "mean of the captures",
    "mean_uncertainty": "standard error of the mean if errors of captures are independent",
    "mean_scatter_error": "standard error of the mean by the scatter of the captures",
    "weighted_mean": "mean of the captures by inverse variance",
    "weighted_mean_uncertainty": "standard error of the weighted mean if errors of captures are independent",
    "weighted_mean_scatter_error": "standard error of the weighted mean by the scatter of the captures",
    "spread": "standard deviation of the captures",
}
COUNTS = {"valid_count": "number of captures", "n_days": "number of UTC days with a capture"}
CELL_METHODS = {
    "monthly": "time: mean",
    "seasonal": "time: mean",
    "annual": "time: mean",
    "monthly-consolidated": "time: mean within years time: mean over years",
}


def make_climatology(path: Path, standing: Path | None, climatology: Path, options: MakeClimatology) -> Outcome:
    """Average a cube over spans; captures count the same, and by inverse variance where they have errors.

    What stands stays where the cube has not changed since.

    Raises
    ------
    NothingToProduce
        Where there is no cube, or it has no capture or no such variable.
    """
    cube = StandingCube.read(standing_cube(path))
    if not cube.slices:
        raise NothingToProduce("the cube has no capture")
    digest = cube.digest(options)
    if standing is not None and _digest_of(standing) == digest:
        return Outcome(quality={"captures": len(cube.slices), "changed": False})
    name = _variable(cube, options)
    error = error_name(f"/{name}").lstrip("/")
    times = [one.start for one in cube.slices]
    found = dict(span_statistics(times, options.span, _slices(cube, name, error)))
    labels = sorted(found)
    _write(climatology, cube, name, digest, options.span, labels, [found[label] for label in labels])
    return Outcome(quality={"captures": len(times), "spans": len(labels), "variable": f"/{name}", "changed": True})


def _digest_of(standing: Path) -> str | None:
    import netCDF4

    try:
        with netCDF4.Dataset(standing) as file:
            return str(getattr(file, DIGEST, ""))
    except OSError:
        return None


def _variable(cube: StandingCube, options: MakeClimatology) -> str:
    """Return the array to average: the one asked for, or what is usual, or has a standard error, or the first."""
    about = {one.lstrip("/") for one in (NUMBER, EFFECTIVE_NUMBER, COVERAGE)}
    floats = [
        name
        for name, spec in sorted(cube.store.arrays.items())
        if len(spec.shape) == 3 and spec.dtype.kind == "f" and name not in about
    ]
    asked = options.variables.get(cube.slices[0].source.dataset)  # type: ignore[call-overload]
    if asked:
        if asked.strip("/") not in floats:
            raise NothingToProduce(f"the cube has no variable {asked}; it has {', '.join(floats)}")
        return str(asked.strip("/"))
    usual = [path.strip("/") for path in DEFAULT_VARIABLES[cube.slices[0].source.dataset]]  # type: ignore[index]
    with_error = [name for name in floats if error_name(f"/{name}").lstrip("/") in floats]
    return [*(name for name in usual if name in floats), *with_error, *floats][0]


def _slices(cube: StandingCube, name: str, error: str) -> Iterator[Slice]:
    """Yield the slices of an array with their errors, one at a time."""
    for position in range(len(cube.slices)):
        errors = _slice(cube, error, position) if error in cube.store.arrays else None
        yield Slice(_slice(cube, name, position), errors)


def _slice(cube: StandingCube, name: str, position: int) -> np.ndarray:
    spec = cube.store.arrays[name]
    values = np.full(spec.shape[1:], np.nan, np.float64)
    block, place = divmod(position, spec.chunks[0])
    for index in cube.store.chunks_of(name, block):
        chunk = cube.store.read_chunk(name, index)
        if chunk is not None:
            rows, columns = (slice(i * c, (i + 1) * c) for i, c in zip(index[1:], spec.chunks[1:], strict=True))
            into = values[rows, columns]
            into[...] = chunk[place][: into.shape[0], : into.shape[1]]
    return values


def _write(
    path: Path,
    cube: StandingCube,
    name: str,
    digest: str,
    span: str,
    labels: Sequence[np.datetime64],
    statistics: Sequence[SpanStatistics],
) -> None:
    import netCDF4

    source = cube.store.attributes
    kept = ("Conventions", "source", "institution", "references", "platform", "sensor", "target_id", "target_name")
    variable = cube.store.arrays[name].attributes
    grid = cube.spec.grid
    with netCDF4.Dataset(path, "w") as file:
        file.setncattr(DIGEST, digest)
        file.setncatts({one: source[one] for one in kept if one in source})
        file.setncatts(
            {
                "title": f"{span} means: {source.get('title', '')}",
                "quality_flag_filtered": source["quality_flag_filtered"],
            }
        )
        bounds = span_bounds(np.array(labels, "datetime64[s]"), span)  # type: ignore[arg-type]
        file.createDimension("time", len(labels))
        file.createDimension("bnds", 2)
        kind = "climatology" if span == "monthly-consolidated" else "bounds"
        along = {"standard_name": "time", "units": TIME_UNITS, "calendar": "standard", "axis": "T", kind: "time_bnds"}
        _put(file, "time", ("time",), bounds[:, 0].astype(np.float64), along)
        _put(file, "time_bnds", ("time", "bnds"), bounds.astype(np.float64), {})
        horizontal: tuple[str, ...] = ()
        for axis, (dimensions, values, attributes) in axes_of(grid).items():
            for dimension, size in zip(dimensions, np.shape(values), strict=True):
                if dimension not in file.dimensions:
                    file.createDimension(dimension, size)
            horizontal += dimensions if dimensions == (axis,) else ()
            _put(file, axis, dimensions, np.asarray(values, np.float64), attributes)
        _put(file, "crs", (), np.array(0, np.int32), grid_mapping(grid))
        shared = {"grid_mapping": "crs", "cell_methods": CELL_METHODS[span]}
        shared |= {"coordinates": "latitude longitude"} if "latitude" not in horizontal else {}
        units = {"units": variable["units"]} if "units" in variable else {}
        last = name.rpartition("/")[2]
        for one, meaning in FLOATS.items():
            values = np.stack([getattr(part, one) for part in statistics]).astype(np.float32)
            title = f"{variable.get('long_name', last)}: {meaning}"
            _put(file, f"{last}_{one}", ("time", *horizontal), values, units | shared | {"long_name": title})
        for one, meaning in COUNTS.items():
            values = np.stack([getattr(part, one) for part in statistics])
            _put(file, one, ("time", *horizontal), values, {"units": "1", "long_name": meaning, "grid_mapping": "crs"})


def _put(file: Any, name: str, dimensions: tuple[str, ...], values: np.ndarray, attributes: dict[str, Any]) -> None:
    fill = {"fill_value": np.nan} if values.dtype == np.float32 else {}
    packed = COMPRESSION if values.ndim > 1 else {}
    variable = file.createVariable(name, values.dtype, dimensions, **fill, **packed)
    variable.setncatts(attributes)
    variable[...] = values
