"""Slices of a cube as pictures need them: touched cells, made coarser where a grid is finer than any picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce
from levelworks.xco2.cube_slices import CubeSlice
from levelworks.xco2.cubes import StandingCube
from levelworks.xco2.grids import Grid
from levelworks.xco2.layers import COVERAGE, EFFECTIVE_NUMBER, NUMBER
from levelworks.xco2.lite_variables import DEFAULT_VARIABLES
from levelworks.xco2.plot_maps import find_variable, in_blocks
from levelworks.xco2.zarr_arrays import ArraySpec
from levelworks.xco2.zarr_readers import StoreReader

FINEST = 1000
"""Rows or columns of a grid beyond which cells are put together."""
PERCENTILES = (16.0, 50.0, 84.0)
DESCRIBING = {one.lstrip("/") for one in (NUMBER, EFFECTIVE_NUMBER, COVERAGE)}


@dataclass(frozen=True, eq=False)
class DrawnSlice:
    """One slice: what it is, its cells on the coarser grid with their values, and percentiles of the true cells."""

    one: CubeSlice
    cells: np.ndarray
    values: np.ndarray
    percentiles: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Strip:
    """The slices of a cube that are shown, in order of time.

    Attributes
    ----------
    cube : StandingCube
    variable : str
        Name of the array.
    spec : ArraySpec
        Its type and attributes.
    grid : Grid
        What the cells of ``slices`` are positions in.
    slices : tuple of DrawnSlice
    """

    cube: StandingCube
    variable: str
    spec: ArraySpec
    grid: Grid
    slices: tuple[DrawnSlice, ...]

    @property
    def averaged(self) -> bool:
        """Whether values may be averaged: classes may not."""
        return self.spec.dtype.kind == "f"


def read_cube(path: Path) -> StandingCube:
    """Read a cube to be drawn; raise InvalidInput where the folder is none."""
    try:
        return StandingCube.read(path)
    except (InvalidOptions, KeyError, ValueError) as error:
        raise InvalidInput(f"{path.name}: no cube of a target, or damaged ({error})") from None


def read_strip(path: Path, variables: Mapping[Any, str], most: int) -> Strip:
    """Read the latest slices of one variable of a cube; memory is that of their touched cells and one chunk.

    Raises
    ------
    InvalidInput
        Where the folder is no cube of ours.
    NothingToProduce
        Where it has no slice.
    InvalidOptions
        Where it has no such variable.
    """
    cube = read_cube(path)
    grid = cube.spec.grid
    gridded = {name: spec for name, spec in cube.store.arrays.items() if len(spec.shape) == 3}
    if not cube.slices or not gridded:
        raise NothingToProduce(f"{path.name} has no slice")
    asked = variables.get(cube.slices[0].source.dataset, "")
    usual = [path.strip("/") for path in DEFAULT_VARIABLES[cube.slices[0].source.dataset]]  # type: ignore[index]
    name = find_variable(asked, gridded) if asked else _first(gridded, usual)
    if name is None:
        raise InvalidOptions(f"variable is {asked!r}; {path.name} has {', '.join(f'/{one}' for one in gridded)}")
    spec = gridded[name]
    positions = range(max(len(cube.slices) - most, 0), len(cube.slices))
    coarse, factors = _coarser(grid)
    found = _read(cube.store, spec, positions, factors, coarse.shape)
    return Strip(
        cube,
        name,
        spec,
        coarse,
        tuple(DrawnSlice(cube.slices[number], *found[number]) for number in positions),
    )


def _first(gridded: dict[str, ArraySpec], usual: Sequence[str]) -> str:
    """Return a usual variable, or the first that comes from soundings, of those that can be averaged if any can."""
    for name in usual:
        if name in gridded:
            return name
    # What is derived, such as spreads, has no cell methods.
    own = [name for name, spec in gridded.items() if "cell_methods" in spec.attributes]
    own = own or [name for name in gridded if name not in DESCRIBING] or list(gridded)
    return min(own, key=lambda name: (gridded[name].dtype.kind != "f", name.count("/"), name))


def _coarser(grid: Grid) -> tuple[Grid, tuple[int, int]]:
    factors = -(-grid.shape[0] // FINEST), -(-grid.shape[1] // FINEST)
    if factors == (1, 1):
        return grid, factors
    y_edges, x_edges = (
        np.append(edges[:-1:factor], edges[-1])
        for edges, factor in zip((grid.y_edges, grid.x_edges), factors, strict=True)
    )
    middles = {"x": (x_edges[:-1] + x_edges[1:]) / 2, "y": (y_edges[:-1] + y_edges[1:]) / 2}
    return replace(grid, **middles, x_edges=x_edges, y_edges=y_edges), factors


def _read(
    store: StoreReader, spec: ArraySpec, positions: Sequence[int], factors: tuple[int, int], shape: tuple[int, int]
) -> dict[int, tuple[np.ndarray, np.ndarray, tuple[float, ...]]]:
    """Return cells, values and percentiles of slices."""
    found = {}
    deep = spec.chunks[0]
    for block in sorted({number // deep for number in positions}):
        members = [number for number in positions if number // deep == block]
        parts: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {number: [] for number in members}
        for index in store.chunks_of(spec.name, block):
            chunk = store.read_chunk(spec.name, index)
            if chunk is None:
                continue
            for number in members:
                part = chunk[number % deep, : spec.shape[1] - index[1] * spec.chunks[1]]
                part = part[:, : spec.shape[2] - index[2] * spec.chunks[2]]
                rows, columns = np.nonzero(~np.isnan(part) if part.dtype.kind == "f" else part != spec.fill)
                where = rows + index[1] * spec.chunks[1], columns + index[2] * spec.chunks[2]
                parts[number].append((*where, part[rows, columns]))
        for number, pieces in parts.items():
            found[number] = _reduce(pieces, spec, factors, shape)
    return found


def _reduce(
    pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    spec: ArraySpec,
    factors: tuple[int, int],
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    nothing = np.zeros(0, np.int64)
    rows, columns = (np.concatenate([nothing, *(piece[axis] for piece in pieces)]) for axis in (0, 1))
    values = np.concatenate([np.zeros(0, spec.dtype), *(piece[2] for piece in pieces)])
    finite = values.astype(np.float64)
    percentiles = tuple(np.percentile(finite, PERCENTILES).tolist()) if finite.size else (np.nan,) * len(PERCENTILES)
    if factors == (1, 1):
        return rows * shape[1] + columns, values, percentiles
    merged, present = in_blocks(
        rows // factors[0], columns // factors[1], finite, shape, average=spec.dtype.kind == "f"
    )
    return np.flatnonzero(present), merged[present], percentiles
