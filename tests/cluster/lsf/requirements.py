"""The resource requirements of -R: select, rusage, span, order, same and cu sections."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import Any

from .expressions import BadExpression, Tree, atoms, holds, parse

SECTION = re.compile(r"\s*(select|rusage|span|order|same|cu|affinity)\s*\[([^][]*)\]")
TERM = re.compile(r"(\w+)\s*(?:(==|!=|>=|<=|=|>|<)\s*(\"[^\"]*\"|'[^']*'|[\w.:-]+))?")
COMPARE = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
NUMBERS = frozenset({"mem", "maxmem", "ncpus", "slots"})
UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}


def megabytes(text: str, unit: str) -> float:
    """Convert an amount of memory, with a unit of its own or the site's, to MB."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([KMGT])?B?", text.strip(), re.IGNORECASE)
    if not found:
        raise BadExpression(f"{text!r} is no amount of memory")
    return float(found[1]) * UNITS[(found[2] or unit)[0].upper()]


@dataclass
class Requirement:
    """What a job asks of its hosts."""

    select: list[tuple[str, Tree]] = field(default_factory=list)
    rusage: dict[str, str] = field(default_factory=dict)
    memory: float | None = None
    memory_per: str | None = None  # "job", "slot" or what the site says
    one_host: bool = False
    per_host: int | None = None
    span: str = ""
    order: str = ""

    def accepts(self, host: dict[str, Any]) -> bool:
        """Tell whether a host's values satisfy every selection."""

        def truth(term: re.Match[str]) -> bool:
            name, sign, wanted = term.groups()
            if sign is None:
                return bool(host.get(name, True))
            wanted = wanted.strip("\"'")
            if wanted in {"any", "local"} or name not in host:
                return True
            value = host[name]
            if isinstance(value, str):
                return COMPARE[sign](value, wanted)
            return COMPARE[sign](float(value), float(wanted))

        return all(holds(tree, truth) for _, tree in self.select)

    def text(self) -> str:
        """Return the requirement in one string, as bjobs shows it combined."""
        select = " && ".join(f"({text})" for text, _ in self.select)
        parts = [f"select[{select or 'type == local'}]", f"order[{self.order or 'r15s:pg'}]"]
        if self.rusage:
            parts.append("rusage[" + ",".join(f"{name}={value}" for name, value in self.rusage.items()) + "]")
        if self.span:
            parts.append(f"span[{self.span}]")
        return " ".join(parts)


def requirement(strings: list[str], unit: str) -> Requirement:
    """Read every -R of a submission into one requirement."""
    wanted = Requirement()
    for string in strings:
        rest = string.strip()
        if not rest:
            raise BadExpression("an empty resource requirement")
        if not SECTION.match(rest):  # an expression of its own is a selection
            head = re.split(r"\b(?:rusage|span|order|same|cu|affinity)\s*\[", rest, maxsplit=1)[0]
            _section(wanted, "select", head, unit)
            rest = rest[len(head) :]
        while rest.strip():
            found = SECTION.match(rest)
            if not found:
                raise BadExpression(f"can't read {rest!r}")
            _section(wanted, found[1], found[2], unit)
            rest = rest[found.end() :]
    return wanted


def _section(wanted: Requirement, name: str, body: str, unit: str) -> None:
    body = body.strip()
    if name == "select":
        tree = parse(body, TERM)
        for term in atoms(tree):
            if term[1] in NUMBERS and not re.fullmatch(r"[\d.]+", (term[3] or "1").strip("\"'")):
                raise BadExpression(f"{term[1]} is a number")
        wanted.select.append((body, tree))
    elif name == "rusage":
        for pair in re.split(r"[,:]", body):
            _usage(wanted, pair, unit)
    elif name == "span":
        if wanted.span and wanted.span != body:
            raise BadExpression("two different spans")
        found = re.fullmatch(r"(hosts|ptile|stripe)\s*=\s*(\d+)", body)
        if not found or (found[1] == "hosts" and found[2] != "1") or int(found[2]) < 1:
            raise BadExpression(f"span[{body}]")
        wanted.span = body
        wanted.one_host = found[1] == "hosts"
        wanted.per_host = int(found[2]) if found[1] == "ptile" else None
    elif name == "order":
        wanted.order = body


def _usage(wanted: Requirement, pair: str, unit: str) -> None:
    found = re.fullmatch(r"\s*(\w+)\s*=\s*([\w.]+)\s*(?:/(job|task|host))?\s*", pair)
    if not found:
        raise BadExpression(f"rusage[{pair}]")
    name, value, per = found.groups()
    if name == "mem":
        amount = megabytes(value, unit)
        wanted.memory = max(amount, wanted.memory or 0.0)
        wanted.memory_per = {"task": "slot", "job": "job", "host": "job", None: wanted.memory_per}[per]
        value = f"{wanted.memory:.2f}"
    wanted.rusage[name] = value + (f"/{per}" if per else "")
