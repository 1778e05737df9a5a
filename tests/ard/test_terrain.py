"""Elevation on an image's grid, slopes, illumination, horizons: closed forms, cuts of blocks and ranks, bad models."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.scratch import Scratch
from levelworks.ard.terrain import elevation as elevation_module
from levelworks.ard.terrain.elevation import find_elevation_model, mean_over_cells, warp_elevation
from levelworks.ard.terrain.horizon import DIRECTIONS, shadow_margin, sky_sums, sky_view_factor, sky_view_of
from levelworks.ard.terrain.illumination import CAST_SHADOW, CLASS, SLOPING, Terrain, illumination_class
from levelworks.ard.terrain.slope import slope_aspect, with_neighbours
from levelworks.core.outcome import InvalidReference

UTM = "EPSG:32633"


def grid_of(size: int, resolution: float = 30.0) -> ImageGrid:
    return ImageGrid(UTM, 500000.0, 5000000.0, resolution, size, size)


def angles_of(grid: ImageGrid, zenith: float, azimuth: float) -> Angles:
    shape = grid.coarser(field_step(grid)).shape
    full = [np.full(shape, value) for value in (zenith, azimuth, 3.0, 100.0)]
    return Angles(*full)


def stored(folder: Path, heights: np.ndarray, name: str = "elevation.raw") -> Scratch:
    raster = Scratch(folder / name, heights.shape, np.float32)
    raster.write(0, heights)
    return raster


def hills(size: int, seed: int, height: float = 300.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.indices((size, size)) / size
    total = np.zeros((size, size))
    for wave in range(1, 6):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        total += np.sin(2 * np.pi * wave * (x * np.cos(angle) + y * np.sin(angle)) + phase) / wave
    return (height * (total - total.min())).astype(np.float32)


def write_model(path: Path, heights: np.ndarray, transform: Affine, crs: str | None, nodata: float | None) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=heights.shape[0], width=heights.shape[1], count=1, dtype="float32",
        crs=crs, transform=transform, nodata=nodata,
    ) as file:  # fmt: skip
        file.write(heights.astype(np.float32), 1)
    return path


class Threads:
    """A world of ranks that are threads."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=60)
        self.values: list = [None] * size

    def run(self, work) -> None:
        size = len(self.values)
        with ThreadPoolExecutor(size) as pool:
            list(pool.map(work, [Rank(self, rank, size) for rank in range(size)]))


class Rank:
    def __init__(self, world: Threads, rank: int, size: int) -> None:
        self.world, self.rank, self.size = world, rank, size

    def allgather(self, value):
        self.world.values[self.rank] = value
        self.world.barrier.wait()
        values = list(self.world.values)
        self.world.barrier.wait()
        return values

    def gather(self, value):
        values = self.allgather(value)
        return values if self.rank == 0 else None

    def broadcast(self, value):
        return self.allgather(value)[0]


# Slopes


@pytest.mark.parametrize(("east", "south"), [(0.2, 0.0), (0.0, 0.3), (-0.1, 0.25), (0.4, -0.6)])
def test_a_plane_has_its_slope_and_aspect_everywhere(east: float, south: float) -> None:
    y, x = np.indices((9, 11)) * 30.0
    slope, aspect = slope_aspect(with_neighbours((100 + east * x + south * y).astype(np.float32)), 30.0)
    np.testing.assert_allclose(slope, np.degrees(np.arctan(np.hypot(east, south))), atol=1e-3)
    # Water runs against the gradient: to the west where the plane rises to the east.
    np.testing.assert_allclose(aspect, np.degrees(np.arctan2(-east, south)) % 360, atol=1e-2)


def test_a_void_leaves_its_neighbours_without_a_slope() -> None:
    heights = np.zeros((7, 7), np.float32)
    heights[3, 3] = np.nan
    slope, _ = slope_aspect(with_neighbours(heights), 30.0)
    assert np.isnan(slope[2:5, 2:5]).all()
    assert np.isfinite(slope).sum() == 49 - 9


def test_classes_of_illumination() -> None:
    angles = np.array([0.0, 54.9, 55.1, 79.9, 80.1, 89.9, 90.1, 120.0])
    assert illumination_class(np.cos(np.radians(angles))).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


# Illumination


