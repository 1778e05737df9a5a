"""What has come of a product so far: a file beside it that outlives an interrupted job, and what it is a part of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.atomic import PREFIX, remove, write_text


@dataclass(frozen=True)
class Partial:
    """The file to which a product is fetched, one attempt at a time.

    The name is that of a temporary of no host's process, so that `levelworks clean` removes what is left behind.
    """

    path: Path

    @classmethod
    def beside(cls, product: Path, identifier: str) -> Partial:
        """Return the file for a product in the folder of ``product``."""
        return cls(product.with_name(f"{PREFIX}fetch.0.{identifier}.zip"))

    @property
    def size(self) -> int:
        """Return the bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def _facts(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def ticket(self) -> Path:
        """Return the file in which requests from tape are written down."""
        return self.path.with_suffix(".request")

    def validator(self, source: str) -> str | None:
        """Return the ``ETag`` or ``Last-Modified`` of the file whose beginning is there; empty where it has none.

        None where there is no beginning, or one of another source: archives pack the same product differently.
        """
        try:
            facts = json.loads(self._facts.read_text(encoding="utf-8"))
            return str(facts["validator"]) if facts["source"] == source and self.size else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, source: str, validator: str) -> None:
        """Drop what is there, and write down of which file the bytes to come are the beginning."""
        self.discard()
        write_text(self._facts, json.dumps({"source": source, "validator": validator}) + "\n")

    def discard(self) -> None:
        """Remove what is there."""
        remove(self.path)
        self._facts.unlink(missing_ok=True)

    def becomes(self, product: Path) -> None:
        """Give the file the name of the product."""
        self.path.replace(product)
        self._facts.unlink(missing_ok=True)
