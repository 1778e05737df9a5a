"""The report of a campaign: what it says agrees with the records, and its plots with their values."""

from __future__ import annotations

import base64
import io
import json
import random
import re
import shutil
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from browser import open_page
from campaigns import edit_record, make_campaign
from crate_validator import validate
from PIL import Image

from levelworks.campaign import trace_command
from levelworks.campaign.activity_plot import activity
from levelworks.campaign.job_records import read_jobs
from levelworks.campaign.ledger import LEDGER, Ledger, add_attempt, plan_jobs, update_job
from levelworks.campaign.quality_figures import FIGURES, Point, Series, plain, series_of, time_of
from levelworks.campaign.quality_plots import far_ones, plot
from levelworks.campaign.report_command import run
from levelworks.campaign.report_pictures import PATTERNS, pictures
from levelworks.campaign.report_tables import outcomes_table, retries_table
from levelworks.campaign.retries import cost_of_retries
from levelworks.campaign.standing import Cell, State
from levelworks.core.config import LINES
from levelworks.core.outcome import InvalidOptions
from levelworks.core.stage import stages
from workflow import ROOT, Workflow, references, simulated


def series(values: list[float], *, timed: bool = True, log: bool = False, groups: int = 1) -> Series:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    points = [
        Point(value, f"g{place}", f"group {place % groups}", begin + timedelta(days=place) if timed else None)
        for place, value in enumerate(values)
    ]
    return Series("Noise & more", "mol m⁻²", tuple(points), log)


# Figures


@pytest.mark.parametrize("line", LINES)
def test_figures_are_those_that_stages_compute(line: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "scripts/levelworks" / line).rglob("*.py"))
    assert 3 <= len(FIGURES[line]) <= 6
    for figure in FIGURES[line]:
        assert set(figure.stages) <= set(stages(line))
        written = {"cloud_share": "{name}_share"}.get(figure.key, figure.key.replace("*", "{gas}"))
        assert written in source, figure.key


def test_a_granule_s_time_is_read_from_the_stage_or_its_name(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"x": "light"})
    (record,) = read_jobs(results)
    expected = {
        "cgi_0200001001001001001_20250216t0000077_l1_": datetime(2025, 2, 16, 0, 0, 7, tzinfo=UTC),
        "EMIT_L1B_RAD_001_20230626T065312_2317706_006": datetime(2023, 6, 26, 6, 53, 12, tzinfo=UTC),
        "oco2_LtCO2_200303_B11210Ar_200919000013s": datetime(2020, 3, 3, tzinfo=UTC),
        "20250406_20250418": datetime(2025, 4, 6, tzinfo=UTC),
        "LC08_L1TP_193024_20180824_20180831_02_T1": datetime(2018, 8, 24, tzinfo=UTC),
        "demo_mean": None,
        "20259999": None,
    }
    for name, time in expected.items():
        object.__setattr__(record.job, "granule", name)
        assert time_of(record) == time, name
    record.content["quality"] = {"date": "2024-02-29"}
    assert time_of(record) == datetime(2024, 2, 29, tzinfo=UTC)


def test_values_come_from_done_jobs_in_the_figure_s_unit(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "light", "b": "light", "c": "bad"})
    for name, value in (("a", 0.25), ("b", float("nan")), ("c", 0.5)):
        for folder in ("copy-twice", "copy-twice/second"):
            quality = {"masked_share": None if value != value else value, "gain": 10.0, "state": "degraded"}
            edit_record(
                results / f"trial/{folder}/{name}.txt", line="coronagraph", stage="calibrate-frame", quality=quality
            )
    (found,) = series_of("coronagraph", read_jobs(results))
    assert found.label == "Masked pixels (% of the frame)"
    assert [(point.value, point.group, point.degraded) for point in found.points] == [(25.0, "gain 10", True)]


