"""The reference of stages: a page for each line, made from the signatures of its stages."""

from __future__ import annotations

import inspect

from levelworks.core.stage import Port, Stage, stages
from levelworks_documentation.markdown import code, option_table, prose, table
from levelworks_documentation.option_pages import line_groups
from levelworks_documentation.option_words import groups

WIDTH = 110
"""Characters of a command's line."""


def stage_page(line: str) -> str:
    """Return the page of a line's stages."""
    configured = {key.path for group in line_groups(line) for key in group.keys}
    summaries = ((f"[{name}](#{name})", prose(one.summary)) for name, one in stages(line).items())
    introduction = (
        f"Each is a command, `levelworks {line} STAGE`, and a Snakemake rule of the same name (with `_` for `-`)"
        f" that gives it files and options. [What the line does](../../lines/{line}.md);"
        f" [options of the configuration](../options/{line}.md).\n"
    )
    parts = [f"# Stages: {line}\n", introduction, table(("stage", "what it does"), summaries)]
    return "\n".join([*parts, *(_stage(one, configured) for one in stages(line).values())])


def command_line(stage: Stage) -> str:
    """Return a stage's command with all its flags, optional ones in brackets, folded to the width of a page."""
    words = [f"levelworks {stage.line} {stage.name}", *map(_flag, (*stage.inputs, *stage.outputs)), "[--options JSON]"]
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}"
    return "\n".join(lines)


def _flag(port: Port) -> str:
    given = f"{port.flag} {'FILE…' if port.many else 'FILE'}"
    return f"[{given}]" if port.optional else given


def _stage(stage: Stage, configured: set[str]) -> str:
    about = (inspect.getdoc(stage.function) or "").partition("\n")[2].strip()
    facts = [f"Version {stage.version}."]
    if stage.mpi:
        facts.append("Shares its work among MPI ranks.")
    if stage.updates:
        facts.append(f"Updates {code('--' + stage.updates.replace('_', '-'))} where it stands.")
    parts = [f"## {stage.name} {{#{stage.name}}}\n", f"{prose(stage.summary)}\n", f"{prose(about)}\n" if about else ""]
    parts += [" ".join(facts) + "\n", f"```\n{command_line(stage)}\n```\n", _ports(stage), _options(stage, configured)]
    return "\n".join(part for part in parts if part)


def _ports(stage: Stage) -> str:
    rows = [
        (kind, code(port.flag), "optional" if port.optional else "required", "many files" if port.many else "a file")
        for kind, ports in (("input", stage.inputs), ("output", stage.outputs))
        for port in ports
    ]
    return table(("port", "flag", "needed", "takes"), rows)


def _options(stage: Stage, configured: set[str]) -> str:
    keys = [key for group in groups(stage.options, f"{stage.line}.{stage.name}", "") for key in group.keys]
    said = [key for key in keys if key.path in configured]
    given = [key for key in keys if key.path not in configured]
    parts = []
    if said:
        links = ", ".join(f"[{code(key.name)}](../options/{stage.line}.md#{key.path})" for key in said)
        parts.append(f"Options from the configuration: {links}.\n")
    if given:
        parts += ["Options that the rule gives:\n", option_table(given)]
    return "\n".join(parts) or "No options.\n"
