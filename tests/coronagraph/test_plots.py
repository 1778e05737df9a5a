"""Pictures of coronagraph products: each kind, what they show, and what is said where there is none."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.stage import run, stages
from levelworks.coronagraph import plot_panels as panels
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.fits_writer import Plane, card, write_planes
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.options import Plot
from levelworks.coronagraph.plots import draw_before_after, draw_nothing, draw_product
from levelworks.coronagraph.product_reader import DamagedProduct
from levelworks.coronagraph.products import primary_cards, write_empty
from levelworks.coronagraph.scenes import dark_scene
from levelworks.coronagraph.simulate import simulate_dataset


def _run(name: str, files: dict[str, list[Path]], **options: object) -> Outcome:
    found = stages("coronagraph")[name]
    return run(found, files, found.options(**options))


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one product of each kind, of small frames at gain 1000 with cosmic rays."""
    folder = tmp_path_factory.mktemp("products")
    geometry = geometries()["TEST"]
    frames = simulate_dataset(folder / "frames", frames=3, gain=1000, exposure_time=5.0, geometry=geometry)
    references = folder / "frames" / "references"
    darks = []
    for number, (gain, time) in enumerate(((1.0, 1.0), (1.0, 100.0), (1000.0, 1.0), (1000.0, 100.0))):
        darks += simulate_dataset(
            folder / "darks",
            frames=2,
            gain=gain,
            exposure_time=time,
            geometry=geometry,
            scene=dark_scene(geometry),
            first_frame=2 * number,
        )
    names = ("mean", "median", "photons", "dark", "noise_maps", "bad_pixels")
    made = {name: folder / f"{name}.fits" for name in names} | {"raw": frames[0]}
    maps = {name: [references / f"{name}.fits"] for name in ("fixed_pattern", "dark_current", "clock_induced_charge")}
    flat = [references / "flat.fits"]
    _run("make-dark", maps | {"dark": [made["dark"]]}, gain=1000, exposure_time=5)
    _run("make-bad-pixel-map", {"dark_current": maps["dark_current"], "flat": flat, "bad_pixels": [made["bad_pixels"]]})
    for number, frame in enumerate(frames):
        levels = {"level2a": [folder / f"{number}_L2a.fits"], "level2b": [folder / f"{number}_L2b.fits"]}
        _run("calibrate-frame", {"frame": [frame], "dark": [made["dark"]], "flat": flat, **levels})
    level2a, level2b = ([folder / f"{n}_{level}.fits" for n in range(len(frames))] for level in ("L2a", "L2b"))
    _run("combine", {"frames": level2b, "mean": [made["mean"]], "median": [made["median"]]})
    _run("count-photons", {"frames": level2a, "photons": [made["photons"]]})
    _run("make-noise-maps", {"frames": darks, "noise_maps": [made["noise_maps"]]})
    return made | {"L2a": level2a[0], "L2b": level2b[0]}


KINDS = ("L2a", "L2b", "mean", "median", "photons", "dark", "noise_maps", "bad_pixels")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stretch", ["linear", "asinh"])
def test_each_product_gives_the_same_picture_twice(
    products: dict[str, Path], tmp_path: Path, kind: str, stretch: str
) -> None:
    contents = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("first.png", "second.png"):
            outcome = draw_product(products[kind], tmp_path / name, Plot(stretch=stretch))
            contents.append((tmp_path / name).read_bytes())
    assert outcome.status is Status.DONE
    assert all(np.isfinite(value) for value in outcome.quality.values())
    assert contents[0] == contents[1]
    assert len(contents[0]) < 600_000
    with Image.open(tmp_path / "first.png") as image:
        assert image.format == "PNG"
        assert image.size == (1400, 720 if kind == "bad_pixels" else 1040)
        assert image.info == {}


