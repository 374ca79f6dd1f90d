"""H.264 in FLV: which units are parameter sets, and the record that tells them (ISO/IEC 14496-15 5.2.4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from openmpu.media.outputs.bits import MAX_SET, BitReader, CutShort, unescape

SPS, PPS, DELIMITER = 7, 8, 9
_PLAIN_PROFILES = frozenset({66, 77, 88})
"""Baseline, Main, Extended: 4:2:0 at 8 bits; the record of every other profile tells its format."""


def unit_type(nal: bytes) -> int:
    """nal_unit_type (H.264 7.3.1)."""
    return nal[0] & 0x1F


def configuration(nals: Sequence[bytes]) -> bytes | None:
    """AVCDecoderConfigurationRecord of a key frame's units; None if they lack a whole SPS or a PPS."""
    sps = [nal for nal in nals if unit_type(nal) == SPS and 3 < len(nal) <= MAX_SET]
    pps = [nal for nal in nals if unit_type(nal) == PPS and len(nal) <= MAX_SET]
    if not sps or not pps:
        return None
    start = b"\x01" + sps[0][1:4] + b"\xff"  # version, profile, compatibility, level, lengths of 4 bytes
    return b"".join((start, _sets(0xE0, sps), _sets(0, pps), _format(sps[0])))


def _sets(marks: int, nals: Sequence[bytes]) -> bytes:
    counted = nals[:31]
    return bytes([marks | len(counted)]) + b"".join(len(nal).to_bytes(2) + nal for nal in counted)


def _format(sps: bytes) -> bytes:
    """Chroma format and bit depths, for profiles that can vary them (14496-15 5.2.4.1.1)."""
    if sps[1] in _PLAIN_PROFILES:
        return b""
    try:
        chroma, luma_depth, chroma_depth = _chroma_and_depths(unescape(sps[4:]))
    except CutShort:
        return b""
    return bytes([0xFC | chroma & 3, 0xF8 | luma_depth & 7, 0xF8 | chroma_depth & 7, 0])


def _chroma_and_depths(data: bytes) -> tuple[int, int, int]:
    """chroma_format_idc, bit_depth_luma_minus8, bit_depth_chroma_minus8 (H.264 7.3.2.1.1), behind level_idc."""
    bits = BitReader(data)
    bits.golomb()  # seq_parameter_set_id
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)  # separate_colour_plane_flag
    return chroma, bits.golomb(), bits.golomb()
