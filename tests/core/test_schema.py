"""The schema of the configuration refuses what the models refuse, and says what every key means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from levelworks.core.config import LINES, load, load_files, schema
from levelworks.core.options import model_within
from levelworks.core.outcome import InvalidOptions
from levelworks.core.stage import stages


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
def test_schema_and_models_refuse_alike(values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json.loads(schema()))
    with pytest.raises(InvalidOptions):
        load(values)


def test_the_schema_is_one() -> None:
    content = json.loads(schema())
    jsonschema.validators.validator_for(content).check_schema(content)


def test_every_key_has_a_meaning() -> None:
    whole = json.loads(schema())

    def without_meaning(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [name for inner in node for name in without_meaning(inner, path)]
        if not isinstance(node, dict):
            return []
        found = [name for key, inner in node.items() for name in without_meaning(inner, f"{path}.{key}")]
        for name, entry in node.get("properties", {}).items():
            # A section may have its meaning where it is defined.
            defined = whole["$defs"].get(entry.get("$ref", "").removeprefix("#/$defs/"), {})
            if not (entry.get("description") or defined.get("description")):
                found.append(f"{path}.{name}")
        return found

    assert without_meaning(whole, "config") == []


@pytest.mark.parametrize("line", LINES)
def test_sections_hold_the_options_of_stages_under_the_stages_names(line: str) -> None:
    known = stages(line)
    fields = type(getattr(load({}), line)).model_fields
    named = {info.alias or name: info for name, info in fields.items()}
    assert set(named) & set(known)
    for name in set(named) & set(known):
        model = model_within(named[name].annotation)  # what the rule gives need not stand in the configuration
        assert model is not None
        assert issubclass(known[name].options, model)


def test_files_merge_as_snakemake_merges_them(tmp_path: Path) -> None:
    texts = (
        "coronagraph: {references: {flat: a.fits, dark_current: b.fits}, datasets: {a: {frames: [x, y]}}}\n",
        "coronagraph: {references: {flat: c.fits}, datasets: {b: {frames: w}}, plots: true}\n",
        "campaign: {results: other}\ncoronagraph: {datasets: {a: {frames: q, kind: dark}}}\n",
    )
    merged: dict[str, Any] = {}
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(text)
        update_config(merged, load_configfile(str(paths[-1])))
    assert load_files(paths) == load(merged)
    assert load_files(paths) != load_files(paths[::-1])
