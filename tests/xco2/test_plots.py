"""Pictures of captures and targets: what is drawn where, shared colours, and what is said where there is nothing."""

from __future__ import annotations

import datetime as dt
import json
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from levelworks.core import plots as core_plots
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status
from levelworks.core.stage import run, stages
from levelworks.xco2 import plot_maps as maps
from levelworks.xco2 import plot_slices, plots
from levelworks.xco2.capture_files import read_captures
from levelworks.xco2.geography import Box
from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import open_grids
from levelworks.xco2.grids import EqualAreaGrid, Grid
from levelworks.xco2.lite_times import day_start
from levelworks.xco2.options import PlotCapture, PlotTarget
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.plot_footprints import Soundings
from levelworks.xco2.simulate import simulate_day

SITES = {
    "fossil0001": ("City", -118.2, 34.05),
    "volcano0001": ("Island $x^2$ 東京", -179.95, -16.8),
    "tccon0001": ("Polar", 20.0, 85.0),
    "sif0001": ("Forest", 10.0, 50.0),
    **{f"ecostress_{number}": (f"Field {number}", 20.0 + 5 * number, 10.0) for number in range(3)},
}
DAY = dt.date(2020, 3, 3)


def _targets(folder: Path) -> Path:
    entries = {}
    for name, (title, lon, lat) in SITES.items():
        west, east = ((lon + step + 180) % 360 - 180 for step in (-1.5, 1.5))
        entries[name] = {
            "name": title,
            "bbox": {"min_lon": west, "max_lon": east, "min_lat": lat - 1.5, "max_lat": lat + 1.5},
        }
    path = folder / "targets.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def _overpass(target: str, number: int, day: dt.date = DAY, mode: int = Mode.AREA_MAP, **others: object) -> Overpass:
    title, lon, lat = SITES[target]
    kept = {"frames": 30, "swaths": 3} | others
    return Overpass(target, title, lon, lat, mode, 15000 + number, day_start(day) + 6000 * (number + 1), **kept)  # type: ignore[arg-type]


def _run(name: str, files: dict[str, list[Path]], **options: object) -> Outcome:
    found = stages("xco2")[name]
    return run(found, files, found.options(**options))


def _products(
    folder: Path,
    overpasses: list[Overpass],
    dataset: str = "oco3",
    day: dt.date = DAY,
    cut: dict[str, object] | None = None,
    grid: dict[str, object] | None = None,
) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    targets = _targets(folder)
    granule = simulate_day(folder, dataset, day, overpasses, background=20, fill_share=0.01)  # type: ignore[arg-type]
    captures, grids = folder / "captures.nc", folder / "grids.nc"
    _run("cut-captures", {"granule": [granule], "targets": [targets], "captures": [captures]}, **(cut or {}))
    _run("grid-capture", {"captures": [captures], "targets": [targets], "grids": [grids]}, **(grid or {}))
    return captures, grids


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return captures and grids: an area map, one across the antimeridian, target mode near a pole, all bad, one."""
    overpasses = [
        _overpass("fossil0001", 0),
        _overpass("volcano0001", 1),
        _overpass("tccon0001", 2, mode=Mode.TARGET),
        _overpass("sif0001", 3, bad_share=1.0),
        _overpass("ecostress_0", 4, frames=1, swaths=1, footprints=1),
    ]
    return _products(tmp_path_factory.mktemp("products"), overpasses)


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of cubes with five slices of the city."""
    folder = tmp_path_factory.mktemp("cubes")
    grids = []
    for number in range(5):
        day = DAY + dt.timedelta(days=9 * number)
        mode = (Mode.AREA_MAP, Mode.TARGET)[number % 2]
        overpasses = [_overpass("fossil0001", number, day, mode), _overpass("volcano0001", 9, day)]
        grids.append(_products(folder / f"day{number}", overpasses, day=day)[1])
    _run("list-captures", {"grids": grids, "captures": [folder / "list.tsv"]})
    for target in ("fossil0001", "volcano0001", "sif0001"):
        files = {"captures": [folder / "list.tsv"], "cube": [folder / f"{target}.zarr"]}
        _run("update-cube", files, target=target, quality_set="post")
    return folder


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert set(image.info) <= {"cube_digest"}
        return np.asarray(image.convert("RGB"))


