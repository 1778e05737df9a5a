"""The stage contract: one function over files, whose signature is the command, the schema and the documentation.

::

    @stage("coronagraph", "make-dark", version=1, empty=write_empty)
    def make_dark(fixed_pattern: Path, *, dark: Path, options: MakeDark) -> Outcome: ...

Positional parameters are inputs: ``Path`` or ``list[Path]``, either with ``| None`` (may be absent). Keyword parameters
are outputs: ``Path`` or ``Path | None`` (written when asked for). ``options`` is a model.

A stage may update one of its outputs: its parameter ``standing`` is then what stands under that name now, or None. The
new product is written whole beside it, one writer at a time; where none is written, what stands stays.
"""

from __future__ import annotations

import inspect
import logging
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from levelworks.core import mpi
from levelworks.core.atomic import atomic_outputs, remove
from levelworks.core.lock import exclusive
from levelworks.core.options import Options
from levelworks.core.outcome import InvalidInput, InvalidOptions, LevelworksError, NothingToProduce, Outcome, Status
from levelworks.core.quarantine import read_quarantine, sort_out, told
from levelworks.core.record import Stopwatch, make_record, record_path, to_json

log = logging.getLogger("levelworks")

Empty = Callable[[Path, Outcome], None]

STANDING = "standing"
"""Name of the parameter for what stands under the name of an output that is updated."""


@dataclass(frozen=True)
class Port:
    """One input or output of a stage: its name, whether it may be absent, whether it takes many files."""

    name: str
    optional: bool
    many: bool

    @property
    def flag(self) -> str:
        """Return the command-line flag."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Stage:
    """A registered stage; `run` keeps the contract around its function."""

    line: str
    name: str
    version: int
    function: Callable[..., Outcome]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    options: type[Options]
    empty: Empty
    mpi: bool
    updates: str = ""

    @property
    def summary(self) -> str:
        """Return the first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


_registry: dict[tuple[str, str], Stage] = {}