def test_before_and_after(products: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "both.png"
    draw_before_after(products["raw"], products["L2b"], path)
    with Image.open(path) as image:
        assert image.size == (1670, 740)
    with pytest.raises(InvalidInput):
        draw_before_after(products["L2b"], products["L2b"], path)


def test_stage_skips_an_empty_product_and_says_why(products: dict[str, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.fits"
    cut.write_bytes(products["raw"].read_bytes()[:10_000])
    empty, picture = tmp_path / "cut_L2b.fits", tmp_path / "cut.png"
    assert _run("calibrate-frame", {"frame": [cut], "level2b": [empty]}).status is Status.QUARANTINED
    outcome = _run("plot", {"product": [empty], "picture": [picture]})
    assert outcome.status is Status.SKIPPED
    assert "quarantined" in outcome.reason
    assert "truncated" in outcome.reason
    with Image.open(picture) as image:
        assert image.size[0] == 800


def test_empty_product_without_record_gives_its_header_s_reason(tmp_path: Path) -> None:
    write_empty(tmp_path / "empty.fits", Outcome(Status.QUARANTINED, reason="wrong level"))
    with pytest.raises(NothingToProduce, match=r"quarantined.*wrong level"):
        draw_product(tmp_path / "empty.fits", tmp_path / "p.png", Plot())


def test_other_files_are_refused(products: dict[str, Path], tmp_path: Path) -> None:
    for product in (products["raw"], tmp_path / "text.fits"):
        (tmp_path / "text.fits").write_text("no image")
        with pytest.raises((InvalidInput, DamagedProduct)):
            draw_product(product, tmp_path / "p.png", Plot())


def test_nothing_is_drawn_in_words(tmp_path: Path) -> None:
    draw_nothing(tmp_path / "p.png", Outcome(Status.QUARANTINED, reason="EM gain of 0 in $the header$"))
    with Image.open(tmp_path / "p.png") as image:
        image.load()
        assert image.format == "PNG"


@pytest.mark.parametrize("case", ["all masked", "not finite", "constant"])
def test_images_without_variation_are_drawn(tmp_path: Path, case: str, recwarn: pytest.WarningsRecorder) -> None:
    values = np.full((104, 105), np.nan if case == "not finite" else 7.0, dtype=np.float32)
    dq = np.full(values.shape, int(DQ.SATURATED) if case == "all masked" else 0, dtype=np.uint16)
    planes = [Plane("SCI", values, [card("BUNIT", "DN")]), Plane("ERR", values), Plane("DQ", dq)]
    write_planes(tmp_path / "flat.fits", primary_cards("L2a"), planes)
    draw_product(tmp_path / "flat.fits", tmp_path / "p.png", Plot())
    assert (tmp_path / "p.png").stat().st_size > 0
    assert not recwarn.list


def test_legend_lists_exactly_the_bits_that_occur() -> None:
    dq = np.zeros((10, 10), dtype=np.uint16)
    dq[0, :4] = DQ.OUT_OF_TABLE
    dq[0, :2] |= np.uint16(DQ.SATURATED | DQ.COSMIC_RAY)
    dq[5, 5] = 16
    found = panels.dq_categories(dq)
    assert [(one.name, one.bit, one.pixels) for one in found] == [
        ("saturated", 32, 2),
        ("cosmic ray", 128, 2),
        ("out of table", 256, 4),
        ("unknown", 16, 1),
    ]
    assert [one.masks for one in found] == [True, True, False, False]
    assert panels.dq_categories(np.zeros((3, 3), dtype=np.uint16)) == []


def test_most_important_bit_wins() -> None:
    dq = np.array([[0, 256, 256 | 128, 256 | 128 | 32]], dtype=np.uint16)
    found = panels.dq_categories(dq)
    np.testing.assert_array_equal(panels.category_ranks(dq, found), [[0, 1, 2, 3]])


def test_every_bit_has_a_place_a_colour_of_its_own_and_masking_ones_come_first() -> None:
    assert set(panels.IMPORTANCE) == set(DQ)
    assert len({*panels.IMPORTANCE.values(), panels.USABLE_COLOUR, panels.UNKNOWN_COLOUR}) == len(DQ) + 2
    masks = [bool(bit & UNUSABLE) for bit in panels.IMPORTANCE]
    assert masks == sorted(masks, reverse=True)


def test_colour_limits_are_percentiles_of_usable_pixels() -> None:
    values = np.arange(202.0).reshape(2, 101)
    values[0, 0] = np.nan
    dq = np.zeros(values.shape, dtype=np.uint16)
    dq[0] = DQ.COSMIC_RAY
    dq[1] = DQ.OUT_OF_TABLE
    usable = panels.usable_pixels(values, dq)
    assert usable.sum() == 101
    limits = panels.colour_limits(values, usable, Plot(low_percentile=10, high_percentile=90))
    assert limits == (111.0, 191.0)


@pytest.mark.parametrize(
    ("shape", "array_type", "expected"),
    [
        ((1024, 1024), "", panels.Frame(13, 1088, "detector")),
        ((2048, 1024), "ENG_CONV", panels.Frame(13, 48, "detector")),
        ((2048, 1024), "", panels.Frame(0, 0, "image")),
        ((1200, 2200), "SCI", panels.Frame(0, 0, "detector")),
        ((104, 105), "TEST", panels.Frame(2, 108, "detector")),
        ((50, 60), "", panels.Frame(0, 0, "image")),
    ],
)
def test_images_are_placed_on_the_detector(shape: tuple[int, int], array_type: str, expected: panels.Frame) -> None:
    assert panels.locate(shape, array_type) == expected


def test_shares_are_written_without_losing_small_ones() -> None:
    assert [panels.percent(share) for share in (0.0, 1.0, 0.5, 0.99957, 1e-6)] == [
        "0 %",
        "100 %",
        "50 %",
        "99.957 %",
        "1e-04 %",
    ]
