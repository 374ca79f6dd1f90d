r"""Texts: cleaned, cut to what can be seen, drawn once.

A text is another person's data: it is capped before anything looks at it (security.md S7), there is no markup in it,
and only what falls into its pane is shaped and drawn. `\n` breaks lines, nothing wraps (layouts.md 6).
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from openmpu.media.blending import Artwork
from openmpu.media.lettering.fonts import FontSource
from openmpu.media.lettering.inking import Frame, Ink, ascent, compose, font_size, line_height, outline_width
from openmpu.media.lettering.runs import Run
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle

MAX_CHARACTERS = 1024
MAX_LINES = 32
MAX_MARKS = 4
"""Combining marks on one letter: Vietnamese and Thai need two, pointed Hebrew three."""

_NARROWEST = 0.2  # of the font size: no letter's advance is less, give or take an i
_KEPT_FORMATS = frozenset("\u200c\u200d\u200e\u200f")  # joiners and direction marks, which shaping needs


def clean_lines(text: str) -> tuple[str, ...]:
    """The lines to draw: capped, without control and format characters and without storms of combining marks."""
    lines = text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return tuple(_clean(line) for line in lines[:MAX_LINES])


def _clean(line: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in line:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= MAX_MARKS and (category not in {"Cc", "Cf", "Cs"} or character in _KEPT_FORMATS):
            kept.append(character)
    return "".join(kept)


def draw_text(text: str, style: TextStyle, left: int, top: int, room: PixelRect, fonts: FontSource) -> Artwork | None:
    """A text whose left-top corner is (left, top), as far as it is seen in `room`; None: nothing is seen.

    Its rectangle is as wide as its longest line and as high as its lines; the box grows it by its border, the outline
    leans out of it.
    """
    size = font_size(style)
    lines = clean_lines(text)
    if not size or not any(lines):
        return None
    font = fonts.font(style.font_type, size)
    height = line_height(font)
    width_seen = room.right - left + outline_width(style)
    seen = [
        _Line(line, style.font_type, size, fonts).cut(width_seen) for line in lines[: _lines_seen(top, height, room)]
    ]
    width = math.ceil(max((sum(run.length for run in runs) for runs in seen), default=0))
    frame = Frame.around(PixelRect(left, top, width, height * len(lines)), style, room, lean=size // 2)
    if frame.rect.empty:
        return None
    ink = Ink(frame.rect, outline_width(style))
    for number, runs in enumerate(seen):
        ink.write(runs, left, top + number * height + ascent(font))
    return compose(frame, style, ink.letters, ink.outline)


def _lines_seen(top: int, height: int, room: PixelRect) -> int:
    """One more than begin in the room: outlines lean out."""
    return max(0, (room.bottom - top) // max(1, height) + 2)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    font_type: int
    size: int
    fonts: FontSource

    def cut(self, width: int) -> tuple[Run, ...]:
        """The beginning that fills `width` pixels or a little more: shaping what nobody sees costs time."""
        text = self.text[: 16 + max(0, int(width / (_NARROWEST * self.size)))]
        least, most = 0, len(text)
        while most - least > 1:
            middle = (least + most) // 2
            fits = sum(run.length for run in self._runs(text[:middle])) <= width
            least, most = (middle, most) if fits else (least, middle)
        return self._runs(text[: most + MAX_MARKS])

    def _runs(self, text: str) -> tuple[Run, ...]:
        return self.fonts.runs(text, self.font_type, self.size)
