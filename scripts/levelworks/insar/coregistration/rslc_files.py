"""Coregistered bursts as files (HDF5): pixels in half precision, and the range difference from the reference.

Half precision holds 11 bits of each part: its rounding is 70 dB below the pixel, where the agency's whole numbers are
rounded 20 to 50 dB below. A burst takes 4 bytes a pixel, as in the product it is from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.core.record import described_product, read_record, record_path
from levelworks.insar.geometry.pair_offsets import PairOffsets

PARTS = 2
"""Real, imaginary."""


@dataclass(frozen=True)
class RslcFacts:
    """What stands beside the pixels of a burst: its date and key, and what was added to geometry (lines, samples)."""

    date: str
    key: str
    added: tuple[float, float]


def write_rslc(
    path: Path,
    facts: RslcFacts,
    offsets: PairOffsets,
    shape: tuple[int, int],
    blocks: Iterable[tuple[int, np.ndarray]],
) -> None:
    """Write a coregistered burst.

    Parameters
    ----------
    path : Path
    facts : RslcFacts
    offsets : PairOffsets
        Of the date against the reference.
    shape : tuple of int
        Lines and samples of the reference burst.
    blocks : iterable of (int, ndarray)
        First line, and pixels (lines, samples) complex64, 0 where there is none.
    """
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["date"], file.attrs["key"] = facts.date, facts.key
        file.attrs["added"] = facts.added
        file.attrs["steps"] = offsets.steps
        file["range_difference"] = offsets.range_difference
        file["range_difference"].attrs["units"] = "m"
        pixels = file.create_dataset("pixels", (*shape, PARTS), np.float16)
        pixels.attrs["units"] = "1"
        for first, block in blocks:
            parts = np.ascontiguousarray(block).view(np.float32).reshape(*block.shape, PARTS)
            pixels[first : first + block.shape[0]] = parts.astype(np.float16)


def find_bursts(path: Path) -> Path:
    """Return the folder of the coregistered bursts of a date, of itself or the record beside it.

    Raises
    ------
    InvalidInput, NothingToProduce
        What the date's own stage raised.
    InvalidReference
        Where the record stands without bursts.
    """
    folder = described_product(path)
    refuse_flagged(folder)
    if not folder.exists():
        raise InvalidReference(
            f"the bursts {folder} were removed, their record says that they are done: remove {record_path(folder)}, "
            "and Snakemake makes them again"
        )
    return folder


def missions_of(folders: Iterable[Path]) -> tuple[str, ...]:
    """Return the satellites of dates by the records beside their bursts, each once, as far as these say."""
    records = (read_record(folder) for folder in folders)
    names = (record["quality"].get("mission") for record in records if record)
    return tuple(sorted({str(name) for name in names if name}))


def read_rslc(path: Path, lines: slice | None = None, samples: slice | None = None) -> np.ndarray:
    """Read pixels of a coregistered burst.

    Parameters
    ----------
    path : Path
    lines, samples : slice, optional
        Of the burst; all where they aren't given.

    Returns
    -------
    ndarray, shape (lines, samples), complex64

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            parts = file["pixels"][lines or slice(None), samples or slice(None)]
    except (OSError, KeyError) as error:
        raise InvalidInput(f"{path} is no coregistered burst ({error}): run coregister again") from None
    return np.ascontiguousarray(parts.astype(np.float32)).view(np.complex64)[..., 0]


def read_range_difference(path: Path) -> PairOffsets:
    """Read the range difference of a burst from the reference; its offsets are 0, as it lies on the reference's pixels.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            difference = np.asarray(file["range_difference"][()])
            line, sample = (int(step) for step in file.attrs["steps"])
    except (OSError, KeyError) as error:
        raise InvalidInput(f"{path} is no coregistered burst ({error}): run coregister again") from None
    nothing = np.zeros_like(difference)
    return PairOffsets(nothing, nothing, difference, (line, sample))


def read_added(path: Path) -> tuple[float, float]:
    """Read what was added to geometry for a burst, lines and samples.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            line, sample = (float(value) for value in file.attrs["added"])
    except (OSError, KeyError) as error:
        raise InvalidInput(f"{path} is no coregistered burst ({error}): run coregister again") from None
    return line, sample
