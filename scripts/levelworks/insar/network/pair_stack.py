"""A stack of unwrapped pairs that are read when they are needed, referred to common cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.outcome import InvalidInput
from levelworks.insar.interferograms.phase_noise import phase_variance
from levelworks.insar.network.closure import refer_phase, reference_pixels
from levelworks.insar.network.epochs import Pair
from levelworks.insar.unwrapping.unwrapped_files import About, read_about, read_layers

BLOCK_ROWS = 256
HELD = 6
"""Pairs in memory: triplets in order of their dates share most of theirs with the last ones."""


@dataclass(frozen=True)
class PairLayers:
    """A pair: phase float32 (rad, referred, NaN no data), components uint16, variance float32 (rad2)."""

    phase: np.ndarray
    components: np.ndarray
    variance: np.ndarray


class PairStack:
    """Unwrapped pairs by name, of one grid and domain.

    Raises
    ------
    InvalidInput
        Where a file is damaged or on another grid.
    """

    def __init__(self, paths: Mapping[Pair, Path]) -> None:
        self.paths = dict(paths)
        self.about: dict[Pair, About] = {}
        self.constants: dict[Pair, float] = {}
        shapes = {}
        for pair, path in self.paths.items():
            self.about[pair], shapes[pair] = read_about(path)
        self.shape = next(iter(shapes.values()))
        self.grid = next(iter(self.about.values())).grid
        for pair, path in self.paths.items():
            if (shapes[pair], self.about[pair].grid) != (self.shape, self.grid):
                raise InvalidInput(f"{path} is on another grid than the other pairs: run unwrap again for all of them")
        self.layers = lru_cache(maxsize=HELD)(self._read)

    def choose_reference(self, share: float, communicator: mpi.Communicator) -> tuple[np.ndarray, int]:
        """Choose the cells that pairs are referred to, of those that the most pairs have.

        Returns
        -------
        reference : ndarray, shape (rows, columns), bool
        pairs : int
            That have data there.
        """
        blocks = mpi.blocks(self.shape[0], BLOCK_ROWS)
        own = []
        with mpi.together(communicator):
            for k in mpi.split(len(blocks), communicator.size, communicator.rank):
                own.append(self._add_up(slice(blocks[k].start, blocks[k].stop)))  # noqa: PERF401 - errors are shared
        parts = [part for other in communicator.allgather(own) for part in other]
        total, count = (np.concatenate(layers) for layers in zip(*parts, strict=True))
        most = int(count.max())
        return reference_pixels([np.where((count == most) & (most > 0), total, np.nan)], share), most

    def refer(self, reference: np.ndarray, communicator: mpi.Communicator) -> tuple[Pair, ...]:
        """Find the constant of each pair; return those that have no data at the reference."""
        own = {}
        pairs = sorted(self.paths)
        with mpi.together(communicator):
            for k in mpi.split(len(pairs), communicator.size, communicator.rank):
                (phase,) = read_layers(self.paths[pairs[k]], ("phase",))
                known = np.isfinite(phase[reference]).any()
                own[pairs[k]] = refer_phase(phase, reference)[1] if known else np.nan
        for part in communicator.allgather(own):
            self.constants |= part
        return tuple(pair for pair in pairs if np.isnan(self.constants[pair]))

    def _add_up(self, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return the sum of coherences of some rows, and of how many pairs."""
        shape = rows.stop - rows.start, self.shape[1]
        total, count = np.zeros(shape), np.zeros(shape, np.int32)
        for pair in sorted(self.paths):
            phase, coherence = read_layers(self.paths[pair], ("phase", "coherence"), rows)
            known = np.isfinite(phase) & np.isfinite(coherence)
            total[known] += coherence[known]
            count += known
        return total, count

    def _read(self, pair: Pair) -> PairLayers:
        phase, components, coherence = read_layers(self.paths[pair], ("phase", "components", "coherence"))
        phase = (phase - np.float32(self.constants[pair])).astype(np.float32)
        return PairLayers(phase, components, phase_variance(coherence, self.about[pair].looks))

    def of(self, pairs: Iterable[Pair]) -> dict[Pair, PairLayers]:
        """Return some pairs."""
        return {pair: self.layers(pair) for pair in pairs}
