"""What a units attribute of spectral radiance means: its factor to microwatt cm-2 sr-1 nm-1, or that it is refused."""

from __future__ import annotations

import re

from levelworks.core.outcome import InvalidInput

SPELLINGS = {
    "uw": "uw", "microwatt": "uw", "microwatts": "uw", "mw": "mw", "milliwatt": "mw", "milliwatts": "mw",
    "w": "w", "watt": "w", "watts": "w", "m": "m", "meter": "m", "meters": "m", "metre": "m", "cm": "cm",
    "centimeter": "cm", "sr": "sr", "steradian": "sr", "nm": "nm", "nanometer": "nm", "nanometers": "nm",
    "um": "um", "micron": "um", "microns": "um", "micrometer": "um", "micrometers": "um",
}  # fmt: skip
FACTORS: dict[frozenset[tuple[str, int]], float] = {
    frozenset({("uw", 1), ("cm", -2), ("sr", -1), ("nm", -1)}): 1.0,
    frozenset({("w", 1), ("m", -2), ("sr", -1), ("um", -1)}): 0.1,
    frozenset({("mw", 1), ("m", -2), ("sr", -1), ("nm", -1)}): 0.1,
}
TOKEN = re.compile(r"(?P<sign>/)?(?P<open>\()?(?P<name>[a-z]+)(?:\^|\*\*)?(?P<power>[+-]?\d+)?(?P<close>\))?")


def radiance_factor(units: str, where: str) -> float:
    """Return what radiance in ``units`` is multiplied by to be in microwatt cm-2 sr-1 nm-1.

    Parameters
    ----------
    units : str
        As the agency spells it, e.g. ``uW/cm^2/SR/nm``, ``uW cm-2 sr-1 nm-1``, ``W/(m^2 sr um)``.
    where : str
        File and variable, for the message.

    Raises
    ------
    InvalidInput
        Where it is none of uW cm-2 sr-1 nm-1, W m-2 sr-1 um-1 and mW m-2 sr-1 nm-1.
    """
    powers = _powers(units)
    factor = FACTORS.get(frozenset(powers.items())) if powers else None
    if factor is None:
        allowed = "uW cm-2 sr-1 nm-1, W m-2 sr-1 um-1 or mW m-2 sr-1 nm-1"
        raise InvalidInput(f"{where}: the units of radiance are {units!r}, which is none of {allowed}")
    return factor


def _powers(units: str) -> dict[str, int]:
    """Return the power of each unit; empty where the text can't be read."""
    # MW is no milliwatt: case is dropped only where it can't change the prefix
    text = "bad" if re.match(r"\s*MW", units) else units.replace("µ", "u").replace("μ", "u").lower()
    text = re.sub(r"\s*([*·/^()])\s*", r"\1", text.replace("**", "^").strip())
    text = re.sub(r"[\s*·.]+", " ", text)
    powers: dict[str, int] = {}
    below = False
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        found = TOKEN.match(text, position)
        if found is None:
            return {}
        below = below or bool(found["sign"] and found["open"])
        name = SPELLINGS.get(found["name"])
        if name is None:
            return {}
        sign = -1 if found["sign"] or below else 1
        powers[name] = powers.get(name, 0) + sign * int(found["power"] or 1)
        below = below and not found["close"]
        position = found.end()
    return powers
