"""The house's own commands: doctor, clean, simulate, schema, check-outcomes, and those of a campaign."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

from levelworks.cli import Parser
from levelworks.core.config import LINES
from levelworks.core.outcome import EXIT_DONE, EXIT_INVALID_OPTIONS

CLEANED_LINES = ("insar",)
"""Lines that have products which later jobs need no more."""


def run(name: str, words: Sequence[str]) -> int:
    """Run a command by name with its arguments; returns its exit code."""
    return COMMANDS[name](words)


def _config_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="configuration files over config/config.yaml, as for snakemake",
    )


def _load_config(given: Sequence[Path]) -> Any:
    from levelworks.core.config import load_files

    base = Path("config/config.yaml")
    return load_files([*([base] if base.is_file() else []), *given])


def _doctor(words: Sequence[str]) -> int:
    parser = Parser(prog="levelworks doctor", description="Examine installation and campaign before anything runs.")
    _config_arguments(parser)
    parser.add_argument("--warm", action="store_true", help="compile the kernels of every line on disk and stop")
    given = parser.parse_args(words)
    from levelworks.core import doctor

    checks = doctor.warm() if given.warm else doctor.examine(_load_config(given.configfile), Path.cwd())
    print(doctor.report(checks))
    return EXIT_INVALID_OPTIONS if any(check.verdict == "failure" for check in checks) else EXIT_DONE


def _of_campaign(name: str) -> Callable[[Sequence[str]], int]:
    def command(words: Sequence[str]) -> int:
        from levelworks.campaign import commands

        return commands.COMMANDS[name](words)

    return command


def _clean(words: Sequence[str]) -> int:
    if words and words[0] in CLEANED_LINES:
        return _clean_line(words[0], words[1:])
    from levelworks.campaign.folders import add_folders, results_in

    parser = Parser(
        prog="levelworks clean",
        description="Remove what records say was written here, never an input. Shows it, unless --yes is given. "
        f"`levelworks clean LINE` removes what later jobs of a line need no more: {', '.join(CLEANED_LINES)}.",
    )
    add_folders(parser)
    parser.add_argument("--yes", action="store_true", help="remove; without it nothing is touched")
    given = parser.parse_args(words)
    from levelworks.core.clean import plan

    with chdir(given.directory):  # to which records name files
        return _remove(plan(results_in(Path(), given.results)), yes=given.yes)


def _clean_line(name: str, words: Sequence[str]) -> int:
    import importlib

    line = importlib.import_module(f"levelworks.{name}.clean_command")
    parser = Parser(prog=f"levelworks clean {name}", description=f"{line.SUMMARY} Shows it, unless --yes is given.")
    _config_arguments(parser)
    line.add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="remove; without it nothing is touched")
    given = parser.parse_args(words)
    return _remove(line.plan_removal(_load_config(given.configfile), given), yes=given.yes)


def _remove(planned: Any, *, yes: bool) -> int:
    """Remove what was planned, or say what would go."""
    from levelworks.core.clean import remove

    cleaned = remove(planned, dry_run=not yes)
    for path in cleaned.removed:
        print(f"{'removed' if yes else 'would remove'} {path}")
    for kept in cleaned.kept:
        print(f"kept {kept.path}: {kept.reason}")
    verb = "removed" if yes else "would remove"
    print(f"{verb} {len(cleaned.removed)} files, {planned.size / 1e6:.1f} MB; kept {len(cleaned.kept)}")
    if not yes and cleaned.removed:
        print("nothing was touched; --yes removes")
    return EXIT_DONE


def _simulate(words: Sequence[str]) -> int:
    import importlib

    if not words or words[0] not in LINES:
        print(f"usage: levelworks simulate LINE FOLDER [--help]\n\nlines: {', '.join(LINES)}", file=sys.stderr)
        return EXIT_DONE if words and words[0] in ("-h", "--help") else EXIT_INVALID_OPTIONS
    line = importlib.import_module(f"levelworks.{words[0]}.simulate_command")
    parser = Parser(prog=f"levelworks simulate {words[0]}", description="Write simulated Level 1 with known truth.")
    parser.add_argument("folder", type=Path)
    line.add_arguments(parser)
    given = parser.parse_args(words[1:])
    line.simulate(given.folder, given)
    return EXIT_DONE


def _schema(words: Sequence[str]) -> int:
    parser = Parser(prog="levelworks schema", description="Print the JSON schema of the configuration.")
    parser.add_argument("--yaml", action="store_true", help="print the complete, commented configuration instead")
    given = parser.parse_args(words)
    from levelworks.core.config import schema, template

    print(template() if given.yaml else schema(), end="")
    return EXIT_DONE


def _check_outcomes(words: Sequence[str]) -> int:
    parser = Parser(
        prog="levelworks check-outcomes",
        description="Write the tables of outcomes of some products; fail where too many are quarantined.",
    )
    parser.add_argument("products", nargs="+", help="products, or @FILE with one path a line")
    parser.add_argument("--outcomes", type=Path, required=True, help="table of all")
    parser.add_argument("--quarantine", type=Path, required=True, help="table of the quarantined")
    parser.add_argument("--max-quarantined", type=float, default=0.1, help="largest share (default 0.1)")
    given = parser.parse_args(words)
    from levelworks.cli import expand_lists
    from levelworks.core.jobs import collect_products
    from levelworks.core.record import described_product, record_path
    from levelworks.core.status import check_quarantined, write_outcomes

    # Rules whose product is a folder hand on the record beside it.
    products = [
        path if record_path(path).exists() else described_product(path) for path in expand_lists(given.products)
    ]
    outcomes = collect_products(given.outcomes.parent, products)
    write_outcomes(outcomes, given.outcomes, given.quarantine)
    check_quarantined(outcomes, given.max_quarantined)
    return EXIT_DONE


def _campaign_command(name: str) -> Callable[[Sequence[str]], int]:
    """Return a command that is a module of its own, imported when it is called."""

    def call(words: Sequence[str]) -> int:
        import importlib

        code: int = importlib.import_module(f"levelworks.campaign.{name}_command").run(words)
        return code

    return call


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "doctor": _doctor,
    **{name: _of_campaign(name) for name in ("status", "failed", "retry", "quarantine")},
    "clean": _clean,
    "simulate": _simulate,
    "schema": _schema,
    "check-outcomes": _check_outcomes,
    **{name: _campaign_command(name) for name in ("trace", "crate", "report", "advise")},
}
