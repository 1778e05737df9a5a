"""Rules and stage signatures say the same: names, files, folders, order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from levelworks.core.config import LINES
from levelworks.core.stage import stages
from workflow import ROOT, Workflow, references, simulated

ORDER = [
    "input",
    "output",
    "log",
    "benchmark",
    "wildcard_constraints",
    "localrule",
    "threads",
    "resources",
    "params",
    "shell",
]


def rules_of(path: Path) -> dict[str, str]:
    """Return the text of every rule of a file by name."""
    parts = re.split(r"^ *rule (\w+):\n", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


ALL = [(line, name) for line in LINES for name in stages(line)]


@pytest.mark.parametrize(("line", "name"), ALL)
def test_each_stage_has_a_rule_of_its_name(line, name):
    rules = rules_of(ROOT / "rules" / f"{line}.smk")
    text = rules[name.replace("-", "_")]
    assert f'command("{line}", "{name}"' in text
    assert f'log_file("{line}", "{name}"' in text
    assert f'benchmark_file("{line}", "{name}"' in text
    assert f'version("{line}", "{name}")' in text
    assert f'"{line}", "{name}"' in text.split("options=")[1]


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_directives_stand_in_the_house_s_order(path):
    for name, text in rules_of(path).items():
        found = [word for word in re.findall(r"^ +(\w+):", text, flags=re.MULTILINE) if word in ORDER]
        assert found == sorted(found, key=ORDER.index), name


def test_rules_hold_no_retries_and_no_python():
    for path in (ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")):
        assert not re.search(r"^\s*(retries|run|script|notebook):", path.read_text(), flags=re.MULTILINE), path


def test_the_package_knows_no_snakemake():
    for path in (ROOT / "scripts" / "levelworks").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), flags=re.MULTILINE), path


def test_names_of_stages_are_unique_over_lines():
    names = [name for _, name in ALL]
    assert len(names) == len(set(names))


def test_commands_of_a_plan_name_every_port_of_their_stage(tmp_path):
    simulated(tmp_path / "raw", frames=1)
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw"), "peer_view": True}
    campaign = Workflow(tmp_path, {"coronagraph": section | {"plots": True}})
    plan = campaign.run("coronagraph", "--dry-run", "--printshellcmds").stdout
    for name in ("make-dark", "calibrate-frame", "combine", "plot"):
        commands = re.findall(rf"levelworks coronagraph {name} [^\n]*", plan)
        assert commands, name
        found = stages("coronagraph")[name]
        for port in (*found.inputs, *found.outputs):
            assert all(f" {port.flag} " in command for command in commands), (name, port.flag)