def test_each_gas_is_a_figure_of_its_own(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "light"})
    for folder in ("copy-twice", "copy-twice/second"):
        quality = {"ch4_scatter_mol_m2": 0.01, "co2_scatter_mol_m2": 0.2, "ch4_median_shrinkage": 1.0}
        edit_record(results / f"trial/{folder}/a.txt", line="plumes", stage="retrieve", quality=quality)
    titles = [found.title for found in series_of("plumes", read_jobs(results))]
    assert titles == ["Noise of the CH₄ enhancement", "Noise of the CO₂ enhancement"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (120.444, "120.44"), (25480.0, "25,480"), (-0.01823, "−0.01823"), (5.36e-5, "5.36e−05"), (3.0, "3")],
)
def test_numbers_are_written_as_people_read_them(value: float, expected: str) -> None:
    assert plain(value) == expected


def test_a_value_far_from_the_others_is_named() -> None:
    values = [random.Random(place).gauss(10.0, 1.0) for place in range(100)]
    assert far_ones(series(values)) == []
    assert [point.value for point in far_ones(series([*values, 30.0, -40.0]))] == [-40.0, 30.0]
    assert far_ones(series([10.0**place for place in range(9)], log=True)) == []


# Plots


@pytest.mark.parametrize(
    "found",
    [
        series([1.0, 2.0, 4.0]),
        series([1.0, 2.0, 4.0], timed=False),
        series([float(place % 7) for place in range(60)], groups=3),
        series([float(place % 7) for place in range(60)], timed=False),
        series([10.0 ** (place % 5) for place in range(60)], log=True),
        series([float(place % 7) for place in range(2500)]),
    ],
    ids=["few", "few without times", "groups", "without times", "decades", "many"],
)
def test_a_plot_is_svg_in_the_page_s_colour_and_the_same_each_time(found: Series) -> None:
    drawn = plot(found)
    root = ET.fromstring(drawn)
    assert root.get("aria-label") == "Noise & more (mol m⁻²)"
    assert {"width", "height"}.isdisjoint(root.keys())
    assert "currentColor" in drawn
    assert "mol m⁻²" in "".join(root.itertext())
    assert "mathdefault" not in drawn
    assert len(drawn) < 400_000
    assert plot(found) == drawn
    named = set(re.findall(r'id="([^"]+)"', drawn))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', drawn)) <= named


def test_points_stand_where_their_values_are() -> None:
    drawn = ET.fromstring(plot(series([1.0, 3.0, 2.0])))
    uses = [use for use in drawn.iter("{http://www.w3.org/2000/svg}use") if "#3b78b5" in use.get("style", "")]
    x, y = np.array([(float(use.get("x")), float(use.get("y"))) for use in uses]).T  # type: ignore[arg-type]
    np.testing.assert_allclose(np.diff(x), np.diff(x)[0], rtol=1e-3)
    np.testing.assert_allclose((y[0] - y[2]) / (y[0] - y[1]), 0.5, rtol=1e-3)


def test_ticks_say_where_they_stand() -> None:
    drawn = plot(series([412.31, 412.37, 412.66, 412.69, 412.78], timed=False))
    ticks = [float(text) for text in re.findall(r">(412\.\d+)<", drawn)]
    assert len(ticks) >= 3
    np.testing.assert_allclose(np.diff(ticks), np.diff(ticks)[0])


def test_two_plots_share_no_identifier() -> None:
    one, other = (set(re.findall(r'id="([^"]+)"', plot(series([1.0, 2.0, value])))) for value in (3.0, 4.0))
    assert one
    assert one.isdisjoint(other)


def test_activity_counts_jobs_at_once() -> None:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    spans = [("a", begin, 100.0), ("a", begin, 50.0), ("b", begin + timedelta(seconds=50), 50.0)]
    text = "".join(ET.fromstring(activity(spans, ["a", "b"])).itertext())
    assert "jobs at once" in text
    assert re.search(r"\b2\b", text)
    assert not re.search(r"\b3\b", text)


# Tables


