"""Suggested resources: what jobs took with room to spare, written into a profile that keeps all else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from campaigns import edit_record, make_campaign

from levelworks.campaign.advise_command import run
from levelworks.campaign.job_records import read_jobs
from levelworks.campaign.profile_text import merge
from levelworks.campaign.standing import Cell, State
from levelworks.campaign.usage import Request, Usage, percentile, usage_by_rule
from levelworks.core.outcome import InvalidOptions
from workflow import ROOT, Workflow, references, simulated

REQUEST = Request(mem_mb=650, runtime=7, expected_seconds=3)


def usage(memory: list[float], wall: list[float]) -> Usage:
    return Usage("rule", "line", "stage", tuple(sorted(memory)), tuple(sorted(wall)))


def test_what_is_suggested_holds_for_all_but_the_rarest_jobs() -> None:
    found = usage([500.0] * 990 + [5000.0] * 10, [60.0] * 500 + [600.0] * 500).suggest()
    assert found == Request(mem_mb=650, runtime=20, expected_seconds=60)


def test_no_less_than_a_floor_is_suggested() -> None:
    assert usage([10.0] * 5, [0.01] * 5).suggest() == Request(mem_mb=300, runtime=5, expected_seconds=1)


def test_few_jobs_give_no_suggestion() -> None:
    assert usage([10.0] * 4, [1.0] * 4).suggest() is None
    assert usage([10.0] * 4, [1.0] * 4).suggest(least=4) is not None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5.0), (0.9, 9.0), (0.99, 10.0), (0.0, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 11)], share) == expected


def test_usage_counts_done_jobs_with_all_their_ranks(tmp_path: Path) -> None:
    results = make_campaign(tmp_path, {"a": "light", "b": "bad", "c": "light", "d": "empty"})
    for name, memory, ranks in (("a", 100.0, 4), ("c", 150.0, 1)):
        for folder in ("copy-twice", "copy-twice/second"):
            edit_record(results / f"trial/{folder}/{name}.txt", peak_memory_mb=memory, ranks=ranks, wall_s=memory)
    cells = [
        Cell("trial", "copy-twice", "a", "x", State.DONE, attempt=1, mem_mb=800.0, runtime=10.0),
        Cell("trial", "copy-twice", "c", "y", State.DONE, attempt=2, mem_mb=1600.0, runtime=15.0),
    ]
    (found,) = usage_by_rule(read_jobs(results), cells)
    assert found.rule == "copy_twice"
    assert found.memory == (150.0, 400.0)
    assert found.wall == (100.0, 150.0)
    assert (found.asked_memory, found.asked_runtime) == (800.0, 10.0)


BLOCK = """# of mine
executor: jobarray   # ours

set-resources:
  # night frames are large
  other: {mem_mb: 1}
  rule:
    # the fast nodes
    constraint: fast
    mem_mb: 5   # too little
jobs: 7
"""


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("", []),
        ("jobs: 7\n", ["jobs: 7"]),
        ("jobs: 7", ["jobs: 7"]),
        (BLOCK, ["# of mine", "# ours", "# night frames are large", "# the fast nodes", "# too little", "jobs: 7"]),
        ("set-resources: {rule: {mem_mb: 5, constraint: fast}}  # short\njobs: 7\n", ["# short"]),
        ("set-resources: {}\njobs: 7\n", ["jobs: 7"]),
        ("set-resources: null\njobs: 7\n", ["jobs: 7"]),
        ("set-resources: ~ # none\njobs: 7\n", ["# none", "jobs: 7"]),
        ("set-resources:\n# none yet\njobs: 7\n", ["# none yet"]),
        ("set-resources:\n    rule: {runtime: 1}\n", []),
        ('set-resources:\n  "rule": {runtime: 1}\n', []),
    ],
)
def test_a_profile_gets_the_resources_and_keeps_all_else(text: str, stays: list[str]) -> None:
    merged = merge(text, {"rule": REQUEST, "another": REQUEST})
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(merged)
    wanted = {"mem_mb": 650, "runtime": 7, "expected_seconds": 3}
    resources = dict(before.get("set-resources") or {})
    for rule in ("rule", "another"):
        resources[rule] = resources.get(rule, {}) | wanted
    assert after == before | {"set-resources": resources}
    assert all(part in merged for part in stays)
    assert merge(merged, {"rule": REQUEST, "another": REQUEST}) == merged


@pytest.mark.parametrize("name", ["local", "slurm", "lsf", "slurm-stock", "test"])
def test_profiles_of_the_house_lose_no_line(name: str) -> None:
    text = (ROOT / "profiles" / name / "config.yaml").read_text()
    merged = merge(text, {"calibrate_frame": REQUEST})
    lines = merged.splitlines()
    assert [line for line in lines if line not in set(lines) - set(text.splitlines())] == text.splitlines()
    assert len(lines) == len(text.splitlines()) + 2


def test_without_our_executor_retries_ask_for_more_too() -> None:
    merged = merge("executor: slurm\n", {"rule": REQUEST})
    values = yaml.safe_load(merged)["set-resources"]["rule"]
    assert [eval(values["mem_mb"], {"attempt": attempt}) for attempt in (1, 2, 3)] == [650, 1300, 2600]
    assert eval(values["runtime"], {"attempt": 2}) == 10


@pytest.mark.parametrize(
    "text", ["- a list\n", "set-resources: [rule:mem_mb=5]\n", "set-resources: {rule: 5}\n", "a: [unclosed\n"]
)
def test_what_is_no_such_profile_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptions):
        merge(text, {"rule": REQUEST})


def test_the_command_says_on_how_many_jobs_it_rests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidOptions, match="nothing has been measured yet"):
        run([])
    make_campaign(tmp_path, dict.fromkeys("abcdef", "light"))
    profile = shutil.copytree(ROOT / "profiles/slurm", tmp_path / "profile")
    assert run(["--write", "profile"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^copy_twice +6 +-", told, re.MULTILINE)
    assert "set-resources of 1 rules written" in told
    assert run(["--write", "profile/config.yaml"]) == 0
    assert "unchanged" in capsys.readouterr().out
    assert "copy_twice" in yaml.safe_load((profile / "config.yaml").read_text())["set-resources"]
    assert run(["--least", "7"]) == 0
    assert "fewer than 7 jobs were measured: copy_twice" in capsys.readouterr().out
    with pytest.raises(InvalidOptions, match="does not exist"):
        run(["--write", "lacking"])


@pytest.mark.parametrize("name", ["local", "slurm-stock"])
def test_snakemake_takes_what_was_written(name: str, tmp_path: Path) -> None:
    simulated(tmp_path / "raw", frames=1)
    section = {"datasets": {"night": {"frames": "raw"}}, "references": references("raw")}
    campaign = Workflow(tmp_path, {"coronagraph": section})
    profile = shutil.copytree(ROOT / "profiles" / name, tmp_path / "profile")
    text = (profile / "config.yaml").read_text()
    (profile / "config.yaml").write_text(merge(text, {"calibrate_frame": REQUEST}))
    plan = campaign.run("coronagraph", "--dry-run", profile=str(profile)).stdout
    asked = re.findall(r"^rule (\w+):.*?^    resources: ([^\n]*)", plan, re.MULTILINE | re.DOTALL)
    resources = dict(asked)
    assert "mem_mb=650" in resources["calibrate_frame"]
    assert "runtime=7" in resources["calibrate_frame"]
    assert "mem_mb=650" not in resources["make_dark"]
