"""The product of `grid-capture`: captures of one granule on their grids, touched cells only."""

from __future__ import annotations

import datetime as dt
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.geography import Box
from levelworks.xco2.grids import Grid, target_grid
from levelworks.xco2.layers import SETS, Gridded, Layer
from levelworks.xco2.lite_names import parse_name
from levelworks.xco2.slice_layers import Fresh

LAYERS = "layers"
"""Attribute that describes the rows of an array of gridded variables."""


@dataclass(frozen=True)
class GridSpec:
    """What a grid is made from: box (degrees), rows, columns, convention, and whether poles get equal areas."""

    box: Box
    rows: int
    columns: int
    convention: str
    polar_equal_area: bool

    @cached_property
    def grid(self) -> Grid:
        """Return the grid."""
        return target_grid(self.box, self.rows, self.columns, self.convention, polar_equal_area=self.polar_equal_area)


@dataclass(frozen=True)
class Entry:
    """One gridded capture, or the mosaic of one day and dataset.

    Attributes
    ----------
    id, target_id, target_name, mode : str
        Of the capture; a mosaic's id is ``<dataset>-<day>``, the others are empty.
    orbit : int
        -9999 where there is none, or more than one.
    start, end : float
        First and last sounding (s since 1970-01-01 UTC).
    soundings, good : int
        Numbers of usable soundings, and of those of good quality among them.
    methods : mapping of str to str
        How each quality set was gridded.
    digests : mapping of str to str
        Of each quality set's content and what describes it.
    """

    id: str
    target_id: str
    target_name: str
    mode: str
    orbit: int
    start: float
    end: float
    soundings: int
    good: int
    methods: Mapping[str, str]
    spec: GridSpec
    digests: Mapping[str, str] = field(default_factory=dict)

    def count(self, quality_set: str) -> int:
        """Return the number of soundings of a quality set."""
        return self.good if quality_set == "post" else self.soundings


@dataclass(frozen=True)
class Source:
    """The granule that entries come from."""

    dataset: str
    name: str
    day: dt.date
    build: str
    production: str

    @property
    def version(self) -> tuple[int, str]:
        """Return what orders versions of one day: the build's number, then the production stamp."""
        return int("".join(filter(str.isdigit, self.build)) or 0), self.production


@cache
def source_of(name: str) -> Source:
    """Return a granule by its name alone.

    Raises
    ------
    InvalidInput
        Where the name is none of the agency's.
    """
    found = parse_name(name)
    return Source(found.kind, name, found.day, found.build, found.production)


def write_grids(path: Path, source: Source, entries: Sequence[tuple[Entry, Gridded]]) -> list[Entry]:
    """Write gridded captures as NetCDF-4 and return their entries with digests.

    Every entry has the same variables.
    """
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(
            {
                "Conventions": "CF-1.11",
                "title": f"gridded captures of {source.name}",
                "dataset": source.dataset,
                "source": source.name,
                "day": source.day.isoformat(),
                "build": source.build,
                "production": source.production,
            }
        )
        sizes = [gridded.cells.size for _, gridded in entries]
        file.createDimension("cell", sum(sizes))
        cells = [gridded.cells for _, gridded in entries]
        _put(file, "cell", np.concatenate([np.zeros(0, np.int64), *cells]), {"long_name": "position in the grid"})
        for quality_set in SETS:
            group = file.createGroup(quality_set)
            shared = entries[0][1].layers[quality_set] if entries else {}
            for kind, names in _by_type(shared).items():
                layers = [[gridded.layers[quality_set][name] for _, gridded in entries] for name in names]
                values = np.stack([np.concatenate([layer.values for layer in several]) for several in layers])
                group.createDimension(f"layer_{kind}", len(names))
                described = describe_layers({name: shared[name] for name in names})
                attributes = {LAYERS: json.dumps(described, sort_keys=True)}
                _put(group, kind, values, attributes, (f"layer_{kind}", "cell"))
        complete = [
            Entry(**{**vars(entry), "digests": {one: _digest(entry, gridded, one) for one in SETS}})
            for entry, gridded in entries
        ]
        file.setncattr("entries", json.dumps([_as_values(entry) for entry in complete]))
        file.setncattr("sizes", json.dumps(sizes))
    return complete


