"""One checksum for a whole Zarr store, as the tool zarrChecksum of OCO3-data-transformer has it."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path

from levelworks.core.outcome import InvalidInput
from levelworks.xco2.zarr_arrays import DOCUMENTS

_md5 = partial(hashlib.md5, usedforsecurity=False)


def store_checksum(path: Path, *, chunks_only: bool = False) -> str:
    """Compute the checksum of a store.

    The MD5 digests of all objects stand in the order of their keys; of each two that follow each other the 16-byte
    digests are joined and digested again, an odd one at the end goes up as it is, until one is left. That is what
    zarrChecksum did at commit 4f0e98a of EarthDigitalTwin/OCO3-data-transformer, which prints a ``0x`` before the
    digits; before, it joined the objects themselves at the lowest level.

    Parameters
    ----------
    path : Path
        Folder of the store.
    chunks_only : bool
        Leave the metadata documents out, whose dates differ from run to run; see `list_objects`.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    InvalidInput
        Where the path is no folder, or holds nothing to be digested.
    """
    keys = list_objects(path, chunks_only=chunks_only)
    if not keys:
        raise InvalidInput(f"{path} holds no {'chunks' if chunks_only else 'objects'}: it is no store, or an empty one")
    digests = [_digest_file(path / key) for key in keys]
    while len(digests) > 1:
        digests = [_digest_pair(digests[place : place + 2]) for place in range(0, len(digests), 2)]
    return digests[0].hex()


def list_objects(path: Path, *, chunks_only: bool = False) -> list[str]:
    """List the keys of a store: its files as relative paths with slashes, sorted by code point.

    Parameters
    ----------
    path : Path
        Folder of the store.
    chunks_only : bool
        Leave out what is named as a metadata document: .zarray, .zattrs, .zgroup, .zmetadata and zarr.json. The tool
        of the peer knows Zarr version 2 only, and counts the last as a chunk.

    Raises
    ------
    InvalidInput
        Where the path is no folder, or one in it can't be read.
    """
    if not path.is_dir():
        raise InvalidInput(f"{path} is no folder: a store is the folder that holds its groups and arrays")
    keys = []
    for folder, _, files in os.walk(path, onerror=_refuse):
        inside = Path(folder).relative_to(path)
        keys += [(inside / name).as_posix() for name in files if not (chunks_only and name in DOCUMENTS)]
    return sorted(keys)


def _refuse(error: OSError) -> None:
    raise InvalidInput(f"{error.filename} can't be read ({error.strerror}); a checksum needs every object") from error


def _digest_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _md5).digest()


def _digest_pair(pair: list[bytes]) -> bytes:
    return _md5(pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0]
