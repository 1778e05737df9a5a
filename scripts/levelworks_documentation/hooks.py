"""What MkDocs calls while it builds the site: adds the pages made from the code, fills what stored ones leave open."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from levelworks.core.config import LINES
from levelworks.core.stage import stages
from levelworks_documentation.command_pages import command_page, executor_page
from levelworks_documentation.graph_drawing import draw
from levelworks_documentation.option_pages import configuration_page, option_page
from levelworks_documentation.rule_graphs import RuleGraph, plan_graphs
from levelworks_documentation.stage_pages import stage_page

GRAPH = "<!-- rule graph -->"
"""Stands in a line's page where its graph of rules goes."""

OUTSIDE = {
    "README.md": "index.md",
    "envs/README.md": "environments.md",
    "config/README.md": "reference/configuration.md",
    "config/config.yaml": "reference/configuration.md",
}
"""Files of the checkout, and the pages of the site that say the same."""

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the code or from texts beside the documentation."""
    root = Path(config.config_file_path).parent
    for name, content in pages(root).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Put the graph of rules into a line's page, and turn links to files of the checkout into links to pages."""
    name = page.file.src_uri
    if not page.file.generated_by:
        markdown = inside(markdown, PurePosixPath("docs") / name, name)
    if not name.startswith("lines/"):
        return markdown
    if GRAPH not in markdown:
        raise PluginError(f"docs/{name} says nowhere where its graph of rules goes: {GRAPH}")
    line, root = PurePosixPath(name).stem, Path(config.config_file_path).parent
    return with_stage_links(markdown, line).replace(GRAPH, rule_graph(line, root))


def on_post_build(config: Any) -> None:
    """Write the index of the search as a script too, for pages that are opened from disk."""
    folder = Path(config.site_dir) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"const searchIndex = {index};\n", encoding="utf-8")


def pages(root: Path) -> dict[str, str]:
    """Return the generated pages by their paths.

    Parameters
    ----------
    root : Path
        The checkout.
    """
    texts = {name: (root / name).read_text(encoding="utf-8") for name in OUTSIDE if name.endswith(".md")}
    made = {OUTSIDE[name]: inside(content, PurePosixPath(name), OUTSIDE[name]) for name, content in texts.items()}
    made["reference/configuration.md"] = configuration_page(made["reference/configuration.md"])
    made |= {"reference/commands.md": command_page(), "reference/executor.md": executor_page()}
    for line in LINES:
        made[f"reference/options/{line}.md"] = option_page(line)
        made[f"reference/stages/{line}.md"] = stage_page(line)
    return made


def rule_graph(line: str, root: Path) -> str:
    """Return the graph of a line's rules, each leading to its stage, and links to the line's reference."""
    graph = planned_graphs(root)[line]
    by_rule = {name.replace("-", "_"): stage for name, stage in stages(line).items()}
    links = {rule: f"../reference/stages/{line}.html#{stage.name}" for rule, stage in by_rule.items()}
    ranks = frozenset(rule for rule, stage in by_rule.items() if stage.mpi)
    return f"""\
## Rules {{#rules}}

{draw(graph, links, ranks, f"Rules of the {line} line")}

*What Snakemake runs where a campaign asks for everything. An arrow leads from a rule to one that reads its files,
unless another path does; a thick border marks rules that share their work among MPI ranks, a dashed one those of no
stage; each other box leads to [its stage](../reference/stages/{line}.md).
[Every option of the line](../reference/options/{line}.md).*
"""


def with_stage_links(markdown: str, line: str) -> str:
    """Return a line's page whose table of stages leads to the reference of each."""
    known = stages(line)

    def linked(found: re.Match[str]) -> str:
        name = found[1]
        return f"[`{name}`](../reference/stages/{line}.md#{name})" if name in known else found[0]

    return re.sub(r"(?m)^\| `.*?(?= \| )", lambda cell: re.sub(r"`([a-z0-9-]+)`", linked, cell[0]), markdown)


@cache
def planned_graphs(root: Path) -> dict[str, RuleGraph]:
    """Return the graphs of rules by line, planned once."""
    return plan_graphs(root)


def inside(markdown: str, source: PurePosixPath, target: str) -> str:
    """Return a text of the checkout with its links as a page of the site has them.

    Parameters
    ----------
    source : PurePosixPath
        Where the text stands, from the root of the checkout.
    target : str
        Path of its page, from the root of the site's texts.
    """

    def turn(found: re.Match[str]) -> str:
        named = _normal(source.parent / found[1])
        page = OUTSIDE.get(named, named.removeprefix("docs/") if named.startswith("docs/") else None)
        if page is None:
            raise PluginError(f"{source}: {found[1]} is no page of the site")
        up = "../" * (len(PurePosixPath(target).parts) - 1)
        return f"]({up}{page}{found[2] or ''})"

    return LINK.sub(turn, markdown)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