def test_level_ground_is_neutral(tmp_path: Path) -> None:
    grid = grid_of(40)
    for raster in (None, stored(tmp_path, np.full(grid.shape, 800.0, np.float32))):
        block = Terrain(raster, grid, angles_of(grid, 60.0, 150.0), tmp_path).block(0, 40)
        np.testing.assert_allclose(block.direct, 0.5, atol=1e-6)
        assert (block.sky_view == 1.0).all()
        assert (block.tilt == 0.0).all()
        assert (block.flags == 1).all()
    assert (block.elevation == 800.0).all()


def test_direct_light_is_the_cosine_of_incidence(tmp_path: Path) -> None:
    grid, zenith, azimuth, slope = grid_of(60), np.radians(40.0), np.radians(130.0), np.radians(25.0)
    # The plane faces the sun's side at 160 degrees.
    facing = np.radians(160.0)
    y, x = np.indices(grid.shape) * 30.0
    heights = 2000 - np.tan(slope) * (x * np.sin(facing) - y * np.cos(facing))
    block = Terrain(stored(tmp_path, heights.astype(np.float32)), grid, angles_of(grid, 40.0, 130.0), tmp_path).block(
        0, 60
    )
    cosine = np.cos(zenith) * np.cos(slope) + np.sin(zenith) * np.sin(slope) * np.cos(azimuth - facing)
    np.testing.assert_allclose(block.direct, cosine, atol=1e-4)
    np.testing.assert_allclose(block.tilt, np.sin(slope), atol=1e-4)
    np.testing.assert_allclose(block.sky_view, (1 + np.cos(slope)) / 2, atol=2e-3)
    assert (block.flags & SLOPING == SLOPING).all()
    assert (block.flags & CLASS == 0).all()


def test_slopes_beyond_the_sun_get_no_direct_light(tmp_path: Path) -> None:
    grid = grid_of(40)
    heights = np.tan(np.radians(50)) * 30.0 * np.indices(grid.shape)[0]
    block = Terrain(stored(tmp_path, heights.astype(np.float32)), grid, angles_of(grid, 60.0, 180.0), tmp_path).block(
        0, 40
    )
    assert (block.direct == 0.0).all()
    assert (block.flags & CLASS == 3).all()


def test_blocks_are_the_same_however_rows_are_cut(tmp_path: Path) -> None:
    for resolution in (30.0, 10.0):
        grid = grid_of(123, resolution)
        heights = hills(123, 11, 15 * resolution)
        heights[50:53, 70] = np.nan
        terrain = Terrain(stored(tmp_path, heights, f"{resolution}"), grid, angles_of(grid, 65.0, 200.0), tmp_path)
        whole = terrain.block(0, 123)
        assert (whole.flags & CAST_SHADOW).any()
        for start, stop in ((0, 1), (1, 30), (30, 64), (64, 65), (65, 123)):
            part = terrain.block(start, stop)
            for name in ("elevation", "direct", "sky_view", "tilt", "flags"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[start:stop])


# Horizons


@pytest.mark.parametrize("slope", [5.0, 20.0, 45.0])
def test_sky_view_of_a_plane(slope: float) -> None:
    for facing in (0.0, 40.0, 100.0):
        y, x = np.indices((81, 81)) * 60.0
        rise = np.tan(np.radians(slope)) * (x * np.cos(np.radians(facing)) + y * np.sin(np.radians(facing)))
        view = sky_view_factor(rise.astype(np.float32), 60.0)
        assert view[40, 40] == pytest.approx((1 + np.cos(np.radians(slope))) / 2, abs=1e-3)


def test_sky_view_within_a_round_wall() -> None:
    y, x = np.indices((201, 201)) - 100
    heights = np.where(np.hypot(x, y) >= 60, 2400.0, 0.0).astype(np.float32)
    # The horizon stands at the same angle all round: the view is the square of its cosine.
    assert sky_view_factor(heights, 60.0)[100, 100] == pytest.approx(1 / (1 + (2400 / 3600) ** 2), abs=0.01)


def test_sky_view_is_one_on_open_level_ground_and_adds_up_from_parts() -> None:
    assert (sky_view_factor(np.full((30, 40), 5.0, np.float32), 60.0) == 1.0).all()
    heights = hills(90, 3)
    parts = [sky_sums(heights, 60.0, range(a, b)) for a, b in ((0, 3), (3, 4), (4, len(DIRECTIONS)))]
    np.testing.assert_array_equal(sky_view_of(sum(parts)), sky_view_factor(heights, 60.0))


