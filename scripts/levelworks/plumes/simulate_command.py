"""Arguments and run of ``levelworks simulate plumes``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Literal

log = logging.getLogger("levelworks")

SURFACES: tuple[Literal["desert", "cropland", "urban", "coast"], ...] = ("desert", "cropland", "urban", "coast")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes a campaign of simulated scenes."""
    parser.add_argument(
        "--sensor", nargs="+", choices=("EMIT", "EnMAP", "PRISMA"), default=["EMIT"], help="which (default EMIT)"
    )
    parser.add_argument("--scenes", type=int, default=2, help="scenes of each sensor (default 2)")
    parser.add_argument("--rows", type=int, default=320, help="lines of a scene (default 320)")
    parser.add_argument("--columns", type=int, default=200, help="detector columns of a scene (default 200)")
    parser.add_argument("--plumes", type=int, default=2, help="plumes of a scene (default 2)")
    parser.add_argument("--rate", type=float, default=10.0, help="mean emission rate in t/h (default 10)")
    parser.add_argument("--gas", choices=("ch4", "co2"), default="ch4", help="gas; co2 is SYNTHETIC (default ch4)")
    parser.add_argument(
        "--surface", choices=SURFACES, default=None, help="land cover of all scenes (default: one after the other)"
    )
    parser.add_argument("--wind", type=float, default=4.0, help="mean speed at ten metres in m/s (default 4)")
    parser.add_argument("--clouds", type=float, default=0.02, help="share of pixels under clouds (default 0.02)")
    parser.add_argument("--seed", type=int, default=0, help="base seed (default 0)")


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Write granules, the truth beside each, and the winds of their days.

    Raises
    ------
    InvalidOptions
        Where a number is out of range.
    """
    from levelworks.core.outcome import InvalidOptions
    from levelworks.core.progress import track
    from levelworks.plumes.simulation.simulated_campaigns import simulate_granule

    for name in ("scenes", "rows", "columns"):
        if getattr(arguments, name) < 1:
            raise InvalidOptions(f"--{name}: {getattr(arguments, name)}; at least 1")
    if arguments.plumes < 0:
        raise InvalidOptions(f"--plumes: {arguments.plumes}; at least 0")
    if arguments.rate <= 0 or arguments.wind <= 0:
        raise InvalidOptions(f"--rate and --wind: {arguments.rate} and {arguments.wind}; above 0")
    granules = [(sensor, number) for sensor in arguments.sensor for number in range(arguments.scenes)]
    for sensor, number in track(granules, len(granules), "granules simulated"):
        simulate_granule(
            folder,
            sensor,
            arguments.surface or SURFACES[number % len(SURFACES)],
            arguments.rows,
            arguments.columns,
            plumes=arguments.plumes,
            rate=arguments.rate,
            gas=arguments.gas,
            wind_speed=arguments.wind,
            clouds=arguments.clouds,
            seed=arguments.seed + number,
        )
    log.info("%d granules in %s, winds in %s", len(granules), folder, folder / "winds")
