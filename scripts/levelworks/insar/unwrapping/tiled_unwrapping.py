"""Unwrap a large image coarse to fine: tiles on ranks, in files that an interrupted job finds again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.atomic import atomic_outputs
from levelworks.insar.unwrapping.coarse_cycles import coarse_phase, place_tile
from levelworks.insar.unwrapping.merge_tiles import MergedTiles, merge_tiles
from levelworks.insar.unwrapping.tiles import plan_tiles
from levelworks.insar.unwrapping.unwrap import Solver
from levelworks.insar.unwrapping.unwrap_tiles import read_tile, unwrap_tile

LAYERS = ("phase", "coherence", "valid")


@dataclass(frozen=True)
class Image:
    """What is unwrapped: wrapped phase (rad) and coherence float32, valid bool, all (rows, columns); looks."""

    phase: np.ndarray
    coherence: np.ndarray
    valid: np.ndarray
    looks: float


def unwrap_tiled(
    image: Image | None, folder: Path, size: int, overlap: int, solver: Solver, communicator: mpi.Communicator
) -> tuple[MergedTiles | None, int]:
    """Unwrap an image in tiles, each on one rank.

    Parameters
    ----------
    image : Image or None
        On rank 0.
    folder : Path
        Of the tiles' files; those of the same image that are there are taken as they are. The caller removes it.
    size, overlap : int
        Pixels.
    solver : str
    communicator : Communicator

    Returns
    -------
    merged : MergedTiles or None
        On rank 0.
    tiles : int
    """
    with mpi.together(communicator):
        if image is not None:
            _share(folder, image)
    looks = communicator.broadcast(image.looks if image is not None else None)
    phase, coherence, valid = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in LAYERS)
    tiles = plan_tiles(phase.shape, size, overlap)
    with mpi.together(communicator):
        for tile in tiles[communicator.rank :: communicator.size]:
            unwrap_tile(folder, tile, phase, coherence, valid, looks, solver)
    merged = None
    with mpi.together(communicator):
        if image is not None:
            coarse = coarse_phase(image.phase, image.coherence, image.valid, image.looks, solver)
            parts = [place_tile(tile, read_tile(folder / tile.name), image.phase, coarse) for tile in tiles]
            merged = merge_tiles(tiles, parts, image.phase.shape)
    return merged, len(tiles)


def _share(folder: Path, image: Image) -> None:
    """Write the image where all ranks read their tiles of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_outputs({name: folder / f"{name}.npy" for name in LAYERS}) as names:
        for name in LAYERS:
            np.save(names[name], getattr(image, name))
