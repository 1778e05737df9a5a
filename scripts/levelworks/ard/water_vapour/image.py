"""Water vapour of a whole Sentinel-2 image, by blocks of rows on ranks."""

from __future__ import annotations

import numpy as np

from levelworks.ard.atmosphere.tables import Tables
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.quality import BY_NAME, NO_DATA
from levelworks.ard.scratch import Scratch
from levelworks.ard.water_vapour.retrieve import BANDS, WaterVapourMap, WaterVapourRetrieval
from levelworks.core import mpi

BLOCK = 510
"""Rows worked on at a time: whole pixels of 60 m."""
FALLBACK = 2.0
"""g cm-2 at sea level where an image has no clear bright land."""
UNFIT = NO_DATA | BY_NAME["cloud"].mask | BY_NAME["shadow"].mask | BY_NAME["snow"].mask | BY_NAME["water"].mask


def image_water_vapour(
    level1: Level1, flags: Scratch, elevation: np.ndarray, tables: Tables, ozone: float
) -> WaterVapourMap:
    """Retrieve the water vapour of an image; every rank returns the same.

    Parameters
    ----------
    flags : Scratch, uint16
        Quality bits of the masks.
    elevation : ndarray
        On the field, metres.
    ozone : float
        atm-cm.
    """
    retrieval = WaterVapourRetrieval(tables, level1.angles, elevation, ozone)
    with mpi.together(level1.communicator):
        for rows in level1.blocks(BLOCK):
            land = (flags.read(rows.start, rows.stop) & UNFIT) == 0
            retrieval.add(rows.start, level1.stack(BANDS, rows.start, rows.stop), land)
    parts = level1.communicator.allgather((retrieval.counts, retrieval.sums))
    for index, part in enumerate(parts):
        if index != level1.communicator.rank:
            retrieval.merge(*part)
    return retrieval.map(FALLBACK)
