"""A Snakemake job as the worker of a bundle will run it: directly by its shell command, or by a nested Snakemake."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from snakemake.io import is_flagged
from snakemake.settings.types import DeploymentMethod
from snakemake.shell import shell

UNKNOWN_YET = "<TBD>"
"""What Snakemake writes for a value that only the node knows."""
NEEDS_SNAKEMAKE = ("pipe", "service", "update")
"""Flags of outputs that Snakemake itself must look after while the job runs."""


@dataclass(frozen=True)
class Task:
    """One job of a bundle; everything that a node must know of it.

    Attributes
    ----------
    key : str
        Names the job in every run of the workflow: made of its rule and outputs.
    fingerprint : str
        Of the command and the parameters, a stage's version among them: the same job with others has another one.
    outputs : tuple of tuple of str
        Path and kind: ``file``, ``directory`` or ``touched`` (Snakemake makes it when the job has ended).
    limit : float or None
        Seconds that the job may take.
    earlier : tuple of str
        How its earlier attempts ended.
    """

    key: str
    fingerprint: str
    rule: str
    label: str
    command: str
    prefix: str
    suffix: str
    shell: str
    nested: bool
    outputs: tuple[tuple[str, str], ...]
    logs: tuple[str, ...]
    benchmark: str | None
    threads: int
    limit: float | None = None
    attempt: int = 1
    earlier: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the task for its bundle file; its inputs, which may be thousands, are the controller's business."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        del values["inputs"]
        return values

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Task:
        """Read a task from its bundle file."""
        outputs = tuple((path, kind) for path, kind in found["outputs"])
        values = dict(found) | {"outputs": outputs, "logs": tuple(found["logs"]), "earlier": tuple(found["earlier"])}
        return cls(**values)

    def prepared(self, limit: float | None, earlier: tuple[str, ...]) -> Task:
        """Return the task with its time limit and what it has been through."""
        return replace(self, limit=limit, earlier=earlier)

    @cached_property
    def stage_benchmarks(self) -> str | None:
        """Return the folder in which the benchmark files of such jobs lie."""
        return str(Path(self.benchmark).parent) if self.benchmark else None


def needs_nesting(job: Any, workflow: Any) -> str | None:
    """Say why a job can't be run by its shell command alone; None where it can."""
    if job.is_group():
        return "a group of jobs"
    if not job.is_shell:
        return "no shell command"
    methods = workflow.deployment_settings.deployment_method
    if DeploymentMethod.CONDA in methods and job.conda_env_spec:
        return "a conda environment"
    if DeploymentMethod.APPTAINER in methods and job.container_img_url:
        return "a container"
    if DeploymentMethod.ENV_MODULES in methods and job.env_modules:
        return "environment modules"
    if job.is_shadow:
        return "a shadow folder"
    if any(one.is_storage for one in (*job.input, *job.output, *job.log)):
        return "remote storage"
    if any(is_flagged(one, flag) for one in job.output for flag in NEEDS_SNAKEMAKE):
        return "an output that is a pipe, a service or updated in place"
    cached = workflow.workflow_settings.cache is not None and job.rule.cache and job.rule.cache.output
    if cached or (job.benchmark_repeats or 1) > 1 or workflow.output_settings.benchmark_extended:
        return "the cache between workflows, or a repeated or extended benchmark"
    return None


def task_of(job: Any, workflow: Any, nested_command: Callable[[Any], str]) -> Task:
    """Describe a job.

    Parameters
    ----------
    nested_command : callable
        Gives the command that runs a job by a nested Snakemake.
    """
    nested = needs_nesting(job, workflow) is not None
    command = "" if nested else job.shellcmd
    if not nested and UNKNOWN_YET in command:
        nested = True
    if nested:
        command = nested_command(job)
    outputs = [str(path) for path in job.output]
    name = "\n".join([job.name, *(sorted(outputs) or [str(getattr(job, "jobid", ""))])])
    stable = "" if job.is_group() else "\n".join(map(str, (job.rule.shellcmd, *job.input, *job.output)))
    stable += _script_of(job) if nested else ""
    params = "" if job.is_group() else repr(list(map(str, job.params)))
    return Task(
        key=_digest(name),
        fingerprint=_digest((stable if nested else command) + params),
        rule=job.name,
        label=_label(job),
        command=command,
        prefix=shell._get_process_prefix() if shell.get_executable() else "",  # noqa: SLF001 - the only way to it
        suffix=shell._process_suffix,  # noqa: SLF001
        shell=_shell_of(job),
        nested=nested,
        outputs=() if nested else tuple((str(path), _kind(path)) for path in job.output),
        logs=() if nested else tuple(str(path) for path in job.log),
        benchmark=str(job.benchmark) if not nested and job.benchmark else None,
        threads=job.threads,
        attempt=job.attempt,
        inputs=tuple(str(path) for path in job.input),
    )


def _shell_of(job: Any) -> str:
    chosen = None if job.is_group() else job.resources.get("shell_exec")
    return str(chosen or shell.get_executable() or "/bin/sh")


def _script_of(job: Any) -> str:
    """Return the text of a job's script, so far as it is a file: a job with another one is another job."""
    if job.is_group() or not (script := job.rule.script or job.rule.notebook):
        return ""
    try:
        source = job._path_to_source_file(script)  # noqa: SLF001 - Snakemake's own way to it
        return Path(source.get_path_or_uri(secret_free=True)).read_text(encoding="utf-8")
    except (OSError, AttributeError, TypeError, ValueError):
        return str(script)


def _kind(path: Any) -> str:
    if path.is_directory:
        return "directory"
    return "touched" if is_flagged(path, "touch") else "file"


def _label(job: Any) -> str:
    if job.is_group():
        return f"{job.name} (group)"
    values = ", ".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
    return f"{job.rule.name} ({values})" if values else str(job.rule.name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
