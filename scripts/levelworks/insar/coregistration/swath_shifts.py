"""Azimuth shifts swath by swath, of the double differences of their overlaps, and what records say of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from levelworks.insar.coregistration.refinement_options import CoherentCells
from levelworks.insar.refinement.overlaps import Overlap, OverlapCells
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate, estimate_shift


def estimate_swaths(
    overlaps: Sequence[Overlap], cells: Sequence[OverlapCells], options: CoherentCells
) -> dict[str, ShiftEstimate]:
    """Estimate the shift that the overlaps of each swath have in common.

    Parameters
    ----------
    overlaps : sequence of Overlap
    cells : sequence of OverlapCells
        Of each overlap.
    options : CoherentCells

    Returns
    -------
    dict of str to ShiftEstimate
        By swath (``iw1``, ...), in order; degraded where too little is coherent.
    """
    return {
        swath: estimate_shift(
            [one for overlap, one in zip(overlaps, cells, strict=True) if overlap.first.startswith(swath)],
            options.thresholds,
            options.least_cells,
            options.least_share,
            options.most_spread,
        )
        for swath in sorted({overlap.first.split("_")[0] for overlap in overlaps})
    }


def describe_estimate(estimate: ShiftEstimate) -> dict[str, float | str | None]:
    """Return what a record says of a swath."""
    sure = np.isfinite(estimate.sigma)
    return {
        "line": estimate.line if sure else None,
        "sigma": estimate.sigma if sure else None,
        "period": estimate.period if np.isfinite(estimate.period) else None,
        "threshold": estimate.threshold,
        "cells": estimate.cells,
        "cells_used": estimate.used,
        "coherence": round(estimate.coherence, 5),
        "degraded": estimate.degraded,
    }
