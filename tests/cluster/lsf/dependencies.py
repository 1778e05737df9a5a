"""The dependency conditions of bsub -w."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .expressions import BadExpression, Tree, atoms, holds, parse
from .jobs import Job

if TYPE_CHECKING:
    from .store import Store

CONDITION = re.compile(
    r"""(?:(?P<kind>done|ended|exit|started|post_done|post_err)\s*\(\s*)?
        (?P<job>"[^"]*"|[\w.*-]+)(?:\[(?P<index>\*|\d+)\])?
        (?(kind)(?:\s*,\s*(?P<sign>==|!=|>=|<=|>|<)?\s*(?P<code>\d+))?\s*\))""",
    re.VERBOSE,
)
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def dependency(text: str, store: Store) -> Tree:
    """Read a condition and check that every job in it is known."""
    try:
        tree = parse(text, CONDITION)
    except BadExpression as error:
        raise BadExpression("Bad dependency condition syntax") from error
    for atom in atoms(tree):
        if not _jobs(atom, None, store):
            raise BadExpression(f"{atom.group()}: No matching job found")
    return tree


def satisfied(job: Job, store: Store) -> bool:
    """Tell whether a job may start as far as its dependencies go."""
    tree = job.submission.dependency
    return tree is None or holds(tree, lambda atom: _truth(atom, job, store))


def _truth(atom: re.Match[str], job: Job, store: Store) -> bool:
    jobs = _jobs(atom, job, store)
    match atom["kind"] or "done":
        case "done" | "post_done":
            return all(one.state == "DONE" for one in jobs)
        case "ended" | "post_err":
            return all(one.finished for one in jobs)
        case "started":
            return all(one.start_time is not None or one.finished for one in jobs)
        case _:
            return all(one.state == "EXIT" and _code(atom, one) for one in jobs)


def _code(atom: re.Match[str], job: Job) -> bool:
    return atom["code"] is None or COMPARE[atom["sign"] or "=="](job.exit_code or 0, int(atom["code"]))


def _jobs(atom: re.Match[str], job: Job | None, store: Store) -> list[Job]:
    """Return the jobs of a condition; ``[*]`` stands for the element with the index of the job that waits."""
    name = atom["job"].strip('"')
    index = atom["index"]
    if found := re.fullmatch(r"(.*)\[(\*|\d+)\]", name):
        name, index = found.groups()
    submissions = [store.history[int(name)]] if name.isdigit() and int(name) in store.history else []
    if not name.isdigit():
        named = [one for one in store.history.values() if store.matches(name, one.name)]
        submissions = named if "*" in name else named[-1:]
    if index is None or (index == "*" and job is None):
        return [one for submission in submissions for one in submission.jobs]
    wanted = job.index if index == "*" and job else int(index)
    return [one for submission in submissions for one in submission.elements(wanted)]
