"""Radiometric calibration and thermal noise of a swath, at any of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.elements import Element, parse_xml


@dataclass(frozen=True)
class RadiometricTable:
    """Values on lines and samples of the whole image of a swath; lines (n,), samples (m,), values (n, m), float64."""

    lines: np.ndarray
    samples: np.ndarray
    values: np.ndarray

    def at(self, lines: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """Return values on a grid of lines and samples of the image, bilinear and clamped, (lines, samples)."""
        across = np.stack([np.interp(samples, self.samples, row) for row in self.values])
        place = np.clip(np.interp(lines, self.lines, np.arange(self.lines.size)), 0, self.lines.size - 1)
        before = np.minimum(place.astype(np.int64), max(self.lines.size - 2, 0))
        after = np.minimum(before + 1, self.lines.size - 1)
        share = (place - before)[:, None]
        return np.asarray(across[before] * (1 - share) + across[after] * share)


def read_calibration(content: bytes, file: str, quantity: str = "sigmaNought") -> RadiometricTable:
    """Read what amplitudes are divided by: backscatter is ``(|DN| / value)^2``.

    Parameters
    ----------
    content, file : bytes, str
        Of ``annotation/calibration/calibration-*.xml``, and its name.
    quantity : {"sigmaNought", "betaNought", "gamma"}

    Raises
    ------
    InvalidInput
        Where it is damaged or lists no vectors.
    """
    vectors = parse_xml(content, file).all("calibrationVectorList/calibrationVector")
    return _table(list(vectors), quantity, file)


def read_noise(content: bytes, file: str) -> RadiometricTable:
    """Read the thermal noise power along range (DN squared) of ``annotation/calibration/noise-*.xml``.

    Raises
    ------
    InvalidInput
        Where it is damaged or lists no vectors.
    """
    root = parse_xml(content, file)
    vectors = list(root.all("noiseRangeVectorList/noiseRangeVector"))
    if vectors:
        return _table(vectors, "noiseRangeLut", file)
    return _table(list(root.all("noiseVectorList/noiseVector")), "noiseLut", file)  # of processors before 2.90


def _table(vectors: list[Element], name: str, file: str) -> RadiometricTable:
    if not vectors:
        raise InvalidInput(f"{file} lists no vectors: fetch the product again")
    samples = np.array(vectors[0].numbers("pixel"))
    rows = []
    for vector in vectors:
        own = np.array(vector.numbers("pixel"))
        rows.append(np.interp(samples, own, vector.numbers(name, own.size)))
    lines = np.array([vector.number("line") for vector in vectors])
    if (np.diff(lines) <= 0).any() or (np.diff(samples) <= 0).any():
        raise InvalidInput(f"{file}: lines or pixels are not in order: fetch the product again")
    return RadiometricTable(lines, samples, np.array(rows))
