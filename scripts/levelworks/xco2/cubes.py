"""The cube of one dataset, target and quality set: read back, merged with new captures, written whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from levelworks.core.options import Options
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.cube_attributes import (
    TIME_ATTRIBUTES,
    axes_of,
    cube_attributes,
    grid_mapping,
    slice_attributes,
)
from levelworks.xco2.cube_slices import COLUMNS, CubeSlice, as_columns, from_columns
from levelworks.xco2.grid_files import (
    GridFiles,
    GridSpec,
    as_definition,
    describe_layers,
    described_layer,
    from_definition,
)
from levelworks.xco2.grids import EqualAreaGrid
from levelworks.xco2.layers import Layer, wider
from levelworks.xco2.options import Store
from levelworks.xco2.slice_layers import Kept, Part, write_slices
from levelworks.xco2.store_layout import GRID, LAYER_SETS, STORAGE, layer_spec, put_coordinate
from levelworks.xco2.zarr_readers import StoreReader
from levelworks.xco2.zarr_writers import StoreWriter, new_store


@dataclass(frozen=True)
class FromGrids:
    """Where a new slice's content stands: an entry of a product of `grid-capture`, its grid and its target's name."""

    path: Path
    number: int
    spec: GridSpec
    target_name: str


@dataclass(frozen=True)
class StandingCube:
    """A cube as it stands."""

    store: StoreReader
    slices: tuple[CubeSlice, ...]

    @classmethod
    def read(cls, path: Path) -> StandingCube:
        """Read the slices of a cube.

        Raises
        ------
        InvalidOptions
            Where the folder is no cube of ours.
        """
        try:
            store = StoreReader(path)
            columns = {name: store.read(name) for name in (*COLUMNS, "time_bnds")}
            slices = from_columns(columns)
            known = store.attributes[LAYER_SETS]
            if not all(one.layer_set in known for one in slices) or not store.attributes[GRID]:
                raise InvalidInput("its attributes don't describe its slices")
        except (InvalidInput, KeyError, OSError) as error:
            cause = str(error).removeprefix(f"{path}: ")
            if isinstance(error, KeyError):
                cause = f"it has no {error.args[0]}"
            raise InvalidOptions(
                f"{path} is no cube that can be updated ({cause}); move it away, then it is made anew"
            ) from None
        return cls(store, tuple(slices))

    def digest(self, options: Options) -> str:
        """Return a digest of all that a product of the cube depends on: its slices, its grid, and these options."""
        slices = [(one.capture_id, one.time, one.content_digest) for one in self.slices]
        content = [slices, self.store.attributes[GRID], self.store.attributes["title"], options.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @property
    def spec(self) -> GridSpec:
        """Return what the grid is made from."""
        return from_definition(self.store.attributes[GRID])


@dataclass(frozen=True)
class Identity:
    """What a cube is of."""

    dataset: str
    target: tuple[str, str]
    filtered: bool
    spec: GridSpec


def write_cube(
    path: Path,
    identity: Identity,
    slices: Sequence[CubeSlice],
    standing: StandingCube | None,
    options: Store,
    storage: str,
) -> None:
    """Write a cube of slices, some kept from a standing one.

    Parameters
    ----------
    path : Path
        New folder.
    slices : sequence of CubeSlice
        In order of time; their places are `Kept` or `FromGrids`.
    standing : StandingCube or None
        What kept slices are taken from.
    options : Store
    storage : str
        Digest of how the store is packed; files are linked where both agree.
    """
    writer = new_store(path, options.zarr_format, options.compressor, options.level)
    old = standing.store if standing is not None else None
    link = old is not None and old.attributes.get(STORAGE) == storage
    with GridFiles() as files:
        parts, kinds, sets = _gather(slices, identity.filtered, old, files)
        title = options.title_post if identity.filtered else options.title_pre
        found = cube_attributes(
            identity.dataset,
            identity.target,
            identity.spec.box,
            slices,
            filtered=identity.filtered,
            title=title,
            resolution=options.resolution,
        )
        writer.group("", found | {GRID: as_definition(identity.spec), STORAGE: storage, LAYER_SETS: sets})
        for group in _groups(parts):
            if group:
                writer.group(group, {})
            _write_coordinates(writer, group, identity, slices)
        for name, several in parts.items():
            # What describes slices stands in the root alone.
            coordinates = [] if "/" in name else [*COLUMNS, *_places(identity)]
            shape = (len(slices), *identity.spec.grid.shape)
            array = layer_spec(name, shape, _horizontal(identity), kinds[name], coordinates, options)
            write_slices(writer, old, array, several, link=link)
        writer.finish()


def _groups(names: Mapping[str, Any]) -> list[str]:
    """Return the root and every group of the arrays, outer ones first."""
    return sorted({"", *(str(PurePosixPath(name).parent) for name in names if "/" in name)})


def _gather(
    slices: Sequence[CubeSlice], filtered: bool, old: StoreReader | None, files: GridFiles
) -> tuple[dict[str, list[Part]], dict[str, Layer], dict[str, Any]]:
    """Return the parts of every array that a slice has, its kind, which the earliest of them gives, and layer sets."""
    quality_set = "post" if filtered else "pre"
    parts: dict[str, list[Part]] = {}
    kinds: dict[str, Layer] = {}
    sets: dict[str, Any] = {}
    for position, one in enumerate(slices):
        places = {}
        if isinstance(one.place, FromGrids):
            places = files.get(one.place.path).places(quality_set)
            layers = {path: place.layer for path, place in places.items()}
            sets.setdefault(one.layer_set, describe_layers(layers))
        elif old is not None:
            sets.setdefault(one.layer_set, old.attributes[LAYER_SETS][one.layer_set])
        for described in sets[one.layer_set]:
            path = described["path"]
            name = path.lstrip("/")
            kinds[name] = wider(kinds.get(name), described_layer(described))
            part: Part = one.place if isinstance(one.place, Kept) else None
            if isinstance(one.place, FromGrids):
                part = partial(files.fresh, one.place.path, one.place.number, quality_set, places[path])
            parts.setdefault(name, [None] * len(slices))[position] = part
    return dict(sorted(parts.items())), kinds, dict(sorted(sets.items()))


def _horizontal(identity: Identity) -> tuple[str, str]:
    return ("y", "x") if isinstance(identity.spec.grid, EqualAreaGrid) else ("latitude", "longitude")


def _places(identity: Identity) -> tuple[str, ...]:
    """Return the coordinates that have both horizontal dimensions."""
    return ("latitude", "longitude") if _horizontal(identity) == ("y", "x") else ()


def _write_coordinates(writer: StoreWriter, group: str, identity: Identity, slices: Sequence[CubeSlice]) -> None:
    """Write the coordinates of the root, or those of a group that opens by itself: its axes, as in the root.

    Bounds and what describes slices stand in the root alone, where CF looks for what a group doesn't have.
    """
    axes = axes_of(identity.spec.grid)
    if group:
        for name in ("time", *(name for name, (dimensions, _, _) in axes.items() if dimensions == (name,)), "crs"):
            writer.repeat(name, f"{group}/{name}")
        return
    columns = as_columns(slices)
    put = partial(put_coordinate, writer)
    put("time", ("time",), columns.pop("time"), TIME_ATTRIBUTES)
    put("time_bnds", ("time", "bnds"), columns.pop("time_bnds"), {})
    for name, values in columns.items():
        put(name, ("time",), values, slice_attributes(name))
    for name, (dimensions, values, attributes) in axes.items():
        put(name, dimensions, np.asarray(values, np.float64), attributes)
    put("crs", (), np.array(0, np.int32), grid_mapping(identity.spec.grid))
