"""Pictures of plumes: where things are drawn, in which colours, and what is left out where it is not known."""

from __future__ import annotations

from pathlib import Path

import level2_scenes as scenes
import matplotlib as mpl
import netCDF4
import numpy as np
import pytest
from PIL import Image
from pyproj import CRS, Transformer
from rasterio.transform import Affine

from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.plumes.drawing import map_frames, plume_pictures
from levelworks.plumes.drawing.level2_view import MapGrid, open_level2
from levelworks.plumes.drawing.plot_options import PlotPlume
from levelworks.plumes.drawing.plot_plume_stage import base_of, plot_plumes
from levelworks.plumes.drawing.plume_files import Plume, plume_paths, read_plume, read_rows, read_sections, row_of
from levelworks.plumes.drawing.plume_frames import frame_box, frame_grid, outline_segments, pixels_below, plume_limits
from levelworks.plumes.drawing.quantified_files import tonnes

NAME = f"{scenes.STEM.replace('L2B', 'L3B')}_plume1"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a quantified folder and its Level-2 product."""
    root = tmp_path_factory.mktemp("plume")
    return scenes.write_plume_files(root / "quantify"), scenes.write_level2(root)


def _plume(inputs: tuple[Path, Path]) -> Plume:
    return read_plume(plume_paths(inputs[0])[0][1], 1, [])


def _picture(inputs: tuple[Path, Path], folder: Path, **options: object) -> np.ndarray:
    plot_plumes(inputs[0], inputs[1], folder=folder, options=PlotPlume(**options))  # type: ignore[arg-type]
    with Image.open(folder / f"{NAME}.png") as image:
        return np.asarray(image.convert("RGB"))


def _colour(name: str) -> np.ndarray:
    return np.rint(np.multiply(mpl.colors.to_rgb(name), 255)).astype(int)


def _near(picture: np.ndarray, name: str, most: int = 2) -> np.ndarray:
    return np.abs(picture.astype(int) - _colour(name)).max(axis=-1) <= most


def _at(grid: MapGrid, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Return row and column of a place in a frame of so many pixels."""
    left, right, bottom, top = grid.extent
    return (top - y) / (top - bottom) * size[1], (x - left) / (right - left) * size[0]


def test_outline_of_a_mask_is_as_long_as_its_perimeter_and_lies_at_its_edges() -> None:
    grid = MapGrid(CRS.from_epsg(32613), Affine(60, 0, 1000, 0, -60, 9000), (8, 9))
    mask = np.zeros(grid.shape, dtype=bool)
    mask[2:5, 3:7] = True
    mask[3, 4] = False
    segments = outline_segments(mask, grid)
    lengths = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    assert lengths.sum() == pytest.approx(60 * (2 * (3 + 4) + 4))
    assert segments[..., 0].min() == 1000 + 3 * 60
    assert segments[..., 0].max() == 1000 + 7 * 60
    assert segments[..., 1].max() == 9000 - 2 * 60
    assert segments[..., 1].min() == 9000 - 5 * 60
    assert outline_segments(np.zeros((3, 3), dtype=bool), grid).shape == (0, 2, 2)


def test_frame_holds_the_plume_and_its_source_or_what_is_asked_for(inputs: tuple[Path, Path]) -> None:
    plume = _plume(inputs)
    left, right, bottom, top = frame_box(plume, PlotPlume())
    rows, columns = np.nonzero(np.isfinite(plume.enhancement))
    own = plume.grid.transform
    assert left < own.c + columns.min() * own.a
    assert right > own.c + (columns.max() + 1) * own.a
    assert top > own.f + rows.min() * own.e
    assert bottom < own.f + (rows.max() + 1) * own.e
    assert right - left == pytest.approx(top - bottom)
    left, right, bottom, top = frame_box(plume, PlotPlume(pad=0.02))
    x, y = plume.grid.from_degrees.transform(-104.99577, 31.998)
    assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx((x, y))
    assert (top - bottom) / 2 == pytest.approx(0.02 * 111195)


def test_limits_are_those_of_the_plume_or_of_the_person(inputs: tuple[Path, Path]) -> None:
    plume = _plume(inputs)
    assert plume_limits(plume, PlotPlume()) == pytest.approx((0, np.nanpercentile(plume.enhancement, 99)))
    assert plume_limits(plume, PlotPlume(vmax={"ch4": 250.0})) == (0, 250)


