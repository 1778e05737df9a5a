"""The files of a crate: products by their paths in it, what came from outside by the checksum of its content."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

Entity = dict[str, Any]

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".fits": "application/fits",
    ".geojson": "application/geo+json",
    ".h5": "application/x-hdf5",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".nc": "application/netcdf",
    ".nc4": "application/netcdf",
    ".png": "image/png",
    ".smk": "text/plain",
    ".tif": "image/tiff",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}


@dataclass
class CrateFiles:
    """Gathers the files that jobs name, each once.

    Parameters
    ----------
    root : Path
        Folder of the crate, absolute.
    """

    root: Path
    entities: dict[str, Entity] = field(default_factory=dict)
    _known: dict[Path, str] = field(default_factory=dict)

    def product(self, path: Path, described: Entity) -> str:
        """Take a product as its record describes it; returns its identifier."""
        if path in self._known:
            return self._known[path]
        inside = self._inside(path)
        if inside is None or not os.path.lexists(path):
            entity = _file(f"#{quote(inside or path.name)}", path.name, described)
            entity["description"] = "not in this crate" if inside is None else "no longer there"
        elif path.is_dir():
            entity = _file(f"{quote(inside)}/", inside, described) | {"@type": "Dataset"}
            entity.pop("contentSize", None)  # of the folder's entry, which says nothing
            entity.pop("encodingFormat", None)
        else:
            entity = _file(quote(inside), inside, described)
        return self._add(path, entity)

    def outside(self, path: Path, described: Entity) -> str:
        """Take a file that no job of the campaign made; returns its identifier.

        Its name is that of its content (RFC 6920), the same in every crate and on every machine.
        """
        if path in self._known:
            return self._known[path]
        checksum = str(described.get("checksum", ""))
        algorithm, _, digits = checksum.partition(":")
        inside = self._inside(path)
        if inside is not None and path.is_file():
            entity = _file(quote(inside), inside, described)
        elif algorithm == "sha256":
            name = base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")
            entity = _file(f"ni:///sha-256;{name}", path.name, described)
        else:
            entity = _file(f"#{quote(checksum or path.name)}", path.name, described)
        return self._add(path, entity)

    def _add(self, path: Path, entity: Entity) -> str:
        identifier: str = entity["@id"]
        self._known[path] = identifier
        self.entities.setdefault(identifier, entity)
        return identifier

    def play(self, identifier: str, parameter: str) -> None:
        """Note that a file was given as a parameter, or came out as one."""
        parts = self.entities[identifier].setdefault("exampleOfWork", [])
        if {"@id": parameter} not in parts:
            parts.append({"@id": parameter})

    def _inside(self, path: Path) -> str | None:
        prefix = f"{self.root}{os.sep}"
        return str(path).removeprefix(prefix) if str(path).startswith(prefix) else None


def _file(identifier: str, name: str, described: Entity) -> Entity:
    entity: Entity = {"@id": identifier, "@type": "File", "name": name}
    if isinstance(described.get("size"), int):
        entity["contentSize"] = str(described["size"])
    if media := MEDIA_TYPES.get(PurePath(name).suffix.lower()):
        entity["encodingFormat"] = media
    checksum = str(described.get("checksum", ""))
    if checksum:
        entity["identifier"] = checksum
    if checksum.startswith("sha256:"):
        entity["sha256"] = checksum.partition(":")[2]
    return entity
