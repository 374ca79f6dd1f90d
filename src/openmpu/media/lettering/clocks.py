"""Clocks `YYYY-MM-DD HH:MM:SS`: glyphs drawn once, put together anew each second.

All digits stand in cells of one width, so that nothing moves while the time goes on.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from openmpu.media.blending import Artwork
from openmpu.media.canvas import Plane
from openmpu.media.lettering.fonts import FontSource
from openmpu.media.lettering.inking import Frame, Ink, ascent, compose, font_size, line_height, outline_width
from openmpu.media.lettering.runs import Font, Run
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle

NANOSECONDS = 1_000_000_000

_EXAMPLE = "0000-00-00 00:00:00"
_DIGITS = "0123456789"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clock_text(wall: int, zone: tzinfo) -> str:
    """What a clock shows at `wall` nanoseconds of Unix time."""
    moment = (_EPOCH + timedelta(seconds=wall // NANOSECONDS)).astimezone(zone)
    return moment.replace(tzinfo=None).isoformat(" ")


class ClockFace:
    """One clock: its place on the canvas and its glyphs.

    Attributes:
        rect: All that it may ink; the same for every time.
    """

    def __init__(self, style: TextStyle, left: int, top: int, room: PixelRect, fonts: FontSource) -> None:
        """`style.font_size` is at least 1."""
        font = fonts.font(style.font_type, font_size(style))
        self._style = style
        self._cells = _cells(font)
        width = sum(self._cells[character] for character in _EXAMPLE)
        text = PixelRect(left, top, width, line_height(font))
        self._frame = Frame.around(text, style, room)
        self.rect = self._frame.rect
        self._spill = outline_width(style) + font_size(style) // 4
        glyphs = {character: self._ink(character, font) for character in self._cells}
        self._letters = {character: ink.letters for character, ink in glyphs.items()}
        self._outlines = {character: ink.outline for character, ink in glyphs.items() if ink.outline is not None}

    def _ink(self, character: str, font: Font) -> Ink:
        """A glyph in the middle of its cell, with room around it for what leans out."""
        rect = PixelRect(0, 0, self._cells[character] + 2 * self._spill, line_height(font) + 2 * self._spill)
        ink = Ink(rect, outline_width(self._style))
        aside = (self._cells[character] - round(font.getlength(character))) // 2
        ink.write([Run(character, font)], self._spill + aside, self._spill + ascent(font))
        return ink

    def draw(self, text: str) -> Artwork:
        """The artwork of one moment's text."""
        outline = self._join(text, self._outlines) if self._outlines else None
        return compose(self._frame, self._style, self._join(text, self._letters), outline)

    def _join(self, text: str, glyphs: dict[str, Plane]) -> Plane:
        mask: Plane = np.zeros((self.rect.height, self.rect.width), np.uint8)
        left, top = self._frame.text.left - self._spill, self._frame.text.top - self._spill
        for character in text:
            _stamp(mask, glyphs[character], left - self.rect.left, top - self.rect.top)
            left += self._cells[character]
        return mask


def _cells(font: Font) -> dict[str, int]:
    digit = max(math.ceil(font.getlength(character)) for character in _DIGITS)
    return dict.fromkeys(_DIGITS, digit) | {character: math.ceil(font.getlength(character)) for character in "- :"}


def _stamp(mask: Plane, glyph: Plane, left: int, top: int) -> None:
    """Puts a glyph into a mask, clipped; where two meet the darker counts."""
    where = PixelRect(left, top, glyph.shape[1], glyph.shape[0])
    seen = where.intersection(PixelRect(0, 0, mask.shape[1], mask.shape[0]))
    part = mask[seen.top : seen.bottom, seen.left : seen.right]
    source = glyph[seen.top - top : seen.bottom - top, seen.left - left : seen.right - left]
    if not seen.empty:
        np.maximum(part, source, out=part)
