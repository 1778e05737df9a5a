"""The whole configuration: its files in the repository, its messages, its merging."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from levelworks.core.config import load, load_files, schema, template
from levelworks.core.outcome import InvalidOptions


def test_schema_and_template_of_the_repository_are_those_of_the_models(project):
    assert (project / "config" / "schema.json").read_text() == schema()
    assert (project / "config" / "config.yaml").read_text() == template()


def test_default_configuration_is_the_models_default(project):
    assert load(yaml.safe_load((project / "config" / "config.yaml").read_text())) == load({})


def test_template_with_its_marks_removed_is_the_default_too():
    body = template().split("\n\n", 1)[1]
    keys = (line for line in body.splitlines() if not re.match(r" *# \S", line))
    values = yaml.safe_load("\n".join(line.removeprefix("#") for line in keys))
    del values["coronagraph"]["datasets"]["NAME"]
    off = values["coronagraph"].pop("make-bad-pixel-map")
    winds = values["plumes"].pop("calibrate-wind")
    grid = values["ard"].pop("tabulate-grid")
    assert load(values) == load({})
    assert load({"plumes": {"calibrate-wind": winds}}) == load({"plumes": {"calibrate-wind": {}}})
    assert load({"ard": {"tabulate-grid": grid}}) == load({"ard": {"tabulate-grid": {}}})
    assert load({"coronagraph": {"make-bad-pixel-map": off}}) == load({"coronagraph": {"make-bad-pixel-map": {}}})


@pytest.mark.parametrize("name", ["demo.yaml", "coronagraph-real.yaml"])
def test_campaigns_of_the_repository_are_valid(project, name):
    values = yaml.safe_load((project / "config" / "test" / name).read_text())
    load(values)
    jsonschema.validate(values, json.loads(schema()))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"campain": {}}, "config: campain: unknown key; did you mean 'campaign'?"),
        (
            {"campaign": {"max_quarantined": 2}},
            "campaign.max_quarantined: is 2: input should be less than or equal to 1",
        ),
        ({"coronagraph": {"combine": {"memory_mb": "lots"}}}, "coronagraph.combine.memory_mb: is 'lots'"),
        ({"coronagraph": {"plot": {"stretch": "log"}}}, "is 'log': input should be 'linear' or 'asinh'"),
    ],
)
def test_messages_name_key_value_and_what_is_allowed(values, message):
    with pytest.raises(InvalidOptions) as caught:
        load(values)
    assert message in str(caught.value)


def test_every_wrong_key_is_named_at_once():
    with pytest.raises(InvalidOptions) as caught:
        load({"campaign": {"a": 1}, "coronagraph": {"b": 2, "plot": {"c": 3}}})
    assert len(str(caught.value).splitlines()) == 3


def test_later_files_extend_earlier_ones(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("coronagraph: {plots: true, plot: {stretch: linear}}\n")
    (tmp_path / "b.yaml").write_text("coronagraph: {plot: {low_percentile: 2}}\n")
    found = load_files([tmp_path / "a.yaml", tmp_path / "b.yaml"]).coronagraph
    assert (found.plots, found.plot.stretch, found.plot.low_percentile) == (True, "linear", 2)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", ""])
def test_what_is_no_configuration_is_refused_and_nothing_is_the_default(tmp_path: Path, text: str):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    if text:
        with pytest.raises(InvalidOptions, match=r"c\.yaml"):
            load_files([path])
    else:
        assert load_files([path]) == load({})
    with pytest.raises(InvalidOptions, match="can't be read"):
        load_files([tmp_path / "nowhere.yaml"])
