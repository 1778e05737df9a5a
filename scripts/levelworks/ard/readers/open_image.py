"""Opens a Level-1 image of any of the line's sensors, by what its folder holds."""

from __future__ import annotations

from pathlib import Path

from levelworks.ard.names import GRANULE_METADATA, METADATA_TEXT, is_archive
from levelworks.ard.readers.landsat import LandsatImage, open_landsat
from levelworks.ard.readers.sentinel2 import Sentinel2Image, open_sentinel2
from levelworks.core.outcome import InvalidInput


def open_image(path: Path, *, max_tier: int = 1) -> LandsatImage | Sentinel2Image:
    """Open an image.

    Parameters
    ----------
    path : Path
        The folder of a Landsat scene or its ``*_MTL.txt``, a SAFE, a folder in its GRANULE, a Sinergise tile.
    max_tier : int
        Worst tier of Landsat that is taken.

    Raises
    ------
    InvalidInput
        Where it is none of them, or what its reader refuses.
    """
    if path.is_file():
        if is_archive(path):
            raise InvalidInput(f"{path} is an archive: unpack it before")
        if METADATA_TEXT.fullmatch(path.name):
            return open_landsat(path.parent, max_tier=max_tier)
    if not path.is_dir():
        raise InvalidInput(f"{path} {'is no folder of an image' if path.exists() else 'does not exist'}")
    names = [entry.name for entry in path.iterdir()]
    if any(METADATA_TEXT.fullmatch(name) for name in names):
        return open_landsat(path, max_tier=max_tier)
    known = ("GRANULE", "IMG_DATA", "metadata.xml")
    if any(name in known or GRANULE_METADATA.fullmatch(name) for name in names):
        return open_sentinel2(path)
    raise InvalidInput(
        f"{path} holds no image: expected is a Landsat scene (*_MTL.txt), a SAFE (GRANULE) or a granule (IMG_DATA)"
    )
