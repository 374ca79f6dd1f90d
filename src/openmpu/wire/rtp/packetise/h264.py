"""H.264 into RTP payloads (RFC 6184), packetization mode 1: single units, STAP-A, FU-A.

Filler data, which only keeps the rate of an RTMP stream up, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from openmpu.wire.annexb import units
from openmpu.wire.rtp.packetise.units import MAX_PAYLOAD, payloads_of, pieces, with_sizes

_STAP_A, _FU_A = 24, 28
_FILLER = 12
_IMPORTANCE = 0xE0
"""forbidden_zero_bit and nal_ref_idc."""
_START, _END = 0x80, 0x40


def payloads(picture: bytes) -> list[bytes]:
    """The payloads of an access unit in Annex B, in order; the marker belongs to the last."""
    nals = [nal for nal in units(picture) if nal[0] & 31 != _FILLER]
    return payloads_of(nals, _aggregate, _cut, 1)


def _aggregate(nals: list[bytes]) -> bytes:
    """STAP-A; it counts as much as the most important unit in it (RFC 6184 5.7)."""
    return bytes((max(nal[0] & _IMPORTANCE for nal in nals) | _STAP_A,)) + with_sizes(nals)


def _cut(nal: bytes) -> Iterator[bytes]:
    """FU-A (RFC 6184 5.8): the unit's own header goes into the two bytes before each piece."""
    indicator, kind = nal[0] & _IMPORTANCE | _FU_A, nal[0] & 31
    for piece, first, last in pieces(nal[1:], MAX_PAYLOAD - 2):
        yield bytes((indicator, kind | _START * first | _END * last)) + piece