def stage(
    line: str, name: str, *, version: int, empty: Empty, mpi: bool = False, updates: str = ""
) -> Callable[..., Any]:
    """Register a function as a stage.

    Parameters
    ----------
    version : int
        Raise it when the algorithm changes: products of older versions are then made again.
    empty : callable
        Writes the valid, empty product of a skipped or quarantined granule: ``empty(path, outcome)``.
    mpi : bool
        Whether the stage shares its work among ranks.
    updates : str
        Output that is updated rather than made anew; none where empty.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        inputs, outputs, options = _ports(function)
        if (STANDING in inspect.signature(function).parameters) != bool(updates):
            raise TypeError(
                f"{function.__name__}: a stage that updates an output takes {STANDING!r}, and only such a one"
            )
        _registry[line, name] = Stage(line, name, version, function, inputs, outputs, options, empty, mpi, updates)
        return function

    return register


def stages(line: str) -> dict[str, Stage]:
    """Return the stages of a line by name, in the order of their definition."""
    import importlib

    importlib.import_module(f"levelworks.{line}.stages")
    return {name: found for (owner, name), found in _registry.items() if owner == line}


def _ports(function: Callable[..., Outcome]) -> tuple[tuple[Port, ...], tuple[Port, ...], type[Options]]:
    hints = typing.get_type_hints(function)
    inputs: list[Port] = []
    outputs: list[Port] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("options", STANDING):
            continue
        optional, many = _kind(hints.get(parameter.name), parameter.name)
        keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword and many:
            raise TypeError(f"{parameter.name}: an output is Path or Path | None")
        (outputs if keyword else inputs).append(Port(parameter.name, optional, many))
    options = hints.get("options")
    if not (isinstance(options, type) and issubclass(options, Options)):
        raise TypeError(f"{function.__name__}: a stage takes options, a model derived from Options")
    return tuple(inputs), tuple(outputs), options


def _kind(hint: Any, name: str) -> tuple[bool, bool]:
    """Return whether a parameter may be absent, and whether it takes many files."""
    wanted = hint
    if isinstance(hint, types.UnionType):
        wanted = next((one for one in typing.get_args(hint) if one is not types.NoneType), None)
    many = typing.get_origin(wanted) in (list, Sequence) and typing.get_args(wanted) == (Path,)
    optional = wanted is not hint and set(typing.get_args(hint)) == {wanted, types.NoneType}
    if not (many or wanted is Path) or (wanted is not hint and not optional):
        raise TypeError(f"{name}: a stage takes Path, list[Path], or either or None, not {hint}")
    return optional, many


def run(found: Stage, files: Mapping[str, Sequence[Path]], options: Options) -> Outcome:
    """Run a stage on files: check inputs, write outputs atomically with their records, turn bad input into data.

    Parameters
    ----------
    files : mapping of str to sequence of Path
        Paths of each input and output by parameter name; empty where an optional one is absent.

    Raises
    ------
    InvalidOptions
        Where a required file is not named, an input does not exist, or an output would replace another file of the job.
    LevelworksError
        Of the stage, where a retry or a person must act.
    """
    watch = Stopwatch()
    communicator = mpi.world() if found.mpi else mpi.Serial()
    arguments = {port.name: _argument(port, files.get(port.name, ())) for port in (*found.inputs, *found.outputs)}
    _check_inputs(found, files)
    targets = {port.name: arguments[port.name] for port in found.outputs if arguments[port.name] is not None}
    # Records are renamed before the products they describe: a product under its final name always has one.
    finals = {f"record of {name}": record_path(path) for name, path in targets.items()} | targets
    _check_outputs(finals, files, found.inputs)
    inputs = {port.name: list(files.get(port.name, ())) for port in found.inputs if files.get(port.name)}
    left, aside = sort_out(inputs, read_quarantine())
    standing = (STANDING,) if found.updates else ()

    def work(written: Mapping[str, Path]) -> Outcome:
        try:
            with_outputs = {port.name: written.get(port.name) for port in found.outputs}
            if found.updates:
                final = targets[found.updates]
                arguments[STANDING] = final if final.exists() else None
            for port in found.inputs:
                _leave_out(port, inputs, left, aside, arguments)
            positional = {name: arguments[name] for name in (*(port.name for port in found.inputs), *standing)}
            outcome = found.function(**positional, **with_outputs, options=options)
            warnings = tuple(told(str(path), reason) for path, reason in aside.items())
            return replace(outcome, warnings=outcome.warnings + warnings) if warnings else outcome
        except (InvalidInput, NothingToProduce) as error:
            status = Status.QUARANTINED if isinstance(error, InvalidInput) else Status.SKIPPED
            outcome = Outcome(status, reason=str(error))
            if communicator.rank == 0:
                for name, path in written.items():
                    remove(path)
                    if name != found.updates:
                        found.empty(path, outcome)
            return outcome

    if communicator.rank > 0:
        outcome = work(communicator.broadcast(None))
        communicator.gather(watch.figures())
        return outcome
    updated = [targets[found.updates]] if found.updates else []
    with exclusive(updated), atomic_outputs(finals, optional=standing and (found.updates,)) as temporary:
        written = {name: temporary[name] for name in targets}
        communicator.broadcast(written)
        outcome = work(written)
        forgotten = [
            str(path) for name, path in targets.items() if name != found.updates and not written[name].exists()
        ]
        if forgotten:
            raise LevelworksError(f"{found.line} {found.name} ended without writing {', '.join(forgotten)}")
        figures = communicator.gather(watch.figures()) or []
        record = make_record(
            line=found.line,
            stage=found.name,
            version=found.version,
            options=options.model_dump(mode="json", by_alias=True),
            outcome=outcome,
            inputs=inputs,
            outputs={
                name: (path, written[name] if written[name].exists() else path)
                for name, path in targets.items()
                if written[name].exists() or path.exists()
            },
            figures=figures,
        )
        text = to_json(record)
        for name in targets:
            temporary[f"record of {name}"].write_text(text, encoding="utf-8")
    _report(found, outcome, targets, record)
    return outcome


def _argument(port: Port, paths: Sequence[Path]) -> Any:
    if not paths and not port.optional:
        raise InvalidOptions(f"{port.flag} is required")
    if port.many:
        return list(paths) or None if port.optional else list(paths)
    if len(paths) > 1:
        raise InvalidOptions(f"{port.flag} takes one file, got {len(paths)}")
    return paths[0] if paths else None


def _leave_out(
    port: Port,
    inputs: Mapping[str, list[Path]],
    left: Mapping[str, list[Path]],
    aside: Mapping[Path, str],
    arguments: dict[str, Any],
) -> None:
    """Leave out what a person has put aside; without its one file, or all of them, a job has nothing to work on."""
    gone = [path for path in inputs.get(port.name, ()) if path in aside]
    if not gone:
        return
    if not port.many or not left[port.name]:
        raise InvalidInput(told(gone[0].name, aside[gone[0]]))
    arguments[port.name] = left[port.name]


def _check_inputs(found: Stage, files: Mapping[str, Sequence[Path]]) -> None:
    for port in found.inputs:
        for path in files.get(port.name, ()):
            if not path.exists():
                raise InvalidOptions(f"{port.flag}: {path} does not exist")


def _check_outputs(finals: Mapping[str, Path], files: Mapping[str, Sequence[Path]], inputs: Sequence[Port]) -> None:
    taken: dict[Path, str] = {}
    standing = set()
    for name, path in finals.items():
        other = taken.setdefault(path.absolute(), name)
        if other != name:
            raise InvalidOptions(f"{path} would be two files: {other} and {name}")
        if path.exists():
            standing.add(_inode(path.lstat()))
    if not standing:
        return
    for port in inputs:
        for path in files.get(port.name, ()):
            if _inode(path.stat()) in standing:
                raise InvalidOptions(f"{port.flag}: {path} is an output of this job too")


def _inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _report(found: Stage, outcome: Outcome, targets: Mapping[str, Path], record: Mapping[str, Any]) -> None:
    for warning in outcome.warnings:
        log.warning("%s", warning)
    for name, value in outcome.quality.items():
        log.info("%s = %s", name, f"{value:.6g}" if isinstance(value, float) else value)
    for name, path in targets.items():
        log.info("%s %s", "wrote" if name in record["outputs"] else "left out", path)
    because = f": {outcome.reason}" if outcome.reason else ""
    log.info("%s %s %s%s (%.2f s CPU)", found.line, found.name, outcome.status, because, record["cpu_s"])
