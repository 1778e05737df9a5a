"""Benchmarks of the insar line: kernels by the megapixel, and a pair of full-width bursts through the stages."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from figure import Figure
from insar_kernels import LINE, geometry, goldstein, interferogram, noisy_pair, resample, unwrap

LEVELWORKS = Path(sys.executable).parent / "levelworks"
PASSES = ("20250406", "20250418")
REPEATS = 3
TILED_SIDE, TILED_SEED = 4000, 6
CLOSURE_PAIRS, NEIGHBOURS, CLOSURE_SIDE = 800, 4, 500


@dataclass(frozen=True)
class Usage:
    """CPU seconds and peak memory (GB) of a process."""

    cpu: float
    memory: float


def _call(stage: str, files: dict[str, Path | Sequence[Path]], options: dict[str, object] | None = None) -> Usage:
    """Run a stage by the command line in a process of its own: start-up, checksums, records and flushing included."""
    words = [str(LEVELWORKS), LINE, stage]
    for port, paths in files.items():
        for path in [paths] if isinstance(paths, Path) else paths:
            words += [f"--{port}", str(path)]
    process = subprocess.Popen(
        [*words, "--options", json.dumps(options or {})], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"levelworks {LINE} {stage} ended with status {os.waitstatus_to_exitcode(status)}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def _apart(work: Callable[..., Any], *arguments: object) -> Any:
    """Do work in a process of its own: a process starts with its parent's peak of memory, so that of this stays low."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _prepare_burst_pair(folder: Path) -> None:
    """Compile kernels; write one burst of IW1, all of its 22,612 samples, on two days, and its frame's definition."""
    from levelworks.insar.frames.catalogue import list_bursts
    from levelworks.insar.frames.define import define_frame
    from levelworks.insar.frames.frame import Looks, write_frame
    from levelworks.insar.safe.acquisition import read_acquisition
    from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
    from levelworks.insar.simulation.simulate import simulate
    from levelworks.insar.warming import warm

    warm()
    passes = Pass(0, swaths=("IW1",)), Pass(12, PASSES[1], swaths=("IW1",))
    made = simulate(Scenario(passes, cuts("full"), seed=20), folder)
    found = read_acquisition(made.products[PASSES[0]], pixels=False)
    day = dt.date.fromisoformat(PASSES[0])
    write_frame(folder / "frame.json", define_frame(list_bursts(found), day, looks=Looks(range=20, azimuth=4)))


def burst_pair() -> Iterator[Figure]:
    """Take a full-width IW1 burst pair from SLC to the multilooked interferogram, a process a stage.

    What counts is `coregister` of either date (the reference's is read, written and summed, the secondary's resampled)
    and `form-interferogram`, all with start-up, checksums and records: CPU seconds are their sum, memory is the
    greatest of their peaks. The frame's geometry, which all its pairs share, and parsing are figures of their own.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _apart(_prepare_burst_pair, folder)
        runs = [_stages(folder, folder / f"run-{k}") for k in range(REPEATS)]
    counted = "coregister-reference", "coregister-secondary", "form-interferogram"
    for stage in runs[0]:
        cpu = float(np.median([run[stage].cpu for run in runs]))
        yield Figure(LINE, f"burst-pair: {stage}", cpu, "CPU s", REPEATS)
    cpu = float(np.median([sum(run[stage].cpu for stage in counted) for run in runs]))
    memory = max(run[stage].memory for run in runs for stage in counted)
    yield Figure(LINE, "burst-pair", cpu, "CPU s", REPEATS, 12.0)
    yield Figure(LINE, "burst-pair-memory", memory, "GB peak", REPEATS, 3.0)


def _stages(level1: Path, folder: Path) -> dict[str, Usage]:
    """Run the stages of a pair once; what was made stays, as deleting slows the file system down."""
    folder.mkdir()
    frame, heights, orbits = level1 / "frame.json", level1 / "dem.tif", sorted((level1 / "orbits").iterdir())
    usage = {}
    for day in PASSES:
        products = sorted((level1 / "products").glob(f"*_{day}T*.SAFE"))
        files = {"frame": frame, "products": products, "orbits": orbits, "acquisition": folder / f"parsed_{day}.json"}
        usage["parse-safe"] = _call("parse-safe", files)
    first, second = (folder / f"parsed_{day}.json" for day in PASSES)
    geometry = folder / "geometry.h5"
    files = {"frame": frame, "reference": first, "heights": heights, "geometry": geometry}
    usage["reference-geometry"] = _call("reference-geometry", files)
    usage["geocode-geometry"] = _call("geocode-geometry", {**files, "folder": folder / "lookup"})
    for day, own, label in zip(PASSES, (first, second), ("reference", "secondary"), strict=True):
        files = {"frame": frame, "reference": first, "secondary": own, "geometry": geometry}
        usage[f"coregister-{label}"] = _call("coregister", {**files, "folder": folder / day})
    files = {"frame": frame, "reference": first, "geometry": geometry}
    files |= {"first": folder / PASSES[0], "second": folder / PASSES[1], "interferogram": folder / "pair.h5"}
    usage["form-interferogram"] = _call("form-interferogram", files)
    return usage


def tiles() -> Iterator[Figure]:
    """Unwrap a noisy pair of 16 million cells in tiles by the stage `unwrap`, and compare its cycles with the truth."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = _apart(_write_tiled_pair, folder) / 1e6
        files = {name: folder / f"{name}.h5" for name in ("interferogram", "filtered", "unwrapped")}
        usage = _call("unwrap", {"frame": folder / "frame.json", **files}, {"domain": "radar"})
        wrong = _apart(_wrong_share, files["unwrapped"])
    yield Figure(LINE, "tiles", usage.cpu / size, f"CPU s per Mpx, {size:.0f} Mpx", 1)
    yield Figure(LINE, "tiles-memory", usage.memory, f"GB peak, {size:.0f} Mpx", 1)
    yield Figure(LINE, "tiles-wrong", 100 * wrong, "% of pixels off by a cycle", 1)


