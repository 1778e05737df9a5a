"""Options of denoising."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OnOff, Options, option


class Denoise(Options):
    """Options of `denoise`."""

    weight: float | None = option(
        None, "strength of the denoising; null chooses it by the error at held-out pixels", unit="noise", gt=0, le=100
    )
    steps: int = option(5, "golden-section steps of the search for the strength, after eight that scan", ge=0, le=30)
    estimate: Literal["plain", "invariant"] = option(
        "plain", "invariant leaves each pixel's own value out, as HyperGas does, at sixteen times the work"
    )
    by_class: Annotated[Literal["off", "on", "auto"], OnOff] = option(
        "auto", "denoise land and water apart; auto does so where there are no more than two classes"
    )
