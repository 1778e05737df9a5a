"""Options of the stages that hand a frame on: its metadata, the published tree, its validation and its report."""

from __future__ import annotations

from typing import Literal

from levelworks.core.options import Options, option


class DescribeFrame(Options):
    """Metadata of a frame."""

    max_quarantined: float | None = option(
        None, "share of quarantined pairs above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )


class Publish(Options):
    """The tree of a frame's products."""

    closure_gate: Literal["flag", "withhold"] = option(
        "flag",
        "pairs whose triplets all fail to close: flag them in network.csv, or withhold them",
        alias="closure-gate",
    )
    licsbas: bool = option(False, "lay the files out as GEOC too, the folder that LiCSBAS reads")
    max_quarantined: float | None = option(
        None, "share of quarantined pairs above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )


class ValidateTree(Options):
    """Validation of a published tree."""


class ReportFrame(Options):
    """A page and a table of a frame's progress."""

    title: str = option("Interferograms", "heading of the page", min_length=1)
