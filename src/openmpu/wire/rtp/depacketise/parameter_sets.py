"""Picture sizes and ids out of H.264 and H.265 parameter sets (ITU-T H.264 7.3.2.1, H.265 7.3.2.2)."""

from __future__ import annotations

from functools import lru_cache

from openmpu.wire.rtp.depacketise.bits import BitReader

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MAX_SIDE = 16384
_UNKNOWN = (0, 0)


def unescape(nal: bytes) -> bytes:
    """Without emulation prevention bytes (H.264 7.3.1)."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


@lru_cache(maxsize=64)
def h264_size(sps: bytes) -> tuple[int, int]:
    """Width and height of the cropped picture, zeros if the SPS cannot be read."""
    reader = BitReader(unescape(sps[1:256]))
    profile = reader.bits(8)
    reader.bits(16)  # constraint flags, level
    reader.unsigned()  # id
    chroma, planes = 1, False
    if profile in _HIGH_PROFILES:
        chroma, planes = _h264_chroma(reader)
    _skip_h264_order(reader)
    size = _h264_frame(reader, chroma if not planes else 0)
    return size if _sane(reader, size) else _UNKNOWN


def _h264_chroma(reader: BitReader) -> tuple[int, bool]:
    chroma = reader.unsigned()
    planes = chroma == 3 and reader.flag()
    reader.unsigned()  # bit depths
    reader.unsigned()
    reader.flag()
    if reader.flag():
        for index in range(12 if chroma == 3 else 8):
            if reader.flag():
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma, planes


def _skip_scaling_list(reader: BitReader, length: int) -> None:
    last = following = 8
    for _ in range(length):
        if following:
            following = (last + reader.signed()) & 0xFF
        last = following or last


def _skip_h264_order(reader: BitReader) -> None:
    """frame_num, picture order count, reference frames."""
    reader.unsigned()
    kind = reader.unsigned()
    if kind == 0:
        reader.unsigned()
    elif kind == 1:
        reader.flag()
        reader.signed()
        reader.signed()
        for _ in range(min(reader.unsigned(), 255)):
            reader.signed()
    reader.unsigned()
    reader.flag()


def _h264_frame(reader: BitReader, chroma: int) -> tuple[int, int]:
    width, units = 16 * (reader.unsigned() + 1), reader.unsigned() + 1
    frames_only = reader.flag()
    if not frames_only:
        reader.flag()
    reader.flag()
    height = 16 * units * (1 if frames_only else 2)
    if not reader.flag():
        return width, height
    left, right, top, bottom = (reader.unsigned() for _ in range(4))
    step_x = 2 if chroma in {1, 2} else 1
    step_y = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
    return width - step_x * (left + right), height - step_y * (top + bottom)


@lru_cache(maxsize=64)
def h265_size(sps: bytes) -> tuple[int, int]:
    """Width and height of the cropped picture, zeros if the SPS cannot be read."""
    reader = BitReader(unescape(sps[2:256]))
    reader.bits(4)
    layers = reader.bits(3)
    reader.flag()
    _skip_profile(reader, layers)
    reader.unsigned()  # id
    chroma = reader.unsigned()
    if chroma == 3:
        reader.flag()
    width, height = reader.unsigned(), reader.unsigned()
    if reader.flag():
        left, right, top, bottom = (reader.unsigned() for _ in range(4))
        width -= (2 if chroma in {1, 2} else 1) * (left + right)
        height -= (2 if chroma == 1 else 1) * (top + bottom)
    return (width, height) if _sane(reader, (width, height)) else _UNKNOWN


def _skip_profile(reader: BitReader, layers: int) -> None:
    """profile_tier_level (H.265 7.3.3)."""
    reader.bits(96)
    present = [(reader.flag(), reader.flag()) for _ in range(layers)]
    if layers:
        reader.bits(2 * (8 - layers))
    for profile, level in present:
        reader.bits((88 if profile else 0) + (8 if level else 0))


def _sane(reader: BitReader, size: tuple[int, int]) -> bool:
    return not reader.overrun and all(0 < side <= _MAX_SIDE for side in size)


@lru_cache(maxsize=64)
def h264_sps_id(sps: bytes) -> int:
    """Behind profile, constraints and level."""
    return BitReader(unescape(sps[4:16])).unsigned()


@lru_cache(maxsize=64)
def h264_pps_id(pps: bytes) -> int:
    """The first thing in it."""
    return BitReader(unescape(pps[1:16])).unsigned()


@lru_cache(maxsize=64)
def h265_set_id(nal: bytes) -> int:
    """The id of a VPS, SPS or PPS (H.265 7.3.2.1 to 7.3.2.3)."""
    reader = BitReader(unescape(nal[2:64]))
    kind = nal[0] >> 1 & 63
    if kind == 32:  # VPS
        return reader.bits(4)
    if kind == 33:  # SPS
        reader.bits(4)
        layers = reader.bits(3)
        reader.flag()
        _skip_profile(reader, layers)
    return reader.unsigned()
