"""The test picture, painted straight into planar 4:2:0: what a camera might see, made so that a machine can check it.

A border in the publisher's colour (exact, for colour and edge checks), a textured room with somebody swaying in it, a
field that flashes at whole seconds, a clock with frame count for people and a mark (`marks.py`) for machines. Every
pixel follows from the frame number alone. Most of it never changes, because the publisher must be cheap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openmpu.clients import glyphs, marks
from openmpu.errors import Invalid
from openmpu.model.colours import BT601, Colour, to_ycbcr
from openmpu.model.geometry import PixelRect, Rect, to_pixels

Plane = npt.NDArray[np.uint8]

BORDER = 0.06
"""Thickness of the coloured border, in shares of the picture's height."""
FLASH_FIELD = Rect(0.06, 0.12, 0.2, 0.24)
FLASH_SECONDS = 0.1
"""The field is white in the frames of the first tenth of every second of Unix time."""

_STAGE = Rect(0.3, 0.38, 0.62, 0.32)
_CLOCK = Rect(0.3, 0.12, 0.62, 0.14)
_TITLE_TOP = 0.28
_WHITE, _BLACK, _NEUTRAL = 235, 16, 128
_SKIN = Colour(224, 172, 140)
_MIN_SIDE, _MAX_SIDE = 96, 4096


