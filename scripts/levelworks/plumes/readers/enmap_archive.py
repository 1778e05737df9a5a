"""Members of an EnMAP product, from its ZIP (read in place) or from a folder that it was unpacked to."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput

METADATA = "-METADATA.XML"
IMAGE_ENDINGS = (".TIF", ".TIFF", ".GEOTIFF")


@dataclass(frozen=True)
class EnmapArchive:
    """The members of a product by what their names end in; ``name`` is the agency's id, which all begin with."""

    path: Path
    name: str
    members: dict[str, str]

    def metadata(self) -> bytes:
        """Return METADATA.XML."""
        return self._content(self.members[METADATA])

    def image(self, part: str) -> str | None:
        """Return what GDAL opens an image by, e.g. ``SPECTRAL_IMAGE_SWIR``, or None where the product has none."""
        member = next((self.members[f"-{part}{end}"] for end in IMAGE_ENDINGS if f"-{part}{end}" in self.members), None)
        if member is None:
            return None
        return str(self.path / member) if self.path.is_dir() else f"/vsizip/{{{self.path.resolve()}}}/{member}"

    def open_image(self, part: str) -> Any:
        """Return an open rasterio dataset of an image, read where it lies.

        Raises
        ------
        InvalidInput
            Where the product has no such image, or it can't be opened.
        """
        return self._open(part, self.image(part))

    @contextmanager
    def unpacked_image(self, part: str) -> Iterator[Any]:
        """Open an image for reading much of it: out of a ZIP it is unpacked to memory, once and checked.

        In place, each step back in the image would unpack it from its beginning again.

        Raises
        ------
        InvalidInput
            As `open_image`, or where it is damaged.
        """
        from rasterio import MemoryFile

        location = self.image(part)
        if location is None or self.path.is_dir():
            with self.open_image(part) as file:
                yield file
            return
        with MemoryFile(self._content(location.rpartition("}/")[2])) as memory, self._open(part, memory.name) as file:
            yield file

    def _content(self, member: str) -> bytes:
        try:
            if self.path.is_dir():
                return (self.path / member).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(member)
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidInput(f"{self.path}: {member} can't be read ({error}): fetch the product again") from None

    def _open(self, part: str, location: str | None) -> Any:
        import rasterio

        if location is None:
            raise InvalidInput(f"{self.path} has no member {self.name}-{part}.TIF: fetch the product again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            try:
                return rasterio.open(location)
            except rasterio.errors.RasterioIOError as error:
                raise InvalidInput(f"{self.path}: {part} can't be opened ({error}): fetch the product again") from None


def open_archive(path: Path) -> EnmapArchive:
    """List a product's members; they may lie in a folder inside.

    Raises
    ------
    InvalidInput
        Where it doesn't exist, is truncated, or has no METADATA.XML or more than one.
    """
    if path.is_dir():
        names = sorted(str(member.relative_to(path)) for member in path.rglob("*") if member.is_file())
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = sorted(archive.namelist())
        except FileNotFoundError:
            raise InvalidInput(f"{path} does not exist") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise InvalidInput(f"{path} is no whole ZIP ({error}): fetch the product again") from None
    found = [name for name in names if name.upper().endswith(METADATA)]
    if len(found) != 1:
        raise InvalidInput(f"{path} holds {len(found)} files *{METADATA} and not one: it is no single EnMAP product")
    prefix = found[0][: -len(METADATA)]
    members = {name[len(prefix) :].upper(): name for name in names if name.startswith(prefix)}
    return EnmapArchive(path, prefix.rsplit("/", 1)[-1], members)
