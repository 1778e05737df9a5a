"""Arguments and run of ``levelworks simulate insar``."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
from pathlib import Path

log = logging.getLogger("levelworks")

REVISIT = 12
"""Days between the passes."""
LOOKS = {"ci": (4, 10), "development": (4, 10), "wide": (4, 20), "full": (4, 20)}
"""Lines and samples of a cell, by size."""
LEAST_CELLS = {"ci": 200}
"""Coherent cells of overlaps that are enough for an azimuth shift, by size where the default is too many."""
CAMPAIGN = "campaign.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes a simulated stack."""
    parser.add_argument("--dates", type=int, default=3, help="passes, 12 days apart (default 3)")
    parser.add_argument("--size", choices=tuple(LOOKS), default="ci", help="of the scene (default ci)")
    parser.add_argument("--uplift", type=float, default=0.3, help="greatest uplift, m a year (default 0.3)")
    parser.add_argument("--atmosphere", type=float, default=0.5, help="rms of the air's delay, rad (default 0.5)")
    parser.add_argument("--decorrelation", type=float, default=400.0, help="days to 1/e of coherence (default 400)")
    parser.add_argument("--timing-errors", action="store_true", help="let annotations err by hundredths of a line")
    parser.add_argument("--zip", action="store_true", help="pack products")
    parser.add_argument("--seed", type=int, default=0, help="base seed (default 0)")


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Write SAFE products, orbit files, elevation, truth, the definition of their frame, and a configuration.

    Raises
    ------
    InvalidOptions
        Where a value is out of range.
    """
    from levelworks.core.atomic import remove
    from levelworks.core.outcome import InvalidOptions
    from levelworks.insar.frames.catalogue import list_bursts
    from levelworks.insar.frames.define import define_frame
    from levelworks.insar.frames.frame import Looks, write_frame
    from levelworks.insar.safe.acquisition import read_acquisition
    from levelworks.insar.simulation.safe_files import pack
    from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
    from levelworks.insar.simulation.simulate import simulate as write

    if arguments.dates < 1:
        raise InvalidOptions(f"--dates: {arguments.dates}; at least 1")
    scenario = Scenario(
        tuple(Pass(days, baseline=across, timing_error=late) for days, across, late in _passes(arguments)),
        cuts(arguments.size),
        uplift=Uplift(rate=arguments.uplift),
        decorrelation=arguments.decorrelation,
        atmosphere=arguments.atmosphere,
        seed=arguments.seed,
    )
    made = write(scenario, folder)
    first = read_acquisition(made.products[min(made.products)], pixels=False)
    lines, samples = LOOKS[arguments.size]
    looks = Looks(range=samples, azimuth=lines)
    write_frame(folder / "frame.json", define_frame(list_bursts(first), first.epoch, looks=looks))
    if arguments.zip:
        for products in made.products.values():
            for product in products:
                pack(product)
                remove(product)
    campaign = folder / CAMPAIGN
    campaign.write_text(_campaign(folder.resolve(), arguments.size), encoding="utf-8")
    log.info("%d passes in %s", len(made.products), folder)
    log.info("to run them: snakemake insar --profile profiles/local --configfile %s", shlex.quote(str(campaign)))


def _campaign(folder: Path, size: str) -> str:
    """Return a configuration that runs a simulated stack."""
    inputs = {"frames": "frame.json", "products": "products", "orbits": "orbits", "elevation": "dem.tif"}
    lines = ["# A simulated stack.", "insar:"]
    lines += [f"  {key}: {json.dumps(str(folder / name), ensure_ascii=False)}" for key, name in inputs.items()]
    if size in LEAST_CELLS:
        lines += [
            "  # The overlaps of these small bursts have some 300 coherent cells, fewer than the default asks for.",
            f"  estimate-diversity: {{least-cells: {LEAST_CELLS[size]}}}",
        ]
    return "\n".join(lines) + "\n"


def _passes(arguments: argparse.Namespace) -> list[tuple[int, float, float]]:
    """Return days, baselines (m) and timing errors (lines) of passes, which follow from the seed; none of the first."""
    import numpy as np

    rng = np.random.default_rng([arguments.seed, 3])
    baselines = rng.uniform(-60, 60, arguments.dates).round(1)
    errors = rng.uniform(-0.03, 0.03, arguments.dates).round(4) * bool(arguments.timing_errors)
    baselines[0] = errors[0] = 0.0
    return [(REVISIT * k, float(baselines[k]), float(errors[k])) for k in range(arguments.dates)]
