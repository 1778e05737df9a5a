"""What stays of a command line when a campaign is run for other targets."""

from __future__ import annotations

import shlex

import pytest
from snakemake.cli import get_argument_parser

from snakemake_logger_plugin_levelworks.command_line import is_asked, without_targets


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("all --cores all --keep-going", "--cores all --keep-going"),
        ("slurm --profile slurm", "--profile slurm"),
        ("local --executor local -j 4 results/x.fits", "--executor local -j 4"),
        ("-c2 a b --configfile one.yaml two.yaml", "-c2 --configfile one.yaml two.yaml"),
        ("--configfile=one.yaml a", "--configfile=one.yaml"),
        ("a --forcerun first second --until first -k", "-k"),
        ("a --forcerun=first -Rsecond -Fk --cores 2", "-k --cores 2"),
        ("a -R first -U first --omit-from x --batch y=1/3 --cores 2", "--cores 2"),
        ("t --cores 2 --config a=b x=-1 --logger levelworks", "--cores 2 --config a=b x=-1 --logger levelworks"),
        ("--cores 2 -- a b", "--cores 2"),
        ("--core 2 a --forcer first", "--core 2"),
        ("-k --quiet rules host --profile p", "-k --quiet rules host --profile p"),
        ("--directory 'a folder' 'a target'", "--directory 'a folder'"),
        ("t --set-resources r:mem_mb=5 s:mem_mb=6 -w 1", "--set-resources r:mem_mb=5 s:mem_mb=6 -w 1"),
    ],
)  # fmt: skip
def test_targets_and_what_forces_jobs_go(words: str, expected: str) -> None:
    kept = without_targets(shlex.split(words))
    assert shlex.join(kept) == expected
    assert not get_argument_parser().parse_args(kept).targets


@pytest.mark.parametrize(("words", "asked"), [("a --touch", True), ("a -t", True), ("a", False), ("touch", False)])
def test_a_run_that_only_touches_is_known(words: str, asked: bool) -> None:
    assert is_asked(words.split(), "touch") is asked
