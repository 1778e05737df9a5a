"""The global mosaics: one slice a day, each dataset with arrays of its own, in one store for each quality set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.cube_attributes import GEOGRAPHIC, TIME_UNITS, axes_of, common_attributes, coverage
from levelworks.xco2.granule import DATASETS
from levelworks.xco2.grid_files import (
    GridFiles,
    GridSpec,
    Source,
    as_definition,
    describe_layers,
    described_layer,
    from_definition,
    source_of,
)
from levelworks.xco2.layers import Layer, wider
from levelworks.xco2.lite_times import day_start
from levelworks.xco2.options import UpdateGlobal
from levelworks.xco2.slice_layers import Kept, Part, write_slices
from levelworks.xco2.store_layout import GRID, LAYER_SETS, STORAGE, layer_spec, put_coordinate
from levelworks.xco2.zarr_readers import StoreReader
from levelworks.xco2.zarr_writers import StoreWriter, new_store

PREFIXES = {"oco2": "OCO2_global_", "oco3": "OCO3_global_", "oco3_sif": "OCO3_SIF_global_"}
DAY_S = 86400.0

TIME_ATTRIBUTES = {
    "standard_name": "time",
    "long_name": "UTC day",
    "units": TIME_UNITS,
    "calendar": "standard",
    "axis": "T",
    "bounds": "time_bnds",
}


@dataclass(frozen=True)
class Contribution:
    """What one granule brings to a day: its name, the digest of its content, its soundings, and where they are."""

    file: str
    digest: str
    soundings: int
    place: Kept | Path | None = field(compare=False)

    @property
    def source(self) -> Source:
        """Return the granule, as its name tells it."""
        return source_of(self.file)


Days = dict[dt.date, dict[str, Contribution]]


@dataclass(frozen=True)
class MergedDays:
    """The days of a mosaic, oldest first, with a contribution of each dataset that has one."""

    days: Days
    changed: int
    refused: tuple[str, ...]


def merge_days(standing: Mapping[dt.date, Mapping[str, Contribution]], incoming: Iterable[Contribution]) -> MergedDays:
    """Merge what granules bring with what a mosaic has: of each dataset and day the newest version counts."""
    days = {day: dict(found) for day, found in standing.items()}
    refused, changed = [], 0
    for one in sorted(incoming, key=lambda one: (one.source.day, one.source.version, one.file)):
        source = one.source
        held = days.setdefault(source.day, {})
        known = held.get(source.dataset)
        if known is not None and known.source.version > source.version:
            refused.append(one.file)
        elif known != one:
            held[source.dataset] = one
            changed += 1
    return MergedDays(dict(sorted(days.items())), changed, tuple(refused))


@dataclass(frozen=True)
class StandingMosaic:
    """A mosaic as it stands."""

    store: StoreReader
    days: Days

    @classmethod
    def read(cls, path: Path) -> StandingMosaic:
        """Read the days of a mosaic.

        Raises
        ------
        InvalidOptions
            Where the folder is no mosaic of ours.
        """
        try:
            store = StoreReader(path)
            starts = store.read("time")
            columns = {name: {one: store.read(f"{PREFIXES[name]}{one}") for one in COLUMNS} for name in DATASETS}
        except (InvalidInput, KeyError, OSError) as error:
            raise InvalidOptions(
                f"{path} is no global mosaic that can be updated ({error}); move it away, then it is made anew"
            ) from None
        days: Days = {}
        for position, start in enumerate(starts):
            day = dt.datetime.fromtimestamp(float(start), dt.UTC).date()
            days[day] = {
                name: Contribution(
                    str(found["source_file"][position]),
                    str(found["content_digest"][position]),
                    int(found["number_gridded"][position]),
                    Kept(position),
                )
                for name, found in columns.items()
                if str(found["source_file"][position])
            }
        return cls(store, days)

    @property
    def spec(self) -> GridSpec:
        """Return what the grid is made from."""
        return from_definition(self.store.attributes[GRID])


COLUMNS = {
    "source_file": "granule; empty where there was none",
    "content_digest": "XXH3 of the dataset's content of the day",
    "number_gridded": "number of soundings that were gridded",
}


def array_name(dataset: str, path: str) -> str:
    """Return the name of a variable's array: that of its dataset, groups joined by an underscore."""
    return PREFIXES[dataset] + path.strip("/").replace("/", "_")


