"""The stage `check-closure`: closed loops, known cycles, batches, flagged pairs, real pairs, ranks."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import record_path
from levelworks.insar.network import repair as repairing
from levelworks.insar.network.closure_files import read_repairs, read_verdicts
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.network.closure_stage import check_closure, write_empty_closure
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.network.repair import Repair
from levelworks.insar.products.network_table import merged_verdicts
from levelworks.insar.unwrapping.unwrapped_files import About, UnwrappedPair, write_unwrapped

CYCLE = 2 * np.pi
SHAPE = 60, 50
GRID = 0.001, 10.0, 40.0


class Stack:
    """Files of pairs whose phases are differences of dates, apart from noise and a constant of each."""

    def __init__(self, folder: Path, noise: float = 0.0, grid=GRID) -> None:
        self.rng = np.random.default_rng()
        self.folder, self.grid = folder, grid
        self.folder.mkdir(exist_ok=True)
        dates = [dt.date(2020, 1, 1) + dt.timedelta(12 * k) for k in range(6)]
        at = dict(zip(dates, self.rng.normal(0, 5, (6, *SHAPE)), strict=True))
        self.pairs = [Pair(a, b) for a, b in combinations(dates, 2) if (b - a).days <= 36]
        self.phases, self.components, self.coherences = {}, {}, {}
        for pair in self.pairs:
            constant = self.rng.uniform(-20, 20)
            phase = at[pair.second] - at[pair.first] + constant + self.rng.normal(0, 1, SHAPE) * noise
            self.phases[pair] = phase.astype(np.float32)
            self.components[pair] = np.ones(SHAPE, np.uint16)
            self.components[pair][:, 30:] = 2
            self.components[pair][:, 28:30] = 0
            self.coherences[pair] = np.full(SHAPE, 0.6, np.float32)
            self.coherences[pair][:, :20] = 0.9

    def spoil(self, pair: Pair, component: int, cycles: int) -> None:
        self.phases[pair][self.components[pair] == component] += np.float32(CYCLE * cycles)

    def write(self, pairs=None) -> list[Path]:
        paths = []
        for pair in pairs or self.pairs:
            path = self.folder / f"{pair}.h5"
            about = About("geographic" if self.grid else "radar", 0.0, "flow", 1.0, 20.0, self.grid)
            layers = self.phases[pair], self.components[pair], self.coherences[pair]
            write_unwrapped(path, UnwrappedPair(*layers, about))
            paths.append(path)
        return paths


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def stack(tmp_path) -> Stack:
    return Stack(tmp_path / "unwrapped")


def test_all_loops_close(stack, tmp_path):
    outcome = check_closure(stack.write(), folder=tmp_path / "out", options=CheckClosure())
    found = rows(tmp_path / "out", "triplets.csv")
    assert len(found) == outcome.quality["triplets"] == 13 - 3
    assert {row["verdict_after"] for row in found} == {"good"}
    assert max(float(row["rms_rad_after"]) for row in found) < 1e-4
    assert set(read_verdicts(tmp_path / "out").values()) == {"good"}
    assert read_repairs(tmp_path / "out") == Repair({}, ())
    with rasterio.open(tmp_path / "out/n_loop_err.tif") as file:
        assert (file.shape, file.crs.to_epsg(), file.bounds.left, file.bounds.top) == (SHAPE, 4326, 10, 40)
        assert not file.read(1).any()
    assert not outcome.warnings


def test_noise_is_what_coherence_says(tmp_path):
    stack = Stack(tmp_path / "unwrapped")
    sigma = np.sqrt(np.maximum((1 - 0.3**2) / (2 * 20 * 0.3**2), 0.05))
    for pair in stack.pairs:
        stack.coherences[pair][:] = 0.3
        stack.phases[pair] += stack.rng.normal(0, sigma, SHAPE).astype(np.float32)
    outcome = check_closure(stack.write(), folder=tmp_path / "out", options=CheckClosure())
    assert outcome.quality["median_chi_square"] == pytest.approx(1, abs=0.1)
    assert outcome.quality["median_rms_rad"] == pytest.approx(np.sqrt(3) * sigma, rel=0.05)


def test_known_cycles_are_repaired(tmp_path):
    stack = Stack(tmp_path / "unwrapped", noise=0.2)
    wrong = [(stack.pairs[4], 2, 1), (stack.pairs[7], 2, -2)]
    for part in wrong:
        stack.spoil(*part)
    outcome = check_closure(stack.write(), folder=tmp_path / "out", options=CheckClosure())
    assert read_repairs(tmp_path / "out") == Repair({(pair, part): -cycles for pair, part, cycles in wrong}, ())
    content = json.loads((tmp_path / "out/repairs.json").read_text())
    assert content["pairs"] == {str(pair): {str(part): -cycles} for pair, part, cycles in wrong}
    assert outcome.quality["failing_triplets_before"] > 0
    assert outcome.quality["failing_triplets_after"] == 0
    assert outcome.quality["repaired_components"] == 2
    with rasterio.open(tmp_path / "out/n_loop_err.tif") as file:
        assert not file.read(1).any()
    assert set(read_verdicts(tmp_path / "out").values()) == {"good"}
    judged = check_closure(stack.write(), folder=tmp_path / "judged", options=CheckClosure(repair=False))
    assert judged.quality["failing_triplets_after"] == outcome.quality["failing_triplets_before"]
    verdicts = read_verdicts(tmp_path / "judged")
    assert {verdicts[pair] for pair, *_ in wrong} == {"bad"}
    with rasterio.open(tmp_path / "judged/n_loop_err.tif") as file:
        counts = file.read(1)
        assert counts[:, 30:].min() >= 2
        assert not counts[:, :28].any()


def test_one_triplet_decides_nothing(stack, tmp_path):
    lone = [pair for pair in stack.pairs if pair.second <= dt.date(2020, 1, 25)]
    stack.spoil(lone[0], 2, 1)
    outcome = check_closure(stack.write(lone), folder=tmp_path / "out", options=CheckClosure())
    repair = read_repairs(tmp_path / "out")
    assert repair.cycles == {}
    assert repair.undecided == tuple((pair, 2) for pair in sorted(lone))
    assert outcome.quality["undecided_components"] == 3
    # With two of the three decided before, it is the new one.
    options = CheckClosure(pairs=(str(lone[0]),))
    check_closure(stack.write(lone), folder=tmp_path / "batch", options=options)
    assert read_repairs(tmp_path / "batch") == Repair({(lone[0], 2): -1}, ())


def test_earlier_batches_are_not_altered(stack, tmp_path):
    old, new = stack.pairs[:-3], stack.pairs[-3:]
    stack.spoil(old[-1], 2, 1)
    options = CheckClosure(pairs=tuple(map(str, new)))
    check_closure(stack.write(), folder=tmp_path / "out", options=options)
    assert not {pair for pair, _ in read_repairs(tmp_path / "out").cycles} & set(old)
    found = {row["pair"]: row for row in rows(tmp_path / "out", "bad.csv")}
    assert set(found) == set(map(str, stack.pairs))
    assert {name for name, row in found.items() if row["decided"] == "yes"} == set(map(str, new))
    names = {str(pair) for pair in new}
    for row in rows(tmp_path / "out", "triplets.csv"):
        one, two, three = row["triplet"].split("_")
        assert names & {f"{one}_{two}", f"{two}_{three}", f"{one}_{three}"}


def test_a_later_date_makes_no_bad_pair_better(stack, tmp_path):
    """Noise of whole cycles has no repair: the pair is bad in the triplets of each batch, whichever decides it."""
    last = max(pair.second for pair in stack.pairs)
    new = [pair for pair in stack.pairs if pair.second == last]
    old = [pair for pair in stack.pairs if pair not in new]
    noisy = old[-1]
    stack.phases[noisy][np.random.default_rng(0).random(SHAPE) < 0.3] += np.float32(CYCLE)
    check_closure(stack.write(old), folder=tmp_path / "001", options=CheckClosure(pairs=tuple(map(str, old))))
    check_closure(stack.write(), folder=tmp_path / "002", options=CheckClosure(pairs=tuple(map(str, new))))
    found = {row["pair"]: row for row in rows(tmp_path / "002", "bad.csv")}[str(noisy)]
    assert (found["decided"], found["verdict"], found["failed"]) == ("no", "bad", found["triplets"])
    assert found["reason"].endswith("triplets fail; it was decided before and is not altered")
    assert not {pair for pair, _ in read_repairs(tmp_path / "002").cycles} & set(old)
    merged = merged_verdicts([tmp_path / "001", tmp_path / "002"])
    assert [pair for pair, verdict in merged.items() if verdict == "bad"] == [noisy]


def test_search_has_limits(stack, tmp_path, monkeypatch):
    stack.spoil(stack.pairs[4], 2, 1)
    monkeypatch.setattr(repairing, "MOST_UNKNOWNS", 3)
    check_closure(stack.write(), folder=tmp_path / "out", options=CheckClosure())
    repair = read_repairs(tmp_path / "out")
    assert repair.cycles == {}
    assert (stack.pairs[4], 2) in repair.undecided


def test_flagged_and_lost_pairs_are_listed(stack, tmp_path):
    flagged, lost = stack.pairs[0], stack.pairs[3]
    stack.phases[lost][:, :] = np.nan
    paths = stack.write()
    record = {"levelworks_record": 1, "outcome": "skipped", "reason": "no land"}
    record_path(paths[0]).write_text(json.dumps(record))
    outcome = check_closure(paths, folder=tmp_path / "out", options=CheckClosure())
    found = {row["pair"]: row for row in rows(tmp_path / "out", "bad.csv")}
    assert (found[str(flagged)]["verdict"], found[str(flagged)]["reason"]) == ("left out", "no land")
    assert (found[str(lost)]["verdict"], found[str(lost)]["reason"]) == ("untested", "no data at the reference cells")
    assert any("1 of 11 pairs" in warning for warning in outcome.warnings)
    for path in paths:
        record_path(path).write_text(json.dumps(record))
    with pytest.raises(NothingToProduce):
        check_closure(paths, folder=tmp_path / "none", options=CheckClosure())


def test_radar_grid_and_bad_files(tmp_path):
    stack = Stack(tmp_path / "unwrapped", grid=None)
    paths = stack.write()
    check_closure(paths, folder=tmp_path / "out", options=CheckClosure())
    with h5py.File(tmp_path / "out/n_loop_err.h5") as file:
        assert file["n_loop_err"].shape == SHAPE
    stack.grid = GRID
    stack.write(stack.pairs[:1])
    with pytest.raises(InvalidInput, match="another grid"):
        check_closure(paths, folder=tmp_path / "two", options=CheckClosure())
    paths[0].write_bytes(b"")
    with pytest.raises(InvalidInput, match="damaged"):
        check_closure(paths, folder=tmp_path / "three", options=CheckClosure())
    write_empty_closure(tmp_path / "empty", Outcome(Status.SKIPPED, "no pair"))
    assert read_repairs(tmp_path / "empty") == Repair({}, ())
    assert read_verdicts(tmp_path / "empty") == {}
    (tmp_path / "empty/repairs.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"repairs\.json is damaged"):
        read_repairs(tmp_path / "empty")


SCRIPT = """
import sys
from pathlib import Path
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.network.closure_stage import check_closure
check_closure(sorted(Path(sys.argv[1]).glob("*.h5")), folder=Path(sys.argv[2]), options=CheckClosure())
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_change_nothing(tmp_path, ranks):
    stack = Stack(tmp_path / "unwrapped", noise=0.3)
    stack.spoil(stack.pairs[4], 2, 1)
    check_closure(stack.write(), folder=tmp_path / "one", options=CheckClosure())
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
    command = [*launcher, str(stack.folder), str(tmp_path / "ranks")]
    done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "one") == files(tmp_path / "ranks")


