"""What a campaign's configuration asks for: which images, from folders, manifests or FORCE's queue, and which days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from levelworks.ard.names import Identity, identify
from levelworks.ard.options import Ard
from levelworks.ard.peer.queue import Entry, read_queue
from levelworks.core.location import local_path
from levelworks.core.named_paths import named_paths
from levelworks.core.outcome import InvalidInput, InvalidOptions


@dataclass(frozen=True)
class Planned:
    """An image that is processed: its identity and where it lies (a folder or an archive)."""

    id: str
    path: Path
    identity: Identity

    @property
    def acquisition(self) -> str:
        """Return day and sensor, ``20180824_LND08``: images of one make the same files of the cube."""
        return f"{self.identity.date:%Y%m%d}_{self.identity.sensor}"


@dataclass(frozen=True)
class Plan:
    """The line's section of the configuration, the images found, and the entries of the queue."""

    section: Ard
    images: dict[str, Planned]
    queue: tuple[Entry, ...]

    @cached_property
    def reanalysis(self) -> list[str]:
        """Return the files of the reanalysis, in order of their names."""
        found: list[Path] = []
        for source in (local_path(one, "config: ard.reanalysis") for one in self.section.reanalysis):
            if source.is_dir():
                found += sorted(path for path in source.rglob("*") if path.suffix in (".nc", ".nc4"))
            elif source.is_file():
                found.append(source)
            else:
                raise InvalidOptions(f"config: ard.reanalysis: {source} is neither a file nor a folder")
        return [str(path) for path in found]

    @cached_property
    def acquisitions(self) -> dict[str, list[Planned]]:
        """Return the images by day and sensor, sorted."""
        found: dict[str, list[Planned]] = {}
        for one in sorted(self.images.values(), key=lambda image: image.id):
            found.setdefault(one.acquisition, []).append(one)
        return dict(sorted(found.items()))


def plan_campaign(section: Ard, done: Path | None = None) -> Plan:
    """Find images and see that what the configuration names is there.

    Parameters
    ----------
    done : Path, optional
        Folder of the products of `process-image`: entries of the queue that are DONE stay planned where their record
        stands there, so that what follows from them is planned as well.

    Raises
    ------
    InvalidOptions
        Where a file does not exist, an image is none, or two have the same id.
    """
    for key in ("dem", "area_of_interest", "water_vapour_tables", "aerosol_tables", "coregistration_base", "tiles",
                "output_options", "water_vapour_points"):  # fmt: skip
        path = getattr(section, key)
        if path is not None and not path.exists():
            raise InvalidOptions(f"config: ard.{key.replace('_', '-')}: {path} does not exist")
    images: dict[str, Planned] = {}
    for source in section.images:
        for path in named_paths(local_path(source, "config: ard.images"), "ard.images", _is_image):
            _add(images, path, "ard.images")
    queue = tuple(read_queue(section.queue)) if section.queue is not None else ()
    for entry in queue:
        if entry.state == "FAIL":
            continue
        identity = _identity(entry.path, "ard.queue")
        ours = done is not None and (done / f"{identity.id}.json").exists()
        if entry.state == "QUEUED" or ours:
            if not entry.path.exists():
                raise InvalidOptions(f"config: ard.queue: {entry.path} does not exist")
            _add(images, entry.path, "ard.queue")
    return Plan(section, images, queue)


def _add(images: dict[str, Planned], path: Path, key: str) -> None:
    identity = _identity(path, key)
    known = images.setdefault(identity.id, Planned(identity.id, path, identity))
    if known.path.resolve() != path.resolve():
        raise InvalidOptions(f"config: {key}: two images have the id {identity.id}: {known.path} and {path}")


def _identity(path: Path, key: str) -> Identity:
    try:
        return identify(path)
    except InvalidInput as error:
        raise InvalidOptions(f"config: {key}: {error}") from None


def _is_image(path: Path) -> bool:
    try:
        identify(path)
    except InvalidInput:
        return False
    return True
