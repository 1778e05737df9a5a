"""Wavelengths of a PRISMA Level-1 file: lists of bands, and matrices by detector element that tell the smile.

Lists descend; slots that weren't measured have a centre of zero (specs/plumes.md 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers.detector_bands import SWIR, JoinedBands, join_detectors
from levelworks.plumes.readers.prisma_layout import MATRICES
from levelworks.plumes.scene import Spectral


@dataclass(frozen=True)
class Slots:
    """Centres and widths (nm) of a cube's slots in the file's order, (1 or columns, slots); 0 where unused."""

    centres: np.ndarray
    widths: np.ndarray


def read_slots(
    file: Any, path: Path, detector: str, slots: int, columns: int, *, smile: bool, notes: list[str]
) -> Slots:
    """Read the wavelengths of one detector.

    Parameters
    ----------
    detector : str
        Vnir or Swir.
    slots, columns : int
        Of its cube.
    smile : bool
        Whether to take those of each detector element, if the file has them, or those of the lists.
    notes : list of str
        Gets a sentence where the matrices are missing or incomplete.

    Raises
    ------
    InvalidInput
        Where a list is missing or has another length than the cube.
    """
    centres = _listed(file, path, f"List_Cw_{detector}", slots)
    widths = _listed(file, path, f"List_Fwhm_{detector}", slots)
    flags = file.attrs.get(f"List_Cw_{detector}_Flags")
    used = (centres > 0) & (widths > 0)
    if flags is not None and np.size(flags) == slots:
        used &= np.ravel(flags) != 0
    if not used.any():
        raise InvalidInput(f"{path}: List_Cw_{detector} has no wavelength above zero")
    found = [np.where(used, values, 0.0)[None] for values in (centres, widths)]
    if smile:
        names = (f"{MATRICES}/{name}_{detector}_Matrix" for name in ("Cw", "Fwhm"))
        matrices = [matrix for name in names if (matrix := _matrix(file, name, slots, columns)) is not None]
        if len(matrices) == 2 and all((matrix[:, used] > 0).all() for matrix in matrices):
            found = [np.where(used, matrix, 0.0) for matrix in matrices]
        else:
            notes.append(f"The matrices of {detector} wavelengths are missing or incomplete: no smile, lists are used.")
    return Slots(found[0], found[1])


def join_slots(vnir: Slots, swir: Slots) -> tuple[JoinedBands, Spectral]:
    """Return the joined bands, ascending for every column, and their wavelengths."""
    joined = join_detectors(vnir.centres.max(axis=0), swir.centres.min(axis=0))
    columns = max(vnir.centres.shape[0], swir.centres.shape[0])
    index = joined.band + np.where(joined.detector == SWIR, vnir.centres.shape[1], 0)

    def both(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        parts = [np.broadcast_to(part, (columns, part.shape[1])) for part in (first, second)]
        return np.concatenate(parts, axis=1)[:, index]

    return joined, Spectral(both(vnir.centres, swir.centres), both(vnir.widths, swir.widths))


def _listed(file: Any, path: Path, name: str, slots: int) -> np.ndarray:
    if name not in file.attrs:
        raise InvalidInput(f"{path} has no attribute {name}: fetch the product again")
    values = np.ravel(np.asarray(file.attrs[name], dtype=float))
    if values.size != slots:
        raise InvalidInput(f"{path}: {name} has {values.size} entries, the cube {slots} bands")
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _matrix(file: Any, name: str, slots: int, columns: int) -> np.ndarray | None:
    if name not in file:
        return None
    values = np.asarray(file[name][...], dtype=float)
    if values.shape == (columns, slots):
        return values
    return values.T if values.shape == (slots, columns) else None
