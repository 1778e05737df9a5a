"""Opening Level-1 frames and calibration references: units, shapes and levels are asserted, nothing is computed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.coronagraph.geometry import Geometry, choose_geometry
from levelworks.coronagraph.headers import Level1Header, read_level1_header
from levelworks.coronagraph.nonlinearity import NonlinearityTable, parse_table


@dataclass(frozen=True)
class Level1Frame:
    """A raw frame: its header, its geometry, and its pixels as stored; `counts` gives DN."""

    name: str
    header: Level1Header
    geometry: Geometry
    stored: np.ndarray

    def counts(self, rows: slice, columns: slice) -> np.ndarray:
        """Return raw counts (DN) of a part of the frame: uint16 for the usual unsigned 16-bit file, else float64.

        Only the part asked for is read from the file.
        """
        part = self.stored[rows, columns]
        if part.dtype != np.dtype(">i2"):
            return np.asarray(part, dtype=np.float64)
        # Flipping the top bit of the stored signed integer adds the zero point of 32768.
        native = part.byteswap().view(np.uint16)
        native ^= np.uint16(0x8000)
        return native


def read_level1(path: Path) -> Level1Frame:
    """Read a Level-1 frame of either header generation.

    Raises
    ------
    InvalidInput
        Where the file is truncated, of another level, or of a shape that fits no geometry.
    """
    header = read_level1_header(path)
    if header.level != "L1":
        raise InvalidInput(f"{path.name}: data level is {header.level or 'not given'}, Level 1 (L1) is needed")
    geometry = choose_geometry(header.shape, header.array_type)
    unsigned = header.image.get("BITPIX") == 16 and header.image.get("BZERO") == 32768
    size = header.shape[0] * header.shape[1] * abs(int(header.image.get("BITPIX", 8))) // 8
    present = path.stat().st_size - header.data_offset
    if present < size:
        raise InvalidInput(f"{path.name}: truncated, {present} of {size} bytes of the image are there")
    if unsigned:
        stored: np.ndarray = np.memmap(path, dtype=">i2", mode="r", offset=header.data_offset, shape=header.shape)
    else:
        with fits.open(path, memmap=False) as units:
            stored = np.asarray(units[1].data, dtype=np.float64)
    return Level1Frame(path.name.split(".")[0], header, geometry, np.asarray(stored))


def read_any_map(path: Path, what: str) -> np.ndarray:
    """Read a calibration map: the first two-dimensional image of a FITS file, as float64.

    Parameters
    ----------
    what : str
        The configuration key, for messages.

    Raises
    ------
    InvalidReference
        Where the file can't be read or holds no such image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=fits.verify.VerifyWarning)
            with fits.open(path, memmap=False) as units:
                images = [unit.data for unit in units if unit.is_image and unit.header["NAXIS"] == 2]
    except (OSError, TypeError, ValueError) as error:
        raise InvalidReference(f"{what}: {path} can't be read as FITS ({error})") from None
    if not images:
        raise InvalidReference(f"{what}: {path} holds no two-dimensional image")
    return np.asarray(images[0], dtype=np.float64)


def read_map(path: Path, shape: tuple[int, int], what: str) -> np.ndarray:
    """Read a calibration map of the image region's shape, see `read_any_map`.

    Raises
    ------
    InvalidReference
        Where it has another shape, too.
    """
    image = read_any_map(path, what)
    if image.shape != shape:
        raise InvalidReference(
            f"{what}: {path} has {image.shape[0]}x{image.shape[1]} pixels, the image region {shape[0]}x{shape[1]}"
        )
    return image


def read_nonlinearity(path: Path) -> NonlinearityTable:
    """Read a nonlinearity table.

    Raises
    ------
    InvalidReference
        Where the file can't be read or is no such table.
    """
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidReference(f"references.nonlinearity: {path} can't be read ({error})") from None
    return parse_table(text, f"references.nonlinearity: {path.name}")
