"""The stage `unwrap`: whole cycles of a pair's filtered phase, given to the phase before the filter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from levelworks.core import mpi
from levelworks.core.aggregate import refuse_flagged
from levelworks.core.atomic import remove
from levelworks.core.outcome import InvalidOptions, InvalidReference, NothingToProduce, Outcome
from levelworks.core.record import described_product
from levelworks.insar.frames.frame import Frame, read_frame
from levelworks.insar.interferograms.filtered_files import Filtered, read_filtered
from levelworks.insar.unwrapping.snaphu import require_snaphu
from levelworks.insar.unwrapping.tiled_unwrapping import Image, unwrap_tiled
from levelworks.insar.unwrapping.unwrap import Unwrapped, finish, solve_cycles, transfer_cycles, valid_pixels
from levelworks.insar.unwrapping.unwrap_options import Unwrap
from levelworks.insar.unwrapping.unwrapped_files import About, UnwrappedPair, write_unwrapped

LAND = 1
LEAST_SOLVED = 0.5
"""Share of the cells in use below which it is said that the others' cycles are arbitrary."""


@dataclass(frozen=True)
class Prepared:
    """A pair on the grid on which it is unwrapped, and its land; ``raw`` and ``filtered`` are phasors."""

    raw: np.ndarray
    filtered: np.ndarray
    coherence: np.ndarray
    filtered_coherence: np.ndarray
    land: np.ndarray | None
    looks: float
    grid: tuple[float, float, float] | None


def unwrap_interferogram(
    frame: Path, interferogram: Path, filtered: Path, lookup: Path | None, *, unwrapped: Path, options: Unwrap
) -> Outcome:
    """Unwrap the filtered phase of a pair and give its cycles to the phase before the filter.

    Parameters
    ----------
    frame : Path
        Definition of the frame.
    interferogram, filtered : Path
        Of `form-interferogram` and `filter-phase`.
    lookup : Path or None
        Folder of `geocode-geometry`, or the record beside it; of the geographic domain.
    unwrapped : Path
        HDF5 that is written: ``phase`` float32 (rad, NaN no data; median of the largest component 0 before the
        filter's share is put back), ``components`` uint16, ``coherence`` float32. Tiles of large images are kept in the
        folder ``.tiles_<pair>`` beside it until it is done.

    Raises
    ------
    InvalidInput
        Where a file is damaged.
    NothingToProduce
        Where no cell is coherent enough.
    InvalidOptions
        Where the solver is not installed, or the geographic domain has no lookup.

    Notes
    -----
    Ranks share the tiles of large images (specs/insar.md 4.13). Regions that water parts are brought to the nearest
    cycle across it; nothing measured says that this is right, and they are components of their own.
    """
    for path in (interferogram, filtered):
        refuse_flagged(path)
    folder = described_product(lookup) if lookup is not None else None
    if folder is not None:
        refuse_flagged(folder)
    if options.solver == "snaphu":
        require_snaphu()
    if options.domain == "geographic" and folder is None:
        raise InvalidOptions("the domain geographic needs the folder of geocode-geometry (--lookup); or take radar")
    communicator = mpi.world()
    prepared = image = None
    with mpi.together(communicator):
        if communicator.rank == 0:
            prepared = _prepare(read_frame(frame), interferogram, filtered, folder, options)
            image = _image(prepared, options)
    size = communicator.broadcast(image.phase.size if image is not None else None)
    scratch = unwrapped.parent / f".tiles_{interferogram.stem}"
    tiles, cycles, disagreement = 1, None, 0.0
    if size > options.tile_pixels:
        merged, tiles = unwrap_tiled(
            image, scratch, options.tile_size, options.tile_overlap, options.solver, communicator
        )
        if merged is not None:
            cycles, disagreement = merged.cycles, merged.disagreement
    outcome = None
    with mpi.together(communicator):
        if prepared is not None and image is not None:
            if cycles is None:
                cycles = solve_cycles(image.phase, image.coherence, image.valid, image.looks, options.solver)
            found = finish(image.phase, cycles, image.valid, options.least_fraction)
            phase = transfer_cycles(np.angle(prepared.raw), found.phase, found.constant)
            about = About(options.domain, found.constant, options.solver, found.fraction, prepared.looks, prepared.grid)
            coherence = prepared.coherence.astype(np.float32)
            write_unwrapped(unwrapped, UnwrappedPair(phase, found.components, coherence, about))
            outcome = _outcome(found, prepared, options, tiles, disagreement)
            remove(scratch)
    done: Outcome = communicator.broadcast(outcome)
    return done


