"""Finding the target of an OCO-2 capture, whose soundings name none, by the four methods of the peer's box tools.

`nearest_target` is what captures are cut by; these serve to make and to check boxes before there are any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import great_circle_km, mean_position
from levelworks.xco2.granule import Granule
from levelworks.xco2.targets import Target

Method: TypeAlias = Literal["all_deg", "all_km", "cent_deg", "cent_km"]
METHODS: tuple[Method, ...] = get_args(Method)
BLOCK = 1024
"""Soundings that are compared with all targets at once."""

Floats = NDArray[np.float64]


def infer_target(
    granule: Granule,
    capture_indices: NDArray[np.integer],
    targets: Mapping[str, Target],
    method: Method,
    outlier: float | None = None,
) -> Target | None:
    """Find the target that a capture was taken of.

    Parameters
    ----------
    granule : Granule
    capture_indices : ndarray of int
        Positions of the capture's soundings in the granule; those without a centre are left aside.
    targets : mapping of str to Target
        By id. Of equally near ones the first wins.
    method : {"all_deg", "all_km", "cent_deg", "cent_km"}
        ``all`` takes the target to which most soundings are nearest, of equally many the one of the first sounding;
        ``cent`` the one nearest to their mean position. ``deg`` measures plain distances in degrees, neither scaled by
        latitude nor wrapped, and a plain mean, as OCO3-data-transformer does; ``km`` great circles, and a mean that
        is safe at the antimeridian, where the peer takes geodesics and the plain mean.
    outlier : float, optional
        Greatest distance (degrees or km, by method) of a sounding or of the mean position from its target's centre;
        what is farther counts for none.

    Returns
    -------
    Target or None
        None where nothing is near, or no sounding has a position.

    Raises
    ------
    InvalidOptions
        Where the method is unknown or the outlier distance is not above 0.
    """
    if method not in METHODS:
        raise InvalidOptions(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
    if outlier is not None and not outlier > 0:
        raise InvalidOptions(f"outlier must be a distance above 0 or none, not {outlier!r}")
    lon, lat = granule.longitude[capture_indices], granule.latitude[capture_indices]
    located = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = lon[located], lat[located]
    choice = list(targets.values())
    if lon.size == 0 or not choice:
        return None
    in_km = method.endswith("km")
    if method.startswith("cent"):
        mean = mean_position(lon, lat) if in_km else (float(lon.mean()), float(lat.mean()))
        lon, lat = np.array([mean[0]]), np.array([mean[1]])
    # A counter keeps the order of first sight, and its most common one is the first of equals.
    votes: Counter[int] = Counter()
    for first in range(0, lon.size, BLOCK):
        block = slice(first, first + BLOCK)
        nearest, distance = _nearest(lon[block], lat[block], choice, in_km)
        votes.update(nearest[distance <= (np.inf if outlier is None else outlier)].tolist())
    return choice[votes.most_common(1)[0][0]] if votes else None


def _nearest(lon: Floats, lat: Floats, choice: Sequence[Target], in_km: bool) -> tuple[NDArray[np.intp], Floats]:
    """Return for each position the number of the nearest target, and the distance of its centre."""
    centre_lon, centre_lat = np.array([target.centre for target in choice]).T
    if in_km:
        distances = great_circle_km(lon[:, None], lat[:, None], centre_lon, centre_lat)
    else:
        distances = np.hypot(lon[:, None] - centre_lon, lat[:, None] - centre_lat)
    nearest = distances.argmin(axis=1)
    return nearest, np.take_along_axis(distances, nearest[:, None], axis=1)[:, 0]
