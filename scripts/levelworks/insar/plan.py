"""What a campaign's configuration asks for: frames, their acquisitions, pairs, and batches of dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from levelworks.core.outcome import InvalidOptions
from levelworks.insar.archives.wanted import Wanted, request_batches
from levelworks.insar.frames.baselines import planned_baselines
from levelworks.insar.frames.frame import Frame
from levelworks.insar.frames.products import PlannedAcquisition, Product, choose_passes, plan_acquisitions
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.network.select_pairs import Network
from levelworks.insar.network.triplets import find_triplets
from levelworks.insar.options import Insar
from levelworks.insar.orbits.orbit_names import OrbitFile, covering_files
from levelworks.insar.pair_plan import plan_pairs
from levelworks.insar.sources import (
    catalogued,
    defined_frame,
    delay_files,
    frame_files,
    named_products,
    orbit_files,
    wanted_of,
)
from levelworks.insar.standing import Standing, read_standing

FIRST_BATCH = 1


@dataclass(frozen=True)
class FramePlan:
    """A frame, its passes, and how far its network has been solved.

    Parameters
    ----------
    path : Path
        Of the definition.
    acquisitions : dict of str to PlannedAcquisition
        By date, in order.
    orbits : dict of str to list of Path
        Orbit files that cover each date.
    delays : dict of str to list of Path
        Files of zenith delays, of the dates that have some.
    solved : dict of str to tuple of str
        Dates that each standing solution decides, by batch (``001``), in order.
    standing : tuple of str
        Pairs that stand, whatever is known by now of the dates that they were chosen of.
    others : tuple of str
        What is said of passes that give way to another of the same day.
    """

    section: Insar
    path: Path
    frame: Frame
    acquisitions: dict[str, PlannedAcquisition]
    orbits: dict[str, list[Path]]
    delays: dict[str, list[Path]]
    solved: dict[str, tuple[str, ...]]
    standing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Return the reference date (YYYYMMDD)."""
        return f"{self.frame.reference:%Y%m%d}"

    @cached_property
    def _baselines(self) -> tuple[dict[str, float], dict[str, str]]:
        return planned_baselines(self.frame, self.acquisitions)

    @property
    def notes(self) -> list[str]:
        """Return which passes are left, of which dates the perpendicular baseline is unknown, and why."""
        _, unknown = self._baselines
        what = "days alone choose its pairs"
        if self.reference in unknown:
            what = "it is the reference: days alone choose all pairs"
        return [*self.others] + [
            f"{self.frame.frame}: {date}: its perpendicular baseline is unknown, {what}: {reason}"
            for date, reason in unknown.items()
        ]

    @cached_property
    def network(self) -> Network:
        """Return the pairs to form; dates that came in between earlier ones add theirs to those that stand."""
        baselines, _ = self._baselines
        batches = {date: self.first_batch.get(date, self.new_batch) for date in self.acquisitions}
        return plan_pairs(self.section.pairs, self.acquisitions, baselines, batches, self.standing)

    @property
    def pairs(self) -> list[str]:
        """Return the names of the pairs to form."""
        return [str(pair) for pair in self.network.pairs]

    @cached_property
    def connections(self) -> list[str]:
        """Return the pairs whose azimuth shifts are measured: each date with some earlier ones and the reference."""
        options, dates = self.section.estimate_diversity, list(self.acquisitions)
        found = set()
        for k, late in enumerate(dates):
            near = [
                early
                for early in dates[max(k - options.connections, 0) : k]
                if _days(early, late) <= options.longest_gap
            ]
            found |= {f"{early}_{late}" for early in near}
            if late != self.reference:
                found.add("_".join(sorted((late, self.reference))))
        return sorted(found)

    def verified_against(self, date: str) -> list[str]:
        """Return the dates that a resampled one is measured against, until one tells.

        The reference; the next one towards it; and of these the next of the same satellite, if there is one.
        """
        dates = list(self.acquisitions)
        here, there = dates.index(date), dates.index(self.reference)
        towards = dates[here + 1 : there + 1] if here < there else dates[there:here][::-1]
        mission = self.acquisitions[date].mission
        same = [one for one in towards if self.acquisitions[one].mission == mission]
        return list(dict.fromkeys((self.reference, towards[0], *same[:1])))

    @cached_property
    def new_batch(self) -> str:
        """Return the batch of the dates that no standing solution decides; empty where there are none."""
        new = [date for date in self.acquisitions if date not in self.first_batch]
        return f"{max(map(int, self.solved), default=FIRST_BATCH - 1) + 1:03d}" if new else ""

    @cached_property
    def first_batch(self) -> dict[str, str]:
        """Return the batch in which each date was first solved, of those that were."""
        found: dict[str, str] = {}
        for batch, dates in self.solved.items():
            for date in dates:
                found.setdefault(date, batch)
        return found

    def solution_of(self, date: str) -> str:
        """Return the batch whose solution a date is resampled with: the last that decided it."""
        last = [batch for batch, dates in self.solved.items() if date in dates]
        return last[-1] if last else self.new_batch

    def batch_of(self, pair: str) -> str:
        """Return the batch of a pair: that of its later solved date."""
        return max(self.first_batch.get(date, self.new_batch) for date in pair.split("_"))

    @cached_property
    def batches(self) -> list[str]:
        """Return the batches that have pairs."""
        return sorted({self.batch_of(pair) for pair in self.pairs})

    def own_pairs(self, batch: str) -> list[str]:
        """Return the pairs of a batch."""
        return [pair for pair in self.pairs if self.batch_of(pair) == batch]

    def closing_pairs(self, batch: str) -> list[str]:
        """Return the pairs of a batch, and those of earlier ones that are in a triplet with one of them."""
        own = set(self.own_pairs(batch))
        there = [parse_pair(pair) for pair in self.pairs if self.batch_of(pair) <= batch]
        for triplet in find_triplets(there):
            names = {str(pair) for pair, _ in triplet.signed}
            if names & set(self.own_pairs(batch)):
                own |= names
        return sorted(own)


