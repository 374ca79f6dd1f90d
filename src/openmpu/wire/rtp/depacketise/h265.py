"""H.265 over RTP (RFC 7798): single NAL units, aggregation packets and fragmentation units become Annex B access units.

Without decoding order numbers (`sprop-max-don-diff` is never agreed on) and without PACI. Parameter sets are
remembered as for H.264.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openmpu.wire.rtp.depacketise.parameter_sets import h265_set_id, h265_size
from openmpu.wire.rtp.depacketise.picture import Opening, Picture
from openmpu.wire.rtp.packet import RtpPacket

START = b"\x00\x00\x00\x01"
_VPS, _SPS, _PPS, _DELIMITER = 32, 33, 34, 35
_AGGREGATION, _FRAGMENT = 48, 49
_SETS = 1 << _VPS | 1 << _SPS | 1 << _PPS
_SLICES = (1 << 32) - 1
_KEYS = sum(1 << kind for kind in range(16, 22))
"""BLA, IDR and CRA pictures: what follows in output order needs nothing before them (H.265 7.4.2.2)."""
_FIRST_SLICE = 0x80
_MAX_SETS = 16
_MAX_UNITS = 32
"""In one packet: real senders put a handful together (security.md S14)."""
_MAX_SET_SIZE = 2048


def _kind(first: int) -> int:
    return first >> 1 & 63


class H265:
    """Depacketiser for H.265."""

    __slots__ = ("_last_sps", "_sets")

    def __init__(self, parameter_sets: Iterable[bytes] = ()) -> None:
        self._last_sps = b""
        self._sets: dict[int, dict[int, bytes]] = {_VPS: {}, _SPS: {}, _PPS: {}}
        for nal in parameter_sets:
            if len(nal) > 2:
                self._learn(nal)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last key frame, zeros while unknown; read when asked for."""
        return h265_size(self._last_sps) if self._last_sps else (0, 0)

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """The access unit in Annex B; a key frame is an IRAP picture whose parameter sets are known."""
        parts: list[bytes] = []
        seen = 0  # a bit per NAL unit type
        fragment = False  # whether a fragmented unit is open
        for packet in packets:
            data, at, end = packet.data, packet.start, packet.end
            if _kind(data[at]) == _FRAGMENT and end - at > 3:
                flags = data[at + 2]
                if bool(flags & 0x80) == fragment:
                    return None
                if not fragment:
                    parts.append(START + bytes((data[at] & 0x81 | (flags & 63) << 1, data[at + 1])))
                    seen |= 1 << (flags & 63)
                parts.append(data[at + 3 : end])
                fragment = not flags & 0x40
                continue
            kinds = 0 if fragment else self._add_whole(packet, parts)
            if not kinds:
                return None
            seen |= kinds
        return None if fragment else self._picture(parts, seen)

    def _add_whole(self, packet: RtpPacket, parts: list[bytes]) -> int:
        """Adds the units of a packet that holds whole ones; the types seen as bits, 0 if it is none of those."""
        seen = 0
        for nal in _units(packet):
            kind = _kind(nal[0])
            seen |= 1 << kind
            if kind in self._sets:
                self._learn(nal)
            parts += (START, nal)
        return seen

    def _picture(self, parts: list[bytes], seen: int) -> Picture | None:
        if not seen & _SLICES:
            return Picture(b"", False)
        if not seen & _KEYS:
            return Picture(b"".join(parts), False)
        if not self._knows_sets:
            return None
        if seen & _SETS != _SETS:
            delimited = parts[0] is START and _kind(parts[1][0]) == _DELIMITER
            parts.insert(2 if delimited else 0, self._parameter_sets())
        return Picture(b"".join(parts), True)

    @property
    def _knows_sets(self) -> bool:
        return all(self._sets.values())

    def _parameter_sets(self) -> bytes:
        return b"".join(START + nal for sets in self._sets.values() for nal in sets.values())

    def _learn(self, nal: bytes) -> None:
        kind = _kind(nal[0])
        if kind not in self._sets or len(nal) > _MAX_SET_SIZE:
            return
        if kind == _SPS:
            self._last_sps = nal
        sets, ident = self._sets[kind], h265_set_id(nal)
        if ident not in sets and len(sets) >= _MAX_SETS:  # bounded: security.md S14
            del sets[next(iter(sets))]
        sets[ident] = nal

    def opening(self, packet: RtpPacket) -> Opening:
        """Surely with an SPS or VPS; perhaps with the first slice of an IRAP picture."""
        data, at, end = packet.data, packet.start, packet.end
        if _kind(data[at]) == _FRAGMENT:
            flags = data[at + 2] if end - at > 3 else 0
            first = flags & 0x80 and 1 << (flags & 63) & _KEYS and data[at + 3] & _FIRST_SLICE
            return Opening.PERHAPS if first and self._knows_sets else Opening.NO
        return max((self._opening_of(nal) for nal in _units(packet)), default=Opening.NO)

    def _opening_of(self, nal: bytes) -> Opening:
        kind = _kind(nal[0])
        if kind in self._sets:
            self._learn(nal)
            return Opening.NO if kind == _PPS else Opening.SURELY
        first = 1 << kind & _KEYS and nal[2] & _FIRST_SLICE
        return Opening.PERHAPS if first and self._knows_sets else Opening.NO


def _units(packet: RtpPacket) -> list[bytes]:
    """The NAL units of a packet that holds whole ones, none if it is malformed or of another kind (RFC 7798 4.4)."""
    data, at, end = packet.data, packet.start, packet.end
    kind = _kind(data[at])
    if end - at <= 2 or kind > _AGGREGATION:
        return []
    if kind < _AGGREGATION:
        return [data[at:end]]
    at += 2
    nals: list[bytes] = []
    while at + 2 < end:
        size = data[at] << 8 | data[at + 1]
        at += 2
        if size <= 2 or at + size > end or len(nals) >= _MAX_UNITS:
            return []
        nals.append(data[at : at + size])
        at += size
    return nals
