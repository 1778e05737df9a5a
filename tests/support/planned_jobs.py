"""Print the jobs that Snakemake plans, as JSON: rule, whether it is to be done, files, parameters, log, command.

Run as a program, in the campaign's folder: ``python planned_jobs.py SNAKEFILE TARGET CONFIGFILE…``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings


def _named(files: Any) -> dict[str, list[str]]:
    return {name: [str(one) for one in ([value] if isinstance(value, str) else value)] for name, value in files.items()}


def planned_jobs(snakefile: Path, target: str, configfiles: list[Path]) -> list[dict[str, Any]]:
    """Plan a target and describe every job of it."""
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL})
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=configfiles),
            snakefile=snakefile,
        )
        workflow.dag(DAGSettings(targets={target})).execute_workflow(executor="dryrun")
        dag = workflow._workflow.dag
        return [
            {
                "rule": job.rule.name,
                "needed": dag.needrun(job),
                "input": _named(job.input),
                "output": _named(job.output),
                "reads": [str(path) for path in job.input],
                "writes": [str(path) for path in job.output],
                "params": {name: str(value) for name, value in job.params.items()},
                "log": [str(path) for path in job.log],
                "benchmark": str(job.benchmark) if job.benchmark else None,
                "command": job.shellcmd,
            }
            for job in dag.jobs
        ]


if __name__ == "__main__":
    found = planned_jobs(Path(sys.argv[1]), sys.argv[2], [Path(word) for word in sys.argv[3:]])
    json.dump(found, sys.stdout)
