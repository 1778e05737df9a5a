"""Maps of many scenes: chunks, links to the pictures where they lie, what is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import level2_scenes as scenes
import pytest
from browser import open_page

from levelworks.core.atomic import temporary_name
from levelworks.core.outcome import InvalidInput, NothingToProduce
from levelworks.plumes.drawing.folder_page import page_names
from levelworks.plumes.drawing.map_scenes_stage import map_scenes
from levelworks.plumes.drawing.plot_options import MapScenes, PlotScene
from levelworks.plumes.drawing.plot_scene_stage import plot_scene
from levelworks.plumes.drawing.scene_summary import (
    Summary,
    SummaryLayer,
    SummaryMarker,
    SummaryPlume,
    SummaryWind,
    moved,
    overlap,
    union,
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of three scenes: two of the same ground, one in the next UTM zone."""
    root = tmp_path_factory.mktemp("results")
    folders = []
    for number, zone in ((2, 32613), (1, 32613), (3, 32614)):
        stem = f"EMIT_L2B_001_2023061{number}T162103_2316311_006"
        start = f"2023-06-1{number}T16:21:03Z"
        variables = ("rgb", "ch4", "ch4_comb_denoise", "co2")
        level2 = scenes.write_level2(root, stem=stem, seed=number, zone=zone, start=start, variables=variables)
        folder = root / "plot scene" / stem
        folder.parent.mkdir(exist_ok=True)
        plot_scene(level2, None, None, folder=folder, options=PlotScene(figures=False, long_side=64))
        folders.append(folder)
    return folders


def _record(folder: Path, outcome: str) -> Path:
    path = folder.with_name(folder.name + ".json")
    path.write_text(json.dumps({"levelworks_record": 1, "outcome": outcome, "reason": "all cloud"}), encoding="utf-8")
    return path


def _links(page: Path) -> list[str]:
    return re.findall(r'L\.imageOverlay\("([^"]+)"', page.read_text(encoding="utf-8"))


def test_names_of_pages() -> None:
    assert page_names("site", 5, 5) == ["site.html"]
    assert page_names("site", 11, 5) == ["site_0.html", "site_1.html", "site_2.html"]
    assert page_names("site", 11, 0) == ["site.html"]


def test_pages_link_the_pictures_of_every_scene_once(drawn: list[Path], tmp_path: Path) -> None:
    folder = drawn[0].parents[1] / "map-scenes"
    outcome = map_scenes(drawn, folder=folder, options=MapScenes(chunk=2))
    assert outcome.quality["pages"] == 2
    assert sorted(path.name for path in folder.iterdir()) == ["map-scenes_0.html", "map-scenes_1.html"]
    links = [link for number in (0, 1) for link in _links(folder / f"map-scenes_{number}.html")]
    assert len(links) == len(set(links)) == 12
    assert all((folder / unquote(link)).is_file() for link in links)
    assert outcome.quality["largest_page_bytes"] < 1_000_000
    # In the order of their times, however they were given.
    days = [re.search(r"L2B_001_(\d{8})T", link)[1] for link in links]  # type: ignore[index]
    assert days == sorted(days)


def test_page_of_all_scenes_opens_in_a_browser(drawn: list[Path], tmp_path: Path) -> None:
    folder = drawn[0].parents[1] / "one-page"
    map_scenes(drawn, folder=folder, options=MapScenes(chunk=0, name="Permian"))
    opened = open_page(folder / "Permian.html", tmp_path / "profile")
    assert opened.wrong == []
    assert [one for one in opened.resources if not one.startswith(("file:", "data:"))] == []
    # Of the two scenes of the same ground the earlier is shown.
    assert set(opened.pictures) == {f"2023-06-1{day} 16:21:03 UTC | ch4_comb_denoise" for day in (1, 3)}
    assert all(width > 30 for width in opened.pictures.values())
    assert opened.document.count('stroke="dodgerblue"') == 3
    assert "3 scenes, 2023-06-11 16:21:03 UTC to 2023-06-13 16:21:03 UTC" in opened.text