@dataclass(frozen=True, slots=True)
class Look:
    """What tells one test picture from another.

    Attributes:
        width: Pixels, even, 96 to 4096; the same for height.
        colour: Of the border; the room is a darker shade of it. BT.601 limited range, as browsers send.
        title: Printed in the picture, usually the user's id.
        tag: Written into the mark.
    """

    width: int
    height: int
    fps: int
    colour: Colour
    title: str = ""
    tag: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be painted.

        Raises:
            Invalid: The size is odd or out of range, or the frame rate is.
        """
        sides = (self.width, self.height)
        if any(side % 2 or not _MIN_SIDE <= side <= _MAX_SIDE for side in sides):
            raise Invalid("size", f"{self.width}x{self.height}: both sides must be even, {_MIN_SIDE} to {_MAX_SIDE}")
        if not 1 <= self.fps <= 120:
            raise Invalid("fps", f"{self.fps}: must be 1 to 120")


class Picture:
    """Paints frame after frame into one canvas that is used again and again."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._whole = PixelRect(0, 0, look.width, look.height)
        self.canvas = np.full((look.height * 3 // 2, look.width), _NEUTRAL, np.uint8)
        """Planes Y, U, V below one another, as PyAV takes `yuv420p`."""
        self._luma = self.canvas[: look.height]
        self._chroma = self.canvas[look.height :].reshape(2, look.height // 2, look.width // 2)
        self._paint_room()
        self._paint_fixed()
        self._person = _Person(self._rect(_STAGE), self._luma, self._chroma)
        self._cells = [self._rect(cell) for cell in marks.cells()]
        self._clock = _Clock(self._rect(_CLOCK))

    def paint(self, number: int) -> Plane:
        """The canvas as frame `number` (counted from the Unix epoch) shows it."""
        fps = self._look.fps
        self._fill(self._rect(FLASH_FIELD), _WHITE if flash_on(number, fps) else _BLACK)
        self._person.paint(number / fps)
        self._clock.paint(self._luma, number, fps)
        self._paint_mark(number)
        return self.canvas

    def _rect(self, share: Rect) -> PixelRect:
        return to_pixels(share, self._whole)

    def _fill(self, rect: PixelRect, luma: int) -> None:
        self._luma[rect.top : rect.bottom, rect.left : rect.right] = luma

    def _fill_neutral(self, rect: PixelRect) -> None:
        self._fill(rect, _BLACK)
        self._chroma[:, rect.top // 2 : rect.bottom // 2, rect.left // 2 : rect.right // 2] = _NEUTRAL

    def _paint_room(self) -> None:
        look = self._look
        luma, *chroma = to_ycbcr(look.colour, BT601)
        self._luma[:] = luma
        self._chroma[0], self._chroma[1] = chroma
        edge = 2 * max(2, round(BORDER * look.height / 2))
        inner = (look.height - 2 * edge, look.width - 2 * edge)
        self._luma[edge:-edge, edge:-edge] = _room(inner, luma)

    def _paint_fixed(self) -> None:
        margin = 0.012
        strip = marks.STRIP
        backing = Rect(strip.x - margin, strip.y - margin, strip.width + 2 * margin, strip.height + 2 * margin)
        for share in (backing, FLASH_FIELD, _CLOCK):
            self._fill_neutral(self._rect(share))
        if self._look.title:
            self._paint_title()

    def _paint_title(self) -> None:
        left, top = self._rect(_CLOCK).left, round(_TITLE_TOP * self._look.height)
        scale = max(1, self._look.height // 150)
        room = (self._look.width - left) // (glyphs.WIDTH * scale)
        text = glyphs.line(self._look.title[:room], scale, _WHITE, _BLACK)
        self._fill_neutral(PixelRect(left, top // 2 * 2, text.shape[1] // 2 * 2, (text.shape[0] + 2) // 2 * 2))
        self._luma[top : top + text.shape[0], left : left + text.shape[1]] = text

    def _paint_mark(self, number: int) -> None:
        mark = marks.Mark(number % marks.NUMBER_RANGE, self._look.tag)
        for rect, bit in zip(self._cells, marks.to_bits(mark), strict=True):
            self._fill(rect, _WHITE if bit else _BLACK)


def flash_on(number: int, fps: int) -> bool:
    """Whether the field is white in frame `number`."""
    return number % fps < FLASH_SECONDS * fps


def _room(shape: tuple[int, int], luma: int) -> Plane:
    """A softly textured wall, darker than the border; the same for everybody of that size."""
    noise = np.random.default_rng(7).normal(0, 1, (shape[0] // 16 + 2, shape[1] // 16 + 2))
    rows = np.linspace(0, noise.shape[0] - 1.001, shape[0])
    columns = np.linspace(0, noise.shape[1] - 1.001, shape[1])
    soft = _blend(_blend(noise, rows).T, columns).T
    shade = np.linspace(0.75, 0.5, shape[0])[:, None]
    return np.clip(_BLACK + (luma - _BLACK) * shade + 5 * soft, _BLACK, _WHITE).astype(np.uint8)


def _blend(values: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows of `values` at fractional `places`, linear between neighbours."""
    whole = places.astype(int)
    part = (places - whole)[:, None]
    blended: npt.NDArray[np.float64] = values[whole] * (1 - part) + values[whole + 1] * part
    return blended


class _Person:
    """Head and shoulders, swaying in even steps over a part of the room that is put back each time."""

    _SWAY_SECONDS = 4.0

    def __init__(self, stage: PixelRect, luma: Plane, chroma: Plane) -> None:
        halves = slice(stage.top // 2, stage.bottom // 2), slice(stage.left // 2, stage.right // 2)
        self._luma = luma[stage.top : stage.bottom, stage.left : stage.right]
        self._chroma = chroma[:, halves[0], halves[1]]
        self._room_luma, self._room_chroma = self._luma.copy(), self._chroma.copy()
        self._mask = _silhouette(stage.height)
        self._half_mask = self._mask[::2, ::2]
        self._way = max(0, (stage.width - self._mask.shape[1]) // 2)
        self._tone, *self._tint = to_ycbcr(_SKIN, BT601)

    def paint(self, seconds: float) -> None:
        turn = math.sin(2 * math.pi * (seconds % self._SWAY_SECONDS) / self._SWAY_SECONDS)
        left = 2 * round(self._way * (1 + turn) / 2)
        self._luma[:] = self._room_luma
        self._chroma[:] = self._room_chroma
        width = self._mask.shape[1]
        self._luma[:, left : left + width][self._mask] = self._tone
        for plane, tint in zip(self._chroma, self._tint, strict=True):
            plane[:, left // 2 : (left + width) // 2][self._half_mask] = tint


def _silhouette(height: int) -> npt.NDArray[np.bool_]:
    """Which pixels of a box of `height` lines and even width belong to head and shoulders."""
    width = height * 4 // 10 * 2
    y, x = np.mgrid[0:height, 0:width]
    head = ((x - width / 2) / (0.26 * height)) ** 2 + ((y - 0.36 * height) / (0.34 * height)) ** 2 <= 1
    body = ((x - width / 2) / (0.4 * height)) ** 2 + ((y - 1.1 * height) / (0.42 * height)) ** 2 <= 1
    shape: npt.NDArray[np.bool_] = head | body
    return shape


class _Clock:
    """`HH:MM:SS:FF` (UTC and frame within the second); only letters that changed are painted again."""

    _LETTERS = 11

    def __init__(self, box: PixelRect) -> None:
        self._scale = max(1, min(box.width // (self._LETTERS * glyphs.WIDTH), box.height // (glyphs.HEIGHT + 1)))
        self._left = box.left + (box.width - self._LETTERS * glyphs.WIDTH * self._scale) // 2
        self._top = box.top + (box.height - glyphs.HEIGHT * self._scale) // 2
        self._shown = " " * self._LETTERS
        self._glyphs = {char: glyphs.glyph(char, self._scale, _WHITE, _BLACK) for char in "0123456789:"}

    def paint(self, luma: Plane, number: int, fps: int) -> None:
        text = _timecode(number, fps)
        for place, (char, shown) in enumerate(zip(text, self._shown, strict=True)):
            if char != shown:
                self._letter(luma, place, self._glyphs[char])
        self._shown = text

    def _letter(self, luma: Plane, place: int, letter: Plane) -> None:
        left = self._left + place * glyphs.WIDTH * self._scale
        height, width = letter.shape
        luma[self._top : self._top + height, left : left + width] = letter


def _timecode(number: int, fps: int) -> str:
    seconds, frame = divmod(number, fps)
    minutes, second = divmod(seconds % 86_400, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}:{frame % 100:02}"
