"""Encoded media on its way from a gateway to a worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToldColour:
    """Of a picture: matrix coefficients by their number in ITU-T H.273 (1 BT.709, 5 and 6 BT.601), and the range."""

    matrix: int
    full_range: bool = False


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One whole encoded picture (Annex B for H.264 and H.265, temporal unit for AV1) or one Opus packet.

    Attributes:
        rtp_time: The sender's RTP time stamp, 32 bit, wrapping.
        arrival: Nanoseconds of the gateway's wall clock when its last packet came.
        ntp: Nanoseconds of Unix time on the sender's clock for this frame, from its RTCP sender reports or its absolute
            capture time; None as long as none came.
        key: A picture that can be decoded without any before it. Always true for sound.
        level: RFC 6464 audio level, 0 (loudest) to 127 (silence) in -dBov; None where not told.
        lost: How many packets (sound) or pictures were given up for lost right before this one.
        colour: What the sender says of the picture's colours; None where it says nothing (VP8 cannot).
        rotation: Degrees clockwise by which the picture must be turned to stand upright (0, 90, 180, 270).
    """

    rtp_time: int
    arrival: int
    data: bytes
    key: bool = True
    ntp: int | None = None
    level: int | None = None
    lost: int = 0
    rotation: int = 0
    colour: ToldColour | None = None
