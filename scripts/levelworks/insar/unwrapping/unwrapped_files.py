"""Unwrapped pairs as files (HDF5), whole or rows of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput

CHUNK = 256
LAYERS = ("phase", "components", "coherence")


@dataclass(frozen=True)
class About:
    """What is known of an unwrapped pair besides its layers.

    ``domain`` geographic or radar; ``constant`` rad, that was taken off; ``solver``; ``fraction`` of cells in use that
    are in a component; ``looks`` the equivalent number; ``grid`` step, west, north (degrees), nothing in the radar's.
    """

    domain: str
    constant: float
    solver: str
    fraction: float
    looks: float
    grid: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class UnwrappedPair:
    """An unwrapped pair: phase float32 (rad, NaN no data), components uint16, coherence float32, and what is known."""

    phase: np.ndarray
    components: np.ndarray
    coherence: np.ndarray
    about: About


def write_unwrapped(path: Path, pair: UnwrappedPair, **more: str) -> None:
    """Write an unwrapped pair."""
    about = pair.about
    shape = pair.phase.shape
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs.update({"domain": about.domain, "constant": about.constant, "solver": about.solver})
        file.attrs.update({"fraction": about.fraction, "equivalent_looks": about.looks, **more})
        if about.grid is not None:
            file.attrs["grid"] = about.grid
        chunks = min(CHUNK, shape[0]), min(CHUNK, shape[1])
        for name in LAYERS:
            file.create_dataset(
                name, data=getattr(pair, name), chunks=chunks, shuffle=True, compression="gzip", compression_opts=1
            )
        file["phase"].attrs["units"] = "rad"


def read_unwrapped(path: Path) -> UnwrappedPair:
    """Read an unwrapped pair.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    phase, components, coherence = read_layers(path, LAYERS)
    return UnwrappedPair(phase, components, coherence, read_about(path)[0])


def read_about(path: Path) -> tuple[About, tuple[int, int]]:
    """Read what is known of an unwrapped pair, and its rows and columns.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            attrs = file.attrs
            grid = tuple(float(value) for value in attrs["grid"]) if "grid" in attrs else None
            about = About(
                str(attrs["domain"]),
                float(attrs["constant"]),
                str(attrs["solver"]),
                float(attrs["fraction"]),
                float(attrs["equivalent_looks"]),
                (grid[0], grid[1], grid[2]) if grid else None,
            )
            rows, columns = file["phase"].shape
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run unwrap again") from None
    return about, (rows, columns)


def read_layers(path: Path, names: tuple[str, ...], rows: slice = slice(None)) -> list[np.ndarray]:
    """Read rows of some layers of an unwrapped pair.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            return [np.asarray(file[name][rows]) for name in names]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run unwrap again") from None
