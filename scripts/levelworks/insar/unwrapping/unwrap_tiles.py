"""Unwrap tiles one by one into files, so that a job that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from levelworks.core.atomic import atomic_outputs
from levelworks.insar.unwrapping.tiles import Tile
from levelworks.insar.unwrapping.unwrap import Solver, solve_cycles


@dataclass(frozen=True)
class TileCycles:
    """Cycles of a tile (int32), each region of connected pixels on its own, and the regions (int32, 0 no data)."""

    cycles: np.ndarray
    regions: np.ndarray


def unwrap_tile(
    folder: Path,
    tile: Tile,
    phase: np.ndarray,
    coherence: np.ndarray,
    valid: np.ndarray,
    looks: float,
    solver: Solver = "flow",
) -> Path:
    """Unwrap a tile into its file; a file of the same inputs stays.

    Parameters
    ----------
    folder : Path
        Of the tiles of one interferogram.
    tile : Tile
    phase, coherence, valid : ndarray, shape (rows, columns)
        Of the whole image.
    looks : float
    solver : str

    Returns
    -------
    Path
        Of the file: ``cycles``, ``regions`` and ``inputs``, a checksum of all that they depend on.
    """
    path = folder / tile.name
    there = np.ascontiguousarray(valid[tile.window], np.bool_)
    own, quality = (np.where(there, values[tile.window], 0).astype(np.float32) for values in (phase, coherence))
    inputs = hashlib.sha256(repr((tile, looks, solver)).encode())
    for part in (own, quality, there):
        inputs.update(part.data)
    if _inputs_of(path) == inputs.hexdigest():
        return path
    cycles = solve_cycles(own, quality, there, looks, solver) if there.any() else np.zeros(there.shape, np.int32)
    regions, _ = ndimage.label(there)
    with atomic_outputs({"tile": path}) as names:
        np.savez_compressed(names["tile"], cycles=cycles, regions=regions, inputs=np.array(inputs.hexdigest()))
    return path


def read_tile(path: Path) -> TileCycles:
    """Read the file of a tile.

    Raises
    ------
    FileNotFoundError
        Where the tile has not been unwrapped.
    """
    with np.load(path) as stored:
        return TileCycles(stored["cycles"], stored["regions"])


def _inputs_of(path: Path) -> str:
    """Return the checksum that stands in a tile's file; nothing where there is no whole file."""
    try:
        with np.load(path) as stored:
            return str(stored["inputs"])
    except (FileNotFoundError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return ""
