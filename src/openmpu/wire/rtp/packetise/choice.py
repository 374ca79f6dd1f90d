"""Which packetiser goes with which codec; sound needs none: an Opus packet is a payload (RFC 7587 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from openmpu.wire.rtp.packetise import h264, h265

Packetiser = Callable[[bytes], list[bytes]]
"""One frame to the payloads of its packets, in order."""


def packetiser_for(codec: str) -> Packetiser | None:
    """The packetiser of a codec in lower case; None where we cannot send it."""
    return {"h264": h264.payloads, "h265": h265.payloads, "opus": _whole}.get(codec)


def _whole(frame: bytes) -> list[bytes]:
    return [frame]
