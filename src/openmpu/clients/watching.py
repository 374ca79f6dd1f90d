"""Watching an RTMP stream as it comes: one thread decodes it and keeps the last seconds of what it saw and heard.

Fed with tags from the receiver's loop; when it cannot keep up it leaves pictures out up to the next key frame, and
counts them.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from openmpu.clients import reading
from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.glimpses import Change, Glimpse, Seating, Usher, Watched, hear
from openmpu.clients.snapshots import to_png
from openmpu.model.layouts import Layout
from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import Tag, TagKind

_SECOND = 1_000_000_000
_KEPT = 3 * _SECOND
_MOST_WAITING = 200
"""Tags: some three seconds."""
_MILLISECONDS = Fraction(1, 1000)


class Watcher:
    """Watches one stream of H.264 and AAC from `start` to `stop`.

    Args:
        people: Who may be seen and heard, by user id.
        layouts: What may be shown.
    """

    def __init__(self, people: Mapping[str, Watched], layouts: Sequence[Layout]) -> None:
        self._people, self._layouts = people, layouts
        self._tags: queue.Queue[Tag | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._lock = threading.Lock()
        self._video: VideoCodecContext | None = None
        self._audio: AudioCodecContext | None = None
        self._usher: Usher | None = None
        self._sights: dict[str, deque[reading.Sight]] = {name: deque(maxlen=100) for name in people}
        self._blocks: deque[tuple[int, reading.Samples]] = deque()
        self._changes: list[Change] = []
        self._latest: av.VideoFrame | None = None
        self._to_key = False
        self.left_out = 0
        """Tags that were dropped because decoding did not keep up."""

    def start(self) -> None:
        """Begin to decode."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what it found stays."""
        while self._thread.is_alive():
            try:
                self._tags.put_nowait(None)
            except queue.Full:
                self._tags.get_nowait()
            self._thread.join(0.1)

    def take(self, tag: Tag) -> None:
        """One tag of the stream, in order; never waits."""
        role = about(tag).role
        if self._to_key and role is Role.FRAME:
            self.left_out += 1
            return
        try:
            self._tags.put_nowait(tag)
            self._to_key = self._to_key and role is not Role.KEY_FRAME
        except queue.Full:
            self.left_out += 1
            self._to_key = True

    @property
    def waiting(self) -> int:
        """Tags that are not decoded yet."""
        return self._tags.unfinished_tasks

    def changes(self) -> list[Change]:
        """All seatings that were seen, in order."""
        with self._lock:
            return list(self._changes)

    def png(self) -> bytes | None:
        """The latest picture."""
        with self._lock:
            latest = self._latest
        return to_png(latest) if latest else None

    def glimpse(self, now: int) -> Glimpse:
        """The last seconds, taken together; costs some hundredths of a second. `now`: Unix nanoseconds."""
        with self._lock:
            seating = self._usher.seating if self._usher else Seating()
            sights = {name: list(self._sights[name]) for name in seating.seats.values()}
            blocks = list(self._blocks)
        start = blocks[0][0] if blocks else 0
        samples = np.concatenate([block for _, block in blocks]) if blocks else np.zeros(0, np.float32)
        offsets = {name: self._offset(name, seen, samples, start, now) for name, seen in sights.items()}
        told = {name: offset / 1e6 for name, offset in offsets.items() if offset is not None}
        return Glimpse(seating, hear(samples[-SAMPLE_RATE:], self._people), told)

    def _offset(
        self, name: str, sights: Sequence[reading.Sight], samples: reading.Samples, start: int, now: int
    ) -> int | None:
        who = self._people[name]
        recent = [sight for sight in sights if sight.pts >= start]
        return reading.av_offset(recent, reading.beep_times(samples, who.tone_hz, start), who.fps, now)

    def _run(self) -> None:
        while tag := self._tags.get():
            try:
                self._decode(tag)
            except av.FFmpegError:
                self.left_out += 1
            finally:
                self._tags.task_done()

    def _decode(self, tag: Tag) -> None:
        match tag.kind, about(tag).role:
            case TagKind.VIDEO, Role.HEADER:
                self._video = _decoder("h264", tag.payload[5:])
            case TagKind.AUDIO, Role.HEADER:
                self._audio = _decoder("aac", tag.payload[2:])
            case _, Role.KEY_FRAME | Role.FRAME if self._video:
                for frame in self._video.decode(_packet(tag, 5)):
                    self._see(frame)
            case _, Role.SOUND if self._audio:
                for block in self._audio.decode(_packet(tag, 2)):
                    self._hear(block)

    def _see(self, frame: av.VideoFrame) -> None:
        pts = (frame.pts or 0) * (_SECOND // 1000)
        usher = self._usher or Usher(self._people, self._layouts, frame.width, frame.height)
        before = usher.seating
        sights = usher.look(_luma(frame), pts)
        with self._lock:
            self._usher, self._latest = usher, frame
            for name, sight in sights.items():
                self._sights[name].append(sight)
            if usher.seating != before or not self._changes:
                self._changes.append(Change(pts, usher.seating, 0))
            last = self._changes[-1]
            self._changes[-1] = Change(last.pts, last.seating, last.pictures + 1)

    def _hear(self, block: av.AudioFrame) -> None:
        pts = (block.pts or 0) * (_SECOND // 1000)
        samples = block.to_ndarray().mean(axis=0, dtype=np.float32)
        with self._lock:
            self._blocks.append((pts, samples))
            while pts - self._blocks[0][0] > _KEPT:
                self._blocks.popleft()


def _decoder(name: str, configuration: bytes) -> Any:
    """A decoder told by the stream's sequence header; one thread, no delay."""
    context = av.CodecContext.create(name, "r")
    context.extradata = configuration
    context.thread_count = 1
    return context


def _packet(tag: Tag, header: int) -> av.Packet[Any]:
    packet = av.Packet(tag.payload[header:])
    packet.pts = packet.dts = tag.timestamp
    packet.time_base = _MILLISECONDS
    return packet


def _luma(frame: av.VideoFrame) -> reading.Luma:
    plane = frame.planes[0]
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return padded[:, : plane.width]
