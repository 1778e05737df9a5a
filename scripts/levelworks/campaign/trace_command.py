"""The command ``levelworks trace``: a product's ancestry as a tree, with checksums and whether they hold."""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from levelworks.campaign.ancestry import Ancestor, Ancestry, Kind, trace
from levelworks.campaign.verification import State, Verdict, verify
from levelworks.core.outcome import EXIT_DONE

EXIT_NOT_VERIFIED = 1
COLOURS = {State.UNCHANGED: "32", State.CHANGED: "1;31", State.MISSING: "1;31"}


def run(words: Sequence[str]) -> int:
    """Run the command; its exit code is 1 where a file does not verify."""
    from levelworks.cli import Parser

    parser = Parser(
        prog="levelworks trace",
        description="Print what a product was made from, down to Level 1, and verify every checksum on the way."
        " Ends with 1 where a file is changed or missing.",
    )
    parser.add_argument("product", type=Path, help="a product, its record, or a file in a product that is a folder")
    parser.add_argument(
        "--verify", action=argparse.BooleanOptionalAction, default=True, help="compute the checksums again (default)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args(words)
    ancestry = trace(given.product)
    verdicts = verify(ancestry) if given.verify else {}
    print(as_json(ancestry, verdicts) if given.json else render(ancestry, verdicts))
    holds = all(verdict.state is State.UNCHANGED for verdict in verdicts.values())
    return EXIT_DONE if holds else EXIT_NOT_VERIFIED


def render(ancestry: Ancestry, verdicts: Mapping[Path, Verdict], *, terminal: bool | None = None) -> str:
    """Format an ancestry as a tree: each file once, where it is met first; later it is named only.

    Parameters
    ----------
    verdicts : mapping of Path to Verdict
        By file; empty where nothing was verified.
    terminal : bool, optional
        Whether to colour; whether standard output is a terminal where not given.
    """
    from levelworks.core.table import on_terminal

    colour = on_terminal() if terminal is None else terminal
    lines = [*_tree(ancestry, verdicts, colour), "", _sum_up(ancestry, verdicts)]
    bad = [(path, verdict) for path, verdict in verdicts.items() if verdict.state is not State.UNCHANGED]
    lines += [f"  {_coloured(verdict.state, colour)} {_short(path)}{_finding(verdict)}" for path, verdict in bad]
    return "\n".join(lines)


def as_json(ancestry: Ancestry, verdicts: Mapping[Path, Verdict]) -> str:
    """Return an ancestry as JSON: the files in the order of the tree, inputs by path."""
    content: dict[str, Any] = {"product": str(ancestry.root), "files": []}
    if verdicts:
        content["verified"] = all(verdict.state is State.UNCHANGED for verdict in verdicts.values())
    for path, ancestor in ancestry.files.items():
        entry: dict[str, Any] = {"path": str(path), "kind": ancestor.kind.value, "checksum": ancestor.checksum}
        if path in verdicts:
            entry |= {"state": verdicts[path].state.value, "finding": verdicts[path].finding}
        if ancestor.record is not None:
            links = [
                {"port": link.port, "path": str(link.path), "checksum": link.checksum, "by_record": link.by_record}
                for link in ancestor.inputs
            ]
            entry |= {"record": str(ancestor.record), **ancestor.job, "inputs": links}
        content["files"].append(entry)
    return json.dumps(content, indent=1, ensure_ascii=False)


def _tree(ancestry: Ancestry, verdicts: Mapping[Path, Verdict], colour: bool) -> Iterator[str]:
    shown = {ancestry.root}
    yield _describe(ancestry.product, verdicts, "", colour)
    # Of each open level: where it stands, what is left of its inputs. A chain may be deeper than Python's stack.
    waiting = [("", list(ancestry.product.inputs)[::-1])]
    while waiting:
        indent, links = waiting[-1]
        if not links:
            waiting.pop()
            continue
        link = links.pop()
        branch, below = ("├─ ", "│  ") if links else ("└─ ", "   ")
        ancestor = ancestry.files[link.path]
        if link.path in shown:
            yield f"{indent}{branch}{link.port}: {_short(link.path)} (see above)"
            continue
        shown.add(link.path)
        yield f"{indent}{branch}{_describe(ancestor, verdicts, f'{link.port}: ', colour)}"
        waiting.append((indent + below, list(ancestor.inputs)[::-1]))


def _describe(ancestor: Ancestor, verdicts: Mapping[Path, Verdict], port: str, colour: bool) -> str:
    job = ancestor.job
    if job:
        what = f"{job['line']} {job['stage']} v{job['version']}, {job['outcome']}"
        what += f" ({' '.join(str(job['reason']).split())})" if job["reason"] else ""
    else:
        what = ancestor.kind.value
    verdict = verdicts.get(ancestor.path)
    state = f", {_coloured(verdict.state, colour)}{_finding(verdict)}" if verdict else ""
    return f"{port}{_short(ancestor.path)}  [{what}{state}]  {ancestor.checksum}".rstrip()


def _sum_up(ancestry: Ancestry, verdicts: Mapping[Path, Verdict]) -> str:
    kinds = Counter(ancestor.kind for ancestor in ancestry.files.values())
    files = ", ".join(f"{kinds[kind]} {word}" for kind, word in _KINDS.items())
    if not verdicts:
        return f"{files}; nothing was verified"
    states = Counter(verdict.state for verdict in verdicts.values())
    if states[State.UNCHANGED] == len(verdicts):
        return f"{files}; all are unchanged"
    return f"{files}; " + ", ".join(f"{states[state]} {state}" for state in State if states[state])


_KINDS = {Kind.PRODUCT: "products", Kind.LEVEL_1: "Level-1 files", Kind.REFERENCE: "references"}


def _finding(verdict: Verdict) -> str:
    return f": {verdict.finding}" if verdict.finding else ""


def _coloured(state: State, colour: bool) -> str:
    return f"\x1b[{COLOURS[state]}m{state}\x1b[0m" if colour else state.value


def _short(path: Path) -> str:
    """Return a path as seen from the working folder where it lies below."""
    here = f"{Path.cwd()}{os.sep}"
    return str(path).removeprefix(here)
