"""Benchmarks of the plumes line: time and memory of a full EMIT scene, denoising, detection, and truth."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from figure import Figure
from plume_denoising import denoising, detection

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

if TYPE_CHECKING:
    from plume_truth import Found

LINE = "plumes"
FIFTY = {"narrow": {"ch4": [(2122.0, 2488.0)]}, "primary": "narrow", "windows": "primary"}
"""The 50 bands of EMIT in the window of the official target."""
TRUTH_SEED = 770_000
"""Of scenes that nothing was fitted to or chosen by."""
TRIALS = {"EMIT": 60, "EnMAP": 12, "PRISMA": 12}


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="levelworks-bench-"))


@cache
def _scene() -> tuple[Path, Path, Path]:
    """Simulate a full EMIT scene of three plumes; return radiance, observations and absorption."""
    from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
    from levelworks.plumes.retrieval.retrieval_options import Absorption
    from levelworks.plumes.simulation.simulate import SceneDescription
    from levelworks.plumes.simulation.simulated_scenes import simulate_emit
    from levelworks.plumes.simulation.transport import Plume, Wind

    logging.getLogger("levelworks").setLevel(logging.ERROR)
    plumes = [Plume(5.0, 300, 400), Plume(2.0, 800, 900), Plume(10.0, 1000, 300)]
    description = SceneDescription(surface="desert", plumes=plumes, wind=Wind(5.0, 250.0), seed=11)
    written = simulate_emit(_folder(), description)
    absorption = _folder() / "absorption.nc"
    tabulate_absorption(written.radiance, written.observations, {}, {}, absorption, Absorption())
    return written.radiance, written.observations, absorption


def _on_ranks(stage: str, ranks: int, options: dict[str, Any], *words: str) -> float:
    """Run a stage on ranks; wall seconds, the start of the processes included."""
    import json

    bin_folder = Path(sys.executable).parent
    command = [str(bin_folder / "mpiexec"), "-n", str(ranks), str(bin_folder / "levelworks"), "plumes", stage, *words]
    start = time.perf_counter()
    subprocess.run([*command, "--options", json.dumps(options)], check=True, capture_output=True)
    return time.perf_counter() - start


def _inputs() -> list[str]:
    radiance, observations, absorption = (str(path) for path in _scene())
    return ["--radiance", radiance, "--observations", observations, "--absorption", absorption]


def retrieval() -> Iterator[Figure]:
    """Retrieve a full scene, 50 bands, with flags and errors: wall seconds on two ranks, CPU seconds on one."""
    from levelworks.plumes.retrieval.retrieval_options import Retrieve
    from levelworks.plumes.retrieval.retrieve_stage import retrieve

    radiance, observations, absorption = _scene()
    found = _folder() / "retrieved.nc"
    walls, cpus = [], []
    for _ in range(3):
        walls.append(_on_ranks("retrieve", 2, FIFTY, *_inputs(), "--enhancement", str(found)))
        start = time.process_time()
        retrieve(radiance, observations, None, None, absorption, None, found, Retrieve(**FIFTY))  # type: ignore[arg-type]
        cpus.append(time.process_time() - start)
    yield Figure(LINE, "retrieve", min(walls), "s on 2 cores", 3, 6.0)
    peer = "SPy's matched filter alone, column by column, no reading, no errors"
    yield Figure(LINE, "retrieve-cpu", min(cpus), "CPU s", 3, peer=peer, peer_value=_spy())


def _spy(columns: int = 60) -> float:
    """Filter some columns of 50 bands with SPy; CPU seconds of all 1242."""
    import spectral

    from levelworks.plumes.readers.open_scene import open_scene

    with open_scene(*_scene()[:2]) as scene:
        bands = scene.spectral.within([(2122.0, 2488.0)])
        spectra = scene.read(range(columns), bands)
        total = scene.columns
    spectra = np.nan_to_num(spectra, nan=0.3).astype(float)
    target = spectra.mean(axis=(0, 1)) * 0.99
    start = time.process_time()
    for column in spectra:
        background = spectral.calc_stats(column[:, None, :])
        spectral.matched_filter(column[:, None, :], target, background)
    return (time.process_time() - start) * total / columns


def level2() -> Iterator[Figure]:
    """Take a full scene from radiance to Level 2 by the defaults, both passes and windows; wall seconds and memory."""
    from levelworks.core.stage import run, stages

    known, folder = stages(LINE), _folder()
    radiance, observations, absorption = _scene()

    def call(stage: str, **paths: Path) -> None:
        run(known[stage], {name: [path] for name, path in paths.items()}, known[stage].options())

    first, excluded, second = (folder / f"{name}.nc" for name in ("first", "excluded", "second"))
    denoised, labels, level = (folder / f"{name}.nc" for name in ("denoised", "labels", "level2"))
    steps: dict[str, Callable[[], object]] = {
        "absorption": lambda: call(
            "absorption", radiance=radiance, observations=observations, absorption=folder / "table.nc"
        ),
        "retrieve": lambda: _on_ranks("retrieve", 2, {"windows": "primary"}, *_inputs(), "--enhancement", str(first)),
        "mask-plumes": lambda: call("mask-plumes", retrieval=first, excluded=excluded),
        "retrieve-again": lambda: _on_ranks(
            "retrieve-again", 2, {}, *_inputs(), "--excluded", str(excluded), "--enhancement", str(second)
        ),
        "denoise": lambda: call("denoise", retrieval=second, denoised=denoised),
        "detect-plumes": lambda: call(
            "detect-plumes",
            retrieval=second,
            absorption=absorption,
            radiance=radiance,
            labels=labels,
            plumes=folder / "plumes.geojson",
        ),
        "orthorectify": lambda: call("orthorectify", retrieval=second, denoised=denoised, labels=labels, level2=level),
    }
    total = 0.0
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        seconds = time.perf_counter() - start
        total += seconds
        yield Figure(LINE, f"level2: {name}", seconds, "s", 1)
    yield Figure(LINE, "level2", total, "s on 2 cores", 1, 30.0)
    peaks = [resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    yield Figure(LINE, "memory", max(peaks), "GB, the largest process", 1, 4.0)


def _trial(case: Any) -> Found:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from plume_truth import run

    with tempfile.TemporaryDirectory() as name:
        return run(case, Path(name))


def truth() -> Iterator[Figure]:
    """Retrieve, detect and quantify plumes of known rates: mass, rates within their errors, detection, false plumes."""
    from plume_truth import cases

    for sensor, count in TRIALS.items():
        with ProcessPoolExecutor(2) as pool:
            found = list(pool.map(_trial, cases(sensor, count, TRUTH_SEED)))  # type: ignore[arg-type]
        yield from _judge(sensor, found)


def _judge(sensor: str, found: list[Found]) -> Iterator[Figure]:
    seen = [one for one in found if np.isfinite(one.recovered) and one.error < WELL_SEEN]
    recovered, masses = np.array([one.recovered for one in seen]), np.array([one.true_mass for one in seen])
    chance = float(recovered.std(ddof=1) / np.sqrt(recovered.size))
    yield Figure(LINE, f"truth {sensor}: mass, off by", abs(float(recovered.mean()) - 1) * 100, "%", len(seen), 5.0)
    yield Figure(LINE, f"truth {sensor}: standard error of that", chance * 100, "%", len(seen))
    weighted = float((recovered * masses).sum() / masses.sum())
    yield Figure(
        LINE, f"truth {sensor}: mass of all plumes together, off by", abs(weighted - 1) * 100, "%", len(seen), 5.0
    )
    for name, values in (
        ("albedo", [one.albedo for one in seen]),
        ("wind", [one.case.speed for one in seen]),
        ("sun", [one.case.sun_zenith for one in seen]),
    ):
        unsure = np.hypot([one.error for one in seen], SURFACE)
        slope, error = _trend(np.array(values), recovered, 1 / unsure**2)
        yield Figure(LINE, f"truth {sensor}: trend with {name}", abs(slope / error), "standard errors", len(seen), 2.0)
    for method in ("ime", "csf"):
        rates = [(one.case.rate, *one.rates[method]) for one in found if method in one.rates]
        within = float(np.mean([abs(rate - true) <= error for true, rate, error in rates]))
        yield Figure(LINE, f"truth {sensor}: {method} within 1 sigma", within * 100, "% (60 to 76)", len(rates))
        ratio = float(np.median([rate / true for true, rate, _ in rates]))
        yield Figure(LINE, f"truth {sensor}: {method} over truth, median", ratio, "1", len(rates))
    for rate in sorted({one.case.rate for one in found}):
        hits = [bool(one.rates) for one in found if one.case.rate == rate]
        yield Figure(LINE, f"truth {sensor}: found of {rate:g} t/h", 100 * float(np.mean(hits)), "%", len(hits))
    false = sum(len(one.false_scores) for one in found) / sum(one.pixels for one in found) * 1280 * 1242
    yield Figure(LINE, f"truth {sensor}: false plumes in as many pixels as an EMIT scene", false, "plumes", len(found))


WELL_SEEN = 0.2
"""Largest standard error of a mass that counts: weaker plumes are lost in noise."""


SURFACE = 0.05
"""What surfaces add to the error of a mass, in parts of it: no plume counts for more than that allows."""


def _trend(values: np.ndarray, recovered: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the slope of what is recovered over a quantity and its standard error, by weighted least squares."""
    away = values - np.average(values, weights=weights)
    spread = float((weights * away**2).sum())
    slope = float((weights * away * recovered).sum()) / spread
    left = recovered - np.average(recovered, weights=weights) - slope * away
    return slope, float(np.sqrt((weights * left**2).sum() / (len(values) - 2) / spread))


BENCHMARKS = {
    "retrieve": retrieval,
    "level2": level2,
    "denoise": denoising,
    "detection": detection,
    "truth": truth,
}
