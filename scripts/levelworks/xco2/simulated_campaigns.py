"""Sites and overpasses of simulated campaigns: who looks at what on which day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from levelworks.xco2.granule import Dataset, Mode
from levelworks.xco2.lite_times import day_start
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.simulate import random_stream
from levelworks.xco2.target_tools import Centre, targets_from_centres
from levelworks.xco2.targets import Target

SITES = (
    ("fossil0005", "Los Angeles", -118.25, 34.05),
    ("volcano0010", "Etna", 15.0, 37.75),
    ("tccon_lauder", "Lauder", 169.68, -45.04),
    ("fossil0100", "Delhi", 77.2, 28.6),
    ("fossil0042", "Sao Paulo", -46.6, -23.5),
    ("ecostress_us_var", "Vaira Ranch", -120.95, 38.41),
    ("sif_atto", "ATTO", -59.0, -2.15),
    ("val003", "Railroad Valley", -115.7, 38.5),
    ("fossil0077", "Taveuni", 179.95, -16.85),
    ("desert0004", "Libya 4", 23.4, 28.55),
)
"""Ids in the manner of the OCO-3 project, names, longitudes and latitudes; one lies on the antimeridian."""
HALF_WIDTH = 0.75
"""Of their boxes, degrees."""
FIRST_ORBIT = 1000
ORBITS_A_DAY = 15
PAUSE = 5400.0
"""Seconds from look to look: about an orbit."""


def campaign_targets(number: int) -> list[Target]:
    """Return targets of different kinds; beyond the ten named sites they repeat further north."""
    centres = []
    for count in range(number):
        name, title, longitude, latitude = SITES[count % len(SITES)]
        turn = count // len(SITES)
        extra = f"x{turn}" if turn else ""
        centres.append(
            Centre(f"{name}{extra}", f"{title} {turn + 1}" if turn else title, (longitude, latitude + 2 * turn))
        )
    return targets_from_centres(centres, HALF_WIDTH)


def looks_of_day(
    targets: Sequence[Target], day: dt.date, dataset: Dataset, *, looks: int, frames: int = 40, seed: int = 0
) -> list[Overpass]:
    """Return the overpasses of a day: other targets each day, area maps and target mode in turn.

    SIF has those of OCO-3; OCO-2 looks in target mode alone.

    Parameters
    ----------
    targets : sequence of Target
    day : datetime.date
    dataset : {"oco2", "oco3", "oco3_sif"}
    looks : int
        Number of overpasses; of each target one a day at most.
    frames : int
        Of each swath.
    seed : int
    """
    mission = "oco2" if dataset == "oco2" else "oco3"
    random = random_stream(f"campaign-{mission}-{day}", seed)
    chosen = random.permutation(len(targets))[: min(looks, len(targets))]
    first = FIRST_ORBIT + ORBITS_A_DAY * (day.toordinal() % 10000)
    found = []
    for number, which in enumerate(chosen):
        target = targets[which]
        mode = Mode.TARGET if mission == "oco2" or (day.toordinal() + number) % 3 == 0 else Mode.AREA_MAP
        found.append(
            Overpass(
                target_id=target.id,
                target_name=target.name,
                lon=target.centre[0],
                lat=target.centre[1],
                mode=mode,
                orbit=first + number,
                start_time=day_start(day) + 3000.0 + PAUSE * number + float(random.uniform(0, 600)),
                frames=frames,
            )
        )
    return found
