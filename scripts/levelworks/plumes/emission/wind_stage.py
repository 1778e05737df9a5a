"""Find the winds of a scene: every source that has them, none of which can stop the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.plumes.emission.wind_files import MANUAL, Winds, write_wind
from levelworks.plumes.emission.wind_grids import NoWind, components, direction_from, interpolate
from levelworks.plumes.emission.wind_options import FindWind
from levelworks.plumes.emission.wind_readers import era5_wind, geos_fp_wind
from levelworks.plumes.layers import open_layers

WESTERLY = 270.0
Found = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


def find_wind(retrieval: Path, era5: list[Path], geos_fp: list[Path], *, wind: Path, options: FindWind) -> Outcome:
    """Find the winds of a scene; with no source at all, a product without winds and a warning (D20).

    Raises
    ------
    NothingToProduce
        Where the retrieval is the empty product of a skipped or quarantined scene.
    InvalidInput
        Where the retrieval has no time or no places.
    """
    with open_layers(retrieval) as layers:
        attributes = layers.attributes
        if attributes.get("outcome"):
            raise NothingToProduce(f"there is no retrieval: {attributes.get('reason', '')}")
        longitude, latitude = layers.read("longitude"), layers.read("latitude")
    scene = str(attributes.get("scene", retrieval.stem))
    instant = middle_time(attributes, retrieval)
    rows, columns = (_nodes(size, options.nodes) for size in longitude.shape)
    node_longitude, node_latitude = _places(longitude, latitude, rows, columns, retrieval)
    found: Found = {}
    notes: list[str] = []
    readers = {"ERA5": (era5_wind, era5), "GEOS-FP": (geos_fp_wind, geos_fp)}
    for source in dict.fromkeys(options.sources):
        read, paths = readers[source]
        try:
            if not paths:
                raise NoWind("no file was given")
            found[source] = interpolate(read(paths, instant), node_latitude, node_longitude)
        except NoWind as reason:
            notes.append(f"no wind of {source}: {reason}")
    if options.wind_speed_manual is not None:
        found = {MANUAL: _manual(options.wind_speed_manual, found, options, node_longitude.shape, notes)} | found
    if options.pressure_manual is not None:
        given = np.full(node_longitude.shape, options.pressure_manual)
        found = {source: (u, v, given) for source, (u, v, _) in found.items()}
    if not found:
        notes.append("there is no wind: emission rates are not a number")
    preferred = _preferred(found, options)
    empty = np.zeros((0, *node_longitude.shape))
    u, v, pressure = (np.stack(fields) for fields in zip(*found.values(), strict=True)) if found else (empty,) * 3
    winds = Winds(tuple(found), rows, columns, u, v, pressure, preferred, tuple(notes))
    write_wind(wind, winds, node_longitude, node_latitude, scene)
    quality = {"sources": len(found), "preferred": preferred}
    if preferred:
        east, north = (float(field.mean()) for field in found[preferred][:2])
        quality |= {"speed_m_s": float(np.hypot(east, north)), "direction_deg": float(direction_from(east, north))}
    return Outcome(quality=quality, warnings=tuple(notes))


def middle_time(attributes: dict[str, object], path: Path) -> datetime:
    """Return the middle of a scene's start and end time.

    Raises
    ------
    InvalidInput
        Where the product has no start time.
    """
    try:
        start = datetime.fromisoformat(str(attributes["start_time"]))
        end = datetime.fromisoformat(str(attributes.get("end_time", attributes["start_time"])))
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{path} has no valid start_time and end_time ({error})") from None
    start, end = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in (start, end))
    return start + (end - start) / 2


def _nodes(size: int, most: int) -> np.ndarray:
    return np.unique(np.round(np.linspace(0, max(size - 1, 0), min(most, max(size, 1)))))


def _places(
    longitude: np.ndarray, latitude: np.ndarray, rows: np.ndarray, columns: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of the nodes; where a pixel has no place, those of the nearest that has."""
    from scipy.ndimage import distance_transform_edt

    known = np.isfinite(longitude) & np.isfinite(latitude)
    if not known.any():
        raise InvalidInput(f"{path} has no pixel with a longitude and a latitude")
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    row, column = (indices[np.ix_(rows.astype(int), columns.astype(int))] for indices in nearest)
    return longitude[row, column], latitude[row, column]


def _manual(
    speed: float, found: Found, options: FindWind, shape: tuple[int, ...], notes: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the wind that a person gave; pressure, and direction where none was given, are those of a source."""
    model = found.get(_preferred(found, options)) if found else None
    direction = options.wind_direction_manual
    if direction is None and model is not None:
        direction = float(direction_from(float(model[0].mean()), float(model[1].mean())))
    elif direction is None:
        direction = WESTERLY
        notes.append("the manual wind has no direction and there is no other source: it is written as westerly")
    east, north = components(speed, direction)
    pressure = model[2] if model is not None else np.full(shape, np.nan)
    return np.full(shape, east), np.full(shape, north), pressure


def _preferred(found: Found, options: FindWind) -> str:
    order = (MANUAL, options.preferred, *options.sources)
    return next((source for source in order if source in found), "")