def test_outcomes_stand_by_stage_in_the_order_they_began() -> None:
    cells = [
        Cell("line", "later", "a", "x", State.DONE, began=20.0, attempt=2, cpu_s=1.0, peak_memory_mb=7.0),
        Cell("line", "first", "a", "y", State.FAILED, began=10.0),
        Cell("line", "first", "b", "z", State.QUARANTINED, began=11.0),
    ]
    rows = re.findall(r"<tr>(.*?)</tr>", outcomes_table(cells))
    cut = [[re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
    assert cut[0][3:6] == ["done", "quarantined", "failed"]
    assert cut[1] == ["line", "first", "", "", "1", "1", "", "", "", ""]
    assert cut[2][:4] == ["", "later", "", "1"]
    assert cut[2][6] == "1"


def test_what_retries_cost_comes_from_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / LEDGER)
    ledger.begin(began=1.0)
    rows = [(job, "line", "stage", f"g{job}", f"p{job}", "", f"p{job}") for job in (1, 2)]
    ledger.put(plan_jobs, rows, "results")
    ledger.put(update_job, 1, {"state": "ended", "threads": 4})
    ledger.put(update_job, 2, {"state": "failed", "threads": 1})
    ledger.put(add_attempt, 1, {"attempt": 1, "cause": "killed for memory", "wall_s": 90.0})
    ledger.put(add_attempt, 2, {"attempt": 1, "cause": "killed for memory", "wall_s": 10.0})
    ledger.put(add_attempt, 2, {"attempt": 2, "cause": "node failure", "wall_s": None})
    ledger.close()
    memory, node = cost_of_retries(tmp_path, [])
    assert (memory.cause, memory.attempts, memory.overcome, memory.wall_s, memory.core_s) == (
        *("killed for memory", 2, 1),
        *(100.0, 370.0),
    )
    assert (node.cause, node.attempts, node.unknown) == ("node failure", 1, 1)
    assert "10.0 % of all wall time" in retries_table([memory, node], 900.0)


def test_what_a_later_run_made_good_is_overcome(tmp_path: Path) -> None:
    rows = [(1, "line", "stage", "g1", "p1", "", "p1")]
    for state in ("failed", "ended"):
        ledger = Ledger(tmp_path / LEDGER)
        ledger.begin(began=1.0)
        ledger.put(plan_jobs, rows, "results")
        ledger.put(update_job, 1, {"state": state, "threads": 1})
        if state == "failed":
            ledger.put(add_attempt, 1, {"attempt": 1, "cause": "failed", "wall_s": 5.0})
        ledger.close()
    (cost,) = cost_of_retries(tmp_path, [])
    assert (cost.attempts, cost.overcome) == (1, 1)


def test_without_a_ledger_records_say_what_was_overcome(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "light"})
    for folder in ("copy-twice", "copy-twice/second"):
        edit_record(results / f"trial/{folder}/a.txt", earlier_attempts=["killed for memory on n1: asked for 5 MB"])
    (cost,) = cost_of_retries(tmp_path, read_jobs(results))
    assert (cost.cause, cost.attempts, cost.unknown) == ("killed for memory", 1, 1)


# Pictures


def test_pictures_are_few_reduced_and_of_every_kind(tmp_path: Path) -> None:
    for place in range(5):
        for kind, size in (("geo.cc", 200), ("geo.unw", 900)):
            path = tmp_path / f"insar/plot-pair/frame/2025010{place}_20250112/2025010{place}_20250112.{kind}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(place).integers(0, 255, (size // 2, size, 4), dtype=np.uint8)
            Image.fromarray(noise).save(path)
    found = pictures(tmp_path, ["insar"], 4)
    assert sorted(Path(picture.path).name.split(".", 1)[1] for picture in found) == [
        *("geo.cc.png", "geo.cc.png", "geo.unw.png", "geo.unw.png"),
    ]
    for picture in found:
        image = Image.open(io.BytesIO(base64.b64decode(picture.uri.partition(",")[2])))
        assert image.size == picture.size
        assert image.width == min(640, 200 if "geo.cc" in picture.path else 900)


