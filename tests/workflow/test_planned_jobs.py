"""Jobs that Snakemake plans for a campaign that asks for everything, held against the signatures of the stages."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest

from levelworks.cli import stage_parser
from levelworks.core.config import LINES
from levelworks.core.options import parse_options
from levelworks.core.stage import Port, Stage, stages
from workflow import ROOT, environment

STAGES = [(line, name) for line in LINES for name in stages(line)]
HOUSE = {"check_outcomes", "link_peer_names", "link_cogs"}
"""Rules that run no stage."""

Job = dict[str, Any]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[Job]:
    folder = tmp_path_factory.mktemp("campaign")
    program = ROOT / "tests" / "support" / "plan_everything.py"
    done = subprocess.run(
        [sys.executable, str(program)], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(params=STAGES, ids=lambda found: " ".join(found))
def stage(request: pytest.FixtureRequest) -> Stage:
    line, name = request.param
    return stages(line)[name]


@pytest.fixture
def planned(jobs: list[Job], stage: Stage) -> list[Job]:
    """Return the jobs of a stage: those of the rule of its name."""
    found = [job for job in jobs if job["rule"] == stage.name.replace("-", "_")]
    assert found
    return found


def files_of(job: Job, port: Port) -> list[str]:
    """Return the files of a port; of folders and what is updated, Snakemake knows the record, a parameter the rest."""
    named = job["input"] | job["output"]
    if port.name in named:
        return named[port.name]
    path = job["params"][port.name]
    assert job["output"]["record"] == [f"{path}.json"]
    return [path]


def test_every_rule_is_a_stage_s_or_a_target_or_the_house_s(jobs: list[Job]) -> None:
    with_command = {job["rule"] for job in jobs if job["command"]}
    assert with_command - HOUSE == {name.replace("-", "_") for _, name in STAGES}
    assert {job["rule"] for job in jobs} - with_command == {"all"}


def test_names_of_inputs_and_outputs_are_the_ports(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        assert set(job["input"]) == {port.name for port in stage.inputs}
        through_record = {port.name for port in stage.outputs if port.name not in job["output"]}
        assert set(job["output"]) - {"record", "mark"} == {port.name for port in stage.outputs} - through_record
        assert ("record" in job["output"]) == (len(through_record) == 1)
        assert not stage.updates or through_record == {stage.updates}
        for port in (*stage.inputs, *stage.outputs):
            files = files_of(job, port)
            assert len(files) <= 1 or port.many
            assert files or port.optional


def test_the_command_is_the_stage_with_the_files_of_the_job(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        words = shlex.split(job["command"])
        start = words.index("levelworks")
        assert (words[:start] != []) == stage.mpi
        assert words[start : start + 3] == ["levelworks", stage.line, stage.name]
        assert words[-3:] == [">", *job["log"], "2>&1"]
        given = vars(stage_parser(stage.line, stage.name).parse_args(words[start + 3 : -3]))
        assert given.pop("options") == job["params"]["options"]
        for port in (*stage.inputs, *stage.outputs):
            files = files_of(job, port)
            assert given[port.name] == ([job["params"][port.name]] if port.many else files)


def test_parameters_are_the_options_and_version_of_the_stage(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        assert job["params"]["version"] == str(stage.version)
        parse_options(stage.options, job["params"]["options"])


def test_products_logs_and_benchmarks_lie_in_folders_of_the_stage(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        (log,) = job["log"]
        assert log.startswith(f"logs/{stage.line}/{stage.name}/")
        assert job["benchmark"].startswith(f"benchmarks/{stage.line}/{stage.name}/")
        for name, paths in job["output"].items():
            folder = "peer-view" if name.startswith("peer_") else stage.name
            assert all(path.startswith(f"results/{stage.line}/{folder}/") for path in paths)


def test_planning_loads_no_heavy_library() -> None:
    program = (
        "import sys\n"
        "from levelworks.core.stage import stages\n"
        "from levelworks.core.config import LINES\n"
        "for line in LINES:\n"
        "    stages(line)\n"
        "    __import__(f'levelworks.{line}.plan')\n"
        "print([name for name in ('numpy', 'scipy', 'numba', 'astropy', 'rasterio', 'mpi4py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
