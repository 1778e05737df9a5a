"""Quicklooks of scenes: where an overlay's pixels lie, what is transparent, colours and limits, figures."""

from __future__ import annotations

import math
from pathlib import Path

import level2_scenes as scenes
import matplotlib as mpl
import netCDF4
import numpy as np
import pytest
from PIL import Image
from pyproj import CRS, Transformer
from rasterio.transform import Affine

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.plumes.drawing import map_frames, palette_images
from levelworks.plumes.drawing.level2_view import MapGrid, Wind, open_level2
from levelworks.plumes.drawing.mercator import RADIUS, outline_of, overlay_of
from levelworks.plumes.drawing.outcome_pages import write_empty_pictures
from levelworks.plumes.drawing.picture_layers import (
    PictureLayer,
    large_plumes,
    layers_of,
    limits_of,
    shown_first,
    usual_top,
)
from levelworks.plumes.drawing.plot_options import PlotScene
from levelworks.plumes.drawing.plot_scene_stage import plot_scene
from levelworks.plumes.drawing.scene_pictures import Painter, present_in
from levelworks.plumes.layers import write_empty


def _draw(folder: Path, level2: Path, variable: str = "ch4", **options: object) -> Path:
    folder.mkdir(exist_ok=True)
    with open_level2(level2) as view:
        painter = Painter(view, folder, 2048, present_in(view))
        layer = next(one for one in layers_of(view.names, ["all"]) if one.variable == variable)
        painter.draw(layer, {}, figure=True, **options)  # type: ignore[arg-type]
    return folder


def _rgba(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image.convert("RGBA"))


