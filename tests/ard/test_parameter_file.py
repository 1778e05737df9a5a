"""FORCE's parameter file: every tag at the limits of its range, mistakes, and the same meaning there and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelworks.ard.peer.parameter_file import read_parameter_file, write_parameters
from levelworks.ard.peer.parameters import BY_TAG, NOTES, PARAMETERS
from levelworks.ard.peer.sections import parameters_of, section_of
from levelworks.core.outcome import InvalidOptions


def written(path: Path, **values: str) -> Path:
    lines = [
        f"{tag} = {values[tag]}" if tag in values else line
        for line in write_parameters({}).splitlines()
        for tag in [line.partition(" = ")[0]]
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def allowed_and_refused(tag: str) -> tuple[list[str], list[str]]:
    """Return texts at the ends of a tag's range, and texts just beyond them."""
    one = BY_TAG[tag]
    if one.kind == "boolean":
        return ["TRUE", "FALSE"], ["true", "1", "", "NULL"]
    if one.kind == "choice":
        return list(one.choices), [one.choices[0].lower(), "OTHER", "NULL"]
    if one.kind == "path":
        return ["NULL"], ["/nowhere/at/all", ""]
    if one.kind == "text":
        return ["GLANCE7", "EQUI7", "EPSG:3035"], ["", "NULL"]
    step = 1 if one.kind == "integer" else 0.001
    good, bad = [], ["word"]
    if one.least > -float("inf"):
        good.append(one.least + step if one.open_below else one.least)
        bad.append(f"{one.least if one.open_below else one.least - step:g}")
    if one.most < float("inf"):
        good.append(one.most)
        bad.append(f"{one.most + step:.9g}")
    if one.kind == "integer":
        bad.append("1.5")
    texts = [" ".join([f"{30000.0 if one.count > 1 else value:.9g}"] * one.count) for value in good]
    return texts + (["NULL"] if one.nullable else []), [" ".join([word] * one.count) for word in bad]


def test_all_tags_of_force_are_known():
    assert len(PARAMETERS) == len(BY_TAG) == 58
    assert all(one.key or one.tag in NOTES for one in PARAMETERS)


@pytest.mark.parametrize("tag", sorted(BY_TAG))
def test_each_tag_is_accepted_at_its_limits_and_refused_beyond(tmp_path, tag):
    good, bad = allowed_and_refused(tag)
    for text in good:
        extra = {}
        if tag.startswith("RESOLUTION"):
            extra = {"DO_TILE": "FALSE"}
        if tag == "USE_DEM_DATABASE":
            extra = {"FILE_DEM": str(tmp_path)}
        if tag == "OUTPUT_FORMAT" and text == "CUSTOM":
            options = tmp_path / "gdal.txt"
            options.touch()
            extra = {"FILE_OUTPUT_OPTIONS": str(options)}
        found = read_parameter_file(written(tmp_path / "good.prm", **{tag: text}, **extra))
        assert tag in found
    for text in bad:
        with pytest.raises(InvalidOptions, match=tag):
            read_parameter_file(written(tmp_path / "bad.prm", **{tag: text}))


def test_defaults_of_force_are_read_as_what_they_mean(tmp_path):
    found = read_parameter_file(written(tmp_path / "level2.prm"))
    assert found["TILE_SIZE"] == [30000.0, 30000.0]
    assert found["CLOUD_THRESHOLD"] == 0.225
    assert found["WATER_VAPOR"] is None
    assert found["DO_ATMO"] is True
    assert found["DEM_NODATA"] == -32767


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line must be"),
        ("++PARAM_LEVEL2_START++\n", "not whole"),
        (write_parameters({}).replace("TIER = 1", "TEIR = 1"), "TEIR is no parameter"),
        (write_parameters({}).replace("TIER = 1", "TIER = 1\nTIER = 2"), "TIER stands there twice"),
        (write_parameters({}).replace("TIER = 1\n", ""), "TIER is missing"),
        (write_parameters({}).replace("TIER = 1", "TIER 1"), "is not TAG = VALUE"),
        (write_parameters({}).replace("TILE_SIZE = 30000 30000", "TILE_SIZE = 30000"), "not 2 numbers"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path, text, message):
    path = tmp_path / "level2.prm"
    path.write_text(text)
    with pytest.raises(InvalidOptions, match=message) as caught:
        read_parameter_file(path)
    assert str(path) in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path):
    path = written(tmp_path / "level2.prm", TIER="4", CLOUD_BUFFER="-1", DO_BRDF="yes")
    with pytest.raises(InvalidOptions) as caught:
        read_parameter_file(path)
    assert len(str(caught.value).splitlines()) == 3


def test_comments_and_blank_lines_are_passed_over(tmp_path):
    path = tmp_path / "level2.prm"
    path.write_text(write_parameters({}).replace("TIER = 1", "# how good\n\nTIER = 2 # second"))
    assert read_parameter_file(path)["TIER"] == 2


def test_tiles_are_whole_numbers_of_pixels(tmp_path):
    path = written(tmp_path / "level2.prm", PROJECTION="EPSG:3035", TILE_SIZE="30010 30000")
    with pytest.raises(InvalidOptions, match="no multiple of RESOLUTION_LANDSAT"):
        read_parameter_file(path)


def test_a_section_and_back_is_the_same_file(tmp_path):
    changes = {"RES_MERGE": "STARFM", "RESAMPLING": "NN", "PROJECTION": "EPSG:3035", "OUTPUT_FORMAT": "GTiff"}
    found = read_parameter_file(written(tmp_path / "level2.prm", **changes, SHADOW_BUFFER="120", WATER_VAPOR="1.5"))
    section = section_of(found, tmp_path)
    assert section["process-image"]["resolution-merge"] == "starfm"
    assert section["tile-image"]["resampling"] == "nearest"
    assert section["process-image"]["shadow-buffer"] == 120
    back = parameters_of(section)
    assert {tag: back[tag] for tag in BY_TAG if BY_TAG[tag].key} == {
        tag: found[tag] for tag in BY_TAG if BY_TAG[tag].key
    }


def test_a_word_with_an_equals_sign_in_it_is_a_value(tmp_path):
    wkt = 'PROJCS["x=y"]'
    assert read_parameter_file(written(tmp_path / "level2.prm", PROJECTION=wkt, DO_TILE="FALSE"))["PROJECTION"] == wkt
