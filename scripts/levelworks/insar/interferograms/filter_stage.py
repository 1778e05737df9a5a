"""The stage `filter-phase`: the phase of a pair, filtered for unwrapping."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core import mpi
from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.filtered_files import LAYERS, filtered_writer, read_rows, shape_of
from levelworks.insar.interferograms.goldstein import goldstein_filter
from levelworks.insar.interferograms.phase_kernels import agree_phases, count_residues

BLOCK_ROWS = 1024
"""Rows that are filtered at once, a multiple of every step."""
MEGAPIXEL = 1e6


@dataclass(frozen=True)
class Block:
    """Filtered rows and their figures: residues and loops before and after, sums and counts of coherence."""

    start: int
    filtered: np.ndarray
    coherence: np.ndarray
    figures: np.ndarray


def filter_phase(interferogram: Path, *, filtered: Path, options: FilterPhase) -> Outcome:
    """Filter the phase of an interferogram by its own local spectrum, and tell how coherent the result is.

    The coherence written is that of the filtered phase: the magnitude of the mean phasor of the cells around, the
    fringe that they have in common taken off. It says where the filter found a signal (as `filt.cc` of LiCSAR, which
    GAMMA's filter derives from the filtered interferogram); the coherence of the two images is in the interferogram.

    Parameters
    ----------
    interferogram : Path
        Of `form-interferogram`.
    filtered : Path
        HDF5 that is written: ``filtered`` complex64 (magnitudes as they were), ``coherence`` float32.

    Raises
    ------
    InvalidInput
        Where the interferogram is damaged.
    NothingToProduce
        Where it has no data.

    Notes
    -----
    Ranks take blocks of rows with a halo; the same bytes come from any number of them (specs/insar.md 4.12).
    """
    refuse_flagged(interferogram)
    communicator = mpi.world()
    shape = shape_of(interferogram)
    starts = range(0, shape[0], BLOCK_ROWS)
    totals = np.zeros(8)
    with ExitStack() as stack:
        file = None
        if communicator.rank == 0:
            attributes: dict[str, object] = {"exponent": str(options.exponent), "window": options.window}
            file = stack.enter_context(filtered_writer(filtered, shape, attributes))
        for first in range(0, len(starts), communicator.size):
            mine = starts[first + communicator.rank : first + communicator.rank + 1]
            block = None
            with mpi.together(communicator):
                block = _filter_block(interferogram, shape, mine[0], options) if mine else None
            for other in communicator.gather(block) or ():
                if other is not None and file is not None:
                    _write(file, other)
                    totals += other.figures
    totals = communicator.broadcast(totals)
    if not totals[7]:
        raise NothingToProduce("the interferogram has no data")
    return Outcome(quality=_quality(totals, options))


def write_empty_filtered(path: Path, outcome: Outcome) -> None:
    """Write a file without cells, that says why."""
    with filtered_writer(path, (1, 1), {"outcome": outcome.status.value, "reason": outcome.reason}) as file:
        file["coherence"][()] = np.nan


def _write(file: h5py.File, block: Block) -> None:
    for name in LAYERS:
        values = getattr(block, name)
        file[name][block.start : block.start + len(values)] = values


def _filter_block(path: Path, shape: tuple[int, int], start: int, options: FilterPhase) -> Block:
    """Filter a block of rows, with as many around as a pixel depends on."""
    reach = options.coherence_window // 2
    halo = -(-(options.window + reach + 1) // options.step) * options.step
    stop = min(start + BLOCK_ROWS, shape[0])
    top, bottom = max(start - halo, 0), min(stop + halo, shape[0])
    values, coherence = read_rows(path, ("interferogram", "coherence_debiased"), slice(top, bottom))
    found = goldstein_filter(values, options.exponent, coherence=coherence, window=options.window, step=options.step)
    agreement = np.empty(found.shape, np.float32)
    agree_phases(_unit(found), reach, agreement)
    own = slice(start - top, stop - top)
    below = slice(start - top, stop - top + 1)
    counts = [count for image in (values, found) for count in _residues(image[below], stop - start)]
    sums = [part for layer in (coherence, agreement) for part in _sum(layer[own], found[own] != 0)]
    return Block(start, found[own], agreement[own], np.array([*counts, *sums], np.float64))


def _unit(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return np.divide(values, size, out=np.zeros_like(values), where=size > 0)


def _residues(values: np.ndarray, rows: int) -> tuple[int, int]:
    valid = np.isfinite(values) & (values != 0)
    return count_residues(np.angle(values).astype(np.float32, copy=False), valid, rows)


def _sum(layer: np.ndarray, valid: np.ndarray) -> tuple[float, int]:
    known = layer[valid & np.isfinite(layer)]
    return float(known.sum(dtype=np.float64)), known.size


def _quality(totals: np.ndarray, options: FilterPhase) -> dict[str, object]:
    before, loops, after, _, coherence, cells, agreement, filtered = totals.tolist()
    return {
        "exponent": options.exponent,
        "mean_coherence": round(coherence / max(cells, 1), 4),
        "mean_filtered_coherence": round(agreement / max(filtered, 1), 4),
        "residues_per_mpx_before": round(MEGAPIXEL * before / max(loops, 1), 1),
        "residues_per_mpx_after": round(MEGAPIXEL * after / max(loops, 1), 1),
    }
