"""Benchmarks of the insar line's kernels on one thread: CPU seconds of a million pixels, inputs from fixed seeds."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from figure import Figure

if TYPE_CHECKING:
    from levelworks.insar.orbits.state_vectors import OrbitArc
    from levelworks.insar.refinement.burst_pair import BurstPair
    from levelworks.insar.safe.burst import Burst

LINE = "insar"
SAMPLES = 8192
"""Of a burst of IW1, that kernels at full resolution are measured on: 12 million pixels."""
HEIGHT = 120.0
LOOKS = (4, 20)
REPEATS = 7


def _measure(work: Callable[[], object], size: float, repeats: int = REPEATS) -> float:
    """Return the median CPU seconds of a call, by its size; one call before has the code compiled and loaded."""
    work()
    seconds = []
    for _ in range(repeats):
        start = _cpu()
        work()
        seconds.append(_cpu() - start)
    return float(np.median(seconds)) / size


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that ended: SNAPHU is one."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _burst_pair() -> BurstPair:
    """Return a burst of the two real passes over level ground."""
    from levelworks.insar.geometry.elevation import level
    from levelworks.insar.refinement.burst_pair import burst_ground, burst_pair

    (one, arc), (two, later) = _bursts("20250406", "20250418")
    return burst_pair(one, two, (arc, later), burst_ground(one, arc, level(HEIGHT)))


def _bursts(*templates: str) -> Iterator[tuple[Burst, OrbitArc]]:
    """Yield a burst of IW1, and the orbit over it, of the real passes that the simulator has as templates."""
    from levelworks.insar.safe.manifest import parse_manifest
    from levelworks.insar.simulation.annotation_xml import Cut
    from levelworks.insar.simulation.passes import make_pass
    from levelworks.insar.simulation.scenario import FIRST_BURST, Pass

    for days, template in enumerate(templates):
        made = make_pass(Pass(12 * days, template))
        manifest = parse_manifest(made.template.manifest, made.template.day)
        burst = made.bursts("IW1", Cut(FIRST_BURST, 1, 0, SAMPLES), manifest)[0]
        yield burst, made.arc(burst)


def _noise(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return complex64 white noise of the amplitude of digital numbers."""
    parts = np.random.default_rng(seed).standard_normal((*shape, 2), np.float32)
    return (100 * parts).view(np.complex64)[..., 0]


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what programs print from standard output, which is for figures."""
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def resample() -> Iterator[Figure]:
    """Resample a secondary burst to the reference's pixels, its carrier taken off before and put on there."""
    from levelworks.insar.resampling.resample import resample_burst

    pair = _burst_pair()
    lines = 0, pair.reference.lines
    pixels = _noise((pair.secondary.lines, pair.secondary.samples), 1)

    def work() -> None:
        pair.carriers[1].remove(pixels)  # in place: noise stays noise
        resample_burst(pixels, pair.secondary, pair.carriers[1], pair.offsets, pair.reference.samples, lines)

    yield Figure(LINE, "resample", _measure(work, pixels.size / 1e6), "CPU s per Mpx", REPEATS, 0.12)


def geometry() -> Iterator[Figure]:
    """Locate a million points of the ground under a burst on the orbit: zero-Doppler times and slant ranges."""
    from levelworks.insar.geometry.elevation import level
    from levelworks.insar.geometry.geo2rdr import geo2rdr
    from levelworks.insar.geometry.rdr2geo import rdr2geo

    ((burst, arc),) = _bursts("20250406")
    lines, samples = np.linspace(0, burst.lines - 1, 1000), np.linspace(0, burst.samples - 1, 1000)
    times, ranges, ground = burst.time_of(lines), burst.range_of(samples), level(HEIGHT)
    places = rdr2geo(arc, times, ranges, ground)
    points = places[0].size / 1e6
    value = _measure(lambda: geo2rdr(arc, *places), points)
    yield Figure(LINE, "geometry", value, "CPU s per Mpoint", REPEATS, 0.108)
    value = _measure(lambda: rdr2geo(arc, times, ranges, ground), points)
    yield Figure(LINE, "geometry: radar to ground", value, "CPU s per Mpoint", REPEATS)


def interferogram() -> Iterator[Figure]:
    """Form a burst pair's interferogram, take off the phase of orbits and heights, sum it and powers over looks."""
    from levelworks.insar.interferograms.look_sums import look_sums

    pair = _burst_pair()
    shape = pair.reference.lines, pair.reference.samples
    one, two = _noise(shape, 2), _noise(shape, 3)
    wavelength = pair.reference.wavelength
    value = _measure(lambda: look_sums(one, two, pair.offsets, wavelength, LOOKS), one.size / 1e6)
    yield Figure(LINE, "interferogram", value, "CPU s per Mpx", REPEATS, 0.010)


