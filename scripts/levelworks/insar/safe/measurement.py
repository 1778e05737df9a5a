"""Pixels of bursts, read in place from SAFE folders and zips: by offset where lines are plain, else by GDAL."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.burst import Burst
from levelworks.insar.safe.package import Package, open_package
from levelworks.insar.safe.tiff_layout import TiffLayout, read_layout

PAIR = np.dtype("<i2")
READ_ERRORS = (OSError, EOFError, zipfile.BadZipFile, zlib.error)


class Measurement:
    """One measurement file, open for reading bursts. Use as a context.

    In a zip that compresses it, bursts are read in the order of their lines: each further back starts anew.
    """

    def __init__(self, package: Package, member: str) -> None:
        """Open a file of a product.

        Raises
        ------
        InvalidInput
            Where it is absent, empty, no TIFF or truncated before its directory.
        """
        self.name = f"{package.path}: {member}"
        self.size = package.members.get(member, 0)
        if self.size == 0:
            raise InvalidInput(f"{self.name} is {'empty' if member in package.members else 'absent'}: fetch it again")
        self._package, self._member = package, member
        self._stack = ExitStack()
        self._place = package.in_place(member)
        self._start = self._place[1] if self._place else 0
        if self._place:
            self.size = min(self.size, self._place[0].stat().st_size - self._start)
        self.layout = self._read_layout()
        self._file = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def available(self, burst: Burst) -> bool:
        """Return whether all lines of a burst lie inside the file, as far as its size shows."""
        return (burst.source.index + 1) * burst.lines <= self.layout.whole

    def read(self, burst: Burst, lines: tuple[int, int] | None = None) -> np.ndarray:
        """Read lines of a burst.

        Parameters
        ----------
        burst : Burst
        lines : tuple of int, optional
            First line and the one after the last; all where it isn't given.

        Returns
        -------
        ndarray, shape (lines, samples), complex64
            Digital numbers as they are.

        Raises
        ------
        InvalidInput
            Where the file is truncated, damaged, or of another size than the burst's annotation says.
        """
        if self.layout.plain:
            return self.read_pairs(burst, lines).astype(np.float32).view(np.complex64)[..., 0]
        first, count = self._rows(burst, lines)
        return self._read_by_gdal(first, count)

    def read_pairs(self, burst: Burst, lines: tuple[int, int] | None = None) -> np.ndarray:
        """Read lines of a burst as they are stored, int16 (lines, samples, 2), where the layout is plain; see `read`.

        Kernels that convert and deramp at once take these.
        """
        first, count = self._rows(burst, lines)
        size = count * burst.samples * 4
        try:
            self._file.seek(self._start + self.layout.offset + first * burst.samples * 4)
            content = self._file.read(size)
        except READ_ERRORS as error:
            raise InvalidInput(f"{self.name} can't be read ({error}): fetch the product again") from None
        if len(content) < size:
            raise InvalidInput(
                f"{self.name} is truncated: burst {burst.id} of {burst.swath} needs {size} bytes "
                f"and has {len(content)}: fetch the product again"
            )
        return np.frombuffer(content, PAIR).reshape(count, burst.samples, 2)

    def _rows(self, burst: Burst, lines: tuple[int, int] | None) -> tuple[int, int]:
        """Return the first line in the file and the number of lines of a part of a burst."""
        first, stop = lines or (0, burst.lines)
        if self.layout.samples != burst.samples or self.layout.lines % burst.lines:
            raise InvalidInput(
                f"{self.name} has {self.layout.lines} lines of {self.layout.samples} samples, "
                f"its annotation bursts of {burst.lines} by {burst.samples}"
            )
        return burst.source.index * burst.lines + first, stop - first

    def _open(self) -> IO[bytes]:
        if self._place:
            return self._stack.enter_context(self._place[0].open("rb"))
        return self._stack.enter_context(self._package.open(self._member))

    def _read_layout(self) -> TiffLayout:
        try:
            with self._package.open(self._member) as file:
                return read_layout(file, self.name, self.size)
        except READ_ERRORS as error:
            raise InvalidInput(f"{self.name} can't be read ({error}): fetch the product again") from None

    def _read_by_gdal(self, row: int, count: int) -> np.ndarray:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
        from rasterio.windows import Window

        inside = f"{self._package.root}{self._member}"
        path = f"/vsizip/{self._package.path}/{inside}" if self._package.archived else self._package.path / inside
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                with rasterio.open(path) as file:
                    pixels = file.read(1, window=Window(0, row, file.width, count))
        except RasterioError as error:
            raise InvalidInput(f"{self.name} can't be read ({error}): fetch the product again") from None
        if not np.iscomplexobj(pixels):
            raise InvalidInput(f"{self.name} holds {pixels.dtype} pixels, not complex ones")
        return np.ascontiguousarray(pixels, np.complex64)


def read_burst(burst: Burst, lines: tuple[int, int] | None = None) -> np.ndarray:
    """Read lines (all, where none are given) of one burst, complex64 (lines, samples).

    Raises
    ------
    InvalidInput
        As `Measurement` does.
    """
    with Measurement(open_package(Path(burst.source.product)), burst.source.member) as file:
        return file.read(burst, lines)


def find_damage(bursts: Sequence[Burst]) -> dict[str, str]:
    """Return, by the bursts' keys, why pixels can't be read: file absent, empty, no TIFF, or truncated before them.

    Only headers and sizes are looked at.
    """
    damage: dict[str, str] = {}
    for product, member in sorted({(burst.source.product, burst.source.member) for burst in bursts}):
        inside = [burst for burst in bursts if (burst.source.product, burst.source.member) == (product, member)]
        try:
            with Measurement(open_package(Path(product)), member) as file:
                for burst in inside:
                    if not file.available(burst):
                        damage[burst.key] = (
                            f"{file.name} is truncated: it has {file.size} bytes, "
                            f"burst {burst.id} of {burst.swath} lies beyond"
                        )
        except InvalidInput as error:
            damage.update({burst.key: str(error) for burst in inside})
    return damage
