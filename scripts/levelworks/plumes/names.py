"""Names of Level-1 granules and of what is made from them; read in planning, so without NumPy.

Source: specs/plumes.md 1.1, 4.1, 4.4 and 4.5.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from levelworks.plumes.scene import Sensor

EMIT_NAME = r"EMIT_L1B_RAD_\d{3}_\d{8}T\d{6}_\d{7}_\d{3}\.nc"
ENMAP_NAME = r"ENMAP\d{2}-____L1B-DT\d{9,10}_\d{8}T\d{6}Z_\d{3}_V\d{6}_\d{8}T\d{6}Z\.(?:ZIP|zip)"
PRISMA_NAME = r"PRS_L1_[A-Z]+_[A-Z]+_\d{14}_\d{14}_\d{4}\.(?:he5|zip)"
LEVEL1_NAMES = f"(?:{EMIT_NAME}|{ENMAP_NAME}|{PRISMA_NAME})"
"""Of whole file names: every Level-1 granule that the line opens."""

PATTERNS: dict[Sensor, str] = {"EMIT": EMIT_NAME, "EnMAP": ENMAP_NAME, "PRISMA": PRISMA_NAME}

LEVEL1 = re.compile(r"(?P<before>^EMIT_|^ENMAP\d{2}-____|^PRS_)L1(?P<letter>B?)(?:(?<=^EMIT_L1B)_RAD)?(?=[_-])")
"""The level part of an agency's id, EMIT's with the product that it names."""

PARTNERS = {"OBS": "EMIT_L1B_OBS", "MASK": "EMIT_L2A_MASK"}


def sensor_of(name: str) -> Sensor | None:
    """Return the sensor whose agency gives Level-1 files such a name, or None."""
    return next((sensor for sensor, pattern in PATTERNS.items() if re.fullmatch(pattern, name)), None)


def level2_name(granule_id: str) -> str:
    """Return the stem of a granule's Level-2 products: EMIT_L1B_RAD_001_X gives EMIT_L2B_001_X.

    An id that isn't the agency's (from a manifest) gets ``_L2`` behind it.
    """
    return _at_level(granule_id, 2)


def level3_name(granule_id: str) -> str:
    """Return the stem of a granule's Level-3 products: EMIT_L1B_RAD_001_X gives EMIT_L3B_001_X."""
    return _at_level(granule_id, 3)


def _at_level(granule_id: str, level: int) -> str:
    found = LEVEL1.match(granule_id)
    if found is None:
        return f"{granule_id}_L{level}"
    return f"{found['before']}L{level}{found['letter']}{granule_id[found.end() :]}"


def partner(radiance: Path, kind: Literal["OBS", "MASK"]) -> Path | None:
    """Return the file of observation geometry or of clouds beside an EMIT radiance, or None where there is none."""
    if sensor_of(radiance.name) != "EMIT":
        return None
    beside = radiance.with_name(radiance.name.replace("EMIT_L1B_RAD", PARTNERS[kind], 1))
    return beside if beside.is_file() else None
