"""Percent-encoding as both signatures want it: RFC 3986, a blank is `%20`, `*` is `%2A`, `~` stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def percent_encode(text: str) -> str:
    """`text` with everything but unreserved characters as `%XX` of its UTF-8."""
    if _PLAIN.fullmatch(text):
        return text  # most names and values are plain, and `quote` takes ten times as long to find that out
    return quote(text, safe="-_.~")


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """`name=value` joined by `&`, sorted by the names' bytes (UTF-8 sorts as code points do)."""
    return "&".join([f"{percent_encode(name)}={percent_encode(value)}" for name, value in sorted(parameters)])


def encode_canonical(query: str) -> str:
    """`percent_encode` of a canonical query, in which nothing but these three needs it."""
    return query.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
