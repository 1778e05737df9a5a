"""What cubes and mosaics share: chunks of their arrays, what their attributes remember, their coordinates."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from levelworks.xco2.layers import Layer
from levelworks.xco2.options import Store
from levelworks.xco2.zarr_arrays import ArraySpec
from levelworks.xco2.zarr_writers import StoreWriter

FORMAT = 1
"""Raise it when stores are laid out otherwise: those that stand are then written anew."""
TIME_CHUNK = 4000
"""Slices of a coordinate in one chunk."""
STORAGE, GRID, LAYER_SETS = "storage_digest", "grid_definition", "layer_sets"
"""Attributes: how a store is packed, what its grid is made from, and what the variables of its slices are by digest."""


def storage_digest(options: Store) -> str:
    """Return a digest of all options that a store's files depend on."""
    chosen = options.model_dump(mode="json", include=set(Store.model_fields) - {"drop_empty"})
    return hashlib.sha256(json.dumps([FORMAT, chosen], sort_keys=True).encode()).hexdigest()[:16]


def layer_spec(
    name: str,
    shape: tuple[int, int, int],
    horizontal: tuple[str, str],
    kind: Layer,
    coordinates: list[str],
    options: Store,
) -> ArraySpec:
    """Return the array of a gridded variable.

    Parameters
    ----------
    name : str
        Path below the store.
    shape : tuple of int
        Slices, rows and columns.
    horizontal : tuple of str
        Dimensions of rows and columns.
    kind : Layer
        Type, fill and attributes.
    coordinates : list of str
        Names of auxiliary coordinates.
    options : Store
    """
    chunks = options.chunks
    inner = chunks.time, min(chunks.latitude, shape[1]), min(chunks.longitude, shape[2])
    whole = (math.ceil(options.shard / inner[0]) * inner[0], *inner[1:])
    sharded = options.zarr_format == 3
    named = {"coordinates": " ".join(coordinates)} if coordinates else {}
    return ArraySpec(
        name,
        shape,
        whole if sharded else inner,
        kind.values.dtype,
        kind.fill,
        ("time", *horizontal),
        {**kind.attributes, "grid_mapping": "crs", **named},
        inner if sharded else None,
    )


def put_coordinate(
    writer: StoreWriter, name: str, dimensions: tuple[str, ...], values: np.ndarray, attributes: Mapping[str, Any]
) -> None:
    """Write a coordinate whole, many slices in a chunk."""
    along_time = dimensions[:1] == ("time",)
    chunks = tuple(TIME_CHUNK if along_time and axis == 0 else size for axis, size in enumerate(values.shape))
    writer.write(ArraySpec(name, values.shape, chunks, values.dtype, None, dimensions, attributes), values)
