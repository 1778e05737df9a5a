"""Writes measured resources into the text of a Snakemake profile; every other word of it stays, comments too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from levelworks.campaign.usage import Request
from levelworks.core.outcome import InvalidOptions

KEY = "set-resources"
NULL = "tag:yaml.org,2002:null"
SAMPLE = re.compile(r"^# set-resources:\n(?:#  .*\n)*", re.MULTILINE)
"""What the profiles of the house show as an example; the block belongs below it."""
GROWING = {"mem_mb": 2, "runtime": 1.5}
"""Factors from one attempt to the next, for executors that don't tell causes apart."""


@dataclass(frozen=True)
class _Edit:
    """Text that takes the place of what stands between two places."""

    begin: int
    end: int
    text: str


def merge(text: str, requests: Mapping[str, Request]) -> str:
    """Return a profile's text with these resources of these rules under `set-resources`.

    Resources of other rules, and others of these rules, stay; so do comments. The same again changes nothing.

    Parameters
    ----------
    requests : mapping of str to Request
        By rule.

    Raises
    ------
    InvalidOptions
        Where the text is no profile, or has `set-resources` in a form that can't be added to.
    """
    try:
        tree, before = yaml.compose(text), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidOptions(f"the profile can't be read as YAML: {error}") from None
    if tree is not None and not isinstance(tree, yaml.MappingNode):
        raise InvalidOptions("the profile is no mapping of options to values")
    if not requests:
        return text
    resources = {rule: _values(request, grows=_grows_itself(before)) for rule, request in sorted(requests.items())}
    found = _entry(tree, KEY)
    if found is None:
        merged = _with_block(text, resources)
    else:
        key, value = found
        if isinstance(value, yaml.ScalarNode) and value.tag == NULL:
            stop = value.end_mark.index if value.value else key.end_mark.index + 1
            edits = [_Edit(key.end_mark.index + 1, stop, f"\n{_lines(resources, 2)}".rstrip("\n"))]
        elif isinstance(value, yaml.MappingNode):
            edits = _edits(value, resources)
        else:
            raise InvalidOptions(f"{KEY} is a list in the profile: write it as a mapping of rules first")
        merged = _apply(text, edits)
    _check(before, merged, resources)
    return merged


def _values(request: Request, *, grows: bool) -> dict[str, Any]:
    """Return resources as a profile has them: with `jobarray` numbers, else expressions that grow with attempts."""
    values: dict[str, Any] = asdict(request)
    if not grows:
        for name, factor in GROWING.items():
            values[name] = f"int({values[name]} * {factor} ** (attempt - 1))"
    return values


def _grows_itself(profile: Any) -> bool:
    return not isinstance(profile, dict) or profile.get("executor", "jobarray") == "jobarray"


def _entry(node: Any, name: str) -> tuple[Any, Any] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _with_block(text: str, resources: Mapping[str, Mapping[str, Any]]) -> str:
    block = f"{KEY}:\n{_lines(resources, 2)}"
    sample = SAMPLE.search(text)
    if sample:
        return text[: sample.end()] + block + text[sample.end() :]
    gap = "" if not text or text.endswith("\n") else "\n"
    return text + gap + block


def _lines(resources: Mapping[str, Mapping[str, Any]], indent: int) -> str:
    return "".join(f"{' ' * indent}{rule}: {{{_flow(values)}}}\n" for rule, values in resources.items())


def _flow(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_scalar(value)}" for name, value in values.items())


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


def _edits(node: Any, resources: Mapping[str, Mapping[str, Any]]) -> list[_Edit]:
    """Return what is to be changed in a mapping of rules: values that differ, resources and rules that lack."""
    edits: list[_Edit] = []
    new: dict[str, Mapping[str, Any]] = {}
    for rule, values in resources.items():
        found = _entry(node, rule)
        if found is None:
            new[rule] = values
        elif not isinstance(found[1], yaml.MappingNode):
            raise InvalidOptions(f"{KEY}: {rule} is no mapping of resources in the profile")
        else:
            edits += _resource_edits(found[1], values)
    if not new:
        return edits
    if node.flow_style:
        inside = ", ".join(f"{rule}: {{{_flow(values)}}}" for rule, values in new.items())
        edits.append(_into_flow(node, inside))
    else:
        # Before the first rule: after the last, comments may stand that belong to what follows.
        first = node.value[0][0].start_mark
        begin = first.index - first.column
        edits.append(_Edit(begin, begin, _lines(new, first.column)))
    return edits


def _resource_edits(node: Any, values: Mapping[str, Any]) -> list[_Edit]:
    edits: list[_Edit] = []
    lacking: dict[str, Any] = {}
    for name, value in values.items():
        found = _entry(node, name)
        if found is None:
            lacking[name] = value
        elif str(found[1].value) != str(value):
            edits.append(_Edit(found[1].start_mark.index, found[1].end_mark.index, _scalar(value)))
    if lacking and node.flow_style:
        edits.append(_into_flow(node, _flow(lacking)))
    elif lacking:
        first = node.value[0][0].start_mark
        begin = first.index - first.column
        lines = "".join(f"{' ' * first.column}{name}: {_scalar(value)}\n" for name, value in lacking.items())
        edits.append(_Edit(begin, begin, lines))
    return edits


def _into_flow(node: Any, inside: str) -> _Edit:
    begin = node.start_mark.index + 1
    return _Edit(begin, begin, f"{inside}, " if node.value else inside)


def _apply(text: str, edits: list[_Edit]) -> str:
    for edit in sorted(edits, key=lambda one: one.begin, reverse=True):
        text = text[: edit.begin] + edit.text + text[edit.end :]
    return text


def _check(before: Any, merged: str, resources: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a text that does not say what it should, whatever the form of what stood there."""
    wanted = dict(before or {})
    rules = {rule: dict(values) for rule, values in (wanted.get(KEY) or {}).items()}
    for rule, values in resources.items():
        rules[rule] = rules.get(rule, {}) | dict(values)
    wanted[KEY] = rules
    try:
        holds = yaml.safe_load(merged) == wanted
    except yaml.YAMLError:
        holds = False
    if not holds:
        raise InvalidOptions(
            f"{KEY} of the profile has a form that can't be added to: write its rules on lines of their own"
        )
