"""Benchmarks of the ard line: full images from Level 1 to the cube, and nearness to simulated truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

if TYPE_CHECKING:
    from ard_accuracy import Assessment

LINE = "ard"
LEVELWORKS = Path(sys.executable).parent / "levelworks"
LOADS = (0.05, 0.15, 0.30)
"""Aerosol optical depths of the scenes with truth."""
TRUTH_SEEDS = (660_001, 660_002, 660_003)
"""Of scenes that nothing was fitted to or chosen by."""
FORCE = {
    0.05: {"BLUE": 0.0021, "GREEN": 0.0038, "RED": 0.0031, "NIR": 0.0052, "SWIR1": 0.0044, "SWIR2": 0.0041},
    0.15: {"BLUE": 0.0032, "GREEN": 0.0014, "RED": 0.0011, "NIR": 0.0012, "SWIR1": 0.0067, "SWIR2": 0.0059},
    0.30: {"BLUE": 0.0087, "GREEN": 0.0029, "RED": 0.0052, "NIR": 0.0111, "SWIR1": 0.0103, "SWIR2": 0.0081},
}
"""Root mean square errors of force-l2ps 3.10.01 on scenes of the same recipe (specs/ard.md 26), not of this run."""
FORCE_FRAME, FORCE_MPIXEL_SENTINEL2 = 307.6, 6.8
"""CPU seconds of FORCE, a Landsat frame and a million pixels of Sentinel-2 (specs/ard.md 27), not of this run."""


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="levelworks-bench-"))


@dataclass(frozen=True)
class Usage:
    """CPU seconds and peak memory (GB) of a process."""

    cpu: float
    memory: float


def _call(*words: str) -> Usage:
    """Run the command line in a process of its own."""
    process = subprocess.Popen([str(LEVELWORKS), *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"levelworks {' '.join(words[:2])} ended with status {os.waitstatus_to_exitcode(status)}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def _chain(image: Path, dem: Path, name: str) -> dict[str, Usage]:
    """Take an image to the cube, all products and corrections on."""
    folder = _folder() / name
    folder.mkdir()
    product, tiles, cube = folder / "product", folder / "tiles", folder / "cube"
    words = ["--image", str(image), "--dem", str(dem), "--product", str(product)]
    found = {"process-image": _call(LINE, "process-image", *words, "--options", json.dumps({"water-vapour": 2.0}))}
    found["tile-image"] = _call(LINE, "tile-image", "--image", str(product), "--tiles", str(tiles))
    words = ["--tiles", str(tiles), "--merged", str(folder / "merged.json")]
    found["merge-tile"] = _call(LINE, "merge-tile", *words, "--options", json.dumps({"cube": str(cube)}))
    return found


def _full(sensor: str) -> tuple[Path, Path]:
    """Simulate a whole image over hills; return it and its elevation model."""
    folder = _folder() / f"level1-{sensor}"
    settings = ["--size", "0", "--truth", "none", "--relief", "800", "--brdf", "--seed", "31"]
    _call("simulate", LINE, "--sensor", sensor, *settings, str(folder))
    return next(folder.glob(PATTERNS[sensor])), next(folder.glob("*_truth/dem.tif"))


PATTERNS = {"landsat8": "LC08_*_T1", "sentinel2a": "S2A_*.SAFE"}


def _figures(name: str, found: dict[str, Usage], seconds: float, memory: float, peer: float) -> Iterator[Figure]:
    for stage, usage in found.items():
        yield Figure(LINE, f"{name}: {stage}", usage.cpu, "CPU s", 1)
        yield Figure(LINE, f"{name}: {stage}, memory", usage.memory, "GB", 1)
    total = sum(usage.cpu for usage in found.values())
    yield Figure(LINE, name, total, "CPU s", 1, seconds, peer="force-l2ps 3.10.01, measured apart", peer_value=peer)
    yield Figure(LINE, f"{name}: memory", max(usage.memory for usage in found.values()), "GB", 1, memory)


def frame() -> Iterator[Figure]:
    """Take a Landsat 8 frame of 60 million pixels to the cube."""
    found = _chain(*_full("landsat8"), "landsat-frame")
    yield from _figures("landsat-frame", found, 180.0, 1.2, FORCE_FRAME)


def tile() -> Iterator[Figure]:
    """Take a Sentinel-2 tile of 13 bands to the cube."""
    found = _chain(*_full("sentinel2a"), "sentinel2-tile")
    yield from _figures("sentinel2-tile", found, 480.0, 3.0, FORCE_MPIXEL_SENTINEL2 * 120.56)


def _assessed(
    sensor: str, load: float, seed: int, size: int, *, parallax: bool = False
) -> tuple[Assessment, dict[str, Any]]:
    """Simulate a scene, process it, and compare.

    6S stands for one view of all bands, so that scenes of Sentinel-2 are either of 6S, without clouds, or have clouds
    and parallax, and the air of the tables.
    """
    from ard_accuracy import assess

    from levelworks.ard.image_options import ProcessImage
    from levelworks.ard.image_stage import Ancillary, process
    from levelworks.ard.simulation.scene_description import Air, Clouds, Landscape, SceneDescription
    from levelworks.ard.simulation.simulate import simulate

    folder = Path(tempfile.mkdtemp(dir=_folder()))
    landsat = sensor == "LND08"
    air = Air(aod=load, source="tables" if parallax else "sixs", water_vapour=2.0 if landsat else 2.5)
    scene = simulate(
        SceneDescription(
            sensor=sensor, rows=size, columns=size, terrain=False, adjacency=False, seed=seed, sun_zenith=43.0,
            day=date(2018, 8, 24), view=None if parallax else (5.0, 90.0), landscape=Landscape(seed=seed),
            clouds=Clouds() if landsat or parallax else Clouds(cover=0.0), air=air,
        ),
        folder,
    )  # fmt: skip
    options = {"water_vapour": 2.0} if landsat else {}
    done = process(
        scene.path,
        Ancillary(),
        folder / "product",
        ProcessImage(brdf_correction=False, adjacency_correction=False, **options),
    )
    return assess(scene, folder / "product", done.quality["scene_aod"]), done.quality


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def accuracy() -> Iterator[Figure]:
    """Compare simulated Landsat 8 scenes (6S, noise on) with their truth: aerosol, reflectance, masks."""
    masks: list[Assessment] = []
    for load in LOADS:
        found = [_assessed("LND08", load, seed, 1200)[0] for seed in TRUTH_SEEDS]
        masks += found
        worst = max(abs(one.aod_error) for one in found)
        yield Figure(LINE, f"truth AOD {load:.2f}: AOD off by, worst", worst, "1", len(found), 0.03)
        for band, force in FORCE[load].items():
            error = _mean([one.bands[band].uncertainty for one in found])
            yield Figure(
                LINE, f"truth AOD {load:.2f}: U {band}", 1e4 * error, "1e-4", len(found), round(5e3 * force, 1),
                peer="force-l2ps 3.10.01, measured apart", peer_value=round(1e4 * force, 1),
            )  # fmt: skip
        inside = min(band.within for one in found for band in one.bands.values())
        yield Figure(
            LINE, f"truth AOD {load:.2f}: in specification, worst band", 100 * inside, "%", len(found), 100.0, True
        )
    yield from _mask_figures("truth", masks)


def _mask_figures(name: str, found: list[Assessment]) -> Iterator[Figure]:
    many = len(found)
    for label, values, bound in (
        ("cloud overall accuracy", [one.cloud.overall for one in found], 99.0),
        ("cloud user's accuracy", [one.cloud.user for one in found], 95.0),
        ("cloud producer's accuracy", [one.cloud.producer for one in found], None),
        ("shadow producer's accuracy", [one.shadow.producer for one in found], 80.0),
        ("shadow user's accuracy", [one.shadow.user for one in found], 60.0),
    ):
        yield Figure(LINE, f"{name}: {label}", 100 * _mean(values), "%", many, bound, True)
    bright = max(one.bright_soil_as_cloud for one in found)
    yield Figure(LINE, f"{name}: bright soil called cloud, worst", 100 * bright, "%", many, 2.0)
    flagged = _mean([one.clear_flagged for one in found])
    yield Figure(LINE, f"{name}: clear pixels flagged, buffers included", 100 * flagged, "%", many)


def sentinel2() -> Iterator[Figure]:
    """Compare simulated Sentinel-2 scenes with their truth: water vapour and aerosol by 6S, clouds by parallax."""
    found, vapour = [], []
    for seed in TRUTH_SEEDS:
        assessment, quality = _assessed("SEN2A", 0.15, seed, 1500)
        found.append(assessment)
        vapour.append(quality["water_vapour_g_cm2"] / 2.5 - 1)
    worst = max(abs(one) for one in vapour)
    yield Figure(LINE, "truth Sentinel-2: water vapour off by, worst", 100 * worst, "%", len(found), 10.0)
    worst = max(abs(one.aod_error) for one in found)
    yield Figure(LINE, "truth Sentinel-2: AOD off by, worst", worst, "1", len(found), 0.03)
    for band in ("BLUE", "GREEN", "RED", "BROADNIR", "NIR", "SWIR1", "SWIR2"):
        error = _mean([one.bands[band].uncertainty for one in found])
        yield Figure(LINE, f"truth Sentinel-2: U {band}", 1e4 * error, "1e-4", len(found))
    clouds = [_assessed("SEN2A", 0.15, seed, 1500, parallax=True)[0] for seed in TRUTH_SEEDS]
    yield from _mask_figures("truth Sentinel-2", clouds)


BENCHMARKS = {"landsat-frame": frame, "sentinel2-tile": tile, "accuracy": accuracy, "sentinel2": sentinel2}
