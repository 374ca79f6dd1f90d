"""The pictures of a mix: at each tick the newest frames are decoded, painted and encoded; every tick gives one picture.

A tick that comes late while the next one is already due repeats the canvas as it is; what is more than a second behind
(the machine stood still) is passed over and counted as missed. A new scene or profile is taken over whole between two
ticks. Time is an argument; nothing here reads a clock, except how long its own work took.
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
from openmpu.media.decoding.crew import Crew
from openmpu.media.decoding.track import VideoTrack
from openmpu.media.encoding.sei import SeiTexts
from openmpu.media.encoding.video import VideoEncoder
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.overlays import Overlays
from openmpu.media.video import ShownFrame
from openmpu.model.encoder import VideoProfile
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.model.scene import Scene
from openmpu.model.task import TaskSpec
from openmpu.timing.ticks import SECOND, Ticks

MOST_BEHIND: Final = SECOND
IDLE: Final = SECOND // 20
DEGRADED_FROM: Final = 0.1
"""Share of ticks of late that had no picture of their own."""
_WEIGHT: Final = 0.03
LINGER: Final = 2 * SECOND
"""A track no longer shown is decoded so much longer: shown again, it need not wait for a key frame."""
_log = structlog.get_logger()


@dataclass(slots=True)
class PictureCounts:
    """What became of the ticks. Late: encoded after the next one was due."""

    ticks: int = 0
    late: int = 0
    repeated: int = 0
    missed: int = 0
    paint_errors: int = 0
    bytes: int = 0
    keys: int = 0


class PictureSide:
    """Used by the picture thread, but for `plan`, `force_key` and `snapshot`.

    Args:
        inputs: The subscribed tracks, kept up to date by the network thread.
        out: Takes the packets.
        want_key: Asks a track's publisher for a key frame.
        overlays: Pictures, texts and clocks.
    """

    def __init__(
        self,
        inputs: Mapping[TrackId, TrackInput],
        out: Interleaver,
        want_key: Callable[[TrackId], None],
        overlays: Overlays | None = None,
    ) -> None:
        self.counts = PictureCounts()
        self.crew = Crew()
        self.tracks: dict[TrackId, VideoTrack] = {}
        self.scene: Scene | None = None
        self.texts = SeiTexts()
        self._inputs, self._out, self._want_key = inputs, out, want_key
        self._lock = threading.Lock()
        self._planned: tuple[Scene, TaskSpec] | None = None
        self._key_wanted = False
        self._snapshots: list[Future[Any]] = []
        self._compositor: Compositor | None = None
        self._overlays = overlays
        self._encoder: VideoEncoder | None = None
        self._ticks = Ticks(1)
        self._number = 0
        self._refused: set[TrackId] = set()
        self._hidden: dict[TrackId, int] = {}
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
        """Counts of ticks, and of each shown track."""
        counts, decoders = self.counts, [track.decoder for track in tuple(self.tracks.values())]
        ages = [age for track in tuple(self.tracks.values()) if (age := track.age_ms(now)) is not None]
        return {
            "ticks": counts.ticks,
            "missed_ticks": counts.missed,
            "late_ticks": counts.late,
            "repeated": counts.repeated,
            "paint_errors": counts.paint_errors,
            "tick_load": round(self.crew.load, 3),
            "decode_helpers": self.crew.helped,
            "degraded": self.degraded,
            "shown_tracks": len(decoders),
            "decoded": sum(decoder.decoded for decoder in decoders),
            "decode_errors": sum(decoder.errors for decoder in decoders),
            "withheld": sum(decoder.withheld for decoder in decoders),
            "frame_age_ms": round(max(ages)) if ages else None,
        }

    @property
    def degraded(self) -> bool:
        """Whether of late pictures were repeated or missed for want of time."""
        return self._shortfall > DEGRADED_FROM

    @property
    def complete(self) -> bool:
        """Whether every shown track that is subscribed has a picture."""
        scene, tracks = self.scene, dict(self.tracks)
        if scene is None:
            return self._adopted
        wanted = [track_id for track_id in scene.shown_tracks if track_id in self._inputs]
        return all(track_id in tracks and tracks[track_id].newest for track_id in wanted)

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
        if now - self._ticks.pts(self._number) > MOST_BEHIND:
            self._pass_over(now)
        pts = self._ticks.pts(self._number)
        if now >= pts:
            self._tick(pts, now, wall)
            self._number += 1
            self._out.reach(Kind.VIDEO, self._ticks.pts(self._number))
        return self._ticks.pts(self._number)

    def finish(self) -> None:
        """No more ticks come."""
        self.crew.stop()
        with self._lock:
            unanswered, self._snapshots = self._snapshots, []
        for wanted in unanswered:
            wanted.cancel()

    def newest(self, pts: int) -> dict[TrackId, ShownFrame]:
        """Decode what is due; the picture of each shown track that has one."""
        interval = self._ticks.interval()
        shown = self.crew.each(lambda track: track.advance(pts, interval), self.tracks.values())
        return {track_id: frame for track_id, frame in zip(self.tracks, shown, strict=True) if frame is not None}

    def _tick(self, pts: int, now: int, wall: int) -> None:
        began, worked = time.perf_counter_ns(), time.thread_time_ns()
        self.counts.ticks += 1
        behind = now >= self._ticks.pts(self._number + 1)
        self._shortfall += _WEIGHT * (behind - self._shortfall)
        if behind:
            self.counts.repeated += 1
        else:
            self._paint(pts, wall + pts)
        self._encode(pts)
        busy = time.perf_counter_ns() - began
        self.crew.note(time.thread_time_ns() - worked, busy, self._ticks.interval())
        self.counts.late += now + busy >= self._ticks.pts(self._number + 1)
        self._answer_snapshots()

    def _paint(self, pts: int, wall: int) -> None:
        assert self._compositor is not None  # noqa: S101 - there is one whenever there is an encoder
        self._tune(pts)
        newest = self.newest(pts)
        try:
            self._compositor.paint(wall, newest)
        except (OpenMpuError, ValueError, OSError) as error:
            self.counts.paint_errors += 1
            if self.counts.paint_errors == 1:
                _log.warning("a tick could not be painted", error=str(error))

    def _encode(self, pts: int) -> None:
        assert self._compositor is not None  # noqa: S101 - as above
        assert self._encoder is not None  # noqa: S101 - as above
        key, self._key_wanted = self._key_wanted, False
        for packet in self._encoder.encode(self._compositor.canvas.as_frame(), pts, key=key):
            self.counts.bytes += len(packet.data)
            self.counts.keys += packet.key
            self._out.put(self.texts.put_into(packet, self._encoder.profile.codec))

    def _adopt(self, now: int) -> None:
        """Take a new plan over: whole, between two ticks."""
        if self._planned is None:
            return
        with self._lock:
            (scene, spec), self._planned = self._planned, None
        self._adopted = True
        self.texts.payload_type = spec.sei.payload_type if spec.sei else None
        if spec.video is None:
            self._switch_off()
        else:
            self._set_encoder(spec.video, now)
            self._set_scene(scene, now)

    def _switch_off(self) -> None:
        self._encoder = self._compositor = self.scene = None
        self.tracks.clear()
        self._hidden.clear()
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
            self._compositor = Compositor(scene, self._overlays)
        else:
            self._compositor.set_scene(scene)
        self._refused &= scene.shown_tracks
        self._hidden = {
            track_id: self._hidden.get(track_id, now) for track_id in self.tracks.keys() - scene.shown_tracks
        }

    def _tune(self, pts: int) -> None:
        """A decoder for each shown track that is subscribed by now; none for what is hidden for long."""
        assert self.scene is not None  # noqa: S101 - as above
        for track_id in [track_id for track_id, since in self._hidden.items() if pts - since > LINGER]:
            del self.tracks[track_id], self._hidden[track_id]
        for track_id in self.scene.shown_tracks - self._refused:
            source, track = self._inputs.get(track_id), self.tracks.get(track_id)
            if source is not None and (track is None or track.source is not source):
                self._add_track(track_id, source)

    def _add_track(self, track_id: TrackId, source: TrackInput) -> None:
        try:
            self.tracks[track_id] = VideoTrack(source, lambda: self._want_key(track_id))
        except OpenMpuError as error:
            self._refused.add(track_id)
            _log.warning("a track cannot be shown", track=track_id, codec=source.track.codec, error=error.message)

    def _pass_over(self, now: int) -> None:
        number = self._ticks.due(now)
        self.counts.missed += number - self._number
        self._number = number

    def _answer_snapshots(self) -> None:
        if not self._snapshots or self._compositor is None:
            return
        with self._lock:
            waiting, self._snapshots = self._snapshots, []
        frame = self._compositor.canvas.as_frame()
        picture = np.asarray(frame.to_ndarray()).copy()
        for wanted in waiting:
            wanted.set_result((picture, int(frame.colorspace)))
