"""The command ``levelworks advise``: resources to ask for, from what the jobs of a campaign took."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levelworks.campaign.folders import add_folders, results_in
from levelworks.campaign.job_records import read_jobs
from levelworks.campaign.profile_text import KEY, merge
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.usage import LEAST_JOBS, SHARE, Request, Usage, percentile, usage_by_rule
from levelworks.core.atomic import write_text
from levelworks.core.outcome import EXIT_DONE, InvalidOptions
from levelworks.core.table import format_table, on_terminal

COLUMNS = (
    "rule", "jobs", "asked MB", "took MB", "suggested MB", "asked min", "took min", "suggested min", "median s",
)  # fmt: skip
"""What was taken is that of 99 % of the jobs."""


def run(words: Sequence[str]) -> int:
    """Run the command."""
    from levelworks.cli import Parser

    parser = Parser(
        prog="levelworks advise",
        description="Suggest memory and run time for each rule, from what its jobs took.",
    )
    add_folders(parser)
    parser.add_argument(
        "--least", type=int, default=LEAST_JOBS, metavar="N", help=f"jobs that a rule must have (default {LEAST_JOBS})"
    )
    parser.add_argument("--write", type=Path, metavar="PROFILE", help="profile to write them into: folder, or its file")
    given = parser.parse_args(words)
    results = results_in(given.directory, given.results)
    usages = usage_by_rule(read_jobs(results), read_standing(given.directory, results.absolute()).cells)
    if not usages:
        raise InvalidOptions(f"no records below {results}: nothing has been measured yet")
    requests = suggest(usages, given.least)
    print(render(usages, requests, given.least, terminal=on_terminal()))
    if given.write is not None:
        print()
        print(write(given.write, requests))
    return EXIT_DONE


def suggest(usages: Sequence[Usage], least: int = LEAST_JOBS) -> dict[str, Request]:
    """Return what to ask for by rule; rules of which too few jobs were measured are left alone."""
    return {usage.rule: request for usage in usages if (request := usage.suggest(least)) is not None}


def render(usages: Sequence[Usage], requests: dict[str, Request], least: int, *, terminal: bool = False) -> str:
    """Format a table of what was asked, taken and is suggested, and the block for a profile."""
    rows = [_row(usage, requests.get(usage.rule)) for usage in usages]
    parts = [format_table(COLUMNS, rows, numbers=range(1, len(COLUMNS)), terminal=terminal)]
    parts.append(f"took: what {100 * SHARE:.0f} % of the jobs that were done stayed within")
    few = [usage.rule for usage in usages if usage.rule not in requests]
    if few:
        parts.append(f"left alone, as fewer than {least} jobs were measured: {', '.join(few)}")
    if requests:
        parts.append(merge("", requests).rstrip("\n"))
    return "\n\n".join(parts)


def write(profile: Path, requests: dict[str, Request]) -> str:
    """Write suggestions into a profile and say what came of it.

    Raises
    ------
    InvalidOptions
        Where there is no such profile, or it can't be added to.
    """
    path = profile / "config.yaml" if profile.is_dir() else profile
    if not path.is_file():
        raise InvalidOptions(f"--write: {path} does not exist")
    before = path.read_text(encoding="utf-8")
    try:
        after = merge(before, requests)
    except InvalidOptions as error:
        raise InvalidOptions(f"{path}: {error}") from None
    if after == before:
        return f"{path}: unchanged"
    write_text(path, after)
    return f"{path}: {KEY} of {len(requests)} rules written"


def _row(usage: Usage, request: Request | None) -> list[str]:
    def number(value: float | None) -> str:
        return f"{value:.0f}" if value is not None else "-"

    return [
        *(usage.rule, f"{usage.jobs}"),
        *(
            number(usage.asked_memory),
            number(percentile(usage.memory, SHARE)),
            number(request.mem_mb if request else None),
        ),
        *(
            number(usage.asked_runtime),
            f"{percentile(usage.wall, SHARE) / 60:.2f}",
            number(request.runtime if request else None),
        ),
        f"{percentile(usage.wall, 0.5):.1f}",
    ]
