"""What an aggregate does with flagged inputs: leaves them out, lists them, and fails where there are too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import (
    EXIT_TOO_MANY_QUARANTINED,
    InvalidInput,
    LevelworksError,
    NothingToProduce,
    Status,
)
from levelworks.core.quarantine import is_by_hand
from levelworks.core.record import read_record

LISTED = 20


class TooManyQuarantined(LevelworksError):
    """More of a campaign's granules are bad than its configuration allows."""

    exit_code = EXIT_TOO_MANY_QUARANTINED


@dataclass(frozen=True)
class Inputs:
    """The usable inputs of an aggregate, in order of name, and those left out with the reason of each."""

    usable: tuple[Path, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each input left out."""
        return tuple(f"left out {name}: {reason}" for name, reason in self.left_out)


MAX_QUARANTINED = 0.1
"""Where neither a stage's options nor the campaign say otherwise."""


def refuse_too_many(
    quarantined: Sequence[tuple[str, str]], total: int, max_quarantined: float | None, what: str
) -> None:
    """Raise TooManyQuarantined, with the list of names and reasons, where their share of all is too large.

    The limit guards against input that is bad for one and the same cause: what a person put aside is left out of both.
    """
    limit = MAX_QUARANTINED if max_quarantined is None else max_quarantined
    bad = [(name, reason) for name, reason in quarantined if not is_by_hand(reason)]
    aside = len(quarantined) - len(bad)
    judged = total - aside
    if len(bad) <= limit * judged:
        return
    lines = "\n".join(f"  {name}: {reason}" for name, reason in bad[:LISTED])
    more = f"\n  and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
    share = f"{len(bad)} of {judged} {what} are quarantined, more than max_quarantined {limit:g} allows"
    share += f" (besides {aside} put aside by hand)" if aside else ""
    raise TooManyQuarantined(f"{share}:\n{lines}{more}")


def refuse_quarantined(path: Path) -> None:
    """Raise InvalidInput, with the reason, where an input is the empty product of a quarantined granule."""
    record = read_record(path)
    if record is not None and record["outcome"] == Status.QUARANTINED:
        raise InvalidInput(str(record["reason"]))


def refuse_flagged(path: Path) -> None:
    """Raise what an input's own stage raised where it is an empty product, so that a granule's outcome is passed on."""
    refuse_quarantined(path)
    record = read_record(path)
    if record is not None and record["outcome"] == Status.SKIPPED:
        raise NothingToProduce(str(record["reason"]))


def usable_inputs(paths: Sequence[Path], max_quarantined: float | None, what: str) -> Inputs:
    """Part inputs by the outcome in their records; order them by name, so that no order of arguments matters.

    Parameters
    ----------
    max_quarantined : float or None
        Largest share of quarantined inputs, those put aside by hand not counted; None stands for `MAX_QUARANTINED`.
    what : str
        What the inputs are, for the message, e.g. ``frames``.

    Raises
    ------
    TooManyQuarantined
        With the list, where the share is larger.
    """
    usable, left_out, quarantined = [], [], []
    for path in sorted(paths, key=lambda path: (path.name, path)):
        record = read_record(path)
        status = Status(record["outcome"]) if record else Status.DONE
        if status is Status.DONE:
            usable.append(path)
            continue
        entry = (path.name, str(record["reason"]) if record else "")
        left_out.append(entry)
        if status is Status.QUARANTINED:
            quarantined.append(entry)
    refuse_too_many(quarantined, len(paths), max_quarantined, what)
    return Inputs(tuple(usable), tuple(left_out))
