"""H.264 over RTP (RFC 6184), packetization modes 0 and 1.

Single NAL units, STAP-A and FU-A become Annex B access units. The interleaved packets of mode 2 (STAP-B, MTAP, FU-B)
are never agreed on; one in a frame makes it no picture. SPS and PPS are remembered and put before key frames whose
sender sent them only earlier or only in the SDP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openmpu.wire.rtp.depacketise.parameter_sets import h264_pps_id, h264_size, h264_sps_id
from openmpu.wire.rtp.depacketise.picture import Opening, Picture
from openmpu.wire.rtp.packet import RtpPacket

START = b"\x00\x00\x00\x01"
_IDR, _SPS, _PPS, _DELIMITER = 5, 7, 8, 9
_STAP_A, _FU_A = 24, 28
_HEADERS = tuple(START + bytes((header,)) for header in range(256))
_MAX_SETS = 16
_MAX_UNITS = 32
"""In one packet: real senders put a handful together (security.md S14)."""
_MAX_SET_SIZE = 2048
_SETS = 1 << _SPS | 1 << _PPS
_SLICES = 0b111110
"""NAL unit types 1 to 5."""
_FIRST_BLOCK = 0x80
"""first_mb_in_slice is 0: the first bit of ue(v) is set (H.264 7.3.3)."""


class H264:
    """Depacketiser for H.264."""

    __slots__ = ("_last_sps", "_pps", "_sps")

    def __init__(self, parameter_sets: Iterable[bytes] = ()) -> None:
        self._last_sps = b""
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, bytes] = {}
        for nal in parameter_sets:
            if nal:
                self._learn(nal)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last key frame, zeros while unknown; read when asked for."""
        return h264_size(self._last_sps) if self._last_sps else (0, 0)

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """The access unit in Annex B; a key frame is an IDR picture whose parameter sets are known."""
        parts: list[bytes] = []
        seen = 0  # a bit per NAL unit type
        fragment = False  # whether a fragmented unit is open
        for packet in packets:
            data, at, end = packet.data, packet.start, packet.end
            if data[at] & 31 == _FU_A and end - at > 2:
                flags = data[at + 1]
                if bool(flags & 0x80) == fragment:
                    return None
                if not fragment:
                    parts.append(_HEADERS[data[at] & 0xE0 | flags & 31])
                    seen |= 1 << (flags & 31)
                parts.append(data[at + 2 : end])
                fragment = not flags & 0x40
                continue
            kinds = 0 if fragment else self._add_whole(packet, parts)
            if not kinds:
                return None
            seen |= kinds
        return None if fragment else self._picture(parts, seen)

    def _add_whole(self, packet: RtpPacket, parts: list[bytes]) -> int:
        """Adds the units of a packet that holds whole ones; the types seen as bits, 0 if it is none of those."""
        kind = packet.data[packet.start] & 31
        if kind == _STAP_A:
            nals = _unpack(packet)
        elif 0 < kind < _STAP_A:
            nals = [packet.payload]
        else:
            return 0
        seen = 0
        for nal in nals:
            kind = nal[0] & 31
            seen |= 1 << kind
            if 1 << kind & _SETS:
                self._learn(nal)
            parts += (START, nal)
        return seen

    def _picture(self, parts: list[bytes], seen: int) -> Picture | None:
        if not seen & _SLICES:
            return Picture(b"", False)
        if not seen & 1 << _IDR:
            return Picture(b"".join(parts), False)
        if not self._sps or not self._pps:
            return None
        if seen & _SETS != _SETS:
            delimited = parts[0] is START and parts[1][0] & 31 == _DELIMITER
            parts.insert(2 if delimited else 0, self._parameter_sets())
        return Picture(b"".join(parts), True)

    def _parameter_sets(self) -> bytes:
        return b"".join(START + nal for sets in (self._sps, self._pps) for nal in sets.values())

    def _learn(self, nal: bytes) -> None:
        if len(nal) > _MAX_SET_SIZE:
            return
        if nal[0] & 31 == _SPS:
            self._last_sps = nal
            _remember(self._sps, h264_sps_id(nal), nal)
        elif nal[0] & 31 == _PPS:
            _remember(self._pps, h264_pps_id(nal), nal)

    def opening(self, packet: RtpPacket) -> Opening:
        """Surely with an SPS; perhaps with the first slice of an IDR picture."""
        data, at, end = packet.data, packet.start, packet.end
        kind = data[at] & 31
        if kind == _FU_A:
            first = end - at > 2 and data[at + 1] & 0x9F == 0x80 | _IDR and data[at + 2] & _FIRST_BLOCK
            return Opening.PERHAPS if first and self._sps else Opening.NO
        nals = _unpack(packet) if kind == _STAP_A else [data[at:end]]
        found = Opening.NO
        for nal in nals:
            found = max(found, self._opening_of(nal))
        return found

    def _opening_of(self, nal: bytes) -> Opening:
        kind = nal[0] & 31
        if kind in {_SPS, _PPS}:
            self._learn(nal)
            return Opening.SURELY if kind == _SPS else Opening.NO
        first = kind == _IDR and len(nal) > 1 and nal[1] & _FIRST_BLOCK
        return Opening.PERHAPS if first and self._sps else Opening.NO


def _unpack(packet: RtpPacket) -> list[bytes]:
    """The units of a STAP-A, none if it is malformed: a 16 bit size before each (RFC 6184 5.7.1)."""
    data, at, end = packet.data, packet.start + 1, packet.end
    nals: list[bytes] = []
    while at + 2 < end:
        size = data[at] << 8 | data[at + 1]
        at += 2
        if not size or at + size > end or len(nals) >= _MAX_UNITS:
            return []
        nals.append(data[at : at + size])
        at += size
    return nals


def _remember(sets: dict[int, bytes], ident: int, nal: bytes) -> None:
    """Bounded: a sender may not make us keep hundreds (security.md S14)."""
    if ident not in sets and len(sets) >= _MAX_SETS:
        del sets[next(iter(sets))]
    sets[ident] = nal
