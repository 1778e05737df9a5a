"""The stage `describe-frame`: the metadata of a frame as a folder, as LiCSAR names its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from levelworks.core.aggregate import refuse_flagged, usable_inputs
from levelworks.core.outcome import InvalidReference, NothingToProduce, Outcome
from levelworks.core.record import described_product
from levelworks.insar.drawing.geo_rasters import with_gaps
from levelworks.insar.drawing.network import draw_baselines, draw_network
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.products.frame_metadata import frame_facts, write_baselines, write_metadata
from levelworks.insar.products.links import link_file
from levelworks.insar.products.network_table import find_gaps, merged_verdicts, pair_facts, unsure_dates, write_network
from levelworks.insar.products.products_options import DescribeFrame
from levelworks.insar.safe.acquisition_files import read_acquisition_file

MEANS = ("inc", "hgt")


def describe_frame(
    frame: Path,
    reference: Path,
    acquisitions: list[Path],
    geometry: Path,
    geocoded_geometry: Path,
    pairs: list[Path],
    closure: list[Path],
    verified: list[Path],
    *,
    metadata: Path,
    options: DescribeFrame,
) -> Outcome:
    """Write the metadata of a frame.

    Parameters
    ----------
    frame : Path
        Definition of the frame.
    reference : Path
        Of `parse-safe`, of the frame's reference date.
    acquisitions : list of Path
        Of `parse-safe`, of all dates; flagged ones are left out.
    geometry, geocoded_geometry : Path
        Of `reference-geometry` and `geocode-geometry`.
    pairs, closure : list of Path
        Of `geocode` and `check-closure`: folders, or the records beside them.
    verified : list of Path
        Of `verify-coregistration`, of all dates but the reference.
    metadata : Path
        Folder that is written: ``<frame>.geo.*.tif``, ``baselines``, ``metadata.txt``, ``network.csv``,
        ``network.png``, ``baselines.png``.

    Raises
    ------
    InvalidReference
        Where the geometry or the reference is none of this frame.
    NothingToProduce
        Where all pairs are flagged.
    """
    defined = read_frame(frame)
    rasters = described_product(geocoded_geometry)
    for one in (reference, geometry, rasters):
        refuse_flagged(one)
    first = read_acquisition_file(reference)
    if first.epoch != defined.reference:
        raise InvalidReference(f"{reference} is of {first.epoch}, and the frame's reference is {defined.reference}")
    dates = usable_inputs(acquisitions, 1.0, "dates")
    folders = usable_inputs([described_product(path) for path in pairs], options.max_quarantined, "pairs")
    if not folders.usable:
        raise NothingToProduce(f"frame {defined.frame} has no pair")
    read = {one.epoch: one for one in (first, *map(read_acquisition_file, dates.usable))}
    metadata.mkdir()
    _link_rasters(rasters, defined.frame, metadata)
    means = {name: _mean(rasters / f"{defined.frame}.geo.{name}.tif") for name in MEANS}
    mosaic = read_mosaic(geometry)
    facts = frame_facts(defined, first, list(read.values()), geometry, mosaic, means)
    epochs = facts.baselines
    verdicts = merged_verdicts(closure)
    baselines = {one.date: one.perpendicular_baseline for one in epochs}
    unsure = unsure_dates(verified)
    network = [pair_facts(folder, baselines, verdicts, unsure) for folder in folders.usable]
    used = {date for one in network for date in (one.pair.first, one.pair.second)}
    gaps = find_gaps(sorted(used), [one.pair for one in network])
    said = {"network_gaps": "; ".join(map(str, gaps)) or "none"}
    write_metadata(metadata / "metadata.txt", {**facts.values, **said})
    write_baselines(metadata / "baselines", defined.reference, epochs)
    write_network(metadata / "network.csv", network)
    draw_network(metadata / "network.png", epochs, network, defined.reference, gaps)
    draw_baselines(metadata / "baselines.png", epochs, network)
    alone = [one for one in epochs if one.date not in used]
    coherence = [one.coherence for one in network if np.isfinite(one.coherence)]
    quality = {
        "dates": len(epochs),
        "pairs": len(network),
        "gaps": len(gaps),
        "dates_without_pairs": len(alone),
        "unsure_dates": len(unsure),
        "bad_pairs": sum(one.verdict == "bad" for one in network),
        "degraded_pairs": sum(one.degraded for one in network),
        "mean_coherence": round(float(np.mean(coherence)), 4) if coherence else None,
        "largest_baseline_m": round(max(abs(one.perpendicular_baseline) for one in epochs), 2),
    }
    warnings = (*dates.warnings, *folders.warnings, *(f"no pair spans {gap}" for gap in gaps))
    return Outcome(quality=quality, warnings=warnings)


def _link_rasters(rasters: Path, frame: str, metadata: Path) -> None:
    found: Sequence[Path] = sorted(rasters.glob(f"{frame}.geo.*.tif"))
    absent = [name for name in MEANS if rasters / f"{frame}.geo.{name}.tif" not in found]
    if absent:
        raise InvalidReference(f"{rasters} has no {frame}.geo.{absent[0]}.tif: run geocode-geometry again")
    for path in found:
        link_file(path, metadata / path.name)


def _mean(path: Path) -> float:
    import rasterio

    with rasterio.open(path) as file:
        total, cells = 0.0, 0
        for _, window in file.block_windows(1):
            values = with_gaps(file.read(1, window=window), file.nodata)
            known = values[np.isfinite(values)]
            total, cells = total + float(known.sum(dtype=np.float64)), cells + known.size
    return total / cells if cells else float("nan")