def test_a_wall_casts_the_shadow_of_its_height() -> None:
    heights = np.zeros((120, 60), np.float32)
    heights[90] = 1000.0
    for zenith in (30.0, 45.0, 60.0):
        sun = np.zeros((3, 24, 12), np.float32)
        sun[1], sun[2] = -np.sin(np.radians(zenith)), np.cos(np.radians(zenith))
        shade = shadow_margin(heights, 60.0, sun, 5)[:90] > 0
        length = 60.0 * shade.sum(axis=0)
        assert (np.abs(length - 1000.0 * np.tan(np.radians(zenith))) <= 60.0).all()


@pytest.mark.parametrize("azimuth", [10.0, 95.0, 160.0, 300.0])
def test_shadow_is_what_a_walk_to_the_edge_finds(azimuth: float) -> None:
    heights = hills(45, 21, 500.0)
    zenith = np.radians(70.0)
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    sun = np.empty((3, 9, 9), np.float32)
    sun[0], sun[1], sun[2] = np.sin(zenith) * east, np.sin(zenith) * north, np.cos(zenith)
    shade = shadow_margin(heights, 60.0, sun, 5) > 0
    major = max(abs(east), abs(north))
    expected = np.zeros_like(shade)
    for row in range(45):
        for column in range(45):
            for count in range(1, 45):
                y, x = row - north / major * count, column + east / major * count
                top, left = int(np.floor(y + 1e-9)), int(np.floor(x + 1e-9))
                if not (0 <= top < 45 and 0 <= left < 45):
                    break
                down, right = min(top + 1, 44), min(left + 1, 44)
                above, below = (
                    heights[one, left] + (x - left) * (heights[one, right] - heights[one, left]) for one in (top, down)
                )
                seen = above + (y - top) * (below - above)
                if seen - heights[row, column] > 60.0 / major * count / np.tan(zenith):
                    expected[row, column] = True
                    break
    assert 0.05 < expected.mean() < 0.95
    assert (shade != expected).mean() < 1e-3


# Elevation models


def geographic_plane(tmp_path: Path, nodata: float | None = None) -> tuple[Path, np.ndarray, Affine]:
    transform = Affine(1 / 3600, 0, 14.98, 0, -1 / 3600, 45.16)
    rows, columns = np.indices((200, 200))
    heights = 500.0 + 2.0 * columns + 1.0 * rows
    return write_model(tmp_path / "plane.tif", heights, transform, "EPSG:4326", nodata), heights, transform


def test_warped_elevation_is_that_of_the_place(tmp_path: Path) -> None:
    from pyproj import Transformer

    model, _, transform = geographic_plane(tmp_path)
    grid = grid_of(60)
    raster = Scratch(tmp_path / "e.raw", grid.shape, np.float32)
    assert warp_elevation(model, grid, raster) == ()
    rows, columns = np.indices(grid.shape)
    x, y = grid.west + 30 * (columns + 0.5), grid.north - 30 * (rows + 0.5)
    longitude, latitude = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(x, y)
    column, row = ~transform @ (longitude, latitude)
    expected = 500.0 + 2.0 * (column - 0.5) + 1.0 * (row - 0.5)
    np.testing.assert_allclose(raster.read(0, 60), expected, atol=0.5)


