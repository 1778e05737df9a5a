"""Filtered interferograms as files (HDF5), and rows of the files that they are made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput

LAYERS = {"filtered": np.dtype(np.complex64), "coherence": np.dtype(np.float32)}
CHUNK = 256


@dataclass(frozen=True)
class Filtered:
    """A filtered interferogram: complex64, 0 no data; and the coherence of its phase, float32, NaN no data."""

    filtered: np.ndarray
    coherence: np.ndarray


def read_filtered(path: Path) -> Filtered:
    """Read a filtered interferogram.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    with damage_is_input(path, "filter-phase"), h5py.File(path) as file:
        return Filtered(*(np.asarray(file[name][()]) for name in LAYERS))


def shape_of(path: Path) -> tuple[int, int]:
    """Return rows and columns of an interferogram's file.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    with damage_is_input(path, "form-interferogram"), h5py.File(path) as file:
        rows, columns = file["interferogram"].shape
        return rows, columns


def read_rows(path: Path, names: Sequence[str], rows: slice) -> list[np.ndarray]:
    """Read rows of some layers of an interferogram's file.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    with damage_is_input(path, "form-interferogram"), h5py.File(path) as file:
        return [np.asarray(file[name][rows]) for name in names]


@contextmanager
def filtered_writer(path: Path, shape: tuple[int, int], attributes: dict[str, object]) -> Iterator[h5py.File]:
    """Give a file of empty layers, that rows are written to."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs.update(attributes)
        chunks = min(CHUNK, shape[0]), min(CHUNK, shape[1])
        for name, dtype in LAYERS.items():
            file.create_dataset(name, shape, dtype, chunks=chunks, shuffle=True, compression="gzip", compression_opts=1)
        yield file


@contextmanager
def damage_is_input(path: Path, stage: str) -> Iterator[None]:
    """Raise InvalidInput where a file can't be read, with the stage that makes it again."""
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}): run {stage} again") from None
