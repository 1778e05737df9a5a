"""Graphs of rules: which rule's files which other reads, in a campaign that asks for everything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from levelworks.core.config import LINES

Edge = tuple[str, str]


@dataclass(frozen=True)
class RuleGraph:
    """Rules in the order in which they are planned first, and edges from a rule to those that read its files."""

    rules: tuple[str, ...]
    edges: tuple[Edge, ...]


def plan_graphs(root: Path) -> dict[str, RuleGraph]:
    """Let Snakemake plan a campaign that asks for everything of every line; return the graph of each line.

    Parameters
    ----------
    root : Path
        The checkout, whose tests know such a campaign.
    """
    program = root / "tests" / "support" / "plan_everything.py"
    with TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, program], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    jobs = json.loads(done.stdout)
    return {line: graph_of(job for job in jobs if line_of(job) == line) for line in LINES}


def line_of(job: Mapping[str, Any]) -> str:
    """Return the line of a job, whose folder its log lies in; none where it has no log."""
    return Path(job["log"][0]).parts[1] if job["log"] else ""


def graph_of(jobs: Iterable[Mapping[str, Any]]) -> RuleGraph:
    """Return the graph of the rules of some jobs, without edges that follow from others.

    Parameters
    ----------
    jobs : iterable of mapping
        With ``rule``, and the files that it ``reads`` and ``writes``.
    """
    jobs = list(jobs)
    makers = {path: job["rule"] for job in jobs for path in job["writes"]}
    edges = {
        (makers[path], job["rule"])
        for job in jobs
        for path in job["reads"]
        if makers.get(path, job["rule"]) != job["rule"]
    }
    return RuleGraph(tuple(dict.fromkeys(job["rule"] for job in jobs)), tuple(sorted(without_shortcuts(edges))))


def without_shortcuts(edges: Iterable[Edge]) -> set[Edge]:
    """Return the edges that no path of others stands for: the transitive reduction.

    Raises
    ------
    ValueError
        Where the edges go round.
    """
    after: dict[str, set[str]] = {}
    for first, second in edges:
        after.setdefault(first, set()).add(second)
    reached: dict[str, set[str]] = {}

    def reach(rule: str, above: tuple[str, ...]) -> set[str]:
        if rule in above:
            raise ValueError(f"rules go round: {' -> '.join((*above, rule))}")
        if rule not in reached:
            found = [{one, *reach(one, (*above, rule))} for one in after.get(rule, ())]
            reached[rule] = set().union(*found)
        return reached[rule]

    for rule in after:
        reach(rule, ())
    return {
        (first, second)
        for first, seconds in after.items()
        for second in seconds
        if not any(second in reached[other] for other in seconds - {second})
    }
