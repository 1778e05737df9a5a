"""What the doctor says of granules, what goes with them, and winds, before anything runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from levelworks.core.check import Check
from levelworks.plumes.doctor import examine, space_needed
from levelworks.plumes.options import Plumes


def said(checks: list[Check], name: str, verdict: str) -> str:
    return " | ".join(one.detail for one in checks if (one.name, one.verdict) == (name, verdict))


@pytest.fixture
def level1(emit, tmp_path: Path) -> Path:
    folder = tmp_path / "level1"
    folder.mkdir()
    for path in (emit.radiance, emit.observations):
        shutil.copy(path, folder)
    return folder


def test_whole_granules_are_fine_and_missing_winds_are_told(emit, level1: Path) -> None:
    section = Plumes(granules=[str(level1)])
    checks = list(examine(section))
    assert said(checks, "plumes: granules", "ok") == "1 of EMIT"
    assert "1 granule without a file of winds" in said(checks, "plumes: winds", "warning")
    assert {one.verdict for one in checks} == {"ok", "warning"}
    assert 0 < space_needed(section) < emit.radiance.stat().st_size


def test_truncated_renamed_and_lonely_granules_are_named(emit, level1: Path) -> None:
    name = emit.radiance.name
    other = level1 / f"{name[:-6]}077.nc"
    other.write_bytes(emit.radiance.read_bytes()[:5000])
    shutil.copy(emit.radiance, level1 / f"EMIT_L1B_RAD_copy_{name}")
    checks = list(examine(Plumes(granules=[str(level1)])))
    assert f"EMIT_L1B_RAD_copy_{name}" in said(checks, "plumes: granules", "ok")
    assert other.name in said(checks, "plumes: granules", "warning")
    assert "1 of 2 opened can't be used" in said(checks, "plumes: granules", "warning")
    assert other.stem in said(checks, "plumes: observations", "warning")


def test_wrong_configuration_is_a_failure() -> None:
    assert said(list(examine(Plumes())), "plumes", "warning").startswith("no granules")
    assert "nowhere is neither" in said(list(examine(Plumes(granules=["nowhere"]))), "plumes", "failure")
