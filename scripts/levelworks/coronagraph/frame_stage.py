"""One frame from Level 1 to Level 2b and its files: `calibrate-frame`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import Outcome
from levelworks.core.record import read_record
from levelworks.coronagraph.calibrate import Level2a, Level2b, to_level2a, to_level2b
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.nonlinearity import HIGHEST_SANE, LOWEST_SANE
from levelworks.coronagraph.options import CalibrateFrame
from levelworks.coronagraph.products import write_level2a, write_level2b
from levelworks.coronagraph.readers import Level1Frame, read_level1
from levelworks.coronagraph.references import ReferenceFiles, load_references

SATURATED, COSMIC_RAY, MASKED = (np.uint16(bits) for bits in (DQ.SATURATED, DQ.COSMIC_RAY, UNUSABLE))

PeerFiles = tuple[Path | None, Path | None, Path | None, Path | None]


def calibrate_frame(
    frame: Path,
    references: ReferenceFiles,
    level2a: Path | None,
    level2b: Path,
    peer: PeerFiles,
    options: CalibrateFrame,
) -> Outcome:
    """Calibrate a frame and write the files asked for.

    Parameters
    ----------
    peer : tuple of Path or None
        Level 2a image and map, Level 2b image and map of the peer's view.

    Raises
    ------
    InvalidInput
        Where the frame can't be used.
    InvalidReference
        Where a reference would make the result wrong.
    """
    raw = read_level1(frame)
    image = raw.geometry.image
    setting = (raw.header.gain, raw.header.exposure_time)
    strict = options.compat != "iit"
    loaded, notes = load_references(references, (image.rows, image.columns), *setting, strict=strict)
    linear = to_level2a(raw, loaded.curve, options, precision=options.precision)
    final = to_level2b(linear, loaded, options)
    files = {"frame": [frame], **{role: [path] for role, path in references.items()}}
    if level2a is not None:
        write_level2a(level2a, raw, linear, final.errors.counts_error, options, files)
    write_level2b(level2b, raw, linear, final, options, files)
    if any(peer):
        _write_peer_view(peer, raw, linear, final, references, options)
    return Outcome(quality=_quality(raw, linear, final), warnings=(*notes, *_warnings(linear, options)))


def _summarise(dq: np.ndarray, image: np.ndarray) -> tuple[int, int, int, float]:
    """Return numbers of saturated, cosmic-ray and usable pixels, and the sum of the usable ones."""
    masked = (dq & MASKED) != 0
    flags = dq[masked]
    saturated, cosmic = (int(np.count_nonzero(flags & bit)) for bit in (SATURATED, COSMIC_RAY))
    total = float(image.sum())
    # Few are masked: their sum is quickly taken off, unless it holds values that are no numbers.
    total = total - float(image[masked].sum()) if np.isfinite(total) else float(image[~masked].sum())
    return saturated, cosmic, dq.size - flags.size, total


def _quality(raw: Level1Frame, linear: Level2a, final: Level2b) -> dict[str, Any]:
    overscan = raw.geometry.parallel_overscan
    rows = slice(overscan.row, overscan.row + overscan.rows - raw.geometry.telemetry_rows)
    shielded = raw.counts(rows, slice(overscan.column, overscan.column + overscan.columns))
    saturated, cosmic, good, total = _summarise(final.dq, final.electrons)
    size = final.dq.size
    figures = {
        "gain": linear.gain,
        "exposure_time_s": linear.exposure_time,
        "bias_median_dn": float(np.median(linear.bias.level)),
        "bias_sd_dn": float(np.std(linear.bias.level)),
        "bias_rows_replaced": int(linear.bias.replaced.sum()),
        "read_noise_e": linear.read_noise,
        "overscan_median_dn": float(np.median(shielded[:: max(shielded.shape[0] // 16, 1)])),
        "saturated_share": saturated / size,
        "cosmic_ray_heads": linear.heads,
        "cosmic_ray_share": cosmic / size,
        "masked_share": 1 - good / size,
        "mean_e": total / max(good, 1),
        "desmeared": final.desmeared,
    }
    if linear.coverage is not None:
        figures["below_table_share"] = linear.coverage.below
        figures["above_table_share"] = linear.coverage.above
        figures["strange_factor_share"] = linear.coverage.strange
    return figures


def _warnings(linear: Level2a, options: CalibrateFrame) -> list[str]:
    warnings = []
    coverage = linear.coverage
    if coverage is not None and coverage.strange > options.max_out_of_table:
        warnings.append(
            f"{100 * coverage.strange:.1f} % of the pixels are multiplied by a nonlinearity factor outside "
            f"{LOWEST_SANE:g}..{HIGHEST_SANE:g}; {100 * coverage.below:.1f} % lie below the table's lowest count and "
            "get its first factor: the table is not valid for this frame"
        )
    elif coverage is not None and coverage.above > options.max_out_of_table:
        warnings.append(f"{100 * coverage.above:.1f} % of the pixels lie above the nonlinearity table's highest count")
    replaced = int(linear.bias.replaced.sum())
    if replaced > 0.05 * linear.bias.replaced.size:
        warnings.append(f"the bias of {replaced} rows was far from their neighbours' and was replaced by theirs")
    return warnings


def _write_peer_view(
    peer: PeerFiles,
    raw: Level1Frame,
    linear: Level2a,
    final: Level2b,
    references: ReferenceFiles,
    options: CalibrateFrame,
) -> None:
    from levelworks.coronagraph.peer_view import bad_pixel_map, detector_cards, write_peer_file

    names = {role: path.name for role, path in references.items()}
    record = read_record(references.dark) if references.dark else None
    if record:
        names |= {role: Path(entries[0]["path"]).name for role, entries in record["inputs"].items() if entries}
    detector = detector_cards(linear.k_gain, options.register_full_well, linear.pixel_full_well, options.bias_offset)
    cards = {"MEDIAN_COMBINED": False, "MEAN_COMBINED": False, **detector}
    contents = (
        (peer[0], linear.counts, "L2a", False),
        (peer[1], bad_pixel_map(linear.dq), "L2a", False),
        (peer[2], final.electrons, "L2b", final.desmeared),
        (peer[3], bad_pixel_map(final.dq), "L2b", final.desmeared),
    )
    for path, data, level, desmeared in contents:
        if path is not None:
            values = data.astype(np.float64) if data.dtype == np.float32 else data
            header = raw.header
            write_peer_file(
                path, values, header.primary_cards, header.image_cards, level, {**cards, "DESMEARED": desmeared}, names
            )
