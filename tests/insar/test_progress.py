"""Progress: states and codes from records, percentages, the page, and the report of a frame."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from insar_products import FRAME, define_frame, write_closure, write_note

from levelworks.core.atomic import temporary_name
from levelworks.core.outcome import NothingToProduce, Outcome, Status
from levelworks.core.record import record_path
from levelworks.insar.products.products_options import ReportFrame
from levelworks.insar.products.progress import (
    BUILT,
    JOB_TYPES,
    STATES,
    FrameProgress,
    PlannedFrame,
    Unit,
    measure_progress,
    records_below,
)
from levelworks.insar.products.progress_files import COLUMNS, write_progress
from levelworks.insar.products.progress_page import progress_page
from levelworks.insar.products.report_stage import report_frame, write_empty_frame_report

DATES = ("20250101", "20250113", "20250125", "20250206")
PAIRS = ("20250101_20250113", "20250113_20250125", "20250125_20250206")
PLAN = PlannedFrame(FRAME, DATES, PAIRS, DATES[0])
JSON = ("parse-safe", "estimate-diversity", "verify-coregistration")
ENDINGS = {**dict.fromkeys(JSON, ".json"), "coregister": "", "geocode": ""}
SKIPPED = Outcome(Status.SKIPPED, "no burst of the frame")
DAMAGED = Outcome(Status.QUARANTINED, "the file is damaged")


class Results:
    """A results folder with products and records, as stages leave them."""

    def __init__(self, root):
        self.root = root / "results" / "insar"

    def path(self, stage, unit):
        return self.root / stage / FRAME / f"{unit}{ENDINGS.get(stage, '.h5')}"

    def put(self, stage, unit, outcome=None, *, removed=False):
        path = self.path(stage, unit)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not removed:
            path.mkdir() if path.suffix == "" else path.write_text("{}")
        write_note(path, outcome, stage)
        return path

    def measure(self, plan=PLAN):
        (found,) = measure_progress([plan], records_below(self.root.parent))
        return found

    def unit(self, job, name):
        return next(one for one in self.measure().units[job] if one.name == name)


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


def state(unit):
    return unit.state, unit.code


def test_nothing_is_built(results):
    found = results.measure()
    assert {one.state for units in found.units.values() for one in units} == {"missing"}
    assert {one.code for units in found.units.values() for one in units} == {-1}
    assert [found.percent(job.name) for job in JOB_TYPES] == [0, 0, 0, 0]
    assert found.counts("unwrap") == {"planned": 3, **dict.fromkeys(STATES, 0), "missing": 3}


def test_states_and_codes_of_a_date(results):
    results.put("parse-safe", DATES[0])
    results.put("parse-safe", DATES[1], Outcome(warnings=("bursts are missing",)))
    results.put("parse-safe", DATES[2], SKIPPED)
    results.put("parse-safe", DATES[3], DAMAGED)
    found = [results.unit("mk_image", date) for date in DATES]
    assert [state(one) for one in found] == [("done", 0), ("degraded", 0), ("skipped", -2), ("quarantined", -3)]
    assert [one.reason for one in found] == ["", "bursts are missing", SKIPPED.reason, DAMAGED.reason]
    assert results.measure().percent("mk_image") == 50.0


def test_an_error_that_was_inherited_is_missing_input(results):
    """What a date's own file broke is an error there, and missing input in all that comes after."""
    results.put("parse-safe", DATES[1], DAMAGED)
    results.put("coregister", DATES[1], DAMAGED)
    results.put("coregister", DATES[2], DAMAGED)
    for stage in ("form-interferogram", "filter-phase", "unwrap", "geocode"):
        results.put(stage, PAIRS[0], DAMAGED)
    assert results.unit("mk_image", DATES[1]).code == -3
    assert results.unit("coreg", DATES[1]).code == -2
    assert results.unit("coreg", DATES[2]).code == -3
    assert state(results.unit("mk_ifg", PAIRS[0])) == ("quarantined", -2)
    assert state(results.unit("unwrap", PAIRS[0])) == ("quarantined", -2)


