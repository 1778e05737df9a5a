"""Metadata of a frame and its published tree: real orbits, links, gates, flagged inputs."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from insar_products import (
    DATES,
    FRAME,
    INCIDENCE,
    PAIRS,
    SHAPE,
    define_frame,
    read_rows,
    write_closure,
    write_geometry_rasters,
    write_note,
    write_pair,
    write_raster,
)

from levelworks.core.aggregate import TooManyQuarantined
from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce, Outcome, Status
from levelworks.core.record import described_product, record_path
from levelworks.core.stage import stages
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geometry.elevation import level
from levelworks.insar.geometry.pair_offsets import BurstGrid, grid_axis
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.mosaic.geometry_files import read_mosaic, write_geometry
from levelworks.insar.mosaic.mosaic import make_mosaic
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.products import links, publish_stage
from levelworks.insar.products.describe_frame_stage import describe_frame
from levelworks.insar.products.empty_product import write_empty_product
from levelworks.insar.products.frame_metadata import centre_point, frame_baselines, frame_facts, read_baselines
from levelworks.insar.products.frame_metadata import read_metadata as read_values
from levelworks.insar.products.network_table import find_gaps, merged_verdicts
from levelworks.insar.products.products_options import DescribeFrame, Publish
from levelworks.insar.products.validate_tree import InvalidTree, validate_tree
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_files import write_acquisition
from levelworks.insar.safe.acquisition_orbits import burst_arc

SKIPPED = Outcome(Status.SKIPPED, "no burst of the frame")
DAMAGED = Outcome(Status.QUARANTINED, "the file is damaged")


@pytest.fixture(scope="module")
def acquisitions(real_pair):
    """Return the two real passes, and each again at another date."""
    one, two = (read_acquisition([path], swaths=("IW1", "IW2"), pixels=False) for path in real_pair)
    later = [
        replace(two, epoch=dt.date(2025, 4, 30)),
        replace(one, epoch=dt.date(2025, 5, 12), mission="S1C"),
    ]
    return [one, two, *later]


@pytest.fixture(scope="module")
def geometry(acquisitions, tmp_path_factory):
    """Return the geometry of the first pass on level ground."""
    path = tmp_path_factory.mktemp("geometry") / f"{FRAME}.h5"
    reference = acquisitions[0]
    grounds = []
    for burst in reference.bursts:
        lines, samples = grid_axis(burst.lines, 300), grid_axis(burst.samples, 4000)
        arc = burst_arc(reference, burst)
        places = rdr2geo(arc, burst.time_of(lines), burst.range_of(samples), level(500.0))
        grounds.append((burst.key, BurstGrid(lines, samples, *places)))
    write_geometry(path, make_mosaic(reference.bursts, (4, 20)), grounds)
    return path


@pytest.fixture(scope="module")
def described(acquisitions, geometry, tmp_path_factory):
    """Return all inputs of `describe-frame`, and what it wrote and said."""
    folder = tmp_path_factory.mktemp("frame")
    frame = define_frame(folder / f"{FRAME}.frame.json")
    paths = []
    for one in acquisitions:
        path = folder / "parse-safe" / FRAME / f"{one.date}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_acquisition(path, one)
        paths.append(path)
    write_geometry_rasters(folder / "geocode-geometry" / FRAME)
    pairs = [write_pair(folder / "geocode" / FRAME, pair) for pair in PAIRS]
    write_note(described_product(pairs[3]), Outcome(warnings=("few coherent points",)))
    write_note(described_product(pairs[4]), Outcome(quality={"degraded": ["form-interferogram: the phase steps"]}))
    verified = [folder / "verify-coregistration" / FRAME / f"{date}.json" for date in DATES[1:]]
    verified[0].parent.mkdir(parents=True)
    for path in verified:
        write_note(path, Outcome(quality={"state": "done"}), "verify-coregistration")
    closure = [
        write_closure(folder / "check-closure" / FRAME, {PAIRS[0]: "good", PAIRS[1]: "bad", PAIRS[2]: "suspect"})
    ]
    inputs = {
        "frame": frame,
        "reference": paths[0],
        "acquisitions": paths,
        "geometry": geometry,
        "geocoded_geometry": folder / "geocode-geometry" / FRAME,
        "pairs": pairs,
        "closure": closure,
        "verified": verified,
    }
    metadata = folder / "describe-frame" / FRAME
    metadata.parent.mkdir()
    outcome = describe_frame(**inputs, metadata=metadata, options=DescribeFrame())
    return inputs, metadata, outcome


def test_metadata_of_the_real_pass(described, real_annotations):
    _, metadata, _ = described
    values = read_values(metadata / "metadata.txt")
    manifest, annotation = next(
        one for one in real_annotations if one[1].swath == "IW1" and "2025" in str(one[0].start)
    )
    assert manifest.start.date() == dt.date(2025, 4, 6)
    assert list(values)[:9] == [
        "master", "center_time", "heading", "avg_incidence_angle", "azimuth_resolution", "range_resolution",
        "centre_range_m", "avg_height", "applied_DEM",
    ]  # fmt: skip
    assert values["master"] == "20250406"
    assert values["applied_DEM"] == "a test"
    assert float(values["heading"]) == pytest.approx(annotation.heading, abs=4.5)  # that one is in space
    assert float(values["azimuth_resolution"]) == pytest.approx(annotation.azimuth_pixel_spacing, abs=0.05)
    assert float(values["range_resolution"]) == pytest.approx(2.329562, abs=1e-6)
    assert float(values["avg_incidence_angle"]) == pytest.approx(INCIDENCE)
    assert float(values["avg_height"]) == pytest.approx(150.0)
    assert dt.time.fromisoformat(values["center_time"]) > manifest.start.time()
    assert values["network_gaps"] == "none"


def test_baselines_of_the_real_pair(acquisitions, geometry, described):
    """The middle of both swaths lies between what the geometry of each gives (specs/insar.md 4.6)."""
    known = read_baselines(described[1] / "baselines")
    assert list(known) == list(DATES)
    assert known[DATES[0]] == (DATES[0], 0.0, 0)
    assert 117.0 < abs(known[DATES[1]][1]) < 133.5
    assert known[DATES[1]][2] == 12
    assert known[DATES[3]][1] == pytest.approx(0.0, abs=0.01)  # the same orbit at another date
    mosaic = read_mosaic(geometry)
    point = centre_point(geometry, mosaic)
    one, two = acquisitions[:2]
    there = frame_baselines(one, [two], point, mosaic.wavelength)[0].perpendicular_baseline
    back = frame_baselines(two, [one], point, mosaic.wavelength)[0].perpendicular_baseline
    assert there == pytest.approx(-back, rel=2e-3)


def test_centre_time_and_range_are_those_of_the_grid(acquisitions, geometry, described):
    mosaic = read_mosaic(geometry)
    defined = read_frame(described[0]["frame"])
    facts = frame_facts(defined, acquisitions[0], acquisitions[:1], geometry, mosaic, {"inc": 39.0, "hgt": 1.0})
    start, stop = acquisitions[0].span
    clock = dt.time.fromisoformat(facts.values["center_time"])
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6
    assert seconds == pytest.approx((start + stop) / 2, abs=0.1)
    near = min(burst.starting_range for burst in acquisitions[0].bursts)
    far = max(float(burst.range_of(burst.samples - 1)) for burst in acquisitions[0].bursts)
    assert float(facts.values["centre_range_m"]) == pytest.approx((near + far) / 2, abs=60)


def test_network_table(described):
    _, metadata, outcome = described
    rows = read_rows(metadata / "network.csv")
    assert [row["pair"] for row in rows] == sorted(PAIRS)
    first = rows[0]
    assert (first["days"], first["closure"], first["degraded"]) == ("12", "good", "no")
    assert float(first["mean_coherence"]) == pytest.approx(153 / 255, abs=1e-4)
    assert float(first["unwrapped_fraction"]) == pytest.approx((SHAPE[1] - 2) / (SHAPE[1] - 1), abs=1e-4)
    known = read_baselines(metadata / "baselines")
    for row in rows:
        one, two = row["pair"].split("_")
        assert float(row["bperp_difference_m"]) == pytest.approx(known[two][1] - known[one][1], abs=0.011)
    assert [row["closure"] for row in rows] == ["good", "bad", "suspect", "untested", "untested", "untested"]
    degraded = {PAIRS[3], PAIRS[4]}
    assert {row["pair"] for row in rows if row["degraded"] == "yes"} == degraded
    assert outcome.quality["degraded_pairs"] == 2
    assert outcome.quality["bad_pairs"] == 1
    assert outcome.quality["dates"] == 4


@pytest.mark.parametrize("state", ["degraded", "not verified"])
def test_pairs_of_a_date_that_is_not_verified_are_degraded(described, tmp_path, state):
    inputs, _, _ = described
    path = tmp_path / f"{DATES[2]}.json"
    write_note(path, Outcome(quality={"state": state}, warnings=("0.02 lines are left",)), "verify-coregistration")
    changed = {**inputs, "verified": [*inputs["verified"][:1], path]}
    outcome = describe_frame(**changed, metadata=tmp_path / "metadata", options=DescribeFrame())
    found = {row["pair"]: row["degraded"] for row in read_rows(tmp_path / "metadata" / "network.csv")}
    of_date = {pair for pair in PAIRS if DATES[2] in pair}
    assert {pair for pair, said in found.items() if said == "yes"} == of_date | {PAIRS[3], PAIRS[4]}
    assert outcome.quality["unsure_dates"] == 1


def test_rasters_are_links(described):
    inputs, metadata, _ = described
    names = {f"{FRAME}.geo.{kind}.tif" for kind in ("E", "N", "U", "inc", "hgt")}
    assert {path.name for path in metadata.glob("*.tif")} == names
    for name in names:
        assert (metadata / name).samefile(inputs["geocoded_geometry"] / name)


def test_metadata_is_the_same_again(described, tmp_path):
    inputs, metadata, _ = described
    describe_frame(**inputs, metadata=tmp_path / "again", options=DescribeFrame())
    assert {path.name: path.read_bytes() for path in metadata.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()
    }


def test_flagged_inputs_are_left_out(described, acquisitions, tmp_path):
    inputs, _, _ = described
    lost = tmp_path / "20250524.json"
    lost.write_text("{}")
    write_note(lost, DAMAGED)
    pairs = [write_pair(tmp_path / "geocode", "20250406_20250524", SKIPPED), *inputs["pairs"][:1]]
    changed = {**inputs, "acquisitions": [*inputs["acquisitions"], lost], "pairs": pairs}
    outcome = describe_frame(**changed, metadata=tmp_path / "metadata", options=DescribeFrame())
    assert outcome.quality["pairs"] == 1
    assert outcome.quality["dates_without_pairs"] == 2
    assert any("20250524" in text and "damaged" in text for text in outcome.warnings)
    with pytest.raises(NothingToProduce):
        describe_frame(**{**changed, "pairs": pairs[:1]}, metadata=tmp_path / "b", options=DescribeFrame())
    with pytest.raises(InvalidReference, match="frame's reference"):
        describe_frame(**{**inputs, "reference": inputs["acquisitions"][1]}, metadata=tmp_path / "c",
                       options=DescribeFrame())  # fmt: skip
    stray = write_pair(tmp_path / "stray", "20250406_20250611")
    with pytest.raises(InvalidInput, match="of 20250611, of which the frame has no acquisition"):
        describe_frame(**{**inputs, "pairs": [stray]}, metadata=tmp_path / "d", options=DescribeFrame())


def test_gaps_of_a_network(described, tmp_path):
    inputs, _, _ = described
    pairs = [path for path in inputs["pairs"] if path.name[:17] in (PAIRS[0], PAIRS[-1])]
    outcome = describe_frame(**{**inputs, "pairs": pairs}, metadata=tmp_path / "parts", options=DescribeFrame())
    assert outcome.quality["gaps"] == 1
    said = read_values(tmp_path / "parts" / "metadata.txt")["network_gaps"]
    assert said == "2025-04-18 to 2025-04-30: 12 days"


def test_interleaved_parts_are_gaps_too():
    days = [dt.date(2025, 1, k) for k in (1, 2, 3, 4)]
    pairs = [Pair(days[0], days[2]), Pair(days[1], days[3])]
    assert len(find_gaps(days, pairs)) == 3
    assert find_gaps(days, [*pairs, Pair(days[0], days[3])]) == []
    assert find_gaps([], []) == []


def test_verdicts_of_batches(tmp_path):
    """A pair is bad only where each batch that tested it says so; a batch without a product says nothing."""
    batches = [
        write_closure(tmp_path, {PAIRS[0]: "bad", PAIRS[1]: "bad", PAIRS[2]: "untested", PAIRS[3]: "good"}, "a"),
        write_closure(tmp_path, {PAIRS[0]: "good", PAIRS[1]: "bad", PAIRS[2]: "left out"}, "b"),
    ]
    (tmp_path / "c").mkdir()
    batches.append(write_note(tmp_path / "c", SKIPPED))
    found = {str(pair): verdict for pair, verdict in merged_verdicts(batches).items()}
    assert found == {PAIRS[0]: "suspect", PAIRS[1]: "bad", PAIRS[2]: "untested", PAIRS[3]: "good"}
    assert parse_pair(PAIRS[0]) in merged_verdicts(batches[:1])


@pytest.fixture
def inputs(described, tmp_path):
    """Return the inputs of `publish`: pictures of the first pair, backscatter of all dates."""
    given, metadata, _ = described
    write_note(metadata, stage="describe-frame")
    epochs = [
        write_raster(tmp_path / "geocode-epoch" / f"{date}.tif", np.full(SHAPE, float(date), np.float32))
        for date in DATES
    ]
    pictures = tmp_path / "plot-pair" / PAIRS[0]
    pictures.mkdir(parents=True)
    for ending in ("geo.diff_pha.png", "geo.unw.png", "kmz"):
        (pictures / f"{PAIRS[0]}.{ending}").write_bytes(ending.encode())
    return {
        "frame": given["frame"],
        "metadata": record_path(metadata),
        "pairs": given["pairs"],
        "pictures": [write_note(pictures, stage="plot-pair")],
        "epochs": epochs,
        "closure": given["closure"],
    }


def publish(**given):
    """Publish as the stage does, with what is given."""
    left = dict.fromkeys(("delays", "tides", "corrections", "offsets", "along_track"))
    return stages("insar")["publish"].function(**left | given)


def test_the_tree(inputs, tmp_path):
    tree = tmp_path / "tree"
    outcome = publish(**inputs, tree=tree, options=Publish())
    assert validate_tree(tree) == []
    assert outcome.quality["pairs"] == 6
    assert outcome.quality["flagged_pairs"] == 1
    assert outcome.quality["withheld_pairs"] == 0
    assert sorted(path.name for path in (tree / "interferograms" / PAIRS[0]).iterdir()) == [
        f"{PAIRS[0]}.{ending}"
        for ending in ("geo.cc.tif", "geo.diff_pha.png", "geo.diff_pha.tif", "geo.unw.png", "geo.unw.tif", "kmz")
    ]
    source = described_product(inputs["pairs"][0]) / f"{PAIRS[0]}.geo.unw.tif"
    assert (tree / "interferograms" / PAIRS[0] / source.name).samefile(source)
    assert (tree / "epochs" / DATES[2] / f"{DATES[2]}.geo.mli.tif").samefile(inputs["epochs"][2])
    assert (tree / "metadata" / f"{FRAME}.geo.mli.tif").samefile(inputs["epochs"][0])
    rows = read_rows(tree / "manifest.tsv", "\t")
    files = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert {row["path"] for row in rows} == files - {"manifest.tsv"}
    for row in rows:
        content = (tree / row["path"]).read_bytes()
        assert (int(row["size"]), row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def write_corrected(folder, layers, outcome=None):
    """Write a corrected pair as `correct-atmosphere` leaves it, of the layers of `geocode`."""
    source = described_product(layers)
    target = folder / source.name
    if outcome is None:
        with rasterio.open(source / f"{source.name}.geo.unw.tif") as file:
            phase = file.read(1)
        for kind in ("unw_corrected", "atm"):
            write_raster(target / f"{source.name}.geo.{kind}.tif", phase / 2)
    else:
        write_empty_product(target, outcome)
    return write_note(target, outcome, "correct-atmosphere")


def test_corrections_and_delays_stand_beside_the_others(inputs, tmp_path):
    """Corrections of pairs that are withheld stay out; what is missing is listed with its reason."""
    none = Outcome(Status.SKIPPED, f"insar.delays has no delays of {DATES[3]}")
    folder = tmp_path / "correct-atmosphere"
    corrections = [write_corrected(folder, pair, none if DATES[3] in str(pair) else None) for pair in inputs["pairs"]]
    delays = [
        write_raster(tmp_path / "geocode-delay" / f"{date}.sltd.geo.tif", np.full(SHAPE, 600, np.float32))
        for date in DATES[:3]
    ]
    damaged = tmp_path / "geocode-delay" / f"{DATES[3]}.sltd.geo.tif"
    damaged.write_text("")
    write_note(damaged, DAMAGED, "geocode-delay")
    tree = tmp_path / "tree"
    options = Publish(closure_gate="withhold", licsbas=True)
    tides = [
        write_raster(tmp_path / "geocode-tide" / f"{date}.tide.geo.tif", np.full(SHAPE, 0.1, np.float32))
        for date in DATES
    ]
    given = inputs | {"delays": [*delays, damaged], "tides": tides, "corrections": corrections}
    outcome = publish(**given, tree=tree, options=options)
    assert validate_tree(tree) == []
    assert validate_tree(tree / "GEOC") == []
    corrected = {path.name for path in tree.glob("interferograms/*/*.geo.unw_corrected.tif")}
    assert corrected == {f"{pair}.geo.unw_corrected.tif" for pair in (PAIRS[0], PAIRS[3])}
    assert (tree / "interferograms" / PAIRS[0] / f"{PAIRS[0]}.geo.atm.tif").is_file()
    assert {path.relative_to(tree).as_posix() for path in tree.glob("*/**/*.sltd.geo.tif")} == {
        f"{place}{date}.sltd.geo.tif" for date in DATES[:3] for place in (f"epochs/{date}/", "GACOS/")
    }
    assert {path.relative_to(tree).as_posix() for path in tree.glob("*/**/*.tide.geo.tif")} == {
        f"epochs/{date}/{date}.tide.geo.tif" for date in DATES
    }
    left_out = {(row["kind"], row["name"]): row["reason"] for row in read_rows(tree / "withheld.tsv", "\t")}
    assert left_out == {
        ("pair", PAIRS[1]): "all its triplets fail to close",
        ("delay", damaged.name): DAMAGED.reason,
        **{("correction", pair): none.reason for pair in PAIRS if DATES[3] in pair},
    }
    assert (outcome.quality["delays"], outcome.quality["corrected_pairs"]) == (3, 2)
    assert outcome.quality["uncorrected_pairs"] == 3
    assert any(none.reason in text for text in outcome.warnings)


def write_moved(folder, pair, names, outcome=None):
    """Write rasters of a pair's displacement and a table beside them."""
    target = folder / pair
    target.mkdir(parents=True)
    for name in names if outcome is None else ():
        kind = np.uint8 if name.endswith("cc") else np.float32
        write_raster(target / f"{pair}.geo.{name}.tif", np.ones(SHAPE, kind), nodata=0 if kind is np.uint8 else np.nan)
    (target / "offsets.h5").write_bytes(b"of the radar grid")
    (target / f"{pair}.bovldiff.csv").write_text("first_burst\n")
    return write_note(target, outcome, stage=folder.name)


