"""Examining everything that a campaign needs before anything is submitted.

A line adds its own checks in a module ``levelworks.<line>.doctor``, each part of which may be left out::

    def examine(section) -> Iterable[Check]   inputs, references and options of the line
    def space_needed(section) -> int          bytes of all its products
    def warm() -> str                         compiles its kernels on disk; says what it did

The first two may take ``results`` too: the folder of all products, of a line that plans by what stands there.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import time
from collections.abc import Callable, Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

from levelworks.core.check import Check, report
from levelworks.core.config import LINES
from levelworks.core.environment import examine_environment
from levelworks.core.outcome import LevelworksError
from levelworks.core.storage import examine_results, examine_space

__all__ = ["Check", "examine", "report", "warm"]


def examine(config: Any, folder: Path) -> list[Check]:
    """Examine software, results folder, free room, and the inputs and references of every line that has a section.

    Parameters
    ----------
    config : Config
        A validated configuration (`levelworks.core.config.load`).
    folder : Path
        Folder in which the campaign runs: relative paths of the configuration begin there.
    """
    results = folder / config.campaign.results
    checks = examine_environment()
    checks += examine_results(results)
    needed = 0
    with chdir(folder):
        for line in LINES:
            section = getattr(config, line)
            if section == type(section)():
                continue
            own = _with_limit(section, config.campaign.max_quarantined)
            found, bytes_needed = _examine_line(line, own, config.campaign.results)
            checks += found
            needed += bytes_needed
    return [*checks, examine_space(results, needed)]


def _with_limit(section: Any, limit: float) -> Any:
    """Return a line's section whose stages have the campaign's limit of quarantined inputs where they have none."""
    stages = {name: getattr(section, name) for name in type(section).model_fields}
    unset = {name: one for name, one in stages.items() if getattr(one, "max_quarantined", limit) is None}
    return section.model_copy(
        update={name: one.model_copy(update={"max_quarantined": limit}) for name, one in unset.items()}
    )


def _examine_line(line: str, section: Any, results: Path) -> tuple[list[Check], int]:
    """Return the line's checks and the bytes it needs; an error of the line's own examination is a finding too."""

    def ask(hook: Callable[..., Any]) -> Any:
        return hook(section, results=results) if "results" in inspect.signature(hook).parameters else hook(section)

    checks: list[Check] = []
    try:
        hooks = _hooks(line)
        if "examine" in hooks:
            checks.extend(ask(hooks["examine"]))
        return checks, int(ask(hooks["space_needed"])) if "space_needed" in hooks else 0
    except LevelworksError as error:
        if str(error) not in {one.detail for one in checks}:  # both parts stumble over what is wrong there
            checks.append(Check(line, "failure", str(error), "correct the configuration"))
    except Exception as error:  # noqa: BLE001 - who asks what is wrong must get the other answers too
        detail = f"the examination itself failed: {type(error).__name__}: {error}"
        checks.append(Check(line, "failure", detail, "report this with the configuration"))
    return checks, 0


def warm(lines: Iterable[str] = LINES) -> list[Check]:
    """Compile the kernels of the lines on disk, so that no job pays for it and nodes never race for the cache."""
    checks = []
    for line in lines:
        hooks = _hooks(line)
        if "warm" not in hooks:
            continue
        started = time.perf_counter()
        try:
            done = hooks["warm"]()
        except Exception as error:  # noqa: BLE001 - one line must not keep the others from it
            detail = f"{type(error).__name__}: {error}"
            checks.append(Check(f"{line} kernels", "failure", detail, "report this with the output of the doctor"))
            continue
        checks.append(Check(f"{line} kernels", "ok", f"{done} ({time.perf_counter() - started:.1f} s)"))
    return checks


def _hooks(line: str) -> dict[str, Callable[..., Any]]:
    name = f"levelworks.{line}.doctor"
    return vars(importlib.import_module(name)) if importlib.util.find_spec(name) else {}
