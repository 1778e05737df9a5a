"""Reading Zarr stores of either version chunk by chunk, with damage named."""

from __future__ import annotations

import json
import math
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.zarr_arrays import DIMENSIONS, FILL, ArraySpec, Index

DAMAGED = (ValueError, RuntimeError, SystemError, MemoryError, TypeError)
"""What codecs raise on bytes that are none of theirs."""


class StoreReader:
    """A store of either version, read through its consolidated metadata.

    Raises
    ------
    InvalidInput
        Where the folder is no store, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: tuple[tuple[str, Index], np.ndarray | None] = ("", ()), None
        self.zarr_format = 3 if (path / "zarr.json").is_file() else 2
        try:
            documents = self._documents()
            self.attributes: dict[str, Any] = documents.pop("")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            cause = getattr(error, "strerror", None) or error
            raise InvalidInput(f"{path}: no Zarr store with consolidated metadata ({cause})") from None
        self.groups = {name: one for name, one in documents.items() if not isinstance(one, ArraySpec)}
        self.arrays = {name: one for name, one in documents.items() if isinstance(one, ArraySpec)}

    def _documents(self) -> dict[str, Any]:
        """Return attributes of groups and specs of arrays, by name."""
        if self.zarr_format == 3:
            return self._version_3()
        content = json.loads((self.path / ".zmetadata").read_text(encoding="utf-8"))["metadata"]
        found: dict[str, Any] = {}
        self._codecs: dict[str, Any] = {}
        for key, document in content.items():
            name, _, kind = key.rpartition("/")
            attributes = content.get(f"{name}/.zattrs".lstrip("/"), {})
            if kind == ".zgroup":
                found[name] = attributes
            elif kind == ".zarray":
                fill = document["fill_value"]
                found[name] = ArraySpec(
                    name,
                    tuple(document["shape"]),
                    tuple(document["chunks"]),
                    np.dtype(document["dtype"]),
                    float("nan") if fill == "NaN" else fill,
                    tuple(attributes.get(DIMENSIONS, ())),
                    {one: value for one, value in attributes.items() if one != DIMENSIONS},
                )
                self._codecs[name] = document["compressor"]
        return found

    def _version_3(self) -> dict[str, Any]:
        found: dict[str, Any] = {"": dict(self._zarr.attrs)}
        for name, member in self._zarr.members(max_depth=None):
            if not hasattr(member, "shape"):
                found[name] = dict(member.attrs)
                continue
            text = member.dtype.kind not in "biuf"
            found[name] = ArraySpec(
                name,
                member.shape,
                member.shards or member.chunks,
                np.dtype("U1") if text else member.dtype,
                member.fill_value if text else member.fill_value.item(),
                tuple(member.metadata.dimension_names or ()),
                {one: value for one, value in member.attrs.items() if one != FILL},
                member.chunks if member.shards else None,
            )
        return found

    @cached_property
    def _zarr(self) -> Any:
        import zarr

        return zarr.open_group(self.path, mode="r", zarr_format=3, use_consolidated=True)

    @cached_property
    def codec(self) -> Any:
        """Return what describes how chunks are packed, to be compared; None without any array."""
        if self.zarr_format == 3:
            return None
        return next((one for name, one in self._codecs.items() if self.arrays[name].shape), None)

    def read(self, name: str) -> np.ndarray:
        """Read an array whole.

        Raises
        ------
        InvalidInput
            Where a chunk can't be unpacked, or one is missing of an array without fill.
        """
        spec = self.arrays[name]
        if self.zarr_format == 3:
            values = self._unpack(name, ...)
            return np.array(values.tolist(), dtype=str) if spec.dtype.kind == "U" else values
        values = np.full(spec.shape, spec.fill if spec.fill is not None else 0, spec.dtype)
        for index in np.ndindex(*spec.blocks):
            chunk = self.read_chunk(name, index)
            if chunk is None:
                if spec.fill is None:
                    raise InvalidInput(f"{self.chunk_path(name, index)}: missing")
                continue
            region = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, spec.chunks, strict=True))
            part = values[region]
            values[region] = chunk[tuple(slice(size) for size in part.shape)]
        return values

    def read_chunk(self, name: str, index: Index) -> np.ndarray | None:
        """Read a chunk whole, None where all of it is fill.

        Raises
        ------
        InvalidInput
            Where it can't be unpacked.
        """
        if self._last[0] != (name, index):
            self._last = (name, index), self._read_chunk(name, index)
        return self._last[1]

    def _read_chunk(self, name: str, index: Index) -> np.ndarray | None:
        spec = self.arrays[name]
        path = self.chunk_path(name, index)
        if not path.is_file():
            return None
        if self.zarr_format == 3:
            if not path.stat().st_size:  # zarr-python takes an empty file for none
                raise InvalidInput(f"{path}: damaged (empty)")
            region = tuple(
                slice(i * c, min((i + 1) * c, size)) for i, c, size in zip(index, spec.chunks, spec.shape, strict=True)
            )
            part = self._unpack(name, region, None if spec.inner_chunks else path)
            whole = np.full(spec.chunks, spec.fill, part.dtype)
            whole[tuple(slice(size) for size in part.shape)] = part
            return whole
        import numcodecs

        try:
            content, codec = path.read_bytes(), self._codecs[name]
            if codec and codec["id"] == "blosc":
                _check_blosc(content, spec)
            decoded = numcodecs.get_codec(codec).decode(content) if codec else content
            return np.frombuffer(decoded, spec.dtype).reshape(spec.chunks)
        except DAMAGED as error:
            raise InvalidInput(f"{path}: damaged ({error})") from None

    def _unpack(self, name: str, region: Any, blosc: Path | None = None) -> np.ndarray:
        """Return what version 3 has of an array; ``blosc`` is the file of one whole chunk."""
        try:
            if blosc is not None and "BloscCodec" in {type(one).__name__ for one in self._zarr[name].compressors}:
                _check_blosc(blosc.read_bytes(), self.arrays[name])
            return np.asarray(self._zarr[name][region])
        except DAMAGED as error:
            raise InvalidInput(f"{self.path / name}: damaged ({error})") from None

    def chunk_path(self, name: str, index: Index) -> Path:
        """Return the file of a chunk."""
        if self.zarr_format == 3:
            return self.path.joinpath(name, "c", *map(str, index))
        return self.path / name / (".".join(map(str, index)) or "0")

    @cached_property
    def _present(self) -> dict[str, dict[int, list[Index]]]:
        return {}

    def chunks_of(self, name: str, block: int) -> list[Index]:
        """Return the chunks that are there at one place along the first dimension, in order."""
        if name not in self._present:
            found: dict[int, list[Index]] = {}
            for index in self._listed(name):
                found.setdefault(index[0], []).append(index)
            self._present[name] = {first: sorted(several) for first, several in found.items()}
        return self._present[name].get(block, [])

    def _listed(self, name: str) -> list[Index]:
        folder = self.path / name
        if self.zarr_format == 3:
            files = [path.relative_to(folder / "c").parts for path in (folder / "c").rglob("*") if path.is_file()]
        else:
            files = [tuple(entry.name.split(".")) for entry in os.scandir(folder) if entry.name[0] != "."]
        return [tuple(map(int, parts)) for parts in files]


def _check_blosc(content: bytes, spec: ArraySpec) -> None:
    """Raise ValueError where the sizes in Blosc's header are wrong: it reads past the end of what was cut short."""
    expected = math.prod(spec.chunks) * spec.dtype.itemsize, len(content)
    found = int.from_bytes(content[4:8], "little"), int.from_bytes(content[12:16], "little")
    if found != expected:
        raise ValueError(f"{len(content)} bytes are not one chunk")
