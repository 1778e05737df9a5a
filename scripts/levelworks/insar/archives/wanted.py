"""What of a catalogue a campaign wants: products of its frames that are not there yet, and batches for tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from levelworks.core.outcome import InvalidReference
from levelworks.insar.archives.archive_options import Archive
from levelworks.insar.archives.catalogue import CatalogueRow
from levelworks.insar.archives.footprints import covered_share
from levelworks.insar.frames.frame import Frame
from levelworks.insar.frames.products import Product
from levelworks.insar.safe.burst_ids import ORBITS, track_of
from levelworks.insar.safe.names import ProductName, parse_product_name

Content: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class Wanted:
    """A product to fetch: its row of the catalogue, and what planning knows of it."""

    row: CatalogueRow
    product: Product


def wanted_products(
    frame: Frame,
    rows: Iterable[CatalogueRow],
    standing: Iterable[Product],
    archive: Archive,
    missions: Sequence[str],
    folder: Path,
) -> list[Wanted]:
    """Choose the products of a frame that are to be fetched, in the order of their ids.

    Parameters
    ----------
    rows : iterable of CatalogueRow
    standing : iterable of Product
        Those that are there already; what was made anew of the same echoes counts as there.
    missions : sequence of str
        Those to take; all where none are given.
    folder : Path
        Where fetched products stand, as ``<id>.zip``.

    Raises
    ------
    InvalidReference
        Where a product's relative orbit is not known.
    """
    there = {_content(parse_product_name(product.id)) for product in standing}
    chosen: dict[Content, Wanted] = {}
    for row in sorted(rows, key=lambda row: row.id):
        name = row.name
        if (missions and name.mission not in missions) or frame.polarisation not in name.polarisations:
            continue
        if (
            not _in_time(row, archive)
            or _content(name) in there
            or row.pass_direction not in ("", frame.pass_direction)
        ):
            continue
        if row.track and row.track not in _tracks(frame, row):
            continue
        bursts = [one.burst_id for one in frame.bursts if covered_share(one.polygon, row.footprint) >= archive.overlap]
        if not bursts:
            continue
        if not row.track:
            raise InvalidReference(
                f"{row.id}: its relative orbit is not in the catalogue and can't be had from its orbit number: search "
                "CDSE with $expand=Attributes, or add a column relative_orbit"
            )
        path = folder / f"{row.id}.zip"
        product = Product(
            id=row.id,
            path=path,
            mission=name.mission,
            data_take=int(name.data_take, 16),
            # A pass of the other direction on the same track does not meet the frame.
            pass_direction=frame.pass_direction,
            start=name.start,
            stop=name.stop,
            polarisations=name.polarisations,
            burst_ids=(min(bursts), max(bursts)),
        )
        known = chosen.get(_content(name))
        if known is None or not known.product.path.exists():  # what was fetched stays the one that is taken
            chosen[_content(name)] = Wanted(row, product)
    return sorted(chosen.values(), key=lambda wanted: wanted.row.id)


def request_batches(wanted: Mapping[str, Sequence[Wanted]], archive: Archive) -> dict[str, dict[str, list[str]]]:
    """Share products among batches that are asked for from tape at once.

    Parameters
    ----------
    wanted : mapping of str to sequence of Wanted
        By frame; what several frames want is in the batch of the first.

    Returns
    -------
    dict
        By frame, ids by month (``202504``); none where the archive is no tape or does not take batches.
    """
    found: dict[str, dict[str, list[str]]] = {}
    if archive.kind != "tape" or archive.tape.batch == "none":
        return found
    taken: set[str] = set()
    for frame, products in wanted.items():
        for one in products:
            if one.row.id not in taken:
                taken.add(one.row.id)
                found.setdefault(frame, {}).setdefault(f"{one.product.start:%Y%m}", []).append(one.row.id)
    return found


def _content(name: ProductName) -> Content:
    """Return what products of the same echoes share, however often they were made: all but the unique id."""
    return name.mission, name.data_take, name.start, name.stop, name.polarisations


def _in_time(row: CatalogueRow, archive: Archive) -> bool:
    day = row.name.start.date()
    return (archive.first is None or day >= archive.first) and (archive.last is None or day <= archive.last)


def _tracks(frame: Frame, row: CatalogueRow) -> set[int]:
    """Return the tracks of a frame as a product may call them; one that crosses the ascending node has either."""
    tracks = {track_of(burst.burst_id) for burst in frame.bursts}
    latitudes = [latitude for ring in row.footprint for _, latitude in ring]
    upwards = frame.pass_direction == "ascending"  # noqa: S105 - a pass of the satellite
    if upwards and min(latitudes) <= 0.0 <= max(latitudes):
        tracks |= {(track + step - 1) % ORBITS + 1 for track in tracks for step in (-1, 1)}
    return tracks
