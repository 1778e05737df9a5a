"""Opening Lite files of OCO-2 and OCO-3: names, shapes and days are asserted, fills become NaN."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.granule import NO_ORBIT, Dataset, Granule, Mode, Variable
from levelworks.xco2.lite_dataset import FILL, LiteDataset, fills, plain
from levelworks.xco2.lite_names import GranuleName, parse_name
from levelworks.xco2.lite_times import SIF_EPOCH, UNIX_EPOCH, day_start, seconds_from_dates
from levelworks.xco2.lite_variables import DEFAULT_VARIABLES, REQUIRED, classify, never_gridded

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LTCO2_MODES = {mode.value: mode for mode in Mode if mode >= 0}
LTSIF_MODES = {0: Mode.NADIR, 1: Mode.GLINT, 2: Mode.TARGET, 3: Mode.AREA_MAP, 4: Mode.TRANSITION}


def read_granule(path: Path, wanted: Sequence[str] | None = None) -> Granule:
    """Read the footprints of a Lite file and the variables that are wanted of them.

    Parameters
    ----------
    path : Path
        File under the agency's name.
    wanted : sequence of str, optional
        Full paths, with or without the leading slash; `DEFAULT_VARIABLES` of the dataset where not given. Those
        that the file lacks are named in ``missing_variables``.

    Raises
    ------
    InvalidInput
        Where the name is not the agency's, the file is truncated or of another format, a group or variable that every
        Lite file has is missing, shapes don't fit, or no sounding is there, or none of the day in the name.
    OSError
        Where the file can't be read at all.
    """
    name = parse_name(Path(path).name)
    with _open(Path(path)) as lite:
        return _read(lite, name, wanted)


def list_variables(path: Path) -> tuple[str, ...]:
    """Return the full paths of all numbers that a Lite file has for each sounding, but for those never gridded.

    Parameters
    ----------
    path : Path
        File under the agency's name.

    Raises
    ------
    InvalidInput
        As `read_granule`.
    """
    kind = parse_name(path.name).kind
    with _open(path) as lite:
        dimensions = lite.need(REQUIRED[kind]["latitude"]).dimensions
        groups = {"": lite.dataset, **{f"/{name}": group for name, group in lite.dataset.groups.items()}}
        return tuple(
            f"{prefix}/{name}"
            for prefix, group in groups.items()
            for name, variable in group.variables.items()
            if variable.dimensions == dimensions
            and isinstance(variable.dtype, np.dtype)
            and variable.dtype.kind in "iuf"
            and not never_gridded(kind, f"{prefix}/{name}")
        )


@contextmanager
def _open(path: Path) -> Iterator[LiteDataset]:
    import netCDF4

    with path.open("rb") as stream:
        if stream.read(len(HDF5_SIGNATURE)) != HDF5_SIGNATURE:
            raise InvalidInput(f"{path.name}: no NetCDF-4 file (it does not start as HDF5 files do); fetch it again")
    try:
        with netCDF4.Dataset(path) as dataset:
            dataset.set_auto_maskandscale(False)
            yield LiteDataset(dataset, path.name)
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or error
        raise InvalidInput(f"{path.name}: truncated or damaged ({cause}); fetch it again") from None


def _read(lite: LiteDataset, name: GranuleName, wanted: Sequence[str] | None) -> Granule:
    required = REQUIRED[name.kind]
    first = lite.need(required["latitude"])
    size = first.shape[0] if first.shape else 0
    if size == 0:
        raise InvalidInput(f"{lite.file}: no soundings")
    missing = []
    if lite.find(required["orbit"]) is None:
        orbit = np.full(size, NO_ORBIT, dtype=np.int32)
        missing.append(required["orbit"])
    else:
        orbit = lite.numbers(required["orbit"], (size,)).astype(np.int32)
    time = _time(lite, name.kind, size)
    _check_day(lite.file, name.day, time)
    position = _positions(lite, required["latitude"], required["longitude"], (size,))
    corners = _positions(lite, required["vertex_latitude"], required["vertex_longitude"], (size, 4))
    modes = LTSIF_MODES if name.kind == "oco3_sif" else LTCO2_MODES
    target_id, target_name = _targets(lite, name.kind, size)
    variables = {}
    for path in dict.fromkeys(
        "/" + one.strip("/") for one in (DEFAULT_VARIABLES[name.kind] if wanted is None else wanted)
    ):
        if lite.find(path) is None:
            missing.append(path)
        else:
            variables[path] = _variable(lite, path, size)
    return Granule(
        kind=name.kind,
        path_name=lite.file,
        day=name.day,
        build=name.build,
        latitude=position[0],
        longitude=position[1],
        vertex_latitude=corners[0],
        vertex_longitude=corners[1],
        time=time,
        sounding_id=lite.numbers(required["sounding_id"], (size,)).astype(np.uint64),
        mode=_recode(lite.numbers(required["mode"], (size,)), modes),
        quality=lite.numbers(required["quality"], (size,)).astype(np.int8),
        target_id=target_id,
        target_name=target_name,
        orbit=orbit,
        variables=variables,
        attributes={key: plain(lite.dataset.getncattr(key)) for key in lite.dataset.ncattrs()},
        missing_variables=tuple(missing),
        production=name.production,
    )


def _variable(lite: LiteDataset, path: str, size: int) -> Variable:
    attributes = lite.attributes(path)
    stored = lite.numbers(path, (size,))
    missing = fills(stored, attributes)
    kind, values = classify(path, stored, missing)
    units = str(attributes.pop("units", ""))
    named = [attributes.pop(key) for key in ("missing_value", "_FillValue") if key in attributes]
    if kind == "flag" and (named or missing.any()):
        fill = int(np.ravel(named[0])[0]) if named else int(FILL)
        values = np.where(missing, fill, values).astype(values.dtype)
        attributes["missing_value"] = fill
    return Variable(path, values, units, attributes, kind)


def _positions(
    lite: LiteDataset, latitude: str, longitude: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    north, east = lite.floats(latitude, shape), lite.floats(longitude, shape)
    valid = (np.abs(north) <= 90) & (np.abs(east) <= 360)
    return np.where(valid, north, np.nan), np.where(valid, east, np.nan)


def _targets(lite: LiteDataset, kind: Dataset, size: int) -> tuple[np.ndarray, np.ndarray]:
    nothing = np.zeros(size, dtype="U1")
    if kind == "oco2":
        return nothing, nothing
    if kind == "oco3":
        names = "/Sounding/target_name"
        ids = lite.strings("/Sounding/target_id", (size,))
        return ids, lite.strings(names, (size,)) if lite.find(names) is not None else nothing
    index = lite.numbers("/Sequences/SequencesIndex", (size,)).astype(np.int64)
    ids = lite.strings("/Sequences/SequencesId")
    if index.max() >= len(ids):
        raise InvalidInput(f"{lite.file}: SequencesIndex goes up to {index.max()}, {len(ids)} sequences are there")
    names = "/Sequences/SequencesName"
    titles = lite.strings(names, ids.shape) if lite.find(names) is not None else np.zeros(len(ids), dtype="U1")
    # The last element stands for every negative index.
    place = np.where(index < 0, len(ids), index)
    return np.append(ids, "")[place], np.append(titles, "")[place]


def _time(lite: LiteDataset, kind: Dataset, size: int) -> np.ndarray:
    if kind == "oco3_sif":
        return lite.seconds("/Delta_Time", size, SIF_EPOCH)
    if lite.find("/time") is not None:
        return lite.seconds("/time", size, UNIX_EPOCH)
    if lite.find("/date") is not None:
        return seconds_from_dates(lite.numbers("/date", (size, 7)))
    raise InvalidInput(f"{lite.file}: the variables /time and /date are missing; one of them is needed")


def _check_day(file: str, day: dt.date, time: np.ndarray) -> None:
    # A file may hold the end of a capture that crosses midnight: only one without the day itself is refused.
    known = time[np.isfinite(time)]
    if known.size == 0:
        raise InvalidInput(f"{file}: no sounding has a time")
    start = day_start(day)
    if not np.any((known >= start) & (known < start + 86400)):
        found = dt.datetime.fromtimestamp(float(known[0]), dt.UTC).date()
        raise InvalidInput(f"{file}: the name says {day}, its soundings are of {found}")


def _recode(codes: np.ndarray, modes: dict[int, Mode]) -> np.ndarray:
    recoded = np.full(codes.shape, Mode.UNKNOWN, dtype=np.int8)
    for code, mode in modes.items():
        recoded[codes == code] = mode
    return recoded
