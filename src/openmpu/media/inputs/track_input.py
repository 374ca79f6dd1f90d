"""One subscribed track on its way in: each frame gets its task time, then waits in a short bounded list.

Put in by the network thread, taken out by an output thread.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from openmpu.media.inputs.gate import Gate
from openmpu.media.inputs.sync import SyncGroup
from openmpu.model.frames import EncodedFrame
from openmpu.model.roster import Kind, Track
from openmpu.timing.rtp_time import RtpTime
from openmpu.timing.selection import Queue
from openmpu.timing.ticks import MILLISECOND
from openmpu.timing.track_clock import TrackClock

KEPT: Final = {Kind.VIDEO: 120, Kind.AUDIO: 100}
"""Frames: two to four seconds of picture, two seconds of sound."""

SOUND_AHEAD: Final = 65 * MILLISECOND
"""Sound is mixed 40 ms before its time (the encoder keeps that much), 5 ms are the limiter's, 20 ms a block: so its
packets must be here so much earlier."""

PICTURE_AHEAD: Final = 20 * MILLISECOND
"""A tick shows what belongs up to so long after its time (half a tick, if that is less): were only frames shown whose
time has come, pictures would be late by half a tick on average, and behind the sound."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A frame with its task time (before the playout delay) and its place on the track's own clock, in ns."""

    pts: int
    media: int
    frame: EncodedFrame


class TrackInput:
    """The list of one track."""

    def __init__(self, track: Track, group: SyncGroup) -> None:
        self.track = track
        self.group = group
        self.frames = 0
        self.bytes = 0
        self.lost = 0
        self._clock = TrackClock(track.clock_rate, group.sender)
        self._media = RtpTime(track.clock_rate)
        self._queue: Queue[Incoming] = Queue(KEPT[track.kind])
        self._gate = Gate()
        self._ahead = SOUND_AHEAD if track.kind is Kind.AUDIO else PICTURE_AHEAD
        self._lock = threading.Lock()

    def put(self, frame: EncodedFrame, arrival: int) -> None:
        """Take a frame that arrived at task time `arrival`."""
        pts = self._clock.pts(frame.rtp_time, arrival, frame.ntp)
        media = self._media.unroll(frame.rtp_time)
        self.group.playout.hear(arrival - pts + self._ahead, arrival)
        self.frames += 1
        self.bytes += len(frame.data)
        self.lost += frame.lost
        with self._lock:
            if self._gate.lets(frame, arrival, len(self._queue)):
                self._queue.put(pts, media, Incoming(pts, media, frame))

    def due(self, pts: int) -> list[Incoming]:
        """The frames whose time is not after `pts`, oldest first; the playout delay is the taker's to subtract."""
        with self._lock:
            items = [timed.item for timed in self._queue.due(pts)]
            self._gate.held -= sum(len(item.frame.data) for item in items)
        return items

    @property
    def delay(self) -> int:
        """Playout delay of its group, in nanoseconds."""
        return self.group.delay

    def note_heard(self, distance: int, pts: int) -> None:
        """Its sound, captured `distance` before, is mixed for `pts`."""
        self.group.note_heard(distance, pts)

    @property
    def next_pts(self) -> int | None:
        """The time of the first frame that waits."""
        with self._lock:
            first = self._queue.first()
        return first.pts if first else None

    @property
    def dropped(self) -> int:
        """Frames that nobody took in time, or that were too many or too large."""
        return self._queue.dropped + self._gate.refused

    @property
    def waiting(self) -> int:
        """Frames in the list now."""
        return len(self._queue)

    @property
    def anchors(self) -> int:
        """How often its clock was anchored: once, and at each leap of its RTP time."""
        return self._clock.anchors

    def close(self) -> None:
        """The track is over."""
        self._clock.close()
        with self._lock:
            self._queue.clear()
