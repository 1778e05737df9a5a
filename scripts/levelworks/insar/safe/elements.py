"""XML of the agency: found by path, converted, with messages that name file and element."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from levelworks.core.outcome import InvalidInput
from levelworks.insar.times import parse_time


@dataclass(frozen=True)
class Element:
    """One XML element and the name of the file it stands in."""

    node: ET.Element
    file: str

    def find(self, path: str) -> Element:
        """Return the first element below at a path.

        Raises
        ------
        InvalidInput
            Where there is none.
        """
        found = self.node.find(path)
        if found is None:
            raise InvalidInput(f"{self.file} has no element {self.node.tag}/{path}: it is damaged, fetch it again")
        return Element(found, self.file)

    def optional(self, path: str) -> Element | None:
        """Return the first element at a path, or None."""
        found = self.node.find(path)
        return None if found is None else Element(found, self.file)

    def all(self, path: str) -> Iterator[Element]:
        """Yield all elements at a path."""
        return (Element(found, self.file) for found in self.node.iterfind(path))

    def text(self, path: str) -> str:
        """Return the text of the first element at a path, without white space around it."""
        return (self.find(path).node.text or "").strip()

    def number(self, path: str) -> float:
        """Return a finite number."""
        return self.numbers(path, 1)[0]

    def integer(self, path: str) -> int:
        """Return a whole number."""
        try:
            return int(self.text(path))
        except ValueError:
            raise InvalidInput(f"{self.file}: {path} is {self.text(path)!r}, no whole number") from None

    def time(self, path: str) -> dt.datetime:
        """Return a UTC time."""
        return parse_time(self.text(path), f"{self.file}: {path}")

    def numbers(self, path: str, count: int | None = None) -> list[float]:
        """Return finite numbers that stand side by side.

        Raises
        ------
        InvalidInput
            Where one is no finite number, or there are not ``count`` of them.
        """
        try:
            values = [float(value) for value in self.text(path).split()]
        except ValueError:
            raise InvalidInput(f"{self.file}: {path} is {self.text(path)[:60]!r}, not numbers") from None
        if not all(map(math.isfinite, values)) or (count is not None and len(values) != count):
            raise InvalidInput(f"{self.file}: {path} has {len(values)} numbers, or one that is not finite")
        return values


def parse_xml(content: bytes, file: str) -> Element:
    """Return the root of an XML document; its tags are bare names.

    Raises
    ------
    InvalidInput
        Where it is no whole XML, or declares entities.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InvalidInput(f"{file} declares entities: it is not the agency's")
    try:
        root = ET.fromstring(content)  # noqa: S314 - declarations, the only way to harm, are refused above
    except ET.ParseError as error:
        raise InvalidInput(f"{file} is no whole XML ({error}): fetch the product again") from None
    for node in root.iter():
        if "}" in node.tag:
            node.tag = node.tag.rpartition("}")[2]
    return Element(root, file)