@dataclass(frozen=True)
class NoisyPair:
    """A wrapped phase (rad, float32) with the noise of its looks, its coherence (float32), and the truth (rad)."""

    phase: np.ndarray
    coherence: np.ndarray
    truth: np.ndarray
    looks: float

    def wrong_share(self, unwrapped: np.ndarray) -> float:
        """Return the share of pixels that are off the truth by other whole cycles than most."""
        off = np.round((unwrapped - self.truth) / (2 * np.pi))
        return float(np.mean(off != np.median(off)))


def noisy_pair(side: int, seed: int, looks: int = 12, mean: float = 0.45) -> NoisyPair:
    """Draw a pair like that of specs/insar.md 10: smooth air and a bowl, coherence about 0.45, residues in 3 %.

    The interferogram is the sum over looks of correlated Gaussian pairs, drawn whole (Wishart's distribution by
    Bartlett's decomposition), so that no look is drawn by itself.
    """
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    few = max(side // 8, 1)
    scale = side / few
    fields = [ndimage.gaussian_filter(rng.standard_normal((few, few)), 1000 / part / scale) for part in (16, 30)]
    smooth = [ndimage.zoom(one / one.std(), scale, order=3, mode="nearest", grid_mode=True) for one in fields]
    y, x = np.mgrid[:side, :side] / side
    truth = 6 * smooth[0] + 25 * np.exp(-((x - 0.5) ** 2 + (y - 0.45) ** 2) / 0.03)
    coherence = np.clip(mean + 0.15 * smooth[1], 0.05, 0.95)
    first = rng.gamma(looks, size=(side, side))
    across = (rng.standard_normal((side, side, 2)) @ [1, 1j]) / np.sqrt(2) * np.sqrt(first)
    total = coherence * first + np.sqrt(1 - coherence**2) * across
    phase = np.angle(total * np.exp(1j * truth)).astype(np.float32)
    return NoisyPair(phase, coherence.astype(np.float32), truth, float(looks))


def goldstein() -> Iterator[Figure]:
    """Filter a noisy interferogram of a million cells in windows of 32 by steps of 8, beside dolphin's filter.

    dolphin, measured where it can be imported, has windows of 32 by steps of 16, and no smoothed spectrum.
    """
    from levelworks.insar.interferograms.goldstein import goldstein_filter

    cells = np.exp(1j * noisy_pair(1024, 4).phase).astype(np.complex64)
    size = cells.size / 1e6
    value = _measure(lambda: goldstein_filter(cells, 0.5, window=32, step=8), size)
    peer = peer_value = None
    try:
        from dolphin.goldstein import goldstein as dolphins
    except ImportError:
        pass
    else:
        peer, peer_value = "dolphin.goldstein", _measure(lambda: dolphins(cells, 0.5, 32), size)
    yield Figure(LINE, "goldstein", value, "CPU s per Mpx", REPEATS, 0.40, peer=peer, peer_value=peer_value)
    value = _measure(lambda: goldstein_filter(cells, 0.5, window=32, step=16), size)
    yield Figure(LINE, "goldstein: step 16", value, "CPU s per Mpx", REPEATS, peer=peer, peer_value=peer_value)


def unwrap() -> Iterator[Figure]:
    """Unwrap a noisy million cells by the built-in flow, beside SNAPHU where it can be imported."""
    from levelworks.core.outcome import InvalidOptions
    from levelworks.insar.unwrapping.unwrap import solve_cycles

    pair = noisy_pair(1000, 5)
    valid = np.ones(pair.phase.shape, np.bool_)
    seconds: dict[str, float] = {}
    wrong: dict[str, float] = {}
    repeats = 3
    for solver in ("flow", "snaphu"):
        found: list[np.ndarray] = []

        def work(solver: str = solver, found: list[np.ndarray] = found) -> None:
            found[:] = [solve_cycles(pair.phase, pair.coherence, valid, pair.looks, solver)]

        try:
            with _silence():
                seconds[solver] = _measure(work, valid.size / 1e6, repeats)
        except InvalidOptions:
            continue
        wrong[solver] = 100 * pair.wrong_share(pair.phase + 2 * np.pi * found[0])
    peer = "snaphu, smooth and mst" if "snaphu" in seconds else None
    times, errors = ({"peer": peer, "peer_value": one.get("snaphu")} for one in (seconds, wrong))
    yield Figure(LINE, "unwrap", seconds["flow"], "CPU s per Mpx", repeats, **times)
    yield Figure(LINE, "unwrap-wrong", wrong["flow"], "% of pixels off by a cycle", 1, **errors)
