"""The documentation as a site: it builds without a warning, leads nowhere else, and names what exists."""

from __future__ import annotations

import ast
import contextlib
import html
import io
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import snakemake.cli
from browser import open_page
from mkdocs.commands.build import build
from mkdocs.config import load_config

from levelworks import commands
from levelworks.cli import stage_parser
from levelworks.core.config import LINES, model
from levelworks.core.stage import stages
from workflow import ROOT

TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
STAGES = [(line, name) for line in LINES for name in stages(line)]
LIMIT = 3_000_000
"""Bytes of all pictures."""


@dataclass
class Page(HTMLParser):
    """What a page of the site links to, loads, and can be linked to at."""

    path: Path
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.text = self.path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.add(str(named["id"]))
        if tag == "a" and named.get("href"):
            self.links.append(str(named["href"]))
        if tag == "link" and named.get("href"):
            self.loaded.append(str(named["href"]))
        if named.get("src"):
            self.loaded.append(str(named["src"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `scripts/docs` does: `strict` turns a warning into an error."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
    assert config.strict
    build(config)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Read all pages but the one that servers show for absent ones, which counts from the server's root."""
    found = (path for path in sorted(site.rglob("*.html")) if path.name != "404.html")
    return {str(path.relative_to(site)): Page(path) for path in found}


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path, pages: dict[str, Page]) -> None:
    followed = 0
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"https?:", link):
                assert link == "https://www.mkdocs.org/", f"{name} leads to {link}"
                continue
            path, _, place = unquote(link).partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            known = pages.get(str(target.relative_to(site.resolve()))) if path else page
            assert known, f"{name}: {link} leads nowhere"
            assert not place or place in known.ids, f"{name}: {link} has no such place"
            followed += 1
    assert followed > 1000


def test_pages_load_nothing_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for link in page.loaded:
            if link.startswith("data:"):
                continue
            assert not re.match(r"(https?:)?//", link), f"{name} loads {link}"
            assert (page.path.parent / link.partition("?")[0]).exists(), f"{name}: {link} is not there"


def option_paths(schema: dict[str, Any], part: dict[str, Any], path: str) -> Iterator[str]:
    """Return the paths of all values of a JSON schema; NAME stands for names that people give."""
    if "$ref" in part:
        yield from option_paths(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], path)
        return
    branches = [one for one in part.get("anyOf", []) if "$ref" in one]
    if branches or "properties" in part:
        for branch in branches:
            yield from option_paths(schema, branch, path)
        for name, below in part.get("properties", {}).items():
            yield from option_paths(schema, below, f"{path}.{name}" if path else name)
        return
    if "$ref" in (inner := part.get("additionalProperties") or {}) or "$ref" in (inner := part.get("items") or {}):
        yield from option_paths(schema, inner, f"{path}.NAME" if "additionalProperties" in part else path)
        return
    yield path


def test_every_key_of_the_configuration_has_its_place_in_the_reference(pages: dict[str, Page]) -> None:
    schema = model().model_json_schema(by_alias=True)
    paths = list(option_paths(schema, schema, ""))
    assert len(paths) > 500
    for path in paths:
        line = path.partition(".")[0]
        page = pages["reference/configuration.html" if line == "campaign" else f"reference/options/{line}.html"]
        assert path in page.ids, path


def test_a_key_is_told_with_its_type_default_unit_range_and_meaning(pages: dict[str, Page]) -> None:
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", pages["reference/options/coronagraph.html"].text)
    (row,) = [row for row in rows if 'id="coronagraph.calibrate-frame.k_gain"' in row]
    cells = [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"(?s)<td.*?>(.*?)</td>", row)]
    meaning = "electrons per DN; null takes KGAINPAR of the header, else 9.55 (FFT) or 8.7 (flight)"
    assert cells == ["k_gain", "number or null", "null", "e-/DN", ">\u00a00", meaning]


@pytest.mark.parametrize(("line", "name"), STAGES, ids=[" ".join(one) for one in STAGES])
def test_a_stage_is_told_with_all_that_its_command_takes(pages: dict[str, Page], line: str, name: str) -> None:
    whole = pages[f"reference/stages/{line}.html"].text
    assert f"../reference/stages/{line}.html#{name}" in pages[f"lines/{line}.html"].text
    assert f"<code>{name}</code>" in pages[f"lines/{line}.html"].text, "the line's own page does not name it"
    told = re.split(r'<h2 id="', whole)
    (section,) = [part for part in told if part.startswith(f'{name}"')]
    stage = stages(line)[name]
    words = {port.flag for port in (*stage.inputs, *stage.outputs)} | {"--options"}
    words |= set(option_names(stage.options.model_json_schema(by_alias=True)))
    text = html.unescape(re.sub(r"<[^>]+>", " ", section))
    missing = {word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)}
    assert not missing


def option_names(schema: dict[str, Any]) -> list[str]:
    return [path.rpartition(".")[2] for path in option_paths(schema, schema, "")]


@pytest.mark.parametrize("line", LINES)
def test_a_line_s_graph_has_a_box_for_each_of_its_stages(pages: dict[str, Page], line: str) -> None:
    drawn = re.findall(r"<text [^>]*>(\w+)</text>", pages[f"lines/{line}.html"].text)
    assert {name.replace("-", "_") for name in stages(line)} <= set(drawn)
    assert len(drawn) == len(set(drawn))


@pytest.fixture(scope="module")
def snakemake_flags() -> set[str]:
    parser = snakemake.cli.get_argument_parser()
    return {flag for action in parser._actions for flag in action.option_strings}


