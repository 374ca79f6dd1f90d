"""The one spelling of a moment that the API knows: `yyyy-MM-ddTHH:mm:ssZ`, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def read_stamp(text: str) -> int | None:
    """Seconds of Unix time; None when it is spelled otherwise or no such moment is."""
    if not _STAMP.fullmatch(text):
        return None  # strptime takes more spellings than the one that is allowed
    try:
        return int(datetime.strptime(text, _FORMAT).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def print_stamp(moment: int) -> str:
    """Nanoseconds of Unix time, spelled so."""
    return datetime.fromtimestamp(moment // 10**9, UTC).strftime(_FORMAT)
