"""Pictures: orientation, wrapped means, gaps, colours, units, and the same bytes every time."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image
from rasterio.transform import from_origin

from levelworks.core import plots
from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.insar.drawing import geo_maps
from levelworks.insar.drawing.cyclic_colours import phase_colours
from levelworks.insar.drawing.drawing_options import PlotPair
from levelworks.insar.drawing.geo_maps import degrees, km_extent, map_size
from levelworks.insar.drawing.geo_rasters import GeoGrid, grid_of, mean_phase, mean_value, read_reduced, with_gaps
from levelworks.insar.drawing.network import draw_baselines, draw_network
from levelworks.insar.drawing.plot_pair_stage import plot_pair, write_empty_pictures
from levelworks.insar.drawing.previews import GREY, LEFT, MM_PER_RADIAN, SAND, TOP, draw_previews
from levelworks.insar.network.epochs import Epoch, Pair
from levelworks.insar.products.network_table import PairFacts, find_gaps

PAIR = "20250406_20250418"
SHAPE = (60, 80)


def write(folder, kind, values, nodata=np.nan, west=10.0, north=50.0, step=0.001):
    folder.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": "EPSG:4326", "nodata": nodata}
    place = {"height": values.shape[0], "width": values.shape[1], "transform": from_origin(west, north, step, step)}
    path = folder / f"{PAIR}.geo.{kind}.tif"
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(values, 1)
    return path


@pytest.fixture
def geocoded(tmp_path):
    """Return the folder of a pair: a ramp to the east, no data in the south, coherence to the north."""
    folder = tmp_path / PAIR
    phase = np.tile(np.linspace(-8, 8, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))
    phase[-20:] = np.nan
    wrapped = np.angle(np.exp(1j * phase)).astype(np.float32)
    for kind in ("diff_pha", "diff_unfiltered_pha"):
        write(folder, kind, wrapped)
    write(folder, "unw", phase)
    coherence = np.repeat(np.linspace(255, 1, SHAPE[0]).astype(np.uint8), SHAPE[1]).reshape(SHAPE)
    coherence[-20:] = 0
    write(folder, "cc", coherence, nodata=0)
    return folder


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_all_rasters_are_drawn_and_bytes_stay(geocoded, tmp_path):
    first = draw_previews(geocoded, PAIR, pictures=make(tmp_path / "a"), overlay=True)
    again = draw_previews(geocoded, PAIR, pictures=make(tmp_path / "b"), overlay=True)
    kinds = ("geo.diff_pha.png", "geo.diff_unfiltered_pha.png", "geo.unw.png", "geo.cc.png", "kmz")
    assert [path.name for path in first] == [f"{PAIR}.{kind}" for kind in kinds]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def make(path):
    path.mkdir()
    return path


def test_north_is_up_and_no_data_is_grey(geocoded):
    draw_previews(geocoded, PAIR)
    size = map_size(GeoGrid(10.0, 49.94, 10.08, 50.0, SHAPE), 1200)
    for kind, none in (("diff_pha", GREY), ("unw", GREY), ("cc", SAND)):
        picture = pixels(geocoded / f"{PAIR}.geo.{kind}.png")
        inside = picture[TOP + 2 : TOP + size.height - 2, LEFT + 2 : LEFT + size.width - 2]
        wanted = np.rint(np.array(to_rgb(none)) * 255)
        grey = (np.abs(inside - wanted) <= 1).all(-1)
        assert grey[: inside.shape[0] // 2].mean() < 0.001
        # below the scale bar and the graticule all of the south is without data
        assert grey[int(0.72 * inside.shape[0]) :, inside.shape[1] // 2 :].mean() > 0.9
    coherence = pixels(geocoded / f"{PAIR}.geo.cc.png")[:, LEFT + size.width // 2 + 3].sum(-1)
    assert coherence[TOP + 10] > coherence[TOP + size.height // 2]


def test_east_is_right(geocoded):
    draw_previews(geocoded, PAIR)
    size = map_size(GeoGrid(10.0, 49.94, 10.08, 50.0, SHAPE), 1200)
    row = pixels(geocoded / f"{PAIR}.geo.unw.png")[TOP + 100, LEFT : LEFT + size.width].astype(int)
    blue_less_red = row[:, 2] - row[:, 0]
    assert blue_less_red[20] > 60  # the west is nearer than before
    assert blue_less_red[-20] < -60


def test_maps_are_true_to_scale():
    for south in (0.0, 45.0, 70.0):
        grid = GeoGrid(10.0, south, 12.0, south + 1.0, (1000, 2000))
        size = map_size(grid, 900)
        east, north = km_extent(grid)
        assert size.width / size.height == pytest.approx(east / north, rel=0.01)
        assert max(size.width, size.height) == 900
    assert km_extent(GeoGrid(0, 59.5, 1, 60.5, (1, 1)))[0] == pytest.approx(111.195 / 2, rel=1e-3)


def test_millimetres_of_a_cycle():
    """A cycle is half a wavelength, and phase that grows is ground that goes away."""
    assert MM_PER_RADIAN * 2 * np.pi == pytest.approx(-55.46576 / 2, abs=1e-4)


@given(st.floats(-np.pi, np.pi), st.floats(0, 1.2), st.integers(0, 2**31))
def test_mean_phase_knows_no_edge(centre, spread, seed):
    """Phases about any centre average to it, also where they wrap."""
    half = np.random.default_rng(seed).uniform(-spread, spread, (4, 4))
    values = np.angle(np.exp(1j * (centre + np.concatenate([half, -half])))).astype(np.float32)
    found = mean_phase(values, (8, 4))
    assert abs(np.angle(np.exp(1j * (found[0, 0] - centre)))) < 1e-3


def test_blocks_that_are_half_empty_are_none():
    values = np.ones((4, 6), np.float32)
    values[:2, 0] = np.nan
    values[2:, :2] = np.nan
    values[3, 2:] = 5
    for reduce in (mean_phase, mean_value):
        np.testing.assert_array_equal(np.isnan(reduce(values, (2, 2))), [[True, False, False], [True, False, False]])
    assert mean_value(values, (2, 2))[1, 1] == 3
    assert mean_value(np.arange(10, dtype=np.float32)[None], (1, 4)).tolist() == [[1.5, 5.5, 8.5]]


def test_strips_do_not_show(tmp_path, monkeypatch):
    values = np.random.default_rng(5).normal(size=(101, 37)).astype(np.float32)
    path = write(tmp_path, "unw", values)
    whole = read_reduced(path, (3, 4), mean_value)
    monkeypatch.setattr("levelworks.insar.drawing.geo_rasters.STRIP_PIXELS", 37 * 7)
    np.testing.assert_array_equal(read_reduced(path, (3, 4), mean_value), whole)
    assert whole.shape == (34, 10)


def test_gaps_by_type():
    assert np.isnan(with_gaps(np.array([0, 3], np.uint8), None)).tolist() == [True, False]
    assert np.isnan(with_gaps(np.array([0, -9999], np.float32), -9999)).tolist() == [False, True]
    assert np.isnan(with_gaps(np.array([0.0, np.nan], np.float32), None)).tolist() == [False, True]


def test_a_raster_that_is_not_north_up_is_refused():
    turned = SimpleNamespace(name="x.tif", transform=from_origin(0, 0, 1, -1))
    with pytest.raises(InvalidInput, match="not north up"):
        grid_of(turned)


def test_phase_colours_close_and_are_no_grey():
    colours = phase_colours()(np.arange(plots.LEVELS))[:, :3]
    steps = np.abs(np.diff(np.concatenate([colours, colours[:1]]), axis=0)).max(1)
    assert steps.max() < 0.1  # the last is as near to the first as any to its neighbour
    assert (colours.max(1) - colours.min(1)).min() > 0.15
    light = colours @ [0.2126, 0.7152, 0.0722]
    assert light[plots.LEVELS // 2] > light[0] + 0.25


def test_overlay_lies_where_the_phase_does(tmp_path):
    values = np.full((3100, 40), 0.0, np.float32)
    values[:, :20] = np.nan
    folder = tmp_path / "wide"
    write(folder, "diff_pha", values, west=179.9)
    (path,) = [one for one in draw_previews(folder, PAIR, overlay=True) if one.suffix == ".kmz"]
    with zipfile.ZipFile(path) as archive:
        document = archive.read("doc.kml").decode()
        image = Image.open(io.BytesIO(archive.read("phase.png")))
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert image.size == (14, 1034)
    north, south, east, west = (
        float(document.split(f"<{name}>")[1].split("<")[0]) for name in ("north", "south", "east", "west")
    )
    assert (north, west) == pytest.approx((50.0, 179.9))
    assert (north - south) / image.size[1] == pytest.approx(0.003)
    assert (east - west) / image.size[0] == pytest.approx(0.003)
    shown = np.asarray(image.convert("RGBA"))
    assert (shown[:, :6, 3] == 0).all()
    assert (shown[:, 7:, 3] == 255).all()


@pytest.mark.parametrize(
    ("value", "ends", "text"),
    [(-118.5, "EW", "118.5°W"), (190.0, "EW", "170°W"), (0.0, "NS", "0°"), (-0.25, "NS", "0.25°S")],
)
def test_coordinates_have_their_hemisphere(value, ends, text):
    assert degrees(value, *ends) == text


def test_scale_bar_is_round(monkeypatch):
    drawn = []
    axes = SimpleNamespace(
        transAxes=None,
        add_patch=lambda _: None,
        plot=lambda x, _, **__: drawn.append(x[1] - x[0]),
        text=lambda _, __, text, **___: drawn.append(text),
        annotate=lambda *_, **__: None,
    )
    monkeypatch.setattr(geo_maps, "Rectangle", lambda *_, **__: None)
    grid = GeoGrid(0, -0.5, 1.0, 0.5, (100, 100))
    geo_maps.draw_scale(axes, grid, map_size(grid, 600))
    assert drawn[:2] == [pytest.approx(20 / km_extent(grid)[0]), "20 km"]


def test_plot_pair(geocoded, tmp_path):
    outcome = plot_pair(geocoded, pictures=tmp_path / "pictures", options=PlotPair(kmz=False))
    assert outcome.quality == {"pictures": 4}
    assert not list(geocoded.glob("*.png"))
    (tmp_path / "20250101_20250113").mkdir()
    with pytest.raises(NothingToProduce):
        plot_pair(tmp_path / "20250101_20250113", pictures=tmp_path / "none", options=PlotPair())
    with pytest.raises(InvalidInput, match="pair is named"):
        plot_pair(tmp_path / "pictures", pictures=tmp_path / "more", options=PlotPair())


def test_empty_pictures_say_why(tmp_path):
    from levelworks.core.outcome import Outcome, Status

    write_empty_pictures(tmp_path / "empty", Outcome(Status.SKIPPED, "no overlap"))
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["outcome.png"]


def network(verdict="good"):
    first = dt.date(2025, 1, 1)
    dates = [first + dt.timedelta(12 * k) for k in (0, 1, 2, 20, 21)]
    epochs = [Epoch(date, 30.0 * k) for k, date in enumerate(dates)]
    ends = ((0, 1), (1, 2), (0, 2), (3, 4))
    pairs = [PairFacts(Pair(dates[i], dates[j]), 30.0 * (j - i), 0.5 + 0.1 * i, 0.9, verdict, False) for i, j in ends]
    return epochs, pairs, dates


def test_network_marks_bad_pairs_and_gaps(tmp_path):
    epochs, pairs, dates = network()
    gaps = find_gaps(dates, [one.pair for one in pairs])
    assert [(gap.before, gap.after) for gap in gaps] == [(dates[2], dates[3])]
    draw_network(tmp_path / "good.png", epochs, pairs, dates[0], gaps)
    draw_network(tmp_path / "again.png", epochs, pairs, dates[0], gaps)
    draw_network(tmp_path / "connected.png", epochs, pairs, dates[0])
    draw_network(tmp_path / "bad.png", epochs, network("bad")[1], dates[0], gaps)
    assert (tmp_path / "good.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    red = [
        int(np.count_nonzero((pixels(tmp_path / f"{name}.png") == (215, 38, 61)).all(-1))) for name in ("good", "bad")
    ]
    assert red[1] > red[0] + 300
    grey = [
        int(np.count_nonzero((pixels(tmp_path / f"{name}.png") == (221, 221, 221)).all(-1)))
        for name in ("connected", "good")
    ]
    assert grey[1] > grey[0] + 50000


def test_baselines_of_pairs_without_coherence(tmp_path):
    epochs, pairs, _ = network("bad")
    lost = [PairFacts(one.pair, one.baseline_difference, np.nan, np.nan, one.verdict, True) for one in pairs]
    draw_baselines(tmp_path / "baselines.png", epochs, lost)
    draw_network(tmp_path / "network.png", epochs, lost, epochs[0].date)
    assert Image.open(tmp_path / "baselines.png").size == (1200, 480)


def test_baselines_are_signed_as_in_the_table(tmp_path):
    """A pair of a falling baseline lies below zero: not where one that rises as much does."""
    epochs, pairs, _ = network()
    pairs[1] = replace(pairs[1], baseline_difference=-300.0)
    mirrored = [*pairs[:1], replace(pairs[1], baseline_difference=300.0), *pairs[2:]]
    draw_baselines(tmp_path / "falls.png", epochs, pairs)
    draw_baselines(tmp_path / "rises.png", epochs, mirrored)
    left = [pixels(tmp_path / f"{name}.png")[:, :600] for name in ("falls", "rises")]
    lowest = [np.flatnonzero((image == (59, 120, 181)).all(-1).any(1)).max() for image in left]
    assert lowest[0] > lowest[1] + 20
