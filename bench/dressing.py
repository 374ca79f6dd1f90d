"""A scene with everything that the API can lay over it: 8 images, 8 texts, 2 backgrounds, 3 watermarks, 2 clocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from openmpu.media.pictures.picture import Picture
from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect, Rect, to_pixels
from openmpu.model.overlays import TextStyle
from openmpu.model.scene import ClockLayer, ImageLayer, PaneLayer, Scene, TextLayer

WHITE = Colour(255, 255, 255)
MARKS = ((0.02, 0.02, 0.15, 0.1), (0.83, 0.02, 0.15, 0.1), (0.42, 0.9, 0.15, 0.08))


class Walls:
    """An opaque wall and a logo with soft edges."""

    def __init__(self) -> None:
        down, across = np.mgrid[-1:1:200j, -1:1:200j]
        alpha = np.clip((1 - np.hypot(down, across)) * 5, 0, 1)
        logo = np.rint(np.stack([255 * alpha, 140 * alpha, 20 * alpha, 255 * alpha], axis=-1)).astype(np.uint8)
        wall = np.full((720, 1280, 4), (60, 70, 90, 255), np.uint8)
        self._pictures = {"logo": Picture(logo), "wall": Picture(wall)}

    def get(self, url: str, now: int) -> Picture | None:  # noqa: ARG002, D102 - the port's words
        return self._pictures[url]


def dressed(plain: Scene) -> Scene:
    """The scene with all of it."""
    canvas = PixelRect(0, 0, plain.width, plain.height)
    style = _style(plain, 30)
    clock = replace(style, font_size=max(16, plain.height // 20))
    return replace(
        plain,
        panes=_dressed_panes(plain.panes, style),
        backgrounds=(ImageLayer("wall", canvas), ImageLayer("logo", to_pixels(Rect(0.3, 0.3, 0.4, 0.4), canvas))),
        overlays=(
            *(ImageLayer("logo", to_pixels(Rect(*shares), canvas), 0.6) for shares in MARKS),
            ClockLayer(canvas.width // 20, canvas.height // 2, clock),
            ClockLayer(canvas.width // 2, canvas.height * 8 // 10, replace(clock, box=True)),
        ),
    )


def _dressed_panes(plain: tuple[PaneLayer, ...], style: TextStyle) -> tuple[PaneLayer, ...]:
    panes = list(plain)
    for number in range(8):
        pane, row = panes[number % len(panes)], number // len(panes)
        image = ImageLayer("logo", to_pixels(Rect(0.72 - row * 0.3, 0.05, 0.22, 0.22), pane.rect))
        corner = pane.rect.left + 8, pane.rect.top + 8 + row * 2 * style.font_size
        text = TextLayer(f"主播 {number} on air", *corner, replace(style, box=True, box_border_width=3, alpha=0.8))
        panes[number % len(panes)] = replace(pane, overlays=(*pane.overlays, image, text))
    return tuple(panes)


def with_clock(plain: Scene) -> Scene:
    """The scene with one clock in the lower right, over video."""
    return replace(plain, overlays=(ClockLayer(plain.width // 2, plain.height * 8 // 10, _style(plain, 20)),))


def _style(plain: Scene, lines: int) -> TextStyle:
    return TextStyle(font_size=max(12, plain.height // lines), colour=WHITE, border_width=1)
