"""Options of the stages that refine geometry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from levelworks.core.options import Options, option
from levelworks.insar.network.pair_options import Pairs


class CorrelateAmplitudes(Options):
    """Constant offsets of a date by the correlation of amplitudes."""

    iterations: int = option(2, "times that patches are resampled and measured, at most", ge=1, le=5)
    line_tolerance: float = option(
        0.01,
        "change along azimuth below which no further iteration follows",
        unit="lines",
        gt=0,
        alias="line-tolerance",
    )
    sample_tolerance: float = option(
        0.05, "change along range below which no further iteration follows", unit="samples", gt=0,
        alias="sample-tolerance",
    )  # fmt: skip


class CoherentCells(Options):
    """Which cells of overlaps count, and how many there must be."""

    thresholds: list[float] = option(
        [0.85, 0.75, 0.65, 0.5],
        "coherences from which cells count, the first that leaves enough is taken",
        min_length=1,
    )
    least_cells: int = option(1000, "cells of a swath's overlaps that must be coherent", ge=30, alias="least-cells")
    least_share: float = option(0.01, "share of cells that must be coherent", ge=0, le=1, alias="least-share")
    most_spread: float = option(
        0.8, "scatter of the cells' phases above which nothing is believed", unit="rad", gt=0, alias="most-spread"
    )


class EstimateDiversity(CoherentCells):
    """Azimuth shifts of pairs by enhanced spectral diversity."""

    most_disagreement: float = option(
        0.3,
        "phase by which an overlap may disagree with the common shift before the pair is degraded",
        unit="rad",
        gt=0,
        alias="most-disagreement",
    )
    connections: int = option(3, "earlier dates that each date is compared with, besides the reference", ge=1, le=20)
    longest_gap: int = option(
        180, "days of two dates that are compared, where there is another way", unit="days", ge=1, alias="longest-gap"
    )


class SolveNetwork(Options):
    """Shifts of all dates from those of pairs."""

    largest_residual: float = option(
        5e-3, "residual above which a pair is dropped", unit="lines", gt=0, alias="largest-residual"
    )
    frozen_within: float = option(
        5e-4, "change of a date's shift below which what was resampled stays", unit="lines", gt=0, alias="frozen-within"
    )


class Solution(SolveNetwork):
    """Options of the stage: those of its section, and the pairs that stand with what it decides."""

    pairs: tuple[Annotated[str, Field(pattern=r"^\d{8}_\d{8}$")], ...] = option(
        (), "pairs YYYYMMDD_YYYYMMDD that are formed of all dates so far: later plans keep them"
    )
    rules: Pairs = option(Pairs(), "by which they were chosen: others choose anew")


class VerifyCoregistration(Options):
    """How far a resampled date may lie beside the reference; which cells count is as in `estimate-diversity`."""

    largest_residual: float = option(
        5e-4, "shift along azimuth that may be left", unit="lines", gt=0, alias="largest-residual"
    )
    significance: float = option(3.0, "standard deviations beyond which a shift is more than noise", ge=1)


class Verification(VerifyCoregistration, CoherentCells):
    """Options of the stage: those of its section, and which cells count."""
