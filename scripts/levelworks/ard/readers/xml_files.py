"""XML of the agencies: read whole, without declarations that could harm, tags without their namespaces."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from levelworks.core.outcome import InvalidInput

MAX_BYTES = 64 * 2**20


def read_xml(path: Path) -> ET.Element:
    """Return the root of an XML file; its tags are bare names.

    Raises
    ------
    InvalidInput
        Where it can't be read, is no whole XML, or declares entities.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes: it is no metadata")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror})") from None
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InvalidInput(f"{path} declares entities: it is not the agency's")
    try:
        root = ET.fromstring(content)  # noqa: S314 - declarations, the only way to harm, are refused above
    except ET.ParseError as error:
        raise InvalidInput(f"{path} is no whole XML ({error}): fetch the image again") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [key for key in element.attrib if "}" in key]:
            element.attrib[name.rpartition("}")[2]] = element.attrib.pop(name)
    return root