def test_displacement_stands_beside_the_other_layers(inputs, tmp_path):
    offsets = [write_moved(tmp_path / "offsets", PAIRS[0], ("rng", "azi", "rng_sigma", "azi_sigma", "tracking_corr"))]
    overlaps = ("bovldiff", "bovldiff.mm", "bovldiff.mm_sigma", "bovldiff.cc")
    along_track = [
        write_moved(tmp_path / "along-track", PAIRS[0], overlaps),
        write_moved(tmp_path / "along-track", PAIRS[1], (), SKIPPED),
        write_moved(tmp_path / "along-track", "20240101_20240113", overlaps),
    ]
    tree = tmp_path / "tree"
    outcome = publish(**inputs, offsets=offsets, along_track=along_track, tree=tree, options=Publish())
    assert validate_tree(tree) == []
    found = {path.name.removeprefix(f"{PAIRS[0]}.") for path in (tree / "interferograms" / PAIRS[0]).iterdir()}
    named = {f"geo.{name}.tif" for name in ("rng", "azi", "rng_sigma", "azi_sigma", "tracking_corr", *overlaps)}
    assert named | {"bovldiff.csv"} <= found
    assert "offsets.h5" not in found
    assert not (tree / "interferograms" / "20240101_20240113").exists()
    rows = read_rows(tree / "withheld.tsv", "\t")
    assert rows == [{"kind": "along-track", "name": PAIRS[1], "reason": "no burst of the frame"}]
    assert any("no burst of the frame" in warning for warning in outcome.warnings)


