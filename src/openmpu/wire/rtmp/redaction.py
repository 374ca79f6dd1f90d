"""Peers quote stream names in their complaints, and a stream name is a key: it is taken out before anybody sees it."""

from __future__ import annotations

from urllib.parse import unquote

MAX_WORDS = 200
"""Characters of a peer's text that are kept."""
_SHORTEST = 3
"""Shorter names are no secrets, and taking them out would garble every word."""


def secrets_of(stream: str) -> tuple[str, ...]:
    """Everything in a stream name with its query that must not be repeated, longest first."""
    name, _, query = stream.partition("?")
    values = [part.partition("=")[2] or part for part in query.split("&")]
    found = {stream, name, query, *values}
    found |= {unquote(text) for text in found}
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True))


def clean(text: str, secrets: tuple[str, ...]) -> str:
    """A peer's text without secrets and control characters, cut to MAX_WORDS."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return "".join(ch if ch.isprintable() else " " for ch in text[:MAX_WORDS]).strip()
