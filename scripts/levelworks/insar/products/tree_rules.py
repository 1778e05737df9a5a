"""What a published raster must be for LiCSBAS and MintPy to read it unchanged (facts of LiCSBAS 1.6 `02_ml_prep`).

They read whole rasters by position, without a look at where each lies: one that is a cell larger, or moved, is
mapped wrongly and no error says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FLOATS = (
    *("unw", "unw_corrected", "atm", "sltd", "tide", "E", "N", "U", "hgt"),
    *("rng", "azi", "rng_sigma", "azi_sigma", "tracking_corr", "bovldiff", "bovldiff.mm", "bovldiff.mm_sigma"),
)
DTYPES = {**dict.fromkeys(("cc", "bovldiff.cc"), "uint8"), **dict.fromkeys(FLOATS, "float32")}
NAN_OR_ZERO = ("unw", "unw_corrected", "sltd", "tide")
NORM_TOLERANCE = 1e-3
STRIP = 1024
"""Rows that are read at once."""


@dataclass(frozen=True)
class Violation:
    """A rule that a tree breaks, where and how; ``fatal`` where readers would fail or err."""

    rule: str
    path: str
    message: str
    fatal: bool = True

    def __str__(self) -> str:
        """Return the violation as a person reads it."""
        return f"{self.path}: {self.message} [{self.rule}]"


@dataclass(frozen=True)
class Lattice:
    """The grid of a raster: shape in rows and columns, and the coefficients of its transform."""

    shape: tuple[int, int]
    transform: tuple[float, ...]


def lattice_of(file: Any) -> Lattice:
    """Return the grid of an open raster."""
    return Lattice((file.height, file.width), tuple(file.transform)[:6])


def check_raster(file: Any, where: str, kind: str, wanted: Lattice | None) -> Iterator[Violation]:
    """Check grid, type and nodata of an open raster.

    Parameters
    ----------
    file : rasterio dataset
    where : str
        Its path in the tree.
    kind : str
        What it is of: ``unw``, ``cc``, ``E`` ...
    wanted : Lattice or None
        The grid of all rasters.
    """
    found = lattice_of(file)
    if file.count != 1:
        yield Violation("bands", where, f"has {file.count} bands, readers take one")
    if file.crs is None or file.crs.to_epsg() != 4326:
        yield Violation("crs", where, f"is in {file.crs}, not in EPSG:4326")
    if file.tags().get("AREA_OR_POINT") == "Point":
        yield Violation("pixel-is-area", where, "pixels are points: readers would map it half a cell off")
    a, b, _, d, e, _ = found.transform
    if b or d or a <= 0 or e >= 0:
        yield Violation("north-up", where, "is not north up")
    if wanted is not None and found.shape != wanted.shape:
        sizes = [f"{rows} x {columns}" for rows, columns in (found.shape, wanted.shape)]
        yield Violation("grid", where, f"has {sizes[0]} cells, the frame's heights {sizes[1]}")
    elif wanted is not None and found.transform != wanted.transform:
        yield Violation("grid", where, "lies beside the grid of the frame's heights")
    if kind in DTYPES and file.dtypes[0] != DTYPES[kind]:
        yield Violation("dtype", where, f"is {file.dtypes[0]}, readers take {DTYPES[kind]}")
    nodata = file.nodata
    if kind in ("cc", "bovldiff.cc") and nodata not in (None, 0):
        yield Violation("nodata", where, f"has nodata {nodata:g}; readers take 0 for none")
    if kind in NAN_OR_ZERO and nodata is not None and not (nodata == 0 or np.isnan(nodata)):
        yield Violation("nodata", where, f"has nodata {nodata:g}; readers take 0 or NaN for none")


def check_pair_values(coherence: Any, unwrapped: Any, where: str) -> Iterator[Violation]:
    """Check that an unwrapped phase is finite, is there at all, and has coherence wherever it is."""
    import rasterio.windows

    known = without = infinite = 0
    for start in range(0, unwrapped.height, STRIP):
        window = rasterio.windows.Window(0, start, unwrapped.width, min(STRIP, unwrapped.height - start))
        phase, value = unwrapped.read(1, window=window), coherence.read(1, window=window)
        data = ~np.isnan(phase) & (phase != 0)
        known += int(np.count_nonzero(data))
        without += int(np.count_nonzero(data & (value == 0)))
        infinite += int(np.count_nonzero(np.isinf(phase)))
    if infinite:
        yield Violation("finite", where, f"{infinite} cells are infinite")
    if without:
        yield Violation("masks", where, f"{without} cells have an unwrapped phase and no coherence")
    if not known:
        yield Violation("empty", where, "no cell has an unwrapped phase", fatal=False)


def check_same_cells(unwrapped: Any, corrected: Any, where: str) -> Iterator[Violation]:
    """Check that a raster derived from an unwrapped phase has data at the same cells."""
    import rasterio.windows

    apart = 0
    for start in range(0, unwrapped.height, STRIP):
        window = rasterio.windows.Window(0, start, unwrapped.width, min(STRIP, unwrapped.height - start))
        one, other = (np.isfinite(file.read(1, window=window)) for file in (unwrapped, corrected))
        apart += int(np.count_nonzero(one != other))
    if apart:
        yield Violation(
            "masks", where, f"{apart} cells have data where the unwrapped phase has none, or none where it has"
        )


def check_directions(east: Any, north: Any, up: Any, where: str) -> Iterator[Violation]:
    """Check that open rasters of E, N and U are unit vectors that point up, and have data at the same cells."""
    import rasterio.windows

    worst, apart, down = 0.0, 0, 0
    for start in range(0, up.height, STRIP):
        window = rasterio.windows.Window(0, start, up.width, min(STRIP, up.height - start))
        parts = np.stack([one.read(1, window=window).astype(np.float64) for one in (east, north, up)])
        data = np.isfinite(parts) & (parts != 0)
        some, all_three = np.isfinite(parts).any(0) & data.any(0), np.isfinite(parts).all(0)
        apart += int(np.count_nonzero(some & ~all_three))
        inside = some & all_three
        norm = np.sqrt((parts[:, inside] ** 2).sum(0))
        worst = max(worst, float(np.abs(norm - 1).max(initial=0.0)))
        down += int(np.count_nonzero(parts[2][inside] <= 0))
    if worst > NORM_TOLERANCE:
        yield Violation("unit-vectors", where, f"E, N and U have lengths up to {worst:.4f} from 1")
    if apart:
        yield Violation("unit-vectors", where, f"{apart} cells lack one of E, N and U")
    if down:
        yield Violation("unit-vectors", where, f"{down} cells see the satellite below the horizon")


def relative(path: Path, tree: Path) -> str:
    """Return a path as it stands in a tree."""
    return path.relative_to(tree).as_posix()
