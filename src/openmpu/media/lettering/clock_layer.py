"""A clock on the picture, as a layer that draws itself anew when its second has passed."""

from __future__ import annotations

from datetime import tzinfo

import numpy as np

from openmpu.media.blending import Sprite, whole_sprite
from openmpu.media.canvas import Canvas
from openmpu.media.lettering.clocks import NANOSECONDS, ClockFace, clock_text
from openmpu.media.stack import Paint
from openmpu.model.colours import Matrix
from openmpu.model.geometry import PixelRect


class ClockLayer:
    """One clock; its rectangle never changes, its samples do once a second."""

    whole = False
    live = True
    opaque = False

    def __init__(self, face: ClockFace, alpha: float, matrix: Matrix, zone: tzinfo, wall: int) -> None:
        self.rect = face.rect
        self._face, self._alpha, self._matrix, self._zone = face, alpha, matrix, zone
        self._second = wall // NANOSECONDS
        self._sprite = self._draw()

    def tick(self, wall: int) -> bool:
        """Brings it to `wall` (nanoseconds of Unix time); whether it shows something else now."""
        second = wall // NANOSECONDS
        if second == self._second:
            return False
        self._second = second
        new, shown = self._draw(), self._sprite
        for old_planes, new_planes in ((shown.planes, new.planes), (shown.through, new.through)):
            for old, plane in zip(old_planes, new_planes, strict=True):
                np.copyto(old, plane)  # in place: jobs that were planned hold views of them
        return True

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What lays the clock's part in `clip` over the canvas."""
        return self._sprite.bind(canvas, clip)

    def _draw(self) -> Sprite:
        artwork = self._face.draw(clock_text(self._second * NANOSECONDS, self._zone))
        return whole_sprite(artwork, self._alpha, self._matrix)