@pytest.mark.parametrize(
    ("zone", "easting", "northing"),
    [
        (32613, 496000.0, 3545000.0),
        (32760, 250000.0, 4900000.0),
        (32601, 160000.0, 7200000.0),
        (32633, 400000.0, 8800000.0),
    ],
)
def test_overlay_pixels_lie_where_web_mercator_has_them(zone: int, easting: float, northing: float) -> None:
    grid = MapGrid(CRS.from_epsg(zone), Affine(60, 0, easting, 0, -60, northing), (120, 140))
    overlay = overlay_of(grid, 2048)
    rows, columns = (one.ravel() for one in np.mgrid[3:117:7, 3:137:7])
    longitude, latitude = grid.to_degrees.transform(easting + 60 * (columns + 0.5), northing - 60 * (rows + 0.5))
    (south, west), (north, east) = overlay.bounds
    height, width = overlay.index.shape

    def mercator(degrees: np.ndarray | float) -> np.ndarray:
        return np.arcsinh(np.tan(np.radians(degrees)))

    across = ((np.asarray(longitude) - west) % 360) / (east - west) * width
    down = (mercator(north) - mercator(np.asarray(latitude))) / (mercator(north) - mercator(south)) * height
    found = overlay.index[np.floor(down).astype(int), np.floor(across).astype(int)]
    assert (found >= 0).all()
    off = np.stack([found // 140 - rows, found % 140 - columns])
    assert np.abs(off).max() <= 1
    assert np.abs(off.mean(axis=1)).max() < 0.15
    assert east - west < 1.5


def test_overlay_has_the_scale_of_epsg_3857() -> None:
    grid = MapGrid(CRS.from_epsg(32613), Affine(60, 0, 496000, 0, -60, 3545000), (120, 140))
    overlay = overlay_of(grid, 2048)
    (south, west), (north, east) = overlay.bounds
    left, bottom = Transformer.from_crs(4326, 3857, always_xy=True).transform(west, south)
    right, top = Transformer.from_crs(4326, 3857, always_xy=True).transform(east, north)
    height, width = overlay.index.shape
    assert (right - left) / width == pytest.approx((top - bottom) / height, rel=1e-6)
    assert (right - left) / width == pytest.approx(60 * math.cosh((top + bottom) / 2 / RADIUS), rel=1e-3)
    assert max(overlay_of(grid, 64).index.shape) == 64


def test_swath_boundary_of_a_scene_across_the_antimeridian_runs_on_past_180_degrees() -> None:
    grid = MapGrid(CRS.from_epsg(32601), Affine(60, 0, 216000, 0, -60, 7200000), (100, 900))
    outline = np.array(outline_of(grid, np.ones(grid.shape, dtype=bool)))
    assert np.ptp(outline[:, 1]) < 2
    assert np.abs(np.diff(outline[:, 1])).max() < 2


def test_nodata_is_transparent_and_values_have_the_colours_of_their_limits(tmp_path: Path) -> None:
    level2 = scenes.write_level2(tmp_path)
    picture = _rgba(_draw(tmp_path / "a", level2, limits=(0.0, 300.0)) / f"{scenes.STEM}_ch4.png")
    with open_level2(level2) as view:
        overlay, values = overlay_of(view.grid, 2048), view.read("ch4")
    shown = overlay.take(values)
    visible = np.isfinite(shown) & overlay.inside
    assert set(np.unique(picture[..., 3])) == {0, 255}
    np.testing.assert_array_equal(picture[..., 3] == 255, visible)
    expected = mpl.colormaps["plasma"](np.clip(shown[visible] / 300, 0, 1))[:, :3] * 255
    assert np.abs(picture[visible][:, :3] - expected).max() < 4
    assert 0.3 < visible.mean() < 0.9


def test_a_file_with_rows_from_south_to_north_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    folders = [
        _draw(tmp_path / "a", scenes.write_level2(tmp_path)),
        _draw(tmp_path / "b", scenes.write_level2(tmp_path / "up", upside_down=True)),
    ]
    for name in (f"{scenes.STEM}_ch4.png", f"{scenes.STEM}_ch4_figure.png"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_limits_of_each_kind() -> None:
    values = np.append(np.linspace(-100, 400, 1001), np.nan)
    kinds = {one.variable: one for one in layers_of(["radiance_2100", "ch4", "ch4_comb_denoise", "co"], ["all"])}
    assert limits_of(kinds["ch4"], values, "ppb", {}) == (0, 300)
    assert limits_of(kinds["ch4"], values, "ppb", {"ch4": 120.0}) == (0, 120)
    assert limits_of(kinds["ch4_comb_denoise"], values, "ppb", {}) == pytest.approx((150, 395))
    assert limits_of(kinds["radiance_2100"], values, "", {}) == pytest.approx((-95, 395))
    assert limits_of(kinds["co"], values, "ppb", {}) == pytest.approx((0, 395))
    for layer in kinds.values():
        for odd in (np.full(3, np.nan), np.full(3, 5.0)):
            low, high = limits_of(layer, odd, "ppb", {})
            assert math.isfinite(low)
            assert low < high


@pytest.mark.parametrize(
    ("gas", "units", "top"),
    [("ch4", "ppb", 300), ("ch4", "ppm", 0.3), ("ch4", "ppm m", 2400), ("co2", "ppm", 10), ("no2", "umol m-2", 80)],
)
def test_usual_tops_are_those_of_the_specification(gas: str, units: str, top: float) -> None:
    assert usual_top(gas, units) == pytest.approx(top)
    assert usual_top(gas, "furlong") is None


def test_usual_top_in_mol_per_square_metre_is_that_of_300_ppb() -> None:
    # 300 ppb of the moles of dry air above a square metre at 101325 Pa: 101325 / (9.80665 * 0.0289647) = 356724 mol.
    assert usual_top("ch4", "mol m-2") == pytest.approx(300e-9 * 356724, rel=2e-3)


def test_layers_come_in_order_and_the_denoised_one_is_shown_first() -> None:
    names = ["co2", "ch4_mask", "ch4", "rgb", "ch4_comb_denoise", "ch4_denoise", "sza", "radiance_2100", "ch4_comb"]
    layers = layers_of(names, ["all"])
    assert [one.variable for one in layers] == [
        "rgb", "radiance_2100", "ch4", "ch4_comb", "ch4_denoise", "ch4_comb_denoise", "ch4_mask", "co2",
    ]  # fmt: skip
    assert [one.opacity for one in layers[:2]] == [0.9, 0.7]
    assert shown_first(layers) == "ch4_comb_denoise"
    assert shown_first(layers_of(["rgb", "ch4"], ["all"])) == "ch4"
    assert shown_first(layers_of(["rgb"], ["all"])) == "rgb"
    assert [one.variable for one in layers_of(names, ["co2"])] == ["rgb", "radiance_2100", "co2"]


def test_plumes_of_five_pixels_or_fewer_are_left_out() -> None:
    mask = np.zeros((10, 10), dtype=int)
    mask[0, :5], mask[2, :6], mask[5:, 5:] = 1, 2, 3
    assert set(np.unique(large_plumes(mask))) == {0, 2, 3}
    codes = palette_images.class_codes(np.array([0, 1, 20, 21]))
    assert codes.tolist() == [0, 1, 20, 1]


def test_mask_overlay_shows_plumes_in_colours_of_their_own(tmp_path: Path) -> None:
    picture = _rgba(_draw(tmp_path / "a", scenes.write_level2(tmp_path), "ch4_mask") / f"{scenes.STEM}_ch4_mask.png")
    visible = picture[picture[..., 3] == 255][:, :3]
    assert len(np.unique(visible, axis=0)) == 2
    assert 0.01 < len(visible) / picture[..., 3].size < 0.2


def test_true_colours_are_close_and_black_is_no_picture(tmp_path: Path) -> None:
    level2 = scenes.write_level2(tmp_path)
    picture = _rgba(_draw(tmp_path / "a", level2, "rgb") / f"{scenes.STEM}_rgb.png")
    with open_level2(level2) as view:
        colours, present = view.read_rgb()
        overlay = overlay_of(view.grid, 2048)
    visible = overlay.take(present) & overlay.inside
    np.testing.assert_array_equal(picture[..., 3] == 255, visible)
    assert np.abs(picture[visible][:, :3].astype(int) - overlay.take(colours)[visible]).mean() < 4


def test_figure_shows_as_much_nodata_as_the_scene_has(tmp_path: Path) -> None:
    level2 = scenes.write_level2(tmp_path)
    with Image.open(_draw(tmp_path / "a", level2) / f"{scenes.STEM}_ch4_figure.png") as image:
        drawn = np.asarray(image.convert("RGB"))
    with open_level2(level2) as view:
        missing = np.isnan(view.read("ch4"))
    _, width, height = map_frames.frame_size(missing.shape, 860, 860)
    frame = drawn[92 : 92 + height, 84 : 84 + width]
    share = (frame == int(map_frames.NO_DATA[1:3], 16)).all(axis=-1).mean()
    # The scale bar, ticks and lines cover a little of it.
    assert share == pytest.approx(missing.mean(), abs=0.03)
    west, east = missing[:, : missing.shape[1] // 3].mean(), missing[:, -missing.shape[1] // 3 :].mean()
    halves = [(part == 0xDD).all(axis=-1).mean() for part in (frame[:, : width // 3], frame[:, -width // 3 :])]
    assert halves == pytest.approx([west, east], abs=0.06)


def test_the_north_of_a_figure_is_up(tmp_path: Path) -> None:
    with Image.open(_draw(tmp_path / "a", scenes.write_level2(tmp_path)) / f"{scenes.STEM}_ch4_figure.png") as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    _, width, height = map_frames.frame_size((150, 170), 860, 860)
    bright = (drawn[92 : 92 + height, 84 : 84 + width] @ [1, 1, 0]) > 440
    rows, columns = np.nonzero(bright & (np.abs(np.arange(width) - width / 2) < 120))
    x, y = scenes.grid()
    expected = (y[0] - scenes.SOURCE[1]) / (y[0] - y[-1]) * height, (scenes.SOURCE[0] - x[0]) / (x[-1] - x[0]) * width
    nearest = np.hypot(rows - expected[0], columns - expected[1])
    assert nearest.min() < 12


def test_scale_bars_are_round_and_shorter_than_a_third() -> None:
    for metres in (900.0, 4321.0, 80e3, 1e6):
        length = map_frames.scale_length(metres, 800)
        assert length <= 0.3 * metres
        assert length > 0.1 * metres
        assert f"{length:.0e}"[0] in "125"


def test_winds_are_those_at_the_centre(tmp_path: Path) -> None:
    with open_level2(scenes.write_level2(tmp_path)) as view:
        winds = view.winds()
    assert [one.source for one in winds] == ["ERA5", "GEOS-FP"]
    assert winds[0].speed == pytest.approx(math.hypot(3, 1.8), rel=1e-6)
    with netCDF4.Dataset(tmp_path / f"{scenes.STEM}.nc", "a") as file:
        x, y = scenes.grid()
        file["u10"][0] = np.add.outer(100 * y, x)
        file["u10"][0, :100] = np.nan
    with open_level2(tmp_path / f"{scenes.STEM}.nc") as view:
        longitude, latitude = view.grid.to_degrees.transform(x[90], y[60])
        nearest = view.winds((longitude, latitude))[0]
    assert nearest.u == pytest.approx(100 * y[100] + x[90], abs=30)
    assert Wind("", 3, 0, 0, 0).direction == pytest.approx(270)
    assert Wind("", 0, -2, 0, 0).direction == pytest.approx(0)


def test_stage_writes_the_pictures_of_a_scene_and_the_same_bytes_again(tmp_path: Path) -> None:
    level2 = scenes.write_level2(tmp_path)
    found = []
    for name in ("a", "b"):
        options = PlotScene(pad=0.02, longitude_zoom=-104.99, latitude_zoom=32.0, gases=["co2"], long_side=64)
        outcome = plot_scene(level2, None, None, folder=tmp_path / name, options=options)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert found[0] == found[1]
    stem = scenes.STEM
    expected = {f"{stem}_{one}{zoom}{end}.png" for one in ("rgb", "radiance_2100", "co2") for zoom in ("", "_zoomin")
                for end in ("", "_figure")}  # fmt: skip
    assert set(found[0]) == expected | {f"{stem}.html", f"{stem}_zoomin.html", "scene.json"}
    assert outcome.quality["layers"] == 3
    with Image.open(tmp_path / "a" / f"{stem}_co2.png") as image:
        assert max(image.size) == 64


def test_zoom_outside_of_the_scene_is_said(tmp_path: Path) -> None:
    options = PlotScene(pad=0.02, longitude_zoom=10.0, latitude_zoom=32.0, gases=["co2"], figures=False)
    outcome = plot_scene(scenes.write_level2(tmp_path), None, None, folder=tmp_path / "a", options=options)
    assert "outside" in outcome.warnings[0]
    assert not list((tmp_path / "a").glob("*zoomin*"))


def test_a_scene_without_any_value_is_drawn_as_such(tmp_path: Path) -> None:
    level2 = scenes.write_level2(tmp_path, variables=("ch4", "ch4_mask", "rgb"))
    with netCDF4.Dataset(level2, "a") as file:
        file["ch4"][:] = np.nan
        file["ch4_mask"][:] = 0
        file["rgb"][:] = 0
    outcome = plot_scene(level2, None, None, folder=tmp_path / "a", options=PlotScene())
    assert "no value" in outcome.warnings[0]
    assert not _rgba(tmp_path / "a" / f"{scenes.STEM}_ch4.png")[..., 3].any()


def test_what_cannot_be_drawn_is_refused_with_the_file_and_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    empty = tmp_path / "empty.nc"
    write_empty(empty, Outcome(Status.SKIPPED, reason="all cloud"))
    with pytest.raises(NothingToProduce, match="all cloud"):
        plot_scene(empty, None, None, folder=folder, options=PlotScene())
    broken = tmp_path / "broken.nc"
    broken.write_bytes(b"no NetCDF")
    with pytest.raises(InvalidInput, match=r"broken\.nc"):
        plot_scene(broken, None, None, folder=folder, options=PlotScene())
    bare = tmp_path / "bare.nc"
    with netCDF4.Dataset(bare, "w") as file:
        for name in ("y", "x"):
            file.createDimension(name, 3)
            file.createVariable(name, "f8", (name,))[:] = [0.0, 60.0, 120.0]
    with pytest.raises(InvalidInput, match="projection"):
        plot_scene(bare, None, None, folder=folder, options=PlotScene())
    with pytest.raises(NothingToProduce, match="no layer"):
        level2 = scenes.write_level2(tmp_path, variables=("ch4",))
        plot_scene(level2, None, None, folder=folder, options=PlotScene(gases=["no2"]))
    write_empty_pictures(folder, Outcome(Status.QUARANTINED, reason="truncated <file>"))
    assert "truncated &lt;file&gt;" in (folder / "outcome.html").read_text(encoding="utf-8")
    assert (folder / "outcome.png").stat().st_size > 500


def test_options_are_checked() -> None:
    for wrong in ({"gases": ["o3"]}, {"vmax": {"ch4": 0}}, {"longitude_zoom": 3.0}, {"base_layers": ["bing"]}):
        with pytest.raises(ValueError):
            PlotScene(**wrong)  # type: ignore[arg-type]
    assert PlotScene(gases="ch4").gases == ["ch4"]  # type: ignore[arg-type]
    assert PictureLayer("rgb", "", "rgb").opacity == 0.9
