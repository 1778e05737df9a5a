"""The software of a crate: the workflow, its stages as tools with their parameters, and what they were run with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from levelworks.campaign.crate_files import Entity
from levelworks.campaign.job_records import JobRecord

PYTHON_HOME = "https://www.python.org/downloads/release/python-{digits}/"
PACKAGE_HOME = "https://pypi.org/project/{name}/{version}/"
TOOL = "urn:levelworks:{line}:{stage}:{version}"


@dataclass
class Tools:
    """Gathers stages, their parameters and the software that they were run with, each once."""

    tools: dict[str, Entity] = field(default_factory=dict)
    software: dict[str, Entity] = field(default_factory=dict)
    parameters: dict[str, Entity] = field(default_factory=dict)
    options: dict[str, Entity] = field(default_factory=dict)
    _sets: dict[str, dict[str, str]] = field(default_factory=dict)
    _began: dict[tuple[str, str], str] = field(default_factory=dict)
    _texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def tool(self, record: JobRecord) -> str:
        """Take the stage of a job; a stage run with other versions of its software is another tool."""
        job, content = record.job, record.content
        base = TOOL.format(line=job.line, stage=job.stage, version=content["version"])
        versions = json.dumps(content["software"], sort_keys=True)
        known = self._sets.setdefault(base, {})
        if versions not in known:
            known[versions] = base if not known else f"{base}:{len(known) + 1}"
            self.tools[known[versions]] = {
                "@id": known[versions],
                "@type": "SoftwareApplication",
                "name": f"levelworks {job.line} {job.stage}",
                "softwareVersion": str(content["version"]),
                "softwareRequirements": [{"@id": self._package(*one)} for one in sorted(content["software"].items())],
                "input": [],
                "output": [],
            }
        began = self._began.setdefault((job.line, job.stage), job.started)
        self._began[job.line, job.stage] = min(began, job.started)
        return known[versions]

    def parameter(self, tool: str, name: str, direction: str) -> str:
        """Take an input or an output of a tool; returns its identifier."""
        identifier = f"{tool}#{name}" if direction == "input" else f"{tool}#{name}-out"
        if identifier not in self.parameters:
            kind = "PropertyValue" if name == "options" else "File"
            self.parameters[identifier] = {
                "@id": identifier,
                "@type": "FormalParameter",
                "additionalType": kind,
                "name": name,
            }
            self.tools[tool][direction].append({"@id": identifier})
        return identifier

    def option_set(self, tool: str, options: dict[str, Any]) -> str:
        """Take the options of a job; jobs of one tool with the same options share them."""
        text = json.dumps(options, sort_keys=True, ensure_ascii=False)
        known = self._texts.get((tool, text))
        if known is None:
            known = f"#options-{len(self._texts) + 1}"
            self._texts[tool, text] = known
            self.options[known] = {
                "@id": known,
                "@type": "PropertyValue",
                "name": "options",
                "value": text,
                "exampleOfWork": {"@id": self.parameter(tool, "options", "input")},
            }
        return known

    def steps(self) -> Iterator[tuple[tuple[str, str], Entity]]:
        """Yield the steps of the workflow with line and stage, in the order in which they began."""
        ordered = sorted(self._began.items(), key=lambda one: (one[0][0], one[1], one[0][1]))
        for position, ((line, stage), _) in enumerate(ordered):
            prefix = TOOL.format(line=line, stage=stage, version="")
            tools = [{"@id": name} for name in sorted(self.tools) if name.startswith(prefix)]
            yield (
                (line, stage),
                {
                    "@id": f"#step-{line}-{stage}",
                    "@type": "HowToStep",
                    "name": f"{line} {stage}",
                    "position": str(position),
                    "workExample": tools,
                },
            )

    def _package(self, name: str, version: str) -> str:
        entity: Entity = {"@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        if name == "levelworks":
            identifier = f"urn:levelworks:{version}"
        elif name == "python":
            identifier = PYTHON_HOME.format(digits=version.replace(".", ""))
            entity["url"] = identifier
        else:
            identifier = PACKAGE_HOME.format(name=name, version=version)
            entity["url"] = identifier
        self.software.setdefault(identifier, {"@id": identifier, **entity})
        return identifier
