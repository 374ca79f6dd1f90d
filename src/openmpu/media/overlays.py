"""Makes what lies over and under the video: the sprites of pictures and texts, the layers of clocks. Each once.

Sprites are kept, so that a new scene finds those that did not change. `prepare` may run in any thread before a scene is
shown; pictures that come later are made ready beside the paint loop when an executor is given, else on the spot.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Protocol

from openmpu.media.blending import Artwork, Sprite, to_sprite
from openmpu.media.lettering.clock_layer import ClockLayer
from openmpu.media.lettering.clocks import ClockFace
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.lettering.inking import font_size
from openmpu.media.lettering.texts import draw_text
from openmpu.media.pictures.picture import Picture, fit_picture
from openmpu.media.regions import even_cover
from openmpu.model.colours import Matrix, matrix_of
from openmpu.model.geometry import PixelRect
from openmpu.model.scene import ClockLayer as ClockAsked
from openmpu.model.scene import ImageLayer, Scene, TextLayer

MAX_KEPT_BYTES = 96 * 1024 * 1024
MAX_KEPT_FACES = 64


class PictureSource(Protocol):
    """Where pictures come from: never waits, None while there is none."""

    def get(self, url: str, now: int) -> Picture | None:
        """The picture at `url` as far as it is there at `now` (nanoseconds)."""
        ...


class _NoPictures:
    def get(self, url: str, now: int) -> Picture | None:  # noqa: ARG002 - the port's words
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What became of something asked for: a sprite, or nothing that could be seen."""

    sprite: Sprite | None

    @property
    def size(self) -> int:
        """Bytes."""
        if self.sprite is None:
            return 0
        return sum(plane.nbytes for plane in (*self.sprite.planes, *self.sprite.through))


class Overlays:
    """The one place that knows pictures, fonts and the time zone of a worker's scenes."""

    def __init__(
        self,
        pictures: PictureSource | None = None,
        fonts: Fonts | None = None,
        zone: tzinfo = UTC,
        executor: Executor | None = None,
    ) -> None:
        self._pictures = pictures or _NoPictures()
        self._fonts = fonts or Fonts()
        self._zone = zone
        self._executor = executor
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._being_made: set[Hashable] = set()
        self._faces: dict[tuple[ClockAsked, PixelRect], ClockFace] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each font that had to be replaced."""
        return self._fonts.notes

    def prepare(self, scene: Scene, now: int) -> None:
        """Draws the texts and clocks of a scene and makes its pictures ready, as far as they are loaded.

        Args:
            scene: What will be shown.
            now: As for `Compositor.paint`.
        """
        canvas, matrix = PixelRect(0, 0, scene.width, scene.height), matrix_of(scene.height)
        for pane in scene.panes:
            for layer in pane.overlays:
                self.make(layer, pane.rect.intersection(canvas), matrix, now, beside=False)
        for asked in (*scene.backgrounds, *scene.overlays):
            if isinstance(asked, ImageLayer):
                self.make(asked, canvas, matrix, now, beside=False)
            else:
                self._face(asked, canvas)

    def make(
        self, layer: ImageLayer | TextLayer, room: PixelRect, matrix: Matrix, now: int, *, beside: bool = True
    ) -> Made | None:
        """The sprite of a layer; None while it is not ready: ask again.

        Args:
            layer: What is wanted.
            room: Its pane, or the canvas.
            matrix: Of the canvas.
            now: As for `Compositor.paint`.
            beside: Pictures are made ready by the executor, if there is one.
        """
        if isinstance(layer, TextLayer):
            return self._text(layer, room, matrix)
        return self._picture(layer, matrix, now, self._executor if beside else None)

    def clock(self, asked: ClockAsked, room: PixelRect, matrix: Matrix, wall: int) -> ClockLayer | None:
        """The layer of a clock that shows `wall`; None where it cannot be seen."""
        face = self._face(asked, room) if asked.style.alpha > 0 else None
        return ClockLayer(face, asked.style.alpha, matrix, self._zone, wall) if face else None

    def _face(self, asked: ClockAsked, room: PixelRect) -> ClockFace | None:
        if not font_size(asked.style):
            return None
        face = self._faces.get((asked, room))
        if face is None:
            face = ClockFace(asked.style, asked.left, asked.top, room, self._fonts)
            if len(self._faces) >= MAX_KEPT_FACES:
                self._faces.clear()
            self._faces[asked, room] = face
        return None if face.rect.empty else face

    def _text(self, layer: TextLayer, room: PixelRect, matrix: Matrix) -> Made:
        key = (layer, room, matrix)
        made = self._kept(key)
        if made is None:
            artwork = draw_text(layer.text, layer.style, layer.left, layer.top, room, self._fonts)
            made = self._keep(key, _finished(artwork, layer.style.alpha, matrix))
        return made

    def _picture(self, layer: ImageLayer, matrix: Matrix, now: int, executor: Executor | None) -> Made | None:
        key = (layer.url, layer.rect, layer.alpha, layer.fit, matrix)
        made = self._kept(key)
        if made is not None or key in self._being_made:
            return made
        picture = self._pictures.get(layer.url, now)
        if picture is None:
            return None
        if executor is None:
            return self._fit(key, picture, layer, matrix)
        self._being_made.add(key)
        executor.submit(self._fit, key, picture, layer, matrix)
        return None

    def _fit(self, key: Hashable, picture: Picture, layer: ImageLayer, matrix: Matrix) -> Made:
        try:
            artwork = fit_picture(picture, layer.fit, even_cover(layer.rect))
            return self._keep(key, _finished(artwork, layer.alpha, matrix))
        finally:
            self._being_made.discard(key)

    def _kept(self, key: Hashable) -> Made | None:
        with self._lock:
            made = self._made.get(key)
            if made is not None:
                self._made.move_to_end(key)
            return made

    def _keep(self, key: Hashable, made: Made) -> Made:
        with self._lock:
            self._made[key] = made
            held = sum(other.size for other in self._made.values())
            while held > MAX_KEPT_BYTES and len(self._made) > 1:
                held -= self._made.popitem(last=False)[1].size
        return made


def _finished(artwork: Artwork | None, alpha: float, matrix: Matrix) -> Made:
    return Made(to_sprite(artwork, alpha, matrix) if artwork else None)
