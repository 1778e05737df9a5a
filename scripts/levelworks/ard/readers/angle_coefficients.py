"""The angle coefficient file (``*_ANG.txt``) of a Landsat scene: exact directions to satellite and sun.

Source: USGS LSDS-1928. The coefficients hold for the full scene, wherever a clip of it lies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.ard.geometry.coefficient_kernels import add_directions
from levelworks.ard.geometry.places import centres
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

ASSIGNMENT = re.compile(r"(\w+)\s*=\s*(\([^)]*\)|\"[^\"]*\"|\S+)")
MAX_BYTES = 16 * 2**20
AXES = "XYZ"


@dataclass(frozen=True)
class AngleCoefficients:
    """The assignments of the file, as text; coefficients are read as bands are asked for."""

    path: Path
    tags: dict[str, str]

    @property
    def scene(self) -> str:
        """Return the identifier of the scene that the coefficients are of."""
        return self.tags.get("LANDSAT_SCENE_ID", "").strip('"')

    def directions(self, field: ImageGrid, bands: Sequence[str]) -> np.ndarray:
        """Return unit vectors to satellite and sun at the centres of cells, means over bands.

        Parameters
        ----------
        field : ImageGrid
            In the scene's projection.
        bands : sequence of str
            The agency's numbers, such as ``4`` or ``6_VCID_1``.

        Returns
        -------
        ndarray, shape (rows, columns, 2, 3)
            East, north and up; NaN where no band looked.

        Raises
        ------
        InvalidInput
            Where coefficients are missing.
        """
        totals = np.zeros((field.rows, field.columns, 2, 3))
        x, y = centres(field)
        west, north = self._numbers("UL_CORNER", 2)
        for band in bands:
            self._add(_group_of(band), x - west, north - y, totals)
        length = np.linalg.norm(totals, axis=-1, keepdims=True)
        return np.asarray(np.divide(totals, length, out=np.full_like(totals, np.nan), where=length > 0))

    def _add(self, group: str, x: np.ndarray, y: np.ndarray, totals: np.ndarray) -> None:
        pixel = self._numbers(f"{group}_PIXEL_SIZE", 1)[0]
        extent = np.array([self._numbers(f"{group}_NUM_L1R_{axis}", 1)[0] for axis in ("LINES", "SAMPS")])
        modules, means = self._modules(group, extent[1])
        add_directions(
            y / pixel,
            x / pixel,
            modules,
            means,
            np.concatenate([self._numbers(f"{group}_MEAN_{level}_LINE_SAMP", 2) for level in ("L1T", "L1R")]),
            extent,
            np.stack([self._numbers(f"{group}_MEAN_{kind}_VECTOR", 3) for kind in ("SAT", "SUN")]),
            self._terms(group, "NUM", 10),
            self._terms(group, "DEN", 9),
            totals,
        )

    def _terms(self, group: str, part: str, count: int) -> np.ndarray:
        return np.stack(
            [
                np.stack([self._numbers(f"{group}_{kind}_{axis}_{part}_COEF", count) for axis in AXES])
                for kind in ("SAT", "SUN")
            ]
        )

    def _modules(self, group: str, samples: float) -> tuple[np.ndarray, np.ndarray]:
        """Return image coefficients and means of the sensor chips of a push-broom, or of a scanner's two directions.

        The two directions of a scanner see the same place alike; the first stands for both.
        """
        chips = self.tags.get(f"{group}_NUMBER_OF_SCAS")
        names = [f"{group}_SCA{index + 1:02d}" for index in range(int(chips))] if chips else [f"{group}_DIR00"]
        coefficients = np.zeros((len(names), 2, 2, 5))
        means = np.zeros((len(names), 5))
        for index, name in enumerate(names):
            for axis, kind in enumerate(("LINE", "SAMP")):
                coefficients[index, axis, 0] = self._numbers(f"{name}_{kind}_NUM_COEF", 5)
                coefficients[index, axis, 1, :4] = self._numbers(f"{name}_{kind}_DEN_COEF", 4)
            means[index, :2] = self._numbers(f"{name}_MEAN_L1T_LINE_SAMP", 2)
            means[index, 2:4] = self._numbers(f"{name}_MEAN_L1R_LINE_SAMP", 2)
            means[index, 4] = index * samples
        return coefficients, means

    def _numbers(self, tag: str, count: int) -> np.ndarray:
        try:
            values = np.array([float(text) for text in self.tags[tag].strip("()").split(",")])
        except (KeyError, ValueError):
            raise InvalidInput(f"{self.path} has no {tag} in numbers: fetch the image again") from None
        if values.size != count or not np.isfinite(values).all():
            raise InvalidInput(f"{self.path}: {tag} has {values.size} numbers and not {count}: fetch the image again")
        return values


def read_angle_coefficients(path: Path) -> AngleCoefficients:
    """Read an angle coefficient file.

    Raises
    ------
    InvalidInput
        Where it can't be read or is none.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path} is larger than {MAX_BYTES} bytes: it is no angle coefficient file")
        content = path.read_bytes().replace(b"\0", b"").decode("utf-8", "replace")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror})") from None
    tags = {tag: value for tag, value in ASSIGNMENT.findall(content) if tag not in ("GROUP", "END_GROUP")}
    if "BAND_LIST" not in tags or "UL_CORNER" not in tags:
        raise InvalidInput(f"{path} has no BAND_LIST or UL_CORNER: it is no angle coefficient file of Landsat")
    return AngleCoefficients(path, tags)


def _group_of(band: str) -> str:
    """Return the prefix of a band's tags: ``4`` gives ``BAND04``, ``6_VCID_1`` gives ``BAND61``."""
    number = band.replace("_VCID_", "") if "_VCID_" in band else band
    return f"BAND{int(number):02d}"
