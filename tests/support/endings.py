"""A line on trial: stages that end in every way a stage can end. Run as a program it is `levelworks` with that line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Literal

from levelworks.core import mpi
from levelworks.core.options import Options, option
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, TransientError
from levelworks.core.stage import Stage, stage, stages

LINE = "trial"
PROGRAM = Path(__file__)

Ending = Literal["done", "warned", "bad", "nothing", "transient", "io", "bug", "forget", "kill", "wait"]


class CopyText(Options):
    """Options of `copy-text`."""

    ending: Ending = option("done", "how the stage ends")
    times: int = option(1, "how often the text is repeated", unit="copies", ge=1, le=1_000_000)


def _empty(path: Path, outcome: Outcome) -> None:
    path.write_text(f"empty: {outcome.reason}")


@stage(LINE, "copy-text", version=3, empty=_empty)
def copy_text(
    granule: Path, notes: Path | None, others: list[Path], *, copy: Path, second: Path | None, options: CopyText
) -> Outcome:
    """Copy a text.

    Half of it is written when the stage ends in another way than well.
    """
    text = "".join(path.read_text() for path in (granule, *filter(None, [notes]), *others)) * options.times
    copy.write_text(text[: len(text) // 2])
    _end(options.ending, granule, copy)
    if options.ending != "forget":
        copy.write_text(text)
    if second is not None:
        second.write_text(text)
    warnings = ("this text is short",) if options.ending == "warned" else ()
    return Outcome(quality={"characters": len(text), "share_of_nothing": float("nan")}, warnings=warnings)


def _end(ending: Ending, granule: Path, copy: Path) -> None:
    match ending:
        case "bad":
            raise InvalidInput(f"{granule.name}: truncated")
        case "nothing":
            raise NothingToProduce(f"{granule.name}: all cloud")
        case "transient":
            raise TransientError("the service is away")
        case "io":
            raise OSError(5, "Input/output error", os.fspath(granule))
        case "bug":
            raise ZeroDivisionError("a figure was zero")
        case "forget":
            copy.unlink()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "wait":
            print("half is written", flush=True)
            sys.stdin.readline()


class Sum(Options):
    """Options of `sum-numbers`."""

    failing_rank: int = option(-1, "rank that meets a bug")
    bad: bool = option(False, "whether the input is bad")


@stage(LINE, "sum-numbers", version=1, empty=_empty, mpi=True)
def sum_numbers(numbers: Path, *, total: Path, options: Sum) -> Outcome:
    """Add up numbers, shared among ranks."""
    world = mpi.world()
    values = [int(line) for line in numbers.read_text().splitlines()]
    with mpi.together(world):
        if options.bad and world.rank == world.size - 1:
            raise InvalidInput(f"{numbers.name}: one share is bad")
    if world.rank == options.failing_rank:
        raise ZeroDivisionError("a figure was zero")
    share = sum(values[i] for i in mpi.split(len(values), world.size, world.rank))
    shares = world.gather(share)
    if shares is None:
        return Outcome()
    total.write_text(f"{sum(shares)}\n")
    return Outcome(quality={"numbers": len(values)})


_module = types.ModuleType(f"levelworks.{LINE}.stages")
sys.modules[_module.__name__] = _module


def named(name: str) -> Stage:
    """Return a stage of the line."""
    return stages(LINE)[name]


def command(*words: str | Path, ranks: int = 0) -> list[str]:
    """Return the command line of a stage of the line, on ranks where there are any."""
    launcher = [os.fspath(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks)] if ranks else []
    return [*launcher, sys.executable, os.fspath(PROGRAM), *map(str, words)]


def run_command(
    *words: str | Path, ranks: int = 0, seconds: float = 60, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of `levelworks` in a process of its own, with the line on trial among its lines."""
    return subprocess.run(
        command(*words, ranks=ranks),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def _main() -> Any:
    from levelworks import cli

    cli.LINES = (*cli.LINES, LINE)
    return cli.main()


if __name__ == "__main__":
    sys.exit(_main())
