"""Annex B byte streams (ITU-T H.264 and H.265 annex B) and what FLV makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from openmpu.wire.annexb import units

__all__ = ["units", "with_lengths"]


def with_lengths(nals: Iterable[bytes]) -> bytes:
    """The units as FLV and MP4 want them: each behind its length in four bytes."""
    return b"".join([piece for nal in nals for piece in (len(nal).to_bytes(4), nal)])
