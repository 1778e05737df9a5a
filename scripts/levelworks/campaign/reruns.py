"""How to run chosen jobs of a campaign again, and just those."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from levelworks.campaign.read_standing import spelled
from levelworks.campaign.run_words import configuration_of, told_in, where_started, words_again
from levelworks.campaign.standing import Cell, Run, Standing, State
from levelworks.core.outcome import InvalidOptions

SHOWN_TARGETS = 12
MOST_CHARACTERS = 400_000
"""Of the products of one command: systems take a million or two of all its words."""


@dataclass(frozen=True)
class Rerun:
    """A command of Snakemake's for some jobs: where it is given, its words but the products, and the jobs."""

    folder: Path
    words: tuple[str, ...]
    cells: tuple[Cell, ...]

    @property
    def targets(self) -> list[str]:
        """Return the products."""
        return [cell.product for cell in self.cells]

    @property
    def forced(self) -> list[str]:
        """Return the products of quarantined jobs: they stand, empty, and are to be made all the same."""
        return [cell.product for cell in self.cells if cell.state is State.QUARANTINED]

    def command(self, more: Sequence[str] = ()) -> list[str]:
        """Return what runs it, with the Snakemake of this installation."""
        return [sys.executable, "-m", *self._words(self.targets, self.forced, more)]

    def shown(self, more: Sequence[str] = ()) -> str:
        """Return the command for people, many products told as their number."""
        if len(self.cells) <= SHOWN_TARGETS:
            return told_in(self.folder, shlex.join(self._words(self.targets, self.forced, more)))
        forced = ["--forcerun", f"<{len(self.forced)} of them>"] if self.forced else []
        words = shlex.join((*self.words, *more))
        return told_in(self.folder, " ".join(("snakemake", f"<{len(self.cells)} products>", words, *forced)))

    def plain(self) -> list[str]:
        """Return the words of the command for programs."""
        return self._words(self.targets, self.forced, ())

    def batches(self) -> Iterator[Rerun]:
        """Yield commands that the system takes: the products of one are not too many."""
        some: list[Cell] = []
        size = 0
        for cell in self.cells:
            own = len(cell.product.encode()) + 1
            own *= 1 + (cell.state is State.QUARANTINED)
            if some and size + own > MOST_CHARACTERS:
                yield Rerun(self.folder, self.words, tuple(some))
                some, size = [], 0
            some.append(cell)
            size += own
        if some:
            yield Rerun(self.folder, self.words, tuple(some))

    def _words(self, targets: Sequence[str], forced: Sequence[str], more: Sequence[str]) -> list[str]:
        return ["snakemake", *targets, *self.words, *(["--forcerun", *forced] if forced else []), *more]


def choose(standing: Standing, identifiers: Sequence[str], *, quarantined: bool, folder: Path = Path()) -> list[Cell]:
    """Return the jobs to run again: all that failed, the quarantined where asked; or those that are named.

    Parameters
    ----------
    identifiers : sequence of str
        Granules or products, these as they are recorded or as they are reached from here.
    folder : Path
        Working folder of the campaign.

    Raises
    ------
    InvalidOptions
        Where a name fits no job that failed or was quarantined.
    """
    flagged = [cell for cell in standing.cells if cell.state in (State.FAILED, State.QUARANTINED)]
    if not identifiers:
        states = {State.FAILED, State.QUARANTINED} if quarantined else {State.FAILED}
        return [cell for cell in flagged if cell.state in states]
    base = folder.absolute()
    chosen: dict[str, Cell] = {}
    for name in identifiers:
        names = {name, spelled(name, base), spelled(str(Path.cwd() / name), base)}
        found = [
            cell
            for cell in flagged
            if not names.isdisjoint(
                (cell.granule, cell.granule.rpartition("/")[2], cell.product, spelled(cell.product, base))
            )
        ]
        if not found:
            raise InvalidOptions(f"{name}: no job of that granule or product failed or was quarantined")
        chosen.update({cell.product: cell for cell in found})
    return list(chosen.values())


def reruns(runs: Sequence[Run], cells: Sequence[Cell], folder: Path) -> list[Rerun]:
    """Return the commands that run just these jobs again.

    Each job is run with the command of the last run that had the configuration of its own run, as another one may not
    know its product.

    Parameters
    ----------
    runs : sequence of Run
        Of the campaign, the first one first.
    folder : Path
        Working folder of the campaign.

    Raises
    ------
    InvalidOptions
        Where no run is known whose command could be taken.
    """
    last = {configuration_of(run): run for run in runs if run.base}
    own = {run.run: last.get(configuration_of(run)) for run in runs}
    default = next(reversed(runs), None)
    grouped: dict[int, tuple[Run | None, list[Cell]]] = {}
    for cell in cells:
        run = own.get(cell.run) or default
        grouped.setdefault(run.run if run else 0, (run, []))[1].append(cell)
    return [
        Rerun(where_started(run, folder), tuple(words_again(run, folder)), tuple(chosen))
        for _, (run, chosen) in sorted(grouped.items())
    ]
