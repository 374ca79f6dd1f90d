"""Percent-encoding as both signatures want it: RFC 3986, a blank is `%20`, `*` is `%2A`, `~` stays."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_PLAIN_PAIR = re.compile(r"[A-Za-z0-9_.~-]*=[A-Za-z0-9_.~-]*")
_ENCODED = [chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"%{byte:02X}" for byte in range(256)]


def percent_encode(text: str) -> str:
    """`text` with everything but unreserved characters as `%XX` of its UTF-8."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_ENCODED.__getitem__, text.encode()))


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """`name=value` joined by `&`, sorted by the names' bytes (UTF-8 sorts as code points do)."""
    return "&".join([_pair(name, value, f"{name}={value}") for name, value in sorted(parameters)])


def _pair(name: str, value: str, joined: str) -> str:
    """Looked at as a whole first: of a hundred pairs in a full request ninety are plain."""
    return joined if _PLAIN_PAIR.fullmatch(joined) else f"{percent_encode(name)}={percent_encode(value)}"


def encode_canonical(query: str) -> str:
    """`percent_encode` of a canonical query, in which nothing but these three needs it."""
    return query.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
