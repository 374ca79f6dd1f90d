"""H.265 into RTP payloads (RFC 7798): single units, aggregation packets, fragmentation units.

Filler data, which only keeps the rate of an RTMP stream up, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from openmpu.wire.annexb import units
from openmpu.wire.rtp.packetise.units import MAX_PAYLOAD, payloads_of, pieces, with_sizes

_AGGREGATE, _FRAGMENT = 48, 49
_FILLER = 38
_TYPE = 0x7E
_START, _END = 0x80, 0x40


def payloads(picture: bytes) -> list[bytes]:
    """The payloads of an access unit in Annex B, in order; the marker belongs to the last."""
    nals = [nal for nal in units(picture) if len(nal) > 2 and _kind(nal) != _FILLER]
    return payloads_of(nals, _aggregate, _cut, 2)


def _kind(nal: bytes) -> int:
    return nal[0] >> 1 & 63


def _aggregate(nals: list[bytes]) -> bytes:
    """AP (RFC 7798 4.4.2): layer and temporal id are the lowest of its units'."""
    second = min(nal[1] & 7 for nal in nals) | min(nal[1] & 0xF8 for nal in nals)
    return bytes((_AGGREGATE << 1, second)) + with_sizes(nals)


def _cut(nal: bytes) -> Iterator[bytes]:
    """FU (RFC 7798 4.4.3): the unit's type goes into the third byte before each piece."""
    header = bytes((nal[0] & ~_TYPE & 0xFF | _FRAGMENT << 1, nal[1]))
    for piece, first, last in pieces(nal[2:], MAX_PAYLOAD - 3):
        yield header + bytes((_kind(nal) | _START * first | _END * last,)) + piece