class Place(NamedTuple):
    """Where a gridded variable stands: the array of its type, its row, and all of it but its values."""

    kind: str
    row: int
    layer: Layer


@dataclass(frozen=True, eq=False)
class GridFile:
    """An open product of `grid-capture`."""

    file: Any
    source: Source
    entries: tuple[Entry, ...]
    bounds: tuple[int, ...]
    known_cells: dict[int, np.ndarray] = field(default_factory=dict)
    known_values: dict[tuple[int, str, str], np.ndarray] = field(default_factory=dict)

    def cells(self, number: int) -> np.ndarray:
        """Return the touched cells of an entry, int64."""
        if number not in self.known_cells:
            self.known_cells[number] = self._read(self.file["cell"], number)
        return self.known_cells[number]

    def places(self, quality_set: str) -> dict[str, Place]:
        """Return where the gridded variables of a quality set stand, by full path."""
        found = {}
        for kind, stored in self.file[quality_set].variables.items():
            for row, one in enumerate(json.loads(stored.getncattr(LAYERS))):
                found[one["path"]] = Place(kind, row, described_layer(one))
        return found

    def values(self, number: int, quality_set: str, place: Place) -> np.ndarray:
        """Return the values of one gridded variable of an entry."""
        key = number, quality_set, place.kind
        if key not in self.known_values:
            stored = self.file[quality_set].variables[place.kind]
            self.known_values.clear()  # of one entry at a time
            self.known_values[key] = self._read(stored, number)
        values: np.ndarray = self.known_values[key][place.row]
        return values

    def _read(self, stored: Any, number: int) -> np.ndarray:
        try:
            return np.asarray(stored[..., self.bounds[number] : self.bounds[number + 1]])
        except RuntimeError as error:
            raise _damaged(Path(self.file.filepath()), error) from None

    def layers(self, number: int, quality_set: str) -> dict[str, Layer]:
        """Return the gridded variables of an entry by full path."""
        return {
            path: replace(place.layer, values=self.values(number, quality_set, place))
            for path, place in self.places(quality_set).items()
        }


