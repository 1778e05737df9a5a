"""The reference of options: a page for each line, made from its models."""

from __future__ import annotations

import importlib

from pydantic import BaseModel

from levelworks.core.config import Campaign
from levelworks_documentation.markdown import code, option_table, sentence
from levelworks_documentation.option_words import Group, groups


def section_model(line: str) -> type[BaseModel]:
    """Return the model of a line's section of the configuration."""
    found: type[BaseModel] = importlib.import_module(f"levelworks.{line}.options").Section
    return found


def line_groups(line: str) -> list[Group]:
    """Return all keys of a line's section, model after model."""
    model = section_model(line)
    return list(groups(model, line, (model.__doc__ or "").partition("\n")[0]))


def option_page(line: str) -> str:
    """Return the page of a line's options."""
    first, *others = line_groups(line)
    parts = [
        f"# Options: {line}\n",
        f"{sentence(first.meaning)} [What the line does](../../lines/{line}.md); [its stages](../stages/{line}.md).\n",
        f"Keys of the section `{line}:` of a campaign's file. Those of a stage stand below the stage's name.\n",
        option_table(first.keys),
    ]
    parts += [_group(group, line) for group in others]
    return "\n".join(parts)


def _group(group: Group, line: str) -> str:
    name = group.path.removeprefix(f"{line}.")
    depth = "#" * (2 + name.replace(".NAME", "").count("."))
    absent = "" if group.present or name.endswith(".NAME") else " Absent unless named."
    parts = [f"{depth} {name} {{#{name}}}\n", f"{sentence(group.meaning)}{absent}\n"]
    return "\n".join([*parts, option_table(group.keys) if group.keys else ""])


def configuration_page(introduction: str) -> str:
    """Return the page of what holds for all lines.

    Parameters
    ----------
    introduction : str
        Markdown that goes before: how a configuration is written.
    """
    (group,) = groups(Campaign, "campaign", "what holds for all lines")
    heading = f"## {code('campaign')}: what holds for all lines {{#campaign}}\n"
    return "\n".join([introduction, heading, option_table(group.keys)])
