"""What is painted for one part of a scene at the moment: slots of overlays, and panes as groups.

A pane is a group, bottom to top: fill, video, overlays, all clipped to it (layouts.md 5.1, 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from openmpu.media.blending import SpriteLayer, layer_of
from openmpu.media.fill import FillLayer
from openmpu.media.overlays import Overlays
from openmpu.media.segmentation.cutout import CutOutLayer
from openmpu.media.segmentation.port import Watcher
from openmpu.media.stack import Layer
from openmpu.media.video import FrameForm, ShownFrame, VideoLayer, as_i420
from openmpu.model.colours import BLACK, Matrix
from openmpu.model.geometry import PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import ImageLayer, PaneLayer, TextLayer


class Slot:
    """The place of one picture or text in a scene; filled when its sprite is ready."""

    def __init__(self, asked: ImageLayer | TextLayer, room: PixelRect, matrix: Matrix) -> None:
        self._asked = asked
        self._room = room
        self._matrix = matrix
        self._layer: SpriteLayer | None = None
        self.ready = False

    def fill(self, overlays: Overlays, now: int) -> bool:
        """Looks whether its sprite is ready; true when there is something to paint now that was not before."""
        made = overlays.make(self._asked, self._room, self._matrix, now)
        self.ready = made is not None
        self._layer = layer_of(made.sprite, self._room) if made else None
        return self._layer is not None

    def layer(self, *, with_video: bool = False) -> SpriteLayer | None:
        """What to paint, given whether its pane shows video."""
        hidden = isinstance(self._asked, ImageLayer) and self._asked.only_without_video and with_video
        return None if hidden else self._layer


class PaneGroup:
    """One pane's layers at the moment; with a watcher the person is cut out."""

    def __init__(self, pane: PaneLayer, canvas: PixelRect, matrix: Matrix, watcher: Watcher | None = None) -> None:
        self._pane = pane
        self._watcher = watcher
        self._matrix = matrix
        self._rect = pane.rect.intersection(canvas)
        self._fill = FillLayer(self._rect, pane.fill, matrix) if pane.fill else None
        self._borders = FillLayer(self._rect, BLACK, matrix) if pane.fit is Fit.CONTAIN_ON_BLACK else None
        self._video: VideoLayer | None = None
        self._form: FrameForm | None = None
        self._serial: int | None = None
        self.slots = [Slot(overlay, self._rect, matrix) for overlay in pane.overlays]
        self.refused = 0
        """Frames that could not be shown."""

    def take(self, newest: Mapping[TrackId, ShownFrame], changed: list[Layer]) -> bool:
        """Looks for a new frame and notes the layer that shows it; true when the pane's layers are others now."""
        track_id = self._pane.track_id
        shown = newest.get(track_id) if track_id is not None else None
        if shown is None:
            return self._lose()
        if shown.serial == self._serial:
            if isinstance(self._video, CutOutLayer) and self._video.has_news:
                changed.append(self._video)
            return False
        self._serial = shown.serial
        return self._show(shown, changed)

    def _lose(self) -> bool:
        had = self._video is not None
        self._video = self._form = self._serial = None
        return had

    def _show(self, shown: ShownFrame, changed: list[Layer]) -> bool:
        frame = as_i420(shown.frame)
        if frame is None:
            self.refused += 1
            return False
        form = FrameForm.of(frame, shown.rotation)
        reshaped = form != self._form or self._video is None
        if self._video is None or reshaped:
            self._form = form
            self._video = self._video_layer(form)
        self._video.show(frame)
        changed.append(self._video)
        return reshaped

    def _video_layer(self, form: FrameForm) -> VideoLayer:
        place = form, self._pane.fit, self._rect, self._matrix
        return VideoLayer(*place) if self._watcher is None else CutOutLayer(*place, self._watcher)

    def layers(self) -> Iterable[Layer]:
        """Bottom to top."""
        with_video = self._video is not None
        under = self._fill or (self._borders if with_video else None)
        slots = (slot.layer(with_video=with_video) for slot in self.slots)
        return [layer for layer in (under, self._video, *slots) if layer is not None]
