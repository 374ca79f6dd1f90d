"""What every depacketiser answers. Knows no codec."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from openmpu.wire.rtp.packet import RtpPacket


class Picture(NamedTuple):
    """A whole encoded picture. Empty `data`: the packets held nothing to show (parameter sets only)."""

    data: bytes
    key: bool


class Opening(IntEnum):
    """Whether a packet, seen alone, opens a key frame."""

    NO = 0
    PERHAPS = 1
    """Yes, unless something before it in the same frame is missing."""
    SURELY = 2


class Depacketiser(Protocol):
    """One codec's rules; remembers parameter sets of the stream."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last key frame, zeros while unknown."""

    def assemble(self, packets: Sequence[RtpPacket]) -> Picture | None:
        """The picture in all packets of one frame, in order; None if they do not make one."""

    def opening(self, packet: RtpPacket) -> Opening:
        """Whether `packet` opens a key frame. Also learns parameter sets and sizes from it."""
