"""Small products of a frame as the stages before `describe-frame` and `publish` leave them, with their records."""

from __future__ import annotations

import csv
import datetime as dt
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from levelworks.core.outcome import Outcome, Status
from levelworks.core.record import record_path
from levelworks.insar.frames.frame import Frame, FrameBurst, FrameGrid, write_frame
from levelworks.insar.network.closure_files import Judged, write_verdicts

FRAME = "108A_05330_020200"
SHAPE = (12, 16)
STEP = 0.001
WEST, NORTH = 10.0, 50.0
DATES = ("20250406", "20250418", "20250430", "20250512")
PAIRS = tuple(f"{one}_{two}" for one, two in combinations(DATES, 2))
INCIDENCE = 39.0
BOX = ((10.0, 49.9), (10.1, 49.9), (10.1, 50.0), (10.0, 50.0))


def write_raster(path, values, nodata=np.nan, **change):
    """Write one band on the frame's grid; ``change`` overrides what rasterio is told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": values.dtype,
        "crs": "EPSG:4326",
        "nodata": nodata,
        "height": values.shape[0],
        "width": values.shape[1],
        "transform": from_origin(WEST, NORTH, STEP, STEP),
    }
    with rasterio.open(path, "w", **profile | change) as file:
        file.write(values, 1)
    return path


def write_note(product, outcome=None, stage="geocode"):
    """Write the record of a product, as far as others read it."""
    outcome = outcome or Outcome()
    content = {
        "levelworks_record": 1,
        "line": "insar",
        "stage": stage,
        "outcome": outcome.status.value,
        "reason": outcome.reason,
        "warnings": list(outcome.warnings),
        "quality": outcome.quality,
        "outputs": {"product": {"path": str(product)}},
    }
    record_path(product).write_text(json.dumps(content), encoding="utf-8")
    return record_path(product)


def write_pair(folder: Path, pair: str, outcome=None, coherence=0.6):
    """Write a geocoded pair: no data in the first column, no unwrapped phase in the second either."""
    target = folder / pair
    target.mkdir(parents=True)
    if outcome is None or outcome.status is Status.DONE:
        phase = np.random.default_rng(int(pair[:8])).normal(size=SHAPE).astype(np.float32)
        phase[:, 0] = np.nan
        unwrapped = phase.copy()
        unwrapped[:, 1] = np.nan
        amount = np.full(SHAPE, round(255 * coherence), np.uint8)
        amount[:, 0] = 0
        write_raster(target / f"{pair}.geo.diff_pha.tif", phase)
        write_raster(target / f"{pair}.geo.unw.tif", unwrapped)
        write_raster(target / f"{pair}.geo.cc.tif", amount, nodata=0)
    return write_note(target, outcome)


def write_geometry_rasters(folder: Path, frame=FRAME):
    """Write the rasters of a frame: one direction to the satellite, heights of 100 to 200 m."""
    look = {"E": -np.sin(np.radians(INCIDENCE)), "N": 0.0, "U": np.cos(np.radians(INCIDENCE))}
    for name, value in look.items():
        write_raster(folder / f"{frame}.geo.{name}.tif", np.full(SHAPE, value, np.float32))
    write_raster(folder / f"{frame}.geo.inc.tif", np.full(SHAPE, INCIDENCE, np.float32))
    write_raster(folder / f"{frame}.geo.hgt.tif", np.linspace(100, 200, 192, dtype=np.float32).reshape(SHAPE))


def define_frame(path: Path, reference=dt.date(2025, 4, 6), track=108, pass_direction="ascending", name=FRAME):
    """Write the definition of a frame of four bursts."""
    bursts = [FrameBurst(swath=swath, burst_id=k, polygon=BOX) for swath in ("IW1", "IW2") for k in (230135, 230136)]
    grid = FrameGrid(step=STEP, west=WEST, south=NORTH - STEP * SHAPE[0], east=WEST + STEP * SHAPE[1], north=NORTH)
    frame = Frame(
        frame=name, track=track, pass_direction=pass_direction, reference=reference, bursts=tuple(bursts), grid=grid,
        dem="a test",
    )  # fmt: skip
    write_frame(path, frame)
    return path


def write_closure(folder: Path, verdicts, name="all"):
    """Write the verdicts of a batch of `check-closure`."""
    target = folder / name
    target.mkdir(parents=True)
    write_verdicts(target, [Judged(pair, True, verdict, 3, 0, "") for pair, verdict in verdicts.items()])
    return write_note(target, stage="check-closure")


def read_rows(path: Path, delimiter=","):
    """Read a table as mappings."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))