def test_removed_products_count_as_built(results):
    results.put("coregister", DATES[1], removed=True)
    results.put("verify-coregistration", DATES[1])
    assert state(results.unit("coreg", DATES[1])) == ("removed", -6)
    assert results.measure().percent("coreg") == 25.0


def test_a_job_type_of_two_stages_is_built_when_both_are(results):
    results.put("form-interferogram", PAIRS[0])
    assert state(results.unit("mk_ifg", PAIRS[0])) == ("missing", -1)
    results.put("filter-phase", PAIRS[0])
    assert state(results.unit("mk_ifg", PAIRS[0])) == ("done", 0)
    record_path(results.path("form-interferogram", PAIRS[0])).unlink()
    assert state(results.unit("mk_ifg", PAIRS[0])) == ("missing", -1)


@pytest.mark.parametrize(("stage", "unit", "job"), [("coregister", DATES[2], "coreg"), ("unwrap", PAIRS[1], "unwrap")])
def test_what_is_being_written_is_building(results, stage, unit, job):
    path = temporary_name(results.path(stage, unit))
    path.parent.mkdir(parents=True)
    path.mkdir() if path.suffix == "" else path.write_text("")
    assert state(results.unit(job, unit)) == ("building", -5)


def test_a_date_is_coregistered_when_it_was_verified(results):
    for date in DATES[:3]:
        results.put("coregister", date)
    results.put("verify-coregistration", DATES[1], Outcome(quality=LEFT))
    results.put("verify-coregistration", DATES[2], Outcome(quality=UNKNOWN, warnings=("0.02 lines are left",)))
    assert state(results.unit("coreg", DATES[0])) == ("done", 0)
    assert state(results.unit("coreg", DATES[1])) == ("done", 0)
    assert state(results.unit("coreg", DATES[2])) == ("degraded", 0)
    assert results.unit("coreg", DATES[2]).reason == "0.02 lines are left"
    record_path(results.path("verify-coregistration", DATES[1])).unlink()
    assert state(results.unit("coreg", DATES[1])) == ("missing", -1)


def test_the_reference_is_its_own_coregistration(results):
    results.put("parse-safe", DATES[0])
    assert state(results.unit("coreg", DATES[0])) == ("done", 0)
    results.put("coregister", DATES[0], DAMAGED)
    assert results.unit("coreg", DATES[0]).state == "quarantined"


def test_records_of_others_are_no_progress(results):
    path = results.put("parse-safe", DATES[0])
    content = json.loads(record_path(path).read_text())
    record_path(path).write_text(json.dumps({**content, "line": "ard"}))
    assert results.unit("mk_image", DATES[0]).state == "missing"
    results.put("parse-safe", "20241220")
    assert results.measure().counts("mk_image")["planned"] == 4


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=30))
def test_counts_add_up(states):
    units = tuple(Unit(f"{k}", "coreg", one, 0) for k, one in enumerate(states))
    found = FrameProgress(FRAME, {"coreg": units}, ())
    counts = found.counts("coreg")
    assert sum(counts[one] for one in STATES) == counts["planned"] == len(states)
    assert found.percent("coreg") == pytest.approx(100 * sum(counts[one] for one in BUILT) / len(states))


LEFT = {"state": "done", "residual_lines": -0.00012, "residual_sigma": 0.00004, "against": DATES[0]}
UNKNOWN = {"state": "not verified", "residual_lines": None, "residual_sigma": None, "against": ""}


def fill(results):
    """Build three dates and two pairs, of which one has a warning; the last date is damaged."""
    for date in DATES[:3]:
        results.put("parse-safe", date)
        results.put("coregister", date, Outcome(quality={"added_line": 0.0201}))
    results.put("verify-coregistration", DATES[1], Outcome(quality=LEFT))
    results.put("verify-coregistration", DATES[2], Outcome(quality=UNKNOWN, warnings=("nothing is coherent",)))
    results.put("parse-safe", DATES[3], DAMAGED)
    results.put("coregister", DATES[3], DAMAGED)
    for pair in PAIRS[:2]:
        results.put("estimate-diversity", pair, Outcome(quality={"azimuth_shift_lines": -0.00312}))
        results.put("form-interferogram", pair, Outcome(quality={"seam_step_rad": 0.0412}))
        results.put("filter-phase", pair, Outcome(quality={"mean_coherence": 0.613}))
        results.put("unwrap", pair, Outcome(quality={"unwrapped_share_of_data": 0.875}))
        results.put("geocode", pair)
    write_note(results.path("unwrap", PAIRS[1]), Outcome(warnings=("2 regions are bridged",)), "unwrap")
    for stage in ("form-interferogram", "filter-phase", "unwrap", "geocode"):
        results.put(stage, PAIRS[2], DAMAGED)