def test_the_closure_gate_withholds(inputs, tmp_path):
    tree = tmp_path / "tree"
    outcome = publish(**inputs, tree=tree, options=Publish(closure_gate="withhold"))
    assert outcome.quality["withheld_pairs"] == 1
    assert sorted(path.name for path in (tree / "interferograms").iterdir()) == sorted(set(PAIRS) - {PAIRS[1]})
    assert read_rows(tree / "withheld.tsv", "\t") == [
        {"kind": "pair", "name": PAIRS[1], "reason": "all its triplets fail to close"}
    ]
    with pytest.raises(NothingToProduce):
        publish(**{**inputs, "pairs": inputs["pairs"][1:2]}, tree=tmp_path / "none",
                options=Publish(closure_gate="withhold"))  # fmt: skip


def test_flagged_pairs_are_listed_or_too_many(inputs, tmp_path):
    bad = write_pair(tmp_path / "geocode", "20250406_20250524", DAMAGED)
    dark = tmp_path / "geocode-epoch" / "20250524.tif"
    dark.write_bytes(b"")
    write_note(dark, SKIPPED)
    changed = {**inputs, "pairs": [*inputs["pairs"], bad], "epochs": [*inputs["epochs"], dark]}
    outcome = publish(**changed, tree=tmp_path / "tree", options=Publish(max_quarantined=0.5))
    assert outcome.quality["left_out_pairs"] == 1
    assert [(row["kind"], row["name"]) for row in read_rows(tmp_path / "tree" / "withheld.tsv", "\t")] == [
        ("pair", "20250406_20250524"),
        ("date", "20250524.tif"),
    ]
    with pytest.raises(TooManyQuarantined, match="1 of 7 pairs"):
        publish(**changed, tree=tmp_path / "strict", options=Publish())


