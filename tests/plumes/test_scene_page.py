"""The map of a scene: it opens without a network, shows what it should, and says no more than is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import level2_scenes as scenes
import pytest
from browser import open_page

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.plumes.drawing import map_pages
from levelworks.plumes.drawing.map_pages import TILES
from levelworks.plumes.drawing.plot_options import PlotScene
from levelworks.plumes.drawing.plot_scene_stage import plot_scene
from levelworks.plumes.drawing.quantified_files import read_markers, read_plumes
from levelworks.plumes.drawing.scene_page import write_scene_page
from levelworks.plumes.drawing.scene_summary import read_summary, significant

STEM = scenes.STEM
TIME = "2023-06-12 16:21:03 UTC"
LINKS = {"http://www.w3.org/2000/svg", "https://leafletjs.com", "http://leafletjs.com"}
"""Addresses in the code of the packages that are names or hyperlinks, nothing that a browser loads."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a scene with plumes, winds, markers and zoomed pictures."""
    root = tmp_path_factory.mktemp("scene")
    markers = root / "markers.csv"
    markers.write_text("site,latitude,longitude,operator\n<b>A</b>,32.01,-105.0,Foo & Co\nnone,,,\n", encoding="utf-8")
    level2, quantified = scenes.write_level2(root), scenes.write_quantified(root / "quantify")
    options = PlotScene(figures=False, pad=0.02)
    outcome = plot_scene(level2, quantified, markers, folder=root / "drawn", options=options)
    assert outcome.quality["plumes"] == 2
    assert outcome.quality["markers"] == 1
    return root / "drawn"


def _page(folder: Path, name: str = f"{STEM}.html") -> str:
    return (folder / name).read_text(encoding="utf-8")


def test_page_loads_nothing_from_the_network(folder: Path) -> None:
    for name in (f"{STEM}.html", f"{STEM}_zoomin.html"):
        text = _page(folder, name)
        assert not re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=", text)
        assert not re.search(r"url\(\s*[\"']?(?:https?:)?//|@import", text)
        others = set(re.findall(r"https?://[^\s\"'<>)\\]+", text)) - LINKS
        assert {one for one in others if not one.startswith("https://github.com/Leaflet/")} == set()
    assert len(_page(folder)) < 400_000


def test_page_carries_the_licences_of_what_it_contains(folder: Path) -> None:
    text = _page(folder)
    for words in ("Vladimir Agafonkin", "Jacob Toye", "Bruno Bergot", "Javier Jimenez Shaw", "Ardhi Lukianto"):
        assert words in text
    assert text.count("THE SOFTWARE IS PROVIDED") >= 2
    assert "sourceMappingURL" not in text


def test_vendored_files_are_few_and_named_with_version_and_licence() -> None:
    web = Path(map_pages.__file__).parents[1] / "data" / "web"
    assert sum(path.stat().st_size for path in web.iterdir()) < 500_000
    readme = (web / "README.md").read_text(encoding="utf-8")
    for package in map_pages.PACKAGES:
        assert f"`{package}.js`" in readme
        assert (web / f"{package}.LICENSE").stat().st_size > 1000
    assert "(c) 2010-2023" in (web / "leaflet.js").read_text(encoding="utf-8")[:300]


def test_page_opens_in_a_browser(folder: Path, tmp_path: Path) -> None:
    click = """
      document.querySelectorAll(".levelworks-source")[0].dispatchEvent(new MouseEvent("click", {bubbles: true}));
    """
    opened = open_page(folder / f"{STEM}.html", tmp_path / "profile", click)
    assert opened.wrong == []
    assert [one for one in opened.resources if not one.startswith(("file:", "data:"))] == []
    assert set(opened.pictures) == {f"{TIME} | ch4_comb_denoise"}
    assert all(width > 100 for width in opened.pictures.values())
    for variable in ("rgb", "radiance_2100", "ch4", "ch4_denoise", "ch4_mask", "co2", "swath", "plumes", "wind"):
        assert f"{TIME} | {variable}" in opened.text
    assert f"{TIME} group (EMIT)" in opened.text
    assert "ERA5 3.5 m/s from 239°" in opened.text
    assert "CH₄ enhancement, windows combined, denoised (ppb)" in opened.text
    assert opened.document.count("levelworks-outline") >= 2
    assert opened.document.count('class="levelworks-source') == 2
    assert 'stroke="dodgerblue"' in opened.document
    assert "32.00° N" in opened.text
    # The popup of the plume that was clicked.
    assert "8.12 ± 2.0 t/h" in opened.text
    assert "false-positive score" in opened.text


