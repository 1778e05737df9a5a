"""What the writers of Level-1 files take: a simulated scene that gives its radiance by blocks of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import numpy as np

from levelworks.plumes.scene import Geometry, Spectral

BLOCK_ROWS = 64


class WrittenScene(Protocol):
    """A scene to be written."""

    @property
    def rows(self) -> int:
        """Lines along the track."""

    @property
    def columns(self) -> int:
        """Detector columns."""

    @property
    def spectral(self) -> Spectral:
        """Bands of `radiance`."""

    @property
    def geometry(self) -> Geometry:
        """Places and angles of all pixels."""

    @property
    def start(self) -> datetime:
        """Time of the first row, in UTC."""

    def radiance(self, rows: range) -> np.ndarray:
        """Return (rows, columns, bands) float32, uW cm-2 sr-1 nm-1; not a number where there is none."""


def blocks(rows: int) -> Iterator[range]:
    """Return the rows of a scene in blocks."""
    for first in range(0, rows, BLOCK_ROWS):
        yield range(first, min(first + BLOCK_ROWS, rows))


def serial_number(scene: WrittenScene, digits: int) -> str:
    """Return a number of so many digits made of a scene's time and place: the same scene has the same everywhere."""
    middle = (scene.rows // 2, scene.columns // 2)
    place = f"{scene.geometry.longitude[middle]:.4f} {scene.geometry.latitude[middle]:.4f}"
    digest = hashlib.sha256(f"{scene.start.isoformat()} {place}".encode()).digest()
    return f"{int.from_bytes(digest[:8]) % 10**digits:0{digits}d}"