def test_an_invalid_tree_is_not_handed_over(inputs, tmp_path):
    broken = tmp_path / "geocode" / PAIRS[0]
    shutil.copytree(described_product(inputs["pairs"][0]), broken)
    path = broken / f"{PAIRS[0]}.geo.cc.tif"
    path.unlink()
    write_raster(path, np.full((SHAPE[0], SHAPE[1] + 1), 99, np.uint8), nodata=0)
    changed = {**inputs, "pairs": [write_note(broken), *inputs["pairs"][1:]]}
    with pytest.raises(InvalidTree, match=r"has 12 x 17 cells, the frame's heights 12 x 16 \[grid\]"):
        publish(**changed, tree=tmp_path / "tree", options=Publish())


def test_geoc_is_what_licsbas_reads(inputs, tmp_path):
    tree = tmp_path / "tree"
    publish(**inputs, tree=tree, options=Publish(licsbas=True))
    assert validate_tree(tree) == []
    assert validate_tree(tree / "GEOC") == []
    assert (tree / "GEOC" / f"{FRAME}.geo.mli.tif").samefile(inputs["epochs"][0])


def test_copies_where_there_are_no_links(inputs, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "no links")

    monkeypatch.setattr(links.os, "link", refuse)
    publish(**inputs, tree=tmp_path / "tree", options=Publish())
    assert validate_tree(tmp_path / "tree") == []
    path = tmp_path / "tree" / "epochs" / DATES[0] / f"{DATES[0]}.geo.mli.tif"
    assert path.read_bytes() == inputs["epochs"][0].read_bytes()
    assert os.stat(path).st_nlink == 1


def test_without_pictures_and_metadata(inputs, tmp_path):
    publish(**{**inputs, "pictures": None}, tree=tmp_path / "tree", options=Publish())
    assert not list((tmp_path / "tree" / "interferograms").rglob("*.png"))
    empty = tmp_path / "describe-frame"
    write_empty_product(empty, SKIPPED)
    write_empty_product(tmp_path / "empty", SKIPPED)
    assert (tmp_path / "empty" / "reason.txt").read_text() == "skipped: no burst of the frame\n"
    with pytest.raises(NothingToProduce, match="no burst"):
        publish(**{**inputs, "metadata": write_note(empty, SKIPPED)}, tree=tmp_path / "b", options=Publish())
    assert publish_stage.WITHHELD == "withheld.tsv"
