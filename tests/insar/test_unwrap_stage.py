"""The stage `unwrap`: cycles of the filtered phase on the phase before, both domains, tiles, ranks, bad input."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import types
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference, NothingToProduce, Outcome, Status
from levelworks.insar.frames.frame import Frame, FrameBurst, FrameGrid, write_frame
from levelworks.insar.interferograms.goldstein import goldstein_filter
from levelworks.insar.unwrapping import tiled_unwrapping
from levelworks.insar.unwrapping.coarse_cycles import coarse_phase, place_tile
from levelworks.insar.unwrapping.tiles import plan_tiles
from levelworks.insar.unwrapping.unwrap_options import Unwrap
from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram, write_empty_unwrapped
from levelworks.insar.unwrapping.unwrap_tiles import TileCycles
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

CYCLE = 2 * np.pi
FRAME = "042D_00001_010000"
PAIR = "20250406_20250418"
SHAPE = 120, 140
STANDIN = """
import h5py
import types
def read_interferogram(path):
    with h5py.File(path) as file:
        return types.SimpleNamespace(
            interferogram=file["interferogram"][()], coherence=file["coherence"][()],
            equivalent_looks=float(file.attrs["equivalent_looks"]),
        )
"""


def hill(shape=SHAPE, height=30.0):
    y, x = (np.mgrid[: shape[0], : shape[1]].T / shape).T
    return height * np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.05) + 9 * x


class Case:
    """Files of a pair on radar cells, of known phase."""

    def __init__(self, folder: Path, shape=SHAPE) -> None:
        rng = np.random.default_rng()
        self.folder, self.truth = folder, hill(shape)
        self.noise = rng.normal(0, 0.3, shape)
        self.values = (rng.uniform(1, 5, shape) * np.exp(1j * (self.truth + self.noise))).astype(np.complex64)
        self.values[50:60, 30:40] = 0
        self.coherence = np.full(shape, 0.8, np.float32)
        self.frame, self.lookup = folder / "frame.json", folder / "lookup"
        step = 0.001
        grid = FrameGrid(step=step, west=10.0, south=40.0, east=10 + step * shape[1], north=40 + step * shape[0])
        burst = FrameBurst(swath="IW1", burst_id=1, polygon=((10, 40), (11, 40), (11, 41), (10, 41)))
        write_frame(
            self.frame,
            Frame(
                frame=FRAME, track=42, pass_direction="descending", reference=dt.date(2025, 4, 6), bursts=(burst,),
                grid=grid,
            ),
        )  # fmt: skip
        self.write()

    def write(self) -> None:
        with h5py.File(self.folder / f"{PAIR}.h5", "w") as file:
            file["interferogram"], file["coherence"] = self.values, self.coherence
            file.attrs["equivalent_looks"] = 20.0
        with h5py.File(self.folder / "filtered.h5", "w") as file:
            file["filtered"], file["coherence"] = goldstein_filter(self.values), self.coherence

    def write_land(self, land: np.ndarray) -> None:
        self.lookup.mkdir(exist_ok=True)
        rows, columns = land.shape
        with rasterio.open(
            self.lookup / f"{FRAME}.geo.landmask.tif", "w", driver="GTiff", height=rows, width=columns, count=1,
            dtype="uint8", crs="EPSG:4326", transform=from_origin(10, 40 + 0.001 * rows, 0.001, 0.001),
        ) as file:  # fmt: skip
            file.write(land.astype(np.uint8), 1)

    def run(self, name="out.h5", lookup=None, **options):
        source = self.folder / f"{PAIR}.h5"
        return unwrap_interferogram(
            self.frame, source, self.folder / "filtered.h5", lookup, unwrapped=self.folder / name,
            options=Unwrap(**{"domain": "radar"} | options),
        )  # fmt: skip


@pytest.fixture
def case(tmp_path, monkeypatch) -> Case:
    module = types.ModuleType("standin")
    exec(STANDIN, module.__dict__)
    monkeypatch.setitem(sys.modules, "levelworks.insar.interferograms.interferogram_files", module)
    return Case(tmp_path)


@pytest.fixture
def geocoding(monkeypatch) -> None:
    """Let the geographic grid be the radar's, upside down."""
    turn = types.SimpleNamespace(
        geocode_complex=lambda values, lookup: values[::-1].copy(),
        geocode_values=lambda values, lookup, limits: values[::-1].copy(),
    )
    read = types.SimpleNamespace(read_lookup=lambda folder: None)
    monkeypatch.setitem(sys.modules, "levelworks.insar.geocoding", types.ModuleType("geocoding"))
    monkeypatch.setitem(sys.modules, "levelworks.insar.geocoding.interpolation", turn)
    monkeypatch.setitem(sys.modules, "levelworks.insar.geocoding.lookup", read)


