"""The compositor: a scene, decoded frames and the time in; the painted canvas out.

    overlays = Overlays(pictures, Fonts(directory), zone, executor)   # once a worker
    overlays.prepare(scene, wall)                       # any thread; then showing it costs the paint loop nothing
    compositor = Compositor(scene, overlays, segmenter) # width and height must not be 0; None: nobody is cut out
    painted = compositor.paint(wall, newest)            # once a tick; newest: track id -> ShownFrame
    frame = compositor.canvas.as_frame()                # av.VideoFrame over the canvas, no copy
    compositor.set_scene(scene)                         # whole, shown by the next `paint`

A track that is not in `newest` has no video now (never came, or stale for 3 s: the caller decides). One thread calls
it. Knows nothing of links, decoders and encoders. Order of layers: layouts.md 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2

from openmpu.errors import InternalError
from openmpu.media.canvas import Canvas
from openmpu.media.fill import FillLayer
from openmpu.media.lettering.clock_layer import ClockLayer
from openmpu.media.overlays import Overlays
from openmpu.media.panes import PaneGroup, Slot
from openmpu.media.regions import NOTHING, Region, union
from openmpu.media.scaling import scale_fast
from openmpu.media.segmentation.port import MISSING_NOTE, Segmenter, Watcher
from openmpu.media.stack import Layer, Stack
from openmpu.media.video import ShownFrame
from openmpu.model.ids import TrackId
from openmpu.model.scene import ImageLayer, PaneLayer, Scene

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

    def __init__(self, scene: Scene, overlays: Overlays | None = None, segmenter: Segmenter | None = None) -> None:
        self._overlays = overlays or Overlays()
        self._segmenter = segmenter
        self._watchers: dict[tuple[TrackId | None, int], Watcher] = {}
        self.canvas = Canvas(scene.width, scene.height)
        self.set_scene(scene)

    @property
    def refused_frames(self) -> int:
        """How many frames of the present scene could not be shown, by size or format; the one before stayed."""
        return sum(pane.refused for pane in self._panes)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence when people are to be cut out and cannot be, for the task's status."""
        if not any(pane.segment for pane in self.scene.panes):
            return ()
        if self._segmenter is None:
            return (MISSING_NOTE,)
        return self._segmenter.notes if self._segmenter.usable else (MISSING_NOTE, *self._segmenter.notes)

    def set_scene(self, scene: Scene) -> None:
        """Another scene, whole. A new canvas is made only for another size.

        Raises:
            Invalid: Its size is not even or less than 2x2; the scene before stays.
        """
        scale_fast()
        if (scene.width, scene.height) != (self.canvas.rect.width, self.canvas.rect.height):
            self.canvas = Canvas(scene.width, scene.height)
        self.scene = scene
        room, matrix = self.canvas.rect, self.canvas.matrix
        self._ground = FillLayer(room, scene.background, matrix)
        self._backgrounds = [Slot(picture, room, matrix) for picture in scene.backgrounds]
        seen = [pane for pane in scene.panes if not pane.rect.intersection(room).empty]
        watchers = self._watch(seen)
        self._panes = [PaneGroup(pane, room, matrix, watcher) for pane, watcher in zip(seen, watchers, strict=True)]
        self._top: list[Slot | ClockLayer] | None = None
        self._waiting: list[Slot] = []
        self._clocks: list[ClockLayer] = []
        self._stack = Stack(self.canvas, ())

    def _watch(self, panes: list[PaneLayer]) -> list[Watcher | None]:
        """Who is to be cut out keeps their watcher, and its mask, from scene to scene: nobody blinks."""
        self._cuts = self._segmenter is not None and self._segmenter.usable
        if self._segmenter is None or not self._cuts:
            return [None] * len(panes)
        held, self._watchers = self._watchers, {}
        found: list[Watcher | None] = []
        for pane in panes:
            shown_before = sum(key[0] == pane.track_id for key in self._watchers)
            key = pane.track_id, shown_before
            if pane.segment:
                self._watchers[key] = held.get(key) or self._segmenter.watch()
            found.append(self._watchers[key] if pane.segment else None)
        return found

    def paint(self, wall: int, newest: Mapping[TrackId, ShownFrame]) -> Painted:
        """Brings the canvas up to date.

        Args:
            wall: Nanoseconds of Unix time at which this tick is shown: what clocks say.
            newest: The newest frame of each track that has video now.

        Raises:
            InternalError: A bug or a picture that OpenCV does not take; the next tick paints everything anew.
        """
        try:
            return self._paint(wall, newest)
        except cv2.error as error:
            self._stack = Stack(self.canvas, ())
            raise InternalError("canvas", f"could not be painted: {error.err}") from error

    def _paint(self, wall: int, newest: Mapping[TrackId, ShownFrame]) -> Painted:
        changed: list[Layer] = []
        if self._segmenter and self._segmenter.usable is not self._cuts:
            self.set_scene(self.scene)
        reshaped = not self._stack.layers
        if self._top is None:
            self._top = self._begin(wall)
        early: Region = NOTHING
        for pane in self._panes:
            reshaped |= pane.take(newest, changed)
            if changed and not reshaped and (job := self._stack.job_of_one(changed[-1])):
                changed.pop()
                job.run()
                early += job.region
        changed.extend(clock for clock in self._clocks if clock.tick(wall))
        if self._waiting:
            reshaped |= self._fill(wall)
        return self._rebuild(changed, early) if reshaped else self._repaint(changed, early)

    def _begin(self, wall: int) -> list[Slot | ClockLayer]:
        """The first tick of a scene."""
        top: list[Slot | ClockLayer] = []
        room, matrix = self.canvas.rect, self.canvas.matrix
        for asked in self.scene.overlays:
            if isinstance(asked, ImageLayer):
                top.append(Slot(asked, room, matrix))
            elif clock := self._overlays.clock(asked, room, matrix, wall):
                top.append(clock)
        self._clocks = [layer for layer in top if isinstance(layer, ClockLayer)]
        marks = [slot for slot in top if isinstance(slot, Slot)]
        self._waiting = [*self._backgrounds, *(slot for pane in self._panes for slot in pane.slots), *marks]
        return top

    def _fill(self, now: int) -> bool:
        """Looks for sprites that have become ready."""
        filled = [slot.fill(self._overlays, now) for slot in self._waiting]
        self._waiting = [slot for slot in self._waiting if not slot.ready]
        return any(filled)

    def _repaint(self, changed: list[Layer], rects: Region) -> Painted:
        for job in self._stack.jobs_for_changes(changed):
            job.run()
            rects += job.region
        return Painted(rects)

    def _rebuild(self, changed: list[Layer], early: Region) -> Painted:
        """Layers came, went or changed their place: what they cover and covered is painted again."""
        old, self._stack = self._stack.layers, Stack(self.canvas, [self._ground, *self._layers()])
        new = self._stack.layers
        before, after = set(map(id, old)), set(map(id, new))
        gone = [layer.rect for layer in old if id(layer) not in after]
        come = [layer.rect for layer in new if id(layer) not in before]
        job = self._stack.job_for_damage(union(NOTHING, [*gone, *come, *(layer.rect for layer in changed)]))
        job.run()
        return Painted(union(early, job.region))

    def _layers(self) -> Iterable[Layer]:
        """Bottom to top, above the background colour."""
        yield from _shown(self._backgrounds)
        for pane in self._panes:
            yield from pane.layers()
        for layer in self._top or ():
            yield from _shown([layer]) if isinstance(layer, Slot) else (layer,)


def _shown(slots: Iterable[Slot]) -> Iterable[Layer]:
    return [layer for slot in slots if (layer := slot.layer()) is not None]