def test_every_setting_of_the_executor_is_told(pages: dict[str, Page], snakemake_flags: set[str]) -> None:
    settings = {flag.removeprefix("--") for flag in snakemake_flags if flag.startswith("--jobarray-")}
    assert len(settings) > 20
    assert settings <= pages["reference/executor.html"].ids


def test_every_command_of_the_house_is_told(pages: dict[str, Page]) -> None:
    page = pages["reference/commands.html"]
    for name in commands.COMMANDS:
        assert f"usage: levelworks {name}" in page.text


def said(text: str) -> list[str]:
    """Return what a text gives as code, but blocks of a language of their own, line by line, without comments."""
    code: list[str] = []
    prose: list[str] = []
    fence = None
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fence = line.strip() if fence is None else None
        elif fence is None:
            prose.append(line)
        elif fence == "```":
            code.append(line)
    code += re.findall(r"`([^`]+)`", "\n".join(prose))
    return [re.sub(r"\s+#\s.*", "", " ".join(one.split())).strip() for one in code]


COMMANDS = sorted(
    {
        (path.name, command)
        for path in TEXTS
        for command in said(path.read_text(encoding="utf-8"))
        if re.match(r"(mpiexec|levelworks|snakemake|scripts/\w+) \S|scripts/\w+$", command)
    }
)


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=[f"{name}: {command}" for name, command in COMMANDS])
def test_a_command_that_a_text_names_exists(text: str, command: str, snakemake_flags: set[str]) -> None:
    words = shlex.split(command.replace("…", " "))
    if words[0] == "mpiexec":
        words = words[words.index("levelworks") :]
    flags = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    if words[0] == "snakemake":
        check_snakemake(words, flags, snakemake_flags)
    elif words[0] == "levelworks":
        known = known_flags(words[1:])
        assert flags <= known, f"{text}: {flags - known}"
    else:
        assert (ROOT / words[0]).is_file()
        if words[0] == "scripts/bench" and not words[1].isupper():
            assert words[1:] == words[1:2] or words[2] in benchmarks(words[1])
        if words[0] == "scripts/test":
            assert all((ROOT / word).exists() for word in words[1:] if "/" in word)


def check_snakemake(words: list[str], flags: set[str], known: set[str]) -> None:
    assert flags <= known | {"-n"}
    rules = {
        name for path in (ROOT / "rules").glob("*.smk") for name in re.findall(r"(?m)^ *rule (\w+):", path.read_text())
    }
    assert words[1] in {*rules, "all"} or words[1].startswith("-")
    if "--profile" in words:
        profile = words[words.index("--profile") + 1]
        assert profile == "profiles/mysite" or (ROOT / profile / "config.yaml").is_file()


def known_flags(words: list[str]) -> set[str]:
    """Return the flags of a command `levelworks …`, by its parser or by what it says of itself."""
    if words[0] in LINES:
        assert words[1] in stages(words[0]) or words[1] == "STAGE"
        parser = stage_parser(*words[:2]) if words[1] != "STAGE" else None
        return set(parser._option_string_actions) if parser else set()
    if words[0].startswith("-"):
        return {"--help", "--version"}
    assert words[0] in commands.COMMANDS
    after = [word for word in words[1:2] if word in LINES and words[0] in ("simulate", "clean")]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        commands.run(words[0], [*after, "--help"])
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", out.getvalue()))


@pytest.mark.parametrize("name", [*(f"lines/{line}" for line in LINES), "cluster"])
def test_every_benchmark_is_named_where_its_figures_stand(name: str) -> None:
    told = {word for command in said((ROOT / "docs" / f"{name}.md").read_text("utf-8")) for word in command.split()}
    assert benchmarks(Path(name).name) <= told


def benchmarks(line: str) -> set[str]:
    """Return the names that `scripts/bench LINE` takes: the keys of the maps at the top of its module."""
    tree = ast.parse((ROOT / "tests" / "benchmarks" / f"{line}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(one, ast.Name) and one.id in ("BENCHMARKS", "ON_REQUEST") for one in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert isinstance(node.value, ast.Dict)
            found |= {ast.literal_eval(key) for key in node.value.keys if key}
    assert found
    return found


def test_no_code_within_a_sentence_is_folded() -> None:
    for path in TEXTS:
        text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text(encoding="utf-8"))
        folded = [line for line in text.splitlines() if line.count("`") % 2]
        assert not folded, path.name


def test_links_between_the_texts_hold_in_the_checkout_too() -> None:
    for path in TEXTS:
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_every_picture_is_shown_and_all_of_them_are_small() -> None:
    shown = set()
    for path in TEXTS:
        shown |= {
            (path.parent / link).resolve()
            for link in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
        }
    pictures = set((ROOT / "docs" / "pictures").resolve().iterdir())
    assert shown == pictures
    assert sum(path.stat().st_size for path in pictures) < LIMIT


def test_the_search_works_on_a_page_opened_from_disk(site: Path, tmp_path: Path) -> None:
    script = """
      const box = document.getElementById("mkdocs-search-query");
      box.value = "desmearing";
      setTimeout(() => box.dispatchEvent(new KeyboardEvent("keyup")), 300);
    """
    opened = open_page(site / "index.html", tmp_path / "profile", script)
    assert not opened.wrong
    assert "lines/coronagraph.html" in opened.document.partition('id="mkdocs-search-results"')[2]


def test_the_site_s_index_is_json(site: Path) -> None:
    docs = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    assert {f"reference/stages/{line}.html" for line in LINES} <= {one["location"] for one in docs}
