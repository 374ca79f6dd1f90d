"""Colours as the API writes them (operations.md 1.4) and as a canvas holds them (limited-range YCbCr)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_API_COLOUR = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green and blue, each 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def from_api(cls, value: int) -> Colour:
        """R + G * 256 + B * 65536: red is the low byte, the opposite of the usual 0xRRGGBB."""
        return cls(value & 255, value >> 8 & 255, value >> 16 & 255)


BLACK = Colour(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The luma weights of red and blue of a YCbCr colour space."""

    name: str
    red: float
    blue: float


BT601 = Matrix("bt601", 0.299, 0.114)
BT709 = Matrix("bt709", 0.2126, 0.0722)


def matrix_of(height: int) -> Matrix:
    """The colour space of a picture of `height` lines: BT.709 from 720 on, BT.601 below; flagged in the stream."""
    return BT709 if height >= 720 else BT601


def to_ycbcr(colour: Colour, matrix: Matrix) -> tuple[int, int, int]:
    """The colour in limited range (16 to 235, 16 to 240), rounded (ITU-R BT.601 2.5.3, BT.709 3)."""
    red, green, blue = colour.red / 255, colour.green / 255, colour.blue / 255
    luma = matrix.red * red + (1 - matrix.red - matrix.blue) * green + matrix.blue * blue
    cb = (blue - luma) / (2 * (1 - matrix.blue))
    cr = (red - luma) / (2 * (1 - matrix.red))
    return round(16 + 219 * luma), round(128 + 224 * cb), round(128 + 224 * cr)
