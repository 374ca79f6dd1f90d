"""VP8 over RTP (RFC 7741): the payload descriptor before each payload, the key frame's header with its size."""

from __future__ import annotations

from collections.abc import Sequence

from openmpu.wire.rtp.depacketise.picture import Opening, Picture
from openmpu.wire.rtp.packet import RtpPacket

_START_CODE = b"\x9d\x01\x2a"  # RFC 6386 9.1


def payload_start(data: bytes, at: int, end: int) -> int:
    """Where the VP8 data begins behind the descriptor (RFC 7741 4.2); `end` or more where there is none."""
    if at >= end or not data[at] & 0x80:
        return at + 1
    if at + 1 >= end:
        return end
    extensions = data[at + 1]
    at += 2
    if extensions & 0x80:  # I: picture id of 7 or 15 bits
        if at >= end:
            return end
        at += 2 if data[at] & 0x80 else 1
    if extensions & 0x40:  # L: TL0PICIDX
        at += 1
    return at + 1 if extensions & 0x30 else at  # T, K


class Vp8:
    """Depacketiser for VP8."""

    __slots__ = ("_size",)

    def __init__(self) -> None:
        self._size = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last key frame, zeros while unknown."""
        return self._size

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """All payloads in a row; the first one must be the frame's beginning (S set, partition 0)."""
        first = packets[0]
        if first.data[first.start] & 0x17 != 0x10:
            return None
        parts = []
        for packet in packets:
            start = payload_start(packet.data, packet.start, packet.end)
            if start >= packet.end:
                return None
            parts.append(packet.data[start : packet.end])
        data = b"".join(parts)
        key = not data[0] & 1
        if key and not self._read_size(data):
            return None
        return Picture(data, key)

    def _read_size(self, data: bytes) -> bool:
        if data[3:6] != _START_CODE or len(data) < 10:
            return False
        self._size = (data[6] | data[7] << 8) & 0x3FFF, (data[8] | data[9] << 8) & 0x3FFF
        return True

    def opening(self, packet: RtpPacket) -> Opening:
        """S set, partition 0, and the frame header says key."""
        data, start = packet.data, packet.start
        if data[start] & 0x17 != 0x10:
            return Opening.NO
        at = payload_start(data, start, packet.end)
        if at >= packet.end or data[at] & 1 or not self._read_size(data[at : at + 10]):
            return Opening.NO
        return Opening.SURELY
