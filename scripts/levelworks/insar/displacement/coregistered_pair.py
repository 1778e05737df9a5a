"""Two coregistered dates: their bursts, and what was added to geometry before they were resampled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import NothingToProduce
from levelworks.core.record import read_record
from levelworks.insar.coregistration.rslc_files import find_bursts, missions_of, read_added
from levelworks.insar.interferograms.seams import Dates
from levelworks.insar.mosaic.mosaic import Mosaic, Placement
from levelworks.insar.network.epochs import parse_pair


@dataclass(frozen=True)
class Added:
    """What coregistration added for the later date less what it added for the earlier one.

    ``line`` (lines), ``sample`` (samples), and the standard deviation of the lines where the network knows it.
    """

    line: float
    sample: float
    line_sigma: float | None


@dataclass(frozen=True)
class CoregisteredPair:
    """The folders of two dates, the name of their pair, and the bursts that both have."""

    dates: Dates
    name: str
    common: tuple[Placement, ...]

    @property
    def added(self) -> Added:
        """Return what was taken out of both dates as a whole."""
        key = self.common[0].key
        one, two = (read_added(folder / f"{key}.h5") for folder in (self.dates.first, self.dates.second))
        sigmas = [_sigma(folder) for folder in (self.dates.first, self.dates.second)]
        known = None if None in sigmas else sum(sigma**2 for sigma in sigmas if sigma is not None) ** 0.5
        return Added(two[0] - one[0], two[1] - one[1], known)

    @property
    def missions(self) -> tuple[str, ...]:
        """Return the satellites of the dates, as far as their records say: one name, or two."""
        return missions_of((self.dates.first, self.dates.second))


def open_pair(first: Path, second: Path, mosaic: Mosaic) -> CoregisteredPair:
    """Find the bursts that two dates have in common.

    Parameters
    ----------
    first, second : Path
        Folders of `coregister` of the earlier and the later date, or the records beside them.
    mosaic : Mosaic

    Raises
    ------
    NothingToProduce
        Where a date was skipped, or no burst is there on both.
    InvalidInput
        Where a date was quarantined.
    InvalidReference
        Where its record stands without bursts.
    """
    dates = Dates(find_bursts(first), find_bursts(second))
    common = tuple(place for place in mosaic.placements if dates.has(place.key))
    if not common:
        raise NothingToProduce(f"no burst is there on both {dates.first.name} and {dates.second.name}")
    return CoregisteredPair(dates, str(parse_pair(f"{dates.first.name}_{dates.second.name}")), common)


def _sigma(folder: Path) -> float | None:
    """Return how sure the lines are that were added for a date; None where its record does not say."""
    record = read_record(folder)
    value = record["quality"].get("added_line_sigma") if record else None
    return None if value is None else float(value)