def write_empty_unwrapped(path: Path, outcome: Outcome) -> None:
    """Write a file of one cell without data, that says why."""
    nothing = np.full((1, 1), np.nan, np.float32)
    pair = UnwrappedPair(nothing, np.zeros((1, 1), np.uint16), nothing, About("", 0.0, "", 0.0, 0.0))
    write_unwrapped(path, pair, outcome=outcome.status.value, reason=outcome.reason)


def _prepare(frame: Frame, path: Path, filtered: Path, folder: Path | None, options: Unwrap) -> Prepared:
    """Read a pair, and put it on the geographic grid where that is the domain."""
    from levelworks.insar.interferograms.interferogram_files import read_interferogram

    pair, smooth = read_interferogram(path), read_filtered(filtered)
    raw, looks = pair.interferogram, float(pair.equivalent_looks)
    if options.domain == "radar" or folder is None:
        return Prepared(_unit(raw), _unit(smooth.filtered), pair.coherence, smooth.coherence, None, looks, None)
    return _geocoded(frame, raw, pair.coherence, smooth, looks, folder, options)


def _geocoded(
    frame: Frame,
    raw: np.ndarray,
    coherence: np.ndarray,
    smooth: Filtered,
    looks: float,
    folder: Path,
    options: Unwrap,
) -> Prepared:
    from levelworks.insar.geocoding.interpolation import geocode_complex, geocode_values
    from levelworks.insar.geocoding.lookup import read_lookup

    lookup = read_lookup(folder)
    land = _read_land(folder / f"{frame.frame}.geo.landmask.tif") if options.mask == "land" else None
    grid = frame.grid
    return Prepared(
        # Phasors of magnitude 1: bright cells must not take over their neighbours' phase.
        geocode_complex(_unit(raw), lookup),
        geocode_complex(_unit(smooth.filtered), lookup),
        geocode_values(coherence, lookup, (0.0, 1.0)),
        geocode_values(smooth.coherence, lookup, (0.0, 1.0)),
        land,
        looks,
        (grid.step, grid.west, grid.north),
    )


def _read_land(path: Path) -> np.ndarray:
    import rasterio

    try:
        with rasterio.open(path) as file:
            return np.asarray(file.read(1)) == LAND
    except OSError as error:
        raise InvalidReference(f"{path} can't be read ({error}): run geocode-geometry again") from None


def _unit(values: np.ndarray) -> np.ndarray:
    size = np.nan_to_num(np.abs(values))
    return np.divide(values, size, out=np.zeros_like(values), where=size > 0)


def _image(prepared: Prepared, options: Unwrap) -> Image:
    """Return the filtered phase and where it is worth unwrapping."""
    valid = valid_pixels(prepared.filtered, prepared.coherence, prepared.land, options.least_coherence)
    valid &= np.isfinite(prepared.raw) & (prepared.raw != 0)
    if options.least_filtered_coherence > 0:
        with np.errstate(invalid="ignore"):
            valid &= prepared.filtered_coherence >= options.least_filtered_coherence
    if not valid.any():
        raise NothingToProduce("no cell of the pair has data, coherence enough and land")
    phase = np.where(valid, np.angle(prepared.filtered), 0).astype(np.float32)
    return Image(phase, np.where(valid, prepared.coherence, 0).astype(np.float32), valid, prepared.looks)


def _outcome(found: Unwrapped, prepared: Prepared, options: Unwrap, tiles: int, disagreement: float) -> Outcome:
    valid = np.isfinite(found.phase)
    data = np.isfinite(prepared.raw) & (prepared.raw != 0)
    sizes = np.bincount(found.components.ravel())[1:]
    regions, _ = ndimage.label(valid)
    held = np.unique(regions[found.components > 0]).size
    apart = max(held - 1, 0)
    torn = found.fraction < LEAST_SOLVED
    quality: dict[str, object] = {
        "state": "degraded" if torn else "done",
        "unwrapped_fraction": round(found.fraction, 4),
        "unwrapped_share_of_data": round(float(sizes.sum()) / max(int(np.count_nonzero(data)), 1), 4),
        "components": sizes.size,
        "largest_share": round(float(sizes.max(initial=0)) / max(int(sizes.sum()), 1), 4),
        "bridged_regions": apart,
        "constant_rad": round(found.constant, 4),
        "domain": options.domain,
        "solver": options.solver,
        "tiles": tiles,
        "tile_disagreement": round(disagreement, 6),
    }
    warnings = []
    if torn:
        warnings.append(
            f"only {found.fraction:.1%} of the cells in use are in a component: the phase is noise elsewhere, "
            "and its whole cycles mean nothing"
        )
    said = (
        f"{apart} regions are apart from the largest: "
        "the whole cycles between them are not measured, only the nearest across the gap"
    )
    return Outcome(quality=quality, warnings=(*warnings, *([said] if apart else [])))