def test_real_pairs(insar_data, tmp_path):
    """PyRate's 30 interferograms of Mexico City, with the numbers of specs/insar.md 4.14."""
    folder = insar_data / "PyRate/tests/test_data/cropA/geotiffs"
    paths = []
    for path in sorted(folder.glob("*_eqa_unw.tif")):
        pair = parse_pair(path.name[6:23].replace("-", "_"))
        with rasterio.open(path) as one, rasterio.open(str(path).replace("eqa_unw", "flat_eqa_cc")) as two:
            phase, coherence = one.read(1), two.read(1)
        phase = np.where(phase != 0, phase, np.nan)
        coherence = np.where(np.isfinite(phase) & (coherence > 0), coherence, np.nan)
        components = np.isfinite(phase).astype(np.uint16)
        paths.append(tmp_path / f"{pair}.h5")
        about = About("geographic", 0.0, "snaphu", 1.0, 20.0, GRID)
        write_unwrapped(paths[-1], UnwrappedPair(phase, components, coherence.astype(np.float32), about))
    outcome = check_closure(paths, folder=tmp_path / "out", options=CheckClosure())
    assert (len(paths), outcome.quality["triplets"], outcome.quality["failing_triplets_after"]) == (30, 24, 0)
    assert Counter(read_verdicts(tmp_path / "out").values()) == {"good": 28, "untested": 2}
    assert read_repairs(tmp_path / "out") == Repair({}, ())
    found = rows(tmp_path / "out", "triplets.csv")
    assert all(row["cycles_before"] == "0" and float(row["bad_share_before"]) < 0.005 for row in found)
    with rasterio.open(tmp_path / "out/n_loop_err.tif") as file:
        assert (file.read(1) > 0).mean() < 0.006
