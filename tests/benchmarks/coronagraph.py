"""Benchmarks of the coronagraph line: CPU time, peak memory, and ratios to peers in the same run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from figure import Figure

LINE = "coronagraph"
FRAMES = 30


def _cpu() -> float:
    return time.process_time()


def _calibrate(folder: Path, options: dict[str, object]) -> list[float]:
    """Calibrate every frame of a folder in this process through the whole stage; CPU milliseconds of each."""
    from levelworks.core.allocation import keep_freed_memory
    from levelworks.core.stage import run, stages

    keep_freed_memory()
    logging.getLogger("levelworks").setLevel(logging.ERROR)
    stage = stages(LINE)["calibrate-frame"]
    model = stage.options(**options)
    references = folder / "references"
    times = []
    for frame in sorted(folder.glob("cgi_*_l1_.fits")):
        products = folder / "products"
        files = {
            "frame": [frame],
            "dark": [folder / "dark.fits"],
            "nonlinearity": [references / "nonlinearity.csv"],
            "flat": [references / "flat.fits"],
            "level2a": [products / f"{frame.stem}_L2a.fits"],
            "level2b": [products / f"{frame.stem}_L2b.fits"],
        }
        os.utime(frame)  # a frame never seen before: its checksum is taken anew
        start = _cpu()
        run(stage, files, model)
        times.append(1e3 * (_cpu() - start))
        for product in products.iterdir():
            product.unlink()
    return times


def _simulated(folder: Path, frames: int) -> None:
    from levelworks.cli import main
    from levelworks.coronagraph.simulate import simulate_dataset

    simulate_dataset(folder, frames=frames, gain=1000.0, exposure_time=5.0, generation="flight", seed=1)
    references = folder / "references"
    words = [LINE, "make-dark", "--dark", folder / "dark.fits", "--options", '{"gain": 1000, "exposure_time": 5}']
    for role in ("fixed_pattern", "dark_current", "clock_induced_charge"):
        words += [f"--{role.replace('_', '-')}", references / f"{role}.fits"]
    if main([str(word) for word in words]):
        raise RuntimeError("make-dark failed")


def _corgidrp(folder: Path) -> dict[str, float]:
    """Run corgidrp on the first frames of a folder where PEER_PYTHON names a Python that has it; else nothing."""
    interpreter = os.environ.get("PEER_PYTHON")
    if not interpreter:
        return {}
    few = folder / "few"
    few.mkdir()
    for name in ("dark.fits", "references", *(path.name for path in sorted(folder.glob("cgi_*_l1_.fits"))[:8])):
        (few / name).symlink_to(folder / name)
    script = Path(__file__).with_name("peer_corgidrp.py")
    done = subprocess.run([interpreter, str(script), str(few)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def frames() -> Iterator[Figure]:
    """CPU time of a frame in a warm process: read, calibrated, both levels and records written and flushed.

    The peer, in its own process and warm too, reads, calibrates and writes Level 2b alone, without shot noise.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _simulated(folder, FRAMES)
        peer = _corgidrp(folder)
        _calibrate(folder, {"desmear": "off"})
        plain, smeared = [], []
        for _ in range(3):
            plain += _calibrate(folder, {"desmear": "off"})
            smeared += _calibrate(folder, {"desmear": "on"})
        lean = _calibrate(folder, {"desmear": "off", "error_components": False})
    value, more = float(np.median(plain)), float(np.median(smeared))
    unit, corgidrp = "ms CPU a frame", "corgidrp 5.1.1" if peer else None
    yield Figure(LINE, "calibrate-frame", value, unit, len(plain), 25, peer=corgidrp, peer_value=peer.get("plain"))
    yield Figure(LINE, "desmear", more - value, f"{unit} more", len(smeared), 3)
    yield Figure(
        LINE, "calibrate-frame-desmeared", more, unit, len(smeared), peer=corgidrp, peer_value=peer.get("desmear")
    )
    yield Figure(LINE, "calibrate-frame-lean", float(np.median(lean)), f"{unit}, no variance planes", len(lean))


