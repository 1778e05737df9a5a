"""What the rules of every line share: the validated configuration, paths, and a stage's command.

A rule states files, resources and options; the command it runs is written from the stage's signature, so that a rule
and its stage can't disagree: `command(line, stage)` names every input and output of the rule as a flag.
"""

import hashlib
import json
import os
from pathlib import Path

from levelworks.core import config as levelworks_config
from levelworks.core.outcome import LevelworksError
from levelworks.campaign.planned import announce_plan
from levelworks.core.commands_path import put_own_commands_first
from levelworks.core.stage import stages
from levelworks.core.status import OUTCOMES
from snakemake.exceptions import WorkflowError

# Jobs find the same installation that plans them, on this machine and on every node that sees its file system.
put_own_commands_first()

LISTS = Path(".snakemake/levelworks/lists")

try:
    CONFIG = levelworks_config.load(config)
except LevelworksError as error:
    raise WorkflowError(f"the configuration is wrong\n{error}") from None

RESULTS = CONFIG.campaign.results


def product(line, stage, name):
    """Return the path of a product below the results folder."""
    return str(RESULTS / line / stage / name)


def log_file(line, stage, name):
    """Return the path of a job's log."""
    return str(Path("logs") / line / stage / f"{name}.log")


def benchmark_file(line, stage, name):
    """Return the path of a job's benchmark table."""
    return str(Path("benchmarks") / line / stage / f"{name}.tsv")


def options(line, stage, **values):
    """Return a stage's options as JSON: those of the configuration, with `values` over them."""
    model = stages(line)[stage].options
    configured = getattr(getattr(CONFIG, line), stage.replace("-", "_"), None)
    if configured is None:
        found = model(**values)
    else:
        limit = {"max_quarantined": CONFIG.campaign.max_quarantined}
        unset = {key: value for key, value in limit.items() if getattr(configured, key, value) is None}
        # Where the section has fewer keys than the stage, the rule gives the others.
        found = model(**configured.model_dump(by_alias=True) | unset | values)
    return json.dumps(
        found.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        sort_keys=True,
    )


def version(line, stage):
    """Return a stage's version, so that raising it makes its products again."""
    return stages(line)[stage].version


def listed(paths):
    """Write paths to a file named by its content and return `@file`: a command line holds 128 kB at the most."""
    text = "".join(f"{path}\n" for path in paths)
    target = LISTS / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.txt"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}")
        draft.write_text(text)
        draft.replace(target)
    return f"@{target}"


def settings(name, model):
    """Write options to a file of their own and return its path.

    For what says how a job goes about and not what it makes: as an `ancient` input a change of it makes nothing again.
    """
    target = LISTS.with_name("settings") / f"{name}.json"
    text = model.model_dump_json(by_alias=True, indent=1)
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(f".{os.getpid()}")
        draft.write_text(text)
        draft.replace(target)
    return str(target)


def command(line, stage, outputs, ranks=False, folders=()):
    """Return the shell command of a stage, its flags from the stage's signature.

    An input that a rule leaves empty is absent. Inputs of many files come through `params.<name>`, made by `listed`,
    and so do outputs that are `folders`, or are updated: of those the rule's output is the record beside them, as
    Snakemake would remove what stands before its job, and leave a file of its own in a folder. With `ranks`, `resources.mpi` starts `resources.tasks`.
    """
    found = stages(line)[stage]
    words = ["{resources.mpi} -n {resources.tasks}"] if ranks else []
    words += ["levelworks", line, stage]
    for port in found.inputs:
        words.append(f"{port.flag} {{params.{port.name}:q}}" if port.many else f"{port.flag} {{input.{port.name}:q}}")
    for port in found.outputs:
        if port.name in outputs:
            owner = "params" if port.name in folders else "output"
            words.append(f"{port.flag} {{{owner}.{port.name}:q}}")
    return " ".join([*words, "--options {params.options:q} > {log:q} 2>&1"])


def grown(base, factor=2):
    """Return a resource that grows with each attempt."""
    return lambda wildcards, attempt: int(base * factor ** (attempt - 1))


CAMPAIGN_GRANULES = {}
"""By line, the products by whose outcomes a campaign is judged: one of each granule."""


def outcomes_table(line):
    """Return the path of a line's table of outcomes."""
    return str(RESULTS / line / OUTCOMES)
