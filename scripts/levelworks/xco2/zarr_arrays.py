"""Arrays of Zarr stores as their metadata describe them, and the names that both versions of the format give things."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DIMENSIONS = "_ARRAY_DIMENSIONS"
"""Attribute in which xarray keeps the names of dimensions in version 2."""
FILL = "_FillValue"
"""Attribute in which xarray looks for the fill of integers in version 3."""
DOCUMENTS = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")
"""Files of a store that hold metadata."""

Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ArraySpec:
    """An array of a store.

    Attributes
    ----------
    name : str
        Path below the store, e.g. ``xco2`` or ``Retrieval/psurf``.
    shape, chunks : tuple of int
        Of the array, and of what stands in one file (a shard in version 3).
    dtype : numpy dtype
    fill : float, int, str or None
        Of what was never written.
    dimensions : tuple of str
    attributes : mapping
        JSON-serialisable, without not-a-number.
    inner_chunks : tuple of int, optional
        Chunks inside a shard, version 3 only.
    """

    name: str
    shape: Index
    chunks: Index
    dtype: np.dtype
    fill: Any
    dimensions: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    inner_chunks: Index | None = None

    @property
    def blocks(self) -> Index:
        """Return the number of files along each dimension."""
        return tuple(math.ceil(size / chunk) for size, chunk in zip(self.shape, self.chunks, strict=True))

    def same_chunks(self, other: ArraySpec) -> bool:
        """Return whether chunks of both arrays hold the same kind of content, whatever the number of slices."""
        fills_agree = self.fill == other.fill or (self.fill != self.fill and other.fill != other.fill)
        return (
            fills_agree
            and self.dtype == other.dtype
            and self.chunks == other.chunks
            and self.inner_chunks == other.inner_chunks
            and self.shape[1:] == other.shape[1:]
        )