@dataclass(frozen=True)
class Plan:
    """The line's section of the configuration, its frames by id, and what they want of an archive, by frame."""

    section: Insar
    frames: dict[str, FramePlan]
    wanted: dict[str, list[Wanted]] = field(default_factory=dict)

    @property
    def to_fetch(self) -> list[Wanted]:
        """Return all products that are fetched, one of each id."""
        return list({one.row.id: one for products in self.wanted.values() for one in products}.values())

    @cached_property
    def batches(self) -> dict[str, dict[str, list[str]]]:
        """Return by frame and month the products that are asked for from tape at once."""
        return request_batches(self.wanted, self.section.archive)

    @cached_property
    def batch_of(self) -> dict[str, tuple[str, str]]:
        """Return the frame and the month of each product that is asked for in a batch."""
        return {
            identifier: (frame, month)
            for frame, months in self.batches.items()
            for month, identifiers in months.items()
            for identifier in identifiers
        }


def plan_campaign(section: Insar, results: Path | None = None) -> Plan:
    """Find frames and products and see that what the configuration names is there.

    Parameters
    ----------
    results : Path, optional
        Folder of all products: dates that were solved stay as they were, and products that were fetched are taken.

    Raises
    ------
    InvalidOptions
        Where a file does not exist, a product is none, or a frame has no reference.
    """
    for key in ("elevation", "geoid", "land"):
        path = getattr(section, key)
        if path is not None and not path.exists():
            raise InvalidOptions(f"config: insar.{key}: {path} does not exist")
    if section.new_frame and not section.new_frame_products:
        raise InvalidOptions("config: insar.new-frame-products: is required with insar.new-frame")
    frames: dict[str, FramePlan] = {}
    if not section.frames:
        return Plan(section, frames)
    products = named_products(section)
    made = results / "insar" if results else None
    catalogue = catalogued(section)
    wanted: dict[str, list[Wanted]] = {}
    orbits, delays = orbit_files(section), delay_files(section)
    for path in frame_files(section):
        frame = defined_frame(path)
        if frame.frame in frames:
            raise InvalidOptions(f"config: insar.frames: {frame.frame} is defined twice: {path}")
        wanted[frame.frame] = wanted_of(frame, catalogue, products, section, made / "fetch-product" if made else Path())
        everything = [*products, *(one.product for one in wanted[frame.frame])]
        found, others = _acquisitions(frame, everything, section)
        left = {product.id for other, _ in others for product in other.products}
        wanted[frame.frame] = [one for one in wanted[frame.frame] if one.row.id not in left]
        if section.elevation is None:
            raise InvalidOptions("config: insar.elevation: is required (elevation model, a raster or folder of tiles)")
        covering = {date: _covering(one, orbits) for date, one in found.items()}
        zenith = {date: delays[date] for date in found if date in delays}
        standing = read_standing(made, frame.frame, found, section.pairs) if made else Standing()
        frames[frame.frame] = FramePlan(
            section,
            path,
            frame,
            found,
            covering,
            zenith,
            standing.solved,
            standing.pairs,
            tuple(_say(frame, *two) for two in others),
        )
    return Plan(section, frames, wanted)


def _days(early: str, late: str) -> int:
    return parse_pair(f"{early}_{late}").days


def _covering(found: PlannedAcquisition, orbits: list[OrbitFile]) -> list[Path]:
    start = min(product.start for product in found.products)
    stop = max(product.stop for product in found.products)
    return [file.path for file in covering_files(orbits, found.mission, start, stop)]


def _acquisitions(
    frame: Frame, products: list[Product], section: Insar
) -> tuple[dict[str, PlannedAcquisition], list[tuple[PlannedAcquisition, PlannedAcquisition]]]:
    """Return the passes of a frame by date, the reference among them, and which gave way to which."""
    found, others = choose_passes(frame, plan_acquisitions(frame, products, section.missions))
    reference = f"{frame.reference:%Y%m%d}"
    if reference not in found:
        raise InvalidOptions(
            f"config: insar.products: none of the reference date {reference} of {frame.frame}; "
            f"found {', '.join(found) or 'no date'}"
        )
    return found, others


def _say(frame: Frame, other: PlannedAcquisition, taken: PlannedAcquisition) -> str:
    """Return what is said of a pass that gives way to another of the same day."""
    theirs, own = (", ".join(product.id for product in one.products) for one in (other, taken))
    return (
        f"{frame.frame}: {other.date}: a day has one pass, {own} is taken: it holds more of the frame, or is nearer to "
        f"the reference's time of day; {theirs} is left: take it out of insar.products, or see insar.missions"
    )
