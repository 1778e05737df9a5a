"""Outcomes of a campaign from the records that a real stage wrote."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from campaigns import LINE, edit_record, make_campaign, multiply_records, run_copy, run_update

from levelworks.core.aggregate import TooManyQuarantined
from levelworks.core.clean import plan, remove
from levelworks.core.durations import duration
from levelworks.core.jobs import collect, collect_products
from levelworks.core.outcome import InvalidOptions, Status
from levelworks.core.record import record_path
from levelworks.core.status import check_quarantined, write_outcomes

CONTENTS = {"a": "fine", "b": "bad", "c": "empty", "d": "fine"}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_campaign(tmp_path, CONTENTS)


def test_a_job_of_two_products_counts_once(results: Path) -> None:
    assert len(list(results.rglob("*.json"))) == 8
    (summary,) = collect(results).summaries()
    assert (summary.line, summary.stage) == (LINE, "copy-twice")
    assert (summary.jobs, summary.done, summary.skipped, summary.quarantined) == (4, 2, 1, 1)


def test_flagged_granules_come_with_their_reasons(results: Path) -> None:
    outcomes = collect(results)
    (bad,) = outcomes.flagged(Status.QUARANTINED)
    assert (bad.granule, bad.reason) == ("b", "b.raw: truncated,\n 3 of 9 bytes are there")
    assert [job.granule for job in outcomes.flagged(Status.SKIPPED, Status.QUARANTINED)] == ["b", "c"]


def test_times_add_up_and_the_highest_memory_counts(results: Path) -> None:
    folder = results / LINE / "copy-twice"
    for number, name in enumerate(sorted(CONTENTS)):
        for product in (folder / f"{name}.txt", folder / "second" / f"{name}.txt"):
            edit_record(product, cpu_s=10.0 + number, wall_s=2.0, peak_memory_mb=100.0 * (number + 1))
    (summary,) = collect(results).summaries()
    assert summary.cpu_s == pytest.approx(46.0)
    assert summary.wall_s == pytest.approx(8.0)
    assert summary.peak_memory_mb == 400.0


def test_warnings_are_counted(results: Path, tmp_path: Path) -> None:
    run_copy(tmp_path / "raw" / "a.raw", results / LINE / "copy-twice" / "e.txt", warn=True)
    assert sum(summary.warnings for summary in collect(results).summaries()) == 1


def test_an_older_record_of_products_made_again_no_longer_counts(results: Path, tmp_path: Path) -> None:
    time.sleep(0.01)
    target = results / LINE / "copy-twice" / "a.txt"
    run_copy(tmp_path / "raw" / "a.raw", target, warn=True)
    assert (target.parent / "second" / "a.txt").exists()
    jobs = [job for job in collect(results).jobs if job.granule == "a"]
    assert [job.warnings for job in jobs] == [("two copies look alike",)]


def test_broken_and_orphaned_records_are_told_not_counted(results: Path) -> None:
    folder = results / LINE / "copy-twice"
    record_path(folder / "a.txt").write_text("{")
    for product in (folder / "d.txt", folder / "second" / "d.txt"):
        product.unlink()
    outcomes = collect(results)
    assert outcomes.unreadable == (str(folder / "a.txt.json"),)
    assert outcomes.without_product == (str(folder / "d.txt.json"), str(folder / "second" / "d.txt.json"))
    assert [job.granule for job in outcomes.jobs] == ["a", "b", "c"]
    assert any("a.txt.json" in path for path in outcomes.unreadable)


def test_a_record_without_an_entry_is_broken_too(results: Path) -> None:
    product = results / LINE / "copy-twice" / "a.txt"
    edit_record(product, outcome="wonderful")
    assert collect(results).unreadable == (str(record_path(product)),)


def test_folders_that_are_products_are_not_searched(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "fine"}, suffix=".zarr")
    (results / LINE / "copy-twice" / "a.zarr" / "0.json").write_text("{")
    outcomes = collect(results)
    assert len(outcomes.jobs) == 1
    assert outcomes.unreadable == ()


def test_links_are_not_followed(results: Path) -> None:
    (results / "again").symlink_to(results / LINE, target_is_directory=True)
    assert len(collect(results).jobs) == 4


def test_no_results_yet(tmp_path: Path) -> None:
    outcomes = collect(tmp_path / "results")
    assert outcomes.jobs == ()


def test_only_the_products_named_count(results: Path) -> None:
    folder = results / LINE / "copy-twice"
    outcomes = collect_products(results, [folder / "b.txt", folder / "second" / "b.txt", folder / "a.txt"])
    assert [(job.granule, job.outcome) for job in outcomes.jobs] == [("a", Status.DONE), ("b", Status.QUARANTINED)]


def test_a_product_named_without_a_record_is_told(results: Path) -> None:
    folder = results / LINE / "copy-twice"
    (folder / "z.txt").write_text("of unknown origin")
    outcomes = collect_products(results, [folder / "a.txt", folder / "z.txt"])
    assert (len(outcomes.jobs), outcomes.unreadable) == (1, (str(folder / "z.txt.json"),))


def test_tables_hold_one_row_a_job_and_one_cell_a_line(results: Path) -> None:
    table = results / LINE / "outcomes.tsv"
    write_outcomes(collect(results), table)
    rows = list(csv.DictReader(table.read_text().splitlines(), delimiter="\t"))
    assert [(row["granule"], row["outcome"]) for row in rows] == [
        *(("a", "done"), ("b", "quarantined"), ("c", "skipped"), ("d", "done"))
    ]
    assert rows[1]["reason"] == "b.raw: truncated, 3 of 9 bytes are there"
    assert float(rows[0]["peak_memory_mb"]) > 1
    quarantined = (results / LINE / "quarantine.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in quarantined] == ["granule", "b"]
    assert collect(results).unreadable == ()


def test_tables_of_another_line_hold_no_rows(results: Path, tmp_path: Path) -> None:
    write_outcomes(collect(results).only("other"), tmp_path / "outcomes.tsv", tmp_path / "bad.tsv")
    assert len((tmp_path / "outcomes.tsv").read_text().splitlines()) == 1
    assert len((tmp_path / "bad.tsv").read_text().splitlines()) == 1


def test_tables_need_two_names(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptions, match="two names"):
        write_outcomes(collect(results), tmp_path / "quarantine.tsv")


def test_too_many_quarantined_fail_with_the_list(results: Path) -> None:
    outcomes = collect(results)
    check_quarantined(outcomes, 0.25)
    with pytest.raises(TooManyQuarantined, match=r"1 of 4 granules(.|\n)*b: b\.raw: truncated"):
        check_quarantined(outcomes, 0.24)
    with pytest.raises(TooManyQuarantined):
        check_quarantined(outcomes.only(LINE, "copy-twice"), 0.24)
    check_quarantined(outcomes.only(LINE, "another-stage"), 0.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (59.97, "1 min 00 s"), (192, "3 min 12 s"), (18240, "5 h 04 min")]
)
def test_durations_are_said_as_people_read_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ten_thousand_records_are_collected(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "fine"})
    multiply_records(results, 10_000)
    outcomes = collect(results)
    assert len(outcomes.jobs) == 10_001


def test_a_record_without_product_of_a_job_that_left_it_out_counts_as_its_outcome(tmp_path: Path) -> None:
    results = tmp_path / "results"
    granule = tmp_path / "granule"
    granule.write_text("empty")
    run_update(granule, results / "trial" / "update" / "cube.zarr")
    outcomes = collect(results)
    assert outcomes.without_product == ()
    (job,) = outcomes.jobs
    assert (job.outcome, job.reason) == (Status.SKIPPED, "granule: nothing in it")
    cleaned = remove(plan(results), dry_run=False)
    assert cleaned.kept == []
    assert not results.exists() or not any(results.rglob("*"))
