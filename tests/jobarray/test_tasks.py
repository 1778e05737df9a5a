"""Snakemake's jobs as tasks: what runs by its shell command, what needs a nested Snakemake, and what names a job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snakemake_executor_plugin_jobarray.tasks import Task
from workflow import environment

PLAN = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    DAGSettings, DeploymentMethod, DeploymentSettings, OutputSettings, Quietness, ResourceSettings
)
from snakemake_executor_plugin_jobarray.tasks import needs_nesting, task_of

methods = {DeploymentMethod[word] for word in sys.argv[1:]}
output = OutputSettings(dryrun=True, quiet={Quietness.ALL}, stdout=False)
with SnakemakeApi(output) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=2),
        deployment_settings=DeploymentSettings(deployment_method=methods),
        snakefile=Path("Snakefile"),
    )
    workflow.dag(DAGSettings(targets={"all"})).execute_workflow(executor="dryrun")
    found = {}
    for job in workflow._workflow.dag.jobs:
        task = asdict(task_of(job, workflow._workflow, lambda job: f"nested {job.name}"))
        found.setdefault(job.name, []).append(task | {"why": needs_nesting(job, workflow._workflow)})
print(json.dumps(found))
"""
SNAKEFILE = """
rule all:
    input:
        "plain/a.out", "plain/b.out", "kinds/file", "bare.out", "script.out", "inline.out",
        "shadow.out", "repeated.out", "conda.out", "container.out", "modules.out", "other_shell.out", "updated.out",

rule plain:
    input: "{name}.in"
    output: "plain/{name}.out"
    log: "logs/{name}.log"
    benchmark: "benchmarks/plain/{name}.tsv"
    threads: 2
    params: text="it's"
    shell: "echo {params.text:q} {threads} < {input} > {output} 2> {log}"

rule kinds:
    output: file="kinds/file", folder=directory("kinds/folder"), flag=touch("kinds/flag"), gone=temp("kinds/gone")
    shell: "some command"

rule bare:
    output: "bare.out"
    shell: "echo > {output}"

rule script:
    output: "script.out"
    script: "script.py"

rule inline:
    output: "inline.out"
    run: open(output[0], "w").close()

rule shadowed:
    output: "shadow.out"
    shadow: "minimal"
    shell: "echo > {output}"

rule repeated:
    output: "repeated.out"
    params: version=1
    benchmark: repeat("benchmarks/repeated.tsv", 3)
    shell: "echo > {output}"

rule with_conda:
    output: "conda.out"
    conda: "env.yaml"
    shell: "echo > {output}"

rule with_container:
    output: "container.out"
    container: "docker://nothing"
    shell: "echo > {output}"

rule with_modules:
    output: "modules.out"
    envmodules: "tools/1.0"
    shell: "echo > {output}"

rule other_shell:
    output: "other_shell.out"
    resources: shell_exec="zsh"
    params: version=1, options={"gain": 100}
    shell: "echo > {output}"

rule updated:
    output: update("updated.out")
    shell: "echo >> {output}"
"""

Found = dict[str, list[dict[str, Any]]]


