"""The pictures of a mix: at each tick the newest frames are decoded, painted and encoded; every tick gives one picture.

A tick that comes late while the next one is already due repeats the canvas as it is: that costs a fraction of a picture
and keeps the rate. Where that has not been enough of late, ticks are passed over as soon as two are due, and counted as
missed: so the rate falls evenly, whatever share of the work is decoding, which no tick can save. One long pause is
caught up with repeated pictures, up to a second of it. A new scene or profile is taken over whole between two ticks.
Time is an argument; nothing here reads a clock, except how long its own work took.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import structlog

from openmpu.errors import OpenMpuError
from openmpu.media.compositor import Compositor
from openmpu.media.encoding.sei_messages import NOBODY, Seen, SeiMessages
from openmpu.media.encoding.video import VideoEncoder
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.overlays import Overlays
from openmpu.media.seen import seen_in
from openmpu.media.segmentation.port import Segmenter
from openmpu.media.shown_tracks import ShownTracks
from openmpu.media.sound.mixer import Speaker
from openmpu.model.encoder import VideoProfile
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.model.scene import Scene
from openmpu.model.task import TaskSpec
from openmpu.timing.ticks import SECOND, Ticks
from openmpu.wire.sei import Sounding

MOST_BEHIND: Final = SECOND
MOST_TICKS_BEHIND: Final = 2
"""While short of time."""
SHORT_FROM: Final = 0.4
"""Share of ticks of late that had no picture of their own, from which on ticks are passed over early."""
IDLE: Final = SECOND // 20
DEGRADED_FROM: Final = 0.1
"""Share of ticks of late that had no picture of their own."""
_WEIGHT: Final = 0.03
_log = structlog.get_logger()


@dataclass(slots=True)
class PictureCounts:
    """What became of the ticks. Late: encoded after the next one was due."""

    ticks: int = 0
    late: int = 0
    repeated: int = 0
    missed: int = 0
    paint_errors: int = 0


class PictureSide:
    """Used by the picture thread, but for `plan`, `force_key` and `snapshot`.

    Args:
        inputs: The subscribed tracks, kept up to date by the network thread.
        out: Takes the packets.
        want_key: Asks a track's publisher for a key frame.
        overlays: Pictures, texts and clocks.
        segmenter: Finds people who are to be cut out.
        sounding: How everybody sounds now, for SEI.
    """

    def __init__(
        self,
        inputs: Mapping[TrackId, TrackInput],
        out: Interleaver,
        want_key: Callable[[TrackId], None],
        overlays: Overlays | None = None,
        segmenter: Segmenter | None = None,
        *,
        sounding: Callable[[], Mapping[Speaker, Sounding]] = dict,
    ) -> None:
        self.counts = PictureCounts()
        self.shown = ShownTracks(inputs, want_key)
        self.scene: Scene | None = None
        self.sei = SeiMessages(sounding)
        self._seen: Seen = NOBODY
        self._out = out
        self._lock = threading.Lock()
        self._planned: tuple[Scene, TaskSpec] | None = None
        self._key_wanted = False
        self._snapshots: list[Future[Any]] = []
        self._compositor: Compositor | None = None
        self._overlays, self._segmenter = overlays, segmenter
        self._encoder: VideoEncoder | None = None
        self._ticks = Ticks(1)
        self._number = 0
        self._adopted = False
        self._shortfall = 0.0

    # Any thread

    def plan(self, scene: Scene, spec: TaskSpec) -> None:
        """What to show from the next tick on; a spec without video has no pictures."""
        with self._lock:
            self._planned = (scene, spec)

    def force_key(self) -> None:
        """The next picture must be a key frame."""
        self._key_wanted = True

    def figures(self, now: int) -> Figures:
        """Counts of ticks, and of what is shown."""
        return {
            "ticks": self.counts.ticks,
            "missed_ticks": self.counts.missed,
            "late_ticks": self.counts.late,
            "repeated": self.counts.repeated,
            "paint_errors": self.counts.paint_errors,
            "degraded": self.degraded,
        } | self.shown.figures(now)

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be painted as asked."""
        compositor = self._compositor
        return compositor.notes if compositor is not None else ()

    @property
    def degraded(self) -> bool:
        """Whether of late pictures were repeated or missed for want of time."""
        return self._shortfall > DEGRADED_FROM

    @property
    def complete(self) -> bool:
        """Whether every shown track that is subscribed has a picture."""
        return self._adopted and self.shown.complete

    def snapshot(self) -> Future[Any]:
        """The canvas as it is after the next tick: an `av.VideoFrame` of its own."""
        wanted: Future[Any] = Future()
        with self._lock:
            self._snapshots.append(wanted)
        return wanted

    # The picture thread

    def step(self, now: int, wall: int) -> int:
        """Do the tick that is due, if one is; when the next one is.

        Args:
            now: Task time.
            wall: Unix time of task time 0, in nanoseconds.
        """
        self._adopt(now)
        if self._encoder is None:
            return now + IDLE
        if now - self._ticks.pts(self._number) > self._most_behind():
            self._pass_over(now)
        pts = self._ticks.pts(self._number)
        if now >= pts:
            self._tick(pts, now, wall)
            self._number += 1
            self._out.reach(Kind.VIDEO, self._ticks.pts(self._number))
        return self._ticks.pts(self._number)

    def finish(self) -> None:
        """No more ticks come."""
        self.shown.crew.stop()
        with self._lock:
            unanswered, self._snapshots = self._snapshots, []
        for wanted in unanswered:
            wanted.cancel()

    def _tick(self, pts: int, now: int, wall: int) -> None:
        began, worked = time.perf_counter_ns(), time.thread_time_ns()
        self.counts.ticks += 1
        behind = now >= self._ticks.pts(self._number + 1)
        self._note_shortfall(missing=behind)
        if behind:
            self.counts.repeated += 1
        else:
            self._paint(pts, wall + pts)
        self._encode(pts)
        busy = time.perf_counter_ns() - began
        self.shown.crew.note(time.thread_time_ns() - worked, busy, self._ticks.interval())
        if self.shown.crew.overloaded and self._encoder is not None:
            self._encoder.hurry()
        self.counts.late += now + busy >= self._ticks.pts(self._number + 1)
        self._answer_snapshots()

    def _paint(self, pts: int, wall: int) -> None:
        assert self._compositor is not None  # noqa: S101 - there is one whenever there is an encoder
        newest = self.shown.newest(pts, self._ticks.interval())
        try:
            self._compositor.paint(wall, newest)
            if self.sei.tells_places:
                self._seen = seen_in(self._compositor.scene, newest.keys())
        except (OpenMpuError, ValueError, OSError) as error:
            self.counts.paint_errors += 1
            if self.counts.paint_errors == 1:
                _log.warning("a tick could not be painted", error=str(error))
        newest.rest()

    def _encode(self, pts: int) -> None:
        assert self._compositor is not None  # noqa: S101 - as above
        assert self._encoder is not None  # noqa: S101 - as above
        key, self._key_wanted = self._key_wanted, False
        for packet in self._encoder.encode(self._compositor.canvas.as_frame(), pts, key=key):
            self._out.put(self.sei.put_into(packet, self._encoder.profile.codec, self._seen))

    def _adopt(self, now: int) -> None:
        """Take a new plan over: whole, between two ticks."""
        if self._planned is None:
            return
        with self._lock:
            (scene, spec), self._planned = self._planned, None
        self._adopted = True
        self.sei.plan(spec)
        if spec.video is None:
            self._switch_off()
        else:
            self._set_encoder(spec.video, now)
            self._set_scene(scene, now)

    def _switch_off(self) -> None:
        self._encoder = self._compositor = self.scene = None
        self.shown.clear()
        self._out.set_video(None)

    def _set_encoder(self, profile: VideoProfile, now: int) -> None:
        if self._encoder is not None and self._encoder.profile == profile:
            return
        base = self._ticks.pts(self._number) if self._encoder else self._out.after_last(Kind.VIDEO, now)
        self._ticks, self._number = Ticks(profile.fps, base=base), 0
        self._encoder = VideoEncoder(profile)
        self._out.set_video(profile)

    def _set_scene(self, scene: Scene, now: int) -> None:
        if scene == self.scene:
            return
        self.scene = scene
        if self._compositor is None:
            self._compositor = Compositor(scene, self._overlays, self._segmenter)
        else:
            self._compositor.set_scene(scene)
        self.shown.want(scene.shown_tracks, now)

    def _pass_over(self, now: int) -> None:
        number = self._ticks.due(now)
        self.counts.missed += number - self._number
        for _ in range(min(number - self._number, self._ticks.rate)):
            self._note_shortfall(missing=True)
        self._number = number

    def _most_behind(self) -> int:
        """Nanoseconds that a tick may be late; more is not caught up."""
        return MOST_TICKS_BEHIND * self._ticks.interval() if self._shortfall > SHORT_FROM else MOST_BEHIND

    def _note_shortfall(self, *, missing: bool) -> None:
        self._shortfall += _WEIGHT * (missing - self._shortfall)

    def _answer_snapshots(self) -> None:
        if not self._snapshots or self._compositor is None:
            return
        with self._lock:
            waiting, self._snapshots = self._snapshots, []
        frame = self._compositor.canvas.as_frame()
        picture = np.asarray(frame.to_ndarray()).copy()
        for wanted in waiting:
            if wanted.set_running_or_notify_cancel():
                wanted.set_result((picture, int(frame.colorspace)))
