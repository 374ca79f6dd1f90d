"""The compositor: a scene, decoded frames and the time in; the painted canvas out.

    compositor = Compositor(scene)                      # width and height must not be 0
    painted = compositor.paint(wall, newest)            # once a tick; newest: track id -> ShownFrame
    frame = compositor.canvas.as_frame()                # av.VideoFrame over the canvas, no copy
    compositor.set_scene(scene)                         # whole, shown by the next `paint`

A track that is not in `newest` has no video now (never came, or stale for 3 s: the caller decides). One thread calls
it. Knows nothing of links, decoders and encoders. Order of layers: layouts.md 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from openmpu.media.canvas import Canvas
from openmpu.media.fill import FillLayer
from openmpu.media.regions import NOTHING, Region, union
from openmpu.media.stack import Layer, Stack
from openmpu.media.video import FrameForm, ShownFrame, VideoLayer, as_i420
from openmpu.model.colours import BLACK
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import PaneLayer, Scene

__all__ = ["Compositor", "Painted", "ShownFrame"]


@dataclass(frozen=True, slots=True)
class Painted:
    """What one tick did to the canvas: the parts that may differ from before, not overlapping; none: unchanged."""

    rects: Region = NOTHING

    @property
    def changed(self) -> bool:
        """Whether anything was painted."""
        return bool(self.rects)


class Compositor:
    """Paints scenes; each tick only what changed, together with whatever lies over or under it there."""

    def __init__(self, scene: Scene) -> None:
        self.canvas = Canvas(scene.width, scene.height)
        self.set_scene(scene)

    @property
    def refused_frames(self) -> int:
        """How many frames of the present scene could not be shown, by size or format; the one before stayed."""
        return sum(pane.refused for pane in self._panes)

    def set_scene(self, scene: Scene) -> None:
        """Another scene, whole. A new canvas is made only for another size.

        Raises:
            Invalid: Its size is not even or less than 2x2; the scene before stays.
        """
        if (scene.width, scene.height) != (self.canvas.rect.width, self.canvas.rect.height):
            self.canvas = Canvas(scene.width, scene.height)
        matrix = self.canvas.matrix
        self.scene = scene
        self._base = FillLayer(self.canvas.rect, scene.background, matrix)
        self._panes = [_PaneStack(pane, self.canvas) for pane in scene.panes]
        self._stack = Stack(self.canvas, ())

    def paint(self, wall: int, newest: Mapping[TrackId, ShownFrame]) -> Painted:  # noqa: ARG002 - for clocks
        """Brings the canvas up to date.

        Args:
            wall: Nanoseconds of Unix time at which this tick is shown: what clocks say.
            newest: The newest frame of each track that has video now.
        """
        changed: list[Layer] = []
        reshaped = not self._stack.layers
        for pane in self._panes:
            reshaped |= pane.take(newest, changed)
        return self._repaint(changed) if not reshaped else self._rebuild(changed)

    def _repaint(self, changed: list[Layer]) -> Painted:
        rects: Region = NOTHING
        for job in self._stack.jobs_for_changes(changed):
            job.run()
            rects += job.region
        return Painted(rects)

    def _rebuild(self, changed: list[Layer]) -> Painted:
        """Layers came, went or changed their place: what they cover and covered is painted again."""
        before = set(map(id, self._stack.layers))
        old = self._stack.layers
        self._stack = Stack(self.canvas, [self._base, *self._layers()])
        after = set(map(id, self._stack.layers))
        gone = [layer.rect for layer in old if id(layer) not in after]
        come = [layer.rect for layer in self._stack.layers if id(layer) not in before]
        damage = union(NOTHING, [*gone, *come, *(layer.rect for layer in changed)])
        job = self._stack.job_for_damage(damage)
        job.run()
        return Painted(job.region)

    def _layers(self) -> Iterable[Layer]:
        for pane in self._panes:
            yield from pane.layers()


class _PaneStack:
    """One pane's layers at the moment, bottom to top: fill, video, overlays."""

    def __init__(self, pane: PaneLayer, canvas: Canvas) -> None:
        self._pane = pane
        self._rect = pane.rect.intersection(canvas.rect)
        self._matrix = canvas.matrix
        self._fill = FillLayer(self._rect, pane.fill, self._matrix) if pane.fill else None
        self._borders = FillLayer(self._rect, BLACK, self._matrix)
        self._video: VideoLayer | None = None
        self._form: FrameForm | None = None
        self._serial: int | None = None
        self.refused = 0

    def take(self, newest: Mapping[TrackId, ShownFrame], changed: list[Layer]) -> bool:
        """Looks for a new frame and notes the layer that shows it; true when the pane's layers are others now."""
        track_id = self._pane.track_id
        shown = newest.get(track_id) if track_id else None
        if shown is None:
            return self._lose()
        if shown.serial == self._serial:
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
        if reshaped or self._video is None:
            self._form = form
            self._video = VideoLayer(form, self._pane.fit, self._rect, self._matrix)
        self._video.show(frame)
        changed.append(self._video)
        return reshaped

    def layers(self) -> Iterable[Layer]:
        if self._fill is not None:
            yield self._fill
        if self._video is not None and self._pane.fit is Fit.CONTAIN_ON_BLACK:
            yield self._borders
        if self._video is not None:
            yield self._video
