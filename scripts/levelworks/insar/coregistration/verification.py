"""What spectral diversity after resampling says of a date's coregistration (specs/insar.md 4.9 e)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from levelworks.insar.coregistration.refinement_options import VerifyCoregistration
from levelworks.insar.refinement.ambiguity import resolve_shift
from levelworks.insar.refinement.spectral_diversity import ShiftEstimate
from levelworks.insar.refinement.two_satellites import doubt_shift, phase_in_common

LAYOUT = 1
EXPECTED = 0.01
"""Lines, standard deviation of what may be left: of the whole periods of a lone swath, the one nearest to none."""

State = Literal["done", "degraded", "not verified"]


@dataclass(frozen=True)
class Residual:
    """What is left of a date's azimuth shift after resampling.

    Parameters
    ----------
    state : {"done", "degraded", "not verified"}
        Within bounds; beyond them; or nothing says which.
    against : str
        Date (YYYYMMDD) that it was measured against; empty where none served.
    line, sigma : float or None
        Lines that would have to be added to places of the date, and standard deviation; None where nothing says.
    reason : str
        Why it is degraded or not verified.
    """

    state: State
    against: str = ""
    line: float | None = None
    sigma: float | None = None
    reason: str = ""


def judge_residual(
    against: str,
    swaths: Mapping[str, ShiftEstimate],
    options: VerifyCoregistration,
    missions: Sequence[str] = (),
) -> Residual:
    """Judge the shift that is left between a date and another.

    Parameters
    ----------
    against : str
        The other date.
    swaths : mapping of str to ShiftEstimate
        By swath, of the resampled bursts.
    options : VerifyCoregistration
    missions : sequence of str
        Satellites of the two dates, each once.

    Returns
    -------
    Residual
        ``done`` where the shift and its standard deviation are below the bound; ``degraded`` where it reaches the
        bound and is more than noise, or the swaths have no shift in common; else ``not verified``. So it is also where
        a phase that bursts of two satellites may have explains as well what the overlaps show.
    """
    found = _judge(against, swaths, options)
    if found.state != "degraded" or len(missions) < 2:
        return found
    phase = phase_in_common(list(swaths.values()))
    shift = resolve_shift(list(swaths.values()))
    if phase is None or not (shift.degraded or doubt_shift(list(swaths.values()), shift)):
        return found
    reason = (
        f"their bursts differ by {phase:+.2f} rad, as bursts of {' and '.join(missions)} may, and overlaps can't tell "
        "that from a shift"
    )
    return Residual("not verified", against, reason=reason)


def _judge(against: str, swaths: Mapping[str, ShiftEstimate], options: VerifyCoregistration) -> Residual:
    limit = options.largest_residual
    if not swaths:
        return Residual("not verified", against, reason="no two bursts that follow each other are there on both dates")
    if all(one.degraded for one in swaths.values()):
        reasons = dict.fromkeys(one.degraded for one in swaths.values())
        return Residual("not verified", against, reason="; ".join(reasons))
    found = resolve_shift(list(swaths.values()), (0.0, math.inf))
    if found.degraded:
        found = resolve_shift(list(swaths.values()), (0.0, EXPECTED))
    if found.degraded:
        return Residual("degraded", against, reason=f"its swaths have no shift in common: {found.degraded}")
    line, sigma = found.line, found.sigma
    said = f"{line:+.5f} lines are left, standard deviation {sigma:.5f}, where less than {limit:g} may be"
    if abs(line) >= limit and abs(line) > options.significance * sigma:
        return Residual("degraded", against, line, sigma, said)
    if abs(line) < limit and sigma < limit:
        return Residual("done", against, line, sigma)
    return Residual("not verified", against, line, sigma, f"too uncertain: {said}")


def choose_residual(tried: Sequence[Residual]) -> Residual:
    """Return the first that is conclusive; where none is, what all say together."""
    for one in tried:
        if one.state != "not verified":
            return one
    reason = "; ".join(f"against {one.against}: {one.reason}" for one in tried)
    return Residual("not verified", reason=reason or "there is no date to measure it against")


def write_residual(path: Path, date: str, chosen: Residual, tried: Sequence[Residual]) -> None:
    """Write what is left of a date's shift, and all that was tried, as JSON."""
    content = {"layout": LAYOUT, "date": date, **asdict(chosen), "tried": [asdict(one) for one in tried]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
