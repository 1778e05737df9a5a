"""Runs of soundings as OCO3-data-transformer cuts and fuses them: by file order alone, without times and orbits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Run(NamedTuple):
    """A half-open range of soundings in one mode with one target code (0: none)."""

    start: int
    stop: int
    mode: int
    code: int


def fused_runs(
    modes: NDArray[np.integer], codes: NDArray[np.integer], order: Sequence[int], *, wildcard: bool, fuse: bool = True
) -> list[Run]:
    """Return the runs of several modes, near ones of one target fused.

    A run ends where the mode or the code changes. It is fused with the last one stored, also one of the mode before,
    where their codes are the same and less than two soundings lie between.

    Parameters
    ----------
    modes, codes : ndarray of int, shape (N,)
        Mode and target code (0: none) of each sounding.
    order : sequence of int
        The modes, in the order in which they are gone through.
    wildcard : bool
        For SIF: soundings without target don't end a run, a run that starts with them takes the first target that
        follows, runs without target fuse with any, and two soundings may lie between.
    fuse : bool
        Whether runs are fused at all; for OCO-2 they are not.
    """
    runs: list[Run] = []
    between = 2 if wildcard else 1
    for mode in order:
        for run in _runs(modes, codes, mode, wildcard=wildcard):
            last = runs[-1] if runs and fuse else None
            near = last is not None and abs(run.start - last.stop) <= between
            if last and near and (last.code == run.code or (wildcard and 0 in (last.code, run.code))):
                runs[-1] = Run(last.start, run.stop, last.mode, last.code or run.code)
            else:
                runs.append(run)
    return runs


def _runs(modes: NDArray[np.integer], codes: NDArray[np.integer], mode: int, *, wildcard: bool) -> list[Run]:
    chosen = np.flatnonzero(modes == mode)
    runs = []
    for stretch in _parts(chosen, np.diff(chosen) != 1):
        named = fill_forward_then_back(codes[stretch]) if wildcard else codes[stretch]
        runs += [
            Run(int(stretch[part[0]]), int(stretch[part[-1]]) + 1, mode, int(named[part[0]]))
            for part in _parts(np.arange(stretch.size), np.diff(named) != 0)
        ]
    return runs


def _parts(values: NDArray[np.integer], cuts: NDArray[np.bool_]) -> list[NDArray[np.integer]]:
    return np.split(values, np.flatnonzero(cuts) + 1) if values.size else []


def fill_forward_then_back(codes: NDArray[np.integer]) -> NDArray[np.integer]:
    """Replace zeros by the last number before them, leading ones by the first that follows; all zeros stay."""
    known = np.flatnonzero(codes)
    if known.size == 0:
        return codes
    last = np.searchsorted(known, np.arange(codes.size), side="right") - 1
    return codes[known[np.maximum(last, 0)]]
