"""Writing Zarr stores array by array, chunks of an older store taken over as they are.

Version 2 is written here, with numcodecs: small arrays cost a tenth of what they cost through zarr-python, of which a
cube has some twenty. Version 3, with its shards, goes through zarr-python. Nothing depends on time or process, so that
the same contents give the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.xco2.zarr_arrays import DIMENSIONS, FILL, ArraySpec, Index


def compressor(codec: str, level: int) -> Any:
    """Return a Blosc codec; one thread, as jobs share nodes."""
    from numcodecs import Blosc, blosc

    blosc.set_nthreads(1)
    return Blosc(cname=codec, clevel=level, shuffle=Blosc.SHUFFLE)


class StoreWriter(ABC):
    """A new store below a folder that does not exist yet; ``nested`` where chunks stand in folders of their own."""

    nested = False

    @abstractmethod
    def group(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Make a group; the root has the empty name."""

    @abstractmethod
    def create(self, spec: ArraySpec) -> None:
        """Make an array without any chunk."""

    @abstractmethod
    def write_chunk(self, spec: ArraySpec, index: Index, values: np.ndarray) -> None:
        """Write one chunk, given whole even where it reaches over the edge; one that is all fill is left out."""

    @abstractmethod
    def chunk_path(self, spec: ArraySpec, index: Index) -> Path:
        """Return the file of a chunk."""

    @abstractmethod
    def repeat(self, name: str, other: str) -> None:
        """Make an array that is the same as one that was written, under another name."""

    @abstractmethod
    def finish(self) -> None:
        """Write the consolidated metadata."""

    def write(self, spec: ArraySpec, values: np.ndarray) -> None:
        """Make an array and write it whole."""
        self.create(spec)
        for index in np.ndindex(*spec.blocks):
            region = tuple(slice(i * c, (i + 1) * c) for i, c in zip(index, spec.chunks, strict=True))
            part = values[region]
            if part.shape != spec.chunks:
                whole = np.full(spec.chunks, spec.fill if spec.fill is not None else 0, spec.dtype)
                whole[tuple(slice(size) for size in part.shape)] = part
                part = whole
            self.write_chunk(spec, index, part)

    def link_chunk(self, spec: ArraySpec, index: Index, source: Path) -> None:
        """Take over a chunk of another store as it is."""
        target = self.chunk_path(spec, index)
        if self.nested:
            target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)


class _Version2(StoreWriter):
    def __init__(self, path: Path, codec: Any) -> None:
        self._path = path
        self._codec = codec
        self._metadata: dict[str, Any] = {}
        self._made: set[str] = set()

    def _document(self, name: str, document: str, content: Mapping[str, Any]) -> None:
        folder = os.path.join(self._path, name)  # noqa: PTH118 - a thousand of these are made for one granule
        if name not in self._made:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            self._made.add(name)
        _write(f"{folder}/{document}", _to_json(content).encode())
        self._metadata[f"{name}/{document}".lstrip("/")] = content

    def group(self, name: str, attributes: Mapping[str, Any]) -> None:
        self._document(name, ".zgroup", {"zarr_format": 2})
        self._document(name, ".zattrs", attributes)

    def create(self, spec: ArraySpec) -> None:
        fill = spec.fill
        content = {
            "chunks": list(spec.chunks),
            "compressor": self._codec.get_config() if spec.shape else None,
            "dtype": spec.dtype.str,
            "fill_value": "NaN" if isinstance(fill, float) and math.isnan(fill) else fill,
            "filters": None,
            "order": "C",
            "shape": list(spec.shape),
            "zarr_format": 2,
        }
        self._document(spec.name, ".zarray", content)
        self._document(spec.name, ".zattrs", {DIMENSIONS: list(spec.dimensions), **spec.attributes})

    def write_chunk(self, spec: ArraySpec, index: Index, values: np.ndarray) -> None:
        if _is_fill(values, spec.fill):
            return
        content = np.ascontiguousarray(values, dtype=spec.dtype)
        encoded = self._codec.encode(content.view(np.uint8) if content.dtype.kind == "U" else content)
        _write(self.chunk_path(spec, index), encoded)

    def write(self, spec: ArraySpec, values: np.ndarray) -> None:
        if spec.shape:
            super().write(spec, values)
            return
        self.create(spec)
        self.chunk_path(spec, ()).write_bytes(np.asarray(values, spec.dtype).tobytes())

    def chunk_path(self, spec: ArraySpec, index: Index) -> Path:
        return self._path / spec.name / (".".join(map(str, index)) or "0")

    def repeat(self, name: str, other: str) -> None:
        source, target = os.path.join(self._path, name), os.path.join(self._path, other)  # noqa: PTH118
        os.makedirs(target)  # noqa: PTH103
        for file in sorted(os.listdir(source)):
            _link(f"{source}/{file}", f"{target}/{file}")
        for document in (".zarray", ".zattrs"):
            self._metadata[f"{other}/{document}"] = self._metadata[f"{name}/{document}"]

    def finish(self) -> None:
        content = {"metadata": dict(sorted(self._metadata.items())), "zarr_consolidated_format": 1}
        (self._path / ".zmetadata").write_text(_to_json(content), encoding="utf-8")