def rows_of(results):
    found = results.measure()
    return {row.name: row for row in (*found.pairs, *found.dates)}


def test_a_row_has_the_worst_of_all_stages_and_dates(results):
    """Layers of a bad interferogram are written without a word: it is the interferogram that says so."""
    for date in DATES:
        results.put("parse-safe", date)
        results.put("coregister", date)
        results.put("verify-coregistration", date, Outcome(quality=LEFT))
    for pair in PAIRS:
        for stage in ("form-interferogram", "filter-phase", "unwrap", "geocode"):
            results.put(stage, pair, Outcome(quality={"state": "done"}, warnings=("bursts of two satellites",)))
    assert {row.state for row in rows_of(results).values()} == {"done"}
    step = Outcome(quality={"state": "degraded"}, warnings=("the phase steps by 1.40 rad",))
    write_note(results.path("form-interferogram", PAIRS[0]), step, "form-interferogram")
    unsure = Outcome(quality=UNKNOWN, warnings=("nothing is coherent",))
    write_note(results.path("verify-coregistration", DATES[3]), unsure, "verify-coregistration")
    found = rows_of(results)
    assert [found[pair].state for pair in PAIRS] == ["degraded", "done", "degraded"]
    assert [found[date].state for date in DATES] == ["done", "done", "done", "degraded"]
    assert [results.unit("unwrap", pair).state for pair in PAIRS] == ["done", "done", "done"]
    results.path("form-interferogram", PAIRS[0]).unlink()
    assert results.unit("mk_ifg", PAIRS[0]).state == "removed"
    assert rows_of(results)[PAIRS[0]].state == "degraded"
    write_note(results.path("geocode", PAIRS[0]), SKIPPED, "geocode")
    assert rows_of(results)[PAIRS[0]].state == "skipped"


def test_a_shift_that_was_not_measured_is_no_number(results):
    unknown = {"azimuth_shift_lines": 0.0, "azimuth_shift_sigma": None}
    results.put("estimate-diversity", PAIRS[0], Outcome(quality=unknown, warnings=("too few cells",)))
    results.put("estimate-diversity", PAIRS[1], Outcome(quality={**unknown, "azimuth_shift_sigma": 1e-4}))
    found = rows_of(results)
    assert [found[pair].figures["azimuth_shift_lines"] for pair in PAIRS] == [None, 0.0, None]
    page = progress_page("Frames", [results.measure()])
    assert page.count("+0.0000") == 1


