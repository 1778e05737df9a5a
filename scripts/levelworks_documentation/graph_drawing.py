"""Draws a graph of rules as SVG, in the colours of the page around it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import pairwise

from levelworks_documentation.layered_layout import arrange
from levelworks_documentation.rule_graphs import RuleGraph

CHARACTER, PADDING, HEIGHT, STEP = 6.9, 9.0, 24.0, 52.0
"""Width of a letter, blank beside a name, height of a box, distance of layers: pixels."""
MARGIN = 4.0
ARROW = """\
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0L8 4L0 8z"/></marker></defs>"""


def draw(graph: RuleGraph, links: Mapping[str, str], ranks: frozenset[str], title: str) -> str:
    """Return the graph as a piece of HTML.

    Parameters
    ----------
    links : mapping of str to str
        Where a rule's box leads to.
    ranks : frozenset of str
        Rules that share their work among MPI ranks, drawn with a thicker border.
    """
    widths = {rule: len(rule) * CHARACTER + 2 * PADDING for rule in graph.rules}
    layout = arrange(graph.rules, graph.edges, widths)
    width = layout.width + 2 * MARGIN
    height = (layout.layers - 1) * STEP + HEIGHT + 2 * MARGIN
    parts = [
        f'<div class="rule-graph"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{title}"',
        f' style="max-width: {width:.0f}px; min-width: {0.7 * width:.0f}px">',
        ARROW,
    ]
    parts += [_edge([(x + MARGIN, _middle(row)) for x, row in places]) for places in layout.edges.values()]
    for rule, (x, row) in layout.nodes.items():
        parts.append(_box(rule, x + MARGIN, _middle(row), widths[rule], links.get(rule), thick=rule in ranks))
    return "\n".join([*parts, "</svg></div>"])


def _middle(row: int) -> float:
    return MARGIN + HEIGHT / 2 + row * STEP


def _edge(points: list[tuple[float, float]]) -> str:
    start, *middle, end = points
    points = [(start[0], start[1] + HEIGHT / 2), *middle, (end[0], end[1] - HEIGHT / 2)]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (y + to_y) / 2
        path += f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path class="edge" d="{path}" marker-end="url(#arrow)"/>'


def _box(rule: str, x: float, y: float, width: float, link: str | None, *, thick: bool) -> str:
    name = html.escape(rule)
    kind = " ".join(word for word, used in (("box", True), ("ranks", thick), ("house", link is None)) if used)
    box = (
        f'<g class="{kind}"><rect x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{width:.1f}"'
        f' height="{HEIGHT:.0f}" rx="4"/><text x="{x:.1f}" y="{y:.1f}">{name}</text></g>'
    )
    return f'<a href="{html.escape(link)}">{box}</a>' if link else box
