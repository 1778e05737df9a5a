"""Graphs of rules: edges that follow from others go, boxes stand apart in layers, places are the nearest there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from levelworks_documentation.graph_drawing import draw
from levelworks_documentation.layered_layout import arrange, spread
from levelworks_documentation.rule_graphs import RuleGraph, graph_of, without_shortcuts


def test_an_edge_goes_where_a_path_stands_for_it():
    assert without_shortcuts([("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]) == {("a", "b"), ("b", "c"), ("a", "d")}


def test_rules_that_go_round_are_named():
    with pytest.raises(ValueError, match="a -> b -> a"):
        without_shortcuts([("a", "b"), ("b", "a")])


def test_edges_are_those_of_files_and_none_leads_to_the_rule_itself():
    jobs = [
        {"rule": "make", "reads": ["raw"], "writes": ["one"]},
        {"rule": "update", "reads": ["one"], "writes": ["first"]},
        {"rule": "update", "reads": ["one", "first"], "writes": ["second"]},
        {"rule": "draw", "reads": ["second", "one"], "writes": ["picture"]},
    ]
    assert graph_of(jobs) == RuleGraph(("make", "update", "draw"), (("make", "update"), ("update", "draw")))


def random_graph(seed: int) -> tuple[list[str], list[tuple[str, str]]]:
    rng = np.random.default_rng(seed)
    nodes = [f"rule_{number}" for number in range(14)]
    pairs = list(itertools.combinations(nodes, 2))
    return nodes, [pairs[index] for index in rng.choice(len(pairs), 22, replace=False)]


@pytest.mark.parametrize("seed", range(5))
def test_boxes_stand_apart_and_edges_lead_down(seed):
    nodes, edges = random_graph(seed)
    widths = {node: 40.0 + 10 * index for index, node in enumerate(nodes)}
    layout = arrange(nodes, edges, widths)
    for first, second in edges:
        rows = [row for _, row in layout.edges[first, second]]
        assert rows == list(range(layout.nodes[first][1], layout.nodes[second][1] + 1))
        assert len(rows) > 1
    for one, other in itertools.combinations(nodes, 2):
        (x, row), (to_x, to_row) = layout.nodes[one], layout.nodes[other]
        assert row != to_row or abs(x - to_x) > (widths[one] + widths[other]) / 2
    for node, (x, _) in layout.nodes.items():
        assert x - widths[node] / 2 >= -1e-6
        assert x + widths[node] / 2 <= layout.width + 1e-6


def test_places_are_the_nearest_that_are_far_enough_apart():
    rng = np.random.default_rng(4)
    wanted, apart = rng.uniform(0, 60, 7), rng.uniform(5, 20, 6)
    found = np.array(spread(list(wanted), list(apart)))
    assert np.all(np.diff(found) >= apart - 1e-9)
    limits = {"type": "ineq", "fun": lambda x: np.diff(x) - apart}
    best = minimize(lambda x: ((x - wanted) ** 2).sum(), np.cumsum([0, *apart]), constraints=limits)
    assert ((found - wanted) ** 2).sum() <= best.fun + 1e-4


def test_a_box_leads_where_it_is_told_and_is_thick_for_ranks():
    drawn = draw(RuleGraph(("a", "b"), (("a", "b"),)), {"a": "x.html#a"}, frozenset({"a"}), "two rules")
    assert '<a href="x.html#a"><g class="box ranks">' in drawn
    assert '<g class="box house">' in drawn
    assert drawn.count('class="edge"') == 1
