"""What of Snakemake's command line stays when its campaign is run for other targets."""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser
from collections.abc import Sequence

from snakemake.cli import get_argument_parser

DROPPED = frozenset(("force", "forceall", "forcerun", "until", "omit_from", "batch"))
"""What forces jobs, or leaves some out: of the run that was, not of the next one."""
NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")


def without_targets(words: Sequence[str]) -> list[str]:
    """Return Snakemake's command line without its targets, and without what forces jobs or leaves some out."""
    parser = get_argument_parser()
    kept: list[str] = []
    place = 0
    while place < len(words) and words[place] != "--":
        word = words[place]
        place += 1
        if not _is_option(word):
            continue  # a target
        for action, spelled, attached in _actions(parser, word):
            own = [spelled]
            if not attached:
                stop = place + _values(action, words[place:])
                own += words[place:stop]
                place = stop
            if action is None or action.dest not in DROPPED:
                kept += own
    return kept


def is_asked(words: Sequence[str], destination: str) -> bool:
    """Return whether a command line sets a flag of Snakemake's."""
    given, _ = get_argument_parser().parse_known_args(list(words))
    return bool(getattr(given, destination, False))


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and not NUMBER.match(word)


def _actions(parser: ArgumentParser, word: str) -> list[tuple[Action | None, str, bool]]:
    """Return the options that a word names: each with its spelling, and whether its value is in it."""
    known = parser._option_string_actions  # noqa: SLF001 - argparse has no other list of them
    if word in known:
        return [(known[word], word, False)]
    name, equals, _ = word.partition("=")
    if word.startswith("--"):
        if name in known:
            return [(known[name], word, bool(equals))]
        found = {id(action): action for option, action in known.items() if option.startswith(name)}
        return [(next(iter(found.values())) if len(found) == 1 else None, word, bool(equals))]
    action, rest = known.get(word[:2]), word[2:]
    if action is not None and action.nargs == 0:  # flags in one word
        return [(action, word[:2], False), *_actions(parser, f"-{rest}")]
    return [(action, word, True)]


def _values(action: Action | None, following: Sequence[str]) -> int:
    """Return how many of the words that follow an option are its values."""
    free = 0
    while free < len(following) and not _is_option(following[free]):
        free += 1
    match action.nargs if action is not None else 0:
        case None:
            return min(1, len(following))
        case "?":
            return min(1, free)
        case "*" | "+" | "...":
            return free
        case int(number):
            return number
        case _:
            return 0