def plan(folder: Path, *methods: str, snakefile: str = SNAKEFILE) -> Found:
    """Plan a workflow and return its tasks by rule."""
    (folder / "Snakefile").write_text(snakefile)
    for name in ("a.in", "b.in", "script.py"):
        (folder / name).write_text("")
    (folder / "env.yaml").write_text("channels: [conda-forge]\ndependencies: [python]\n")
    done = subprocess.run(
        [sys.executable, "-c", PLAN, *methods],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return plan(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return plan(tmp_path_factory.mktemp("deployed"), "ENV_MODULES")


def test_a_rule_with_a_shell_command_runs_by_it(found: Found) -> None:
    one = next(task for task in found["plain"] if task["label"] == "plain (name=a)")
    assert one["command"] == """echo 'it'"'"'s' 2 < a.in > plain/a.out 2> logs/a.log"""
    assert (one["nested"], one["why"]) == (False, None)
    assert (one["outputs"], one["logs"], one["inputs"]) == ([["plain/a.out", "file"]], ["logs/a.log"], ["a.in"])
    assert (one["benchmark"], one["threads"], one["attempt"]) == ("benchmarks/plain/a.tsv", 2, 1)
    assert one["shell"].endswith("bash")
    assert one["prefix"].split() == ["set", "-euo", "pipefail;"]


def test_outputs_have_their_kinds(found: Found) -> None:
    (one,) = found["kinds"]
    assert dict(one["outputs"]) == {
        "kinds/file": "file",
        "kinds/folder": "directory",
        "kinds/flag": "touched",
        "kinds/gone": "file",
    }


def test_a_rule_may_choose_its_shell(found: Found) -> None:
    assert found["other_shell"][0]["shell"].endswith("zsh")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("script", "no shell command"),
        ("inline", "no shell command"),
        ("shadowed", "a shadow folder"),
        ("repeated", "a repeated or extended benchmark"),
        ("updated", "updated in place"),
    ],
)
def test_what_only_snakemake_can_run_is_nested(found: Found, rule: str, why: str) -> None:
    (one,) = found[rule]
    assert one["nested"]
    assert why in one["why"]
    assert one["command"] == f"nested {rule}"
    # A nested Snakemake looks after its files by itself.
    assert (one["outputs"], one["logs"], one["benchmark"]) == ([], [], None)


def test_software_that_the_run_does_not_deploy_needs_no_nesting(found: Found) -> None:
    for rule in ("bare", "with_conda", "with_container", "with_modules"):
        assert not found[rule][0]["nested"], rule


def test_software_that_the_run_deploys_needs_nesting(deployed: Found) -> None:
    assert "environment modules" in deployed["with_modules"][0]["why"]
    assert not deployed["bare"][0]["nested"]


def test_keys_name_jobs_in_every_run_and_differ_from_each_other(found: Found, deployed: Found) -> None:
    keys = {rule: [task["key"] for task in tasks] for rule, tasks in found.items() if rule != "all"}
    again = {rule: [task["key"] for task in tasks] for rule, tasks in deployed.items() if rule != "all"}
    assert {rule: sorted(names) for rule, names in keys.items()} == {
        rule: sorted(names) for rule, names in again.items()
    }
    every = [key for names in keys.values() for key in names]
    assert len(set(every)) == len(every)


def test_another_command_or_version_is_another_fingerprint_of_the_same_key(found: Found, tmp_path: Path) -> None:
    snakefile = SNAKEFILE.replace("it's", "other").replace('shadow: "minimal"', 'shadow: "full"')
    changed = plan(tmp_path, snakefile=snakefile.replace("version=1", "version=2"))
    versioned = (("other_shell", True), ("repeated", True))  # one by its command, one nested
    for rule, differs in (("plain", True), ("bare", False), ("shadowed", False), ("script", False), *versioned):
        before, after = ({task["key"]: task["fingerprint"] for task in one[rule]} for one in (found, changed))
        assert before.keys() == after.keys()
        assert all((before[key] != after[key]) == differs for key in before), rule


def test_a_task_comes_back_from_its_bundle_file(task: Callable[..., Task]) -> None:
    one = task(
        outputs=(("a", "file"), ("b", "directory")),
        logs=("l",),
        earlier=("x", "y"),
        attempt=3,
        limit=60.0,
        inputs=("i",),
    )
    back = Task.from_json(json.loads(json.dumps(one.to_json())))
    assert back == task(outputs=one.outputs, logs=one.logs, earlier=one.earlier, attempt=3, limit=60.0, inputs=())
    assert "inputs" not in one.to_json()


def test_a_task_is_prepared_with_its_limit_and_what_it_has_been_through(task: Callable[..., Task]) -> None:
    one = task().prepared(90.0, ("killed for memory",))
    assert (one.limit, one.earlier, one.key) == (90.0, ("killed for memory",), "one")


def test_benchmarks_of_a_stage_lie_in_one_folder(task: Callable[..., Task]) -> None:
    assert task(benchmark="b/calibrate/one.tsv").stage_benchmarks == "b/calibrate"
    assert task().stage_benchmarks is None
