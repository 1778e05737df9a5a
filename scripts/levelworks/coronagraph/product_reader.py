"""Reading our own products: headers of many frames, and row stripes of their planes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, LevelworksError
from levelworks.coronagraph.headers import Unit, read_units, round_setting

TYPES: dict[int, np.dtype[Any]] = {-32: np.dtype(">f4"), -64: np.dtype(">f8"), 16: np.dtype(">u2")}


class DamagedProduct(LevelworksError):
    """A product of an earlier stage that is no longer whole: it must be made again, not left out in silence."""


@dataclass(frozen=True)
class Product:
    """One product on disk: its name, its HDUs by EXTNAME (the primary one under ``PRIMARY``)."""

    path: Path
    units: dict[str, Unit]

    def value(self, keyword: str) -> float:
        """Return a number from the SCI header.

        Raises
        ------
        InvalidInput
            Where it isn't there.
        """
        found = self.units["SCI"].values.get(keyword)
        if not isinstance(found, int | float):
            raise InvalidInput(f"{self.path.name}: {keyword} is missing in the SCI header")
        return float(found)

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the SCI plane."""
        values = self.units["SCI"].values
        return int(values["NAXIS2"]), int(values["NAXIS1"])

    def rows(self, plane: str, rows: range) -> np.ndarray:
        """Read consecutive rows of a plane in native byte order: float32, float64 or uint16 (BZERO applied)."""
        unit = self.units[plane]
        stored = TYPES[int(unit.values["BITPIX"])]
        columns = int(unit.values["NAXIS1"])
        with self.path.open("rb") as file:
            size = len(rows) * columns * stored.itemsize
            content = os.pread(file.fileno(), size, unit.offset + rows.start * columns * stored.itemsize)
        if len(content) != size:
            raise DamagedProduct(f"{self.path}: cut off within {plane}; remove it and run again")
        values = np.frombuffer(content, dtype=stored).astype(stored.newbyteorder("="))
        if stored.kind == "u":
            # Unsigned integers are stored as signed ones with a zero point of 32768: the top bit is flipped.
            values ^= np.uint16(0x8000)
        return values.reshape(len(rows), columns)


def open_product(path: Path, planes: tuple[str, ...], level: str = "") -> Product:
    """Read the headers of a product.

    Parameters
    ----------
    level : str
        The data level it must have; any where empty.

    Raises
    ------
    DamagedProduct
        Where it is cut off or its headers are broken.
    InvalidInput
        Where it lacks one of the planes or has another level.
    """
    try:
        units = read_units(path)
    except InvalidInput as error:
        raise DamagedProduct(f"{path}: {error}; remove it and run again") from None
    if not units:
        raise DamagedProduct(f"{path}: is empty; remove it and run again")
    named = {"PRIMARY": units[0], **{unit.name: unit for unit in units[1:]}}
    for plane in planes:
        if named.get(plane) is None or named[plane].values.get("NAXIS") != 2:
            raise InvalidInput(f"{path.name}: has no {plane} plane; it must come from calibrate-frame")
    found = str(named["SCI"].values.get("DATALVL", "")) if "SCI" in named else ""
    if level and found != level:
        raise InvalidInput(f"{path.name}: has data level {found or 'none'}, {level} is needed")
    return Product(path, named)


def open_dataset(
    paths: tuple[Path, ...], planes: tuple[str, ...], equal: tuple[str, ...], level: str = ""
) -> list[Product]:
    """Open the frames of one dataset and see that they belong together.

    Parameters
    ----------
    level : str
        The data level they must have; any where empty.
    equal : tuple of str
        Keywords that must have one value, see `round_setting`, in all of them.

    Raises
    ------
    DamagedProduct
        Where a file is not whole.
    InvalidInput
        Where the dataset is empty, or shapes, types or values differ; the message names the values.
    """
    products = [open_product(path, planes, level) for path in paths]
    if not products:
        raise InvalidInput("no usable frame is left")
    if len({product.shape for product in products}) > 1:
        raise InvalidInput(f"frames of different shapes: {sorted({product.shape for product in products})}")
    types = {int(product.units["SCI"].values["BITPIX"]) for product in products}
    if len(types) > 1:
        raise InvalidInput(f"frames of different precision: BITPIX {sorted(types)}")
    for keyword in equal:
        values = {round_setting(product.value(keyword)): product.path.name for product in products}
        if len(values) > 1:
            named = ", ".join(f"{value:g} ({name})" for value, name in sorted(values.items()))
            raise InvalidInput(f"mixed {keyword}: {named}; frames of one dataset need one value")
    return products


def common_cards(products: list[Product], unit: str) -> list[str]:
    """Return the cards of a header that are the same in every product, in the order of the first."""
    shared = set(products[0].units[unit].cards)
    for product in products[1:]:
        shared &= set(product.units[unit].cards)
    return [card for card in products[0].units[unit].cards if card in shared]
