"""Options of the stage `filter-phase`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from levelworks.core.options import Options, option


class FilterPhase(Options):
    """The phase filter before unwrapping."""

    exponent: Annotated[float, Field(ge=0, le=1)] | Literal["adaptive"] = option(
        0.5,
        "exponent of the spectrum: 0 leaves the phase, 1 is the strongest; "
        "adaptive takes 1 less the coherence of each patch",
    )
    window: Literal[8, 16, 32, 64, 128] = option(32, "side of a patch", unit="cells")
    step: int = option(8, "from one patch to the next; a divisor of the window", unit="cells", ge=1)
    coherence_window: int = option(
        5, "side of the square for the coherence of the filtered phase; odd", unit="cells", ge=3, le=25,
        alias="coherence-window",
    )  # fmt: skip

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.window % self.step:
            raise ValueError(f"step {self.step} is no divisor of window {self.window}")
        if self.coherence_window % 2 == 0:
            raise ValueError(f"coherence-window is odd, not {self.coherence_window}")
        return self
