"""Of what jobs that finished have warned: alike warnings together, with the granules."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from levelworks.campaign.standing import FINISHED, Standing, State
from levelworks.core.survey import SUFFIX, beside

NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
"""What tells warnings apart that say the same of two granules; names hold dates and orbits."""
SHOWN = 5
"""Granules of a warning that are named, unless all are asked for."""


@dataclass(frozen=True)
class Warned:
    """A warning of jobs of one stage.

    Attributes
    ----------
    text : str
        As the first of them gave it; others differ in numbers.
    alike : bool
        Whether all gave it so.
    """

    line: str
    stage: str
    text: str
    alike: bool
    granules: tuple[str, ...]

    def named(self, number: int) -> str:
        """Return the first granules, and how many there are besides."""
        more = len(self.granules) - number
        return ", ".join(self.granules[:number]) + (f" and {more} more" if more > 0 else "")


def find_warnings(standing: Standing, folder: Path) -> list[Warned]:
    """Return what stands in the records of jobs that finished, by stage and text without its numbers.

    That of most jobs comes first.

    Parameters
    ----------
    folder : Path
        Working folder of the campaign.
    """
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for cell in standing.cells:
        if not cell.warnings or not cell.record or cell.state not in FINISHED or cell.state is State.REMOVED:
            continue
        for text in _read(folder / cell.record):
            found.setdefault((cell.line, cell.stage, NUMBER.sub("#", text)), []).append((text, cell.granule))
    groups = [
        Warned(
            line,
            stage,
            text=given[0][0],
            alike=len({text for text, _ in given}) == 1,
            granules=tuple(dict.fromkeys(granule for _, granule in given)),
        )
        for (line, stage, _), given in found.items()
    ]
    return sorted(groups, key=lambda one: (-len(one.granules), one.line, one.stage, one.text))


def _read(record: Path) -> list[str]:
    """Return the warnings of a record, a line each; none where it can't be read."""
    content = beside(record.with_name(record.name.removesuffix(SUFFIX))).content
    found = (content or {}).get("warnings")
    return [" ".join(str(text).split()) for text in found] if isinstance(found, list) else []


def render_warnings(groups: Sequence[Warned], *, everything: bool = False) -> str:
    """Format warnings for people."""
    if not groups:
        return "no job that finished gave a warning"
    return "\n\n".join(
        f"{len(one.granules)} job{'s' * (len(one.granules) > 1)}: {one.line} {one.stage}\n"
        f"  {one.text}{'' if one.alike else ' (and so on, with other numbers)'}\n"
        f"  granules: {one.named(len(one.granules) if everything else SHOWN)}"
        for one in groups
    )


def warnings_json(groups: Sequence[Warned]) -> str:
    """Return warnings as JSON."""
    return json.dumps({"warnings": [asdict(one) for one in groups]}, indent=1, ensure_ascii=False)
