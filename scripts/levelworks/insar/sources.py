"""What the sources that a configuration names hold; what is wrong there is said by the configuration's key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from levelworks.core.location import local_path
from levelworks.core.named_paths import named_paths
from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference
from levelworks.insar.archives.addresses import address_of
from levelworks.insar.archives.catalogue import CatalogueRow, read_catalogue
from levelworks.insar.archives.wanted import Wanted, wanted_products
from levelworks.insar.corrections.delay_names import find_delay_files
from levelworks.insar.frames.frame import Frame, read_frame
from levelworks.insar.frames.products import Product, read_product
from levelworks.insar.options import Insar
from levelworks.insar.orbits.orbit_names import OrbitFile, find_orbit_files
from levelworks.insar.safe.names import parse_product_name


def defined_frame(path: Path) -> Frame:
    """Read the definition of a frame."""
    try:
        return read_frame(path)
    except InvalidReference as error:
        raise InvalidOptions(f"config: insar.frames: {error}") from None


def frame_files(section: Insar) -> Iterator[Path]:
    """Yield the definitions of frames that are named, and those in folders."""
    for source in section.frames:
        path = local_path(source, "config: insar.frames")
        if path.is_dir():
            found = sorted(path.glob("*.json"))
            if not found:
                raise InvalidOptions(f"config: insar.frames: {path} holds no definition (*.json)")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise InvalidOptions(f"config: insar.frames: {path} is neither a file nor a folder")


def orbit_files(section: Insar) -> list[OrbitFile]:
    """Return the orbit files of all folders."""
    try:
        return find_orbit_files(local_path(folder, "config: insar.orbits") for folder in section.orbits)
    except InvalidReference as error:
        raise InvalidOptions(f"config: insar.orbits: {error}") from None


def delay_files(section: Insar) -> dict[str, list[Path]]:
    """Return the files of zenith delays by date."""
    correction = section.correct_atmosphere
    if correction.takes_delays and not section.delays:
        raise InvalidOptions(f"config: insar.delays: is required with correct-atmosphere.method {correction.method}")
    try:
        return find_delay_files(local_path(folder, "config: insar.delays") for folder in section.delays)
    except InvalidReference as error:
        raise InvalidOptions(f"config: insar.delays: {error}") from None


def named_products(section: Insar) -> list[Product]:
    """Return the products that the sources name, one of each id."""
    found: dict[str, Product] = {}
    for source in section.products:
        for path in named_paths(local_path(source, "config: insar.products"), "insar.products", _is_product):
            try:
                product = read_product(path)
            except InvalidInput as error:
                raise InvalidOptions(f"config: insar.products: {error}") from None
            known = found.setdefault(product.id, product)
            if known.path.resolve() != path.resolve():
                raise InvalidOptions(f"config: insar.products: {product.id} is there twice: {known.path} and {path}")
    return sorted(found.values(), key=lambda product: product.id)


def catalogued(section: Insar) -> list[CatalogueRow]:
    """Return the rows of the archive's catalogue, if there is one."""
    archive = section.archive
    if archive.catalogue is None:
        return []
    if archive.kind == "tape" and not (archive.tape.status and archive.tape.request):
        raise InvalidOptions("config: insar.archive.tape: status and request are required where kind is tape")
    try:
        return list(read_catalogue(archive.catalogue).values())
    except InvalidReference as error:
        raise InvalidOptions(f"config: insar.archive.catalogue: {error}") from None


def wanted_of(
    frame: Frame, catalogue: list[CatalogueRow], products: list[Product], section: Insar, fetched: Path
) -> list[Wanted]:
    """Return what a frame wants of the archive."""
    try:
        found = wanted_products(frame, catalogue, products, section.archive, section.missions, fetched)
        for one in found:
            address_of(one.row, section.archive)
    except InvalidReference as error:
        raise InvalidOptions(f"config: insar.archive: {error}") from None
    return found


def _is_product(path: Path) -> bool:
    try:
        parse_product_name(path.name)
    except InvalidInput:
        return False
    return True
