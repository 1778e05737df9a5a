"""The command ``levelworks``: every stage of every line, and the house's own commands."""

from __future__ import annotations

import os
import platform

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    # Before any of them is loaded: threads of small matrices cost far more than they bring, and jobs share nodes.
    os.environ.setdefault(_variable, "1")
if platform.machine() == "x86_64":
    # Kernels of AVX-512 add in another order for blocks of another height: ranks and nodes would differ.
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from levelworks import __version__
from levelworks.core.config import LINES
from levelworks.core.outcome import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INVALID_OPTIONS,
    EXIT_TRANSIENT,
    InvalidOptions,
    LevelworksError,
)

COMMANDS = (
    *("doctor", "status", "failed", "retry", "quarantine", "report", "advise", "trace", "crate"),
    *("clean", "simulate", "schema", "check-outcomes"),
)

ABORT_DELAY = 0.3
"""Seconds."""

log = logging.getLogger("levelworks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code (see `levelworks.core.outcome`)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _start_log()
    try:
        if words and words[0] in LINES:
            return run_stage(words[0], words[1:])
        if words and words[0] in COMMANDS:
            from levelworks import commands

            return commands.run(words[0], words[1:])
        return _introduce(words)
    except LevelworksError as error:
        log.error("%s", error)
        if error.exit_code == EXIT_BUG:
            log.debug("%s", traceback.format_exc())
        return _leave(error.exit_code)
    except MemoryError:
        log.error("out of memory")
        return _leave(137)
    except BrokenPipeError:  # whoever read it, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as error:
        log.error("%s", error)
        return _leave(EXIT_TRANSIENT)
    except Exception:
        log.error("a bug in levelworks %s:\n%s", __version__, traceback.format_exc())
        return _leave(EXIT_BUG)


def run_stage(line: str, words: Sequence[str]) -> int:
    """Run ``levelworks LINE STAGE --input FILE … --output FILE … [--options JSON]``."""
    from levelworks.core.allocation import keep_freed_memory
    from levelworks.core.options import parse_options
    from levelworks.core.stage import run, stages

    known = stages(line)
    if not words or words[0] in ("-h", "--help"):
        width = max(map(len, known))
        print(f"usage: levelworks {line} STAGE [--help]\n\nstages:")
        for name, found in known.items():
            print(f"  {name:{width}}  {found.summary}")
        return EXIT_DONE
    if words[0] not in known:
        log.error("%s has no stage %r; it has %s", line, words[0], ", ".join(known))
        return EXIT_INVALID_OPTIONS
    stage = known[words[0]]
    parser = stage_parser(line, words[0])
    values = vars(parser.parse_args(words[1:]))
    keep_freed_memory()
    options = parse_options(stage.options, values.pop("options"))
    files = {name: expand_lists(given) for name, given in values.items()}
    run(stage, files, options)
    return EXIT_DONE


class Parser(argparse.ArgumentParser):
    """A parser whose complaints end with the exit code of wrong options."""

    def error(self, message: str) -> NoReturn:
        """Raise InvalidOptions with the usage."""
        raise InvalidOptions(f"{message}\n{self.format_usage().strip()}")


def stage_parser(line: str, name: str) -> Parser:
    """Build the parser of a stage's command from its signature and its options model."""
    from levelworks.core.options import describe
    from levelworks.core.stage import stages

    stage = stages(line)[name]
    parser = Parser(
        prog=f"levelworks {line} {name}",
        description=stage.summary,
        epilog="options:\n" + describe(stage.options),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for kind, ports in (("input", stage.inputs), ("output", stage.outputs)):
        group = parser.add_argument_group(f"{kind}s")
        for port in ports:
            need = "optional" if port.optional else "required"
            text = f"{need}; files, or @FILE with one path a line" if port.many else need
            group.add_argument(port.flag, nargs="*", default=[], metavar="FILE", help=text)
    parser.add_argument("--options", metavar="JSON", help="JSON, or a JSON or YAML file")
    return parser


def expand_lists(given: Sequence[str]) -> list[Path]:
    """Return paths; a word @FILE stands for the paths in that file, one a line."""
    paths: list[Path] = []
    for word in given:
        if word.startswith("@"):
            if not Path(word[1:]).is_file():
                raise InvalidOptions(f"{word}: there is no such list")
            paths += [Path(line) for line in Path(word[1:]).read_text(encoding="utf-8").splitlines() if line]
        else:
            paths.append(Path(word))
    return paths


def _start_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"))
    log.handlers[:] = [handler]
    level = os.environ.get("LEVELWORKS_LOG", "INFO").upper()
    log.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    log.propagate = False


def _leave(code: int) -> int:
    """End all ranks where there are several: the others would wait for this one for ever."""
    from levelworks.core import mpi

    if not any(name in os.environ for name in mpi.LAUNCHER_VARIABLES):
        return code
    try:
        communicator = mpi.world()
    except LevelworksError:
        return code  # that the ranks don't see each other is what has just been said
    if communicator.size > 1:
        sys.stderr.flush()
        # The launcher passes on what ranks have written, and stops doing so when it hears of the end.
        time.sleep(ABORT_DELAY)
        communicator.abort(code)
    return code


def _introduce(words: Sequence[str]) -> int:
    if words and words[0] in ("--version", "-V"):
        print(f"levelworks {__version__}")
        return EXIT_DONE
    stream = sys.stdout if not words or words[0] in ("-h", "--help") else sys.stderr
    print("usage: levelworks LINE STAGE … | COMMAND … [--help]", file=stream)
    print(f"\nlines:    {', '.join(LINES)}\ncommands: {', '.join(COMMANDS)}", file=stream)
    if stream is sys.stderr:
        print(f"\nthere is no line or command {words[0]!r}", file=stream)
        return EXIT_INVALID_OPTIONS
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
