"""Options as people read them: type, default, unit and range of each key in words."""

from __future__ import annotations

import datetime as dt
import json
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from levelworks.core.options import OneOrMore, OnOff, model_within

PLAIN = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", dt.date: "date"}
SIGNS = {"gt": ">\u00a0{:.12g}", "ge": "≥\u00a0{:.12g}", "lt": "<\u00a0{:.12g}", "le": "≤\u00a0{:.12g}"}
LENGTHS = {"min_length": "at least {}", "max_length": "at most {}"}


@dataclass(frozen=True)
class Key:
    """One key of a configuration: its path from the top, and what its model says of it."""

    path: str
    kind: str
    default: str
    unit: str
    range: str
    meaning: str

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Group:
    """The keys below one key of the configuration; ``NAME`` in its path stands for a name that people give."""

    path: str
    meaning: str
    present: bool
    keys: tuple[Key, ...]


def groups(model: type[BaseModel], path: str, meaning: str, *, present: bool = True) -> Iterator[Group]:
    """Return the keys of a model, and after them those of the models within it.

    Parameters
    ----------
    path : str
        Path of the model in the configuration, e.g. ``coronagraph.calibrate-frame``.
    present : bool
        Whether it is there where a campaign says nothing of it.
    """
    own: list[Key] = []
    below: list[Group] = []
    for name, info in model.model_fields.items():
        inner = model_within(info.annotation)
        key = f"{path}.{info.alias or name}"
        if inner is None:
            own.append(describe(key, info))
            continue
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        named = f"{key}.NAME" if default == {} else key
        below += groups(inner, named, info.description or "", present=isinstance(default, BaseModel))
    yield Group(path, meaning, present, tuple(own))
    yield from below


def describe(path: str, info: FieldInfo) -> Key:
    """Say one key in words."""
    extra = info.json_schema_extra
    unit = str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else ""
    default = "required" if info.is_required() else written(info.get_default(call_default_factory=True))
    return Key(path, kind_of(info), default, unit, limits(info.metadata), (info.description or "").rstrip("."))


def kind_of(info: FieldInfo) -> str:
    """Return the type of a field in words."""
    if any(one is OneOrMore for one in info.metadata):
        return "text, or list of text"
    if any(one is OnOff for one in info.metadata):
        return " or ".join(str(choice) for choice in typing.get_args(info.annotation))
    return words(info.annotation)


def words(annotation: Any) -> str:
    """Return a type in words."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in PLAIN:
        return PLAIN[annotation]
    if annotation is types.NoneType:
        return "null"
    if origin is typing.Annotated:
        metadata = [one for part in parts[1:] for one in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return " ".join(filter(None, [words(parts[0]), limits(metadata)]))
    if origin is Literal:
        return " or ".join(f'"{part}"' if part == "" else str(part) for part in parts)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(map(words, parts))
    if origin is list or (origin is tuple and parts[-1] is Ellipsis):
        return f"list of {words(parts[0])}"
    if origin is tuple:
        alike = len(set(parts)) == 1
        return f"list of {len(parts)}: {words(parts[0])}" if alike else f"list: {', '.join(map(words, parts))}"
    if origin is dict:
        return f"map of {words(parts[0])} to {words(parts[1])}"
    raise TypeError(f"{annotation}: this type has no words yet")


def limits(metadata: list[Any]) -> str:
    """Return the limits of a field, a list or a text in words."""
    found = [
        form.format(value)
        for one in metadata
        for name, form in (SIGNS | LENGTHS).items()
        if (value := getattr(one, name, None)) is not None
    ]
    found += [f"like {pattern}" for one in metadata if (pattern := getattr(one, "pattern", None))]
    return ", ".join(found)


def written(value: Any) -> str:
    """Return a default as people write it in YAML's flow style."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    return value if isinstance(value, str) and value else json.dumps(value, default=str, ensure_ascii=False)