class GridFiles:
    """Products of `grid-capture` that are read again and again, the latest ones kept open; a context manager."""

    MOST = 64

    def __init__(self) -> None:
        self._open: OrderedDict[Path, tuple[ExitStack, GridFile]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._close_oldest()

    def get(self, path: Path) -> GridFile:
        """Return a product, opened where it isn't."""
        if path not in self._open:
            if len(self._open) >= self.MOST:
                self._close_oldest()
            stack = ExitStack()
            self._open[path] = stack, stack.enter_context(open_grids(path))
        self._open.move_to_end(path)
        return self._open[path][1]

    def _close_oldest(self) -> None:
        _, (stack, _) = self._open.popitem(last=False)
        stack.close()

    def fresh(self, path: Path, number: int, quality_set: str, place: Place) -> Fresh:
        """Return the values of one gridded variable of an entry."""
        file = self.get(path)
        values, fill = file.values(number, quality_set, place), place.layer.fill
        present = values != fill if values.dtype.kind != "f" else ~np.isnan(values)
        return Fresh(file.cells(number)[present], values[present])


@contextmanager
def open_grids(path: Path) -> Iterator[GridFile]:
    """Open a product of `grid-capture`.

    Raises
    ------
    InvalidInput
        Where the file is none.
    """
    import netCDF4

    try:
        file = netCDF4.Dataset(path)
    except (OSError, RuntimeError) as error:
        raise _damaged(path, error) from None
    with file:
        file.set_auto_maskandscale(False)
        try:
            source = Source(file.dataset, file.source, dt.date.fromisoformat(file.day), file.build, file.production)
            entries = tuple(_from_values(values) for values in json.loads(file.entries))
            bounds = (0, *np.cumsum(json.loads(file.sizes), dtype=np.int64).tolist())
        except (AttributeError, KeyError, ValueError, TypeError) as error:
            raise _damaged(path, error) from None
        yield GridFile(file, source, entries, bounds)


def _damaged(path: Path, error: Exception) -> InvalidInput:
    cause = getattr(error, "strerror", None) or error
    return InvalidInput(
        f"{path.name}: no product of grid-capture, or damaged ({cause}); remove it, then it is made again"
    )


def describe_layers(layers: Mapping[str, Layer]) -> list[dict[str, Any]]:
    """Return all of some gridded variables but their values, as JSON has it, sorted by path."""
    return [
        {  # keys in order, as stores write them
            "attributes": dict(sorted(_plain(layer.attributes).items())),
            "dtype": layer.values.dtype.name,
            "fill": None if layer.fill != layer.fill else layer.fill,
            "path": name,
        }
        for name, layer in sorted(layers.items())
    ]


def described_layer(described: Mapping[str, Any]) -> Layer:
    """Return a gridded variable without its values by its description, see `describe_layers`."""
    fill = float("nan") if described["fill"] is None else described["fill"]
    return Layer(np.zeros(0, described["dtype"]), fill, described["attributes"])


def _digest(entry: Entry, gridded: Gridded, quality_set: str) -> str:
    """Return the digest of an entry's content, and after a hyphen that of what its variables are."""
    import xxhash

    layers = gridded.layers[quality_set]
    digest = xxhash.xxh3_64()
    described = {name: value for name, value in _as_values(entry).items() if name != "digests"}
    digest.update(json.dumps(described, sort_keys=True).encode())
    digest.update(gridded.cells.tobytes())
    for _, layer in sorted(layers.items()):
        digest.update(layer.values.tobytes())
    variables = json.dumps(describe_layers(layers), sort_keys=True)
    return f"{digest.hexdigest()}-{xxhash.xxh32(variables.encode()).hexdigest()}"


def as_definition(spec: GridSpec) -> list[Any]:
    """Return what a grid is made from as a list, as attributes hold it."""
    return [*spec.box, spec.rows, spec.columns, spec.convention, spec.polar_equal_area]


def from_definition(values: Sequence[Any]) -> GridSpec:
    """Return what a grid is made from by that list."""
    west, south, east, north, rows, columns, convention, polar = values
    return GridSpec(Box(west, south, east, north), rows, columns, convention, polar)


def entry_as_text(entry: Entry) -> str:
    """Return an entry as JSON, see `entry_from_text`."""
    return json.dumps(_as_values(entry), separators=(",", ":"))


def entry_from_text(text: str) -> Entry:
    """Return an entry by its JSON."""
    return _from_values(json.loads(text))


def _as_values(entry: Entry) -> dict[str, Any]:
    described = {"methods": dict(entry.methods), "digests": dict(entry.digests), "spec": as_definition(entry.spec)}
    return {**vars(entry), **described}


def _from_values(values: dict[str, Any]) -> Entry:
    return Entry(spec=from_definition(values.pop("spec")), **values)


def _by_type(layers: Mapping[str, Layer]) -> dict[str, list[str]]:
    """Return the sorted names of gridded variables by their type: each type stands in one array, quick to open."""
    found: dict[str, list[str]] = {}
    for name, layer in sorted(layers.items()):
        found.setdefault(layer.values.dtype.name, []).append(name)
    return found


def _put(
    group: Any, name: str, values: np.ndarray, attributes: Mapping[str, Any], dimensions: tuple[str, ...] = ("cell",)
) -> None:
    packed = {"zlib": True, "complevel": 1, "shuffle": True} if values.size and values.dtype.kind != "f" else {}
    variable = group.createVariable(name, values.dtype, dimensions, **packed)
    variable.setncatts(attributes)
    if values.size:
        variable[...] = values


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for name, value in attributes.items()
    }
