"""The stage `correct-atmosphere`: the unwrapped phase of a pair without tropospheric delay (specs/insar.md 4.17)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import described_product
from levelworks.insar.corrections.atmosphere import Corrected, UnwrappedLayers, correct, fill_nearest
from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere
from levelworks.insar.corrections.delay_stage import NO_DELAY
from levelworks.insar.corrections.layers import read_layer
from levelworks.insar.frames.frame import Frame, FrameGrid, read_frame
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.products.empty_product import write_empty_product

NAN = float("nan")


def correct_atmosphere(
    frame: Path,
    layers: Path,
    geometry: Path,
    first_delay: Path | None,
    second_delay: Path | None,
    *,
    folder: Path,
    options: CorrectAtmosphere,
) -> Outcome:
    """Take tropospheric delay off the unwrapped phase of a pair.

    Parameters
    ----------
    frame : Path
    layers, geometry : Path
        Folders of `geocode` and of `geocode-geometry`, or the records beside them.
    first_delay, second_delay : Path or None
        Of `geocode-delay`; None where there are no delays of a date.
    folder : Path
        That is written: ``<pair>.geo.unw_corrected.tif`` and ``<pair>.geo.atm.tif``, what was taken off; both in rad,
        with data where ``<pair>.geo.unw.tif`` has.

    Raises
    ------
    NothingToProduce
        Where a date has no delays, too many cells have none, or nothing is unwrapped.
    """
    wanted, pair_folder = read_frame(frame), described_product(layers)
    for path in (pair_folder, described_product(geometry)):
        refuse_flagged(path)
    if options.method == "off":
        raise NothingToProduce("correct-atmosphere is off")
    pair = _pair_of(pair_folder)
    known = _read_layers(pair_folder, pair, described_product(geometry), wanted)
    if not np.isfinite(known.phase).any():
        raise NothingToProduce(f"{pair} has no unwrapped phase")
    delay, filled = None, 0.0
    if options.takes_delays:
        delay, filled = _pair_delay(pair, (first_delay, second_delay), wanted.grid, known.phase, options)
    latitude = (wanted.grid.north + wanted.grid.south) / 2
    found = correct(known, delay, wanted.grid.step, latitude, options)
    if delay is not None:
        found.figures["delay_filled_share"] = filled
    left_out = "; ".join((*found.worse, *found.unfit))
    quality = {
        "state": "degraded" if found.worse else "done",
        "method": options.method,
        "applied": ", ".join(found.applied),
        "left_out": left_out,
        **found.figures,
    }
    warnings = list(found.worse)
    if filled:
        warnings.append(f"{filled:.2%} of the unwrapped cells take the delay of the nearest cell")
    if not found.applied:
        outcome = Outcome(Status.SKIPPED, f"{pair} is not corrected: {left_out}", quality)
        write_empty_product(folder, outcome)
        return outcome
    _write(folder, pair, known.phase, found, wanted.grid)
    return Outcome(quality=quality, warnings=tuple(warnings))


def _pair_of(folder: Path) -> str:
    try:
        return str(parse_pair(folder.name))
    except ValueError as error:
        raise InvalidInput(f"{folder}: {error}") from None


def _read_layers(folder: Path, pair: str, geometry: Path, frame: Frame) -> UnwrappedLayers:
    phase, components, coherence = (
        read_layer(folder / f"{pair}.geo.{name}.tif", frame.grid) for name in ("unw", "conncomp", "coh")
    )
    height = read_layer(geometry / f"{frame.frame}.geo.hgt.tif", frame.grid)
    return UnwrappedLayers.of(phase, components, coherence, height)


def _pair_delay(
    pair: str, paths: tuple[Path | None, Path | None], grid: FrameGrid, phase: np.ndarray, options: CorrectAtmosphere
) -> tuple[np.ndarray, float]:
    """Return the delay of the secondary less that of the reference wherever there is phase, and the share made up."""
    absent = [date for date, path in zip(pair.split("_"), paths, strict=True) if path is None]
    if absent:
        raise NothingToProduce(f"insar.delays has no delays of {' and '.join(absent)}")
    first, second = (path for path in paths if path is not None)
    for path in (first, second):
        refuse_flagged(path)
    difference = _read_delay(second, grid) - _read_delay(first, grid)
    wanted = np.isfinite(phase)
    missed = 1.0 - np.count_nonzero(np.isfinite(difference) & wanted) / np.count_nonzero(wanted)
    if missed > options.max_unknown or missed == 1.0:
        raise NothingToProduce(
            f"{missed:.1%} of the unwrapped cells of {pair} have no delay, more than max-unknown "
            f"{options.max_unknown:g} allows"
        )
    return fill_nearest(difference, wanted)


def _read_delay(path: Path, grid: FrameGrid) -> np.ndarray:
    """Return the slant delays of a date (rad, float64), NaN where there is none."""
    values = read_layer(path, grid).astype(np.float64)
    return np.where(values == NO_DELAY, np.nan, values)


def _write(folder: Path, pair: str, phase: np.ndarray, found: Corrected, grid: FrameGrid) -> None:
    folder.mkdir()
    tags = {
        "PAIR": pair,
        "PHASE_SIGN": "positive away from the satellite",
        "CORRECTIONS": ", ".join(found.applied),
    }
    inside = np.isfinite(phase)
    for name, values in (("unw_corrected", phase - found.model), ("atm", found.model)):
        layer = np.where(inside, values, NAN).astype(np.float32)
        write_raster(folder / f"{pair}.geo.{name}.tif", [layer], grid, nodata=NAN, units="rad", tags=tags)
