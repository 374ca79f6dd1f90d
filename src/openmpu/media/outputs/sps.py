"""How large H.264 pictures are, read from their sequence parameter set (ITU-T H.264 7.3.2.1.1, 7.4.2.1.1).

A relay must know it without decoding anything, and a stranger wrote the bytes: what cannot be read has no size.
"""

from __future__ import annotations

from typing import Final

from openmpu.media.outputs.bits import BitReader, CutShort, unescape

_WITH_FORMAT: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose set tells chroma format, depths and scaling lists."""
_PLAIN_LISTS: Final = 6
_BLOCK_8: Final = 64
_MOST: Final = 16_384
"""Pixels a side: more than any level allows."""


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height of what is shown (cropped); None where the set cannot be read or makes no sense."""
    if len(sps) < 4:
        return None
    try:
        width, height = _size(sps[1], BitReader(unescape(sps[4:])))
    except CutShort:
        return None
    return (width, height) if 0 < width <= _MOST and 0 < height <= _MOST else None


def _size(profile: int, bits: BitReader) -> tuple[int, int]:
    bits.golomb()  # seq_parameter_set_id
    chroma = _format(bits) if profile in _WITH_FORMAT else 1
    bits.golomb()  # log2_max_frame_num_minus4
    _skip_order(bits)
    bits.golomb()  # max_num_ref_frames
    bits.take(1)  # gaps_in_frame_num_value_allowed_flag
    wide, high = bits.golomb() + 1, bits.golomb() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)  # mb_adaptive_frame_field_flag
    bits.take(1)  # direct_8x8_inference_flag
    left, right, top, bottom = (bits.golomb() for _ in range(4)) if bits.take(1) else (0, 0, 0, 0)
    unit_x, unit_y = 2 if chroma in (1, 2) else 1, (2 if chroma == 1 else 1) * (2 - frames_only)
    return 16 * wide - unit_x * (left + right), 16 * high * (2 - frames_only) - unit_y * (top + bottom)


def _format(bits: BitReader) -> int:
    """Past depths and scaling lists; ChromaArrayType."""
    chroma = bits.golomb()
    apart = bits.take(1) if chroma == 3 else 0
    bits.golomb()  # bit_depth_luma_minus8
    bits.golomb()  # bit_depth_chroma_minus8
    bits.take(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.take(1):
        for place in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_list(bits, 16 if place < _PLAIN_LISTS else _BLOCK_8)
    return 0 if apart else chroma


def _skip_list(bits: BitReader, size: int) -> None:
    """scaling_list() (7.3.2.1.1.1): it ends early where the next scale is 0."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + _signed(bits)) % 256
        last = following or last


def _skip_order(bits: BitReader) -> None:
    """What pic_order_cnt_type brings with it."""
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.take(1)  # delta_pic_order_always_zero_flag
        for _ in range(2):
            bits.golomb()  # offset_for_non_ref_pic, offset_for_top_to_bottom_field
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()  # offset_for_ref_frame


def _signed(bits: BitReader) -> int:
    """The next se(v)."""
    code = bits.golomb()
    return (code + 1) // 2 if code % 2 else -(code // 2)
