"""What the pages of reports share: one HTML file that needs no network, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #3b78b5; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""
"""Of text and tables."""


def html_page(title: str, parts: Iterable[str], style: str = "") -> str:
    """Return a page: its heading, then parts of HTML, empty ones left out.

    Parameters
    ----------
    title : str
        Plain text.
    parts : iterable of str
        HTML.
    style : str
        CSS beyond `STYLE`.
    """
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"{viewport}<style>{STYLE}{style}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *parts,
        "</body></html>",
    ]
    return "\n".join(part for part in lines if part) + "\n"