def test_every_layer_opens_in_a_browser(folder: Path, tmp_path: Path) -> None:
    show = """
      document.querySelectorAll(".leaflet-control-layers input[type=checkbox]").forEach((one) => {
        if (!one.checked && !one.indeterminate) one.click();
      });
    """
    opened = open_page(folder / f"{STEM}.html", tmp_path / "profile", show)
    assert opened.wrong == []
    assert len(opened.pictures) == 8
    assert "radiance at 2100 nm (µW cm⁻² sr⁻¹ nm⁻¹)" in opened.text
    assert opened.document.count('class="bar"') == 6


def test_zoomed_page_shows_the_zoomed_pictures(folder: Path, tmp_path: Path) -> None:
    opened = open_page(folder / f"{STEM}_zoomin.html", tmp_path / "profile")
    assert opened.wrong == []
    assert "_zoomin.png" in opened.document
    assert f"{STEM}_ch4_comb_denoise.png" not in opened.document.replace("_zoomin", "\0")
    assert all(0 < width < 90 for width in opened.pictures.values())


def test_drawn_places_are_saved_under_the_name_of_the_scene(folder: Path) -> None:
    assert f"'download', \"{STEM}.geojson\"" in _page(folder)


def test_names_from_tables_are_no_markup(folder: Path) -> None:
    text = _page(folder)
    assert "<b>A</b>" not in text
    assert "\\u003cb\\u003eA" in text


def test_layers_are_in_the_order_of_drawing_with_their_opacities(folder: Path) -> None:
    found = re.findall(r'opacity: ([\d.]+),\s*zIndex: (\d+), alt: "[^"]*\| (\w+)"', _page(folder))
    assert [one[2] for one in found][:3] == ["rgb", "radiance_2100", "ch4"]
    assert [one[0] for one in found] == ["0.9"] + ["0.7"] * 7
    assert [int(one[1]) for one in found] == list(range(1, 9))


def test_background_maps_come_by_choice_only(folder: Path) -> None:
    assert "tileLayer(" not in _page(folder).rpartition("</script>")[0].rpartition("<script>")[2]
    scene = read_summary(folder)
    page = folder / "online.html"
    write_scene_page(page, scene, PlotScene(base_layers=["esri", "osm"]))
    text = page.read_text(encoding="utf-8")
    page.unlink()
    assert TILES["esri"][1] in text
    assert TILES["osm"][1] in text
    assert TILES["google"][1] not in text


def test_small_pictures_stand_in_the_page_where_asked_for(folder: Path) -> None:
    page = folder / "inline.html"
    write_scene_page(page, read_summary(folder), PlotScene(inline_kb=5))
    text = page.read_text(encoding="utf-8")
    page.unlink()
    small = [one for one in folder.glob("*.png") if one.stat().st_size <= 5000 and "zoomin" not in one.name]
    large = [one for one in folder.glob("*.png") if one.stat().st_size > 5000 and "zoomin" not in one.name]
    assert small
    assert large
    assert not any(one.name in text for one in small)
    assert all(one.name in text for one in large)


def test_summary_survives_and_a_damaged_one_is_refused(folder: Path, tmp_path: Path) -> None:
    scene = read_summary(folder)
    assert scene.stem == STEM
    assert scene.shown == "ch4_comb_denoise"
    assert scene.plumes[0].label.endswith("plume1: 8.12 ± 2.0 t/h")
    assert scene.plumes[0].rate == pytest.approx(8.1234)
    text = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    for wrong in ({**text, "levelworks_scene": 0}, {**text, "colour": 1}, []):
        (tmp_path / "scene.json").write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(InvalidInput, match=r"scene\.json"):
            read_summary(tmp_path)
    with pytest.raises(InvalidInput, match="run plot-scene"):
        read_summary(tmp_path / "nowhere")


def test_plumes_without_a_table_come_from_their_outlines(tmp_path: Path) -> None:
    quantified = scenes.write_quantified(tmp_path / "q")
    (quantified / "plumes.csv").unlink()
    plumes = read_plumes(quantified)
    assert [one.label for one in plumes] == [f"emi-20230612t162103-plume{number}" for number in (1, 2)]
    assert plumes[0].rings[0][0][0] == [31.996, -104.997]
    (quantified / "plumes.geojson").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"plumes\.geojson"):
        read_plumes(quantified)


def test_lists_of_places_need_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text("name,easting\na,3\n", encoding="utf-8")
    with pytest.raises(InvalidReference, match="latitude"):
        read_markers(path)
    path.write_text("Plume_Latitude,plume_longitude\n91,3\n45,3\n", encoding="utf-8")
    assert [one.place for one in read_markers(path)] == [[45.0, 3.0]]
    path.write_bytes(b"latitude,longitude\n\xff,3\n")
    with pytest.raises(InvalidReference, match="UTF-8"):
        read_markers(path)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (8.1234, "8.12"), (12345.6, "12346"), (-0.0123, "−0.0123"), (float("nan"), "–")]
)
def test_figures_are_written_with_three_digits(value: float, text: str) -> None:
    assert significant(value) == text
