"""Reading parameter sets: emulation prevention, bits, Exp-Golomb numbers (ITU-T H.264 7.3.1, 7.2, 9.1)."""

from __future__ import annotations

MAX_SET = 0xFFFF
"""Bytes that a configuration record can give to one parameter set; longer ones are no parameter sets."""
_MAX_ZEROES = 32


class CutShort(Exception):  # noqa: N818 - says what the bits are; it never leaves this folder
    """There are fewer bits than the syntax wants."""


def unescape(nal: bytes) -> bytes:
    """The unit without emulation prevention bytes: 00 00 03 becomes 00 00."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


class BitReader:
    """Reads from the left; past the end it raises CutShort."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        if count > self._left:
            raise CutShort
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """The next ue(v)."""
        zeroes = 0
        while not self.take(1):
            zeroes += 1
            if zeroes > _MAX_ZEROES:
                raise CutShort
        return (1 << zeroes) - 1 + self.take(zeroes)
