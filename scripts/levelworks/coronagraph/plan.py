"""What a campaign's configuration and inventory ask for: which frames, darks, groups and references."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.inventory import Frame, Group, Inventory, take_inventory
from levelworks.coronagraph.options import Coronagraph

DARK_ROLES = ("fixed_pattern", "dark_current", "clock_induced_charge")
FRAME_ROLES = ("flat", "bad_pixels", "nonlinearity")


@dataclass(frozen=True)
class Plan:
    """The line's section of the configuration and the inventory taken for it."""

    section: Coronagraph
    inventory: Inventory

    def _references(self, roles: tuple[str, ...]) -> dict[str, Path]:
        named = {role: getattr(self.section.references, role) for role in roles}
        return {role: path for role, path in named.items() if path is not None}

    @cached_property
    def dark_references(self) -> dict[str, Path]:
        """Return the maps of the master dark by role."""
        return self._references(DARK_ROLES)

    @cached_property
    def frame_references(self) -> dict[str, Path]:
        """Return the references of single frames by role; a bad-pixel map made here is not among them."""
        return self._references(FRAME_ROLES)

    @cached_property
    def dark_frames(self) -> list[Path]:
        """Return the Level-1 dark frames that noise maps are made from."""
        darks = [name for name, dataset in self.section.datasets.items() if dataset.kind == "dark"]
        return [frame.path for frame in self.inventory.frames_of(darks)]

    @property
    def makes_noise_maps(self) -> bool:
        """Return whether noise maps are made: there are dark frames, and no maps are named."""
        return bool(self.dark_frames) and not self.dark_references

    @property
    def has_dark(self) -> bool:
        """Return whether frames get a master dark."""
        return self.makes_noise_maps or bool(self.dark_references)

    @property
    def makes_bad_pixel_map(self) -> bool:
        """Return whether the bad-pixel map is made here."""
        return self.section.make_bad_pixel_map is not None

    @property
    def writes_level2a(self) -> bool:
        """Return whether Level 2a is written: asked for, or needed to count photons."""
        return self.section.level2a or bool(self.counted)

    @cached_property
    def calibrated(self) -> list[Frame]:
        """Return the frames that are calibrated: science frames, and dark ones whose photons are counted."""
        wanted = [name for name, one in self.section.datasets.items() if one.kind == "science"]
        science = self.inventory.frames_of(wanted)
        known = {frame.id for frame in science}
        members = (name for group in self.counted for name in group.members)
        return science + [self.inventory.frames[name] for name in dict.fromkeys(members) if name not in known]

    @cached_property
    def combined(self) -> list[Group]:
        """Return the groups that are combined."""
        datasets = self.section.datasets
        return [group for group in self.inventory.groups.values() if datasets[group.dataset].kind == "science"]

    @cached_property
    def counted(self) -> list[Group]:
        """Return the groups whose photons are counted: those asked for, and their darks."""
        datasets = self.section.datasets
        asked = [group for group in self.inventory.groups.values() if datasets[group.dataset].count_photons]
        darks = [dark for group in asked if (dark := self.photon_counting_dark(group))]
        return list({group.name: group for group in (*asked, *darks)}.values())

    def photon_counting_dark(self, group: Group) -> Group | None:
        """Return the group of photon-counted darks with the setting of a group.

        Raises
        ------
        InvalidOptions
            Where the dataset named has no frames of that setting.
        """
        dark = self.section.datasets[group.dataset].photon_counting_dark
        if dark is None:
            return None
        wanted = (dark, group.setting, group.geometry)
        for candidate in self.inventory.groups.values():
            if (candidate.dataset, candidate.setting, candidate.geometry) == wanted:
                return candidate
        raise InvalidOptions(
            f"config: coronagraph.datasets.{group.dataset}.photon_counting_dark: dataset {dark!r} has no frames of "
            f"gain {group.setting.gain:g} and {group.setting.exposure_time:g} s"
        )


def plan_campaign(section: Coronagraph) -> Plan:
    """Take the inventory and see that what the configuration names is there.

    Raises
    ------
    InvalidOptions
        Where a source or a reference does not exist, or options contradict each other.
    """
    for role, path in section.references:
        if path is not None and not path.is_file():
            raise InvalidOptions(f"config: coronagraph.references.{role}: {path} does not exist")
    plan = Plan(section, take_inventory(section))
    if plan.makes_bad_pixel_map and section.references.bad_pixels is not None:
        raise InvalidOptions(
            "config: coronagraph.make-bad-pixel-map makes a map, coronagraph.references.bad_pixels names one: choose"
        )
    if plan.makes_bad_pixel_map and not (
        plan.makes_noise_maps or plan.dark_references.get("dark_current") or plan.frame_references.get("flat")
    ):
        raise InvalidOptions("config: coronagraph.make-bad-pixel-map needs a dark-current map, dark frames, or a flat")
    for group in plan.counted:
        plan.photon_counting_dark(group)
    return plan
