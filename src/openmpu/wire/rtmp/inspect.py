"""What a tag is, told by its first bytes (FLV E.4.2, E.4.3; enhanced RTMP); for receivers and rigs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from openmpu.wire.rtmp.messages import Tag, TagKind

_CODECS = {2: "h263", 4: "vp6", 7: "h264", 12: "h265"}
_FOUR_CC = {b"hvc1": "h265", b"av01": "av1", b"vp09": "vp9", b"avc1": "h264"}


class Role(Enum):
    """What a tag does in its stream."""

    METADATA = auto()
    HEADER = auto()
    """Sequence header: codec configuration."""
    KEY_FRAME = auto()
    FRAME = auto()
    SOUND = auto()
    OTHER = auto()
    """End of sequence, or not to be understood."""


@dataclass(frozen=True, slots=True)
class About:
    """Role and, for pictures, codec."""

    role: Role
    codec: str = ""


def about(tag: Tag) -> About:
    """What the tag is; never fails, whatever its bytes."""
    match tag.kind:
        case TagKind.DATA:
            return About(Role.METADATA)
        case TagKind.AUDIO:
            return About(_sound_role(tag.payload), "aac" if tag.payload[:1] >= b"\xa0" else "")
        case _:
            return _picture(tag.payload)


def _sound_role(payload: bytes) -> Role:
    if payload[:1] and payload[0] >> 4 == 10 and payload[1:2] == b"\x00":
        return Role.HEADER
    return Role.SOUND if payload else Role.OTHER


def _picture(payload: bytes) -> About:
    if len(payload) < 5:
        return About(Role.OTHER)
    key = payload[0] >> 4 & 7 == 1
    if payload[0] & 0x80:
        return About(_role(payload[0] & 15, key), _FOUR_CC.get(payload[1:5], ""))
    codec = payload[0] & 15
    return About(_role(payload[1], key) if codec in (7, 12) else _role(1, key), _CODECS.get(codec, ""))


def _role(packet_type: int, key: bool) -> Role:
    """Packet types 0: header, 1: picture, 3: picture without composition time (enhanced), others: neither."""
    if packet_type == 0:
        return Role.HEADER
    if packet_type in (1, 3):
        return Role.KEY_FRAME if key else Role.FRAME
    return Role.OTHER
