"""UTC times as seconds of a reference day, exact to the microsecond (specs/insar.md 3).

A time is a float64 number of seconds since the midnight that begins its epoch day: a microsecond then is four
orders above the rounding of the number, also where a pass crosses midnight and times exceed 86400.
"""

from __future__ import annotations

import datetime as dt

from levelworks.core.outcome import InvalidInput

DAY = 86400
MICROSECONDS = 1_000_000


def parse_time(text: str, what: str = "time") -> dt.datetime:
    """Return a UTC time of an annotation or orbit file (``2025-04-06T02:20:09.449360``, with or without ``UTC=``).

    Raises
    ------
    InvalidInput
        Where the text is no time.
    """
    try:
        found = dt.datetime.fromisoformat(text.strip().removeprefix("UTC=").removesuffix("Z"))
    except ValueError:
        raise InvalidInput(f"{what}: {text!r} is no UTC time") from None
    return found.replace(tzinfo=dt.UTC)


def seconds_since(epoch: dt.date, time: dt.datetime) -> float:
    """Return a UTC time in seconds (float64) since the midnight that begins a day."""
    passed = time - midnight(epoch)
    return ((passed.days * DAY + passed.seconds) * MICROSECONDS + passed.microseconds) / MICROSECONDS


def time_at(epoch: dt.date, seconds: float) -> dt.datetime:
    """Return the UTC time of a number of seconds since an epoch's midnight, to the nearest microsecond."""
    return midnight(epoch) + dt.timedelta(microseconds=round(seconds * MICROSECONDS))


def format_time(epoch: dt.date, seconds: float) -> str:
    """Return a time as annotations write it, with microseconds and no zone."""
    return time_at(epoch, seconds).replace(tzinfo=None).isoformat(timespec="microseconds")


def midnight(epoch: dt.date) -> dt.datetime:
    """Return the midnight that begins a day, in UTC."""
    return dt.datetime(epoch.year, epoch.month, epoch.day, tzinfo=dt.UTC)
