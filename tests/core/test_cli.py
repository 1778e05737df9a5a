"""The command: light to start, help from signatures, and an exit code for each kind of trouble."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from levelworks.cli import expand_lists, main
from levelworks.core.config import LINES
from levelworks.core.stage import stages
from workflow import BIN, simulated

HEAVY = ("numpy", "astropy", "numba", "scipy", "matplotlib", "rasterio", "mpi4py", "xarray")


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    return simulated(tmp_path / "raw", frames=1)[0]


@pytest.mark.parametrize(
    "words", [["--help"], ["coronagraph"], ["coronagraph", "combine", "--help"], ["doctor", "--help"]]
)
def test_help_loads_no_heavy_library(words):
    script = f"""
import sys
from levelworks.cli import main
try:
    main({words!r})
except SystemExit:
    pass
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded {{loaded}}" if loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "levelworks" in done.stdout


@pytest.mark.parametrize(("line", "name"), [(line, name) for line in LINES for name in stages(line)])
def test_help_names_every_port_and_option(line, name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([line, name, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    found = stages(line)[name]
    for port in (*found.inputs, *found.outputs):
        assert port.flag in text
    for field, info in found.options.model_fields.items():
        assert f"{info.alias or field}:" in text
    assert found.summary in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "there is no line or command 'nonsense'"),
        (["coronagraph", "nonsense"], "coronagraph has no stage 'nonsense'"),
        (["coronagraph", "plot", "--no-such-flag"], "unrecognized arguments: --no-such-flag"),
        (["coronagraph", "plot", "--picture", "x.png"], "--product is required"),
        (["coronagraph", "plot", "--product", "nowhere.fits", "--picture", "x.png"], "nowhere.fits does not exist"),
        (["coronagraph", "make-dark", "--dark", "d.fits"], "gain: is required"),
        (["coronagraph", "plot", "--product", "a", "b", "--picture", "x.png"], "--product takes one file, got 2"),
        (["simulate", "coronagraph", "there", "--geometry", "ROUND"], "'ROUND' is none of SCI"),
    ],
)
def test_wrong_words_end_with_64_and_a_reason(words, message, tmp_path):
    done = subprocess.run([str(BIN / "levelworks"), *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert message in done.stderr


def test_wrong_option_names_key_and_what_is_meant(frame, tmp_path, capfd):
    words = ["coronagraph", "calibrate-frame", "--frame", str(frame), "--level2b", str(tmp_path / "b.fits")]
    assert main([*words, "--options", '{"desmaer": "on"}']) == 64
    assert "options: desmaer: unknown key; did you mean 'desmear'?" in capfd.readouterr().err
    assert not (tmp_path / "b.fits").exists()


def test_trouble_with_files_ends_with_75(frame, tmp_path):
    (tmp_path / "file").write_text("a file where a folder should be")
    words = ["coronagraph", "calibrate-frame", "--frame", str(frame), "--level2b", str(tmp_path / "file" / "b.fits")]
    assert main(words) == 75


def test_a_bug_ends_with_70_and_a_trace(frame, tmp_path, monkeypatch, capfd):
    from levelworks.coronagraph import frame_stage

    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(frame_stage, "read_level1", broken)
    words = ["coronagraph", "calibrate-frame", "--frame", str(frame), "--level2b", str(tmp_path / "b.fits")]
    assert main(words) == 70
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err
    assert not list(tmp_path.glob("*b.fits*"))


def test_quarantined_frames_end_with_0(tmp_path):
    (tmp_path / "bad.fits").write_text("no frame")
    words = ["coronagraph", "calibrate-frame", "--frame", str(tmp_path / "bad.fits")]
    assert main([*words, "--level2b", str(tmp_path / "b.fits")]) == 0
    assert (tmp_path / "b.fits").exists()


def test_empty_flags_stand_for_absent_inputs(frame, tmp_path):
    words = ["coronagraph", "calibrate-frame", "--frame", str(frame), "--dark", "--flat", "--bad-pixels"]
    assert main([*words, "--nonlinearity", "--level2b", str(tmp_path / "b.fits")]) == 0


def test_lists_expand_to_paths(tmp_path):
    listing = tmp_path / "list.txt"
    listing.write_text("a b.fits\nc.fits\n\n")
    assert expand_lists([f"@{listing}", "d.fits"]) == [Path("a b.fits"), Path("c.fits"), Path("d.fits")]
