"""Letters as masks, and masks as coloured artworks: box, outline, letters, bottom to top (layouts.md 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from openmpu.media.blending import Artwork, cover
from openmpu.media.canvas import Plane
from openmpu.media.lettering.builtin import BuiltInFont
from openmpu.media.lettering.runs import Font, Run
from openmpu.media.regions import even_cover
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle

MAX_FONT_SIZE = 72  # operations.md 1.5


def font_size(style: TextStyle) -> int:
    """In pixels; 0 draws nothing."""
    return max(0, min(style.font_size, MAX_FONT_SIZE))


def outline_width(style: TextStyle) -> int:
    """In pixels; bounded, as a stroke costs with its width and one wider than the letters hides them all."""
    return max(0, min(style.border_width, style.font_size // 2))


def line_height(font: Font) -> int:
    """From one line's top to the next one's: ascender and descender of the face."""
    ascent, descent = font.getmetrics()
    return ascent + descent


def ascent(font: Font) -> int:
    """From a line's top to its baseline."""
    return font.getmetrics()[0]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a text stands: `text` is its own rectangle, `rect` all that it may ink, clipped, with even edges."""

    text: PixelRect
    box: PixelRect
    rect: PixelRect

    @classmethod
    def around(cls, text: PixelRect, style: TextStyle, room: PixelRect, lean: int = 0) -> Frame:
        """The frame of a text in a room (its pane, or the canvas), whose letters may lean out by `lean` pixels."""
        box = _grown(text, max(0, style.box_border_width))
        spill = _grown(text, outline_width(style) + lean)
        inked = _hull(spill, box) if style.box else spill
        return cls(text, box, even_cover(inked.intersection(room)).intersection(room))


def _grown(rect: PixelRect, by: int) -> PixelRect:
    return PixelRect(rect.left - by, rect.top - by, rect.width + 2 * by, rect.height + 2 * by)


def _hull(one: PixelRect, other: PixelRect) -> PixelRect:
    left, top = min(one.left, other.left), min(one.top, other.top)
    return PixelRect(left, top, max(one.right, other.right) - left, max(one.bottom, other.bottom) - top)


class Ink:
    """The masks of a text's letters and outline within a rectangle of the canvas."""

    def __init__(self, rect: PixelRect, outline: int) -> None:
        self._rect = rect
        self._outline = outline
        self._letters_image = Image.new("L", (rect.width, rect.height))
        self._outline_image = Image.new("L", (rect.width, rect.height)) if outline else None

    def write(self, runs: Iterable[Run], left: float, baseline: int) -> None:
        """Writes one line that begins at column `left` of the canvas and stands on row `baseline`."""
        for run in runs:
            self._write(run, (left - self._rect.left, baseline - self._rect.top))
            left += run.length

    def _write(self, run: Run, start: tuple[float, float]) -> None:
        if isinstance(run.font, BuiltInFont):
            self._stamp(*run.font.masks((self._rect.height, self._rect.width), start, run.text, self._outline))
            return
        ImageDraw.Draw(self._letters_image).text(start, run.text, fill=255, font=run.font, anchor="ls")
        if self._outline_image is not None:
            pen = ImageDraw.Draw(self._outline_image)
            pen.text(start, run.text, fill=255, font=run.font, anchor="ls", stroke_width=self._outline)

    def _stamp(self, letters: Plane, outline: Plane) -> None:
        self._letters_image = ImageChops.lighter(self._letters_image, Image.fromarray(letters))
        if self._outline_image is not None:
            self._outline_image = ImageChops.lighter(self._outline_image, Image.fromarray(outline))

    @property
    def letters(self) -> Plane:
        """Where letters are."""
        return np.asarray(self._letters_image)

    @property
    def outline(self) -> Plane | None:
        """Where letters and their outlines are."""
        return None if self._outline_image is None else np.asarray(self._outline_image)


def compose(frame: Frame, style: TextStyle, letters: Plane, outline: Plane | None) -> Artwork:
    """The artwork of masks that lie on `frame.rect`; the style's alpha is left to the sprite."""
    pixels = np.zeros((frame.rect.height, frame.rect.width, 4), np.uint8)
    if style.box:
        box = frame.box.intersection(frame.rect)
        rows = slice(box.top - frame.rect.top, box.bottom - frame.rect.top)
        columns = slice(box.left - frame.rect.left, box.right - frame.rect.left)
        pixels[rows, columns] = (*_rgb(style), 255)
    if outline is not None:
        cover(pixels, style.border_colour, outline)
    cover(pixels, style.colour, letters)
    return Artwork(frame.rect, pixels)


def _rgb(style: TextStyle) -> tuple[int, int, int]:
    colour = style.box_colour
    return colour.red, colour.green, colour.blue
