"""The one spelling of a moment that the API knows: `yyyy-MM-ddTHH:mm:ssZ`, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_STAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def read_stamp(text: str) -> int | None:
    """Seconds of Unix time; None when it is spelled otherwise or no such moment is."""
    found = _STAMP.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None


def print_stamp(moment: int) -> str:
    """Nanoseconds of Unix time, spelled so."""
    return datetime.fromtimestamp(moment // 10**9, UTC).strftime(_FORMAT)