def test_pages_take_the_final_name_of_a_folder_that_still_has_its_temporary_one(
    drawn: list[Path], tmp_path: Path
) -> None:
    folder = temporary_name(tmp_path / "Permian basin")
    map_scenes(drawn[:1], folder=folder, options=MapScenes())
    assert [path.name for path in folder.iterdir()] == ["Permian basin.html"]


def test_gases_are_chosen(drawn: list[Path], tmp_path: Path) -> None:
    map_scenes(drawn[:1], folder=tmp_path / "m", options=MapScenes(gases=["co2"], name="m"))
    names = [link.rpartition("006_")[2] for link in _links(tmp_path / "m" / "m.html")]
    assert names == ["rgb.png", "co2.png"]
    text = (tmp_path / "m" / "m.html").read_text(encoding="utf-8")
    variable = re.search(r'var (\w+) = L\.imageOverlay\("[^"]+_co2\.png"', text)
    assert variable
    assert re.search(rf"\b{variable[1]}\.addTo\(", text)


def test_same_pages_again(drawn: list[Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        map_scenes(drawn, folder=tmp_path / name, options=MapScenes(name="m"))
    assert (tmp_path / "a" / "m.html").read_bytes() == (tmp_path / "b" / "m.html").read_bytes()


def test_scenes_are_given_by_their_records_and_those_not_drawn_are_left_out(drawn: list[Path], tmp_path: Path) -> None:
    records = [_record(drawn[0], "done"), _record(drawn[1], "skipped")]
    try:
        outcome = map_scenes([*records, drawn[2]], folder=tmp_path / "m", options=MapScenes(name="m"))
        assert outcome.quality["scenes"] == 2
        assert drawn[1].name in outcome.warnings[0]
        assert f"not drawn: {drawn[1].name}" in (tmp_path / "m" / "m.html").read_text(encoding="utf-8")
        with pytest.raises(NothingToProduce, match="none of 1"):
            map_scenes(records[1:], folder=tmp_path / "n", options=MapScenes())
    finally:
        for record in records:
            record.unlink()


def test_a_folder_that_holds_no_scene_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInput, match="plot-scene"):
        map_scenes([tmp_path / "other"], folder=tmp_path / "m", options=MapScenes())
    with pytest.raises(InvalidInput, match="nowhere"):
        map_scenes([tmp_path / "nowhere"], folder=tmp_path / "m", options=MapScenes())
    for wrong in ("a/b", ".hidden"):
        with pytest.raises(ValueError, match="file name"):
            MapScenes(name=wrong)


def test_boxes() -> None:
    one, other = [[0.0, 0.0], [2.0, 2.0]], [[2.0, 0.0], [3.0, 2.0]]
    assert not overlap(one, other)
    assert overlap(one, [[1.0, 1.0], [5.0, 5.0]])
    assert union([one, other]) == [[0.0, 0.0], [3.0, 2.0]]


def test_scenes_on_both_sides_of_180_degrees_are_neighbours() -> None:
    layer = SummaryLayer("ch4", "", "gas", "ch4", "a.png", [[1.0, 179.4], [2.0, 180.6]], 0.7)
    wind, marker = SummaryWind("ERA5", 3.0, 90.0, [1.5, -180.0]), SummaryMarker("m", [1.2, -179.8], [])
    plume = SummaryPlume("p", "ch4", [1.5, -179.9], [[[[1.5, -179.9], [1.6, 179.9], [1.5, 179.8]]]], [])
    scene = Summary(
        "s", "EMIT", "", "", layer.bounds, [[1.0, -180.6], [2.0, -179.4]], "ch4", [layer], [wind], [plume], [marker]
    )
    for middle, turn in ((180.0, 0.0), (-180.0, -360.0)):
        found = moved(scene, middle)
        assert found.bounds == found.layers[0].bounds == [[1.0, 179.4 + turn], [2.0, 180.6 + turn]]
        places = [*found.outline, found.winds[0].place, found.markers[0].place, found.plumes[0].source]
        places += found.plumes[0].rings[0][0]
        assert all(place and abs(place[1] - middle) < 1 for place in places)
