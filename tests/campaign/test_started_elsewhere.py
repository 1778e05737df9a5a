"""Runs started in another folder, killed or without their terminal, and products that stand elsewhere."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from campaigns import make_campaign
from mixed_campaign import WORDS, MixedCampaign
from warm_snakemake import Snakemake

from levelworks.campaign.ledger import LEDGER, Ledger, plan_jobs
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.run_words import words_again
from levelworks.campaign.standing import Run
from levelworks.cli import main
from levelworks.core.outcome import InvalidOptions
from workflow import BIN, ROOT, environment


def levelworks(folder: Path, *words: str) -> str:
    command = [str(BIN / "levelworks"), *words]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a folder with a profile and a configuration, beside which campaigns stand."""
    made = tmp_path / "home of mine"
    (made / "profile").mkdir(parents=True)
    (made / "profile/config.yaml").write_text("rerun-incomplete: true\n")
    (made / "mine.yaml").write_text("mine: 1\n")
    return made


def campaign(tmp_path: Path, granules: dict[str, str]) -> MixedCampaign:
    folder = tmp_path / "campaign"
    folder.mkdir()
    return MixedCampaign(folder, granules)


def waits(made: MixedCampaign) -> bool:
    """Return whether the job that waits has begun, and the ledger has the run."""
    began = (made.folder / "runs").exists() and "first g 1" in made.ran()
    return began and read_standing(made.folder).alive is not None


RELATIVE = ["--directory", "../campaign", "--snakefile", "../campaign/Snakefile", "--profile", "profile"]
CONFIGURATION = ["--configfile", "mine.yaml"]


def test_retry_goes_to_where_the_run_was_started(tmp_path: Path, elsewhere: Path) -> None:
    made = campaign(tmp_path, {"a": "done", "e": "bug"})
    run = Snakemake([*WORDS, *RELATIVE, *CONFIGURATION], elsewhere, environment(), tmp_path / "log")
    assert run.wait(180) == 1
    shown = levelworks(made.folder, "retry", "--show").strip()
    there, command = shown.split(" && ")
    assert shlex.split(there) == ["cd", str(elsewhere)]
    words = shlex.split(command)
    assert words.count("--directory") == 1
    assert words[words.index("--directory") + 1] == str(made.folder)
    assert words[words.index("--profile") + 1] == "profile"
    assert shown in levelworks(made.folder, "failed")
    assert levelworks(elsewhere, "retry", "--show", "--directory", "../campaign").strip() == command
    made.tell("e", "done")
    levelworks(made.folder, "retry")
    assert made.on_disk()["first", "e"] == "done"


@pytest.mark.parametrize("words", ["-d x", "-dx", "--directory x", "--directory=x", ""])
def test_the_working_folder_is_named_once_and_in_full(words: str, tmp_path: Path) -> None:
    run = Run(1, 0.0, 0.0, None, "here", 1, "", alive=False, base=f"snakemake --cores 2 {words} --profile p")
    assert words_again(run, tmp_path) == ["--cores", "2", "--profile", "p", "--directory", str(tmp_path)]


def test_status_says_how_a_killed_run_goes_on(tmp_path: Path, elsewhere: Path) -> None:
    made = campaign(tmp_path, {"a": "done", "g": "waits"})
    words = [*WORDS, *RELATIVE, *CONFIGURATION]
    run = Snakemake(words, elsewhere, environment(), tmp_path / "log")
    made.wait_for(lambda: waits(made))
    run.signal(signal.SIGKILL)
    run.wait(60)
    made.go()
    (note,) = read_standing(made.folder).notes
    _, _, command = note.partition("unlocked: ")
    assert command.endswith("--unlock")
    assert Snakemake(words, elsewhere, environment(), tmp_path / "locked").wait(180) == 1
    assert "LockException" in (tmp_path / "locked").read_text()
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, check=False)
    assert done.returncode == 0
    assert Snakemake(words, elsewhere, environment(), tmp_path / "again").wait(180) == 0
    assert read_standing(made.folder).notes == ()


@pytest.mark.skipif(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, reason="SIGHUP is ignored here, by nohup say")
def test_a_lost_terminal_ends_a_run_in_order(tmp_path: Path) -> None:
    made = campaign(tmp_path, {"a": "done", "g": "waits"})
    run = made.start()
    made.wait_for(lambda: waits(made))
    run.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert run.poll() is None  # what is submitted is waited for
    made.go()
    assert run.wait(180) == 1
    assert ("second", "g") not in made.on_disk()
    assert not list((made.folder / ".snakemake/locks").glob("*"))
    assert read_standing(made.folder).notes == ()
    assert made.start().wait(180) == 0


def test_who_ignores_hangups_goes_on(tmp_path: Path) -> None:
    code = (
        "import os, signal; from snakemake_executor_plugin_jobarray.hangup import take_hangup_for_termination as take;"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); assert not take(); os.kill(os.getpid(), signal.SIGHUP);"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL); assert take(); os.kill(os.getpid(), signal.SIGHUP)"
    )
    done = subprocess.run([BIN / "python", "-c", code], cwd=tmp_path, env=environment(), check=False)
    assert done.returncode == -signal.SIGTERM


@pytest.fixture
def work(tmp_path: Path, elsewhere: Path) -> Path:
    """Return the working folder of a campaign that was started elsewhere, whose products stand elsewhere, too."""
    made = tmp_path / "work"
    made.mkdir()
    (tmp_path / "out put").mkdir()
    results = make_campaign(tmp_path / "out put", dict.fromkeys("abcdef", "fine"))
    ledger = Ledger(made / LEDGER)
    words = "snakemake --configfile mine.yaml"
    ledger.begin(began=1.0, beat=1.0, host="here", pid=2**22 - 1, words=words, folder=str(elsewhere))
    ledger.put(plan_jobs, [], str(results))
    ledger.close()
    return made


def test_products_elsewhere_are_found(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "out put/results"
    for folder, words in ((work, []), (tmp_path, ["--directory", "work"])):
        monkeypatch.chdir(folder)
        assert main(["report", *words]) == 0
        assert (results / "report.html").is_file()
        assert main(["advise", *words]) == 0
        assert "copy_twice" in capsys.readouterr().out
        assert main(["crate", *words]) == 0
        assert (results / "workflow/config/1-mine.yaml").is_file()
        assert main(["clean", *words]) == 0
        assert f"would remove {results}" in capsys.readouterr().out
        for name in ("report.html", "ro-crate-metadata.json", "workflow/config/1-mine.yaml"):
            (results / name).unlink()


@pytest.mark.parametrize("command", ["status", "failed", "retry", "quarantine", "report", "advise", "crate", "clean"])
def test_a_folder_that_is_not_there_is_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command, "--directory", "nowhere"]) == InvalidOptions.exit_code == 64
    assert "there is no folder nowhere" in capsys.readouterr().err


def test_a_benchmark_that_is_not_known_is_refused() -> None:
    for words, known in ((["insar", "nosuch"], "resample"), (["nosuch"], "insar"), ([], "insar")):
        command = [str(BIN / "python"), str(ROOT / "tests/benchmarks/run.py"), *words]
        done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (64, "")
        assert known in done.stderr
