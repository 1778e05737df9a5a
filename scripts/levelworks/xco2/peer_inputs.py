"""The list of Lite files in a run configuration of OCO3-data-transformer."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from levelworks.core.location import local_path
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2.lite_names import DATASETS, parse_name

OBJECT_REQUIRED = ("path", "accessKeyID", "secretAccessKey")
OBJECT_KEYS = (*OBJECT_REQUIRED, "region")


def read_items(items: Sequence[Any], where: str) -> list[str]:
    """Return the paths that a list of inputs names, in its order.

    An item is a path, an object in a bucket (``path``, ``accessKeyID``, ``secretAccessKey``, ``region`` where wanted)
    or a mapping of datasets to one of both, or to null for none. A path alone means OCO-3 in the peer; here the file's
    own name says of which dataset it is.

    Parameters
    ----------
    items : sequence
        As the YAML file has them.
    where : str
        The key of the list: the start of every message.

    Raises
    ------
    InvalidOptions
        Where an item has another form, is no file of this machine, or stands under a dataset that its name contradicts.
    """
    found: list[str] = []
    for number, item in enumerate(items):
        place = f"{where}.{number}"
        if isinstance(item, Mapping) and "path" not in item:
            found += _read_datasets(item, place)
        else:
            found.append(str(_read_one(item, place)))
    return found


def _read_datasets(item: Mapping[str, Any], where: str) -> list[str]:
    _refuse_unknown(item, DATASETS, where)
    present = {dataset: one for dataset, one in item.items() if one is not None}
    if not present:
        raise InvalidOptions(f"{where}: names no file; give one of {', '.join(DATASETS)} a path, or remove the item")
    found = []
    for dataset, one in present.items():
        path = _read_one(one, f"{where}.{dataset}")
        named = _dataset_of(path)
        if named not in (None, dataset):
            raise InvalidOptions(f"{where}.{dataset}: {path} is a file of {named} by its name; list it under {named}")
        found.append(str(path))
    return found


def _read_one(item: Any, where: str) -> Path:
    if isinstance(item, str):
        return local_path(item, where)
    # Values are never shown: two of them are secrets.
    if not isinstance(item, Mapping):
        raise InvalidOptions(
            f"{where}: is a {type(item).__name__}; it must be a path, or a mapping with {', '.join(OBJECT_REQUIRED)}"
        )
    _refuse_unknown(item, OBJECT_KEYS, where)
    for key in OBJECT_KEYS:
        value = item.get(key)
        if (key in OBJECT_REQUIRED or value is not None) and not isinstance(value, str):
            raise InvalidOptions(f"{where}.{key}: must be a text{'' if key in item else ', and is missing'}")
    return local_path(item["path"], f"{where}.path")


def _dataset_of(path: Path) -> str | None:
    try:
        return parse_name(path.name).kind
    except InvalidInput:
        return None


def _refuse_unknown(item: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in item:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"
            raise InvalidOptions(f"{where}.{key}: unknown key{hint}")
