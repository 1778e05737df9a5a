"""Opening HDF5 files of agencies: what is missing or broken is said with the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput


def open_hdf5(path: Path) -> Any:
    """Open a file for reading.

    Raises
    ------
    InvalidInput
        Where it is absent, truncated or no HDF5.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if not path.exists():
            raise InvalidInput(f"{path} does not exist") from None
        raise InvalidInput(f"{path} can't be opened as HDF5; truncated, or another kind of file ({error})") from None


def dataset(file: Any, name: str, path: Path, *, dimensions: int | None = None) -> Any:
    """Return a dataset.

    Raises
    ------
    InvalidInput
        Where the file lacks it, or it has another number of dimensions.
    """
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise InvalidInput(f"{path} has no variable {name}: of another level or product?")
    if dimensions is not None and found.ndim != dimensions:
        raise InvalidInput(f"{path}: {name} has {found.ndim} dimensions and must have {dimensions}")
    return found


def text_attribute(item: Any, name: str) -> str:
    """Return an attribute as text, empty where there is none."""
    value = item.attrs.get(name, "")
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
