"""Along-track motion of a pair as files: a table of overlaps (CSV), and rasters on the frame's grid (GeoTIFF)."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.insar.displacement.coregistered_pair import Added
from levelworks.insar.displacement.overlap_motion import OverlapLayers, OverlapMotion
from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.geotiffs import coherence_bytes, write_raster
from levelworks.insar.geocoding.interpolation import geocode_complex, geocode_values

COLUMNS = (
    "first_burst",
    "second_burst",
    "latitude",
    "longitude",
    "along_track_m",
    "sigma_m",
    "taken_out_m",
    "absolute_m",
    "absolute_sigma_m",
    "period_m",
    "m_per_line",
    "doppler_difference_hz",
    "cells",
    "cells_used",
    "coherence",
    "degraded",
)
SIGN = "positive along the flight, of the later date's ground"
MILLIMETRES = 1000.0


@dataclass(frozen=True)
class MeasuredOverlap:
    """An overlap's mean, its layers, the rows and columns of radar cells that they are of, and its middle (degrees)."""

    motion: OverlapMotion
    layers: OverlapLayers
    cells: tuple[slice, slice]
    centre: tuple[float, float]


def table_name(pair: str) -> str:
    """Return the name of the table of a pair."""
    return f"{pair}.bovldiff.csv"


def write_table(path: Path, overlaps: Sequence[MeasuredOverlap], added: Added) -> None:
    """Write a row an overlap; what is not known is empty.

    ``along_track_m`` is the motion beyond what coregistration took out of the whole date, ``absolute_m`` their sum.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for overlap in overlaps:
            one = overlap.motion
            taken = added.line * one.spacing
            sigma = None if added.line_sigma is None else math.hypot(one.sigma, added.line_sigma * one.spacing)
            figures = (one.metres, one.sigma, taken, one.metres + taken, sigma, one.period, one.spacing)
            rows.writerow(
                [
                    one.first,
                    one.second,
                    *(f"{degrees:.5f}" for degrees in overlap.centre),
                    *(_text(value) for value in figures),
                    f"{one.doppler:.3f}",
                    one.cells,
                    one.used,
                    f"{one.coherence:.5f}",
                    one.degraded,
                ]
            )


def _text(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6f}"


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the table of a pair, a mapping an overlap."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def geocode_along_track(
    folder: Path,
    pair: str,
    overlaps: Sequence[MeasuredOverlap],
    shape: tuple[int, int],
    lookup: np.ndarray,
    grid: FrameGrid,
    taken_out: float,
) -> float:
    """Write ``<pair>.geo.bovldiff.tif`` (rad), ``.mm.tif``, ``.mm_sigma.tif`` (mm) and ``.cc.tif`` (uint8).

    Parameters
    ----------
    folder : Path
    pair : str
    overlaps : sequence of MeasuredOverlap
    shape : tuple of int
        Rows and columns of radar cells of the frame.
    lookup : ndarray, shape (2, rows, columns), float32
    grid : FrameGrid
    taken_out : float
        m that coregistration took out of the pair.

    Returns
    -------
    float
        Share of the cells that the frame sees that overlaps cover.
    """
    layers = {name: np.full(shape, np.nan, np.float32) for name in ("phase", "turning", "sigma", "coherence")}
    for one in overlaps:
        for name, layer in layers.items():
            part = getattr(one.layers, name)
            layer[one.cells] = np.where(np.isfinite(part), part, layer[one.cells])
    unit = np.where(np.isfinite(layers["phase"]), np.exp(1j * np.nan_to_num(layers["phase"])), 0)
    found = geocode_complex(unit.astype(np.complex64), lookup)
    phase = np.where(found != 0, np.angle(found), np.nan).astype(np.float32)
    turning = geocode_values(layers["turning"], lookup)
    sigma = geocode_values(layers["sigma"], lookup, (0.0, np.inf))
    coherence = geocode_values(layers["coherence"], lookup, (0.0, 1.0))
    tags = {
        "PAIR": pair,
        "SIGN": SIGN,
        "TAKEN_OUT_BY_COREGISTRATION_MM": f"{MILLIMETRES * taken_out:.3f}",
        "PERIOD_MM": f"{MILLIMETRES * 2 * np.pi * float(np.nanmedian(layers['turning'])):.1f}",
    }

    def write(name: str, values: np.ndarray, units: str, nodata: float = math.nan) -> None:
        write_raster(folder / f"{pair}.geo.{name}.tif", [values], grid, nodata=nodata, units=units, tags=tags)

    write("bovldiff", phase, "rad")
    write("bovldiff.mm", (MILLIMETRES * turning * phase).astype(np.float32), "mm")
    write("bovldiff.mm_sigma", (MILLIMETRES * sigma).astype(np.float32), "mm")
    write("bovldiff.cc", coherence_bytes(np.where(np.isfinite(phase), coherence, np.nan)), "1/255", 0)
    return float(np.isfinite(phase).sum() / max(np.isfinite(lookup[0]).sum(), 1))
