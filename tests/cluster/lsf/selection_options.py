"""The options of bjobs, bkill, bstop and bresume: single letters that may be glued, and words."""

from __future__ import annotations

from collections.abc import Iterable

from .options import BadOption
from .store import Filter


class Words:
    """Options and ids of a command line."""

    def __init__(self, words: Iterable[str], flags: str, valued: str, long: Iterable[str] = ()) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        self.ids: list[str] = []
        rest = list(words)
        known = {f"-{name}" for name in long}
        while rest:
            word = rest.pop(0)
            if word in known:
                self.flags.add(word[1:])
            elif word == "-app" and rest:
                self.values["app"] = rest.pop(0)
            elif word.startswith("-") and len(word) > 1:
                self._letters(word[1:], rest, flags, valued)
            else:
                self.ids += word.split()

    def _letters(self, letters: str, rest: list[str], flags: str, valued: str) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in valued:
                if not letters and not rest:
                    raise BadOption(f"option requires an argument -- {letter}")
                self.values[letter] = letters or rest.pop(0)
                return
            if letter not in flags:
                raise BadOption(f"illegal option -- {letter}")
            self.flags.add(letter)

    @property
    def filter(self) -> Filter:
        """Return which jobs the options choose."""
        get = self.values.get
        return Filter(name=get("J"), queue=get("q"), project=get("P"), group=get("g"), host=get("m"), user=get("u"))