def desmear_ratio() -> Iterator[Figure]:
    """The recursion beside the plain double loop over rows that the peers run."""
    from levelworks.coronagraph.desmear import desmear

    image = np.random.default_rng(0).normal(100, 10, (1024, 1024))
    desmear(image, 5.0)
    start = _cpu()
    for _ in range(20):
        ours = desmear(image, 5.0)
    value = 1e3 * (_cpu() - start) / 20
    k = 223.5e-6 / 5.0
    start = _cpu()
    smear = np.zeros_like(image)
    for r in range(image.shape[0]):
        for i in range(r + 1):
            smear[r] += k * (1 + k) ** (i - r - 1) * image[i]
    peer = 1e3 * (_cpu() - start)
    if np.abs(image - smear - ours).max() > 1e-9:
        raise RuntimeError("the recursion and the double loop differ")
    yield Figure(LINE, "desmear-recursion", value, "ms CPU", 20, peer="double loop over rows", peer_value=peer)


def combine_median() -> Iterator[Figure]:
    """Mean and median of 1,000 frames beside np.ma.median on the same stack; the medians must have the same bits."""
    from levelworks.coronagraph.combine import combine_stripe

    generator = np.random.default_rng(2)
    values = generator.normal(100, 10, (1000, 16, 1024)).astype(np.float32)
    usable = generator.random(values.shape) > 0.01
    combine_stripe(values[:10], usable[:10])
    start = _cpu()
    ours = combine_stripe(values, usable)
    value = _cpu() - start
    start = _cpu()
    peer = np.ma.median(np.ma.masked_array(values, ~usable), axis=0)
    peer_value = _cpu() - start
    if not np.array_equal(ours.median, peer.data):
        raise RuntimeError("the medians differ")
    ratio = peer_value / value
    yield Figure(LINE, "combine-median", ratio, "times np.ma.median", 1, target=6, at_least=True)
    yield Figure(LINE, "combine-stripe", value, "s CPU", 1, peer="np.ma.median", peer_value=peer_value)


def combine_memory() -> Iterator[Figure]:
    """Peak memory of combining 1,000 frames through the command, 40 files under 25 names each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _simulated(folder, 40)
        from levelworks.cli import main

        dark, table = folder / "dark.fits", folder / "references" / "nonlinearity.csv"
        names = []
        for frame in sorted(folder.glob("cgi_*_l1_.fits")):
            product = folder / f"{frame.stem}_L2b.fits"
            words = [LINE, "calibrate-frame", "--frame", frame, "--dark", dark, "--nonlinearity", table]
            words += ["--level2b", product, "--options", '{"error_components": false}']
            if main([str(word) for word in words]):
                raise RuntimeError("calibrate-frame failed")
            for copy in range(25):
                link = folder / f"{frame.stem}_{copy:02d}_L2b.fits"
                link.symlink_to(product)
                names.append(link)
        listing = folder / "frames.txt"
        listing.write_text("".join(f"{path}\n" for path in names))
        command = [sys.executable, "-m", "levelworks.cli", LINE, "combine", "--frames", f"@{listing}"]
        command += ["--mean", str(folder / "mean.fits"), "--median", str(folder / "median.fits")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"combine ended with {status}")
    yield Figure(LINE, "combine-memory", usage.ru_maxrss / 1024, "MB peak", 1000, target=1500)
    yield Figure(LINE, "combine-thousand", usage.ru_utime + usage.ru_stime, "s CPU", 1000)


def simulate() -> Iterator[Figure]:
    """CPU time of simulating a full frame with cosmic rays, truth and files."""
    from levelworks.coronagraph.simulate import simulate_dataset

    with tempfile.TemporaryDirectory() as name:
        simulate_dataset(Path(name), frames=1, gain=1000.0, exposure_time=5.0, seed=3)
        start = _cpu()
        simulate_dataset(Path(name), frames=5, gain=1000.0, exposure_time=5.0, seed=4, first_frame=1)
        value = (_cpu() - start) / 5
    yield Figure(LINE, "simulate", value, "s CPU a frame", 5, target=1.5)


BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "frames": frames,
    "desmear-recursion": desmear_ratio,
    "combine-median": combine_median,
    "combine-memory": combine_memory,
    "simulate": simulate,
}