def test_minimal_picture_is_the_frame_alone_with_each_pixel_in_its_place(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    picture = _picture(inputs, tmp_path, minimal=True, base="none", vmax={"ch4": 600.0})
    plume = _plume(inputs)
    grid = frame_grid(plume, PlotPlume())
    _, width, height = map_frames.frame_size(grid.shape, *plume_pictures.MOST)
    assert picture.shape == (height, width, 3)
    colours = mpl.colormaps["hot_r"]
    x, y = scenes.grid()
    for place in ((501300.0, 3540820.0), (502500.0, 3541510.0), (501900.0, 3541165.0)):
        column, row = np.argmin(np.abs(x - place[0])), np.argmin(np.abs(y - place[1]))
        value = scenes.plume(x[column], y[row], scenes.SOURCE, 900.0)
        assert value > 60
        down, across = _at(grid, (width, height), x[column], y[row])
        expected = np.multiply(colours(min(float(value) / 600, 1))[:3], 255)
        assert np.abs(picture[int(down), int(across)] - expected).max() < 12
    outside = _at(grid, (width, height), scenes.SOURCE[0], scenes.SOURCE[1] + 1500)
    assert (picture[int(outside[0]), int(outside[1])] == 0xDD).all()


def test_source_ring_has_a_radius_of_100_metres(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    picture = _picture(inputs, tmp_path, minimal=True)
    rows, columns = np.nonzero(_near(picture, plume_pictures.SOURCE))
    plume = _plume(inputs)
    grid = frame_grid(plume, PlotPlume())
    scale = picture.shape[1] / (grid.shape[1] * 60)
    assert (np.ptp(columns) + 1) / scale / 2 == pytest.approx(100, abs=25)
    x, y = plume.grid.from_degrees.transform(-104.99577, 31.998)
    down, across = _at(grid, (picture.shape[1], picture.shape[0]), x, y)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(down, abs=3)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(across, abs=3)


def test_rows_are_found_by_the_plume_s_id_or_else_by_its_number(tmp_path: Path) -> None:
    quantified = scenes.write_plume_files(tmp_path / "q")
    path, rows = next(quantified.glob("*_plume1.nc")), read_rows(quantified)
    assert read_plume(path, 1, rows).row["emission"] == "8123.4"
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr("plume_id", "emi-20230612t162103-plume2")
    assert read_plume(path, 1, rows).row["emission"] == "1310.0"
    assert row_of(rows, "emi-20230612t162103-co2-plume1", 1) == {}
    assert row_of(rows, "", 3) == {}


def test_lines_in_another_zone_are_brought_over(tmp_path: Path) -> None:
    path = next(scenes.write_plume_files(tmp_path / "q").glob("*_plume1.nc"))
    plain = read_plume(path, 1, [])
    assert plain.sections is not None
    to_other = Transformer.from_crs(32613, 32614, always_xy=True)
    with netCDF4.Dataset(path.with_name(f"{path.stem}_csf.nc"), "a") as file:
        file.setncatts({"epsg": 32614})
        for end in ("start", "end", "center"):
            file[f"x_{end}"][:], file[f"y_{end}"][:] = to_other.transform(file[f"x_{end}"][:], file[f"y_{end}"][:])
    moved = read_plume(path, 1, []).sections
    assert moved is not None
    np.testing.assert_allclose(moved.start, plain.sections.start, atol=0.01)
    np.testing.assert_allclose(moved.centre, plain.sections.centre, atol=0.01)


def test_cross_sections_are_drawn_with_their_rates_where_asked_for(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    shown = _picture(inputs, tmp_path / "a")
    left_out = _picture(inputs, tmp_path / "b", plot_csf=False)
    assert shown.shape[0] - left_out.shape[0] == plume_pictures.CURVE + 30
    assert _near(shown, plume_pictures.SECTION).sum() > 500
    assert _near(left_out, plume_pictures.SECTION).sum() == 0
    panel = shown[-plume_pictures.CURVE - 20 :]
    assert _near(panel, plume_pictures.SECTION).sum() > 200
    assert _near(panel, "#dfe6f7").sum() > 5000


def test_carbon_mapper_panel_is_beside_and_full_field_covers_the_base(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    plain = _picture(inputs, tmp_path / "a", plot_csf=False)
    both = _picture(inputs, tmp_path / "b", plot_csf=False, plot_cm=True)
    assert both.shape[1] > 1.7 * plain.shape[1]
    full = _picture(inputs, tmp_path / "c", minimal=True, full_field=True)
    masked = _picture(inputs, tmp_path / "d", minimal=True)
    assert (full.astype(int).sum(axis=-1) > 600).mean() > 0.6
    assert (masked.astype(int).sum(axis=-1) > 600).mean() < 0.3


def test_base_in_colours_differs_from_the_grey_one(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    corner = [
        _picture(inputs, tmp_path / base, minimal=True, base=base)[-60:, -60:].astype(int) for base in ("grey", "rgb")
    ]
    red_to_blue = [(one[..., 0] - one[..., 2]).mean() for one in corner]
    assert red_to_blue[0] < 0 < 20 < red_to_blue[1]


def test_other_sources_are_marked_where_asked_for(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    quantified = scenes.write_plume_files(tmp_path / "q")
    first = next(quantified.glob("*_plume1.nc"))
    second = first.with_name(first.name.replace("plume1", "plume2"))
    second.write_bytes(first.read_bytes())
    with netCDF4.Dataset(second, "a") as file:
        file.setncatts({"plume_longitude": -104.98, "plume_latitude": 32.006})
    for marked in (False, True):
        picture = _picture((quantified, inputs[1]), tmp_path / str(marked), plot_markers=marked)
        assert (_near(picture, plume_pictures.OTHERS).sum() > 30) == marked
    names = {path.name.rpartition("_")[2] for path in (tmp_path / "True").iterdir()}
    assert {"plume1.png", "plume1.html", "plume2.png", "plume2.html"} <= names


def test_same_bytes_again(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        _picture(inputs, tmp_path / name, plot_cm=True)
    assert (tmp_path / "a" / f"{NAME}.png").read_bytes() == (tmp_path / "b" / f"{NAME}.png").read_bytes()


def test_without_level2_table_winds_or_source_what_is_known_is_drawn(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    quantified = scenes.write_plume_files(tmp_path / "q", sections=False)
    (quantified / "plumes.csv").unlink()
    path = next(quantified.glob("*_plume1.nc"))
    with netCDF4.Dataset(path, "a") as file:
        file["u10"][:] = np.nan
        file.delncattr("plume_longitude")
    outcome = plot_plumes(quantified, None, folder=tmp_path / "a", options=PlotPlume(full_field=True, pad=0.02))
    assert len(outcome.warnings) == 2
    plume = read_plume(path, 1, [])
    assert plume.source is None
    assert plume.winds == ()
    assert plume.sections is None


def test_an_empty_plume_is_drawn_without_values(tmp_path: Path) -> None:
    quantified = scenes.write_plume_files(tmp_path / "q")
    with netCDF4.Dataset(next(quantified.glob("*_plume1.nc")), "a") as file:
        file["ch4"][:] = np.nan
    outcome = plot_plumes(quantified, None, folder=tmp_path / "a", options=PlotPlume())
    assert outcome.quality["plumes"] == 1


def test_what_is_no_plume_is_refused(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(NothingToProduce, match="no plume"):
        plot_plumes(tmp_path / "none", None, folder=tmp_path / "a", options=PlotPlume())
    with pytest.raises(InvalidInput, match="quantify"):
        plot_plumes(inputs[1], None, folder=tmp_path / "a", options=PlotPlume())
    with pytest.raises(InvalidInput, match="no enhancement"):
        read_plume(scenes.write_level2(tmp_path, variables=("rgb",)), 1, [])
    csf = tmp_path / "x_csf.nc"
    with netCDF4.Dataset(csf, "w") as file:
        file.createDimension("csf_line", 2)
        file.createVariable("emission_rate", "f8", ("csf_line",))[:] = [1.0, 2.0]
    with pytest.raises(InvalidInput, match="x_start"):
        read_sections(csf, _plume(inputs).grid)
    assert read_sections(tmp_path / "nothing_csf.nc", _plume(inputs).grid) is None


def test_what_lies_below_is_in_its_place_even_from_another_zone(inputs: tuple[Path, Path]) -> None:
    plume = _plume(inputs)
    with open_level2(inputs[1]) as view:
        own = base_of(view, plume, PlotPlume(full_field=True))
        colours, field = view.read_rgb()[0], view.read("ch4")
    assert own.rgb is not None
    assert own.enhancement is not None
    row, column = 5, 7
    x = own.grid.transform.c + (column + 0.5) * 60
    y = own.grid.transform.f - (row + 0.5) * 60
    east, north = scenes.grid()
    place = int(np.argmin(np.abs(north - y))), int(np.argmin(np.abs(east - x)))
    assert (own.rgb[0][row, column] == colours[place]).all()
    assert own.enhancement[row, column] == field[place]
    # The middle of the frame, asked for in the next zone.
    middle = own.grid.shape[0] // 2, own.grid.shape[1] // 2
    place = (own.grid.transform.c + (middle[1] + 0.5) * 60, own.grid.transform.f - (middle[0] + 0.5) * 60)
    x, y = Transformer.from_crs(32613, 32614, always_xy=True).transform(*place)
    other = MapGrid(CRS.from_epsg(32614), Affine(60, 0, x - 60 * 10.5, 0, -60, y + 60 * 20.5), (40, 30))
    rows, columns, known = pixels_below(own.grid, other)
    assert (rows[middle], columns[middle], known[middle]) == (20, 10, True)
    assert not known[0, 0]


def test_plumes_come_by_number(tmp_path: Path) -> None:
    for name in ("s_plume10.nc", "s_plume2.nc", "s_plume2_csf.nc", "s_plume0.png", "s_plume0.nc"):
        (tmp_path / name).touch()
    assert [number for number, _ in plume_paths(tmp_path)] == [0, 2, 10]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"emission": "8123.4", "emission_uncertainty": "2011.7"}, "8.12 ± 2.0 t/h"),
        ({"emission": "812.3"}, "0.812 t/h"),
        ({"emission": "nan"}, ""),
        ({}, ""),
    ],
)
def test_rates_are_written_in_tonnes_an_hour(row: dict[str, str], text: str) -> None:
    assert tonnes(row) == text
