"""What a campaign holds: frames found, grouped by dataset and setting, from names and headers alone.

A setting is what one master dark fits: EM gain and exposure time. Frames of one dataset with different settings
are combined apart, under names that then carry the setting. A frame whose header can't be read keeps its place: its
stage finds the fault, quarantines it, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from levelworks.core.discover import discover
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.geometry import choose_geometry
from levelworks.coronagraph.headers import Level1Header, read_level1_header, round_setting
from levelworks.coronagraph.options import Coronagraph


@dataclass(frozen=True, order=True)
class Setting:
    """EM gain and exposure time (s) of a frame."""

    gain: float
    exposure_time: float

    @classmethod
    def of(cls, header: Level1Header) -> Setting:
        """Return the setting of a header, to the digits in which settings are told apart."""
        return cls(round_setting(header.gain), round_setting(header.exposure_time))

    @property
    def name(self) -> str:
        """Return the setting as part of a file name, e.g. ``gain1_0p6s``."""
        return f"gain{_number(self.gain)}_{_number(self.exposure_time)}s"

    @property
    def as_options(self) -> dict[str, float]:
        """Return the setting as options of `make-dark`."""
        return {"gain": self.gain, "exposure_time": self.exposure_time}


def _number(value: float) -> str:
    return f"{value:.10g}".replace(".", "p").replace("-", "m").replace("+", "")


@dataclass(frozen=True)
class Frame:
    """One frame of the campaign; ``setting`` and ``geometry`` are None where its header can't be read."""

    id: str
    path: Path
    dataset: str
    setting: Setting | None
    geometry: str | None


@dataclass(frozen=True)
class Group:
    """Frames (ids) of one dataset, setting and geometry, by which the dataset's name is extended where they differ."""

    name: str
    dataset: str
    setting: Setting
    geometry: str
    members: tuple[str, ...]


@dataclass
class Inventory:
    """All frames by id, and the groups that are combined, by name."""

    frames: dict[str, Frame] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    ignored: list[Path] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Setting]:
        """Return the settings met, by name."""
        met = {frame.setting for frame in self.frames.values() if frame.setting is not None}
        return {setting.name: setting for setting in sorted(met)}

    def frames_of(self, datasets: Collection[str]) -> list[Frame]:
        """Return the frames of some datasets, in order of their ids."""
        return [self.frames[name] for name in sorted(self.frames) if self.frames[name].dataset in datasets]


def take_inventory(section: Coronagraph) -> Inventory:
    """Find the frames of every dataset and group them.

    Frames that can't be read join the dataset's largest group, so that its combination reports them as left out.

    Raises
    ------
    InvalidOptions
        Where a source does not exist, or one frame stands in two datasets.
    """
    inventory = Inventory()
    for name, dataset in section.datasets.items():
        key = f"config: coronagraph.datasets.{name}.frames"
        found = discover(dataset.frames, section.pattern, key)
        if not found.granules:
            raise InvalidOptions(
                f"{key}: no Level-1 frames in {', '.join(dataset.frames)} "
                f"({len(found.ignored)} other files; names must match {section.pattern})"
            )
        inventory.ignored += found.ignored
        for granule in found.granules:
            known = inventory.frames.get(granule.id)
            if known is not None:
                raise InvalidOptions(f"{key}: frame {granule.id} stands in dataset {known.dataset} too")
            setting, geometry = read_setting(granule.path)
            inventory.frames[granule.id] = Frame(granule.id, granule.path, name, setting, geometry)
    _group(inventory)
    return inventory


def read_setting(path: Path) -> tuple[Setting | None, str | None]:
    """Read setting and geometry of a frame; None where its header doesn't give them."""
    try:
        header = read_level1_header(path)
        setting = Setting.of(header)
        return setting, choose_geometry(header.shape, header.array_type).name
    except (InvalidInput, OSError):
        return None, None


def _group(inventory: Inventory) -> None:
    by_dataset: dict[str, dict[tuple[Setting, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    unreadable: dict[str, list[str]] = defaultdict(list)
    for frame in inventory.frames.values():
        if frame.setting is None or frame.geometry is None:
            unreadable[frame.dataset].append(frame.id)
        else:
            by_dataset[frame.dataset][frame.setting, frame.geometry].append(frame.id)
    for dataset, kinds in by_dataset.items():
        largest = max(kinds, key=lambda kind: (len(kinds[kind]), kind))
        several = len({geometry for _, geometry in kinds}) > 1
        for (setting, geometry), members in sorted(kinds.items()):
            name = dataset if len(kinds) == 1 else f"{dataset}_{setting.name}" + (f"_{geometry}" if several else "")
            extra = unreadable[dataset] if (setting, geometry) == largest else []
            if name in inventory.groups:
                raise InvalidOptions(
                    f"config: coronagraph.datasets: two groups of frames would be named {name}; rename one"
                )
            inventory.groups[name] = Group(name, dataset, setting, geometry, tuple(sorted(members + extra)))
