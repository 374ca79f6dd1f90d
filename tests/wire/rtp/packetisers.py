"""Encoded pictures cut into RTP payloads. H.264 and VP8 also by aiortc, so that not all of it is our own reading."""

from __future__ import annotations

from struct import pack

from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from openmpu.wire.rtp.packet import RtpPacket, parse
from tests.wire.rtp.media import nal_units

MTU = 1100


def rtp(
    payload: bytes,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    marker: bool = False,
    payload_type: int = 96,
    ssrc: int = 7,
) -> bytes:
    """A packet without extensions."""
    second = payload_type | (0x80 if marker else 0)
    return pack("!BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def packets(payloads: list[bytes], *, sequence: int = 0, timestamp: int = 0) -> list[RtpPacket]:
    """The payloads of one frame as parsed packets, the last one marked."""
    found = []
    for index, payload in enumerate(payloads):
        data = rtp(payload, sequence=sequence + index, timestamp=timestamp, marker=index == len(payloads) - 1)
        packet = parse(data, 0)
        assert packet is not None
        found.append(packet)
    return found


def packetise(codec: str, picture: bytes, number: int = 0) -> list[bytes]:
    """The payloads of one picture."""
    return _PACKETISERS[codec](picture, number)


def h264_by_aiortc(picture: bytes, number: int) -> list[bytes]:
    """STAP-A for the small, FU-A for the large."""
    return H264Encoder._packetize(H264Encoder._split_bitstream(picture))


def h264_single(picture: bytes, number: int) -> list[bytes]:
    """Packetization mode 0: a packet per NAL unit, however large."""
    return nal_units(picture)


def vp8_by_aiortc(picture: bytes, number: int) -> list[bytes]:
    """Descriptors with a picture id of 15 bits."""
    return Vp8Encoder._packetize(picture, number)


def vp8_minimal(picture: bytes, number: int) -> list[bytes]:
    """Descriptors of one byte."""
    return [(b"\x00" if at else b"\x10") + picture[at : at + MTU] for at in range(0, len(picture), MTU)]


def vp8_layered(picture: bytes, number: int) -> list[bytes]:
    """As browsers do with temporal layers: picture id, TL0PICIDX, TID and key index (RFC 7741 4.2)."""
    descriptor = pack("!BHBB", 0xF0, 0x8000 | number, number & 255, 0x20)
    return [(b"\x80" if at else b"\x90") + descriptor + picture[at : at + MTU] for at in range(0, len(picture), MTU)]


def vp9(picture: bytes, number: int) -> list[bytes]:
    """Non-flexible mode with one spatial layer; the structure comes with key frames (RFC 9628 4.2)."""
    key = not picture[0] & 0x04
    payloads = []
    for at in range(0, len(picture), MTU):
        first, last = at == 0, at + MTU >= len(picture)
        flags = 0xA0 | (0 if key else 0x40) | (8 if first else 0) | (4 if last else 0) | (2 if key and first else 0)
        structure = pack("!BHHBBB", 0x18, 320, 180, 1, 0x04, 1) if key and first else b""
        payloads.append(pack("!BHBB", flags, 0x8000 | number, 0, number & 255) + structure + picture[at : at + MTU])
    return payloads


def vp9_flexible(picture: bytes, number: int) -> list[bytes]:
    """Flexible mode: references by difference of picture ids."""
    key = not picture[0] & 0x04
    payloads = []
    for at in range(0, len(picture), MTU):
        first, last = at == 0, at + MTU >= len(picture)
        flags = 0x90 | (0 if key else 0x40) | (8 if first else 0) | (4 if last else 0)
        references = b"" if key else bytes((0x03, 0x04))
        payloads.append(pack("!BB", flags, number & 127) + references + picture[at : at + MTU])
    return payloads


def obus(unit: bytes) -> list[bytes]:
    """The OBUs of a low-overhead temporal unit, without size fields and without its delimiter."""
    found, at = [], 0
    while at < len(unit):
        header = unit[at]
        assert header & 2, "encoders write size fields"
        at += 2 if header & 4 else 1
        size, shift = 0, 0
        while True:
            size |= (unit[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not unit[at - 1] & 0x80:
                break
        if header >> 3 & 15 != 2:
            found.append(bytes((header & ~2,)) + unit[at : at + size])
        at += size
    return found


def leb128(value: int) -> bytes:
    """A number as AV1 writes it."""
    encoded = b""
    while value > 127:
        encoded += bytes((value & 127 | 128,))
        value >>= 7
    return encoded + bytes((value,))


def av1(picture: bytes, number: int) -> list[bytes]:
    """Every element with its length (W = 0), cut wherever the packet is full."""
    units = obus(picture)
    key = units[0][0] >> 3 & 15 == 1
    payloads: list[bytes] = []
    room, body, continues = MTU, b"", False
    for unit in units:
        rest = unit
        while rest:
            piece, rest = rest[: room - 2], rest[room - 2 :]
            body += leb128(len(piece)) + piece
            room -= len(piece) + 2
            if rest or room < 20:
                payloads.append(_av1_head(key and not payloads, continues, bool(rest), 0) + body)
                room, body, continues = MTU, b"", bool(rest)
    return [*payloads, _av1_head(key and not payloads, continues, False, 0) + body] if body else payloads


def av1_counted(picture: bytes, number: int) -> list[bytes]:
    """Up to three elements in a packet, the last without a length (W = 1 to 3), as browsers do."""
    units = obus(picture)
    key = units[0][0] >> 3 & 15 == 1
    payloads: list[bytes] = []
    for at in range(0, len(units), 3):
        group = units[at : at + 3]
        body = b"".join(leb128(len(unit)) + unit for unit in group[:-1])
        last, continues, count = group[-1], False, len(group)
        while True:
            piece, last = last[: MTU - len(body)], last[MTU - len(body) :]
            payloads.append(_av1_head(key and not payloads, continues, bool(last), count) + body + piece)
            if not last:
                break
            body, continues, count = b"", True, 1
    return payloads


def _av1_head(new: bool, continues: bool, continued: bool, count: int) -> bytes:
    return bytes((continues << 7 | continued << 6 | count << 4 | new << 3,))


def h265(picture: bytes, number: int) -> list[bytes]:
    """Aggregation packets for the small, fragmentation units for the large (RFC 7798 4.4)."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in nal_units(picture):
        if len(unit) <= MTU // 4:
            small.append(unit)
            continue
        payloads += _h265_aggregate(small)
        small = []
        payloads += [unit] if len(unit) <= MTU else _h265_fragments(unit)
    return payloads + _h265_aggregate(small)


def _h265_aggregate(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return units
    return [b"\x60\x01" + b"".join(pack("!H", len(unit)) + unit for unit in units)]


def _h265_fragments(unit: bytes) -> list[bytes]:
    kind, rest = unit[0] >> 1 & 63, unit[2:]
    head = bytes((unit[0] & 0x81 | 49 << 1, unit[1]))
    pieces = [rest[at : at + MTU] for at in range(0, len(rest), MTU)]
    return [
        head + bytes((kind | (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0),)) + piece
        for index, piece in enumerate(pieces)
    ]


_PACKETISERS = {
    "h264": h264_by_aiortc,
    "h264 single": h264_single,
    "vp8": vp8_by_aiortc,
    "vp8 minimal": vp8_minimal,
    "vp8 layered": vp8_layered,
    "vp9": vp9,
    "vp9 flexible": vp9_flexible,
    "av1": av1,
    "av1 counted": av1_counted,
    "h265": h265,
}
FORMS = tuple(_PACKETISERS)
