"""The configuration of a campaign: one section a line, validated whole before anything is planned."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from levelworks.core.aggregate import MAX_QUARANTINED
from levelworks.core.options import Options, explain_field, model_within, option, validate
from levelworks.core.outcome import InvalidOptions

LINES = ("coronagraph", "plumes", "xco2", "ard", "insar")
"""Product lines, in the order in which people read of them."""


class Campaign(Options):
    """What holds for all lines."""

    results: Path = option(Path("results"), "folder of all products, below the working directory or absolute")
    max_quarantined: float = option(
        MAX_QUARANTINED,
        "share of a line's granules that may be quarantined before the campaign counts as failed",
        ge=0,
        le=1,
    )


@cache
def model() -> type[Options]:
    """Return the model of the whole configuration, made of the sections of the lines."""
    sections: dict[str, Any] = {"campaign": (Campaign, Field(Campaign(), description="what holds for all lines"))}
    for line in LINES:
        section = importlib.import_module(f"levelworks.{line}.options").Section
        summary = (section.__doc__ or "").partition("\n")[0]
        sections[line] = (section, Field(section(), description=summary))
    return create_model("Config", __base__=Options, **sections)


def load(values: Mapping[str, Any]) -> Any:
    """Validate a configuration.

    Raises
    ------
    InvalidOptions
        With one line for each wrong key: the key, its value, what is allowed.
    """
    return validate(model(), dict(values), "config")


def load_files(paths: list[Path]) -> Any:
    """Read configuration files, later ones over earlier ones, as Snakemake's ``--configfile`` does.

    Raises
    ------
    InvalidOptions
        Where a file can't be read or a key is wrong.
    """
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise InvalidOptions(f"config: {path} can't be read ({error})") from None
        if not isinstance(values, dict):
            raise InvalidOptions(f"config: {path} must hold keys and values")
        _merge(merged, values)
    return load(merged)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


TEMPLATE_HEAD = """\
# Every key with its default, its meaning, unit and range. A campaign names what differs in a file of its own:
#   snakemake coronagraph --profile profiles/local --configfile my-campaign.yaml
# The sections of the lines are commented out (key lines begin with #): remove the # of a key and of those above it.
"""


def template() -> str:
    """Return the complete configuration as commented YAML; ``config/config.yaml`` holds it."""
    parts = [_template_of(name, info, 0, live=name == "campaign") for name, info in model().model_fields.items()]
    return TEMPLATE_HEAD + "".join(parts)


def _template_of(name: str, info: FieldInfo, depth: int, *, live: bool) -> str:
    """Return the lines of one key: its explanation, then the key, then those below it."""
    indent = "  " * depth
    start = indent if live else f"#{indent}"
    key = info.alias or name
    comment = f"{indent}# {explain_field(info)}\n" if info.description else ""
    default = "..." if info.is_required() else info.get_default(call_default_factory=True)
    inner = model_within(info.annotation)
    if inner is None:
        return f"{comment}{start}{key}: {json.dumps(default, default=str)}\n"
    below = depth + 1
    lines = f"\n{comment}{start}{key}:" + ("\n" if isinstance(default, Options) else "  # absent by default\n")
    if default == {}:
        lines += f"{start}  NAME:\n"
        below += 1
    return lines + "".join(_template_of(one, field, below, live=live) for one, field in inner.model_fields.items())


def schema() -> str:
    """Return the JSON schema of the configuration as text; ``config/schema.json`` holds it."""
    return json.dumps(model().model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"
