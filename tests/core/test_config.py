"""The configuration: what is taken, what is refused and how, and what the repository ships of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from levelworks.core import config
from levelworks.core.config import load, load_files, schema
from levelworks.core.outcome import InvalidOptions
from levelworks.core.stage import stages


def complaint(values: dict[str, Any]) -> str:
    with pytest.raises(InvalidOptions) as caught:
        load(values)
    return str(caught.value)


def write(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def shipped(project: Path) -> list[Path]:
    found = [project / "config" / "config.yaml", *sorted((project / "config" / "test").glob("*.yaml"))]
    assert len(found) > 1
    return found


def test_nothing_is_a_configuration() -> None:
    found = load({})
    assert found.campaign.results == Path("results")
    assert found.campaign.max_quarantined == 0.1
    assert {"campaign", *config.LINES} == set(type(found).model_fields)


def test_values_and_defaults_come_together() -> None:
    found = load({"coronagraph": {"calibrate-frame": {"k_gain": 8.7, "desmear": False}, "plots": True}})
    assert (found.coronagraph.calibrate_frame.k_gain, found.coronagraph.calibrate_frame.desmear) == (8.7, "off")
    assert (found.coronagraph.plots, found.coronagraph.peer_view) == (True, False)


def test_an_unknown_key_is_named_with_its_whole_path() -> None:
    text = complaint({"coronagraph": {"calibrate-frame": {"k_gian": 8.7}, "datasets": {"night": {"framse": "raw"}}}})
    assert "config: coronagraph.calibrate-frame.k_gian: unknown key; did you mean 'k_gain'?" in text
    assert "config: coronagraph.datasets.night.framse: unknown key; did you mean 'frames'?" in text
    assert "config: coronagraph.datasets.night.frames: is required" in text
    assert complaint({"coronagraf": {}}) == "config: coronagraf: unknown key; did you mean 'coronagraph'?"


def test_a_value_out_of_range_is_named_with_its_whole_path() -> None:
    text = complaint({"campaign": {"max_quarantined": 1.5}})
    assert text.startswith(
        "config: campaign.max_quarantined: is 1.5: input should be less than or equal to 1 (share of"
    )


def test_a_section_left_empty_is_told() -> None:
    assert complaint({"coronagraph": None}).startswith("config: coronagraph: is None: ")


def test_later_files_go_over_earlier_ones_key_by_key(tmp_path: Path) -> None:
    site = write(
        tmp_path,
        "site.yaml",
        "campaign: {results: /scratch, max_quarantined: 0.2}\n"
        "coronagraph: {calibrate-frame: {k_gain: 8.7, precision: float64}, datasets: {a: {frames: [x, y]}}}\n",
    )
    night = write(
        tmp_path,
        "night.yaml",
        "campaign: {max_quarantined: 0.3}\n"
        "coronagraph: {calibrate-frame: {k_gain: 9.0}, datasets: {a: {frames: [z]}, b: {frames: w}}}\n",
    )
    found = load_files([site, night])
    assert (found.campaign.results, found.campaign.max_quarantined) == (Path("/scratch"), 0.3)
    assert (found.coronagraph.calibrate_frame.k_gain, found.coronagraph.calibrate_frame.precision) == (9.0, "float64")
    assert {name: one.frames for name, one in found.coronagraph.datasets.items()} == {"a": ["z"], "b": ["w"]}
    assert load_files([night, site]).coronagraph.calibrate_frame.k_gain == 8.7


def test_files_merge_as_snakemake_merges_them(tmp_path: Path) -> None:
    from snakemake.common.configfile import load_configfile
    from snakemake.utils import update_config

    texts = (
        "coronagraph: {references: {flat: a.fits, dark_current: b.fits}, datasets: {a: {frames: [x, y]}}}\n",
        "coronagraph: {references: {flat: c.fits}, datasets: {b: {frames: w}}, plots: true}\n",
        "# nothing\n",
        "campaign: {results: other}\ncoronagraph: {datasets: {a: {frames: q, kind: dark}}}\n",
    )
    paths = [write(tmp_path, f"{number}.yaml", text) for number, text in enumerate(texts)]
    merged: dict[str, Any] = {}
    for path, text in zip(paths, texts, strict=True):
        if not text.startswith("#"):
            update_config(merged, load_configfile(str(path)))
    assert load_files(paths) == load(merged)


def test_no_files_are_the_defaults() -> None:
    assert load_files([]) == load({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b\n", "must hold keys and values"),
        ("a: [1\n", "can't be read"),
        (None, r"can't be read .*No such file"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "campaign.yaml" if content is None else write(tmp_path, "campaign.yaml", content)
    with pytest.raises(InvalidOptions, match=f"campaign.yaml {message}"):
        load_files([path])


def test_the_schema_in_the_repository_is_the_models(project: Path) -> None:
    written = (project / "config" / "schema.json").read_text(encoding="utf-8")
    assert written == schema(), "write it anew: levelworks schema > config/schema.json"


def test_the_complete_configuration_in_the_repository_is_the_models(project: Path) -> None:
    written = (project / "config" / "config.yaml").read_text(encoding="utf-8")
    assert written == config.template(), "write it anew: levelworks schema --yaml > config/config.yaml"


def test_the_complete_configuration_says_the_defaults() -> None:
    values = yaml.safe_load(config.template())
    assert load(values) == load({})


def test_the_schema_takes_what_the_repository_ships(project: Path) -> None:
    validator = jsonschema.validators.validator_for(json.loads(schema()))
    validator.check_schema(json.loads(schema()))
    for path in shipped(project):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        validator(json.loads(schema())).validate(values)
        load(values)


@pytest.mark.parametrize(
    "values",
    [
        {"coronagraf": {}},
        {"campaign": {"max_quarantined": 2}},
        {"coronagraph": {"calibrate-frame": {"k_gian": 1}}},
        {"coronagraph": {"datasets": {"a": {"kind": "dark"}}}},
        {"coronagraph": {"combine": {"memory_mb": "much"}}},
    ],
)
def test_the_schema_refuses_what_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json.loads(schema()))
    complaint(values)


def test_every_option_has_a_meaning() -> None:
    def properties(node: Any, path: str = "config") -> list[str]:
        if isinstance(node, list):
            return [name for inner in node for name in properties(inner, path)]
        if not isinstance(node, dict):
            return []
        without = [
            f"{path}.{name}"
            for name, entry in node.get("properties", {}).items()
            if isinstance(entry, dict) and not entry.get("description")
        ]
        return without + [name for key, inner in node.items() for name in properties(inner, f"{path}.{key}")]

    assert properties(json.loads(schema())) == []


@pytest.mark.parametrize("line", config.LINES)
def test_sections_hold_the_options_of_stages_under_their_names(line: str) -> None:
    fields = getattr(load({}), line).model_fields_set, type(getattr(load({}), line)).model_fields
    known = stages(line)
    named = {info.alias or name: info for name, info in fields[1].items() if (info.alias or name) in known}
    assert named
    for name, info in named.items():
        assert known[name].options.__name__ in str(info.annotation)
