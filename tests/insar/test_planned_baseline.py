"""Baselines as planning takes them, against those of arrays: the real pair, a simulated stack, what can't be read."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.insar.frames.baselines import planned_baselines
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.frames.products import PlannedAcquisition, read_product
from levelworks.insar.geometry.baseline import baseline
from levelworks.insar.geometry.ellipsoid import to_cartesian, to_geodetic
from levelworks.insar.geometry.planned_baseline import middle_point, perpendicular_baseline, state_abeam
from levelworks.insar.options import Insar
from levelworks.insar.orbits.annotated_vectors import read_annotated_vectors
from levelworks.insar.plan import FramePlan, plan_campaign
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_orbits import acquisition_arc
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate

WAVELENGTH = 0.05546576


def abeam(path, point):
    return state_abeam(read_annotated_vectors(path), point)


def on_arrays(reference, secondary, point):
    arcs = (acquisition_arc(one) for one in (reference, secondary))
    return float(baseline(*arcs, np.array(point), WAVELENGTH).perpendicular)


@pytest.fixture(scope="module")
def acquisitions(real_pair):
    return [read_acquisition([path], swaths=("IW1", "IW2"), pixels=False) for path in real_pair]


@pytest.mark.parametrize(("swath", "bounds"), [("IW1", (124.5, 133.3)), ("IW2", (117.0, 126.0))])
def test_the_real_pair(real_pair, acquisitions, swath, bounds):
    """Bounds are specs/insar.md 4.6's, over the swath at the ground's own heights."""
    polygons = [burst.polygon for burst in list_bursts(acquisitions[0]) if burst.swath == swath]
    point = middle_point(polygons)
    found = perpendicular_baseline(*(abeam(path, point) for path in real_pair), point)
    assert found == pytest.approx(on_arrays(*acquisitions, point), abs=1e-3)
    values = []
    for longitude, latitude in (vertex for polygon in polygons for vertex in polygon):
        corner = tuple(to_cartesian(latitude, longitude, 0.0))
        values.append(perpendicular_baseline(*(abeam(path, corner) for path in real_pair), corner))
        assert values[-1] == pytest.approx(on_arrays(*acquisitions, corner), abs=1e-3)
    assert bounds[0] - 0.5 < min(values) < found < max(values) < bounds[1] + 0.5
    assert max(values) - min(values) > 7


def test_annotations_of_folders_and_zips_are_read_at_once(real_products):
    start = time.process_time()
    for path in real_products:
        vectors = read_annotated_vectors(path)
        assert len(vectors) >= 16
        assert all(0 < (b.time - a.time).total_seconds() < 10.01 for a, b in pairwise(vectors))
        assert all(6.9e6 < np.linalg.norm(one.position) < 7.2e6 for one in vectors)
        assert all(7.5e3 < np.linalg.norm(one.velocity) < 7.7e3 for one in vectors)
    assert (time.process_time() - start) / len(real_products) < 0.02


def test_points_beyond_the_vectors(real_pair, acquisitions):
    vectors = read_annotated_vectors(real_pair[0])
    point = middle_point([burst.polygon for burst in list_bursts(acquisitions[0])])
    assert state_abeam(vectors[:4], point) is None
    assert state_abeam(vectors[-4:], point) is None
    assert state_abeam((*vectors[:4], *vectors[-4:]), point) is None
    assert state_abeam(vectors, tuple(-value for value in point)) is None


@pytest.mark.parametrize(
    ("square", "place"),
    [
        ([(179.0, 10.0), (-179.0, 10.0), (-179.0, 12.0), (179.0, 12.0)], (11.0, 180.0)),
        ([(0.0, 89.0), (90.0, 89.0), (180.0, 89.0), (-90.0, 89.0)], (90.0, None)),
        ([(12.0, -46.0), (13.0, -46.0), (13.0, -45.0), (12.0, -45.0)], (-45.5, 12.5)),
    ],
)
def test_the_middle_of_polygons_lies_on_the_ellipsoid(square, place):
    latitude, longitude, height = to_geodetic(middle_point([square]))
    assert height == pytest.approx(0, abs=1e-6)
    assert latitude == pytest.approx(place[0], abs=5e-3)
    if place[1] is not None:
        assert (longitude - place[1] + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Return a frame of a swath and passes whose orbits lie apart by known baselines."""
    passes = (Pass(0), Pass(12, "20250418"), Pass(24, baseline=-40.0), Pass(36, baseline=75.0, slices=2))
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    folder = tmp_path_factory.mktemp("stack")
    made = simulate(Scenario(tuple(replace(one, swaths=("IW1",)) for one in passes), cut), folder)
    read = {date: read_acquisition(paths, swaths=("IW1",), pixels=False) for date, paths in made.products.items()}
    frame = define_frame(list_bursts(read["20250406"]), dt.date(2025, 4, 6))
    write_frame(folder / "frame.json", frame)
    return folder, frame, made, read


