"""What stands where there is nothing to draw: a picture and a page that say so and why."""

from __future__ import annotations

from html import escape
from pathlib import Path

from levelworks.core import plots
from levelworks.core.outcome import Outcome

PICTURE, PAGE = "outcome.png", "outcome.html"


def write_empty_pictures(folder: Path, outcome: Outcome) -> None:
    """Write the folder of what was skipped or quarantined: a small picture and a page with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    plots.draw_outcome(folder / PICTURE, outcome, "plumes")
    write_outcome_page(folder / PAGE, "plumes", f"{outcome.status.value}: {outcome.reason or 'no reason given'}")


def write_outcome_page(path: Path, title: str, text: str) -> None:
    """Write a page of one heading and one paragraph."""
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    body = f'<body style="font-family: sans-serif; margin: 2em"><h1>{escape(title)}</h1><p>{escape(text)}</p></body>'
    path.write_text(f'<!DOCTYPE html>\n<html lang="en">{head}\n{body}</html>\n', encoding="utf-8")
