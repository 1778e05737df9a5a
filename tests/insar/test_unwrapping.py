"""Unwrapping: ramps, noise, residues, islands, gaps, tiles; exact flow against a linear programme."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.optimize import linprog

from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce
from levelworks.insar.unwrapping import snaphu as wrapper
from levelworks.insar.unwrapping.components import connected_components
from levelworks.insar.unwrapping.flow_graph_kernels import build_graph, join_loops, wrap_edges
from levelworks.insar.unwrapping.flow_kernels import send_flow
from levelworks.insar.unwrapping.merge_tiles import merge_tiles
from levelworks.insar.unwrapping.minimum_cost_flow import minimum_cost_cycles
from levelworks.insar.unwrapping.tiles import plan_tiles
from levelworks.insar.unwrapping.unwrap import finish, transfer_cycles, unwrap
from levelworks.insar.unwrapping.unwrap_tiles import read_tile, unwrap_tile

CYCLE = 2 * np.pi


def ramp(size):
    lines, samples = np.mgrid[:size, :size]
    return 0.12 * lines + 0.2 * samples


def noisy(size, seed, looks=12, base=0.45):
    """Return true phase, phase with the noise of looks, and coherence."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    smooth = [ndimage.gaussian_filter(rng.standard_normal((size, size)), size / part) for part in (16, 30)]
    truth = 6 * smooth[0] / smooth[0].std() + 25 * np.exp(-((x - 0.5) ** 2 + (y - 0.45) ** 2) / 0.03)
    coherence = np.clip(base + 0.15 * smooth[1] / smooth[1].std(), 0.05, 0.95)
    total = np.zeros((size, size), complex)
    for _ in range(looks):
        one, two = (rng.standard_normal((size, size, 2)) @ [1, 1j] for _ in range(2))
        total += one * np.conj(coherence * one + np.sqrt(1 - coherence**2) * two)
    return truth, np.angle(total * np.exp(1j * truth)).astype(np.float32), coherence.astype(np.float32)


def wrong_share(truth, phase, valid):
    """Return the share of valid pixels that are off the most common cycle."""
    off = np.round((truth - phase)[valid] / CYCLE)
    return np.mean(off != np.median(off))


@pytest.mark.parametrize("size", [512, 1024])
def test_diagonal_ramps(size):
    truth = ramp(size)
    found = unwrap(np.exp(1j * truth).astype(np.complex64), np.ones(truth.shape, np.float32), 100)
    error = found.phase + found.constant - truth
    assert np.ptp(error) < 1e-3
    assert (found.components == 1).all()
    assert abs(np.median(found.phase)) < 1e-4


def test_gaps_and_components():
    truth, mask = ramp(128), np.ones((128, 128), bool)
    mask[:, 60:66] = False
    signal = np.exp(1j * truth).astype(np.complex64)
    signal[10:20, 10:20], signal[30:40, 90:99] = 0, np.nan
    found = unwrap(signal, np.ones(truth.shape, np.float32), 100, mask=mask)
    there = mask.copy()
    there[10:20, 10:20] = there[30:40, 90:99] = False
    assert np.array_equal(np.isfinite(found.phase), there)
    assert np.array_equal(found.components > 0, there)
    assert np.array_equal(np.unique(found.components), [0, 1, 2])
    for label in (1, 2):
        part = found.components == label
        assert np.ptp((found.phase - truth)[part]) < 1e-3
    assert (found.components == 1).sum() >= (found.components == 2).sum()


def test_small_islands_are_no_component():
    valid = np.zeros((100, 100), bool)
    valid[:60], valid[80:84, 10:14] = True, True
    labels = connected_components(np.zeros(valid.shape), valid)
    assert (labels[:60] == 1).all()
    assert not labels[60:].any()


