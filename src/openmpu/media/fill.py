"""The simplest layer: a rectangle of one colour."""

from __future__ import annotations

from openmpu.media.canvas import Canvas
from openmpu.media.stack import Paint
from openmpu.model.colours import Colour, Matrix, to_ycbcr
from openmpu.model.geometry import PixelRect


class FillLayer:
    """A rectangle of one colour."""

    opaque = True
    whole = False
    live = False

    def __init__(self, rect: PixelRect, colour: Colour, matrix: Matrix) -> None:
        self.rect = rect
        self._values = to_ycbcr(colour, matrix)

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What fills `clip`."""
        planes, values = canvas.cut(clip), self._values

        def paint() -> None:
            for plane, value in zip(planes, values, strict=True):
                plane[...] = value

        return paint
