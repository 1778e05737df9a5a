"""Connected components: areas inside which unwrapped phase can be compared."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from levelworks.insar.unwrapping.components_kernels import count_cuts, label_components

MOST_COMPONENTS = 65535


def connected_components(
    unwrapped: np.ndarray,
    valid: np.ndarray,
    *,
    least_fraction: float = 0.01,
    least_pixels: int = 100,
    window: int = 7,
    most_cuts: float = 0.1,
) -> np.ndarray:
    """Label the areas inside which no boundary of cycles has to be crossed.

    Parameters
    ----------
    unwrapped : ndarray, shape (rows, columns), float32
        rad.
    valid : ndarray, shape (rows, columns), bool
    least_fraction : float
        Of the valid pixels, that a component has at least.
    least_pixels : int
        That a component has at least, too; not more than there are.
    window : int
        Pixels, side of the square in which cuts are counted.
    most_cuts : float
        Share of neighbours in the window that differ by over half a cycle, above which a pixel is in no component:
        where phase is noise, cycles are arbitrary although some way around every cut exists.

    Returns
    -------
    ndarray, shape (rows, columns), uint16
        1 is the largest; 0 is no data or no component.
    """
    valid = np.ascontiguousarray(valid, np.bool_)
    phase = np.ascontiguousarray(np.where(valid, unwrapped, 0), np.float32)
    cuts, edges = np.empty(phase.shape, np.float32), np.empty(phase.shape, np.float32)
    count_cuts(phase, valid, cuts, edges)
    near = {"size": window, "mode": "constant"}
    torn = ndimage.uniform_filter(cuts, **near) > most_cuts * ndimage.uniform_filter(edges, **near) + 1e-6
    total = int(np.count_nonzero(valid))
    labels = np.empty(phase.shape, np.int32)
    label_components(phase, valid & ~torn, labels)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    least = max(least_fraction * total, min(least_pixels, total), 1)
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] >= least][:MOST_COMPONENTS]
    numbers = np.zeros(sizes.size, np.uint16)
    numbers[order] = np.arange(1, order.size + 1)
    return numbers[labels]
