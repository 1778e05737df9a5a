"""The stages `geocode` and `geocode-epoch`: a pair and a date on a frame's geographic grid (specs/insar.md 4.15)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import Outcome, Status
from levelworks.core.record import described_product
from levelworks.insar.coregistration.intensity import read_intensity
from levelworks.insar.coregistration.rslc_files import find_bursts
from levelworks.insar.degraded import degraded_reasons
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.geocode_options import Geocode, GeocodeEpoch
from levelworks.insar.geocoding.geotiffs import coherence_bytes, write_raster
from levelworks.insar.geocoding.interpolation import geocode_complex, geocode_unwrapped, geocode_values
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.interferograms.filtered_files import read_filtered
from levelworks.insar.interferograms.interferogram_files import read_interferogram
from levelworks.insar.network.closure_files import read_repairs
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.network.repair import Repair, apply_repair
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

NAN = float("nan")


def geocode(
    frame: Path,
    lookup: Path,
    interferogram: Path,
    filtered: Path,
    unwrapped: Path,
    closure: Path | None,
    *,
    folder: Path,
    options: Geocode,
) -> Outcome:
    """Write the layers of a pair as GeoTIFFs on the frame's grid.

    Parameters
    ----------
    frame : Path
    lookup : Path
        Folder of `geocode-geometry`, or the record beside it.
    interferogram, filtered, unwrapped : Path
        Of `form-interferogram`, `filter-phase` and `unwrap`.
    closure : Path or None
        Folder of `check-closure`, or the record beside it: its repairs are applied.
    folder : Path
        That is written: ``<pair>.geo.{diff_pha,diff_unfiltered_pha,cc,filt.cc,coh,phase_sigma,unw,conncomp}.tif``.

    Notes
    -----
    The record repeats what makes the pair degraded, for those who read the layers alone.
    """
    for path in (interferogram, filtered, unwrapped):
        refuse_flagged(path)
    grid, place = read_frame(frame).grid, read_lookup(described_product(lookup))
    raw, smooth, whole = read_interferogram(interferogram), read_filtered(filtered), read_unwrapped(unwrapped)
    phase, components = whole.phase, whole.components
    if whole.about.domain == "radar":
        phase, components = geocode_unwrapped(phase, components, place)
    cycles = 0
    if closure is not None and options.repair:
        repair = read_repairs(described_product(closure))
        own = {part: count for part, count in repair.cycles.items() if part[0] == parse_pair(raw.pair)}
        phase = apply_repair(phase, components, parse_pair(raw.pair), Repair(own, ()))
        cycles = len(own)
    coherence = geocode_values(raw.coherence, place, (0.0, 1.0))
    # Unwrapped phase without coherence, or the other way round, misleads who weights by it.
    phase = np.where(np.isfinite(coherence), phase, np.nan).astype(np.float32)
    folder.mkdir()

    def write(name: str, values: np.ndarray, units: str, nodata: float = NAN) -> None:
        tags = {"PAIR": raw.pair, "PHASE_SIGN": "positive away from the satellite"}
        write_raster(folder / f"{raw.pair}.geo.{name}.tif", [values], grid, nodata=nodata, units=units, tags=tags)

    write("diff_unfiltered_pha", _phase(raw.interferogram, place), "rad")
    write("diff_pha", _phase(smooth.filtered, place), "rad")
    write("cc", coherence_bytes(coherence), "1/255", 0)
    write("filt.cc", coherence_bytes(geocode_values(smooth.coherence, place, (0.0, 1.0))), "1/255", 0)
    write("coh", coherence, "1")
    write("phase_sigma", geocode_values(raw.phase_sigma, place, (0.0, np.inf)), "rad")
    write("unw", phase, "rad")
    write("conncomp", np.where(np.isfinite(phase), components, 0).astype(np.uint16), "1", 0)
    there, solved = np.isfinite(coherence), np.isfinite(phase) & (components > 0)
    quality = {
        "coverage": float(there.mean()),
        "mean_coherence": float(coherence[there].mean()) if there.any() else 0.0,
        "unwrapped_share_of_data": float(solved.sum() / max(there.sum(), 1)),
        "components_repaired": cycles,
        "degraded": degraded_reasons((interferogram, filtered, unwrapped)),
    }
    return Outcome(Status.DONE, quality=quality)


def _phase(values: np.ndarray, lookup: np.ndarray) -> np.ndarray:
    """Return the wrapped phase (rad, NaN without data) of radar cells, each of which counts alike."""
    size = np.nan_to_num(np.abs(values))
    unit = np.divide(values, size, out=np.zeros_like(values), where=size > 0)
    found = geocode_complex(unit, lookup)
    return np.where(found != 0, np.angle(found), np.nan).astype(np.float32)


def geocode_epoch(frame: Path, lookup: Path, date: Path, *, image: Path, options: GeocodeEpoch) -> Outcome:
    """Write the mean intensity of a date on the frame's grid.

    Parameters
    ----------
    frame : Path
    lookup : Path
        Folder of `geocode-geometry`, or the record beside it.
    date : Path
        Folder of `coregister`, or the record beside it.
    image : Path
        GeoTIFF (float32, squared digital numbers) that is written.
    """
    del options
    bursts = find_bursts(date)
    power = geocode_values(read_intensity(bursts), read_lookup(described_product(lookup)), (0.0, np.inf))
    write_raster(image, [power], read_frame(frame).grid, nodata=NAN, units="squared digital numbers")
    return Outcome(Status.DONE, quality={"coverage": float(np.isfinite(power).mean())})