def _wrong_share(unwrapped: Path) -> float:
    from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

    found = read_unwrapped(unwrapped)
    return noisy_pair(TILED_SIDE, TILED_SEED).wrong_share(found.phase + found.about.constant)


def _write_tiled_pair(folder: Path) -> int:
    """Write a pair as `form-interferogram` and `filter-phase` leave it, and a frame; return its cells."""
    from levelworks.insar.frames.frame import Frame, FrameBurst, FrameGrid, write_frame
    from levelworks.insar.interferograms.filtered_files import filtered_writer
    from levelworks.insar.interferograms.interferogram_files import Interferogram, write_interferogram

    pair = noisy_pair(TILED_SIDE, TILED_SEED)
    cells, ones = np.exp(1j * pair.phase).astype(np.complex64), np.ones_like(pair.phase)
    layers = cells, ones, ones, np.full(cells.shape, 80, np.int32), pair.coherence, pair.coherence, ones
    write_interferogram(folder / "interferogram.h5", Interferogram(*layers, pair.looks, "_".join(PASSES)))
    with filtered_writer(folder / "filtered.h5", cells.shape, {}) as file:
        file["filtered"][:], file["coherence"][:] = cells, pair.coherence
    corners = ((10.0, 45.0), (11.0, 45.0), (11.0, 46.0), (10.0, 46.0))
    frame = Frame(
        frame="108A_05330_010000", track=108, pass_direction="ascending", reference=dt.date(2025, 4, 6),
        bursts=(FrameBurst(swath="IW1", burst_id=230135, polygon=corners),),
        grid=FrameGrid(step=0.001, west=10.0, south=45.0, east=11.0, north=46.0),
    )  # fmt: skip
    write_frame(folder / "frame.json", frame)
    return cells.size


def closure() -> Iterator[Figure]:
    """Check the closure of 800 pairs of 250,000 cells, each of some 200 dates with the four before it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _apart(_write_network, folder)
        listing = folder / "pairs.txt"
        listing.write_text("".join(f"{path}\n" for path in paths))
        usage = _call("check-closure", {"unwrapped": Path(f"@{listing}"), "folder": folder / "closure"})
    yield Figure(LINE, "closure", usage.cpu, "CPU s", len(paths))
    yield Figure(LINE, "closure-memory", usage.memory, "GB peak", len(paths))


def _write_network(folder: Path) -> list[Path]:
    """Write unwrapped pairs, whose phases are differences of dates and noise."""
    from levelworks.insar.network.epochs import Pair
    from levelworks.insar.unwrapping.unwrapped_files import About, UnwrappedPair, write_unwrapped

    rng = np.random.default_rng(800)
    shape = CLOSURE_SIDE, CLOSURE_SIDE
    about = About("geographic", 0.0, "flow", 1.0, 20.0, (0.001, 10.0, 40.0))
    earlier: list[tuple[dt.date, np.ndarray]] = []
    paths: list[Path] = []
    day = dt.date(2018, 1, 1)
    while len(paths) < CLOSURE_PAIRS:
        phase = rng.normal(0, 3, shape).astype(np.float32)
        for before, other in earlier[: CLOSURE_PAIRS - len(paths)]:
            noisy = phase - other + rng.normal(0, 0.2, shape).astype(np.float32)
            paths.append(folder / f"{Pair(before, day)}.h5")
            layers = noisy, np.ones(shape, np.uint16), np.full(shape, 0.6, np.float32)
            write_unwrapped(paths[-1], UnwrappedPair(*layers, about))
        earlier = [*earlier, (day, phase)][-NEIGHBOURS:]
        day += dt.timedelta(12)
    return paths


BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "resample": resample,
    "geometry": geometry,
    "interferogram": interferogram,
    "goldstein": goldstein,
    "unwrap": unwrap,
    "burst-pair": burst_pair,
}
ON_REQUEST: dict[str, Callable[[], Iterator[Figure]]] = {"tiles": tiles, "closure": closure}
"""Those of minutes, run where they are named."""