class _Version3(StoreWriter):
    nested = True

    def __init__(self, path: Path, codec: str, level: int) -> None:
        import zarr
        from zarr.codecs import BloscCodec

        self._path = path
        self._codec: Any = BloscCodec(
            cname=codec,  # type: ignore[arg-type]
            clevel=level,
            shuffle="shuffle",
        )
        self._root = zarr.open_group(path, mode="w", zarr_format=3)
        self._arrays: dict[str, Any] = {}
        self._specs: dict[str, ArraySpec] = {}

    def group(self, name: str, attributes: Mapping[str, Any]) -> None:
        found = self._root if not name else self._root.create_group(name)
        found.attrs.update(dict(sorted(attributes.items())))

    def create(self, spec: ArraySpec) -> None:
        text = spec.dtype.kind == "U"
        self._specs[spec.name] = spec
        self._arrays[spec.name] = self._root.create_array(
            spec.name,
            shape=spec.shape,
            chunks=spec.inner_chunks or spec.chunks,
            shards=spec.chunks if spec.inner_chunks else None,
            dtype="string" if text else spec.dtype,
            fill_value="" if text else (0 if spec.fill is None else spec.fill),
            compressors=None if text or not spec.shape else self._codec,
            dimension_names=spec.dimensions,
            attributes=dict(sorted({**spec.attributes, **_masked(spec)}.items())),
        )

    def write_chunk(self, spec: ArraySpec, index: Index, values: np.ndarray) -> None:
        if _is_fill(values, spec.fill):
            return
        region = tuple(
            slice(i * c, min((i + 1) * c, size)) for i, c, size in zip(index, spec.chunks, spec.shape, strict=True)
        )
        part = values[tuple(slice(one.stop - one.start) for one in region)]
        self._arrays[spec.name][region] = part.astype(object) if spec.dtype.kind == "U" else part

    def chunk_path(self, spec: ArraySpec, index: Index) -> Path:
        return self._path.joinpath(spec.name, "c", *map(str, index))

    def repeat(self, name: str, other: str) -> None:
        known = self._specs[name]
        spec = replace(known, name=other)
        self.write(spec, self._arrays[name][...])

    def finish(self) -> None:
        import zarr

        with warnings.catch_warnings():  # it warns that not every reader knows of it
            warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
            zarr.consolidate_metadata(self._path, zarr_format=3)


def new_store(path: Path, zarr_format: int, codec: str, level: int) -> StoreWriter:
    """Begin a store in a new folder."""
    return _Version2(path, compressor(codec, level)) if zarr_format == 2 else _Version3(path, codec, level)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _write(path: str | Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    rest = memoryview(content)
    try:
        while rest:  # a write takes two gigabytes at the most
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _masked(spec: ArraySpec) -> dict[str, int]:
    return {FILL: int(spec.fill)} if spec.dtype.kind in "iu" and spec.fill is not None else {}


def _is_fill(values: np.ndarray, fill: Any) -> bool:
    if fill is None or values.size == 0:
        return False
    if isinstance(fill, float) and math.isnan(fill):
        return bool(np.isnan(values).all())
    return bool((values == fill).all())


def _to_json(content: Mapping[str, Any]) -> str:
    # Without indentation: that is written in C, a tenth of the time.
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
