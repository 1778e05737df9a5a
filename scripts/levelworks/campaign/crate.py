"""The RO-Crate of a campaign: workflow, jobs, files and software as linked data, from the records alone.

RO-Crate 1.1 with the profile Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5): a `CreateAction` a
job with its stage as instrument, and a `ControlAction` that says of which step of the workflow it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from levelworks.campaign.crate_files import MEDIA_TYPES, CrateFiles, Entity
from levelworks.campaign.crate_tools import Tools
from levelworks.campaign.job_records import JobRecord
from levelworks.core.outcome import InvalidOptions, Status
from levelworks.core.survey import CRATE

RO_CRATE = "https://w3id.org/ro/crate/1.1"
TERMS = "https://w3id.org/ro/terms/workflow-run#"
CONTEXT = [f"{RO_CRATE}/context", {"resourceUsage": f"{TERMS}resourceUsage", "sha256": f"{TERMS}sha256"}]
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
ENGINE = "https://snakemake.github.io/"
COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
NO_LICENCE = "No licence is stated: ask those who made these products before you use them."
SECOND, MEGABYTE = "SEC", "4L"
"""Codes of units as UN/CEFACT has them."""


@dataclass(frozen=True)
class Description:
    """What the records don't say of a campaign.

    Attributes
    ----------
    workflow : sequence of str
        Files of the workflow, as paths in the crate; the first is the one that Snakemake was given.
    configuration : sequence of str
        Configuration files, as paths in the crate.
    licence : str
        URL, or a sentence.
    """

    workflow: Sequence[str]
    configuration: Sequence[str] = ()
    name: str = "A campaign of levelworks"
    licence: str = NO_LICENCE


def crate(results: Path, jobs: Sequence[JobRecord], described: Description) -> str:
    """Return the metadata of the crate as JSON-LD, an entity a line; the same bytes for the same records and files.

    Parameters
    ----------
    results : Path
        Folder of products, absolute, which is that of the crate.
    jobs : sequence of JobRecord
        In order of line, stage and product.

    Raises
    ------
    InvalidOptions
        Where there are no jobs.
    """
    if not jobs:
        raise InvalidOptions(f"no records below {results}: nothing has finished yet")
    entities = _Graph(results, jobs, described).entities()
    lines = [json.dumps(_compact(entity), ensure_ascii=False) for entity in entities]
    return f'{{"@context": {json.dumps(CONTEXT)},\n"@graph": [\n' + ",\n".join(lines) + "\n]}\n"


class _Graph:
    def __init__(self, results: Path, jobs: Sequence[JobRecord], described: Description) -> None:
        self.files, self.tools = CrateFiles(results), Tools()
        self.described = described
        self.jobs = jobs
        self.actions: list[Entity] = []
        self.usage: list[Entity] = []
        self.read: set[str] = set()
        self.foreign: set[str] = set()
        self.made: dict[str, None] = {}
        self.hosts = {name: f"host {place}" for place, name in enumerate(sorted(_hosts(jobs)), start=1)}
        self.made_here = {path for record in jobs for _, path, _ in record.outputs()}
        self.by_record = {path.with_name(f"{path.name}.json"): path for path in self.made_here}
        for record in jobs:
            for _, path, entry in record.outputs():
                self.made[self.files.product(path, entry)] = None
        self.steps_of: list[tuple[str, str]] = []
        for number, record in enumerate(jobs, start=1):
            self._take(number, record)
        self.began = min(_time(record.job.started) for record in jobs)
        self.ended = max(_end(record) for record in jobs)

    def _take(self, number: int, record: JobRecord) -> None:
        job, content = record.job, record.content
        tool = self.tools.tool(record)
        objects = [{"@id": self._input(tool, *one)} for one in record.inputs()]
        objects.append({"@id": self.tools.option_set(tool, content["options"])})
        results = []
        for name, path, entry in record.outputs():
            identifier = self.files.product(path, entry)
            self.files.play(identifier, self.tools.parameter(tool, name, "output"))
            results.append({"@id": identifier})
        action: Entity = {
            "@id": f"#job-{number}",
            "@type": "CreateAction",
            "name": f"{job.line} {job.stage} of {job.granule}",
            "description": _describe_job(record),
            "instrument": {"@id": tool},
            "object": _unique(objects),
            "result": results,
            "startTime": _time(job.started).isoformat(timespec="milliseconds"),
            "endTime": _end(record).isoformat(timespec="milliseconds"),
            "actionStatus": FAILED if job.outcome is Status.QUARANTINED else COMPLETED,
            "location": self.hosts[str(content["host"])],
            "resourceUsage": [{"@id": f"#job-{number}-cpu"}, {"@id": f"#job-{number}-memory"}],
        }
        if job.outcome is Status.QUARANTINED:
            action["error"] = f"quarantined: {job.reason}"
        self.actions.append(action)
        self.steps_of.append((job.line, job.stage))
        self.usage += [
            _usage(f"#job-{number}-cpu", "CPU time", "cpu_s", job.cpu_s, SECOND),
            _usage(f"#job-{number}-memory", "peak memory", "peak_memory_mb", job.peak_memory_mb, MEGABYTE),
        ]

    def _input(self, tool: str, name: str, path: Path, entry: Entity) -> str:
        product = path if path in self.made_here else self.by_record.get(path)
        if product is not None:
            identifier = self.files.product(product, {})
            self.read.add(identifier)
        else:
            identifier = self.files.outside(path, entry)
            self.foreign.add(identifier)
        self.files.play(identifier, self.tools.parameter(tool, name, "input"))
        return identifier

    def entities(self) -> Iterator[Entity]:
        """Yield every entity in its order."""
        main, *others = (_carried(path) for path in self.described.workflow)
        configuration = [_carried(path) for path in self.described.configuration]
        files = sorted(self.files.entities.values(), key=lambda entity: str(entity["@id"]))
        steps = dict(self.tools.steps())
        inside = [one for one in files if not one["@id"].startswith("#")]
        yield {
            "@id": CRATE,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": [{"@id": RO_CRATE}, {"@id": WORKFLOW_CRATE}],
        }
        yield {
            "@id": "./",
            "@type": "Dataset",
            "name": self.described.name,
            "description": _describe(self.jobs),
            "datePublished": self.ended.date().isoformat(),
            "license": _reference(self.described.licence),
            "conformsTo": [{"@id": profile} for profile in PROFILES],
            "mainEntity": {"@id": main["@id"]},
            "hasPart": [{"@id": one["@id"]} for one in (main, *others, *configuration, *inside)],
            "mentions": [{"@id": one["@id"]} for one in ({"@id": "#run"}, *self.actions)],
        }
        if self.described.licence.startswith("http"):
            yield {"@id": self.described.licence, "@type": "CreativeWork", "name": "the licence of these products"}
        for profile, (name, version) in PROFILES.items():
            yield {"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
        yield main | {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "levelworks",
            "version": _workflow_version(self.jobs),
            "programmingLanguage": {"@id": SNAKEMAKE},
            "hasPart": [{"@id": name} for name in self.tools.tools],
            "step": [{"@id": step["@id"]} for step in steps.values()],
        }
        yield {
            "@id": SNAKEMAKE,
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "identifier": {"@id": ENGINE},
            "url": {"@id": ENGINE},
        }
        yield {"@id": ENGINE, "@type": "SoftwareApplication", "name": "Snakemake", "url": ENGINE}
        yield from others
        yield from configuration
        yield from steps.values()
        yield from self.tools.tools.values()
        yield from self.tools.parameters.values()
        yield from self.tools.options.values()
        yield from sorted(self.tools.software.values(), key=lambda entity: str(entity["@id"]))
        yield self._whole(main, configuration)
        yield {
            "@id": "#engine",
            "@type": "OrganizeAction",
            "name": "Snakemake ran the workflow",
            "instrument": {"@id": ENGINE},
            "object": [{"@id": f"#step-of-{action['@id'][1:]}"} for action in self.actions],
            "result": {"@id": "#run"},
        }
        yield from self.actions
        yield from self.usage
        for action, key in zip(self.actions, self.steps_of, strict=True):
            yield {
                "@id": f"#step-of-{action['@id'][1:]}",
                "@type": "ControlAction",
                "name": f"orchestrate {' '.join(key)}",
                "instrument": {"@id": steps[key]["@id"]},
                "object": {"@id": action["@id"]},
            }
        yield from files

    def _whole(self, main: Entity, configuration: Sequence[Entity]) -> Entity:
        """Return the action of the workflow as a whole: from what came from outside to what no job went on with."""
        return {
            "@id": "#run",
            "@type": "CreateAction",
            "name": self.described.name,
            "description": _describe(self.jobs),
            "instrument": {"@id": main["@id"]},
            "object": [{"@id": one["@id"]} for one in configuration] + [{"@id": one} for one in sorted(self.foreign)],
            "result": [{"@id": one} for one in self.made if one not in self.read],
            "startTime": self.began.isoformat(timespec="milliseconds"),
            "endTime": self.ended.isoformat(timespec="milliseconds"),
            "actionStatus": COMPLETED,
        }


def _compact(entity: Entity) -> Entity:
    """Write a list of one as its one value and leave an empty one out, as RO-Crate recommends."""
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in entity.items()
        if value != []
    }


def _carried(path: str) -> Entity:
    """Return a file of the workflow that stands in the crate."""
    media = MEDIA_TYPES.get(Path(path).suffix, "text/plain")
    return {"@id": path, "@type": "File", "name": path, "encodingFormat": media}


def _usage(identifier: str, name: str, key: str, value: float, unit: str) -> Entity:
    return {
        "@id": identifier,
        "@type": "PropertyValue",
        "name": name,
        "propertyID": f"urn:levelworks:record:{key}",
        "value": str(value),
        "unitCode": unit,
    }


def _unique(references: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"@id": name} for name in dict.fromkeys(one["@id"] for one in references)]


def _hosts(jobs: Sequence[JobRecord]) -> set[str]:
    return {str(record.content["host"]) for record in jobs}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _end(record: JobRecord) -> datetime:
    return _time(record.job.started) + timedelta(seconds=record.job.wall_s)


def _reference(licence: str) -> Any:
    return {"@id": licence} if licence.startswith("http") else licence


def _workflow_version(jobs: Sequence[JobRecord]) -> str:
    return ", ".join(sorted({str(record.content["software"]["levelworks"]) for record in jobs}))


def _describe_job(record: JobRecord) -> str:
    job = record.job
    if job.outcome is Status.DONE:
        told = "; ".join(job.warnings)
        return f"done, with warnings: {told}" if told else "done"
    return f"{job.outcome.value}, its products are valid and empty: {job.reason}"


def _describe(jobs: Sequence[JobRecord]) -> str:
    lines = ", ".join(sorted({record.job.line for record in jobs}))
    counts = {status: sum(record.job.outcome is status for record in jobs) for status in Status}
    outcomes = ", ".join(f"{number} {status.value}" for status, number in counts.items())
    return (
        f"Level-2 and Level-3 products of {lines}, made from Level 1 by {len(jobs)} jobs ({outcomes})."
        " Beside each product stands the record of its job, <product>.json."
        " Files that came from outside are named by the SHA-256 of their content."
    )
