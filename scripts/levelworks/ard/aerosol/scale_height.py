"""How fast aerosol thins out with elevation: the scale height, from targets at different elevations (spec 13.5)."""

from __future__ import annotations

import numpy as np

STANDARD = 2000.0
"""Metres, as 6S has it; kept where elevations don't differ enough."""
LOWEST, HIGHEST = 1200.0, 8000.0
LEAST_RANGE = 300.0
"""Metres between the 5th and 95th percentile of targets below which nothing is estimated."""
LEAST_BLOCKS = 10
PRIOR_SPREAD = 0.35
"""Standard deviation of the logarithm of the scale height about the standard."""
REGIONAL = 0.2
"""Share by which AOD varies between places at one elevation."""
ALIKE_BLOCKS = 20.0
"""Blocks that vary together and count as one."""


def aerosol_scale_height(aod: np.ndarray, error: np.ndarray, elevation: np.ndarray) -> float:
    """Estimate the scale height H of AOD(z) = AOD(0) exp(-z / H).

    Parameters
    ----------
    aod, error : ndarray, shape (blocks,)
        At the elevation of each block.
    elevation : ndarray, shape (blocks,)
        Metres.

    Returns
    -------
    float
        Metres, within 1200 and 8000; the likeliest under a log-normal prior about 2000.
    """
    known = np.isfinite(aod) & np.isfinite(error) & np.isfinite(elevation)
    aod, error, elevation = aod[known], error[known], elevation[known]
    if len(aod) < LEAST_BLOCKS or np.ptp(np.percentile(elevation, (5, 95))) < LEAST_RANGE:
        return STANDARD
    heights = np.geomspace(LOWEST, HIGHEST, 60)
    usual = np.median(aod) * np.exp((np.median(elevation) - elevation) / STANDARD)
    weight = 1.0 / (error**2 + (REGIONAL * usual) ** 2) / ALIKE_BLOCKS
    shape = np.exp(-elevation / heights[:, None])
    level = (weight * aod * shape).sum(axis=1) / (weight * shape**2).sum(axis=1)
    cost = (weight * (aod - level[:, None] * shape) ** 2).sum(axis=1)
    cost += (np.log(heights / STANDARD) / PRIOR_SPREAD) ** 2
    return float(heights[np.argmin(cost)])
