"""Multilooked interferograms as files (HDF5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput

LAYERS = {
    "interferogram": "1, sum of reference times conjugate secondary, flattened; its phase is positive away; 0 no data",
    "reference": "1, power sum of the earlier date",
    "secondary": "1, power sum of the later date",
    "count": "pixels",
    "coherence": "1",
    "coherence_debiased": "1",
    "phase_sigma": "rad",
}


@dataclass(frozen=True)
class Interferogram:
    """An interferogram on the radar cells of a frame.

    ``interferogram`` complex64, ``reference`` and ``secondary`` float32 power sums, ``count`` of pixels, ``coherence``
    and ``coherence_debiased`` float32, ``phase_sigma`` float32 (rad; of one cell), all (rows, columns), NaN or 0
    without data; ``equivalent_looks`` independent looks of a cell; ``pair`` its name.
    """

    interferogram: np.ndarray
    reference: np.ndarray
    secondary: np.ndarray
    count: np.ndarray
    coherence: np.ndarray
    coherence_debiased: np.ndarray
    phase_sigma: np.ndarray
    equivalent_looks: float
    pair: str


def write_interferogram(path: Path, content: Interferogram) -> None:
    """Write an interferogram; the same one gives the same bytes."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["pair"], file.attrs["equivalent_looks"] = content.pair, content.equivalent_looks
        for name, meaning in LAYERS.items():
            values = getattr(content, name)
            layer = file.create_dataset(
                name, data=values, chunks=_chunks(values.shape), shuffle=True, compression="gzip", compression_opts=1
            )
            layer.attrs["units"] = meaning


def read_interferogram(path: Path) -> Interferogram:
    """Read an interferogram.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(path) as file:
            layers = {name: np.asarray(file[name][()]) for name in LAYERS}
            looks, pair = float(file.attrs["equivalent_looks"]), str(file.attrs["pair"])
        return Interferogram(**layers, equivalent_looks=looks, pair=pair)
    except (OSError, KeyError) as error:
        raise InvalidInput(f"{path} is no interferogram ({error}): run form-interferogram again") from None


def _chunks(shape: tuple[int, ...]) -> tuple[int, int]:
    return min(shape[0], 64), shape[1]
