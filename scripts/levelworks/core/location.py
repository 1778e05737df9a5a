"""Places of files as people write them: plain paths and URLs."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import InvalidOptions

LOCAL_PROTOCOLS = (None, "file", "local")


def local_path(location: str, where: str) -> Path:
    """Return the path of a plain path or a ``file://`` URL.

    Parameters
    ----------
    location : str
        What follows ``file://`` is taken as it is, as fsspec does: three slashes make it absolute.
    where : str
        The key that names it: the start of every message.

    Raises
    ------
    InvalidOptions
        Where it is of another protocol (``s3://``, ``https://``, chains of fsspec), or names nothing.
    """
    if ":" not in location and location.strip():
        return Path(location)
    # Imported here: it takes a tenth of a second, and few campaigns name URLs.
    from fsspec.core import split_protocol

    protocol, path = split_protocol(location)
    if protocol not in LOCAL_PROTOCOLS:
        raise InvalidOptions(
            f"{where}: {location}: only files of this machine's file systems can be read so far; stage them first"
        )
    if protocol is None and path.startswith("file:/"):
        path = path.removeprefix("file:")
    if not path.strip():
        raise InvalidOptions(f"{where}: {location!r} names no file or folder")
    return Path(path)