def test_progress_is_written_thrice_the_same(results, tmp_path):
    fill(results)
    verdicts = {FRAME: {PAIRS[0]: "bad"}}
    progress = measure_progress([PLAN], records_below(results.root), verdicts)
    write_progress(progress, tmp_path / "out")
    with (tmp_path / "out" / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (content,) = json.loads((tmp_path / "out" / "progress.json").read_text())
    assert tuple(rows[0]) == COLUMNS
    assert [(row["job_type"], row["unit"], row["state"], int(row["code"])) for row in rows] == [
        (unit["job"], unit["name"], unit["state"], unit["code"]) for unit in content["units"]
    ]
    percents = {name: round(one["percent"]) for name, one in content["job_types"].items()}
    assert percents == {"mk_image": 75, "coreg": 75, "mk_ifg": 67, "unwrap": 67}
    assert content["pairs"][0] == {
        "name": PAIRS[0],
        "state": "done",
        "verdict": "bad",
        "figures": {
            "mean_coherence": 0.613,
            "unwrapped_fraction": 0.875,
            "azimuth_shift_lines": -0.00312,
            "seam_step_rad": 0.0412,
        },
    }
    assert content["dates"][1] == {
        "name": DATES[1],
        "state": "done",
        "verified": "done",
        "against": DATES[0],
        "figures": {"added_lines": 0.0201, "residual_lines": -0.00012, "residual_sigma": 0.00004},
    }
    assert [one["state"] for one in content["dates"]] == ["done", "done", "degraded", "quarantined"]
    assert [one["verified"] for one in content["dates"]] == ["", "done", "not verified", ""]
    assert [one["state"] for one in content["pairs"]] == ["done", "degraded", "quarantined"]
    assert content["pairs"][2]["figures"] == dict.fromkeys(content["pairs"][0]["figures"])
    page = (tmp_path / "out" / "progress.html").read_text()
    for text in (
        "75 %",
        "3 of 4",
        "67 %",
        "0.61",
        "87.5",
        "−0.0031",
        "0.041",
        "the file is damaged",
        "−0.00012",
        "not verified",
    ):
        assert text in page
    write_progress(progress, tmp_path / "again")
    for name in ("progress.csv", "progress.json", "progress.html"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


class Tags(HTMLParser):
    """Elements that are open, and those that were closed in disorder."""

    VOID = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.seen = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_page_stands_alone_and_is_for_everybody(results):
    fill(results)
    other = PlannedFrame("022D_<b>", DATES, ())
    progress = measure_progress([PLAN, other], records_below(results.root))
    page = progress_page("Frames & more", progress)
    tags = Tags(page)
    assert (tags.open, tags.wrong) == ([], [])
    assert "022D_&lt;b&gt;" in page
    assert "Frames &amp; more" in page
    assert not re.search(r"(src|href)=\"(?!#)|https?:", page)
    assert "color-scheme: light dark" in page
    scrolled = [attrs for tag, attrs in tags.seen if tag == "div" and attrs.get("class") == "wide"]
    assert len(scrolled) == 6
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in scrolled)
    bars = [attrs["aria-label"] for _, attrs in tags.seen if attrs.get("class") == "bar"]
    assert bars[0] == "75 percent: 3 done, 1 quarantined of 4"
    assert len(bars) == 6  # the other frame has no pairs
    ids = {attrs["id"] for _, attrs in tags.seen if "id" in attrs}
    assert {attrs["href"][1:] for tag, attrs in tags.seen if tag == "a"} == ids
    assert Tags(progress_page("none", [])).open == []


def test_report_of_a_frame(results, tmp_path):
    fill(results)
    frame = define_frame(tmp_path / "frame.json", reference=dt.date(2025, 1, 1))

    def of(stage, units):
        return [results.path(stage, unit) for unit in units]

    inputs = {
        "frame": frame,
        "acquisitions": of("parse-safe", DATES),
        "coregistered": [record_path(path) for path in of("coregister", DATES)],
        "verified": of("verify-coregistration", DATES[1:3]),
        "diversity": of("estimate-diversity", PAIRS[:2]),
        "interferograms": of("form-interferogram", PAIRS),
        "filtered": of("filter-phase", PAIRS),
        "unwrapped": of("unwrap", PAIRS),
        "pairs": [record_path(path) for path in of("geocode", PAIRS)],
        "closure": [write_closure(tmp_path / "closure", {PAIRS[0]: "suspect"})],
    }
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    outcome = report_frame(**inputs, page=page, table=table, options=ReportFrame(title="Test"))
    assert outcome.quality == {
        "mk_image_percent": 75.0, "mk_image_planned": 4, "coreg_percent": 75.0, "coreg_planned": 4,
        "mk_ifg_percent": 66.67, "mk_ifg_planned": 3, "unwrap_percent": 66.67, "unwrap_planned": 3,
    }  # fmt: skip
    assert f"<h1>Test: {FRAME}</h1>" in page.read_text()
    assert '<td class="suspect">suspect</td>' in page.read_text()
    assert len(table.read_text().splitlines()) == 1 + 4 + 4 + 3 + 3
    with pytest.raises(NothingToProduce):
        report_frame(**{**inputs, "acquisitions": []}, page=page, table=table, options=ReportFrame())
    for path in (page, table):
        write_empty_frame_report(path, SKIPPED)
    assert "skipped: no burst" in page.read_text()
    assert table.read_text() == ",".join(COLUMNS) + "\n"
