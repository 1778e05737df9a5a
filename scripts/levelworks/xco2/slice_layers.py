"""Arrays whose first axis counts slices: written anew, with what an older store holds of them taken over.

Where a block of slices has the same members at the same places as one of the older store, its files are linked;
otherwise it is put together from what is kept and what is new, chunk by chunk, so that memory stays that of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from levelworks.xco2.zarr_arrays import ArraySpec, Index
from levelworks.xco2.zarr_readers import StoreReader
from levelworks.xco2.zarr_writers import StoreWriter


@dataclass(frozen=True)
class Kept:
    """A slice that the older store has, at this position."""

    position: int


@dataclass(frozen=True, eq=False)
class Fresh:
    """A new slice: values in some cells of the flattened grid, ascending; fill elsewhere."""

    cells: np.ndarray
    values: np.ndarray


Part: TypeAlias = Kept | Callable[[], Fresh] | None
"""A slice of one array; what is new is read when its block is written. None where the array has no value in it."""
_Read: TypeAlias = Kept | Fresh | None


def write_slices(
    writer: StoreWriter, standing: StoreReader | None, spec: ArraySpec, parts: Sequence[Part], *, link: bool = True
) -> None:
    """Write an array of shape (slices, rows, columns).

    Parameters
    ----------
    writer : StoreWriter
        New store, with ``spec.shape[0]`` slices.
    standing : StoreReader or None
        Older store, for the parts that are kept.
    spec : ArraySpec
    parts : sequence of Part
        One for each slice.
    link : bool
        Whether files of the older store may stand for new ones: both stores pack their chunks alike.
    """
    writer.create(spec)
    deep = spec.chunks[0]
    old = standing.arrays.get(spec.name) if standing is not None else None
    linkable = link and standing is not None and old is not None and spec.same_chunks(old)
    for block in range(spec.blocks[0]):
        members = parts[block * deep : (block + 1) * deep]
        if all(one is None for one in members):
            continue
        source = _same_block(members, deep, old.shape[0]) if linkable and old is not None else None
        if source is not None and standing is not None:
            for index in standing.chunks_of(spec.name, source):
                writer.link_chunk(spec, (block, *index[1:]), standing.chunk_path(spec.name, index))
        else:
            _write_block(writer, standing, spec, block, members)


def _same_block(members: Sequence[Part], deep: int, slices: int) -> int | None:
    """Return the block of the older store that has just these members at these places."""
    first = members[0]
    if not isinstance(first, Kept) or first.position % deep:
        return None
    block = first.position // deep
    wanted = range(first.position, min(first.position + deep, slices))
    same = len(members) == len(wanted) and all(
        isinstance(one, Kept) and one.position == position for one, position in zip(members, wanted, strict=True)
    )
    return block if same else None


def _write_block(
    writer: StoreWriter, standing: StoreReader | None, spec: ArraySpec, block: int, members: Sequence[Part]
) -> None:
    chunks: dict[Index, list[tuple[int, _Read, Index | slice | np.ndarray]]] = {}
    for place, member in enumerate(members):
        part = member() if callable(member) else member
        if isinstance(part, Kept) and standing is not None and spec.name in standing.arrays:
            old = standing.arrays[spec.name]
            for index in standing.chunks_of(spec.name, part.position // old.chunks[0]):
                for ours in _overlapping(old, spec, index):
                    chunks.setdefault(ours, []).append((place, part, index))
        elif isinstance(part, Fresh):
            for ours, chosen in _by_chunk(part.cells, spec):
                chunks.setdefault(ours, []).append((place, part, chosen))
    for where, pieces in sorted(chunks.items()):
        values = np.full(spec.chunks, spec.fill, spec.dtype)
        for place, part, what in pieces:
            if isinstance(part, Fresh) and spec.chunks[1:] == spec.shape[1:]:
                values[place].reshape(-1)[part.cells] = part.values
            elif isinstance(part, Fresh):
                rows, columns = np.divmod(part.cells[what], spec.shape[2])
                values[place, rows - where[0] * spec.chunks[1], columns - where[1] * spec.chunks[2]] = part.values[what]
            elif isinstance(part, Kept) and standing is not None and isinstance(what, tuple):
                _copy(standing, spec, part.position, what, where, values[place])
        writer.write_chunk(spec, (block, *where), values)


def _by_chunk(cells: np.ndarray, spec: ArraySpec) -> list[tuple[Index, slice | np.ndarray]]:
    """Return which of some cells lie in each chunk."""
    if cells.size == 0:
        return []
    if spec.blocks[1:] == (1, 1):
        return [((0, 0), slice(None))]
    rows, columns = np.divmod(cells, spec.shape[2])
    number = rows // spec.chunks[1] * spec.blocks[2] + columns // spec.chunks[2]
    order = np.argsort(number, kind="stable")
    found, starts = np.unique(number[order], return_index=True)
    return [
        ((int(one) // spec.blocks[2], int(one) % spec.blocks[2]), chosen)
        for one, chosen in zip(found, np.split(order, starts[1:]), strict=True)
    ]


def _overlapping(old: ArraySpec, new: ArraySpec, index: Index) -> list[Index]:
    """Return the chunks of the new array that a chunk of the older one reaches into."""
    ranges = []
    for axis in (1, 2):
        first = index[axis] * old.chunks[axis]
        last = min(first + old.chunks[axis], old.shape[axis]) - 1
        ranges.append(range(first // new.chunks[axis], last // new.chunks[axis] + 1))
    return [(row, column) for row in ranges[0] for column in ranges[1]]


def _copy(standing: StoreReader, spec: ArraySpec, position: int, index: Index, where: Index, into: np.ndarray) -> None:
    """Copy what a chunk of the older array has of one slice into a chunk of the new one."""
    old = standing.arrays[spec.name]
    chunk = standing.read_chunk(spec.name, index)
    if chunk is None:
        return
    source, target = [], []
    for axis in (1, 2):
        here, there = where[axis - 1] * spec.chunks[axis], index[axis] * old.chunks[axis]
        low = max(here, there)
        high = min(here + spec.chunks[axis], there + old.chunks[axis], spec.shape[axis])
        source.append(slice(low - there, high - there))
        target.append(slice(low - here, high - here))
    values = chunk[position % old.chunks[0]][tuple(source)]
    missing = np.isnan(values) if values.dtype.kind == "f" and old.fill != old.fill else values == old.fill
    into[tuple(target)] = np.where(missing, spec.fill, values)
