"""The command ``levelworks crate``: the RO-Crate of a campaign, with its workflow and its configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path

from levelworks.campaign.crate import NO_LICENCE, Description, crate
from levelworks.campaign.folders import add_folders, results_in
from levelworks.campaign.job_records import read_jobs
from levelworks.campaign.read_standing import last_run
from levelworks.campaign.run_words import CONFIGURATION, values_of, where_started, words_of
from levelworks.core.atomic import write_text
from levelworks.core.outcome import EXIT_DONE, InvalidOptions
from levelworks.core.survey import CRATE

WORKFLOW = "workflow"
"""Folder of the crate for the files of the workflow."""


def run(words: Sequence[str]) -> int:
    """Run the command."""
    from levelworks.cli import Parser

    parser = Parser(
        prog="levelworks crate",
        description="Describe a campaign's products and jobs as an RO-Crate, from the records beside the products.",
    )
    add_folders(parser)
    parser.add_argument("--snakefile", type=Path, help="the workflow that was run (default: that of this installation)")
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="configuration files of the campaign (default: those of its last run, from the ledger)",
    )
    parser.add_argument("--name", default="", help="name of the campaign (default: from its folder)")
    parser.add_argument("--license", default=NO_LICENCE, help="licence of the products: a URL, or a sentence")
    given = parser.parse_args(words)
    snakefile = given.snakefile and given.snakefile.absolute()
    configuration = given.configfile and [path.absolute() for path in given.configfile]
    with chdir(given.directory):  # to which records name files
        results = results_in(Path(), given.results)
        target, jobs = write_crate(results, snakefile, configuration, given.name, given.license)
    print(f"{target}: {jobs} jobs, {target.stat().st_size / 1e6:.1f} MB")
    return EXIT_DONE


def write_crate(
    results: Path,
    snakefile: Path | None = None,
    configuration: Sequence[Path] | None = None,
    name: str = "",
    licence: str = NO_LICENCE,
) -> tuple[Path, int]:
    """Write the crate's metadata into the folder of products, and the workflow beside; returns its path and the jobs.

    Parameters
    ----------
    snakefile, configuration
        Those of the installation and of the last run where None.

    Raises
    ------
    InvalidOptions
        Where there is no workflow, a configuration file is missing, or no job has finished.
    """
    root = Path(os.path.realpath(results))
    jobs = read_jobs(root)
    main = snakefile or installed_snakefile()
    if configuration is None:
        last = last_run(Path.cwd())
        started = where_started(last, Path.cwd())
        configuration = [started / word for word in values_of(words_of(last), CONFIGURATION)]
    carried = dict(_carried(main, configuration))
    described = Description(
        workflow=[path for path in carried if not path.startswith(f"{WORKFLOW}/config/")],
        configuration=[path for path in carried if path.startswith(f"{WORKFLOW}/config/")],
        name=name or f"The campaign {results.absolute().parent.name}",
        licence=licence,
    )
    text = crate(root, jobs, described)
    for path, content in carried.items():
        write_text(root / path, content)
    write_text(root / CRATE, text)
    return root / CRATE, len(jobs)


def installed_snakefile() -> Path:
    """Return the workflow that belongs to this installation, or that of the working folder.

    Raises
    ------
    InvalidOptions
        Where there is neither.
    """
    import levelworks

    for folder in (Path(levelworks.__file__).parents[2], Path.cwd()):
        if (folder / "Snakefile").is_file():
            return folder / "Snakefile"
    raise InvalidOptions("there is no Snakefile beside the installation or here: name it with --snakefile")


def _carried(main: Path, configuration: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield the files that the crate takes in, by their paths in it, with their contents."""
    if not main.is_file():
        raise InvalidOptions(f"--snakefile: {main} does not exist")
    yield f"{WORKFLOW}/Snakefile", main.read_text(encoding="utf-8")
    for rules in sorted((main.parent / "rules").glob("*.smk")):
        yield f"{WORKFLOW}/rules/{rules.name}", rules.read_text(encoding="utf-8")
    for place, path in enumerate(configuration, start=1):
        if not path.is_file():
            raise InvalidOptions(f"--configfile: {path} does not exist")
        # Later ones win over earlier ones: the number keeps their order, and two of one name apart.
        yield f"{WORKFLOW}/config/{place}-{path.name}", path.read_text(encoding="utf-8")