def planned(products):
    return {
        date: PlannedAcquisition(date, "S1A", tuple(read_product(path) for path in paths))
        for date, paths in products.items()
    }


def test_a_simulated_stack(stack):
    _, frame, made, read = stack
    found, unknown = planned_baselines(frame, planned(made.products))
    assert unknown == {}
    point = middle_point(burst.polygon for burst in frame.bursts)
    for date, one in read.items():
        assert found[date] == pytest.approx(on_arrays(read["20250406"], one, point), abs=1e-3)
    assert found["20250406"] == 0.0
    assert found["20250430"] == pytest.approx(-40.0, abs=1.5)
    assert found["20250512"] == pytest.approx(75.0, abs=1.5)
    assert 120 < found["20250418"] < 135


def test_what_cannot_be_read_is_unknown_and_said(stack, tmp_path):
    folder, frame, made, _ = stack
    section = Insar.model_validate(
        {
            "frames": [str(folder / "frame.json")],
            "products": [str(folder / "products")],
            "elevation": str(folder / "dem.tif"),
        }
    )
    (plan,) = plan_campaign(section).frames.values()
    assert plan.notes == []
    assert len(plan.pairs) == 6
    assert planned_baselines(frame, plan.acquisitions) == planned_baselines(frame, planned(made.products))
    (package,) = made.products["20250430"]
    (annotation,) = (package / "annotation").glob("*.xml")
    whole = annotation.read_bytes()
    try:
        for damaged, reason in (
            (whole[:8000], "no Earth-fixed state vectors"),
            (whole.replace(b"<x>", b"<x>east", 1), "no number"),
            (whole.replace(b"Earth Fixed", b"Celestial"), "no Earth-fixed"),
        ):
            assert damaged != whole
            annotation.write_bytes(damaged)
            (again,) = plan_campaign(section).frames.values()
            (note,) = again.notes
            assert "20250430: its perpendicular baseline is unknown, days alone choose its pairs" in note
            assert reason in note
            assert annotation.name in note
            assert again.pairs == plan.pairs
        annotation.unlink()
        with pytest.raises(InvalidInput, match="no annotation"):
            read_annotated_vectors(package)
    finally:
        annotation.write_bytes(whole)
    (package,) = made.products["20250406"]
    (annotation,) = (package / "annotation").glob("*.xml")
    whole = annotation.read_bytes()
    try:
        annotation.write_bytes(b"")
        (again,) = plan_campaign(section).frames.values()
        (note,) = again.notes
        assert "it is the reference: days alone choose all pairs" in note
        assert len(again.pairs) == 6
    finally:
        annotation.write_bytes(whole)


def test_a_date_in_between_adds_pairs_and_takes_none(stack):
    """Thirty dates that are solved, then one of half a year before the last."""
    folder, frame, made, _ = stack
    (product,) = planned(made.products)["20250406"].products
    dates = [dt.datetime(2024, 4, 11, tzinfo=dt.UTC) + dt.timedelta(12 * k) for k in range(31)]
    found = {
        f"{date:%Y%m%d}": PlannedAcquisition(f"{date:%Y%m%d}", "S1A", (replace(product, start=date),)) for date in dates
    }
    assert "20250406" in found
    late = f"{dates[16]:%Y%m%d}"
    others = {date: one for date, one in found.items() if date != late}
    section = Insar.model_validate({"pairs": {"neighbours": 2}})
    before = FramePlan(section, folder / "frame.json", frame, others, {}, {}, {"001": tuple(others)})
    after = FramePlan(section, folder / "frame.json", frame, found, {}, {}, {"001": tuple(others)})
    assert set(before.pairs) < set(after.pairs)
    assert all(late in pair for pair in set(after.pairs) - set(before.pairs))
    solved = FramePlan(section, folder / "frame.json", frame, found, {}, {}, {"001": tuple(others), "002": (late,)})
    assert solved.pairs == after.pairs
    # Pairs that a solution holds are those that its history gives.
    for standing in (before.pairs, after.pairs):
        kept = FramePlan(section, folder / "frame.json", frame, found, {}, {}, {"001": tuple(others)}, tuple(standing))
        assert kept.pairs == after.pairs
    earlier = dict(list(found.items())[:-3])
    first = FramePlan(section, folder / "frame.json", frame, earlier, {}, {}, {"001": tuple(earlier)})
    later = FramePlan(section, folder / "frame.json", frame, found, {}, {}, {"001": tuple(earlier)}, tuple(first.pairs))
    assert later.pairs == FramePlan(section, folder / "frame.json", frame, found, {}, {}, {}).pairs
    # Without that history the neighbours of all are others.
    fresh = FramePlan(section, folder / "frame.json", frame, found, {}, {}, {})
    assert not set(before.pairs) <= set(fresh.pairs)
