"""AV1 over RTP (AOMedia "RTP Payload Format For AV1" 4.4): OBUs become a temporal unit in low-overhead format.

Each OBU gets a size field, and a temporal delimiter goes before them (AV1 specification 5.2, 7.5): neither travels in
RTP.
"""

from __future__ import annotations

from collections.abc import Sequence

from openmpu.wire.rtp.depacketise.bits import BitReader
from openmpu.wire.rtp.depacketise.picture import Opening, Picture
from openmpu.wire.rtp.packet import RtpPacket

_CONTINUES, _CONTINUED, _NEW_SEQUENCE = 0x80, 0x40, 0x08  # Z, Y, N of the aggregation header
_SEQUENCE, _DELIMITER, _FRAME_HEADER, _FRAME, _TILE_LIST, _PADDING = 1, 2, 3, 6, 8, 15
_NOT_SENT = frozenset({_DELIMITER, _TILE_LIST, _PADDING})
_TEMPORAL_DELIMITER = b"\x12\x00"
_MAX_LENGTH_BYTES = 4
_MAX_ELEMENTS = 64
"""In one packet: real senders put a handful together (security.md S14)."""


def _leb128(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number (AV1 specification 4.10.5) and where it ends; past `end` if it is cut short."""
    value = 0
    for place in range(_MAX_LENGTH_BYTES):
        if at >= end:
            break
        value |= (data[at] & 0x7F) << 7 * place
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
    return 0, end + 1


def _to_leb128(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _elements(packet: RtpPacket) -> list[bytes] | None:
    """The OBU elements of a packet: whole OBUs, and fragments at both ends; None if it is malformed."""
    data, at, end = packet.data, packet.start + 1, packet.end
    count = data[packet.start] >> 4 & 3  # W: so many, the last without length; 0: all with length
    found: list[bytes] = []
    while at < end:
        size = end - at
        if len(found) + 1 != count:
            size, at = _leb128(data, at, end)
        if at + size > end or len(found) >= _MAX_ELEMENTS:
            return None
        found.append(data[at : at + size])
        at += size
    return found if found and (not count or len(found) == count) else None


def _sequence_size(obu: bytes) -> tuple[int, int]:
    """Width and height of a sequence header's payload (AV1 specification 5.5.1), zeros if it cannot be read."""
    reader = BitReader(obu[:64])
    reader.bits(4)  # seq_profile, still_picture
    if reader.flag():
        reader.bits(5)
    else:
        _skip_operating_points(reader)
    width_bits, height_bits = reader.bits(4) + 1, reader.bits(4) + 1
    size = reader.bits(width_bits) + 1, reader.bits(height_bits) + 1
    return (0, 0) if reader.overrun else size


def _skip_operating_points(reader: BitReader) -> None:
    decoder_model, delay_bits = False, 0
    if reader.flag():  # timing_info
        reader.bits(64)
        if reader.flag():
            reader.unsigned()
        decoder_model = reader.flag()
        if decoder_model:
            delay_bits = reader.bits(5) + 1
            reader.bits(42)
    display_delay = reader.flag()
    for _ in range(reader.bits(5) + 1):
        reader.bits(12)
        if reader.bits(5) > 7:
            reader.bits(1)
        if decoder_model and reader.flag():
            reader.bits(2 * delay_bits + 1)
        if display_delay and reader.flag():
            reader.bits(4)


class Av1:
    """Depacketiser for AV1."""

    __slots__ = ("_sequence",)

    def __init__(self) -> None:
        self._sequence = b""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last sequence header, zeros while unknown; read when asked for."""
        return _sequence_size(self._sequence) if self._sequence else (0, 0)

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """The temporal unit; a key frame brings its sequence header."""
        obus = _obus(packets)
        if obus is None:
            return None
        parts = [_TEMPORAL_DELIMITER]
        seen = 0
        intra = False
        for obu in obus:
            kind, header, payload = _split(obu)
            if payload is None:
                return None
            if kind in _NOT_SENT:
                continue
            if kind == _SEQUENCE:
                self._sequence = payload
            elif kind in {_FRAME, _FRAME_HEADER} and not seen & (1 << _FRAME | 1 << _FRAME_HEADER):
                intra = bool(payload) and payload[0] & 0xE0 == 0  # not show_existing_frame, frame_type KEY_FRAME
            seen |= 1 << kind
            parts += (header, _to_leb128(len(payload)), payload)
        if not seen & (1 << _FRAME | 1 << _FRAME_HEADER):
            return Picture(b"", False)
        return Picture(b"".join(parts), intra and bool(seen & 1 << _SEQUENCE))

    def opening(self, packet: RtpPacket) -> Opening:
        """The first packet of a new coded video sequence is marked; it begins with the sequence header."""
        if packet.data[packet.start] & (_NEW_SEQUENCE | _CONTINUES) != _NEW_SEQUENCE:
            return Opening.NO
        for obu in _elements(packet) or ():
            kind, _, payload = _split(obu) if obu else (0, b"", None)
            if kind == _SEQUENCE and payload is not None:
                self._sequence = payload
        return Opening.SURELY


def _obus(packets: Sequence[RtpPacket]) -> list[bytes] | None:
    """The OBUs of one temporal unit, fragments put together; None if one is cut short."""
    obus: list[list[bytes]] = []
    continued = False
    for packet in packets:
        elements = _elements(packet)
        head = packet.data[packet.start]
        if elements is None or bool(head & _CONTINUES) != continued:
            return None
        if continued:
            obus[-1].append(elements.pop(0))
        obus += [[element] for element in elements]
        continued = bool(head & _CONTINUED)
    whole = [b"".join(fragments) for fragments in obus]
    return None if continued or not all(whole) else whole


def _split(obu: bytes) -> tuple[int, bytes, bytes | None]:
    """Type, header with the size flag set, payload (None if malformed) of an OBU (AV1 specification 5.3.2)."""
    first = obu[0]
    kind = first >> 3 & 15
    at = 2 if first & 4 else 1
    header = bytes((first | 2,)) + obu[1:at]
    if not first & 2:
        return kind, header, obu[at:] if at <= len(obu) else None
    size, at = _leb128(obu, at, len(obu))
    return kind, header, obu[at : at + size] if at + size <= len(obu) else None
