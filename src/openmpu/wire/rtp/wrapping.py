"""Numbers that wrap: RTP sequence numbers (16 bit) and time stamps (32 bit) put on an endless line.

Extended numbers start one cycle up, so that a step back from the very first one stays positive.
"""

from __future__ import annotations

SEQUENCE_CYCLE = 1 << 16
TIME_CYCLE = 1 << 32


def sequence_step(newer: int, older: int) -> int:
    """How far `newer` lies after `older`, -32768 to 32767; either may be extended."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000


def time_step(newer: int, older: int) -> int:
    """How far one RTP time stamp lies after another, -2**31 to 2**31 - 1; either may be extended."""
    return ((newer - older + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Unwrapper:
    """Extends numbers of `cycle` values; a step of less than half a cycle in either direction is understood."""

    __slots__ = ("_half", "_mask", "last")

    def __init__(self, cycle: int) -> None:
        self._mask = cycle - 1
        self._half = cycle >> 1
        self.last: int | None = None
        """The newest extended number, None before the first."""

    def extend(self, number: int) -> int:
        """`number` on the endless line; `last` follows the newest only."""
        if self.last is None:
            self.last = number + self._mask + 1
            return self.last
        extended = self.last + ((number - self.last + self._half) & self._mask) - self._half
        self.last = max(self.last, extended)
        return extended
