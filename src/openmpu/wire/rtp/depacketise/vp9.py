"""VP9 over RTP (RFC 9628): the payload descriptor, the layer frames of one picture, the key frame's size.

A picture of several spatial layers becomes a superframe (VP9 bitstream specification, Annex B).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from openmpu.wire.rtp.depacketise.bits import BitReader
from openmpu.wire.rtp.depacketise.picture import Opening, Picture
from openmpu.wire.rtp.packet import RtpPacket

_PICTURE_ID, _INTER, _LAYERS, _FLEXIBLE, _BEGINS, _ENDS, _STRUCTURE = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
_SYNC_CODE = 0x498342
_RGB = 7
_MAX_FRAMES = 8


class _Descriptor(NamedTuple):
    """What stands before the payload (RFC 9628 4.2); `start` is where that begins, past the end if it is cut short."""

    flags: int
    spatial: int
    start: int


def _descriptor(data: bytes, at: int, end: int) -> _Descriptor:
    flags, spatial = data[at], 0
    cut = _Descriptor(flags, 0, end)
    at += 1
    if flags & _PICTURE_ID:
        if at >= end:
            return cut
        at += 2 if data[at] & 0x80 else 1
    if flags & _LAYERS:
        if at >= end:
            return cut
        spatial = data[at] >> 1 & 7
        at += 1 if flags & _FLEXIBLE else 2  # TL0PICIDX without flexible mode
    if flags & _FLEXIBLE and flags & _INTER:
        at = _skip_references(data, at, end)
    if flags & _STRUCTURE:
        at = _skip_structure(data, at, end)
    return _Descriptor(flags, spatial, at)


def _skip_references(data: bytes, at: int, end: int) -> int:
    """Up to three P_DIFF, each telling whether another follows."""
    for _ in range(3):
        if at >= end:
            return end
        at += 1
        if not data[at - 1] & 1:
            break
    return at


def _skip_structure(data: bytes, at: int, end: int) -> int:
    """Scalability structure (RFC 9628 4.2.1)."""
    if at >= end:
        return end
    head = data[at]
    at += 1
    if head & 0x10:
        at += 4 * ((head >> 5) + 1)
    if not head & 0x08:
        return at
    if at >= end:
        return end
    pictures = data[at]
    at += 1
    for _ in range(pictures):
        if at >= end:
            return end
        at += 1 + (data[at] >> 2 & 3)
    return at


def _key_size(data: bytes) -> tuple[int, int] | None:
    """The size in the header of a key frame (VP9 bitstream specification 6.2), None if it is none."""
    reader = BitReader(data[:16])
    if reader.bits(2) != 2:
        return None
    profile = reader.bits(1) | reader.bits(1) << 1
    if profile == 3:
        reader.bits(1)
    existing, inter = reader.flag(), reader.flag()
    reader.bits(2)  # show_frame, error_resilient_mode
    if existing or inter or reader.bits(24) != _SYNC_CODE:
        return None
    _skip_colours(reader, profile)
    width, height = reader.bits(16) + 1, reader.bits(16) + 1
    return None if reader.overrun else (width, height)


def _skip_colours(reader: BitReader, profile: int) -> None:
    if profile >= 2:
        reader.bits(1)
    rgb = reader.bits(3) == _RGB
    if not rgb:
        reader.bits(1)
    if profile & 1:
        reader.bits(1 if rgb else 3)


class Vp9:
    """Depacketiser for VP9."""

    __slots__ = ("_size",)

    def __init__(self) -> None:
        self._size = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last key frame, zeros while unknown."""
        return self._size

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """The picture: every layer frame in it must have its beginning and its end."""
        frames: list[bytes] = []
        parts: list[bytes] = []
        for packet in packets:
            flags, _, start = _descriptor(packet.data, packet.start, packet.end)
            if start >= packet.end or bool(flags & _BEGINS) == bool(parts):
                return None
            parts.append(packet.data[start : packet.end])
            if flags & _ENDS:
                frames.append(b"".join(parts))
                parts = []
        if parts or not 0 < len(frames) <= _MAX_FRAMES:
            return None
        return self._picture(frames)

    def _picture(self, frames: list[bytes]) -> Picture:
        size = _key_size(frames[0])
        if size is not None:
            self._size = size
        data = frames[0] if len(frames) == 1 else _superframe(frames)
        return Picture(data, size is not None)

    def opening(self, packet: RtpPacket) -> Opening:
        """The beginning of the lowest layer's frame, and its header says key."""
        flags, spatial, start = _descriptor(packet.data, packet.start, packet.end)
        if start >= packet.end or spatial or flags & (_BEGINS | _INTER) != _BEGINS:
            return Opening.NO
        size = _key_size(packet.data[start : min(packet.end, start + 16)])
        if size is None:
            return Opening.NO
        self._size = size
        return Opening.SURELY


def _superframe(frames: list[bytes]) -> bytes:
    """Frames and the index behind them: marker, sizes in little endian, marker."""
    octets = max(len(frame).bit_length() + 7 >> 3 for frame in frames)
    marker = bytes((0xC0 | octets - 1 << 3 | len(frames) - 1,))
    sizes = b"".join(len(frame).to_bytes(octets, "little") for frame in frames)
    return b"".join(frames) + marker + sizes + marker
