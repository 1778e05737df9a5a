"""Which files the jobs of the line read: those that people name, and no more, so that no other change reruns them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.layout import Layout
from levelworks.plumes.options import Plumes
from levelworks.plumes.plan import plan_campaign

EMIT = "EMIT_L1B_RAD_001_20230612T162103_2316311_006"
PRISMA = "PRS_L1_STD_OFFL_20230506070115_20230506070119_0001"
NAMED = {"dem": "dem.tif", "geoid": "geoid.tif", "reference-image": "image.tif", "noise-table": "noise.txt"}


def section(folder: Path) -> Plumes:
    (folder / "level1").mkdir()
    for name in (f"level1/{EMIT}.nc", f"level1/{PRISMA}.he5", *NAMED.values()):
        (folder / name).touch()
    named = {key: str(folder / name) for key, name in NAMED.items()}
    return validate(Plumes, {"granules": [str(folder / "level1")], **named}, "plumes")


@pytest.mark.parametrize(("granule", "placed"), [(EMIT, False), (PRISMA, True)])
def test_files_of_people_are_inputs(tmp_path: Path, granule: str, placed: bool) -> None:
    """EMIT's granules say where pixels are and how high: an elevation model is no input of what opens them."""
    layout, wildcards = Layout(plan_campaign(section(tmp_path)), tmp_path), SimpleNamespace(granule=granule)
    dem = str(tmp_path / "dem.tif") if placed else []
    assert layout.absorption_inputs(wildcards)["dem"] == dem
    for inputs in (layout.retrieval_inputs(wildcards), layout.second_inputs(wildcards)):
        assert inputs["dem"] == dem
        assert inputs["noise"] == str(tmp_path / "noise.txt")
    assert "dem" not in layout.detection_inputs(wildcards)
    mapped = layout.level2_inputs(wildcards)
    assert mapped["dem"] == str(tmp_path / "dem.tif")
    assert (mapped["reference"], mapped["geoid"]) == (str(tmp_path / "image.tif"), str(tmp_path / "geoid.tif"))


@pytest.mark.parametrize("key", NAMED)
def test_files_that_do_not_exist_are_named(tmp_path: Path, key: str) -> None:
    chosen = section(tmp_path)
    (tmp_path / NAMED[key]).unlink()
    with pytest.raises(InvalidOptions, match=rf"plumes\.{key}: .*{NAMED[key]} does not exist"):
        plan_campaign(chosen)