def off(found, expected):
    """Return the residue of a phase after its one common cycle."""
    error = found.phase.astype(np.float64) + found.about.constant - expected
    return error - CYCLE * np.round(np.nanmedian(error) / CYCLE)


def test_unfiltered_phase_gets_the_cycles(case):
    outcome = case.run()
    found = read_unwrapped(case.folder / "out.h5")
    assert np.array_equal(np.isnan(found.phase), case.values == 0)
    # The phase is that before the filter, so that its noise is still there.
    assert np.nanmax(np.abs(off(found, case.truth + case.noise))) < 1e-4
    assert (found.components == (case.values != 0)).all()
    assert found.about.domain == "radar"
    assert found.about.grid is None
    expected = {"components": 1, "largest_share": 1.0, "bridged_regions": 0, "tiles": 1, "unwrapped_fraction": 1.0}
    assert expected.items() <= outcome.quality.items()


def test_geographic_domain_has_grid_and_land(case, geocoding):
    land = np.ones(SHAPE, bool)
    land[:, 70:80] = False
    case.write_land(land)
    outcome = case.run(lookup=case.lookup, domain="geographic")
    found = read_unwrapped(case.folder / "out.h5")
    assert found.about.grid == (0.001, 10.0, pytest.approx(40.12))
    assert np.array_equal(np.isfinite(found.phase), land & (case.values[::-1] != 0))
    assert outcome.quality["bridged_regions"] == 1
    assert "not measured" in outcome.warnings[0]
    everywhere = case.run(lookup=case.lookup, domain="geographic", mask="none")
    assert everywhere.quality["bridged_regions"] == 0


def test_low_coherence_is_left_out(case):
    case.coherence[:20] = 0.01
    case.write()
    case.run()
    assert np.isnan(read_unwrapped(case.folder / "out.h5").phase[:20]).all()
    case.coherence[:] = 0.01
    case.write()
    with pytest.raises(NothingToProduce, match="coherence"):
        case.run("none.h5")
    assert not (case.folder / "none.h5").exists()


TILES = {"tile-pixels": 1000, "tile-size": 60, "tile-overlap": 12}


def test_tiles_are_those_of_the_whole(case):
    case.run("whole.h5")
    outcome = case.run("tiles.h5", **TILES)
    whole, tiles = (read_unwrapped(case.folder / name) for name in ("whole.h5", "tiles.h5"))
    assert np.nanmax(np.abs(off(tiles, whole.phase.astype(float) + whole.about.constant))) < 1e-4
    assert np.array_equal(np.isnan(tiles.phase), np.isnan(whole.phase))
    assert outcome.quality["tiles"] == 9
    assert outcome.quality["tile_disagreement"] == 0
    assert not list(case.folder.glob(".tiles_*"))


