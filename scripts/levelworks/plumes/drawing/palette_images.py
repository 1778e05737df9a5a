"""Map overlays as small PNG files: at most 255 colours and one transparent."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from levelworks.core.plots import Limits

TRANSPARENT = 0
CLASSES = 20
"""Colours of a map of classes; labels beyond take them anew."""


def scalar_colours(name: str) -> np.ndarray:
    """Return 255 colours of a colour map, uint8 (255, 3)."""
    return np.rint(mpl.colormaps[name](np.linspace(0, 1, 255))[:, :3] * 255).astype(np.uint8)


def class_colours(name: str) -> np.ndarray:
    """Return the colours of classes, uint8 (20, 3), neighbours in number far apart in shade."""
    chosen = [(number * 4) % CLASSES + number * 4 // CLASSES for number in range(CLASSES)]
    return np.rint(mpl.colormaps[name](chosen)[:, :3] * 255).astype(np.uint8)


def scalar_codes(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Return palette numbers, uint8: 1 to 255 from the lower to the upper limit and beyond, 0 where not finite."""
    present = np.isfinite(values)
    share = np.clip((np.where(present, values, limits[0]) - limits[0]) / (limits[1] - limits[0]), 0, 1)
    return np.where(present, 1 + np.minimum((share * 255).astype(np.int64), 254), TRANSPARENT).astype(np.uint8)


def class_codes(labels: np.ndarray) -> np.ndarray:
    """Return palette numbers of labels, uint8: 0 for the background, then 1 to 20 over and over."""
    return np.where(labels > 0, 1 + (labels - 1) % CLASSES, TRANSPARENT).astype(np.uint8)


def quantised(colours: np.ndarray, present: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return palette numbers (uint8, 1 on; 0 where absent) and up to ``most`` colours (n, 3) of a picture in colour.

    Parameters
    ----------
    colours : ndarray of uint8, shape (rows, columns, 3)
    present : ndarray of bool, shape (rows, columns)
    """
    codes = np.zeros(present.shape, dtype=np.uint8)
    if not present.any():
        return codes, np.zeros((1, 3), dtype=np.uint8)
    strip = Image.fromarray(np.ascontiguousarray(colours[present][np.newaxis]), "RGB")
    reduced = strip.quantize(most, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    numbers = np.asarray(reduced)[0]
    codes[present] = numbers + 1
    table = np.asarray(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)
    return codes, table[: int(numbers.max()) + 1]


def write_overlay(path: Path, codes: np.ndarray, colours: np.ndarray) -> int:
    """Write palette numbers as a PNG whose number 0 is transparent; return its size in bytes."""
    image = Image.fromarray(codes, "P")
    image.putpalette(np.concatenate([np.zeros((1, 3), dtype=np.uint8), colours]).tobytes())
    held = io.BytesIO()
    image.save(held, format="PNG", transparency=TRANSPARENT, compress_level=6)
    path.write_bytes(held.getvalue())
    return len(held.getvalue())
