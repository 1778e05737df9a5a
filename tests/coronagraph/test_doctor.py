"""The coronagraph's doctor on frames and references, sound ones and spoilt ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core import check, config, doctor
from levelworks.core.check import Check
from levelworks.core.quarantine import write_quarantine
from levelworks.coronagraph.doctor import FRAME_BYTES, FRAME_BYTES_PEER_VIEW, examine, space_needed
from levelworks.coronagraph.geometry import Geometry, geometries
from levelworks.coronagraph.level1 import level1_headers, write_level1
from levelworks.coronagraph.options import Coronagraph
from levelworks.coronagraph.simulate import simulate_dataset

MAPS = ("fixed_pattern", "dark_current", "clock_induced_charge", "flat", "bad_pixels")


@pytest.fixture
def raw(tmp_path: Path, small: Geometry) -> Path:
    simulate_dataset(tmp_path / "raw", frames=3, gain=100.0, exposure_time=5.0, geometry=small)
    return tmp_path / "raw"


def section(raw: Path, **values: Any) -> Coronagraph:
    """Return a section with one dataset, or those given."""
    return Coronagraph.model_validate({"datasets": {"target": {"frames": str(raw)}}} | values)


def checks_of(found: Coronagraph) -> dict[str, Check]:
    return {one.name.removeprefix("coronagraph: "): one for one in examine(found)}


def with_references(raw: Path) -> Coronagraph:
    folder = raw / "references"
    named = {name: str(folder / f"{name}.fits") for name in MAPS}
    return section(raw, references=named | {"nonlinearity": str(folder / "nonlinearity.csv")})


def rewrite(raw: Path, name: str, change: Any) -> Check:
    """Change the pixels of a reference and examine it."""
    path = raw / "references" / f"{name}.fits"
    values = fits.getdata(path).astype(np.float64)
    fits.PrimaryHDU(change(values)).writeto(path, overwrite=True)
    return checks_of(with_references(raw))[f"references.{name}"]


def test_sound_frames_and_references_are_all_ok(raw: Path) -> None:
    checks = checks_of(with_references(raw))
    assert {one.verdict for one in checks.values()} == {"ok"}
    assert checks["dataset target"].detail.startswith("3 frames (3 opened, 0 unreadable)")
    assert "3 of gain 100 and 5 s" in checks["dataset target"].detail
    assert {f"references.{name}" for name in (*MAPS, "nonlinearity")} < set(checks)


def test_references_that_are_not_given_are_told(raw: Path) -> None:
    checks = checks_of(section(raw))
    assert checks["references"].verdict == "ok"
    assert all(name in checks["references"].detail for name in MAPS)


def test_unreadable_frames_are_named_with_the_reason(raw: Path) -> None:
    paths = sorted(raw.glob("*.fits"))
    with paths[0].open("r+b") as file:
        file.truncate(20_000)
    paths[1].write_bytes(b"not FITS")
    found = checks_of(section(raw))["dataset target: frames"]
    assert found.verdict == "failure"
    assert f"{paths[0].name}: truncated" in found.detail
    assert f"{paths[1].name}: no FITS file" in found.detail
    allowed = checks_of(section(raw, combine={"max_quarantined": 0.7}))["dataset target: frames"]
    assert allowed.verdict == "warning"


def test_the_limit_is_that_of_the_rules(raw: Path, tmp_path: Path) -> None:
    next(raw.glob("*.fits")).write_bytes(b"not FITS")

    def verdict(campaign: float, **combine: float) -> str:
        given = {"datasets": {"target": {"frames": "raw"}}, "combine": combine}
        settings = config.load({"campaign": {"max_quarantined": campaign}, "coronagraph": given})
        found = {one.name: one for one in doctor.examine(settings, tmp_path)}
        return found["coronagraph: dataset target: frames"].verdict

    assert verdict(0.1) == "failure"
    assert verdict(0.6) == "warning"
    assert verdict(0.6, max_quarantined=0.2) == "failure"


def test_frames_put_aside_by_hand_are_not_examined(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = min(raw.glob("*.fits"))
    bad.write_bytes(b"not FITS")
    monkeypatch.chdir(raw.parent)
    write_quarantine(raw.parent, {bad.stem: "a copy is on its way"})
    checks = checks_of(section(raw))
    assert "dataset target: frames" not in checks
    assert checks["dataset target"].detail.startswith("3 frames (2 opened, 0 unreadable)")


def test_a_frame_of_a_size_that_no_geometry_has_is_unreadable(raw: Path, small: Geometry) -> None:
    path = next(raw.glob("*.fits"))
    headers = level1_headers("fft", geometry=small, gain=1.0, exposure_time=1.0)
    headers[1]["NAXIS2"] = 7
    write_level1(path, np.zeros((7, small.shape[1]), dtype=np.uint16), headers)
    assert "fits no geometry" in checks_of(section(raw))["dataset target: frames"].detail


def test_other_files_are_counted_and_named(raw: Path) -> None:
    (raw / "notes.txt").write_text("mine")
    assert "1 other file passed over (notes.txt)" in checks_of(section(raw))["dataset target"].detail


def test_no_frames_and_no_folder_fail_with_the_key(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("mine")
    for source, text in ((tmp_path / "empty", "no frames"), (tmp_path / "nowhere", "neither a file nor a folder")):
        found = checks_of(section(source))["dataset target"]
        assert found.verdict == "failure"
        assert text in found.detail
        assert "coronagraph.datasets.target.frames" in found.remedy
    assert checks_of(Coronagraph())["coronagraph"].verdict == "warning"


def test_mixed_settings_are_noted_in_science_and_wanted_in_darks(raw: Path, small: Geometry) -> None:
    simulate_dataset(raw, frames=2, gain=1.0, exposure_time=5.0, geometry=small, first_frame=10)
    checks = checks_of(section(raw))
    assert checks["dataset target: settings"].verdict == "warning"
    assert "2 of gain 1 and 5 s, 3 of gain 100 and 5 s" in checks["dataset target"].detail
    darks = {"datasets": {"darks": {"frames": str(raw), "kind": "dark"}}}
    checks = checks_of(section(raw, **darks))
    assert "dataset darks: settings" not in checks
    assert "2 settings of 2 gains and 1 exposure times" in checks["darks"].detail
    for number, gain in ((20, 1.0), (30, 100.0)):
        simulate_dataset(raw, frames=1, gain=gain, exposure_time=9.0, geometry=small, first_frame=number)
    assert "darks" not in checks_of(section(raw, **darks))


def test_frames_of_two_sizes_fail(raw: Path) -> None:
    large = geometries()["SCI"]
    headers = level1_headers("fft", geometry=large, gain=100.0, exposure_time=5.0)
    write_level1(raw / "CGI_EXCAM_L1_large.fits", np.zeros(large.shape, dtype=np.uint16), headers)
    checks = checks_of(with_references(raw))
    assert checks["dataset target: geometry"].verdict == "failure"
    assert "SCI, TEST" in checks["dataset target: geometry"].detail
    assert checks["references.flat"].verdict == "warning"


def test_a_frame_in_two_datasets_fails(raw: Path) -> None:
    one = next(raw.glob("*.fits"))
    checks = checks_of(section(raw, datasets={"all": {"frames": str(raw)}, "one": {"frames": str(one)}}))
    assert checks["dataset one: ids"].verdict == "failure"
    assert f"{one.stem} (in all)" in checks["dataset one: ids"].detail


def test_many_frames_are_sampled(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check.sample, "__defaults__", (2,))
    assert "3 frames (2 opened" in checks_of(section(raw))["dataset target"].detail


@pytest.mark.parametrize("name", [*MAPS, "nonlinearity"])
def test_a_reference_that_is_missing_fails_with_its_key(raw: Path, name: str) -> None:
    found = with_references(raw)
    Path(getattr(found.references, name)).unlink()
    missing = checks_of(found)[f"references.{name}"]
    assert missing.verdict == "failure"
    assert "does not exist" in missing.detail
    assert f"coronagraph.references.{name}" in missing.remedy


def test_a_map_of_another_size_or_kind_fails(raw: Path) -> None:
    found = rewrite(raw, "flat", lambda values: values[1:])
    assert found.verdict == "failure"
    assert "103x105 pixels, the image region 104x105" in found.detail
    (raw / "references" / "flat.fits").write_text("not FITS")
    assert checks_of(with_references(raw))["references.flat"].verdict == "failure"


def spoil(value: float, number: int) -> Any:
    def change(values: np.ndarray) -> np.ndarray:
        values.reshape(-1)[:number] = value
        return values

    return change


@pytest.mark.parametrize(
    ("name", "value", "number", "verdict", "text"),
    [
        ("dark_current", np.nan, 3, "warning", "3 pixels are not finite"),
        ("dark_current", np.nan, 2000, "failure", "18.3 % of the pixels are not finite"),
        ("dark_current", -1e-9, 2, "failure", "2 pixels are negative"),
        ("clock_induced_charge", -1.0, 1, "failure", "1 pixels are negative"),
        ("fixed_pattern", -50.0, 100, "ok", "104x105"),
        ("flat", 0.0, 7, "warning", "7 pixels are 0"),
        ("flat", -0.5, 2, "warning", "2 pixels are negative"),
        ("flat", 9000.0, 1, "warning", "mean is not near 1"),
        ("flat", 5e4, 9000, "failure", "its median is 50000"),
        ("bad_pixels", 0.5, 4, "failure", "4 pixels are no whole numbers"),
        ("bad_pixels", 70000.0, 1, "failure", "1 pixels are no whole numbers"),
        ("bad_pixels", 1.0, 8000, "warning", "73 % of the pixels are bad"),
        ("bad_pixels", 12.0, 8, "ok", "104x105"),
    ],
)
def test_maps_are_judged_by_what_they_hold(
    raw: Path, name: str, value: float, number: int, verdict: str, text: str
) -> None:
    found = rewrite(raw, name, spoil(value, number))
    assert (found.verdict, text in found.detail) == (verdict, True), found


def test_nonlinearity_is_examined_at_the_gains_met(raw: Path) -> None:
    table = raw / "references" / "nonlinearity.csv"
    table.write_text("nan,200,1000\n1,0.5,1.0\n500,1.0,1.0\n9000,1.1,1.0\n")
    checks = checks_of(with_references(raw))
    found = checks["references.nonlinearity at gain 100"]
    assert found.verdict == "warning"
    assert "1 of 3 factors lie outside" in found.detail
    assert "the gain lies outside the table" in found.detail
    assert checks["references.nonlinearity"].verdict == "ok"
    table.write_text("a,b\n")
    checks = checks_of(with_references(raw))
    assert checks["references.nonlinearity"].verdict == "failure"
    assert "references.nonlinearity at gain 100" not in checks


def test_space_is_estimated_by_the_frames(raw: Path) -> None:
    assert space_needed(section(raw)) == 3 * FRAME_BYTES
    assert space_needed(section(raw, peer_view=True)) == 3 * FRAME_BYTES_PEER_VIEW


def test_real_frame_and_references(shared_data: Path) -> None:
    data = shared_data / "coronagraph"
    references = {
        "fixed_pattern": str(data / "fpn_20240322.fits"),
        "dark_current": str(data / "dark_current_20240322.fits"),
        "clock_induced_charge": str(data / "cic_20240322.fits"),
        "nonlinearity": str(data / "nonlin_array_20231104.txt"),
    }
    checks = checks_of(section(data / "example_L1_input.fits", references=references))
    verdicts = {name: one.verdict for name, one in checks.items() if one.verdict != "ok"}
    assert verdicts == {"references.nonlinearity at gain 1": "warning"}
    assert "12 of 114 factors" in checks["references.nonlinearity at gain 1"].detail


SAY = """
import json, sys
from pathlib import Path
import levelworks.coronagraph
from levelworks.core.kernels import kernels
from levelworks.coronagraph import dataset_stages, frame_stage, options, references
from levelworks.coronagraph.doctor import warm

