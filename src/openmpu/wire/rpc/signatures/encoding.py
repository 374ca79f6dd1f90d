"""Percent-encoding as both signatures want it: RFC 3986, a blank is `%20`, `*` is `%2A`, `~` stays."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote


def percent_encode(text: str) -> str:
    """`text` with everything but unreserved characters as `%XX` of its UTF-8."""
    return quote(text, safe="-_.~")


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """`name=value` joined by `&`, sorted by the names' bytes (UTF-8 sorts as code points do)."""
    return "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in sorted(parameters))
