"""The production of a mixing task: (spec, roster) becomes a scene, its tracks are subscribed, the pipeline shows it."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, Final

import av
import numpy as np
import structlog
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from openmpu.errors import NotFound, OpenMpuError
from openmpu.media.figures import Figures
from openmpu.media.needed import sizes_needed
from openmpu.media.packets import StreamFormat
from openmpu.media.pipeline import MixPipeline
from openmpu.media.production import Stage
from openmpu.media.scenery import Scenery
from openmpu.media.track_figures import pane_figures, track_figures, volume_figures
from openmpu.model.alone import Alone, alone_in
from openmpu.model.ids import TrackId
from openmpu.model.roster import Roster
from openmpu.model.scene import Scene, plan
from openmpu.model.task import Family, TaskSpec

PICTURE_WITHIN_S: Final = 2.0
_BT709: Final = 1
_log = structlog.get_logger()


class MixProduction:
    """One mix. Scenes are drawn as far as they can be in a thread of their own before they are shown."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._switch = stage.switch
        self._loop = asyncio.get_running_loop()
        self._scenery = Scenery(stage.options)
        self._pipeline = MixPipeline(
            stage.switch.inputs,
            stage.out,
            self._want_key,
            self._scenery.overlays,
            self._scenery.segmenter,
            tell_voices=stage.tell_voices,
            tap=stage.tap,
        )
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._scene: Scene | None = None
        self._spec: TaskSpec | None = None
        self._published = False
        self._alone: Alone | None = None

    def apply(self, spec: TaskSpec, roster: Roster) -> None:
        """Plan anew; begin with the first plan."""
        scene = plan(spec, roster)
        self._alone = alone_in(spec, roster)
        if any(pane.segment for pane in scene.panes):
            self._scenery.segment()
        self._switch.want(scene.shown_tracks | scene.heard_tracks)
        first, self._scene, self._spec = self._scene is None, scene, spec
        self._tell_sizes()
        if first:
            self._pipeline.set_scene(scene, spec)
            self._pipeline.start(self._stage.clock, self._stage.epoch, self._stage.on_failure)
        else:
            self._preparing.submit(self._prepare, scene, spec)

    def _prepare(self, scene: Scene, spec: TaskSpec) -> None:
        """Draw what can be drawn, unless a newer scene waits; then show it."""
        if scene is not self._scene:
            return
        try:
            self._scenery.overlays.prepare(scene, time.time_ns())
        except (OpenMpuError, ValueError, OSError) as error:
            _log.warning("a scene could not be drawn beforehand", error=str(error))
        self._pipeline.set_scene(scene, spec)

    @property
    def has_pictures(self) -> bool:
        """Whether the task has video."""
        return self._spec is not None and self._spec.video is not None

    @property
    def alone(self) -> bool:
        """Whether the canvas is one publisher's picture, pixel for pixel."""
        track = self._pipeline.pictures.shown.tracks.get(self._alone.video.track_id) if self._alone else None
        newest = track.newest if track else None
        spec = self._spec
        if track is None or newest is None or newest.rotation or spec is None or spec.video is None:
            return False
        return (track.width, track.height) == (spec.video.width, spec.video.height)

    def ready(self) -> bool:
        """Whether every shown track that is subscribed has a picture."""
        return self._switch.known and self._pipeline.pictures.complete

    def stream(self) -> StreamFormat | None:
        """What is sent now; None: a Live-2 task whose users publish nothing yet (operations.md 2.2)."""
        spec = self._spec
        if spec is None:
            return None
        published = any(user.tracks for user in self._switch.roster.users)
        self._published = self._published or published or spec.family is not Family.LIVE
        return StreamFormat(spec.video, spec.audio) if self._published else None

    def force_key(self) -> None:
        """The next picture is a key frame."""
        self._pipeline.force_key()

    def send_sei(self, text: str) -> None:
        """Put `text` into the next picture, once."""
        self._pipeline.pictures.sei.texts.add(text)

    async def picture(self) -> bytes:
        """The canvas after the next tick, as PNG."""
        if self._scene is None or not self._scene.width:
            raise NotFound("picture", "the task has no video")
        wanted = asyncio.wrap_future(self._pipeline.pictures.snapshot())
        try:
            planes, colourspace = await asyncio.wait_for(wanted, PICTURE_WITHIN_S)
        except (TimeoutError, asyncio.CancelledError):
            raise NotFound("picture", "no picture was painted in time") from None
        return await asyncio.to_thread(_png, planes, colourspace)

    def notes(self) -> tuple[str, ...]:
        """Fonts replaced, pictures missing, people not cut out."""
        return (*self._scenery.notes, *self._pipeline.pictures.notes)

    def figures(self, now: int) -> Figures:
        """Of the pipeline, the scene and each track."""
        scene = self._scene
        self._tell_sizes()  # once a second is soon enough for what decoding has found out about shapes
        told: Figures = {
            "users": len(scene.participants) if scene else 0,
            "layout_id": scene.layout_id if scene else 0,
            "links": self._switch.connected,
        }
        tracks = dict(self._pipeline.pictures.shown.tracks)
        told |= self._pipeline.figures(now) | track_figures(self._switch, tracks, now)
        told |= pane_figures(scene, tracks, now) if scene else {}
        return told | volume_figures(self._pipeline.sound.volumes)

    def stop(self) -> None:
        """End the threads."""
        self._preparing.shutdown(wait=False, cancel_futures=True)
        self._pipeline.stop()
        self._scenery.stop()

    def _tell_sizes(self) -> None:
        """How large each track must be for what is painted of it; the gateway asks its publisher for no more."""
        if self._scene is not None:
            tracks = dict(self._pipeline.pictures.shown.tracks)
            shapes = {track_id: track.upright for track_id, track in tracks.items()}
            fps = self._spec.video.fps if self._spec and self._spec.video else 0
            self._switch.shown(sizes_needed(self._scene, shapes), fps)

    def _want_key(self, track_id: TrackId) -> None:
        self._loop.call_soon_threadsafe(self._switch.want_key_frame, track_id)


def _png(planes: np.ndarray[Any, np.dtype[np.uint8]], colourspace: int) -> bytes:
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
    matrix = Colorspace.ITU709 if colourspace == _BT709 else Colorspace.ITU601
    shown = frame.reformat(format="rgb24", src_colorspace=matrix, src_color_range=ColorRange.MPEG)
    rgb = np.asarray(shown.to_ndarray())
    png = BytesIO()
    Image.fromarray(rgb).save(png, "PNG", compress_level=1)
    return png.getvalue()
