"""Redundant audio data around Opus (RED, RFC 2198).

Opus itself needs no unpacking: a payload is a frame (RFC 7587 4.2). Knows no order and no loss.
"""

from __future__ import annotations

from typing import NamedTuple

from openmpu.wire.rtp.packet import RtpPacket

_HEADER = 4


class Block(NamedTuple):
    """One block of a RED packet: where it lies in the packet's data, and how many ticks before it its sound began."""

    payload_type: int
    age: int
    start: int
    end: int


def unpack_red(packet: RtpPacket) -> list[Block]:
    """The blocks, oldest first, the primary one last; none if the packet is malformed (RFC 2198 3)."""
    data, at, end = packet.data, packet.start, packet.end
    headers: list[tuple[int, int, int]] = []
    while at + _HEADER <= end and data[at] & 0x80:
        rest = int.from_bytes(data[at + 1 : at + _HEADER])
        headers.append((data[at] & 127, rest >> 10, rest & 0x3FF))
        at += _HEADER
    if at >= end or data[at] & 0x80:
        return []
    primary, at = data[at], at + 1
    blocks = []
    for payload_type, age, size in headers:
        blocks.append(Block(payload_type, age, at, at + size))
        at += size
    return [*blocks, Block(primary, 0, at, end)] if at <= end else []
