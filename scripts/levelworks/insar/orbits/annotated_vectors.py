"""State vectors of a product's annotation as planning reads them: the head of one file, no arrays."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.names import parse_file_name
from levelworks.insar.safe.package import Package, open_package
from levelworks.insar.times import parse_time

Vector = tuple[float, float, float]

BLOCK = 32 * 2**10
"""Bytes that are read at once; lists of real annotations end after 16 to 18 thousand."""
BLOCKS = 16
LIST_END = b"</orbitList>"
NUMBERS = b"".join(rb"\s*<%c>([^<]+)</%c>" % (axis, axis) for axis in b"xyz")
VECTOR_PATTERN = re.compile(
    rb"<orbit>\s*<time>([^<]+)</time>\s*<frame>Earth Fixed</frame>\s*<position>%b\s*</position>\s*<velocity>%b"
    % (NUMBERS, NUMBERS)
)


@dataclass(frozen=True)
class StateVector:
    """Time (UTC), position (m) and velocity (m/s) in Earth-fixed axes."""

    time: dt.datetime
    position: Vector
    velocity: Vector


def read_annotated_vectors(path: Path) -> tuple[StateVector, ...]:
    """Read the state vectors of a product's annotation, the first of its swaths.

    Parameters
    ----------
    path : Path
        SAFE folder or zip.

    Raises
    ------
    InvalidInput
        Where the product can't be opened, or its annotation has no list of Earth-fixed vectors at its head.
    """
    package = open_package(path)
    for member in sorted(package.members):
        name = parse_file_name(member.rsplit("/", 1)[-1])
        if name and (name.kind, name.suffix) == ("product", "xml"):
            return _parse(_head(package, member), f"{path}/{member}")
    raise InvalidInput(f"{path} has no annotation: fetch the product again")


def _head(package: Package, member: str) -> bytes:
    """Return the beginning of a file up to the end of its list of state vectors."""
    content = b""
    try:
        with package.open(member) as file:
            for _ in range(BLOCKS):
                block = file.read(BLOCK)
                content += block
                if LIST_END in content or not block:
                    break
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInput(f"{package.path}: {member} can't be read ({error}): fetch the product again") from None
    return content


def _parse(content: bytes, file: str) -> tuple[StateVector, ...]:
    found = []
    for match in VECTOR_PATTERN.finditer(content.partition(LIST_END)[0]):
        try:
            numbers = [float(value) for value in match.groups()[1:]]
        except ValueError:
            raise InvalidInput(f"{file}: a state vector has what is no number: fetch the product again") from None
        time = parse_time(match[1].decode("ascii", "replace"), file)
        found.append(StateVector(time, (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])))
    if not found:
        raise InvalidInput(f"{file} has no Earth-fixed state vectors at its head: fetch the product again")
    return tuple(sorted(found, key=lambda one: one.time))
