"""H.265 in enhanced FLV: parameter sets and the record that tells them (ISO/IEC 14496-15 8.3.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openmpu.media.outputs.bits import MAX_SET, BitReader, CutShort, unescape

VPS, SPS, PPS, DELIMITER = 32, 33, 34, 35


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the record repeats from the SPS: profile, tier and level as they stand there, and the picture format."""

    profile: bytes
    sub_layers: int
    nested: int
    chroma: int
    luma_depth: int
    chroma_depth: int


def unit_type(nal: bytes) -> int:
    """nal_unit_type (H.265 7.3.1.2)."""
    return nal[0] >> 1 & 0x3F


def configuration(nals: Sequence[bytes]) -> bytes | None:
    """HEVCDecoderConfigurationRecord of a key frame's units; None if a VPS, SPS or PPS is missing or cut."""
    groups = {kind: [nal for nal in nals if unit_type(nal) == kind and len(nal) <= MAX_SET] for kind in (VPS, SPS, PPS)}
    if not all(groups.values()):
        return None
    try:
        facts = _facts(unescape(groups[SPS][0]))
    except CutShort:
        return None
    return _start(facts) + b"".join(_array(kind, sets) for kind, sets in groups.items())


def _start(facts: _Facts) -> bytes:
    formats = bytes([0xFC | facts.chroma & 3, 0xF8 | facts.luma_depth & 7, 0xF8 | facts.chroma_depth & 7])
    # version; profile; no segmentation and parallelism told; formats; no frame rate told; lengths of 4 bytes; 3 arrays
    layers = facts.sub_layers << 3 | facts.nested << 2 | 3
    return b"\x01" + facts.profile + b"\xf0\x00\xfc" + formats + b"\x00\x00" + bytes([layers, 3])


def _array(kind: int, sets: Sequence[bytes]) -> bytes:
    return bytes([0x80 | kind]) + len(sets).to_bytes(2) + b"".join(len(nal).to_bytes(2) + nal for nal in sets)


def _facts(sps: bytes) -> _Facts:
    """The start of seq_parameter_set_rbsp (H.265 7.3.2.2.1), behind the unit's two bytes of header."""
    bits = BitReader(sps[2:])
    bits.take(4)  # sps_video_parameter_set_id
    sub_layers, nested = bits.take(3), bits.take(1)
    profile = bits.take(96).to_bytes(12)  # general part of profile_tier_level with general_level_idc
    _skip_sub_layers(bits, sub_layers)
    bits.golomb()  # sps_seq_parameter_set_id
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)  # separate_colour_plane_flag
    _skip_size(bits)
    return _Facts(profile, sub_layers + 1, nested, chroma, bits.golomb(), bits.golomb())


def _skip_sub_layers(bits: BitReader, count: int) -> None:
    """The rest of profile_tier_level (H.265 7.3.3)."""
    present = [(bits.take(1), bits.take(1)) for _ in range(count)]
    if count:
        bits.take(2 * (8 - count))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _skip_size(bits: BitReader) -> None:
    """Width and height, and the four edges of the conformance window if there is one."""
    for _ in range(2):
        bits.golomb()
    for _ in range(4 * bits.take(1)):
        bits.golomb()
