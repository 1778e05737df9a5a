"""The ancestry of a product: every file that it goes back to, and what of them is not as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import xxhash
from campaigns import make_campaign, run_copy

from levelworks.campaign.ancestry import LEVEL_1, Kind, trace
from levelworks.campaign.trace_command import as_json, render, run
from levelworks.campaign.verification import State, verify
from levelworks.core.config import LINES
from levelworks.core.outcome import InvalidOptions
from levelworks.core.stage import stages


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make three generations: a granule, its copy, a folder made from that by its record's name, and a last file."""
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    Path("raw/g.raw").write_text("light")
    results = Path("results/trial")
    run_copy(Path("raw/g.raw"), results / "first/g.txt")
    run_copy(results / "first/g.txt", results / "second/g.zarr")
    run_copy(results / "second/g.zarr.json", results / "third/g.txt")
    return tmp_path


def names(root: Path, paths: object) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]  # type: ignore[attr-defined]


def test_an_ancestry_goes_down_to_level_1_each_file_once(chain: Path) -> None:
    found = trace(Path("results/trial/third/g.txt"))
    assert names(chain, found.files) == [
        *(f"results/trial/{name}" for name in ("third/g.txt", "second/g.zarr", "first/g.txt")),
        "raw/g.raw",
    ]
    assert [file.kind for file in found.files.values()] == [Kind.PRODUCT] * 3 + [Kind.REFERENCE]
    assert found.product.inputs[0].by_record
    assert not found.files[chain / "results/trial/second/g.zarr"].inputs[0].by_record


def test_checksums_are_those_that_other_programs_compute(chain: Path) -> None:
    found = trace(Path("results/trial/first/g.txt"))
    assert found.product.checksum == f"xxh3:{xxhash.xxh3_128_hexdigest(b'light')}"
    assert found.files[chain / "raw/g.raw"].checksum == f"sha256:{hashlib.sha256(b'light').hexdigest()}"


@pytest.mark.parametrize("name", ["second/g.zarr", "second/g.zarr.json", "second/g.zarr/0"])
def test_a_folder_is_named_by_itself_its_record_or_a_file_in_it(chain: Path, name: str) -> None:
    found = trace(Path("results/trial") / name)
    assert found.root == chain / "results/trial/second/g.zarr"
    assert {verdict.state for verdict in verify(found).values()} == {State.UNCHANGED}


def states(root: Path) -> dict[str, State]:
    verdicts = verify(trace(Path("results/trial/third/g.txt")))
    return {str(path.relative_to(root)): verdict.state for path, verdict in verdicts.items()}


@pytest.mark.parametrize(
    ("damage", "bad"),
    [
        (lambda: None, {}),
        (lambda: Path("raw/g.raw").write_text("LIGHT"), {"raw/g.raw": State.CHANGED}),
        (lambda: Path("raw/g.raw").unlink(), {"raw/g.raw": State.MISSING}),
        (lambda: Path("results/trial/third/g.txt").write_text("Light"), {"results/trial/third/g.txt": State.CHANGED}),
        (lambda: Path("results/trial/second/g.zarr/0").write_text("x"), {"results/trial/second/g.zarr": State.CHANGED}),
        (lambda: Path("results/trial/second/g.zarr/new").touch(), {"results/trial/second/g.zarr": State.CHANGED}),
        (lambda: shutil.rmtree("results/trial/second/g.zarr"), {"results/trial/second/g.zarr": State.MISSING}),
        (lambda: Path("results/trial/first/g.txt.json").unlink(), {"results/trial/first/g.txt": State.MISSING}),
    ],
)
def test_a_file_that_is_not_as_it_was_is_found_and_no_other(chain: Path, damage: object, bad: dict[str, State]) -> None:
    damage()  # type: ignore[operator]
    found = states(chain)
    assert {name: state for name, state in found.items() if state is not State.UNCHANGED} == bad


def test_a_product_made_again_since_it_was_read_is_said_to_be_another(chain: Path) -> None:
    Path("raw/g.raw").write_text("other")
    run_copy(Path("raw/g.raw"), Path("results/trial/first/g.txt"))
    verdicts = verify(trace(Path("results/trial/third/g.txt")))
    assert {path.name: verdict.finding for path, verdict in verdicts.items() if verdict.finding} == {
        "g.txt": "it is not what g.zarr was made from"
    }


def test_a_later_time_alone_changes_nothing(chain: Path) -> None:
    Path("raw/g.raw").touch()
    Path("results/trial/first/g.txt").touch()
    assert set(states(chain).values()) == {State.UNCHANGED}


def test_a_campaign_that_was_moved_as_a_whole_verifies(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = chain / "elsewhere"
    moved.mkdir()
    for name in ("raw", "results"):
        shutil.move(chain / name, moved / name)
    verdicts = verify(trace(moved / "results/trial/third/g.txt"))
    assert [verdict.state for verdict in verdicts.values()] == [State.UNCHANGED] * 4


def test_the_command_prints_a_tree_and_ends_by_what_it_found(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["results/trial/third/g.txt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("results/trial/third/g.txt  [trial copy-twice v1, done, unchanged]  xxh3:")
    assert [line.split("granule")[0] for line in lines[1:4]] == ["└─ ", "   └─ ", "      └─ "]
    assert lines[-1] == "3 products, 0 Level-1 files, 1 references; all are unchanged"
    Path("raw/g.raw").write_text("LIGHT")
    assert run(["results/trial/third/g.txt"]) == 1
    assert "changed raw/g.raw: it is not what g.txt was made from" in capsys.readouterr().out
    assert run(["results/trial/third/g.txt", "--no-verify"]) == 0
    assert "nothing was verified" in capsys.readouterr().out


def test_json_holds_the_same(chain: Path) -> None:
    found = trace(Path("results/trial/third/g.txt"))
    verdicts = verify(found)
    content = json.loads(as_json(found, verdicts))
    assert content["verified"] is True
    assert [file["path"] for file in content["files"]] == [str(path) for path in found.files]
    assert all(file["checksum"] in render(found, verdicts, terminal=False) for file in content["files"])


def test_a_file_that_two_jobs_read_stands_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = make_campaign(tmp_path, {"a": "light"}) / "trial/copy-twice"
    text = render(trace(results / "second/a.txt"), {}, terminal=False)
    assert text.count("raw/a.raw") == 1


def test_a_file_without_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lonely.txt").write_text("x")
    with pytest.raises(InvalidOptions, match=r"lonely\.txt: no record stands beside it"):
        trace(tmp_path / "lonely.txt")


def test_inputs_taken_for_level_1_are_inputs_of_stages() -> None:
    assert set(LEVEL_1) == set(LINES)
    for line, ports in LEVEL_1.items():
        known = {port.name for stage in stages(line).values() for port in stage.inputs}
        assert set(ports) <= known
