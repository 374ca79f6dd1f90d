"""The machine-readable mark of a test picture: which frame it is and whose, as three rows of black and white blocks.

Row 0 and 1 carry the 32-bit frame number, row 2 an 8-bit tag of the publisher and a CRC-8 over the other five bytes, so
that a picture that was scaled, cropped or badly encoded is found out instead of misread. Drawn by `picture.py`, read
by whoever looks at a received stream. Knows no pixels: only shares of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openmpu.model.geometry import Rect

COLUMNS, ROWS = 16, 3
STRIP = Rect(0.1, 0.72, 0.8, 0.18)
"""Where the blocks stand in the picture, in shares of it."""

NUMBER_RANGE = 1 << 32
_CRC_POLYNOMIAL = 0x07


@dataclass(frozen=True, slots=True)
class Mark:
    """What the blocks of one picture say. `number` counts frames since the Unix epoch, modulo 2**32."""

    number: int
    tag: int


def tag_of(user_id: str) -> int:
    """A user's tag, 0 to 255. Two users of one test may share one: choose ids that do not, or compare colours too."""
    return _crc8(user_id.encode())


def to_bits(mark: Mark) -> tuple[bool, ...]:
    """The 48 blocks, row by row from left to right; True is white."""
    payload = mark.number.to_bytes(4, "big") + bytes([mark.tag])
    word = int.from_bytes(payload + bytes([_crc8(payload)]), "big")
    return tuple(bool(word >> place & 1) for place in reversed(range(COLUMNS * ROWS)))


def from_bits(bits: Sequence[bool]) -> Mark | None:
    """What `to_bits` was given; None if the check fails."""
    word = sum(1 << place for place, bit in zip(reversed(range(COLUMNS * ROWS)), bits, strict=True) if bit)
    payload, crc = divmod(word, 256)
    raw = payload.to_bytes(5, "big")
    return Mark(payload >> 8, payload & 255) if _crc8(raw) == crc else None


def cells() -> Iterator[Rect]:
    """Where each block stands, in the order of `to_bits`."""
    width, height = STRIP.width / COLUMNS, STRIP.height / ROWS
    for row in range(ROWS):
        for column in range(COLUMNS):
            yield Rect(STRIP.x + column * width, STRIP.y + row * height, width, height)


def frame_number(moment: int, fps: int) -> int:
    """Which frame stands at `moment` (nanoseconds of Unix time); frame 0 was at the epoch. Not yet modulo 2**32."""
    return (moment * fps + 500_000_000) // 1_000_000_000


def frame_moment(number: int, fps: int) -> int:
    """When frame `number` stands, in nanoseconds of Unix time."""
    return number * 1_000_000_000 // fps


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _CRC_POLYNOMIAL) & 255 if crc & 128 else crc << 1
    return crc