def say():
    found = {f"{k.py_func.__module__}.{k.__name__}": k for k in kernels(levelworks.coronagraph)}
    misses = {name: sum(k.stats.cache_misses.values()) for name, k in found.items()}
    print(json.dumps([{name: [str(one) for one in k.signatures] for name, k in found.items()}, misses]))
"""

WARM = f"{SAY}\nwarm()\nsay()"

JOBS = f"""{SAY}
paths = sorted(Path(sys.argv[1]).glob("*.fits"))
given = references.ReferenceFiles(
    flat=Path(sys.argv[1], "references/flat.fits"), nonlinearity=Path(sys.argv[1], "references/nonlinearity.csv")
)
for precision in ("float32", "float64"):
    products = [path.with_name(path.stem + precision + ".out") for path in paths]
    for path, product in zip(paths, products):
        chosen = options.CalibrateFrame(precision=precision)
        frame_stage.calibrate_frame(path, given, product.with_suffix(".l2a"), product, (None,) * 4, chosen)
    mean, median = Path(sys.argv[1], "mean"), Path(sys.argv[1], "median")
    dataset_stages.combine(products, mean, median, (None,) * 4, options.Combine())
say()
"""


def test_after_warming_no_job_compiles_anything(raw: Path) -> None:
    """Kernels are found on disk by the types of what they are called with: jobs call them with no others."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def run(program: str, *words: str) -> tuple[dict[str, list[str]], dict[str, int]]:
        command = [sys.executable, "-c", program, *words]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        signatures, misses = json.loads(done.stdout.splitlines()[-1])
        return signatures, misses

    run(WARM)
    warmed, misses = run(WARM)
    assert {name: number for name, number in misses.items() if number} == {}  # all of them can be kept on disk
    called, misses = run(JOBS, str(raw))
    assert sum(map(len, called.values())) > 20
    assert {name: set(own) - set(warmed[name]) for name, own in called.items() if set(own) - set(warmed[name])} == {}
    assert len(misses) > 20
    assert {name: number for name, number in misses.items() if number} == {}
