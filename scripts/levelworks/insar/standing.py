"""What standing solutions of a frame's network decide: planning reads them, and asks for no more than is new."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidOptions, Status
from levelworks.core.record import status_of
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.network.pair_options import Pairs


@dataclass(frozen=True)
class Standing:
    """Dates that each standing solution decides, by batch (``001``), and the pairs that stand."""

    solved: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[str, ...] = ()


def read_standing(made: Path, frame: str, dates: Container[str], rules: Pairs) -> Standing:
    """Read what the standing solutions of a frame say of dates that are planned.

    A date that was left out is decided too while its own offset is flagged: it would be left out again. A solution
    that has neither is the empty product of a flagged job, which is done again once what it reads has changed.

    Parameters
    ----------
    made : Path
        Folder of the line's products.
    frame : str
        Id.
    dates : container of str
        That are planned (YYYYMMDD).
    rules : Pairs
        By which pairs are chosen now: those that were chosen by others do not stand.

    Raises
    ------
    InvalidOptions
        Where a solution can't be read.
    """
    solutions, offsets = (made / stage / frame for stage in ("solve-network", "correlate-amplitudes"))
    solved: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    pairs: tuple[str, ...] = ()
    for path in sorted(solutions.glob("[0-9][0-9][0-9].json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            named, others = list(content["dates"]), list(content.get("left_out", {}))
            pairs = _pairs(content, rules)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidOptions(
                f"{path} can't be read ({error}): remove it, and the network is solved again"
            ) from None
        if named or others:
            solved[path.stem] = named
        for date in others:
            left_out.setdefault(date, path.stem)
    known = {date for named in solved.values() for date in named}
    for date, batch in left_out.items():
        if date in dates and date not in known and _flagged(offsets / f"{date}.json"):
            solved[batch].append(date)
    return Standing(
        {batch: tuple(date for date in sorted(named) if date in dates) for batch, named in solved.items()}, pairs
    )


def _flagged(product: Path) -> bool:
    return status_of(product) is not Status.DONE


def _pairs(content: Mapping[str, Any], rules: Pairs) -> tuple[str, ...]:
    """Return the pairs that a solution was made with; none where they were chosen by other rules than now."""
    if not content.get("pairs"):
        return ()
    then = Pairs.model_validate(content["rules"])
    excluded = {"excluded": rules.excluded}
    if then.model_copy(update=excluded) != rules or not set(then.excluded) <= set(rules.excluded):
        return ()
    return tuple(str(parse_pair(name)) for name in content["pairs"])