def _panel(picture: np.ndarray, row: int, panel: int) -> np.ndarray:
    """Return the pixels of a panel, from the south up as maps have them."""
    left = plots.LEFT + panel * (plots.PANEL + plots.GAP) + (plots.BAR - plots.GAP if panel == 3 else 0)
    top = plots.TOP + row * plots.ROW + plots.HEAD
    return picture[top : top + plots.PANEL, left : left + plots.PANEL][::-1]


def _at(panel: np.ndarray, view: maps.View, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    size = panel.shape[0]
    columns, rows = (((one - low) / (high - low) * size).astype(int) for one, (low, high) in ((x, view.x), (y, view.y)))
    return panel[rows, columns]


def _colours(values: np.ndarray, limits: tuple[float, float], name: str = maps.VALUES) -> np.ndarray:
    norm = mpl.colors.Normalize(*limits)
    return np.rint(maps.colour_map(name)(norm(values))[:, :3] * 255).astype(int)


def _share(drawn: np.ndarray, expected: np.ndarray) -> float:
    # Images cut colours off to whole numbers, polygons round them.
    return float(np.mean(np.all(np.abs(drawn.astype(int) - expected) <= 1, axis=1)))


GREY = (0xDD, 0xDD, 0xDD)


def test_the_same_picture_twice_and_nothing_global(products: tuple[Path, Path], tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    contents = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("first.png", "second.png"):
            outcome = plots.draw_captures(*products, tmp_path / name, PlotCapture())
            contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    assert len(contents[0]) < 400_000
    assert dict(mpl.rcParams) == before
    assert outcome == Outcome(quality={"variable": "/xco2", "captures": 5, "captures_drawn": 5})
    assert _pixels(tmp_path / "first.png").shape == (plots.TOP + 5 * plots.ROW, plots.WIDTH, 3)


@pytest.mark.parametrize("row", [0, 1])
def test_footprints_and_cells_have_the_colours_of_their_values(
    products: tuple[Path, Path], tmp_path: Path, row: int
) -> None:
    plots.draw_captures(*products, tmp_path / "p.png", PlotCapture())
    picture, cut = _pixels(tmp_path / "p.png"), read_captures(products[0])
    chosen = cut.captures[row].indices
    with open_grids(products[1]) as file:
        grid, cells = file.entries[row].spec.grid, file.cells(row)
        before, after, error = (
            file.layers(row, quality_set)[name].values
            for quality_set, name in (("pre", "/xco2"), ("post", "/xco2"), ("post", "/xco2_uncertainty"))
        )
    granule = cut.granule.take(chosen)
    soundings = Soundings.of(granule, cut.usable[chosen], granule.variables["/xco2"], grid)
    view, limits = soundings.view(grid, plots.PANEL, plots.PANEL), soundings.limits("continuous")
    clear = soundings.usable & soundings.good & np.isfinite(soundings.values)
    middles = soundings.corners[clear].mean(axis=1).T
    assert _share(_at(_panel(picture, row, 0), view, *middles), _colours(soundings.values[clear], limits)) > 0.85
    x, y = grid.x[cells % grid.shape[1]], grid.y[cells // grid.shape[1]]
    for panel, values in ((1, before), (2, after)):
        known = np.isfinite(values)
        drawn = _at(_panel(picture, row, panel), view, x, y)
        assert _share(drawn[known], _colours(values[known], limits)) > 0.98
        assert not known.any() or _share(drawn[~known], np.broadcast_to(GREY, drawn[~known].shape)) > 0.95
    assert np.isnan(after).sum() > np.isnan(before).sum()
    known = np.isfinite(error)
    drawn = _at(_panel(picture, row, 3), view, x, y)[known]
    assert _share(drawn, _colours(error[known], core_plots.robust_limits(error, 2, 98), maps.ERRORS)) > 0.98


def test_no_data_is_never_a_colour_of_the_scale() -> None:
    for name in (maps.VALUES, maps.ERRORS, maps.ANGLES):
        colours = np.rint(maps.colour_map(name)(np.arange(core_plots.LEVELS))[:, :3] * 255)
        assert np.abs(colours - GREY).sum(axis=1).min() > 12


def test_bad_footprints_are_outlined_and_screened_ones_crossed(products: tuple[Path, Path], tmp_path: Path) -> None:
    plots.draw_captures(*products, tmp_path / "p.png", PlotCapture())
    picture = _pixels(tmp_path / "p.png").astype(int)

    def dark(row: int, panel: int) -> int:
        # Without the frame, and without what stands in the corner of the scale bar.
        return int(np.count_nonzero(_panel(picture, row, panel)[40:-4, 4:-4].max(axis=2) < 0x24))

    assert dark(0, 0) > 100
    assert dark(0, 1) == 0
    # Without a good one all would be outlined.
    assert dark(3, 0) == 0
    inner = _panel(picture, 3, 2)[4:-4, 4:-4]
    saturated = np.ptp(inner, axis=2) > 40
    # Nothing but the mark of the target.
    assert 0 < np.count_nonzero(saturated) < 120


def test_what_the_granule_lacks_is_said(products: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidOptions, match=r"'nothing'; gridded are /xco2, /xco2_uncertainty"):
        plots.draw_captures(*products, tmp_path / "p.png", PlotCapture(variables={"oco3": "nothing"}))
    with pytest.raises(InvalidInput, match=r"products of|no product of"):
        plots.draw_captures(products[0], products[0], tmp_path / "p.png", PlotCapture())
    day = DAY + dt.timedelta(days=1)
    other = _products(tmp_path / "other", [_overpass("fossil0001", 0, day)], day=day, cut={"variables": ["xco2", "no"]})
    with pytest.raises(InvalidInput, match="is of oco3_LtCO2_200304"):
        plots.draw_captures(products[0], other[1], tmp_path / "p.png", PlotCapture())
    with pytest.raises(NothingToProduce, match="has no variable no"):
        plots.draw_captures(*other, tmp_path / "p.png", PlotCapture(variables={"oco3": "no"}))
    none = _products(tmp_path / "none", [])
    with pytest.raises(NothingToProduce, match=r"skipped.*no captures"):
        plots.draw_captures(*none, tmp_path / "p.png", PlotCapture())
    for path in none:
        path.with_name(path.name + ".json").unlink()
    with pytest.raises(NothingToProduce, match="no captures in oco3_LtCO2_200303"):
        plots.draw_captures(*none, tmp_path / "p.png", PlotCapture())
    assert not (tmp_path / "p.png").exists()


def test_six_captures_are_drawn_and_the_others_named(tmp_path: Path) -> None:
    small = {"frames": 6, "swaths": 1}
    files = _products(tmp_path, [_overpass(name, number, **small) for number, name in enumerate(SITES)])
    outcome = plots.draw_captures(*files, tmp_path / "p.png", PlotCapture())
    assert outcome.quality == {"variable": "/xco2", "captures": 7, "captures_drawn": 6}
    picture = _pixels(tmp_path / "p.png")
    assert picture.shape[0] == plots.TOP + 6 * plots.ROW + 50
    assert picture[-50:].min() < 0x80


@pytest.mark.parametrize(
    ("dataset", "cut", "grid", "variable"),
    [
        ("oco3_sif", {}, {}, "/Daily_SIF_757nm"),
        ("oco2", {}, {"latitude": 60, "longitude": 3000, "convention": "node"}, "/xco2"),
        ("oco3", {"variables": ["/xco2"]}, {"method": "linear", "latitude": 50, "longitude": 50}, "/xco2"),
        ("oco3", {"variables": ["/Sounding/altitude", "/xco2"]}, {}, "/Sounding/altitude"),
    ],
)
def test_other_datasets_methods_and_grids(
    tmp_path: Path, dataset: str, cut: dict[str, object], grid: dict[str, object], variable: str
) -> None:
    files = _products(tmp_path, [_overpass("fossil0001", 0, mode=Mode.TARGET)], dataset, cut=cut, grid=grid)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = plots.draw_captures(*files, tmp_path / "p.png", PlotCapture(variables={"oco3": variable.strip("/")}))
    assert outcome.quality["variable"] == variable


def test_time_strip(cubes: Path, tmp_path: Path) -> None:
    contents = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("first.png", "second.png"):
            outcome = plots.draw_target(cubes / "fossil0001.zarr", tmp_path / name, PlotTarget(most=3))
            contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    strip = plot_slices.read_strip(cubes / "fossil0001.zarr", {}, 3)
    times = [one.one.time for one in strip.slices]
    assert times == sorted(one.time for one in strip.cube.slices)[-3:]
    assert outcome.quality == {
        "variable": "/xco2",
        "slices": 5,
        "slices_drawn": 3,
        "last_median": strip.slices[-1].percentiles[1],
    }
    stored = strip.cube.store.read("xco2")
    picture = _pixels(tmp_path / "first.png")
    limits = core_plots.robust_limits(np.concatenate([one.values for one in strip.slices]), 2, 98)
    ends = [maps.edges_of(strip.grid, one.cells) for one in strip.slices]
    view = maps.view_around(strip.grid, *(np.concatenate([one[axis] for one in ends]) for axis in (0, 1)))
    for number, one in enumerate(strip.slices):
        whole = stored[len(stored) - 3 + number].ravel()
        np.testing.assert_array_equal(one.cells, np.flatnonzero(np.isfinite(whole)))
        np.testing.assert_allclose(one.percentiles, np.nanpercentile(whole.astype(float), (16, 50, 84)))
        left, top = 92 + number * 314, 96 + 44
        inside = maps.holds(view, one.cells)
        x, y = strip.grid.x[one.cells[inside] % 400], strip.grid.y[one.cells[inside] // 400]
        drawn = _at(picture[top : top + 300, left : left + 300][::-1], view, x, y)
        assert _share(drawn, _colours(one.values[inside], limits)) > 0.97


def test_time_strip_of_one_slice_and_of_a_variable(cubes: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for variable in ("/xco2_uncertainty", "number_of_soundings"):
            options = PlotTarget(most=1, variables={"oco3": variable})
            outcome = plots.draw_target(cubes / "volcano0001.zarr", tmp_path / "p.png", options)
            assert outcome.quality["variable"] == "/" + variable.strip("/")


def test_what_a_cube_lacks_is_said(cubes: Path, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    with pytest.raises(InvalidOptions, match=r"'sif'; fossil0001.zarr has /coverage, .*/xco2"):
        plots.draw_target(cubes / "fossil0001.zarr", picture, PlotTarget(variables={"oco3": "sif"}))
    with pytest.raises(NothingToProduce, match=r"skipped.*no capture of target"):
        plots.draw_target(cubes / "sif0001.zarr", picture, PlotTarget())
    for path in (tmp_path, tmp_path / "absent", cubes / "list.tsv"):
        with pytest.raises(InvalidInput, match="no cube of a target"):
            plots.draw_target(path, picture, PlotTarget())
    assert not picture.exists()


def test_a_finer_grid_is_made_coarser(cubes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = plot_slices.read_strip(cubes / "fossil0001.zarr", {}, 2)
    monkeypatch.setattr(plot_slices, "FINEST", 150)
    coarse = plot_slices.read_strip(cubes / "fossil0001.zarr", {}, 2)
    assert coarse.grid.shape == (134, 134)
    for one, other in zip(fine.slices, coarse.slices, strict=True):
        assert one.percentiles == other.percentiles
        rows, columns = one.cells // 400 // 3, one.cells % 400 // 3
        np.testing.assert_array_equal(np.unique(rows * 134 + columns), other.cells)
        first = (rows * 134 + columns) == other.cells[0]
        assert other.values[0] == pytest.approx(one.values[first].astype(float).mean())


def test_picture_of_nothing(tmp_path: Path) -> None:
    plots.draw_nothing(tmp_path / "p.png", Outcome(Status.QUARANTINED, "a $bad$ \x07granule"))
    assert _pixels(tmp_path / "p.png").shape[1] == 800


def test_views_are_true_to_scale_and_continuous() -> None:
    grid = Grid.from_box(Box(178.55, 58.0, -178.45, 61.0), 30, 30)
    x, y = grid.locate(np.array([179.9, -179.7]), np.array([59.5, 59.6]))
    view = maps.view_around(grid, x, y, 300, 200)
    assert view.x[0] < 179.9 < 180.3 < view.x[1]
    tall, wide = view.y[1] - view.y[0], (view.x[1] - view.x[0]) * np.cos(np.deg2rad(59.55))
    assert wide / tall == pytest.approx(1.5)
    assert view.km_wide == pytest.approx(maps.KM_PER_DEGREE * wide)
    with core_plots.sheet(400, 300) as page:
        axes = maps.map_axes(page, (60, 20, 300, 200), view)
        labels = [float(label.get_text().replace("−", "-")) for label in axes.get_xticklabels()]
    assert all(abs(one) <= 180 for one in labels)
    assert min(labels) < 0 < max(labels)


def test_a_single_point_nothing_and_equal_areas() -> None:
    box = Box(8.5, 83.5, 11.5, 86.5)
    single = maps.view_around(Grid.from_box(box, 9, 9), np.array([10.0]), np.array([85.0]))
    assert single.km_wide == pytest.approx(maps.LEAST_KM)
    grid = EqualAreaGrid.from_box(box, 9, 9)
    view = maps.view_around(grid, np.array([np.nan]), np.array([1.0]))
    assert view.x[0] < grid.x_edges[0]
    assert view.y[1] > grid.y_edges[-1]
    assert view.x[1] - view.x[0] == pytest.approx(view.y[1] - view.y[0])
    assert maps.target_centre(grid) == (0.0, 0.0)


def test_strays_do_not_set_the_scale() -> None:
    x = np.concatenate([np.linspace(0, 1, 500), [9.0, np.nan]])
    np.testing.assert_array_equal(maps.without_strays(x, np.zeros(502)), np.arange(502) < 500)
    assert maps.without_strays(np.array([1.0, 5.0]), np.zeros(2)).all()
    assert not maps.without_strays(np.array([np.nan]), np.zeros(1)).any()


def test_cells_as_pixels() -> None:
    grid = Grid.from_box(Box(0.0, 0.0, 4.0, 4.0), 4, 4)
    cells, values = np.array([0, 1, 4, 15]), np.array([1.0, 2.0, 3.0, 4.0])
    large = maps.rasterise(maps.View(grid, (0, 4), (0, 4)), 8, 8, cells, values)
    assert (large[:2, :2] == 1).all()
    assert (large[:2, 2:4] == 2).all()
    assert (large[2:4, :2] == 3).all()
    assert large.count() == 16
    small = maps.View(grid, (0, 4), (0, 4))
    assert maps.rasterise(small, 2, 2, cells, values)[0, 0] == 2.0
    assert maps.rasterise(small, 2, 2, cells, values)[1, 1] == 4.0
    assert maps.rasterise(small, 2, 2, cells, values, average=False)[0, 0] == 1.0
    wide = maps.rasterise(maps.View(grid, (-4, 4), (-4, 4)), 8, 8, cells, values)
    assert wide.mask[:4].all()
    assert wide.mask[:, :4].all()
    assert wide[4, 4] == 1.0
    assert maps.rasterise(maps.View(grid, (10, 12), (0, 4)), 8, 8, cells, values).mask.all()
    assert maps.rasterise(small, 8, 8, cells[:0], values[:0]).mask.all()


def test_labels() -> None:
    assert maps.quantity_label("/xco2", "1e-6") == maps.quantity_label("/xco2", "ppm") == "XCO₂ (ppm)"
    assert maps.quantity_label("/Science/SIF_757nm", "W/m^2/sr/um") == "SIF_757nm (W/m²/sr/µm)"
    assert maps.quantity_label("/number_of_soundings", "1") == "number_of_soundings"
    assert maps.legible("a\nb\x00\ud800東 é") == "a b??? é"
    assert maps.legible("x" * 100, 10) == "xxxxxxxxx…"
    assert maps.degrees(-0.1 - 0.2) == "−0.3"
    assert maps.degrees(-0.0) == "0"
    assert maps.utc(float("nan")) == "unknown time"