def test_a_model_on_the_same_grid_stays_as_it_is(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "ard" / "dem" / "DEM_195025_clip_41x41.tif"
    with rasterio.open(path) as file:
        heights, crs, west, north = file.read(1), file.crs.to_wkt(), file.transform.c, file.transform.f
    grid = ImageGrid(crs, west, north, 30.0, 41, 41)
    raster = Scratch(tmp_path / "e.raw", grid.shape, np.float32)
    assert warp_elevation(path, grid, raster) == ()
    np.testing.assert_array_equal(raster.read(0, 41), heights)


def test_the_sea_is_filled_and_voids_on_land_are_not(tmp_path: Path) -> None:
    grid = grid_of(60)
    heights = np.full((60, 60), 40.0)
    heights[:, 20:22] = 0.0
    heights[:, :20] = -32767.0
    heights[30, :20] = 0.0
    heights[:, 22] = 3.0
    # A cape hides part of the sea from straight lines; the fill goes round it.
    heights[5:15, 10] = 25.0
    heights[40:44, 40:44] = -32767.0
    model = write_model(tmp_path / "coast.tif", heights, Affine(*grid.transform), UTM, None)
    raster = Scratch(tmp_path / "e.raw", grid.shape, np.float32)
    warnings = warp_elevation(model, grid, raster, resampling="nearest", nodata=-32767)
    found = raster.read(0, 60)
    land = heights > -32767.0
    np.testing.assert_array_equal(found[land], heights[land])
    assert np.isnan(found[40:44, 40:44]).all()
    assert (found[:, :20][~land[:, :20]] == 0.0).all()
    assert len(warnings) == 2
    assert "beside the sea" in warnings[0]
    assert f"{100 * 16 / 3600:.2g} %" in warnings[1]


def test_fine_grids_are_smoothed_whatever_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = grid_of(60, 10.0)
    heights = 100.0 + 0.5 * np.indices((60, 60))[1].astype(float)
    heights[30, 30] += 49.0
    model = write_model(tmp_path / "fine.tif", heights, Affine(*grid.transform), UTM, -9999.0)
    found = []
    for rows in (512, 7, 2):
        monkeypatch.setattr(elevation_module, "BLOCK", rows)
        raster = Scratch(tmp_path / f"{rows}.raw", grid.shape, np.float32)
        warp_elevation(model, grid, raster)
        found.append(raster.read(0, 60))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    spike = found[0] - (100.0 + 0.5 * np.arange(60))
    np.testing.assert_allclose(spike[27:34, 27:34], 1.0, atol=1e-4)
    assert np.abs(spike[:20, 3:-3]).max() < 1e-4


def test_ranks_write_what_one_process_writes(tmp_path: Path) -> None:
    grid, angles = grid_of(80), angles_of(grid_of(80), 60.0, 160.0)
    heights = hills(80, 5)
    heights[:10, :10] = np.nan
    model = write_model(tmp_path / "hills.tif", heights, Affine(*grid.transform), UTM, np.nan)
    folders = {size: tmp_path / str(size) for size in (1, 3)}
    blocks = {}
    for size, folder in folders.items():
        folder.mkdir()

        def work(rank: Rank, folder: Path = folder, size: int = size) -> None:
            raster = Scratch(folder / "e.raw", grid.shape, np.float32)
            warnings = warp_elevation(model, grid, raster, communicator=rank)
            terrain = Terrain(raster, grid, angles, folder, rank)
            blocks[size, rank.rank] = (warnings, terrain.block(0, 80))

        Threads(size).run(work)
    assert "does not cover 1.6 %" in blocks[1, 0][0][0]
    for rank in range(3):
        assert blocks[3, rank][0] == blocks[1, 0][0]
        for name in ("elevation", "direct", "sky_view", "tilt", "flags"):
            np.testing.assert_array_equal(getattr(blocks[3, rank][1], name), getattr(blocks[1, 0][1], name))


def test_models_that_will_not_do(tmp_path: Path) -> None:
    grid = grid_of(20)
    raster = Scratch(tmp_path / "e.raw", grid.shape, np.float32)
    far = write_model(
        tmp_path / "far.tif", np.ones((9, 9)), Affine(1 / 3600, 0, 80.0, 0, -1 / 3600, 10.0), "EPSG:4326", 0
    )
    with pytest.raises(InvalidReference, match=r"far\.tif does not cover"):
        warp_elevation(far, grid, raster)
    nowhere = write_model(tmp_path / "nowhere.tif", np.ones((9, 9)), Affine(30, 0, 500000, 0, -30, 5e6), None, None)
    with pytest.raises(InvalidReference, match="no coordinate reference system"):
        warp_elevation(nowhere, grid, raster)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InvalidReference, match="can't be read"):
        warp_elevation(tmp_path / "text.tif", grid, raster)


def test_models_of_a_database(tmp_path: Path) -> None:
    for name in ("WRS-2_193024.vrt", "MGRS_T33UUP.vrt"):
        (tmp_path / name).touch()
    assert find_elevation_model(tmp_path, "193024").name == "WRS-2_193024.vrt"
    assert find_elevation_model(tmp_path, "T33UUP").name == "MGRS_T33UUP.vrt"
    with pytest.raises(InvalidReference, match=r"MGRS_T32UNA\.vrt"):
        find_elevation_model(tmp_path, "T32UNA")


def test_means_over_cells(tmp_path: Path) -> None:
    heights = hills(25, 8)
    heights[:10, 20:] = np.nan
    heights[10, 0] = np.nan
    means = mean_over_cells(stored(tmp_path, heights), 10)
    assert means.shape == (3, 3)
    assert np.isnan(means[0, 2])
    assert means[1, 0] == pytest.approx(np.nanmean(heights[10:20, :10]), rel=1e-6)
    assert means[2, 2] == pytest.approx(heights[20:, 20:].mean(), rel=1e-6)
