"""The EMIT Level-2A mask of a scene: clouds, cirrus, water, saturation and water vapour (specs/plumes.md 4.3, 5.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers import emit_layout as layout
from levelworks.plumes.readers.hdf5_files import dataset, open_hdf5

BITS = np.array([byte.bit_count() for byte in range(256)], dtype=np.int32)


def read_masks(
    path: Path, radiance: Path, shape: tuple[int, int], notes: list[str]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return flags (rows, columns) and attributes of a mask file.

    Parameters
    ----------
    radiance : Path
        The granule that it must go with.
    shape : tuple of int
        Rows and columns of the granule.
    notes : list of str
        What is missing is added here.

    Returns
    -------
    dict
        Of cloud, cirrus, water, dilated_cloud and, where the file tells replaced elements, saturated.
    dict
        ``water_vapour``, g cm-2, where the file has it.

    Raises
    ------
    InvalidInput
        Where the file is of another scene or shape, or has no flags at all.
    """
    with open_hdf5(path) as file:
        cube = dataset(file, "mask", path, dimensions=3)
        if cube.shape[:2] != shape:
            raise InvalidInput(f"{path}: mask has shape {cube.shape[:2]} and {radiance.name} {shape}: another scene?")
        names = [str(name).strip().lower() for name in _names(file, path)]
        values = np.asarray(cube[...], dtype=np.float32)
        packed = np.asarray(file["band_mask"][...]) if "band_mask" in file else None
    if len(names) != values.shape[2]:
        raise InvalidInput(f"{path}: {len(names)} names of flags and {values.shape[2]} flags")
    masks = {key: values[..., names.index(name)] > 0 for key, name in layout.FLAGS.items() if name in names}
    if not masks:
        raise InvalidInput(f"{path} has none of the flags {', '.join(layout.FLAGS.values())}")
    absent = [name for name in layout.FLAGS.values() if name not in names]
    if absent:
        notes.append(f"The mask file has no {' and no '.join(absent)}.")
    if packed is not None and packed.ndim == 3 and packed.shape[:2] == shape:
        masks["saturated"] = saturated(packed)
    attributes: dict[str, Any] = {}
    for number, name in enumerate(names):
        vapour = values[..., number]
        known = vapour[(vapour != layout.FILL) & np.isfinite(vapour)]
        if name.startswith(layout.WATER_VAPOUR) and known.size:
            attributes["water_vapour"] = float(np.median(known))
    return masks, attributes


def saturated(packed: np.ndarray) -> np.ndarray:
    """Return which pixels have more replaced elements than their column always has.

    Parameters
    ----------
    packed : (rows, columns, bytes) uint8
        One bit a band.
    """
    count = BITS[packed.astype(np.uint8)].sum(axis=2)
    return np.asarray(count > count.min(axis=0))


def _names(file: Any, path: Path) -> np.ndarray:
    return np.asarray(dataset(file, "sensor_band_parameters/mask_bands", path).asstr()[...])
