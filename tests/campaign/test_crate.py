"""The RO-Crate of a campaign: valid by others' tools, complete against the records, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from campaigns import make_campaign, multiply_records, run_copy, run_update
from crate_validator import validate

from levelworks.campaign.crate import COMPLETED, FAILED
from levelworks.campaign.crate_command import run
from levelworks.campaign.run_words import CONFIGURATION, values_of
from levelworks.core.outcome import InvalidOptions
from levelworks.core.survey import CRATE

CONTENTS = {"a": "light", "b": "bad", "c": "empty", "d": "more light"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a campaign of four granules, a folder made of a product, and one that was left out."""
    folder = tmp_path_factory.mktemp("crate")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        results = make_campaign(Path(), CONTENTS)
        run_copy(results / "trial/copy-twice/a.txt", results / "trial/third/a b.zarr")
        run_update(Path("raw/c.raw"), results / "trial/cubes/left_out.zarr")
        Path("campaign.yaml").write_text("trial: {}\n")
        assert run(["--configfile", "campaign.yaml", "--name", "Trial"]) == 0
    return folder


@pytest.fixture(scope="module")
def entities(made: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((made / "results/ro-crate-metadata.json").read_text())
    found = {entity["@id"]: entity for entity in content["@graph"]}
    assert len(found) == len(content["@graph"])
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def of_type(entities: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [entity for entity in entities.values() if kind in listed(entity["@type"])]


def test_the_community_s_validator_finds_nothing_wrong(made: Path, tmp_path: Path) -> None:
    assert validate(made / "results", tmp_path) == set()


def test_the_validator_would_find_what_is_wrong(made: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(made / "results", tmp_path / "results")
    metadata = spoilt / "ro-crate-metadata.json"
    metadata.write_text(re.sub(r'"instrument": {"@id": "urn:[^}]*}, ', "", metadata.read_text()))
    (spoilt / "trial/copy-twice/a.txt").unlink()
    found = " ".join(validate(spoilt, tmp_path))
    assert "MUST have an instrument" in found
    assert "does not include the Data Entity 'trial/copy-twice/a.txt'" in found


def test_the_community_s_library_reads_it(made: Path) -> None:
    reader = pytest.importorskip("rocrate.rocrate")
    found = reader.ROCrate(made / "results")
    assert found.root_dataset["name"] == "Trial"
    assert found.mainEntity.id == "workflow/Snakefile"
    assert found.get("trial/copy-twice/a.txt")["contentSize"] == "5"


def test_every_reference_leads_to_an_entity(entities: dict[str, dict[str, Any]]) -> None:
    known = {*entities, "https://w3id.org/ro/crate/1.1", "https://snakemake.github.io/"}

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            return {value["@id"]} if set(value) == {"@id"} else set().union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    assert set().union(*(references(list(entity.values())) for entity in entities.values())) <= known


def test_jobs_stand_with_their_outcomes_stages_and_files(entities: dict[str, dict[str, Any]]) -> None:
    jobs = [job for job in of_type(entities, "CreateAction") if job["@id"] != "#run"]
    assert sorted(job["description"].split(",")[0].split(":")[0] for job in jobs) == [
        *("done", "done", "done", "quarantined", "skipped", "skipped"),
    ]
    for job in jobs:
        assert job["actionStatus"] == (FAILED if job["description"].startswith("quarantined") else COMPLETED)
        assert ("error" in job) == (job["actionStatus"] == FAILED)
        assert entities[job["instrument"]["@id"]]["name"].startswith("levelworks trial ")
        assert job["startTime"] <= job["endTime"]
    bad = next(job for job in jobs if "error" in job)
    assert "truncated" in bad["error"]
    assert {part["@id"] for part in bad["result"]} == {"trial/copy-twice/b.txt", "trial/copy-twice/second/b.txt"}
    controls = of_type(entities, "ControlAction")
    assert sorted(control["object"]["@id"] for control in controls) == sorted(job["@id"] for job in jobs)


def test_files_stand_with_size_and_checksum(made: Path, entities: dict[str, dict[str, Any]]) -> None:
    for name, text in CONTENTS.items():
        digest = hashlib.sha256(text.encode())
        uri = f"ni:///sha-256;{base64.urlsafe_b64encode(digest.digest()).decode().rstrip('=')}"
        assert entities[uri]["name"] == f"{name}.raw"
        assert entities[uri]["sha256"] == digest.hexdigest()
        assert entities[uri]["contentSize"] == str(len(text))
    folder = entities["trial/third/a%20b.zarr/"]
    assert folder["@type"] == "Dataset"
    record = json.loads((made / "results/trial/third/a b.zarr.json").read_text())
    assert folder["identifier"] == record["outputs"]["copy"]["checksum"]


def test_what_jobs_read_from_one_another_is_no_input_of_the_whole(entities: dict[str, dict[str, Any]]) -> None:
    whole = entities["#run"]
    assert {part["@id"] for part in whole["object"] if part["@id"].startswith("ni:")} == {
        entity["@id"] for entity in of_type(entities, "File") if entity["@id"].startswith("ni:")
    }
    results = {part["@id"] for part in whole["result"]}
    assert "trial/third/a%20b.zarr/" in results
    assert "trial/copy-twice/a.txt" not in results
    assert "trial/copy-twice/d.txt" in results


def test_the_configuration_and_the_workflow_are_in_it(made: Path, entities: dict[str, dict[str, Any]]) -> None:
    assert (made / "results/workflow/config/1-campaign.yaml").read_text() == "trial: {}\n"
    assert (made / "results/workflow/rules/common.smk").is_file()
    assert {"workflow/Snakefile", "workflow/config/1-campaign.yaml"} <= set(entities)


def test_nothing_tells_of_people_or_machines(made: Path) -> None:
    text = (made / "results/ro-crate-metadata.json").read_text()
    host = json.loads((made / "results/trial/copy-twice/a.txt.json").read_text())["host"]
    assert f'"{host}"' not in text
    assert str(made) not in text
    assert '"location": "host 1"' in text


def test_the_same_records_give_the_same_bytes(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    before = Path("results/ro-crate-metadata.json").read_bytes()
    assert run(["--configfile", "campaign.yaml", "--name", "Trial"]) == 0
    assert Path("results/ro-crate-metadata.json").read_bytes() == before


def test_a_licence_is_an_entity_where_it_is_a_url(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "copy"))
    run(["--configfile", "campaign.yaml", "--license", "https://creativecommons.org/licenses/by/4.0/"])
    graph = json.loads(Path("results/ro-crate-metadata.json").read_text())["@graph"]
    root = next(entity for entity in graph if entity["@id"] == "./")
    assert root["license"]["@id"] in {entity["@id"] for entity in graph}


def test_a_product_that_is_gone_is_said_to_be(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "copy"))
    Path("results/trial/copy-twice/d.txt").unlink()
    run(["--configfile", "campaign.yaml"])
    graph = json.loads(Path("results/ro-crate-metadata.json").read_text())["@graph"]
    gone = [entity for entity in graph if entity.get("description") == "no longer there"]
    assert [entity["@id"] for entity in gone] == ["#trial/copy-twice/d.txt"]
    assert all(part["@id"] != gone[0]["@id"] for part in graph[1]["hasPart"])


def test_products_behind_a_link_are_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = tmp_path / "campaign"
    (tmp_path / "scratch").mkdir()
    campaign.mkdir()
    (campaign / "results").symlink_to(tmp_path / "scratch", target_is_directory=True)
    monkeypatch.chdir(campaign)
    make_campaign(Path(), {"a": "light"})
    assert run([]) == 0
    graph = json.loads((tmp_path / "scratch" / CRATE).read_text())["@graph"]
    files = {entity["@id"]: entity for entity in graph if entity["@type"] == "File"}
    for path in ("trial/copy-twice/a.txt", "trial/copy-twice/second/a.txt"):
        assert files[path]["contentSize"]
    assert "campaign" in next(entity for entity in graph if entity["@id"] == "./")["name"]


def test_it_is_refused_where_nothing_has_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidOptions, match="nothing has finished yet"):
        run([])
    with pytest.raises(InvalidOptions, match=r"--configfile: .*/lacking\.yaml does not exist"):
        run(["--configfile", "lacking.yaml"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("snakemake x --configfile a.yaml b.yaml --cores 2", ["a.yaml", "b.yaml"]),
        ("snakemake --configfile=a.yaml x", ["a.yaml"]),
        ("snakemake --configfiles a.yaml -n --configfile b.yaml", ["a.yaml", "b.yaml"]),
        ("snakemake x", []),
    ],
)
def test_configuration_files_are_read_from_a_command_line(words: str, expected: list[str]) -> None:
    assert values_of(words.split(), CONFIGURATION) == expected


def test_time_grows_with_the_number_of_jobs_and_no_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = make_campaign(tmp_path, {"a": "light"})
    took = []
    for number in (150, 1200):
        multiply_records(results, number)
        began = time.process_time()
        assert run([]) == 0
        took.append(time.process_time() - began)
    assert took[1] < 8 * 3 * took[0]  # were it quadratic, 64 times