def write_mosaic(
    path: Path, spec: GridSpec, days: Days, standing: StandingMosaic | None, options: UpdateGlobal, storage: str
) -> None:
    """Write a mosaic of days, some kept from a standing one; parameters as those of `cubes.write_cube`."""
    writer = new_store(path, options.zarr_format, options.compressor, options.level)
    old = standing.store if standing is not None else None
    link = old is not None and old.attributes.get(STORAGE) == storage
    filtered = options.quality_set == "post"
    datasets = [name for name in DATASETS if any(name in found for found in days.values())]
    builds = [(one.source.build, name) for found in days.values() for name, one in found.items()]
    made = f"OCO-2 and OCO-3 captures of the world, {'soundings of good quality' if filtered else 'all soundings'}"
    title = (options.title_post if filtered else options.title_pre) or made
    attributes = common_attributes(datasets, builds, filtered=filtered, title=title)
    starts = [day_start(day) for day in days]
    attributes |= coverage(starts, [start + DAY_S for start in starts])
    attributes |= {"resolution": options.resolution} if options.resolution else {}
    with GridFiles() as files:
        parts, kinds, sets = _gather(days, filtered, old, files)
        writer.group("", attributes | {GRID: as_definition(spec), STORAGE: storage, LAYER_SETS: sets})
        _write_coordinates(writer, spec, days)
        for name, several in parts.items():
            coordinates = [PREFIXES[dataset_of(name)] + column for column in COLUMNS]
            shape = (len(days), spec.rows, spec.columns)
            array = layer_spec(name, shape, ("latitude", "longitude"), kinds[name], coordinates, options)
            write_slices(writer, old, array, several, link=link)
        writer.finish()


def _gather(
    days: Days, filtered: bool, old: StoreReader | None, files: GridFiles
) -> tuple[dict[str, list[Part]], dict[str, Layer], dict[str, Any]]:
    """Return the parts of every array that a day has, its kind, which the earliest of them gives, and layer sets."""
    quality_set = "post" if filtered else "pre"
    parts: dict[str, list[Part]] = {}
    kinds: dict[str, Layer] = {}
    sets: dict[str, Any] = {}
    for position, contributions in enumerate(days.values()):
        for dataset, one in contributions.items():
            if not one.digest:
                continue  # a day without soundings
            key = one.digest.rpartition("-")[2]
            places = {}
            if isinstance(one.place, Path):
                places = files.get(one.place).places(quality_set)
                sets.setdefault(key, describe_layers({path: place.layer for path, place in places.items()}))
            elif old is not None:
                sets.setdefault(key, old.attributes[LAYER_SETS][key])
            for described in sets[key]:
                name = array_name(dataset, described["path"])
                paths = [one["path"] for one in sets[key]]
                layer = _described(dataset, described["path"], described_layer(described), paths)
                kinds[name] = wider(kinds.get(name), layer)
                part: Part = one.place if isinstance(one.place, Kept) else None
                if isinstance(one.place, Path):
                    part = partial(files.fresh, one.place, 0, quality_set, places[described["path"]])
                parts.setdefault(name, [None] * len(days))[position] = part
    return dict(sorted(parts.items())), kinds, dict(sorted(sets.items()))


def dataset_of(name: str) -> str:
    """Return the dataset of an array."""
    return next(dataset for dataset, prefix in PREFIXES.items() if name.startswith(prefix))


def _described(dataset: str, path: str, layer: Layer, paths: Sequence[str]) -> Layer:
    """Return a kind whose ancillary variables, those of its group or of the root, have the names of this store."""
    attributes = dict(layer.attributes)
    group = path.rpartition("/")[0]
    if "ancillary_variables" in attributes:
        names = str(attributes["ancillary_variables"]).split()
        full = [f"{group}/{name}" if f"{group}/{name}" in paths else f"/{name}" for name in names]
        attributes["ancillary_variables"] = " ".join(array_name(dataset, name) for name in full)
    return Layer(layer.values, layer.fill, attributes)


def _write_coordinates(writer: StoreWriter, spec: GridSpec, days: Days) -> None:
    put = partial(put_coordinate, writer)
    starts = np.array([day_start(day) for day in days], np.float64)
    put("time", ("time",), starts, TIME_ATTRIBUTES)
    put("time_bnds", ("time", "bnds"), np.stack([starts, starts + DAY_S], axis=1), {})
    for name, (dimensions, values, attributes) in axes_of(spec.grid).items():
        put(name, dimensions, np.asarray(values, np.float64), attributes)
    put("crs", (), np.array(0, np.int32), GEOGRAPHIC)
    for dataset, prefix in PREFIXES.items():
        found = [contributions.get(dataset) for contributions in days.values()]
        put(f"{prefix}source_file", ("time",), _texts([one.file if one else "" for one in found]), _say("source_file"))
        digests = _texts([one.digest if one else "" for one in found])
        put(f"{prefix}content_digest", ("time",), digests, _say("content_digest"))
        counts = np.array([one.soundings if one else 0 for one in found], np.int32)
        put(f"{prefix}number_gridded", ("time",), counts, _say("number_gridded") | {"units": "1"})


def _say(column: str) -> dict[str, Any]:
    return {"long_name": COLUMNS[column]}


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(values, dtype=f"<U{max((len(one) for one in values), default=1) or 1}")
