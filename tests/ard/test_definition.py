"""The definition of a cube: written once, read in both forms, never mixed."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from levelworks.ard.cube.definition import (
    FILE_NAME,
    definition_text,
    parse_definition,
    read_definition,
    write_definition,
)
from levelworks.ard.cube.equi7_names import write_dictionary
from levelworks.ard.cube.projections import continental_grids, custom_grid
from levelworks.core.outcome import InvalidOptions

EUROPE = custom_grid("EPSG:3035", -25, 60, (30000, 30000))


def test_a_definition_has_forces_tags_with_six_decimals(tmp_path):
    write_definition(tmp_path, EUROPE)
    lines = (tmp_path / FILE_NAME).read_text().splitlines()
    assert lines[0].startswith('PROJECTION=PROJCS["ETRS89')
    assert lines[1:] == [
        "ORIGIN_GEO_X=-25.000000",
        "ORIGIN_GEO_Y=60.000000",
        "ORIGIN_MAP_X=2456026.363042",
        "ORIGIN_MAP_Y=4574919.607965",
        "TILE_SIZE_X=30000.000000",
        "TILE_SIZE_Y=30000.000000",
    ]


def test_a_definition_is_written_once(tmp_path):
    write_definition(tmp_path, EUROPE)
    before = (tmp_path / FILE_NAME).stat().st_mtime_ns
    write_definition(tmp_path, EUROPE)
    write_definition(tmp_path, read_definition(tmp_path))
    assert (tmp_path / FILE_NAME).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            custom_grid("EPSG:3035", -25, 60, (30000, 60000)),
            r"tile size 30000\.000000 30000\.000000 and not 30000\.000000 60000",
        ),
        (custom_grid("EPSG:3035", -25.1, 60, (30000, 30000)), r"origin map 2456026\.363042 4574919\.607965 and not 24"),
        (
            custom_grid("EPSG:32633", -25, 60, (30000, 30000)),
            r"projection PROJCS\[.ETRS89.*and not PROJCS\[.WGS 84 / UTM zone 33N",
        ),
    ],
)
def test_another_definition_is_refused_and_both_are_named(tmp_path, other, said):
    write_definition(tmp_path, EUROPE)
    text = (tmp_path / FILE_NAME).read_text()
    with pytest.raises(InvalidOptions, match=said):
        write_definition(tmp_path, other)
    assert (tmp_path / FILE_NAME).read_text() == text


@pytest.mark.parametrize("block", ["", "3000.000000\n"])
def test_the_older_form_is_read(tmp_path, block):
    lines = [EUROPE.wkt, "-25.000000", "60.000000", "2456026.363042", "4574919.607965", "30000.000000"]
    (tmp_path / FILE_NAME).write_text("\n".join(lines) + "\n" + block)
    found = read_definition(tmp_path)
    assert found.tile_size == (30000.0, 30000.0)
    assert found.origin_map == pytest.approx(EUROPE.origin_map, abs=1e-6)
    write_definition(tmp_path, EUROPE)


@pytest.mark.parametrize("text", ["", "PROJECTION=x\nORIGIN_GEO_X=1\n", "WKT\n1\n2\n", "WKT\n1\n2\nthree\n4\n5\n"])
def test_what_is_no_definition_is_refused(text):
    with pytest.raises(InvalidOptions, match="is no definition of a cube"):
        parse_definition(text, Path("x.prj"))


@pytest.mark.parametrize("name", ["GLANCE7", "EQUI7"])
def test_continents_survive_writing_and_reading(tmp_path, name):
    for one in continental_grids(name):
        folder = tmp_path / one.grid.folder
        write_definition(folder, one.grid)
        write_definition(folder, one.grid)
        again = parse_definition(definition_text(one.grid), Path("x"))
        assert again.origin_map == one.grid.origin_map
        write_dictionary(folder, one.grid)
        assert (folder / "equi7-tile-dictionary.txt").exists() == (name == "EQUI7")
    if name == "EQUI7":
        lines = (tmp_path / "europe" / "equi7-tile-dictionary.txt").read_text().splitlines()
        assert len(lines) == 2824
        assert "X0051_Y0042 E051N013T1" in lines


def write(folder: Path, size: float) -> None:
    try:
        write_definition(folder, custom_grid("EPSG:3035", -25, 60, (size, size)))
        (folder / f"{size:g}.ok").touch()
    except InvalidOptions:
        (folder / f"{size:g}.refused").touch()


def test_of_many_writers_one_wins(tmp_path):
    context = multiprocessing.get_context("fork")
    sizes = [30000.0, 60000.0, 90000.0, 120000.0]
    workers = [context.Process(target=write, args=(tmp_path, size)) for size in sizes]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    (winner,) = tmp_path.glob("*.ok")
    assert len(list(tmp_path.glob("*.refused"))) == 3
    assert read_definition(tmp_path).tile_size[0] == float(winner.stem)
