"""Coregistered bursts of a frame: which were removed, which products still need them, and which need them no more.

Bursts are large and can be made again from what they were made of, byte for byte. `levelworks clean insar` removes
those that all is made of that was asked for; their record stays, so that Snakemake takes them for done. Where a
product is asked for later that needs them, they are made again, and what stands on the same bytes stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from levelworks.core.record import read_record, record_path


@dataclass(frozen=True)
class Consumer:
    """A product that is made of the bursts of dates: with which stage's version, and with which options."""

    product: Path
    dates: tuple[str, ...]
    version: int
    options: Mapping[str, Any]


class BurstUse:
    """The bursts of a frame's dates, and the products that are made of them.

    Parameters
    ----------
    folders : mapping of str to Path
        Of all dates of the frame (YYYYMMDD), in order.
    consumers : iterable of Consumer
    """

    def __init__(self, folders: Mapping[str, Path], consumers: Iterable[Consumer]) -> None:
        self._folders = folders
        self._consumers = {str(one.product): one for one in consumers}
        self._records: dict[Path, dict[str, Any] | None] = {}

    @cached_property
    def removed(self) -> frozenset[str]:
        """Return the dates whose record stands without bursts."""
        return frozenset(
            date for date, folder in self._folders.items() if not folder.exists() and record_path(folder).exists()
        )

    @cached_property
    def needed(self) -> frozenset[str]:
        """Return the removed dates that something is to be made of."""
        if not self.removed:
            return frozenset()
        concerned = [one for one in self._consumers.values() if self.removed & set(one.dates)]
        return self.removed & {date for one in concerned if not self._stands(one) for date in one.dates}

    def unchanged(self, product: str, date: str) -> bool:
        """Return whether the bursts of a date, though made again, are those that a standing product was made of.

        So is it where they are about to be made again, and where they were made again after the product. Should they
        come out otherwise, they are changed the next time that this is asked.
        """
        one, bursts = self._consumers[product], record_path(self._folders[date])
        try:
            later = bursts.stat().st_mtime_ns > one.product.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        return (later or date in self.needed) and self._made_of(one, date)

    def spent(self, keep: int, reference: str) -> list[str]:
        """Return the dates whose bursts nothing needs any more.

        Parameters
        ----------
        keep : int
            Of the last dates, which later ones will be paired with.
        reference : str
            Date whose bursts stay.
        """
        last = set(list(self._folders)[-keep:]) if keep else set()
        needed = {date for one in self._consumers.values() if not self._stands(one) for date in one.dates}
        return [
            date
            for date, folder in self._folders.items()
            if date not in last | needed | {reference} and folder.exists()
        ]

    def _stands(self, one: Consumer) -> bool:
        """Return whether a product is there, made as it would be now."""
        record = self._record(one.product)
        return (
            record is not None
            and one.product.exists()
            and (record.get("version"), record.get("options")) == (one.version, one.options)
            and all(self._made_of(one, date) for date in one.dates)
        )

    def _made_of(self, one: Consumer, date: str) -> bool:
        """Return whether a product was made of the bursts that the record of a date describes."""
        folder = self._folders[date]
        own, bursts = self._record(one.product), self._record(folder)
        if own is None or bursts is None:
            return False
        wanted = {output["checksum"] for output in bursts["outputs"].values()}
        name = record_path(folder).parts[-3:]
        taken = {
            entry.get("product")
            for entries in own["inputs"].values()
            for entry in entries
            if PurePath(entry["path"]).parts[-3:] == name
        }
        return bool(taken) and taken <= wanted

    def _record(self, product: Path) -> dict[str, Any] | None:
        if product not in self._records:
            self._records[product] = read_record(product)
        return self._records[product]
