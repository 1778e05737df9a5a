"""Frames: ids, definitions, the burst catalogue, and what passes have of them."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference
from levelworks.insar.frames.catalogue import (
    CatalogueBurst,
    list_bursts,
    merge,
    read_catalogue,
    within,
    write_catalogue,
)
from levelworks.insar.frames.coverage import cover_frame
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import Frame, read_frame, write_frame
from levelworks.insar.frames.frame_names import FrameName, name_frame, parse_frame_name
from levelworks.insar.frames.products import plan_acquisitions, read_product
from levelworks.insar.safe.acquisition import read_acquisition

REFERENCE = dt.date(2025, 4, 6)


@pytest.fixture(scope="module")
def acquisitions(real_pair):
    return [read_acquisition([path], pixels=False) for path in real_pair]


@pytest.fixture(scope="module")
def frame(acquisitions):
    return define_frame(list_bursts(acquisitions[0]), REFERENCE)


def test_ids_of_licsar():
    """specs/insar.md 1.1."""
    found = parse_frame_name("124D_05278_081106")
    assert (found.track, found.pass_direction, found.counts) == (124, "descending", (8, 11, 6))
    assert found.latitude == pytest.approx(37.22)
    assert str(found) == "124D_05278_081106"
    for bad in ("124D_05278_0811", "000A_05278_081106", "124X_05278_081106", "124D_19000_081106", "124D_05278_000000"):
        with pytest.raises(InvalidOptions, match="is no frame id"):
            parse_frame_name(bad)


@given(
    st.integers(1, 175),
    st.sampled_from(["ascending", "descending"]),
    st.floats(-90, 90),
    st.tuples(st.integers(1, 99), st.integers(0, 99), st.integers(0, 99)),
)
def test_ids_come_back(track, direction, latitude, counts):
    name = name_frame(track, direction, latitude, counts)
    assert parse_frame_name(str(name)) == name
    assert abs(name.latitude - latitude) <= 0.00501
    assert isinstance(name, FrameName)


def test_a_frame_of_the_real_pass(frame, tmp_path):
    assert frame.frame == "108A_03798_090900"
    assert frame.counts == (9, 9, 0)
    assert frame.burst_ids == (230132, 230140)
    assert (frame.grid.step, frame.looks.range, frame.looks.azimuth) == (0.001, 20, 4)
    points = [point for burst in frame.bursts for point in burst.polygon]
    assert frame.grid.west <= min(point[0] for point in points) < frame.grid.west + 0.001
    assert frame.grid.north - 0.001 < max(point[1] for point in points) <= frame.grid.north
    rows, columns = frame.grid.shape
    assert (rows, columns) == (
        round((frame.grid.north - frame.grid.south) * 1000),
        round((frame.grid.east - frame.grid.west) * 1000),
    )
    write_frame(tmp_path / "frame.json", frame)
    assert read_frame(tmp_path / "frame.json") == frame
    assert len((tmp_path / "frame.json").read_text().splitlines()) < 18 + 30  # a burst a line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"track": 109}, "does not agree with track"),
        ({"speed": 3}, "speed: Extra inputs are not permitted"),
        ({"reference": "yesterday"}, "reference: "),
        ({"bursts": []}, "bursts: "),
        ({"grid": {"step": 0.001, "west": 0.0005, "south": 0, "east": 1, "north": 1}}, "west is not a multiple"),
        ({"grid": {"step": 0.001, "west": 2, "south": 0, "east": 1, "north": 1}}, "no extent"),
    ],
)
def test_definitions_that_are_wrong(frame, tmp_path, change, message):
    content = json.loads(frame.model_dump_json()) | change
    (tmp_path / "frame.json").write_text(json.dumps(content))
    with pytest.raises(InvalidReference, match=message):
        read_frame(tmp_path / "frame.json")


def test_a_burst_listed_twice(frame):
    content = frame.model_dump()
    with pytest.raises(ValidationError, match="listed twice"):
        Frame.model_validate(content | {"bursts": [*content["bursts"], content["bursts"][0]]})


def test_bursts_of_one_track_only(acquisitions):
    bursts = list_bursts(acquisitions[0])
    other = [burst.__class__(**{**vars(burst), "track": 110}) for burst in bursts[:1]]
    with pytest.raises(InvalidOptions, match="bursts of one pass, not of tracks"):
        define_frame([*bursts, *other], REFERENCE)


def test_the_catalogue(acquisitions, tmp_path):
    one, two = (list_bursts(acquisition) for acquisition in acquisitions)
    known = merge([], one)
    assert merge(known, two) == known
    assert len(known) == 18
    write_catalogue(tmp_path / "bursts.tsv", known)
    back = read_catalogue(tmp_path / "bursts.tsv")
    assert [burst.key for burst in back] == [burst.key for burst in known]
    for a, b in zip(back, known, strict=True):
        for (lon_a, lat_a), (lon_b, lat_b) in zip(a.polygon, b.polygon, strict=True):
            assert abs(lon_a - lon_b) < 1e-5
            assert abs(lat_a - lat_b) < 1e-5
    write_catalogue(tmp_path / "again.tsv", back)
    assert (tmp_path / "again.tsv").read_bytes() == (tmp_path / "bursts.tsv").read_bytes()
    longitude, latitude = known[8].polygon[0]
    found = within(back, (longitude - 0.01, latitude - 0.01, longitude + 0.01, latitude + 0.01), "ascending")
    assert known[8].key in [burst.key for burst in found]
    assert len(found) < 9
    assert within(back, (longitude - 0.01, latitude - 0.01, longitude + 0.01, latitude + 0.01), "descending") == []
    (tmp_path / "bursts.tsv").write_text("track\tpass\tswath\tburst_id\tpolygon\n108\tup\tIW1\t1\t1 2\n")
    with pytest.raises(InvalidReference, match="line 2 is no burst"):
        read_catalogue(tmp_path / "bursts.tsv")


def test_outlines_of_two_passes_agree(acquisitions):
    """The same burst covers the same ground twelve days later, to 300 m."""
    for one, two in zip(*(acquisition.bursts for acquisition in acquisitions), strict=True):
        assert one.key == two.key
        for a, b in zip(one.corners, two.corners, strict=True):
            assert abs(a[0] - b[0]) < 0.004
            assert abs(a[1] - b[1]) < 0.003


def test_coverage(frame, acquisitions):
    whole = cover_frame(frame, acquisitions[1])
    assert (len(whole.bursts), whole.missing, whole.fraction) == (18, (), 1.0)
    assert [burst.key for burst in whole.bursts] == [burst.key for burst in frame.bursts]
    half = acquisitions[1].__class__(**{**vars(acquisitions[1]), "bursts": acquisitions[1].bursts[2:9]})
    found = cover_frame(frame, half)
    assert len(found.bursts) == 7
    assert [gap.reason for gap in found.missing] == ["no product has it"] * 2 + ["the swath is absent"] * 9
    assert found.facts()["coverage"] == pytest.approx(7 / 18, abs=1e-6)
    other = acquisitions[1].__class__(**{**vars(acquisitions[1]), "polarisation": "VH"})
    with pytest.raises(InvalidInput, match="is in VH, the frame 108A_03798_090900 in VV"):
        cover_frame(frame, other)
    far = acquisitions[1].__class__(**{**vars(acquisitions[1]), "bursts": ()})
    with pytest.raises(InvalidInput, match="has no burst of the frame"):
        cover_frame(frame, far)


def test_a_frame_across_the_ascending_node(acquisitions):
    """Bursts of one pass lie on two tracks there; the frame is named after the one that it begins on."""
    bursts = list_bursts(acquisitions[0])
    across = [CatalogueBurst(**{**vars(burst), "track": 108 + (burst.burst_id > 230135)}) for burst in bursts]
    assert define_frame(across, REFERENCE).track == 108


def test_planning_from_manifests(frame, real_products):
    products = [read_product(path) for path in real_products]
    for product in products:
        assert product.burst_ids[1] - product.burst_ids[0] in (11, 12, 13)
    planned = plan_acquisitions(frame, products)
    assert [(found.date, found.mission, len(found.products)) for found in planned] == [
        ("20250406", "S1A", 1),
        ("20250418", "S1A", 1),
    ]
    assert plan_acquisitions(frame, products, ["S1B"]) == []


def test_manifests_hold_all_ids_of_their_annotations(real_annotations, real_products):
    bounds = {(product.mission, product.data_take): product.burst_ids for product in map(read_product, real_products)}
    for manifest, annotation in real_annotations:
        low, high = bounds[manifest.mission, manifest.data_take]
        for burst in annotation.bursts:
            if burst.annotated_id is not None:
                assert low <= burst.annotated_id <= high


def test_planning_needs_no_numpy():
    code = "import sys, levelworks.insar.frames.products; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
