"""A picture's size said in bits: what REMB asks of a publisher whose picture is shown smaller than it sends it.

RTCP has no message for "send me 640x360". REMB is understood by every sender, arrives in a packet's time and needs
neither a data channel nor a server that is asked again and again. So a size is worth bits at a fixed rate per pixel,
whatever frame rate it is shown at: a sender that knows the rule reads the size back, any other still sends no more
than is of use.
"""

from __future__ import annotations

from typing import Final

BITS_PER_PIXEL: Final = 4.5
"""A second: good at any size with browsers' encoders; 4.1 Mbit/s at 720p, 260 kbit/s at 180p."""
LEAST_BITRATE: Final = 150_000
AUDIO_ALLOWANCE: Final = 100_000
"""Bits per second on top of what video wants: REMB counts the whole peer."""


def bitrate_of(pixels: int) -> int:
    """Bits per second that a picture of so many pixels is worth."""
    return max(LEAST_BITRATE, int(pixels * BITS_PER_PIXEL))


def pixels_of(limit: int) -> int:
    """How many pixels are of use to whoever told this limit for one picture and its sound."""
    return int(max(LEAST_BITRATE, limit - AUDIO_ALLOWANCE) / BITS_PER_PIXEL)
