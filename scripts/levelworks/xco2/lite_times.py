"""Times of Lite files as seconds since 1970-01-01 UTC, from calendar dates or from counts since an epoch."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

UNIX_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SIF_EPOCH = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()
SINCE = re.compile(r"(\w+) since (\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.0*)?)?)?")


def day_start(day: dt.date) -> float:
    """Return 00:00 UTC of a day in seconds since 1970-01-01."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()


def seconds_from_dates(date: np.ndarray) -> np.ndarray:
    """Turn calendar dates into seconds since 1970-01-01 UTC.

    Parameters
    ----------
    date : ndarray, shape (N, 7), integer
        Year, month, day, hour, minute, second, millisecond.

    Returns
    -------
    ndarray, shape (N,), float64
        NaN where the date is none, such as a fill.
    """
    year, month, day, hour, minute, second, millisecond = date.astype(np.int64).T
    valid = (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    valid &= (hour >= 0) & (minute >= 0) & (second >= 0) & (millisecond >= 0)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    milliseconds = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millisecond
    return np.where(valid, milliseconds / 1000.0, np.nan)


def seconds_from_counts(counts: np.ndarray, units: str, epoch: dt.datetime) -> np.ndarray:
    """Turn seconds since an epoch into seconds since 1970-01-01 UTC.

    Parameters
    ----------
    counts : ndarray, shape (N,), float64
        Seconds, NaN where missing.
    units : str
        As in CF, e.g. ``seconds since 1990-01-01 00:00:00``; anything that names no epoch stands for ``epoch``.
    epoch : datetime
        The product's own.

    Returns
    -------
    ndarray, shape (N,), float64
        NaN where missing, or where the time is before 1970 or after 2100.

    Raises
    ------
    ValueError
        Where the units are not seconds or their epoch is no date.
    """
    found = SINCE.search(units)
    if found is not None:
        if found[1] not in ("second", "seconds", "sec", "secs", "s"):
            raise ValueError(f"{found[1]} where seconds are needed")
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[1:])
        epoch = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    seconds = counts + epoch.timestamp()
    return np.where((seconds >= 0) & (seconds < LATEST), seconds, np.nan)
