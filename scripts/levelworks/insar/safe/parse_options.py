"""Options of parsing."""

from __future__ import annotations

from typing import Literal

from levelworks.core.options import Options, option


class ParseSafe(Options):
    """Products of a pass to the bursts of a frame and their orbit."""

    least_orbit: Literal["annotated", "restituted", "precise"] = option(
        "annotated", "the least orbit that is taken; passes with a worse one are skipped until it is there",
        alias="least-orbit",
    )  # fmt: skip
    least_coverage: float = option(
        0.0, "share of the frame's bursts below which a pass is skipped", ge=0, le=1, alias="least-coverage"
    )
