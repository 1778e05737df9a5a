"""Conditions joined by && and ||, negated by ! and grouped by parentheses, as -w and select[…] have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Tree = tuple[Any, ...]


class BadExpression(ValueError):
    """An expression that can't be read."""


def parse(text: str, atom: re.Pattern[str]) -> Tree:
    """Parse an expression whose atoms match a pattern."""
    tokens = list(_tokens(text, atom))
    tree, rest = _either(tokens)
    if rest:
        raise BadExpression(f"what is after the expression in {text!r}?")
    return tree


def atoms(tree: Tree) -> Iterator[re.Match[str]]:
    """Yield the atoms of an expression."""
    if tree[0] == "atom":
        yield tree[1]
    else:
        for branch in tree[1:]:
            yield from atoms(branch)


def holds(tree: Tree, truth: Callable[[re.Match[str]], bool]) -> bool:
    """Evaluate an expression, given the truth of its atoms."""
    match tree[0]:
        case "atom":
            return truth(tree[1])
        case "!":
            return not holds(tree[1], truth)
        case "&&":
            return holds(tree[1], truth) and holds(tree[2], truth)
        case _:
            return holds(tree[1], truth) or holds(tree[2], truth)


def _tokens(text: str, atom: re.Pattern[str]) -> Iterator[str | re.Match[str]]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif found := atom.match(text, at):
            yield found
            at = found.end()
        elif found := re.compile(r"&&|\|\||[!()]").match(text, at):
            yield found.group()
            at = found.end()
        else:
            raise BadExpression(f"can't read {text[at:]!r}")


def _either(tokens: list[Any]) -> tuple[Tree, list[Any]]:
    left, tokens = _both(tokens)
    while tokens and tokens[0] == "||":
        right, tokens = _both(tokens[1:])
        left = ("||", left, right)
    return left, tokens


def _both(tokens: list[Any]) -> tuple[Tree, list[Any]]:
    left, tokens = _one(tokens)
    while tokens and tokens[0] == "&&":
        right, tokens = _one(tokens[1:])
        left = ("&&", left, right)
    return left, tokens


def _one(tokens: list[Any]) -> tuple[Tree, list[Any]]:
    if not tokens:
        raise BadExpression("an expression ends too early")
    head, rest = tokens[0], tokens[1:]
    if head == "!":
        tree, rest = _one(rest)
        return ("!", tree), rest
    if head == "(":
        tree, rest = _either(rest)
        if not rest or rest[0] != ")":
            raise BadExpression("a parenthesis is not closed")
        return tree, rest[1:]
    if isinstance(head, str):
        raise BadExpression(f"{head!r} is out of place")
    return ("atom", head), rest