def test_an_island_takes_the_cycle_nearest_across_the_water():
    truth, mask = 0.02 * ramp(120), np.ones((120, 120), bool)
    mask[40:80, 40:80] = False
    mask[50:70, 50:70] = True
    start = 3.0 - truth[50, 50]  # the island lies across a wrap
    found = unwrap(np.exp(1j * (truth + start)).astype(np.complex64), np.ones(truth.shape, np.float32), 50, mask=mask)
    assert wrong_share(truth, found.phase, mask) == 0
    assert np.ptp((found.phase - truth)[mask]) < 1e-3


def test_the_flow_is_the_cheapest():
    """A linear programme over all edges has the same least cost."""
    rng = np.random.default_rng(11)
    phase = rng.uniform(-np.pi, np.pi, (14, 17)).astype(np.float32)
    valid = rng.random(phase.shape) > 0.1
    edges = np.empty((2, *phase.shape), np.int32)
    wrap_edges(phase, valid, edges)
    start, arcs, heads, excess = build_graph(valid, join_loops(valid), edges)
    up, down = rng.integers(1, 50, (2, edges.size)).astype(np.int32)
    tails = np.repeat(np.arange(start.size - 1), np.diff(start))
    first = arcs % 2 == 0
    edge, tail, head = arcs[first] // 2, tails[first], heads[first]
    net = sparse.csr_array(
        (np.repeat([-1.0, 1.0], edge.size), (np.concatenate([tail, head]), np.tile(np.arange(edge.size), 2))),
        (start.size - 1, edge.size),
    )
    wanted = -excess.astype(float)
    best = linprog(
        np.concatenate([up[edge], down[edge]]), A_eq=sparse.hstack([net, -net]), b_eq=wanted, bounds=(0, None)
    )
    flow = np.zeros(edges.size, np.int32)
    assert (excess != 0).sum() > 50
    send_flow(start, arcs, heads, excess, up, down, flow)
    assert not excess.any()
    np.testing.assert_allclose(net @ flow[edge], wanted)
    assert np.where(flow > 0, flow * up, -flow * down).sum() == pytest.approx(best.fun)


def test_every_pixel_keeps_its_phase():
    truth, phase, coherence = noisy(128, 31)
    found = unwrap(np.exp(1j * phase).astype(np.complex64), coherence, 12)
    assert np.abs(np.angle(np.exp(1j * (found.phase + found.constant - phase)))).max() < 1e-4
    again = unwrap(np.exp(1j * phase).astype(np.complex64), coherence, 12)
    assert np.array_equal(again.phase, found.phase)
    raw = (phase + 0.3 * np.sin(truth)).astype(np.float32)
    moved = transfer_cycles(raw, found.phase, found.constant)
    assert np.abs(moved - found.phase).max() < np.pi
    assert np.abs(np.angle(np.exp(1j * (moved + found.constant - raw)))).max() < 1e-4


def test_noise_with_thousands_of_residues():
    truth, phase, coherence = noisy(384, 77)
    valid = np.ones(phase.shape, bool)
    cycles = minimum_cost_cycles(phase, coherence, valid, 12)
    assert wrong_share(truth, phase + CYCLE * cycles, valid) < 0.02


def test_pure_noise_is_no_component():
    phase = np.random.default_rng(2).uniform(-np.pi, np.pi, (128, 128))
    found = unwrap(np.exp(1j * phase).astype(np.complex64), np.full(phase.shape, 0.2, np.float32), 12)
    assert not found.components.any()
    assert found.fraction == 0
    assert np.isfinite(found.phase).all()


def test_tiles_cover_the_image():
    for shape in ((100, 100), (1001, 250), (517, 800)):
        tiles, seen = plan_tiles(shape, 200, 40), np.zeros(shape, int)
        for tile in tiles:
            seen[tile.window] += 1
            assert max(tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0]) <= 200
        assert seen.min() == 1
    with pytest.raises(InvalidOptions, match="overlap"):
        plan_tiles((100, 100), 50, 40)