def test_lines_have_patterns_of_pictures() -> None:
    assert set(PATTERNS) == set(LINES)


# The whole


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Run a campaign of four frames, one truncated, to its report and its crate."""
    folder = tmp_path_factory.mktemp("campaign")
    frames = simulated(folder / "raw", frames=4)
    frames[1].write_bytes(frames[1].read_bytes()[:5000])
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    picture = folder / "results/coronagraph/plot/combine/night_mean.png"
    picture.parent.mkdir(parents=True)
    Image.new("L", (900, 300), 128).save(picture)
    made = Workflow(folder, {"coronagraph": section, "campaign": {"max_quarantined": 0.5}})
    made.run("report", "crate")
    return made


def test_the_report_says_what_the_records_say(campaign: Workflow) -> None:
    page = (campaign.folder / "results/report.html").read_text()
    outcomes = [
        json.loads(path.read_text())["outcome"]
        for path in (campaign.folder / "results/coronagraph/calibrate-frame").glob("*L2b.fits.json")
    ]
    row = re.search(r"<td class=name>calibrate-frame</td>(.*?)</tr>", page)
    assert row
    numbers = re.findall(r"<td class=number>(\d*)</td>", row.group(1))
    heading = re.search(r"<th class=name>line</th>.*?</tr>", page)
    assert heading
    names = re.findall(r"<th class=number>([^<]+)</th>", heading.group())
    told = dict(zip(names, numbers, strict=False))
    assert told["done"] == f"{outcomes.count('done')}"
    assert told["quarantined"] == f"{outcomes.count('quarantined')}" == "1"
    assert "cut off within" in page
    assert "Read noise (electrons)" in page
    assert page.count('<img src="data:image/') == 1
    assert "calibrate_frame" in page
    assert ">running<" not in page  # the report's own job


def test_the_page_needs_no_network_and_gives_no_errors(campaign: Workflow, tmp_path: Path) -> None:
    page = campaign.folder / "results/report.html"
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.read_text())
    opened = open_page(page, tmp_path / "profile")
    assert opened.wrong == []
    assert [name for name in opened.resources if not name.startswith(("data:", "file:"))] == []
    assert "Flagged granules" in opened.text


def test_links_lead_to_the_whole_pictures(campaign: Workflow) -> None:
    results = campaign.folder / "results"
    links = re.findall(r'<figure><a href="([^"]+)">', (results / "report.html").read_text())
    assert links
    assert all((results / link).is_file() for link in links)


def test_the_same_records_give_the_same_page(campaign: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(campaign.folder, campaign.folder.parent / "copy" / campaign.folder.name))
    pages = []
    for name in ("one.html", "two.html"):
        assert run(["-o", f"results/{name}", "--name", "x"]) == 0
        pages.append(Path("results", name).read_bytes())
    assert pages[0] == pages[1]


def test_the_crate_of_a_real_campaign_is_valid_and_holds_its_configuration(campaign: Workflow, tmp_path: Path) -> None:
    results = campaign.folder / "results"
    told = (results / "workflow/config/2-campaign.yaml").read_text()
    assert told == (campaign.folder / "campaign.yaml").read_text()
    assert (results / "workflow/Snakefile").read_text() == (ROOT / "Snakefile").read_text()
    assert validate(results, tmp_path) == set()


def test_a_product_of_a_real_campaign_goes_back_to_its_frames(
    campaign: Workflow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(campaign.folder)
    assert trace_command.run(["results/coronagraph/combine/night_mean.fits"]) == 0
    told = capsys.readouterr().out
    assert len(re.findall(r"frame: raw/\S+\.fits  \[Level 1, unchanged\]  sha256:", told)) == 4
    assert told.rstrip().endswith("all are unchanged")


def test_it_is_refused_where_nothing_has_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidOptions, match="nothing has finished yet"):
        run([])
