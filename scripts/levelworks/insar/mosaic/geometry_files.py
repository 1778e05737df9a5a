"""The geometry of a frame's reference as a file: its radar grid, and the ground under each burst (HDF5)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.mosaic.mosaic import Mosaic, Placement

FIELDS = {"latitude": "degrees_north", "longitude": "degrees_east", "height": "m"}


def write_geometry(path: Path, mosaic: Mosaic, grounds: Iterable[tuple[str, BurstGrid]]) -> None:
    """Write the radar grid and the ground under each burst."""
    content = asdict(mosaic) | {"epoch": mosaic.epoch.isoformat()}
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["mosaic"] = json.dumps(content, sort_keys=True)
        for key, ground in grounds:
            group = file.create_group(key)
            group["lines"], group["samples"] = ground.lines, ground.samples
            for name, units in FIELDS.items():
                values = group.create_dataset(
                    name, data=getattr(ground, name), shuffle=True, compression="gzip", compression_opts=1
                )
                values.attrs["units"] = units


def read_mosaic(path: Path) -> Mosaic:
    """Read the radar grid of a frame.

    Raises
    ------
    InvalidReference
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            content = json.loads(file.attrs["mosaic"])
        return Mosaic(
            **content
            | {
                "epoch": dt.date.fromisoformat(content["epoch"]),
                "looks": tuple(content["looks"]),
                "shape": tuple(content["shape"]),
                "placements": tuple(_placement(item) for item in content["placements"]),
            }
        )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidReference(f"{path} is no geometry of a frame ({error}): run reference-geometry again") from None


def _placement(content: dict[str, object]) -> Placement:
    return Placement(
        str(content["key"]),
        *(tuple(content[name]) for name in ("corner", "lines", "samples")),  # type: ignore[arg-type]
    )


def read_ground(path: Path, key: str) -> BurstGrid:
    """Read the ground under a burst of the reference.

    Raises
    ------
    InvalidReference
        Where the file is damaged or has no such burst.
    """
    try:
        with h5py.File(path) as file:
            group = file[key]
            return BurstGrid(*(np.asarray(group[name][()]) for name in ("lines", "samples", *FIELDS)))
    except (OSError, KeyError) as error:
        raise InvalidReference(f"{path} has no ground of burst {key} ({error})") from None
