"""Names of granules: which are the agencies', and what their products are called."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from levelworks.core.discover import discover
from levelworks.plumes.names import LEVEL1_NAMES, level2_name, level3_name, partner, sensor_of

EMIT = "EMIT_L1B_RAD_001_20220815T042838_2222703_003"
ENMAP = "ENMAP01-____L1B-DT0000001867_20220724T104526Z_008_V010302_20230628T165614Z"
PRISMA = "PRS_L1_STD_OFFL_20200524103704_20200524103708_0001"


@pytest.mark.parametrize(
    ("name", "sensor"),
    [(f"{EMIT}.nc", "EMIT"), (f"{ENMAP}.ZIP", "EnMAP"), (f"{PRISMA}.he5", "PRISMA"), (f"{PRISMA}.zip", "PRISMA")],
)
def test_agencies_names_are_known(name: str, sensor: str) -> None:
    assert sensor_of(name) == sensor
    assert re.fullmatch(LEVEL1_NAMES, name)


@pytest.mark.parametrize(
    "name",
    [
        EMIT.replace("RAD", "OBS") + ".nc",
        ENMAP.replace("L1B", "L2A") + ".ZIP",
        ENMAP + "-METADATA.XML",
        PRISMA.replace("L1", "L2D") + ".he5",
        EMIT + ".nc.part",
        "x" + EMIT + ".nc",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert sensor_of(name) is None
    assert re.fullmatch(LEVEL1_NAMES, name) is None


@pytest.mark.parametrize(
    ("granule", "second", "third"),
    [
        (EMIT, "EMIT_L2B_001_20220815T042838_2222703_003", "EMIT_L3B_001_20220815T042838_2222703_003"),
        (ENMAP, ENMAP.replace("____L1B", "____L2B"), ENMAP.replace("____L1B", "____L3B")),
        (PRISMA, PRISMA.replace("PRS_L1", "PRS_L2"), PRISMA.replace("PRS_L1", "PRS_L3")),
        ("mine", "mine_L2", "mine_L3"),
        ("EMIT_L1B_RADAR", "EMIT_L2B_RADAR", "EMIT_L3B_RADAR"),
    ],
)
def test_products_change_the_level_alone(granule: str, second: str, third: str) -> None:
    assert level2_name(granule) == second
    assert level3_name(granule) == third


def test_a_level_elsewhere_in_the_id_stays() -> None:
    assert level2_name("site_L1_EMIT_L1B_RAD_001") == "site_L1_EMIT_L1B_RAD_001_L2"
    assert level2_name(f"{PRISMA}_L1B") == PRISMA.replace("PRS_L1", "PRS_L2") + "_L1B"


def test_partners_stand_beside(tmp_path: Path) -> None:
    folder = tmp_path / "EMIT_L1B_RAD"
    folder.mkdir()
    radiance = folder / f"{EMIT}.nc"
    assert partner(radiance, "OBS") is None
    observations = folder / f"{EMIT.replace('RAD', 'OBS')}.nc"
    mask = folder / f"{EMIT.replace('L1B_RAD', 'L2A_MASK')}.nc"
    observations.touch()
    mask.touch()
    assert partner(radiance, "OBS") == observations
    assert partner(radiance, "MASK") == mask
    assert partner(folder / f"{ENMAP}.ZIP", "OBS") is None


def test_granules_are_found_in_folders(tmp_path: Path) -> None:
    for name in (f"{EMIT}.nc", f"{EMIT.replace('RAD', 'OBS')}.nc", f"{ENMAP}.ZIP", f"{PRISMA}.zip", "notes.txt"):
        (tmp_path / name).touch()
    found = discover([tmp_path], LEVEL1_NAMES, "plumes.granules")
    assert [granule.id for granule in found.granules] == [EMIT, ENMAP, PRISMA]
    assert {path.name for path in found.ignored} == {f"{EMIT.replace('RAD', 'OBS')}.nc", "notes.txt"}


def test_planning_needs_no_numpy(project: Path) -> None:
    code = "import sys, levelworks.plumes.names; sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=project / "scripts", check=False)
    assert done.returncode == 0
