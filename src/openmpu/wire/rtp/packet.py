"""One RTP packet, read once (RFC 3550 5.1, RFC 8285): where its parts lie, without copying the payload.

Malformed bytes are data: `parse` answers None. Knows nothing of streams or codecs.
"""

from __future__ import annotations

from struct import Struct

from openmpu.wire.rtp.extras import Extras

_HEADER = Struct("!BBHII").unpack_from
_EXTENSION = Struct("!HH").unpack_from
HEADER_SIZE = 12


class RtpPacket:
    """A received packet. Mutable on purpose: RTX unwrapping and sequence extension write into it, once per packet.

    Attributes:
        sequence: As sent, 16 bit; extended by its stream before it enters a buffer.
        start: Where the payload begins in `data`.
        end: Where it ends; padding lies behind.
        arrival: `now` when it came.
        extension_profile: The two bytes that tell the form of the header extensions; 0 without any.
        transport_sequence: Transport-wide sequence number, -1 without.
        level: RFC 6464 audio level, 0 to 127; None without.
        extras: The rarer header extensions, None without any.
    """

    __slots__ = (
        "arrival",
        "data",
        "end",
        "extension_end",
        "extension_profile",
        "extension_start",
        "extras",
        "level",
        "marker",
        "payload_type",
        "sequence",
        "ssrc",
        "start",
        "timestamp",
        "transport_sequence",
    )

    def __init__(self, data: bytes, arrival: int, start: int, end: int) -> None:
        first_two: int
        _, first_two, self.sequence, self.timestamp, self.ssrc = _HEADER(data)
        self.marker = first_two > 127
        self.payload_type = first_two & 127
        self.data = data
        self.arrival = arrival
        self.start = start
        self.end = end
        self.extension_profile = self.extension_start = self.extension_end = 0
        self.transport_sequence = -1
        self.level: int | None = None
        self.extras: Extras | None = None

    @property
    def payload(self) -> bytes:
        """A copy of what it carries."""
        return self.data[self.start : self.end]


def parse(data: bytes, now: int) -> RtpPacket | None:
    """The packet in `data`, None if it is none."""
    size = len(data)
    if size < HEADER_SIZE or data[0] & 0xC0 != 0x80:
        return None
    first = data[0]
    start = HEADER_SIZE + ((first & 0x0F) << 2)
    if not first & 0x30:
        return RtpPacket(data, now, start, size) if start <= size else None
    return _with_options(data, now, start)


def _with_options(data: bytes, now: int, start: int) -> RtpPacket | None:
    """Extensions and padding: nearly every packet of a browser has the former, few the latter."""
    end = len(data)
    profile, extension_start = 0, start
    if data[0] & 0x10:
        extension_start = start + 4
        if extension_start > end:
            return None
        profile, words = _EXTENSION(data, start)
        start = extension_start + (words << 2)
    if data[0] & 0x20:
        padding = data[-1]
        end = end - padding if padding else -1
    if start > end:
        return None
    packet = RtpPacket(data, now, start, end)
    packet.extension_profile, packet.extension_start, packet.extension_end = profile, extension_start, start
    return packet
