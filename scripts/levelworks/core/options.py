"""Options as models: type, default, unit, range and one-line meaning, and errors a person can act on."""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from levelworks.core.outcome import InvalidOptions

Model = TypeVar("Model", bound=BaseModel)

UNION_BRANCH = re.compile(r"function-.*|literal\[.*\]|int|float|str|bool|none|list\[.*\]")


class Options(BaseModel):
    """Base of all options: unknown keys are refused, values are frozen, keys are written as people write them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, populate_by_name=True
    )


def _switch(value: Any) -> Any:
    """Undo YAML 1.1, which reads the words on and off as truth values."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


OnOff = BeforeValidator(_switch, json_schema_input_type=str | bool)
"""Annotation of options that take the words on and off."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMore = BeforeValidator(_listed, json_schema_input_type=str | list[str])
"""Annotation of options that take one text or a list of them."""


def option(default: Any, meaning: str, *, unit: str = "", **limits: Any) -> Any:
    """Declare an option: its default, its meaning in one line, its unit, and pydantic's limits (ge, le, ...)."""
    extra: Any = {"unit": unit} if unit else None
    return Field(default, description=meaning, json_schema_extra=extra, **limits)


def describe(model: type[BaseModel]) -> str:
    """Return the options of a model as text, one a line: name, default, meaning, unit."""
    lines = []
    for name, info in model.model_fields.items():
        default = (
            "required" if info.is_required() else json.dumps(info.get_default(call_default_factory=True), default=str)
        )
        lines.append(f"  {info.alias or name}: {default}\n      {explain_field(info)}")
    return "\n".join(lines)


def parse_options(model: type[Model], text: str | None) -> Model:
    """Read options from JSON text, or from a JSON or YAML file of that name.

    Raises
    ------
    InvalidOptions
        Where the text is no mapping or a key or value is wrong; the message names key, value and what is allowed.
    """
    if not text:
        return validate(model, {}, "options")
    stripped = text.strip()
    if not stripped.startswith("{"):
        if not os.path.isfile(stripped):  # noqa: PTH113 - Path.is_file raises where a text is too long to be a name
            raise InvalidOptions(f"--options takes JSON or a file; {stripped!r} is neither")
        stripped = Path(stripped).read_text(encoding="utf-8")
    try:
        values = json.loads(stripped)
    except json.JSONDecodeError:
        import yaml

        try:
            values = yaml.safe_load(stripped)
        except yaml.YAMLError as error:
            raise InvalidOptions(f"options are neither JSON nor YAML: {error}") from error
    if not isinstance(values, dict):
        raise InvalidOptions(f"options must be a mapping of keys to values, got {type(values).__name__}")
    return validate(model, values, "options")


def validate(model: type[Model], values: Any, where: str) -> Model:
    """Validate values against a model, turning pydantic's report into sentences.

    Parameters
    ----------
    where : str
        What the values are, e.g. ``config``: the start of every message.

    Raises
    ------
    InvalidOptions
        With one line for each wrong key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines: dict[str, list[str]] = {}
        for entry in error.errors():
            key, message = explain(model, entry)
            lines.setdefault(key, []).append(message)
        # The branches of a union report one by one; they are alternatives for the same key.
        text = (f"{where}: {key}: {' or '.join(dict.fromkeys(messages))}" for key, messages in lines.items())
        raise InvalidOptions("\n".join(text)) from None


def explain(model: type[BaseModel], error: Any) -> tuple[str, str]:
    """Say one validation error as the key and a sentence: the value given, what is allowed."""
    location = [part for part in error["loc"] if not UNION_BRANCH.fullmatch(str(part)) or isinstance(part, int)]
    owner, field = _locate(model, location)
    key = ".".join(str(part) for part in location) or "(top)"
    if error["type"] == "extra_forbidden":
        known = [info.alias or name for name, info in owner.model_fields.items()]
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(sorted(known))}"
        return key, f"unknown key{hint}"
    if error["type"] == "missing":
        return key, f"is required{_meaning(field)}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    given = error.get("input")
    shown = "" if isinstance(given, dict | list | BaseModel) else f"is {given!r}: "
    return key, f"{shown}{message[0].lower() + message[1:]}{_meaning(field)}"


def _locate(model: type[BaseModel], location: list[Any]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Walk down the models along a location; return the innermost model and field reached."""
    owner, field = model, None
    for part in location:
        named = {info.alias or name: info for name, info in owner.model_fields.items()} | owner.model_fields
        found = named.get(part) if isinstance(part, str) else None
        if found is None:
            continue
        field = found
        inner = model_within(found.annotation)
        if inner is not None:
            owner = inner
    return owner, field


def model_within(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation holds, within unions, lists and maps too; None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = model_within(part)
        if found is not None:
            return found
    return None


def explain_field(info: FieldInfo) -> str:
    """Return the meaning of an option with its unit, range and choices."""
    limits = [
        f"{sign} {getattr(limit, name):g}"
        for limit in info.metadata
        for name, sign in LIMITS.items()
        if hasattr(limit, name)
    ]
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    notes = [*limits, *([" | ".join(str(choice) for choice in choices)] if choices else [])]
    return _meaning(info)[2:-1] + (f" ({', '.join(notes)})" if notes else "")


LIMITS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def _meaning(field: FieldInfo | None) -> str:
    if field is None or not field.description:
        return ""
    extra = field.json_schema_extra
    unit = f" [{extra['unit']}]" if isinstance(extra, dict) and "unit" in extra else ""
    return f" ({field.description.rstrip('.')}{unit})"
