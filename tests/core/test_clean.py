"""Cleaning removes what records prove to be ours, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaigns import LINE, edit_record, make_campaign, run_copy

from levelworks.core.clean import plan, plan_products, remove
from levelworks.core.record import record_path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_campaign(tmp_path, {"a": "fine", "b": "bad"})


@pytest.fixture
def product(results: Path) -> Path:
    return results / LINE / "copy-twice" / "a.txt"


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def kept(results: Path) -> dict[str, str]:
    return {one.path.relative_to(results).as_posix(): one.reason for one in remove(plan(results), dry_run=False).kept}


def test_a_dry_run_removes_nothing_and_says_what_would_go(results: Path) -> None:
    before = files_below(results)
    cleaned = remove(plan(results))
    assert files_below(results) == before
    assert {path.relative_to(results).as_posix() for path in cleaned.removed} == before
    assert len(before) == 8


def test_products_records_and_emptied_folders_go_and_the_results_folder_stays(results: Path, tmp_path: Path) -> None:
    planned = plan(results)
    assert planned.size == sum(path.stat().st_size for path in results.rglob("*") if path.is_file())
    cleaned = remove(planned, dry_run=False)
    assert list(results.iterdir()) == []
    assert cleaned.kept == []
    assert {path.name for path in cleaned.removed} >= {LINE, "copy-twice", "second", "a.txt", "a.txt.json"}
    assert files_below(tmp_path / "raw") == {"a.raw", "b.raw"}


def test_files_without_a_record_and_their_folders_stay(results: Path, product: Path) -> None:
    (product.parent / "notes.md").write_text("mine")
    (results / "settings.json").write_text("{}")
    remove(plan(results), dry_run=False)
    assert files_below(results) == {f"{LINE}/copy-twice/notes.md", "settings.json"}


def test_folders_that_were_empty_before_stay(results: Path) -> None:
    (results / "mine").mkdir()
    remove(plan(results), dry_run=False)
    assert (results / "mine").is_dir()


@pytest.mark.parametrize("content", ["other", "changed and longer"])
def test_a_product_that_changed_since_stays_with_its_record(results: Path, product: Path, content: str) -> None:
    product.write_text(content[:4] if content == "other" else content)
    assert "changed since its record" in kept(results)[f"{LINE}/copy-twice/a.txt"]
    assert files_below(results) == {f"{LINE}/copy-twice/a.txt", f"{LINE}/copy-twice/a.txt.json"}


def test_a_product_that_was_only_touched_goes(results: Path, product: Path) -> None:
    os.utime(product, (1, 1))
    assert kept(results) == {}
    assert not product.exists()


def test_an_input_with_a_forged_record_stays(tmp_path: Path) -> None:
    results = tmp_path / "results"
    (results / "raw").mkdir(parents=True)
    granule, product = results / "raw" / "a.txt", results / "copies" / "a.txt"
    granule.write_text("fine")
    run_copy(granule, product)
    forged = json.loads(record_path(product).read_text())
    status = granule.stat()
    forged["outputs"]["copy"] |= {"path": str(granule), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    record_path(granule).write_text(json.dumps(forged))
    assert "is an input" in kept(results)["raw/a.txt"]
    assert files_below(results) == {"raw/a.txt", "raw/a.txt.json"}


def test_an_input_stays_under_any_link_to_it(tmp_path: Path) -> None:
    results = tmp_path / "results"
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.raw").write_text("fine")
    (tmp_path / "staged").symlink_to(tmp_path / "raw", target_is_directory=True)
    product = results / "copies" / "a.txt"
    run_copy(tmp_path / "staged" / "a.raw", product)
    status = product.stat()
    product.unlink()
    os.link(tmp_path / "raw" / "a.raw", product)
    os.utime(product, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert "is an input" in kept(results)["copies/a.txt"]
    assert product.exists()


def test_an_input_of_a_campaign_that_was_moved_stays(tmp_path: Path) -> None:
    campaign = tmp_path / "campaign"
    (campaign / "results" / "raw").mkdir(parents=True)
    granule, product = campaign / "results" / "raw" / "a.txt", campaign / "results" / "copies" / "b.txt"
    granule.write_text("fine")
    run_copy(granule, product)
    forged = json.loads(record_path(product).read_text())
    status = granule.stat()
    forged["outputs"]["copy"] |= {"path": str(granule), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    record_path(granule).write_text(json.dumps(forged))
    moved = tmp_path / "moved"
    campaign.rename(moved)
    assert set(kept(moved / "results")) == {"raw/a.txt"}


def test_a_product_that_another_stage_read_goes(results: Path, product: Path) -> None:
    run_copy(product, results / LINE / "copy-again" / "a.txt")
    assert kept(results) == {}
    assert files_below(results) == set()


def test_relative_paths_in_records_serve_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "campaign").mkdir()
    monkeypatch.chdir(tmp_path / "campaign")
    Path("results").mkdir()
    Path("results/a.txt").write_text("fine")
    run_copy(Path("results/a.txt"), Path("results/copies/a.txt"))
    forged = json.loads(record_path(Path("results/copies/a.txt")).read_text())
    status = Path("results/a.txt").stat()
    forged["outputs"]["copy"] |= {"path": "results/a.txt", "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    record_path(Path("results/a.txt")).write_text(json.dumps(forged))
    monkeypatch.chdir(tmp_path)
    assert set(kept(tmp_path / "campaign" / "results")) == {"a.txt"}


def test_a_record_beside_another_file_proves_nothing(results: Path, product: Path) -> None:
    shutil.copy2(record_path(product), product.with_name("b2.txt.json"))
    product.with_name("b2.txt").write_text("fine")
    copies = results / "kept"
    copies.mkdir()
    for path in (product, record_path(product)):
        shutil.copy2(path, copies / path.name)
    reasons = kept(results)
    assert reasons[f"{LINE}/copy-twice/b2.txt"] == "the record beside it names another file"
    assert reasons["kept/a.txt"] == "the record beside it names another file"
    assert product.with_name("b2.txt").exists()
    assert (copies / "a.txt").exists()


def test_broken_records_stay_with_their_products(results: Path, product: Path) -> None:
    record_path(product).write_text("{")
    assert "no record that can be read" in kept(results)[f"{LINE}/copy-twice/a.txt"]
    assert product.exists()


def test_records_without_a_product_go(results: Path, product: Path) -> None:
    product.unlink()
    assert kept(results) == {}
    assert not record_path(product).exists()


def test_links_are_neither_followed_nor_removed(results: Path, product: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for path in (product, record_path(product)):
        shutil.copy2(path, outside / path.name)
    (results / "elsewhere").symlink_to(outside, target_is_directory=True)
    content = product.read_text()
    product.unlink()
    product.symlink_to(outside / "a.txt")
    assert kept(results)[f"{LINE}/copy-twice/a.txt"] == "it is a symbolic link"
    assert (outside / "a.txt").read_text() == content
    assert (results / "elsewhere").is_symlink()
    assert product.is_symlink()


def test_a_results_folder_that_is_a_link_is_cleaned_where_it_points(results: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(results, target_is_directory=True)
    remove(plan(tmp_path / "link"), dry_run=False)
    assert files_below(results) == set()
    assert (tmp_path / "link").is_symlink()


def test_what_changes_between_plan_and_removal_stays(results: Path, product: Path) -> None:
    planned = plan(results)
    product.write_text("new!")
    cleaned = remove(planned, dry_run=False)
    assert [(one.path.name, one.reason) for one in cleaned.kept] == [("a.txt", "it changed since it was planned")]
    assert files_below(results) == {f"{LINE}/copy-twice/a.txt", f"{LINE}/copy-twice/a.txt.json"}


def test_a_folder_swapped_for_a_link_after_the_plan_is_not_entered(
    results: Path, product: Path, tmp_path: Path
) -> None:
    planned = plan(results)
    folder = product.parent
    folder.rename(tmp_path / "outside")
    folder.symlink_to(tmp_path / "outside", target_is_directory=True)
    cleaned = remove(planned, dry_run=False)
    assert (tmp_path / "outside" / "a.txt").exists()
    assert cleaned.removed == []
    assert {one.reason for one in cleaned.kept} == {"its folder is no longer below the results folder"}


def test_folder_products_go_whole_and_stay_where_their_content_changed(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "fine"}, suffix=".zarr")
    changed = results / LINE / "copy-twice" / "a.zarr"
    (changed / "0").write_text("mine")
    assert set(kept(results)) == {f"{LINE}/copy-twice/a.zarr"}
    assert (changed / "zarr.json").exists()
    assert not (changed.parent / "second").exists()


def test_temporaries_of_dead_processes_go_and_of_living_ones_stay(results: Path, product: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    host = socket.gethostname()
    dead = product.with_name(f".part.{host}.{process.pid}.c.txt")
    alive = product.with_name(f".part.{host}.{os.getpid()}.c.txt")
    elsewhere = product.with_name(".part.node.17.cluster.4711.c.txt")
    old = product.with_name(".part.node17.4711.d.txt")
    foreign = product.with_name(".part.of-my-thesis")
    for path in (dead, alive, elsewhere, old, foreign):
        path.write_text("half")
    week_ago = time.time() - 8 * 86400
    os.utime(old, (week_ago, week_ago))
    os.utime(foreign, (week_ago, week_ago))
    reasons = kept(results)
    assert files_below(results) == {f"{LINE}/copy-twice/{path.name}" for path in (alive, elsewhere, foreign)}
    assert "still runs" in reasons[f"{LINE}/copy-twice/{alive.name}"]
    assert "another host" in reasons[f"{LINE}/copy-twice/{elsewhere.name}"]


def test_temporary_folders_go_whole(results: Path, product: Path) -> None:
    stray = product.with_name(".part.node17.4711.d.zarr")
    stray.mkdir()
    (stray / "0").write_text("half")
    os.utime(stray, (1, 1))
    remove(plan(results), dry_run=False)
    assert not stray.exists()


def test_cleaning_twice_or_nothing_is_no_error(results: Path, tmp_path: Path) -> None:
    planned = plan(results)
    remove(planned, dry_run=False)
    assert remove(planned, dry_run=False).removed == []
    assert plan(tmp_path / "nowhere").removals == ()


def test_records_of_odd_shape_are_kept(results: Path, product: Path) -> None:
    edit_record(product, outputs=None, inputs=[])
    assert kept(results)[f"{LINE}/copy-twice/a.txt"] == "the record beside it names another file"


def test_listed_products_go_with_their_marks_and_leave_their_records(results: Path, product: Path) -> None:
    mark, other = product.with_name("a.txt.there"), product.with_name("b.txt")
    mark.touch()
    before = files_below(results)
    other.write_text("mine")
    planned = plan_products(results, [product, other, product.with_name("none.txt")])
    assert files_below(results) == before
    cleaned = remove(planned, dry_run=False)
    assert cleaned.removed == [mark, product]
    assert {one.path.name for one in cleaned.kept} == {"b.txt", "none.txt"}
    assert files_below(results) == before - {f"{LINE}/copy-twice/a.txt", f"{LINE}/copy-twice/a.txt.there"}
    assert remove(plan_products(results, [product]), dry_run=False).removed == []
    mark.touch()
    assert mark in remove(plan(results), dry_run=False).removed
