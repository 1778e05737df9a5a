"""The stage `filter-phase`: what its file says, parts and ranks, gaps, bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status
from levelworks.insar.interferograms import filter_stage
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.filter_stage import filter_phase, write_empty_filtered
from levelworks.insar.interferograms.filtered_files import read_filtered
from levelworks.insar.interferograms.goldstein import goldstein_filter
from levelworks.insar.interferograms.phase_kernels import agree_phases, count_residues
from levelworks.insar.interferograms.power_kernels import raise_powers

SHAPE = 300, 170


def write(path: Path, values: np.ndarray, coherence: np.ndarray | None = None) -> Path:
    coherence = np.full(values.shape, 0.6, np.float32) if coherence is None else coherence
    with h5py.File(path, "w") as file:
        file["interferogram"] = values.astype(np.complex64)
        file["coherence"] = file["coherence_debiased"] = coherence.astype(np.float32)
    return path


@pytest.fixture(scope="module")
def noisy() -> np.ndarray:
    rng = np.random.default_rng()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    phase = 2 * np.pi * (y / 40 + x / 25) + rng.normal(0, 1.1, SHAPE)
    values = rng.uniform(1, 9, SHAPE) * np.exp(1j * phase)
    values[200:230, 20:60] = 0
    return values.astype(np.complex64)


def test_file_has_the_filtered_phase(noisy, tmp_path):
    outcome = filter_phase(write(tmp_path / "i.h5", noisy), filtered=tmp_path / "f.h5", options=FilterPhase())
    found = read_filtered(tmp_path / "f.h5")
    assert found.filtered.tobytes() == goldstein_filter(noisy).tobytes()
    assert np.array_equal(np.isnan(found.coherence), noisy == 0)
    assert 0 <= np.nanmin(found.coherence) <= np.nanmax(found.coherence) <= 1 + 1e-6
    quality = outcome.quality
    assert quality["mean_coherence"] == pytest.approx(0.6, abs=1e-4)
    assert quality["residues_per_mpx_after"] < 0.5 * quality["residues_per_mpx_before"]
    assert quality["mean_filtered_coherence"] == pytest.approx(float(np.nanmean(found.coherence)), abs=1e-4)


@pytest.mark.parametrize("exponent", [0.5, "adaptive"])
def test_blocks_change_nothing(noisy, tmp_path, monkeypatch, exponent):
    coherence = np.random.default_rng().uniform(0, 1, SHAPE)
    source, options = write(tmp_path / "i.h5", noisy, coherence), FilterPhase(exponent=exponent)
    whole = filter_phase(source, filtered=tmp_path / "whole.h5", options=options)
    monkeypatch.setattr(filter_stage, "BLOCK_ROWS", 64)
    parts = filter_phase(source, filtered=tmp_path / "parts.h5", options=options)
    one, other = (read_filtered(tmp_path / name) for name in ("whole.h5", "parts.h5"))
    assert one.filtered.tobytes() == other.filtered.tobytes()
    assert one.coherence.tobytes() == other.coherence.tobytes()
    assert whole.quality == pytest.approx(parts.quality)


SCRIPT = """
import sys
from pathlib import Path
from levelworks.insar.interferograms import filter_stage
from levelworks.insar.interferograms.filter_options import FilterPhase
filter_stage.BLOCK_ROWS = 64
filter_stage.filter_phase(Path(sys.argv[1]), filtered=Path(sys.argv[2]), options=FilterPhase())
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_change_nothing(noisy, tmp_path, monkeypatch, ranks):
    source = write(tmp_path / "i.h5", noisy)
    monkeypatch.setattr(filter_stage, "BLOCK_ROWS", 64)
    filter_phase(source, filtered=tmp_path / "one.h5", options=FilterPhase())
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
    command = [*launcher, str(source), str(tmp_path / "ranks.h5")]
    done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ranks.h5").read_bytes() == (tmp_path / "one.h5").read_bytes()


def test_agreement_of_fringes_and_of_noise():
    rng = np.random.default_rng()
    y, x = np.mgrid[:80, :80]
    fringes = np.exp(1j * (0.9 * y - 1.3 * x)).astype(np.complex64)
    found = np.empty(fringes.shape, np.float32)
    agree_phases(fringes, 2, found)
    np.testing.assert_allclose(found[2:-2, 2:-2], 1, atol=1e-5)
    agree_phases(np.exp(1j * rng.uniform(-np.pi, np.pi, fringes.shape)).astype(np.complex64), 2, found)
    assert found.mean() == pytest.approx(0.27, abs=0.03)
    alone = np.zeros_like(fringes)
    alone[40, 40] = 1
    agree_phases(alone, 2, found)
    assert found[40, 40] == pytest.approx(1 / 12)
    assert np.isnan(found).sum() == 80 * 80 - 1


def test_residues_of_a_vortex():
    y, x = np.mgrid[-10:10, -10:10] + 0.5
    vortex = np.arctan2(y, x).astype(np.float32)
    assert count_residues(vortex, np.ones(vortex.shape, bool), 20) == (1, 19 * 19)
    assert count_residues(vortex, np.abs(y) > 1, 20)[0] == 0
    assert count_residues((0.3 * x).astype(np.float32), np.ones(vortex.shape, bool), 5) == (0, 5 * 19)


@pytest.mark.parametrize("power", [0.0, 0.3, 0.5, 1.0])
def test_powers(power):
    values = np.concatenate([np.random.default_rng().uniform(0, 1, 2000), 10.0 ** np.arange(-25, 1)]).astype(np.float32)
    found = values.copy()
    raise_powers(found, np.float32(power))
    np.testing.assert_allclose(found, values.astype(np.float64) ** power, rtol=3e-6)


def test_bad_input(tmp_path):
    (tmp_path / "i.h5").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"i\.h5 is damaged"):
        filter_phase(tmp_path / "i.h5", filtered=tmp_path / "f.h5", options=FilterPhase())
    with pytest.raises(NothingToProduce, match="no data"):
        filter_phase(write(tmp_path / "e.h5", np.zeros(SHAPE)), filtered=tmp_path / "f.h5", options=FilterPhase())
    write_empty_filtered(tmp_path / "empty.h5", Outcome(Status.SKIPPED, "no data"))
    assert np.isnan(read_filtered(tmp_path / "empty.h5").coherence).all()


@pytest.mark.parametrize("wrong", [{"step": 7}, {"coherence-window": 4}, {"exponent": 1.5}, {"exponent": "most"}])
def test_bad_options(wrong):
    with pytest.raises(InvalidOptions):
        validate(FilterPhase, wrong, "options")
