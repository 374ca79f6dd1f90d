"""Annex B byte streams (ITU-T H.264 and H.265 annex B): start codes out, units apart. Pure."""

from __future__ import annotations

_START_CODE = b"\x00\x00\x01"


def units(data: bytes) -> list[bytes]:
    """The NAL units of one picture, without start codes and the zeroes around them; empty ones left out."""
    parts = data.split(_START_CODE)
    return [unit for part in parts[1:] if (unit := part.rstrip(b"\x00"))]
