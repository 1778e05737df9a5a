"""Examining the inputs of the insar line before a campaign: frames, products, orbits, elevation; and warming."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from levelworks.core.check import Check, examine_opened, number_of
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.core.storage import size_of
from levelworks.insar.archives.examine import examine_archive
from levelworks.insar.frames.products import Product
from levelworks.insar.options import Insar
from levelworks.insar.plan import FramePlan, plan_campaign
from levelworks.insar.safe.manifest import check_files, read_manifest
from levelworks.insar.safe.package import open_package
from levelworks.insar.warming import warm

__all__ = ["examine", "space_needed", "warm"]

SHARE_OF_PAIR = 0.01
"""Bytes of all products of a pair over those of one date's bursts, at 80 looks."""


def examine(section: Insar, results: Path | None = None) -> Iterator[Check]:
    """Examine frames and what goes with them.

    Parameters
    ----------
    section : Insar
        Its relative paths begin in the working directory.
    results : Path, optional
        Folder of all products.
    """
    if not section.frames:
        yield Check("insar", "warning", "no frames: nothing to do", "name definitions in insar.frames")
        return
    try:
        plan = plan_campaign(section, results)
    except InvalidOptions as error:
        yield Check("insar", "failure", str(error), "correct the configuration")
        return
    for frame in plan.frames.values():
        yield from _examine_frame(frame)
        yield from _examine_products(frame)
    if section.archive.catalogue is not None:
        yield from examine_archive(section.archive, plan.to_fetch)


def _examine_frame(frame: FramePlan) -> Iterator[Check]:
    name = f"insar: {frame.frame.frame}"
    dates, pairs = len(frame.acquisitions), len(frame.pairs)
    yield Check(name, "ok", f"{number_of(dates, 'date')}, {number_of(pairs, 'pair')}")
    without = [date for date, found in frame.orbits.items() if not found]
    if without:
        detail = f"{number_of(len(without), 'date')} without an orbit file, from {without[0]} on: annotations are taken"
        yield Check(f"{name}: orbits", "warning", detail, "stage POEORB or RESORB files in insar.orbits")
    if frame.network.gaps:
        gaps = "; ".join(map(str, frame.network.gaps))
        yield Check(f"{name}: network", "warning", f"no pair across {gaps}", "raise insar.pairs.longest-connection")


def _examine_products(frame: FramePlan) -> Iterator[Check]:
    """See that the files of products are there and as large as their manifests say; no pixel is read."""
    name = f"insar: {frame.frame.frame}: products"
    swaths = tuple(sorted({burst.swath for burst in frame.frame.bursts}))

    def compare(product: Product) -> None:
        package = open_package(product.path)
        wrong = check_files(package, read_manifest(package), swaths, frame.frame.polarisation)
        if wrong:
            raise InvalidInput(f"{product.path}: {', '.join(wrong)}")

    products = [product for found in frame.acquisitions.values() for product in found.products]
    yield from examine_opened(name, [product for product in products if product.path.exists()], compare)
    if frame.others:
        yield Check(name, "warning", "; ".join(frame.others))


def space_needed(section: Insar, results: Path | None = None) -> int:
    """Estimate the bytes of all products from the sizes of the products of Level 1.

    Raises
    ------
    InvalidOptions
        Where a source does not exist.
    """
    total = 0.0
    plan = plan_campaign(section, results)
    fetched = {one.row.id: one.row.size for one in plan.to_fetch}
    for frame in plan.frames.values():
        products = [product for found in frame.acquisitions.values() for product in found.products]
        sizes = [fetched.get(product.id) or size_of(product.path) for product in products]
        total += sum(sizes) * (1 + SHARE_OF_PAIR * len(frame.pairs) / max(len(frame.acquisitions), 1))
    return int(total) + (0 if section.archive.link else sum(fetched.values()))
