"""The command ``levelworks clean insar``: bursts that nothing needs any more are removed, and can be made again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from levelworks.core.clean import Plan, plan_products
from levelworks.insar.layout import Layout
from levelworks.insar.plan import plan_campaign

SUMMARY = (
    "Remove coregistered bursts of dates whose pairs, image and verification all stand. Their records stay: Snakemake "
    "takes them for done, and makes them again where a later pair needs them. Not while Snakemake runs."
)
KEEP = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the line."""
    parser.add_argument(
        "--keep-dates",
        type=int,
        default=KEEP,
        metavar="N",
        help=f"of the last dates, which later ones are paired with (default {KEEP})",
    )


def plan_removal(config: Any, given: argparse.Namespace) -> Plan:
    """Find the bursts that nothing needs any more.

    Parameters
    ----------
    config : Options
        The whole configuration.
    given : Namespace
        ``keep_dates``.
    """
    results = config.campaign.results
    campaign = plan_campaign(config.insar, results)
    layout = Layout(campaign, results)
    folders: list[Path] = []
    for track, frame in campaign.frames.items():
        dates = layout.use(track).spent(max(given.keep_dates, 0), frame.reference)
        folders += [Path(layout.bursts.format(track=track, date=date)) for date in dates]
    return plan_products(results, folders)