def test_killed_job_goes_on(case, monkeypatch):
    case.run("first.h5", **TILES)
    seen = []

    def break_down(folder, tile, *rest):
        seen.append(tile)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return unwrap_tile(folder, tile, *rest)

    unwrap_tile = tiled_unwrapping.unwrap_tile
    monkeypatch.setattr(tiled_unwrapping, "unwrap_tile", break_down)
    with pytest.raises(KeyboardInterrupt):
        case.run("second.h5", **TILES)
    scratch = case.folder / f".tiles_{PAIR}"
    kept = {path.name: path.stat().st_mtime_ns for path in scratch.glob("tile_*.npz")}
    assert len(kept) == 4
    times = {}

    def watch(folder, tile, *rest):
        path = unwrap_tile(folder, tile, *rest)
        times[path.name] = path.stat().st_mtime_ns
        return path

    monkeypatch.setattr(tiled_unwrapping, "unwrap_tile", watch)
    case.run("second.h5", **TILES)
    assert kept.items() <= times.items()
    assert (case.folder / "first.h5").read_bytes() == (case.folder / "second.h5").read_bytes()


SCRIPT = f"""{STANDIN}
import sys
from pathlib import Path
sys.modules["levelworks.insar.interferograms.interferogram_files"] = sys.modules["__main__"]
from levelworks.insar.unwrapping.unwrap_options import Unwrap
from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram
folder = Path(sys.argv[1])
options = Unwrap(domain="radar", tile_pixels=1000, tile_size=60, tile_overlap=12)
unwrap_interferogram(
    folder / "frame.json", folder / "{PAIR}.h5", folder / "filtered.h5", None, unwrapped=folder / "ranks.h5",
    options=options,
)
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_change_nothing(case, ranks):
    case.run("one.h5", **TILES)
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        [*launcher, str(case.folder)], env={**os.environ}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (case.folder / "ranks.h5").read_bytes() == (case.folder / "one.h5").read_bytes()


def test_coarse_phase_places_tiles():
    truth = hill((100, 100), 20.0)
    wrapped = np.angle(np.exp(1j * truth)).astype(np.float32)
    valid = np.ones(truth.shape, bool)
    valid[:, 40:52] = False
    coarse = coarse_phase(wrapped, np.ones_like(wrapped), valid, 20)
    assert np.isfinite(coarse).sum() == 20 * (20 - 2)
    cycles = np.round((truth - wrapped) / CYCLE).astype(np.int32)
    (tile,) = plan_tiles(truth.shape, 200, 20)
    regions = np.where(valid, np.where(np.arange(100) < 40, 1, 2), 0)
    spoilt = TileCycles(np.where(regions == 2, cycles + 7, cycles - 3), regions)
    placed = place_tile(tile, spoilt, wrapped, coarse)
    for region in (1, 2):
        apart = (wrapped + CYCLE * placed.cycles - coarse.repeat(5, 0).repeat(5, 1))[regions == region]
        assert abs(np.nanmedian(apart)) < 1
        assert np.ptp((placed.cycles - cycles)[regions == region]) == 0


def test_bad_input(case, monkeypatch):
    with pytest.raises(InvalidOptions, match="needs the folder"):
        case.run(domain="geographic")
    with pytest.raises(InvalidOptions, match="tile-overlap"):
        from levelworks.core.options import validate

        validate(Unwrap, {"tile-size": 100, "tile-overlap": 80}, "options")
    monkeypatch.setitem(sys.modules, "snaphu", None)
    with pytest.raises(InvalidOptions, match=r"pip install snaphu.*licence"):
        case.run(solver="snaphu")
    (case.folder / "filtered.h5").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"filtered\.h5 is damaged"):
        case.run()
    write_empty_unwrapped(case.folder / "empty.h5", Outcome(Status.SKIPPED, "no land"))
    assert np.isnan(read_unwrapped(case.folder / "empty.h5").phase).all()


def test_land_mask_that_is_not_there(case, geocoding):
    case.lookup.mkdir()
    with pytest.raises(InvalidReference, match="landmask"):
        case.run(lookup=case.lookup, domain="geographic")
