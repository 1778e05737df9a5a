"""The words of a bsub command line and of the #BSUB lines of a script."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

VALUES = {
    "-J": "name",
    "-o": "output",
    "-oo": "output",
    "-e": "error",
    "-eo": "error",
    "-i": "input",
    "-env": "environment",
    "-P": "project",
    "-q": "queue",
    "-W": "run_limit",
    "-n": "slots",
    "-M": "memory_limit",
    "-cwd": "cwd",
    "-w": "dependency",
    "-Q": "requeue_codes",
    "-m": "hosts",
    "-app": "application",
    "-L": "shell",
    "-Jd": "description",
    "-g": "group",
    "-G": "user_group",
    "-U": "reservation",
    "-u": "mail_user",
    "-sla": "service_class",
    "-gpu": "gpu",
    "-We": "estimate",
    "-sp": "priority",
    "-a": "esub",
    "-C": "core_limit",
    "-S": "stack_limit",
    "-v": "swap_limit",
}
FLAGS = {
    "-K": "wait",
    "-H": "hold",
    "-x": "exclusive",
    "-r": "rerunnable",
    "-rn": "not_rerunnable",
    "-B": "mail_begin",
    "-N": "mail_end",
}


class BadOption(ValueError):
    """An option that bsub does not know, or one without its value."""


@dataclass(frozen=True)
class Options:
    """The options of a submission, as written."""

    values: dict[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    requirements: tuple[str, ...] = ()
    overwrite: frozenset[str] = frozenset()  # of "output" and "error"

    def get(self, name: str) -> str | None:
        """Return the value of an option, or nothing."""
        return self.values.get(name)

    def over(self, other: Options) -> Options:
        """Return these options with those of a script where these say nothing."""
        return Options(
            {**other.values, **self.values},
            self.flags | other.flags,
            self.requirements or other.requirements,
            self.overwrite | (other.overwrite - set(self.values)),
        )


def parse(words: Iterable[str]) -> tuple[Options, list[str]]:
    """Split the words after ``bsub`` into options and command."""
    rest = list(words)
    options = Options()
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word in FLAGS:
            options = replace(options, flags=options.flags | {FLAGS[word]})
            continue
        if word != "-R" and word not in VALUES:
            raise BadOption(f"illegal option -- {word[1:]}")
        if not rest:
            raise BadOption(f"option requires an argument -- {word[1:]}")
        value = rest.pop(0)
        if word == "-R":
            options = replace(options, requirements=(*options.requirements, value))
            continue
        name = VALUES[word]
        options.values[name] = value
        overwrite = options.overwrite - {name}
        options = replace(options, overwrite=overwrite | ({name} if word in {"-oo", "-eo"} else set()))
    return options, rest


def embedded(script: str) -> Options:
    """Read the options of the #BSUB lines of a script."""
    words: list[str] = []
    for line in script.splitlines():
        if line.startswith("#BSUB"):
            words += shlex.split(line[len("#BSUB") :], comments=True)
    options, rest = parse(words)
    if rest:
        raise BadOption(f"illegal option -- {rest[0]}")
    return options