def test_tiles_restart_and_leave_no_seams(tmp_path):
    _, phase, coherence = noisy(384, 5)
    valid = np.ones(phase.shape, bool)
    valid[150:200, 120:300] = False
    tiles = plan_tiles(phase.shape, 160, 40)
    files = [unwrap_tile(tmp_path, tile, phase, coherence, valid, 12) for tile in tiles]
    before = [path.read_bytes() for path in files]
    stamps = [path.stat().st_mtime_ns for path in files]
    files[1].unlink()
    files[2].write_bytes(before[2][:100])  # a file that isn't whole
    for tile in tiles:
        unwrap_tile(tmp_path, tile, phase, coherence, valid, 12)
    assert [path.read_bytes() for path in files] == before
    untouched = [k for k in range(len(files)) if k not in (1, 2)]
    assert all(files[k].stat().st_mtime_ns == stamps[k] for k in untouched)
    merged = merge_tiles(tiles, [read_tile(path) for path in files], phase.shape)
    assert merged.disagreement < 0.01
    parts = finish(phase, merged.cycles, valid)
    whole = finish(phase, minimum_cost_cycles(phase, coherence, valid, 12), valid)
    assert wrong_share(whole.phase, parts.phase, valid) < 0.002
    unwrap_tile(tmp_path, tiles[0], phase, coherence, valid, 13)
    assert files[0].read_bytes() != before[0]


def test_tiles_of_a_ramp_are_exact(tmp_path):
    truth = ramp(300)
    phase = np.angle(np.exp(1j * truth)).astype(np.float32)
    good, valid = np.ones(truth.shape, np.float32), np.ones(truth.shape, bool)
    tiles = plan_tiles(truth.shape, 120, 30)
    parts = [read_tile(unwrap_tile(tmp_path, tile, phase, good, valid, 50)) for tile in tiles]
    merged = merge_tiles(tiles, parts, truth.shape)
    assert merged.disagreement == 0
    assert np.ptp(phase + CYCLE * merged.cycles - truth) < 1e-3


def test_bad_input():
    one = np.ones((4, 4), np.complex64)
    with pytest.raises(InvalidInput, match="one grid"):
        unwrap(one, np.ones((4, 5)), 10)
    with pytest.raises(NothingToProduce, match="no pixel"):
        unwrap(one, np.zeros((4, 4)), 10)
    with pytest.raises(InvalidOptions, match="solver is one of flow, snaphu"):
        unwrap(one, np.ones((4, 4)), 10, solver="guess")


def test_snaphu_says_where_it_is_absent(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(wrapper.importlib, "import_module", absent)
    with pytest.raises(InvalidOptions, match="non-commercial use only"):
        unwrap(np.ones((8, 8), np.complex64), np.ones((8, 8)), 10, solver="snaphu")


def test_snaphu_is_given_a_mask_and_gives_whole_cycles(monkeypatch):
    truth = ramp(32)
    phase, valid = np.angle(np.exp(1j * truth)).astype(np.float32), np.ones(truth.shape, bool)
    valid[4:9, 4:9] = False
    phase[~valid] = np.nan
    given = {}

    class Package:
        @staticmethod
        def unwrap(interferogram, coherence, looks, **options):
            given.update(options, interferogram=interferogram, coherence=coherence, looks=looks)
            return truth.astype(np.float32), np.ones(truth.shape, np.uint32)

    monkeypatch.setattr(wrapper.importlib, "import_module", lambda name: Package)
    cycles = wrapper.snaphu_cycles(phase, np.ones(truth.shape), valid, 12)
    assert np.array_equal(given["mask"], valid)
    assert not given["interferogram"][~valid].any()
    assert (given["cost"], given["init"], given["looks"]) == ("smooth", "mst", 12.0)
    np.testing.assert_allclose((phase + CYCLE * cycles)[valid], truth[valid], atol=1e-4)
    assert not cycles[~valid].any()


@pytest.mark.skipif(importlib.util.find_spec("snaphu") is None, reason="snaphu is optional and not installed here")
def test_snaphu_itself():
    truth = ramp(256)
    found = unwrap(np.exp(1j * truth).astype(np.complex64), np.ones(truth.shape, np.float32), 100, solver="snaphu")
    assert np.ptp(found.phase - truth) < 1e-3
    assert (found.components == 1).all()
