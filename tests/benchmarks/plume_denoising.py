"""Benchmarks of denoising and detection: CPU time beside scikit-image as HyperGas calls it, false plumes, bias."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

LINE = "plumes"
SCENE = (1280, 1242)


def simulated_scene(seed: int, plumes: int = 20) -> np.ndarray:
    """Return the enhancement of a full EMIT scene with plumes of 3 to 20 t h-1 (mol m-2)."""
    from plume_fields import clutter, gaussian_plume

    rng = np.random.default_rng(seed)
    field = clutter(rng, SCENE)
    for _ in range(plumes):
        row, column = (int(rng.integers(0, n - 200)) for n in SCENE)
        source = rng.uniform(60, 140, 2)
        plume = gaussian_plume((200, 200), source, rng.uniform(3, 20), 5.0, rng.uniform(0, 6.28), split=2)
        field[row : row + 200, column : column + 200] += plume.astype(np.float32)
    return field


def denoising(repeats: int = 3) -> Iterator[Figure]:
    """Denoise a full scene, and do what HyperGas does with scikit-image: 50 strengths, then the invariant estimate."""
    from skimage.restoration import calibrate_denoiser, denoise_tv_chambolle

    from levelworks.plumes.detection.denoise import clip_isolated, denoise_field

    field = simulated_scene(201)
    denoise_field(field[:100, :100])
    ours = []
    for _ in range(repeats):
        start = time.process_time()
        denoise_field(field)
        ours.append(time.process_time() - start)
    start = time.process_time()
    clipped = clip_isolated(field)
    weights = np.linspace(field.std() / 10, 3 * field.std(), 50)
    calibrate_denoiser(clipped, denoise_tv_chambolle, {"weight": weights})(clipped)
    peer = time.process_time() - start
    best = min(ours)
    yield Figure(LINE, "denoise one field", best, "CPU s", repeats, peer / 8, peer="scikit-image", peer_value=peer)


def detection(scenes: int = 6, trials: int = 20) -> Iterator[Figure]:
    """Count false plumes in clutter alone, find plumes of 2.5 t h-1, and measure the noise that masks choose."""
    from plume_fields import clutter, gaussian_plume

    from levelworks.plumes.detection.detect import Criteria, find_plumes

    criteria, rng = Criteria(), np.random.default_rng(202)
    start = time.process_time()
    false = [find_plumes(clutter(rng, SCENE, 0.0062, 0.005), criteria).count for _ in range(scenes)]
    seconds = (time.process_time() - start) / scenes
    yield Figure(LINE, "false plumes in a scene of clutter", float(np.mean(false)), "plumes", scenes, 0.5)
    yield Figure(LINE, "detect plumes of one field, clutter simulated", seconds, "CPU s", scenes, 5.0)
    for white, correlated in ((0.008, 0.0), (0.0062, 0.005)):
        for rate in (1.0, 2.5, 5.0):
            hits, excess, mass = 0, 0.0, 0.0
            for _ in range(trials):
                truth = gaussian_plume((200, 200), rng.uniform(70, 130, 2), rate, 5.0, rng.uniform(0, 6.28))
                field = (truth + clutter(rng, truth.shape, white, correlated)).astype(np.float32)
                labels = find_plumes(field, criteria).labels
                own = np.unique(labels[(truth > 0.3 * truth.max()) & (labels > 0)])
                mask = np.isin(labels, own) & (labels > 0)
                hits += bool(mask.any())
                excess += float((field - truth)[mask].sum(dtype=float))
                mass += float(truth[mask].sum())
            kind = f"{rate:g} t/h in {'correlated' if correlated else 'white'} clutter"
            target = 0.95 if rate >= 2 else None
            yield Figure(LINE, f"found of {kind}", hits / trials, "1", trials, target, at_least=True)
            bias = 100 * abs(excess) / mass if mass else 0.0
            yield Figure(LINE, f"bias of the sum over masks, {kind}", bias, "%", trials, 3.0 if rate >= 3 else None)


def figures() -> Iterator[Figure]:
    """Yield all figures."""
    yield from denoising()
    yield from detection()
