"""One measured figure and how it is printed."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured figure with its target and, where there is one, a peer's measured in the same run.

    ``target`` is an upper bound unless ``at_least``; ``ratio`` is peer_value / value.
    """

    line: str
    name: str
    value: float
    unit: str
    n: int
    target: float | None = None
    at_least: bool = False
    peer: str | None = None
    peer_value: float | None = None

    def to_json(self) -> str:
        """Return the figure as one line of JSON."""
        meets = None
        if self.target is not None:
            meets = self.value >= self.target if self.at_least else self.value <= self.target
        ratio = round(self.peer_value / self.value, 2) if self.peer_value is not None and self.value else None
        return json.dumps(
            {
                "line": self.line,
                "name": self.name,
                "value": round(self.value, 3),
                "unit": self.unit,
                "target": self.target,
                "meets": meets,
                "peer": self.peer,
                "peer_value": None if self.peer_value is None else round(self.peer_value, 3),
                "ratio": ratio,
                "n": self.n,
            }
        )
