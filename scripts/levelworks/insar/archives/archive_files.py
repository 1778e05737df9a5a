"""The files by which jobs know an archive: its options, and its catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions, InvalidReference
from levelworks.insar.archives.archive_options import Archive
from levelworks.insar.archives.catalogue import CatalogueRow


def read_archive(path: Path) -> Archive:
    """Read the options of an archive, as JSON or YAML.

    Raises
    ------
    InvalidOptions
        Where the file can't be read, or a key is wrong.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidOptions(f"the archive's options {path} can't be read ({error})") from None
    if not isinstance(values, dict):
        raise InvalidOptions(f"the archive's options {path} must hold keys and values")
    return validate(Archive, values, str(path))


def find_row(rows: Mapping[str, CatalogueRow], identifier: str, catalogue: Path) -> CatalogueRow:
    """Return the row of a product.

    Raises
    ------
    InvalidReference
        Where the catalogue has none.
    """
    if identifier not in rows:
        raise InvalidReference(f"the catalogue {catalogue} has no product {identifier!r}")
    return rows[identifier]
