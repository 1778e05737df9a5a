"""Arguments and run of ``levelworks simulate xco2``."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
from pathlib import Path

log = logging.getLogger("levelworks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes a campaign of simulated days."""
    parser.add_argument("--days", type=int, default=3, help="number of days (default 3)")
    parser.add_argument("--first-day", default="2020-03-03", help="YYYY-MM-DD (default 2020-03-03)")
    parser.add_argument("--targets", type=int, default=4, help="number of targets (default 4)")
    parser.add_argument("--looks", type=int, default=3, help="overpasses of each dataset and day (default 3)")
    parser.add_argument(
        "--datasets", nargs="+", choices=("oco2", "oco3", "oco3_sif"), default=["oco2", "oco3", "oco3_sif"]
    )
    parser.add_argument("--frames", type=int, default=40, help="frames of a swath, eight footprints each (default 40)")
    parser.add_argument("--background", type=int, default=300, help="other soundings of a day (default 300)")
    parser.add_argument("--noise", type=float, default=0.5, help="standard deviation of XCO2 in ppm (default 0.5)")
    parser.add_argument("--seed", type=int, default=0, help="base seed (default 0)")


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Write Lite files of days and the targets file that goes with them.

    Raises
    ------
    InvalidOptions
        Where a number or the day is out of range.
    """
    from levelworks.core.outcome import InvalidOptions
    from levelworks.core.progress import track
    from levelworks.xco2.simulate import simulate_day
    from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
    from levelworks.xco2.targets import write_targets

    for name in ("days", "targets", "looks", "frames"):
        if getattr(arguments, name) < 1:
            raise InvalidOptions(f"--{name}: {getattr(arguments, name)}; at least 1")
    try:
        first = dt.date.fromisoformat(arguments.first_day)
    except ValueError:
        raise InvalidOptions(f"--first-day: {arguments.first_day!r} is no day YYYY-MM-DD") from None
    targets = campaign_targets(arguments.targets)
    folder.mkdir(parents=True, exist_ok=True)
    write_targets(targets, folder / "targets.json")
    days = [first + dt.timedelta(days=number) for number in range(arguments.days)]
    pairs = [(day, dataset) for day in days for dataset in arguments.datasets]
    for day, dataset in track(pairs, len(pairs), "granules simulated"):
        simulate_day(
            folder,
            dataset,
            day,
            looks_of_day(targets, day, dataset, looks=arguments.looks, frames=arguments.frames, seed=arguments.seed),
            background=arguments.background,
            noise=arguments.noise,
            seed=arguments.seed,
        )
    log.info("%d granules and targets.json in %s", len(pairs), folder)
