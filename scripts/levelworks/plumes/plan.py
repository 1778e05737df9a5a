"""What a campaign's configuration and its granules ask for: which scenes, which of people's files, which gases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from levelworks.core.discover import discover
from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.names import LEVEL1_NAMES, level2_name, partner
from levelworks.plumes.options import Plumes

DAY = re.compile(r"(?<!\d)(\d{8})(?!\d{1,5}(?!\d))")
"""Eight digits of a day in a file's name, with a time of day behind them or not."""


@dataclass(frozen=True)
class Planned:
    """A granule and the files that go with it; None where there is no such file."""

    id: str
    path: Path
    scene: str
    observations: Path | None
    mask: Path | None

    @property
    def day(self) -> str:
        """Return the day in the granule's name, YYYYMMDD; empty where there is none."""
        found = DAY.search(self.id)
        return found[1] if found else ""


@dataclass(frozen=True)
class Plan:
    """The line's section of the configuration and the granules found."""

    section: Plumes
    granules: dict[str, Planned]

    @cached_property
    def by_scene(self) -> dict[str, Planned]:
        """Return the granules by the stem of their Level-2 products."""
        return {one.scene: one for one in self.granules.values()}

    @cached_property
    def folders(self) -> dict[str, list[Planned]]:
        """Return the granules by the name of the folder that they lie in, for pages of a folder."""
        found: dict[str, list[Planned]] = {}
        for one in self.granules.values():
            name = re.sub(r"[^A-Za-z0-9_+-]", "-", one.path.resolve().parent.name) or "scenes"
            found.setdefault(name, []).append(one)
        return found

    @property
    def two_passes(self) -> bool:
        """Return whether plumes are left out of the statistics by a second pass."""
        return self.section.two_pass == "on"  # noqa: S105 - a switch

    def beside(self, folder: Path | None, scene: str, suffix: str) -> Path | None:
        """Return the file of a scene in a folder of people's files; None where there is none."""
        found = folder / f"{scene}{suffix}" if folder is not None else None
        return found if found is not None and found.is_file() else None

    def winds(self, sources: list[Path], day: str) -> list[Path]:
        """Return the files of winds that may cover a day (YYYYMMDD): of that day and its neighbours, or of no day."""
        return [path for path in sources if (found := DAY.search(path.name)) is None or _near(found[1], day)]

    @cached_property
    def era5(self) -> list[Path]:
        """Return the files of ERA5 winds."""
        return _files(self.section.era5, "plumes.era5", (".grib", ".grb", ".grib2", ".nc"))

    @cached_property
    def geos_fp(self) -> list[Path]:
        """Return the files of GEOS-FP winds."""
        return _files(self.section.geos_fp, "plumes.geos-fp", (".nc", ".nc4"))


def _near(first: str, second: str) -> bool:
    """Tell whether two days (YYYYMMDD) are the same or neighbours; an unreadable one counts as near."""
    from datetime import date

    try:
        days = [date(int(one[:4]), int(one[4:6]), int(one[6:])) for one in (first, second)]
    except ValueError:
        return True
    return abs((days[0] - days[1]).days) <= 1


def _files(sources: list[str], key: str, suffixes: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for source in (local_path(one, f"config: {key}") for one in sources):
        if source.is_dir():
            found += sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes)
        elif source.is_file():
            found.append(source)
        else:
            raise InvalidOptions(f"config: {key}: {source} is neither a file nor a folder")
    return found


def plan_campaign(section: Plumes) -> Plan:
    """Find granules and see that what the configuration names is there.

    Raises
    ------
    InvalidOptions
        Where a file does not exist, or a gas is asked for that nothing says the absorption of.
    """
    for key in ("markers", "control_points", "observations", "masks"):
        folder = getattr(section, key)
        if folder is not None and not folder.is_dir():
            raise InvalidOptions(f"config: plumes.{key.replace('_', '-')}: {folder} is no folder")
    files = ("rejected", "sites", "edits", "dem", "geoid", "reference_image", "noise_table", "land", "boundaries")
    for key in (*files, "map_points", "effective_winds"):
        path = getattr(section, key)
        if path is not None and not path.exists():
            raise InvalidOptions(f"config: plumes.{key.replace('_', '-')}: {path} does not exist")
    for kind in ("lookup_tables", "cross_sections"):
        for gas, path in getattr(section, kind).items():
            if not path.is_file():
                raise InvalidOptions(f"config: plumes.{kind.replace('_', '-')}.{gas}: {path} does not exist")
    if section.effective_winds is not None and section.calibrate_wind is not None:
        raise InvalidOptions(
            "config: plumes.calibrate-wind makes a table of effective winds, plumes.effective-winds names one: choose"
        )
    known = {"ch4", *section.lookup_tables, *section.cross_sections}
    for gas in section.gases if section.granules else ():
        if gas not in known:
            raise InvalidOptions(
                f"config: plumes.gases: nothing says how {gas} absorbs; name plumes.lookup-tables.{gas} or "
                f"plumes.cross-sections.{gas}, or leave it out"
            )
    sources = [local_path(one, "config: plumes.granules") for one in section.granules]
    found = discover(sources, LEVEL1_NAMES, "plumes.granules")
    granules = {}
    scenes: dict[str, str] = {}
    for granule in found.granules:
        scene = level2_name(granule.id)
        other = scenes.setdefault(scene, granule.id)
        if other != granule.id:
            raise InvalidOptions(
                f"config: plumes.granules: {other} and {granule.id} have the same Level-2 name {scene}"
            )
        granules[granule.id] = Planned(
            granule.id,
            granule.path,
            scene,
            _partner(granule.path, "OBS", section.observations),
            _partner(granule.path, "MASK", section.masks),
        )
    return Plan(section, granules)


def _partner(path: Path, kind: str, folder: Path | None) -> Path | None:
    """Return the file that goes with a granule: in the folder named for such, else beside it."""
    return partner(folder / path.name if folder is not None else path, kind)  # type: ignore[arg-type]
