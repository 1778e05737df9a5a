"""The command ``levelworks report``: a campaign on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of products (default results)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page (default report.html in --results)")
    parser.add_argument("--name", default="", help="name of the campaign (default: its folder's)")
    parser.add_argument("--pictures", type=int, default=A_LINE, metavar="N", help=f"of each line (default {A_LINE})")
    given = parser.parse_args(words)
    from levelworks.campaign.report import gather, report

    page = given.output or given.results / "report.html"
    gathered = gather(Path.cwd(), given.results, given.name)
    write_text(page, report(gathered, Path.cwd(), page, given.pictures))
    print(f"{page}: {len(gathered.records)} jobs, {page.stat().st_size / 1e6:.1f} MB")
    return EXIT_DONE
