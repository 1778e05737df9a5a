"""The commands that run chosen jobs again: of their own configuration, and such as the system takes."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from campaign_standings import job, standing

from levelworks.campaign.reruns import MOST_CHARACTERS, SHOWN_TARGETS, choose, reruns
from levelworks.campaign.standing import Run, State
from levelworks.core.outcome import InvalidOptions


def run(number: int, words: str, folder: Path = Path("/here")) -> Run:
    return Run(number, 1.0, 1.0, 2.0, "host", 1, words, alive=False, base=words, folder=str(folder), planned=True)


def test_each_job_has_the_command_of_its_configuration(tmp_path: Path) -> None:
    runs = [
        run(1, "snakemake --configfile a.yaml --cores 2"),
        run(2, "snakemake --configfile b.yaml --cores 2"),
        run(3, "snakemake --configfile a.yaml --cores 8"),
    ]
    cells = [job("ard", "plot", f"g{number}", State.FAILED, run=number) for number in (1, 2, 3)]
    one, two = reruns(runs, cells, tmp_path)
    assert ([cell.run for cell in one.cells], "b.yaml" in one.words) == ([2], True)
    assert [cell.run for cell in two.cells] == [1, 3]
    assert two.words[:4] == ("--configfile", "a.yaml", "--cores", "8")
    assert two.words[4:] == ("--directory", str(tmp_path))
    assert reruns(runs, [], tmp_path) == []


def test_without_a_run_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptions, match="no run is known"):
        reruns([], [job("ard", "plot", "g", State.FAILED)], tmp_path)


def test_quarantined_products_are_forced_and_many_are_told_as_a_number(tmp_path: Path) -> None:
    cells = [
        job("ard", "plot", f"g{number}", State.FAILED if number % 2 else State.QUARANTINED)
        for number in range(SHOWN_TARGETS + 2)
    ]
    few, many = (reruns([run(1, "snakemake --cores 2")], some, tmp_path)[0] for some in (cells[:2], cells))
    assert few.plain() == [
        *("snakemake", cells[0].product, cells[1].product, "--cores", "2", "--directory", str(tmp_path)),
        *("--forcerun", cells[0].product),
    ]
    told = many.shown(["--dry-run"])
    assert "snakemake <14 products> --cores 2" in told
    assert told.endswith("--dry-run --forcerun <7 of them>")


def test_thirty_thousand_are_run_in_commands_that_the_system_takes(tmp_path: Path) -> None:
    cells = [job("ard", "plot", f"{'long' * 20}{number}", State.QUARANTINED) for number in range(30000)]
    began = time.process_time()
    (all_of_them,) = reruns([run(1, "snakemake --cores 2")], cells, tmp_path)
    batches = list(all_of_them.batches())
    all_of_them.shown()
    assert time.process_time() - began < 20
    assert [cell for batch in batches for cell in batch.cells] == cells
    for batch in batches:
        assert sum(len(word) + 1 for word in (*batch.targets, *batch.forced)) <= MOST_CHARACTERS
    subprocess.run(["true", *batches[0].command()[1:]], check=True)


def test_products_are_named_as_they_are_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = job("ard", "plot", "g1", State.FAILED)
    found = standing([failed, job("ard", "plot", "g2", State.DONE)])
    monkeypatch.chdir(tmp_path)
    for name in ("g1", failed.product, f"./{failed.product}", str(tmp_path / failed.product)):
        assert choose(found, [name], quarantined=False) == [failed]
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path / "results")
    name = os.path.relpath(failed.product, "results")
    assert choose(found, [name], quarantined=False, folder=tmp_path) == [failed]
    with pytest.raises(InvalidOptions, match="g2"):
        choose(found, ["g2"], quarantined=False)


def test_a_command_is_for_the_installation_that_shows_it(tmp_path: Path) -> None:
    (again,) = reruns([run(1, "snakemake --cores 2")], [job("ard", "plot", "g", State.FAILED)], tmp_path)
    env = {name: value for name, value in os.environ.items() if name != "PATH"} | {"PATH": "/usr/bin:/bin"}
    command = [*again.command()[:3], "--version"]
    assert subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.count(".") >= 1
    assert shlex.join(again.plain()).startswith("snakemake ")
