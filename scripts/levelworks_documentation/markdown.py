"""Pieces of Markdown that the generated pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from levelworks_documentation.option_words import Key

BLANKS = re.compile(r"[ \n]+")
MARKS = re.compile(r"[\\`*_\[\]{}<>&|~#!]")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown of one line."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(BLANKS.sub(' ', cell).strip() for cell in row)} |\n" for row in lines)


def text(value: str) -> str:
    """Return plain text as Markdown: what could be a mark of it or of HTML is written by its number."""
    return MARKS.sub(lambda found: f"&#{ord(found[0])};", value)


def code(value: str) -> str:
    """Return plain text as code."""
    return f"<code>{text(value)}</code>" if value else ""


def prose(value: str) -> str:
    """Return text of a docstring as Markdown: what stands in backticks, single or double, is code."""
    parts = re.split(r"`+([^`]+)`+", value)
    return "".join(code(part) if index % 2 else text(part) for index, part in enumerate(parts))


def sentence(value: str) -> str:
    """Return a plain phrase as a sentence of Markdown."""
    return f"{text(value[:1].upper() + value[1:].rstrip('.'))}." if value else ""


def anchor(path: str, shown: str) -> str:
    """Return a name that can be linked to, and is a link to itself."""
    return f'<a id="{path}" href="#{path}">{code(shown)}</a>'


def option_table(keys: Sequence[Key], *, anchors: bool = True) -> str:
    """Return a table of options; columns that none of them needs are left out."""
    columns = {
        "key": [anchor(key.path, key.name) if anchors else code(key.name) for key in keys],
        "type": [text(key.kind) for key in keys],
        "default": [code(key.default) if key.default != "required" else "*required*" for key in keys],
        "unit": [text(key.unit) for key in keys],
        "range": [text(key.range) for key in keys],
        "meaning": [text(key.meaning) for key in keys],
    }
    used = {heading: cells for heading, cells in columns.items() if any(cells)}
    return table(list(used), zip(*used.values(), strict=True))
