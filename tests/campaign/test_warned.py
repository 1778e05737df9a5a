"""What jobs warn of is told in words, alike warnings together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from campaigns import edit_record, make_campaign

from levelworks.campaign import report
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.report_tables import WARNINGS, warnings_table
from levelworks.campaign.status_text import render
from levelworks.campaign.warned import Warned, find_warnings, render_warnings
from levelworks.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a campaign of eight granules, of which seven warn of the same and one of something else, too."""
    results = make_campaign(tmp_path, dict.fromkeys("abcdefgh", "fine"))
    for number, name in enumerate("abcdefg"):
        given = [f"granule 2025010{number}: {number}.5 % of\n  pixels are dark"]
        given += ["the clock is off"] if name == "c" else []
        for copy in ("copy-twice", "copy-twice/second"):
            edit_record(results / f"trial/{copy}/{name}.txt", warnings=given)
    return tmp_path


def test_alike_warnings_stand_together(folder: Path) -> None:
    many, one = find_warnings(read_standing(folder), folder)
    assert (many.line, many.stage, many.alike) == ("trial", "copy-twice", False)
    assert many.granules == tuple("abcdefg")
    assert many.text == "granule 20250100: 0.5 % of pixels are dark"
    assert (one.text, one.alike, one.granules) == ("the clock is off", True, ("c",))
    text = render_warnings([many, one])
    assert "7 jobs: trial copy-twice" in text
    assert "a, b, c, d, e and 2 more" in text
    assert "a, b, c, d, e, f, g\n" in render_warnings([many, one], everything=True)


def test_status_and_failed_say_that_jobs_warn(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    said = "7 jobs gave warnings: levelworks failed --warnings shows them"
    assert said in render(read_standing(folder), terminal=False)
    assert main(["failed"]) == 0
    assert said in capsys.readouterr().out
    assert main(["failed", "--warnings"]) == 0
    assert "the clock is off" in capsys.readouterr().out
    assert main(["failed", "--warnings", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)["warnings"]
    assert [len(one["granules"]) for one in content] == [7, 1]


def test_the_report_has_them_under_the_flagged(folder: Path) -> None:
    results = folder / "results"
    page = report.report(report.gather(folder, results), folder, results / "report.html", 0)
    assert page.index('<h2 id="flagged">') < page.index('<h2 id="warnings">') < page.index("the clock is off")


def test_of_many_warnings_the_rest_is_counted() -> None:
    groups = [Warned("line", "stage", f"of <kind> {number}", True, ("a", "b")) for number in range(WARNINGS + 3)]
    text = warnings_table(groups)
    assert "and 3 more, of 6 jobs" in text
    assert f"of &lt;kind&gt; {WARNINGS - 1}<" in text
    assert f"kind&gt; {WARNINGS}<" not in text
    assert warnings_table([]) == ""


def test_a_record_that_is_damaged_is_left_out(folder: Path) -> None:
    standing = read_standing(folder)
    for copy in ("copy-twice", "copy-twice/second"):
        (folder / f"results/trial/{copy}/c.txt.json").write_text("{")
    assert [len(one.granules) for one in find_warnings(standing, folder)] == [6]


def test_without_warnings_it_says_so(tmp_path: Path) -> None:
    make_campaign(tmp_path, {"a": "fine"})
    assert "warnings" not in render(read_standing(tmp_path), terminal=False)
    assert render_warnings(find_warnings(read_standing(tmp_path), tmp_path)) == "no job that finished gave a warning"
