"""The command ``levelworks report``: a campaign on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levelworks.campaign.folders import add_folders, results_in
from levelworks.campaign.report_pictures import A_LINE
from levelworks.core.atomic import write_text
from levelworks.core.outcome import EXIT_DONE


def run(words: Sequence[str]) -> int:
    """Run the command."""
    from levelworks.cli import Parser

    parser = Parser(
        prog="levelworks report",
        description="Write a campaign's report: outcomes, quality figures, cost, resources and pictures on one page.",
    )
    add_folders(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the page (default report.html beside the products)"
    )
    parser.add_argument("--name", default="", help="name of the campaign (default: its folder's)")
    parser.add_argument("--pictures", type=int, default=A_LINE, metavar="N", help=f"of each line (default {A_LINE})")
    given = parser.parse_args(words)
    from levelworks.campaign.report import gather, report

    results = results_in(given.directory, given.results)
    page = given.output or results / "report.html"
    gathered = gather(given.directory, results, given.name)
    write_text(page, report(gathered, given.directory, page, given.pictures))
    print(f"{page}: {len(gathered.records)} jobs, {page.stat().st_size / 1e6:.1f} MB")
    return EXIT_DONE
