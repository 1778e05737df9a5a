"""The commands of a campaign: status, failed, retry, quarantine."""

from __future__ import annotations

import logging
import shlex
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from levelworks.campaign.failed_text import failures_json, render_failures
from levelworks.campaign.failures import find_failures
from levelworks.campaign.folders import add_folders
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.reruns import choose, reruns
from levelworks.campaign.standing import Cell, State
from levelworks.campaign.status_text import as_json, render, warned
from levelworks.campaign.warned import find_warnings, render_warnings, warnings_json
from levelworks.cli import Parser
from levelworks.core.config import LINES
from levelworks.core.outcome import EXIT_DONE, InvalidOptions

log = logging.getLogger("levelworks")

CLEAR = "\x1b[H\x1b[2J\x1b[3J"
"""What empties a terminal."""


def status(words: Sequence[str]) -> int:
    """Say how a campaign stands."""
    parser = Parser(prog="levelworks status", description="How a campaign stands: jobs by stage, flagged ones, pace.")
    parser.add_argument("line", nargs="?", choices=LINES, help="one line alone")
    add_folders(parser)
    parser.add_argument(
        "--watch", type=float, nargs="?", const=5.0, metavar="SECONDS", help="again and again while a run goes on"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--page", action="store_true", help="write <results>/status.html anew")
    parser.add_argument("--serve", action="store_true", help="serve the page to a browser on another machine")
    parser.add_argument("--port", type=int, metavar="N", help="for --serve (default the first free one from 8765 on)")
    given = parser.parse_args(words)
    if given.page or given.serve:
        return _page(given)
    while True:
        standing = read_standing(given.directory, given.results)
        standing = standing.only(given.line) if given.line else standing
        if given.json:
            print(as_json(standing), end="", flush=True)
        else:
            clear = CLEAR if given.watch and sys.stdout.isatty() else ""
            print(clear + render(standing), flush=True)
        if given.watch is None or standing.alive is None:
            return EXIT_DONE
        try:
            time.sleep(max(0.5, given.watch))
        except KeyboardInterrupt:
            return EXIT_DONE


def _page(given: Namespace) -> int:
    """Write the page, and serve it where asked."""
    from levelworks.campaign.page import write_page
    from levelworks.campaign.serve import serve

    path = write_page(read_standing(given.directory, given.results), given.directory, given.results)
    print(f"wrote {path}")
    if given.serve:
        serve(given.directory, given.results, given.port)
    return EXIT_DONE


def failed(words: Sequence[str]) -> int:
    """Show what failed or was quarantined, and the command that runs just that again."""
    parser = Parser(
        prog="levelworks failed", description="Failed and quarantined jobs by cause, and how to rerun them."
    )
    parser.add_argument("line", nargs="?", choices=LINES, help="one line alone")
    add_folders(parser)
    parser.add_argument("--warnings", action="store_true", help="of what jobs that finished have warned, instead")
    parser.add_argument("--all", action="store_true", help="show every job whole, and name every granule that warns")
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args(words)
    standing = read_standing(given.directory, given.results)
    standing = standing.only(given.line) if given.line else standing
    if given.warnings:
        groups = find_warnings(standing, given.directory)
        print(warnings_json(groups) if given.json else render_warnings(groups, everything=given.all))
        return EXIT_DONE
    failures = find_failures(standing, given.directory)
    cells = [failure.cell for failure in failures]
    try:
        again = reruns(standing.runs, cells, given.directory)
    except InvalidOptions:
        again = []
    if given.json:
        print(failures_json(failures, again), end="")
        return EXIT_DONE
    quarantined = any(cell.state is State.QUARANTINED for cell in cells)
    short = shlex.join(_retry_words(given, quarantined=quarantined))
    long = "".join(f"\n  which runs: {one.shown()}" for one in again)
    said = (render_failures(failures, short + long, everything=given.all), warned(standing))
    print("\n\n".join(part for part in said if part))
    return EXIT_DONE


def _retry_words(given: Namespace, *, quarantined: bool) -> list[str]:
    """Return the command that runs again what `failed` shows."""
    words = ["levelworks", "retry", *(["--quarantined"] if quarantined else [])]
    for flag, value in (("--line", given.line), ("--results", given.results)):
        words += [flag, str(value)] if value else []
    return words if given.directory == Path() else [*words, "--directory", str(given.directory)]


def retry(words: Sequence[str]) -> int:
    """Run failed jobs again, those alone, with the profile and configuration of the last run."""
    parser = Parser(
        prog="levelworks retry",
        description="Run failed jobs again, those alone, with the command of the last run.",
        epilog="What follows -- goes to snakemake: levelworks retry -- --dry-run",
    )
    parser.add_argument("identifiers", nargs="*", metavar="ID", help="granules or products; all that failed if none")
    add_folders(parser)
    parser.add_argument("--line", choices=LINES, help="of one line alone")
    parser.add_argument("--quarantined", action="store_true", help="the quarantined ones too")
    parser.add_argument("--show", action="store_true", help="print the command and do nothing")
    own, _, more = _split(words)
    given = parser.parse_args(own)
    standing = read_standing(given.directory, given.results)
    if (run := standing.alive) is not None and not given.show:
        raise InvalidOptions(f"a run goes on (process {run.pid} on {run.host}): wait for its end, or stop it")
    standing = standing.only(given.line) if given.line else standing
    cells = choose(standing, given.identifiers, quarantined=given.quarantined, folder=given.directory)
    if not cells:
        print("nothing to run again")
        return EXIT_DONE
    worst = EXIT_DONE
    for again in reruns(standing.runs, cells, given.directory):
        for batch in again.batches():
            print(batch.shown(more), flush=True)
            if given.show:
                continue
            if not batch.folder.is_dir():
                raise InvalidOptions(f"{batch.folder}, where it was started, is no more: run snakemake from elsewhere")
            ended = subprocess.run(batch.command(more), cwd=batch.folder, check=False).returncode
            worst = worst or ended
    return worst


def _split(words: Sequence[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in words:
        return list(words), "", []
    at = list(words).index("--")
    return list(words[:at]), "--", list(words[at + 1 :])


def quarantine(words: Sequence[str]) -> int:
    """Put granules aside by hand, or release them."""
    from levelworks.campaign.put_aside import remove_products_of, unknown_granules, unknown_words
    from levelworks.campaign.read_standing import results_of
    from levelworks.core.quarantine import read_quarantine, write_quarantine

    parser = Parser(
        prog="levelworks quarantine",
        description="Put granules aside: stages that would read them quarantine them with your reason.",
        epilog="What was made of them is removed, so that the next run makes it again, empty. Without ID: the list.",
    )
    parser.add_argument("identifiers", nargs="*", metavar="ID", help="name of a Level-1 file or folder, or its stem")
    add_folders(parser)
    parser.add_argument("--reason", help="why, for records and reports")
    parser.add_argument("--release", action="store_true", help="take them back into the campaign")
    given = parser.parse_args(words)
    reasons, new = read_quarantine(given.directory), []
    if not given.identifiers:
        print("\n".join(f"{name}\t{why}" for name, why in sorted(reasons.items())) or "nothing was put aside by hand")
        return EXIT_DONE
    if given.release:
        unknown = [name for name in given.identifiers if name not in reasons]
        if unknown:
            raise InvalidOptions(f"{', '.join(unknown)}: not put aside by hand; see `levelworks quarantine`")
        reasons = {name: why for name, why in reasons.items() if name not in given.identifiers}
    elif not given.reason:
        raise InvalidOptions("--reason is required: records and reports show it")
    else:
        new = [name for name in given.identifiers if name not in reasons]
        reasons |= dict.fromkeys(given.identifiers, given.reason)
    standing = read_standing(given.directory, given.results)
    if (run := standing.alive) is not None:
        raise InvalidOptions(f"a run goes on (process {run.pid} on {run.host}): wait for its end, or stop it")
    write_quarantine(given.directory, reasons)
    if unknown := unknown_granules(standing.cells, new, given.directory):
        log.warning("%s", unknown_words(standing.cells, unknown))
    results = given.results or results_of(given.directory)
    removed = remove_products_of(standing.cells, given.identifiers, given.directory, results)
    verb = "released" if given.release else "put aside"
    print(f"{verb} {', '.join(given.identifiers)}; {_said(removed)}")
    return EXIT_DONE


def _said(removed: Sequence[Cell]) -> str:
    if not removed:
        return "nothing had been made of them"
    return f"removed what {len(removed)} job{'s' * (len(removed) > 1)} had made: the next run makes it again"


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "status": status,
    "failed": failed,
    "retry": retry,
    "quarantine": quarantine,
}
