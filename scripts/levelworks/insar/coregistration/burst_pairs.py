"""The bursts that a date has in common with the reference, ready to be resampled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from levelworks.insar.mosaic.geometry_files import read_ground
from levelworks.insar.refinement.burst_pair import BurstPair, burst_pair
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_orbits import burst_arc


def common_keys(reference: Acquisition, *dates: Acquisition) -> list[str]:
    """Return the keys of the bursts that all have, in the reference's order."""
    have = [{burst.key for burst in date.bursts} for date in dates]
    return [burst.key for burst in reference.bursts if all(burst.key in keys for keys in have)]


def pair_bursts(reference: Acquisition, date: Acquisition, geometry: Path, keys: Iterable[str]) -> dict[str, BurstPair]:
    """Compute carriers and offsets of bursts of a date against the reference.

    Parameters
    ----------
    reference, date : Acquisition
    geometry : Path
        Of `reference-geometry`.
    keys : iterable of str
        Of the bursts.
    """
    one, two = ({burst.key: burst for burst in acquisition.bursts} for acquisition in (reference, date))
    return {
        key: burst_pair(
            one[key],
            two[key],
            (burst_arc(reference, one[key]), burst_arc(date, two[key])),
            read_ground(geometry, key),
        )
        for key in keys
    }
