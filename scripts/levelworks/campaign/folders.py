"""Where a campaign stands: its working folder and that of its products, as its commands are told."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from levelworks.campaign.read_standing import results_of


def add_folders(parser: ArgumentParser) -> None:
    """Add ``--directory`` and ``--results``; the latter is None where not given (see `results_in`)."""
    parser.add_argument(
        "--directory", type=_existing, default=Path(), help="the campaign's working folder (default here)"
    )
    parser.add_argument(
        "--results",
        type=Path,
        help="folder of products, from there (default that of the last run, or results)",
    )


def results_in(folder: Path, results: Path | None) -> Path:
    """Return the folder of products of a campaign: the one given, or else that of its last run.

    Parameters
    ----------
    folder : Path
        Working folder of the campaign.
    """
    return folder / (results or results_of(folder))


def _existing(word: str) -> Path:
    if not Path(word).is_dir():
        raise ArgumentTypeError(f"there is no folder {word}")
    return Path(word)
