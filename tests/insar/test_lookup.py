"""The geographic grid in radar geometry: places come back, blocks don't matter, ranks don't, steep ground is masked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from insar_chain import Chain

from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geometry_stage import geocode_geometry
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.lookup import NAMES, cell_centres, locate_rows, read_lookup
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.acquisition_orbits import acquisition_arc
from levelworks.insar.simulation.scenario import Hill, Pass, Scenario, Terrain, cuts

STEEP = Terrain(hills=(Hill(0.0, 0.0, 350.0, 700.0), Hill(-1500.0, 8000.0, 350.0, 700.0)))


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a date over two steep hills."""
    return Chain(Scenario((Pass(0),), cuts("ci"), terrain=STEEP), tmp_path_factory.mktemp("steep"))


@pytest.fixture(scope="module")
def parts(chain):
    """Return arc, mosaic and heights."""
    elevation = read_elevation(chain.simulated.elevation)
    return acquisition_arc(read_acquisition_file(chain.reference)), read_mosaic(chain.geometry), elevation


def small_grid(chain, cells=60, step=0.0002):
    """Return a grid about the scene's centre."""
    whole = read_frame(chain.frame).grid
    west = round((whole.west + whole.east) / 2 / step) * step - cells // 2 * step
    south = round((whole.south + whole.north) / 2 / step) * step - cells // 2 * step
    edges = west, south, west + cells * step, south + cells * step
    return FrameGrid(
        step=step, **dict(zip(("west", "south", "east", "north"), (round(e, 6) for e in edges), strict=True))
    )


def test_places_come_back(chain, parts):
    """Through the radar grid and back along range circles to the same terrain, where nothing folds: to a decimetre."""
    arc, mosaic, elevation = parts
    level = replace(elevation, heights=np.full_like(elevation.heights, 120.0))
    grid = small_grid(chain)
    found = locate_rows(grid, range(grid.shape[0]), level, arc, mosaic)
    latitudes, longitudes = cell_centres(grid)
    seen = np.argwhere(np.isfinite(found.row))
    assert len(seen) > 1000
    for i, j in seen[:: len(seen) // 40]:
        times, ranges = mosaic.times_of(found.row[i, j]), mosaic.ranges_of(found.column[i, j])
        latitude, longitude, _ = rdr2geo(arc, np.atleast_1d(times), np.atleast_1d(ranges), level)
        # The rest is that of float32: 1e-5 of a cell here, some millimetres.
        assert latitude[0, 0] == pytest.approx(latitudes[i], abs=2e-6)
        assert longitude[0, 0] == pytest.approx(longitudes[j], abs=2e-6)


def test_float32_holds_cells():
    rows = np.random.default_rng(1).uniform(0, 1e4, 10_000)
    assert np.abs(rows.astype(np.float32).astype(float) - rows).max() < 5e-4


def test_blocks_of_rows_do_not_matter(chain, parts):
    arc, mosaic, elevation = parts
    grid = small_grid(chain)
    whole = locate_rows(grid, range(60), elevation, arc, mosaic)
    pieces = [locate_rows(grid, rows, elevation, arc, mosaic) for rows in (range(7), range(7, 8), range(8, 60))]
    for name in NAMES:
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        assert np.array_equal(getattr(whole, name), joined, equal_nan=True)
    assert locate_rows(grid, range(3, 3), elevation, arc, mosaic).row.shape == (0, 60)


def test_unknown_heights_have_no_radar_cell(chain, parts):
    arc, mosaic, elevation = parts
    grid = small_grid(chain)
    void = elevation.heights.copy()
    void[:, : void.shape[1] // 2] = np.nan
    found = locate_rows(grid, range(60), replace(elevation, heights=void), arc, mosaic)
    known = np.isfinite(found.height)
    assert known.any()
    assert not known.all()
    for name in NAMES:
        assert np.array_equal(np.isfinite(getattr(found, name)), known)


def geocoded(chain, folder, land=None, **options):
    said = geocode_geometry(
        chain.frame, chain.reference, chain.simulated.elevation, chain.geometry, land,
        folder=folder, options=GeocodeGeometry(**options),
    )  # fmt: skip
    return said, read_frame(chain.frame)


def layer(folder, frame, name):
    with rasterio.open(folder / f"{frame.frame}.geo.{name}.tif") as file:
        return file.read(1)


def test_steep_hills_are_masked(chain, tmp_path):
    said, frame = geocoded(chain, tmp_path / "geo")
    seen = np.isfinite(read_lookup(tmp_path / "geo")[0])
    mask = layer(tmp_path / "geo", frame, "lsmask")
    assert np.array_equal(mask > 0, seen)
    assert said.quality["layover"] == pytest.approx(np.isin(mask[seen], (2, 4)).mean())
    assert said.quality["shadow"] == pytest.approx(np.isin(mask[seen], (3, 4)).mean())
    assert 0 < said.quality["layover"] < 0.2
    rows, columns = np.nonzero(mask == 2)
    heights = layer(tmp_path / "geo", frame, "hgt")
    assert heights[rows, columns].max() > 300
    assert (mask[seen] == 1).mean() > 0.8


def test_land_is_of_a_raster_or_above_the_sea(chain, tmp_path):
    grid = read_frame(chain.frame).grid
    land = np.zeros(grid.shape, np.uint8)
    land[:, grid.shape[1] // 2 :] = 1
    write_raster(tmp_path / "land.tif", [land], grid, nodata=0, units="1")
    said, frame = geocoded(chain, tmp_path / "geo", tmp_path / "land.tif")
    found = layer(tmp_path / "geo", frame, "landmask")
    seen = np.isfinite(read_lookup(tmp_path / "geo")[0])
    assert np.array_equal(found == 1, seen & (land == 1))
    assert said.warnings == ()
    said, frame = geocoded(chain, tmp_path / "high", sea_level=130.0)
    heights = layer(tmp_path / "high", frame, "hgt")
    with np.errstate(invalid="ignore"):
        assert np.array_equal(layer(tmp_path / "high", frame, "landmask") == 1, heights > 130)
    assert 0 < said.quality["land"] < 1
    (tmp_path / "none.tif").write_text("no raster")
    with pytest.raises(InvalidReference, match="mask of land"):
        geocoded(chain, tmp_path / "none", tmp_path / "none.tif")


SCRIPT = """
import sys
from pathlib import Path
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geometry_stage import geocode_geometry
*inputs, folder = map(Path, sys.argv[1:])
geocode_geometry(*inputs, None, folder=folder, options=GeocodeGeometry())
"""


@pytest.mark.long
def test_the_same_bytes_on_one_two_and_three_ranks(chain, tmp_path):
    content = {}
    for ranks in (1, 2, 3):
        folder = tmp_path / str(ranks)
        launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
        inputs = [chain.frame, chain.reference, chain.simulated.elevation, chain.geometry]
        done = subprocess.run([*launcher, *inputs, folder], check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        content[ranks] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(content[1]) == 8
    assert content[1] == content[2] == content[3]
