"""FORCE's queue file: one image a line, ``<path> QUEUED``, ``DONE`` or ``FAIL``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidOptions

STATES = ("QUEUED", "DONE", "FAIL")


@dataclass(frozen=True)
class Entry:
    """A line of the queue."""

    path: Path
    state: str


def read_queue(path: Path) -> list[Entry]:
    """Read a queue; white space of any kind and number parts the words, empty lines are passed over.

    Raises
    ------
    InvalidOptions
        With one line for each mistake: a path that is relative, a state that is none of the three, an image twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidOptions(f"{path}: the queue can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidOptions(f"{path}: the queue can't be read: it holds bytes that are no text") from None
    entries: list[Entry] = []
    seen: set[Path] = set()
    mistakes = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or words[1] not in STATES:
            mistakes.append(f"line {number}: {line.strip()!r} is not <path> {'|'.join(STATES)}; paths hold no blanks")
            continue
        image = Path(words[0])
        if not image.is_absolute():
            mistakes.append(f"line {number}: {image} is not absolute")
        elif image in seen:
            mistakes.append(f"line {number}: {image} stands there twice")
        seen.add(image)
        entries.append(Entry(image, words[1]))
    if mistakes:
        raise InvalidOptions("\n".join(f"{path}: {one}" for one in mistakes))
    return entries


def updated_queue(text: str, states: Mapping[str, str]) -> str:
    """Return the text of a queue with new states, everything else as it stands.

    Parameters
    ----------
    states : mapping of str to str
        New state by the path as written.
    """
    lines = []
    for line in text.splitlines():
        words = line.split()
        lines.append(f"{words[0]} {states[words[0]]}" if len(words) == 2 and words[0] in states else line)
    return "".join(f"{line}\n" for line in lines)
