"""How the parsers in here tell their own state machine that the peer sent nonsense; it never leaves the folder."""

from __future__ import annotations


class Malformed(Exception):  # noqa: N818 - says what the bytes are
    """Bytes that RTMP does not allow, or past our bounds. The text names the rule, never the bytes."""
