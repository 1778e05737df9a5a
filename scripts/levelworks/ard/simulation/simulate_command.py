"""Arguments and run of ``levelworks simulate ard``."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
from pathlib import Path

from levelworks.ard.simulation.scene_description import DAMAGES

log = logging.getLogger("levelworks")

SENSORS = {
    "landsat4": "LND04",
    "landsat5": "LND05",
    "landsat7": "LND07",
    "landsat8": "LND08",
    "landsat9": "LND09",
    "sentinel2a": "SEN2A",
    "sentinel2b": "SEN2B",
    "sentinel2c": "SEN2C",
    "sentinel2d": "SEN2D",
}
REVISIT = 8
"""Days between the scenes of a sensor."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes simulated images."""
    parser.add_argument(
        "--sensor", nargs="+", choices=tuple(SENSORS), default=["landsat8"], help="which (default landsat8)"
    )
    parser.add_argument("--scenes", type=int, default=1, help="scenes of each sensor, 8 days apart (default 1)")
    parser.add_argument(
        "--size",
        type=int,
        default=600,
        help="pixels along a side, 6 to 10980; 0 for a whole frame or tile (default 600)",
    )
    parser.add_argument(
        "--place", type=float, nargs=2, default=(12.85, 51.7), metavar=("LON", "LAT"), help="of the middle, degrees"
    )
    parser.add_argument("--zone", type=int, help="UTM zone (default: the one of the place)")
    parser.add_argument("--day", default="2018-08-24", help="of the first scene, YYYY-MM-DD (default 2018-08-24)")
    parser.add_argument(
        "--path-row", type=int, nargs=2, default=(193, 24), metavar=("PATH", "ROW"), help="of Landsat (default 193 24)"
    )
    parser.add_argument("--baseline", default="05.09", help="of Sentinel-2 (default 05.09)")
    parser.add_argument("--aod", type=float, default=0.15, help="aerosol optical depth at 550 nm (default 0.15)")
    parser.add_argument("--water-vapour", type=float, default=2.0, help="g cm-2 (default 2)")
    parser.add_argument("--clouds", type=float, default=0.15, help="share of pixels under clouds (default 0.15)")
    parser.add_argument("--cirrus", type=float, default=0.0, help="share of pixels under cirrus (default 0)")
    parser.add_argument("--relief", type=float, default=0.0, help="metres from lowest to highest ground (default 0)")
    parser.add_argument("--snow", type=float, default=0.0, help="share of the ground under snow (default 0)")
    parser.add_argument("--brdf", action="store_true", help="let the directions of sun and view matter")
    parser.add_argument("--no-adjacency", action="store_true", help="no light from the surroundings")
    parser.add_argument("--no-noise", action="store_true", help="a perfect instrument")
    parser.add_argument("--archive", choices=("tar", "tar.gz"), help="pack granules; those of Sentinel-2 as zip")
    parser.add_argument(
        "--truth", choices=("full", "masks", "none"), default="full", help="what stands beside (default full)"
    )
    parser.add_argument("--damage", choices=DAMAGES, help="make the last scene of each sensor a bad one")
    parser.add_argument("--seed", type=int, default=0, help="base seed (default 0)")


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Write scenes and the truth beside each: the same ground for all sensors and days, clouds of their own.

    Raises
    ------
    InvalidOptions
        Where a value is out of range.
    """
    from levelworks.ard.simulation import damage, simulate, simulated_campaigns
    from levelworks.core.outcome import InvalidOptions
    from levelworks.core.progress import track

    if arguments.scenes < 1:
        raise InvalidOptions(f"--scenes: {arguments.scenes}; at least 1")
    try:
        first = dt.date.fromisoformat(arguments.day)
    except ValueError:
        raise InvalidOptions(f"--day: {arguments.day!r} is no day YYYY-MM-DD") from None
    work = [
        (
            simulated_campaigns.describe(SENSORS[sensor], first + dt.timedelta(REVISIT * number), number, arguments),
            number,
        )
        for sensor in arguments.sensor
        for number in range(arguments.scenes)
    ]
    for description, number in track(work, len(work), "scenes simulated"):
        if arguments.damage and number == arguments.scenes - 1:
            damage.simulate_damaged(description, folder, arguments.damage)
        else:
            simulate.simulate(description, folder)
    log.info("%d scenes in %s", len(work), folder)
