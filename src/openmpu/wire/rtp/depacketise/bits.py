"""Reading single bits and Exp-Golomb numbers out of bytes (ITU-T H.264 9.1). Knows no codec.

Past the end there are zeros and `overrun` is set: callers look once at the end instead of at every step.
"""

from __future__ import annotations

_MAX_ZEROS = 32


class BitReader:
    """Most significant bit first."""

    __slots__ = ("_at", "_size", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._size = 8 * len(data)
        self._at = 0

    @property
    def overrun(self) -> bool:
        """Whether more was read than there is."""
        return self._at > self._size

    def bits(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._at += count
        shift = self._size - self._at
        value = self._value >> shift if shift >= 0 else self._value << -shift
        return value & ((1 << count) - 1)

    def flag(self) -> bool:
        """The next bit."""
        return self.bits(1) == 1

    def unsigned(self) -> int:
        """ue(v)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _MAX_ZEROS or self.overrun:
                self._at = self._size + 1
                return 0
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        """se(v): 1, -1, 2, -2 and so on."""
        value = self.unsigned()
        return (value + 1) >> 1 if value & 1 else -(value >> 1)
